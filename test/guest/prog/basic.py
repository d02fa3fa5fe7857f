#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""python3: threads, signals, mmap, sockets, sqlite3, subprocess, asyncio, and the usual modules."""
import asyncio
import ctypes
import hashlib
import json
import mmap
import os
import queue
import select
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import zlib


def threads():
    q, total = queue.Queue(), [0]
    lock = threading.Lock()

    def work():
        while True:
            n = q.get()
            if n is None:
                return
            with lock:
                total[0] += n
    ts = [threading.Thread(target=work) for _ in range(8)]
    for t in ts:
        t.start()
    for i in range(5000):
        q.put(i)
    for _ in ts:
        q.put(None)
    for t in ts:
        t.join()
    return total[0]


def signals():
    seen = []
    signal.signal(signal.SIGUSR1, lambda s, f: seen.append(s))
    for _ in range(5):
        os.kill(os.getpid(), signal.SIGUSR1)
    signal.signal(signal.SIGALRM, lambda s, f: seen.append("alarm"))
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    while "alarm" not in seen:
        time.sleep(0.005)
    return len(seen)


def memory_map():
    with tempfile.TemporaryFile(dir="/tmp") as f:
        f.write(b"\0" * 100000)
        f.flush()
        with mmap.mmap(f.fileno(), 100000) as m:
            m[5000:5005] = b"hello"
            m.flush()
            found = m.find(b"hello")
        f.seek(5000)
        return found, f.read(5).decode()


def sockets(family, host):
    server = socket.socket(family)
    server.bind((host, 0))
    server.listen()
    data = os.urandom(1 << 20)

    def serve():
        c, _ = server.accept()
        with c:
            c.sendall(data)
    t = threading.Thread(target=serve)
    t.start()
    c = socket.create_connection(server.getsockname()[:2])
    got = b"".join(iter(lambda: c.recv(65536), b""))
    t.join()
    c.close()
    server.close()
    return got == data


def database(mode):
    path = "/tmp/py-%s.db" % mode
    db = sqlite3.connect(path)
    db.execute("pragma journal_mode=%s" % mode)
    db.execute("create table t(a integer, b text)")
    with db:
        db.executemany("insert into t values(?, ?)", ((i, str(i * i)) for i in range(5000)))
    other = sqlite3.connect(path)
    r = other.execute("select count(*), sum(a), max(b) from t").fetchone()
    other.close()
    db.close()
    for end in ("", "-wal", "-shm"):
        if os.path.exists(path + end):
            os.unlink(path + end)
    return r


def children():
    out = subprocess.run(["/bin/echo", "from a child"], stdout=subprocess.PIPE, check=True).stdout
    up = subprocess.run(["/bin/cat"], input=b"x" * 200000, stdout=subprocess.PIPE, check=True).stdout
    code = subprocess.call(["/bin/false"])
    with subprocess.Popen(["/bin/sleep", "1000"]) as p:
        p.kill()
        killed = p.wait()
    return out, len(up), code, killed


async def echo_clients():
    async def handle(r, w):
        w.write(await r.read(100))
        await w.drain()
        w.close()
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def client(i):
        r, w = await asyncio.open_connection("127.0.0.1", port)
        w.write(b"%d" % i)
        data = await r.read(100)
        w.close()
        return int(data)
    got = await asyncio.gather(*[client(i) for i in range(100)])
    server.close()
    return sum(got)


def epoll():
    r, w = os.pipe()
    ep = select.epoll()
    ep.register(r, select.EPOLLIN)
    none = ep.poll(0)
    os.write(w, b"x")
    return none, [e for _, e in ep.poll(1)]


def computing():
    primes = [n for n in range(2, 5000) if all(n % d for d in range(2, int(n ** 0.5) + 1))]
    return len(primes), 3 ** 1000 % 1000007, hashlib.sha256(b"x" * 1000000).hexdigest()[:16]


def modules():
    data = zlib.compress(json.dumps(list(range(1000))).encode())
    libc = ctypes.CDLL(None)
    return len(json.loads(zlib.decompress(data))), libc.abs(-5)


def files():
    base = tempfile.mkdtemp(dir="/tmp")
    for i in range(200):
        with open("%s/%d" % (base, i), "w", encoding="ascii") as f:
            f.write(str(i))
    total = sum(int(open(e.path, encoding="ascii").read()) for e in os.scandir(base))
    for e in os.scandir(base):
        os.unlink(e.path)
    os.rmdir(base)
    return total


def sleeping():
    a = time.monotonic()
    time.sleep(0.05)
    return time.monotonic() - a >= 0.05


def main():
    print("threads", threads())
    print("signals", signals())
    print("mmap", memory_map())
    print("sockets", sockets(socket.AF_INET, "127.0.0.1"), sockets(socket.AF_INET6, "::1"))
    print("sqlite", database("delete"), database("wal"))
    print("children", children())
    print("asyncio", asyncio.run(echo_clients()))
    print("epoll", epoll())
    print("computing", computing())
    print("modules", modules())
    print("files", files())
    print("sleeping", sleeping())
    sys.exit(4)


main()
