# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The real programs: coreutils, dash, perl, sqlite3, openssl, python3, servers, Go, node."""
import os
import random

from runner import build
from runner.suite import Group, Test

PROG = os.path.join(build.HERE, "prog")
PERL = "/usr/lib/x86_64-linux-gnu/perl"


def _put(tree, name):
    tree.text("/t/" + name, open(os.path.join(PROG, name), encoding="utf-8").read())


def _coreutils():
    with open(os.path.join(PROG, "coreutils.txt"), encoding="utf-8") as f:
        rows = [l.split() for l in f if l.strip() and l[0] != "#"]
    return [Test("coreutils/" + r[0], r[1:], status=None) for r in rows]


def _data(tree):
    """Files that the commands work on; the same on every machine."""
    rnd = random.Random(1)
    words = sorted("".join(rnd.choices("abcdefgh", k=5)) + " " + str(i) for i in range(500))
    numbers = "".join("%d.%d\n" % (rnd.randrange(10 ** 6), rnd.randrange(1000)) for _ in range(20000))
    tree.text("/t/words.txt", "\n".join(words) + "\n")
    tree.text("/t/numbers.txt", numbers)
    tree.text("/t/data/words.txt", "\n".join(words) + "\n")
    tree.text("/t/data/sub/numbers.txt", numbers)


def _tools_tree(out, tree):
    for t in _coreutils():
        tree.program(t.argv[0])
    for p in ("/bin/sh", "/usr/bin/perl", "/usr/bin/sqlite3", "/usr/bin/openssl", "/bin/cat"):
        tree.program(p)
    tree.folder(os.path.realpath("/usr/lib/x86_64-linux-gnu/perl-base"))
    for f in ("builtins.sh", "basic.pl", "test.sql"):
        _put(tree, f)
    _data(tree)
    tree.text("/usr/lib/ssl/openssl.cnf", "")


def _tools():
    ssl = "/usr/bin/openssl"
    enc = [ssl, "enc", "-pbkdf2", "-pass", "pass:x", "-S", "0011223344556677"]
    speed = [[ssl, "speed", "-seconds", "1"] + a for a in
             (["-evp", "aes-256-gcm"], ["-evp", "chacha20-poly1305"], ["sha256"], ["-multi", "1", "md5"])]
    return _coreutils() + [
        Test("dash", ["/bin/sh", "/t/builtins.sh"], status=9),
        Test("perl", ["/usr/bin/perl", "/t/basic.pl"], status=3),
        Test("sqlite3", ["/usr/bin/sqlite3", "/tmp/test.db", ".read /t/test.sql"]),
        Test("openssl/digest", [ssl, "dgst", "-sha3-256", "/t/numbers.txt"]),
        Test("openssl/encrypt", enc + ["-aes-256-cbc", "-a", "-in", "/t/words.txt"]),
        Test("openssl/ctr", enc + ["-aes-256-ctr", "-a", "-in", "/t/numbers.txt"]),
        Test("openssl/prime", [ssl, "prime", "-checks", "20", "170141183460469231731687303715884105727"]),
        Test("openssl/genrsa", [ssl, "genrsa", "-out", "/tmp/key.pem", "2048"], hang=300, silent=True),
    ] + [Test("openssl/speed-%d" % i, s, silent=True) for i, s in enumerate(speed[:3])]


def _trap_share(name, *argv):
    """At most 0.1 % of its system calls trap once it is warm (test/exec/trap_share.c)."""
    return Test("trap-share-" + name, ["/t/trap_share", *argv], hang=600, silent=True)


def _put_trap_share(out, tree):
    path = os.path.join(out, "bin", "trap_share")
    build.compile_c(path, "static-pie", ["test/exec/trap_share.c"])
    tree.program(path, "/t/trap_share")


def _python_tree(out, tree):
    tree.program("/usr/bin/python3.11")
    for p in ("echo", "cat", "false", "sleep"):
        tree.program("/bin/" + p)
    tree.folder("/usr/lib/python3.11", skip=("test", "tests", "idlelib", "lib2to3", "pydoc_data", "turtledemo",
                                             "ensurepip", "config-3.11-x86_64-linux-gnu", "tkinter"))
    tree.library("libgcc_s.so.1")
    _put(tree, "basic.py")
    _put(tree, "calls.py")
    _put_trap_share(out, tree)


def _servers_tree(out, tree):
    for name in ("duet", "mcclient"):
        path = os.path.join(out, "bin", name)
        build.compile_c(path, "pie", ["test/guest/prog/%s.c" % name])
        tree.program(path, "/t/" + name)
    for p in ("redis-server", "redis-cli", "redis-benchmark", "memcached"):
        tree.program("/usr/bin/" + p)
    for f in ("redis.duet", "redis-aof.duet", "memcached.duet", "redis.conf"):
        _put(tree, f)
    _put_trap_share(out, tree)
    tree.library("libgcc_s.so.1")


def _go_tree(out, tree):
    for cgo in (False, True):
        path = os.path.join(out, "bin", "go-dynamic" if cgo else "go-static")
        build.compile_go(path, "test/guest/prog/golang/main.go", cgo)
        tree.program(path, "/t/" + os.path.basename(path))
    path = os.path.join(out, "bin", "go-calls")
    build.compile_go(path, "test/guest/prog/gocalls/main.go", False)
    tree.program(path, "/t/go-calls")
    _put_trap_share(out, tree)
    for p in ("echo", "cat"):
        tree.program("/bin/" + p)
    tree.library("libgcc_s.so.1")


def _node_tree(out, tree):
    tree.program("/usr/bin/node")
    tree.program("/bin/echo")
    _put(tree, "basic.js")
    _put(tree, "child.js")


def groups():
    redis = ["-s", "/usr/bin/redis-server", "/t/redis.conf", "--port", "7003", "--appendonly", "no", ";",
             "/usr/bin/redis-benchmark", "-p", "7003", "-n", "20000", "-c", "20", "-q", "-t", "set,get,incr,lpush"]
    duets = [Test(n, ["/t/duet", "/t/%s.duet" % n], hang=600) for n in ("redis", "redis-aof", "memcached")]
    return [
        Group("tools", _tools(), _tools_tree, ("perl", "sqlite3", "openssl")),
        Group("python", [Test("python3", ["/usr/bin/python3.11", "/t/basic.py"], hang=600, status=4),
                         _trap_share("python3", "/usr/bin/python3.11", "/t/calls.py")], _python_tree, ("/usr/bin/python3.11",)),
        Group("servers", duets + [_trap_share("redis", *redis)], _servers_tree,
              ("redis-server", "redis-benchmark", "memcached")),
        Group("go", [Test("go-static", ["/t/go-static"], hang=300, status=6),
                     Test("go-dynamic", ["/t/go-dynamic"], hang=300, status=6),
                     _trap_share("go", "/t/go-calls")], _go_tree, ("go",)),
        Group("node", [Test("node", ["/usr/bin/node", "/t/basic.js"], hang=600, status=5),
                       Test("node_child", ["/usr/bin/node", "/t/child.js"], hang=600, status=5)], _node_tree,
              ("/usr/bin/node",)),
    ]
