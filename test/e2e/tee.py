# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Starts and ends real TEEs with redis-server inside; finds their device processes."""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "test", "run"))
from harness import Skip, expect, run  # noqa: E402
from redis import Redis  # noqa: E402

READY = "Ready to accept connections"
LIMIT = 60  # seconds for anything; ends a hang, decides nothing else
BINARIES = ("rktio", "rktio-host", "rktio-owner", "rktio.tee", "host/nvmed/nvmed", "host/netd/netd")
SERVER = ["/usr/bin/redis-server", "--save", "", "--appendonly", "yes", "--appendfsync", "always",
          "--auto-aof-rewrite-percentage", "0", "--dir", "/data", "--protected-mode", "no"]


def wait_for(what, condition, limit=LIMIT):
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {limit} s for {what}")
        time.sleep(0.02)


class Place:
    """A directory with the programs side by side (so that a wrapper can stand for one of them),
    the root image and a key. On emu a tree stands for the image: then the settings that an image
    would have to allow are the host's there, too (docs/sgx.md)."""

    def __init__(self, build, top, kind="soft"):
        self.build, self.top, self.kind = os.path.abspath(build), top, kind
        self.bin = os.path.join(top, "bin")
        os.mkdir(self.bin)
        for name in BINARIES:
            path = os.path.join(self.build, name)
            if not os.path.exists(path):
                raise Skip(f"{path} is missing")
            shutil.copy(path, self.bin)  # no links: programs find each other by /proc/self/exe
        self.rktio = os.path.join(self.bin, "rktio")
        self.root = os.path.join(top, "root.img")
        self.key = os.path.join(top, "key")
        with open(self.key, "wb") as f:
            f.write(os.urandom(32))
        self.tree = tree = os.path.join(top, "tree")
        for argv in ([os.path.join(TOP, "tools/mkrootfs"), "-o", tree, "--sh", "--bin", "redis-server",
                      "--bin", "redis-cli", "--bin", "/sbin/mkfs.ext4"],
                     [self.rktio, "pack", tree, "-o", self.root]):
            r = run(argv)
            expect(r.code == 0, f"{argv[0]}: {r.err}")
        if kind == "soft":
            shutil.rmtree(tree)

    def machine(self, image, nic):
        """Arguments for the kind of TEE, and the root."""
        if self.kind == "soft":
            return (["--nic", nic] if nic else []) + [image or self.root]
        if nic and "protect=" not in nic:
            nic += ",protect=insecure_none"
        return (["--nic", nic] if nic else []) + ["--tee", self.kind, "--rootfs-dir", self.tree]

    def replace(self, name, script):
        """Puts SCRIPT in the place of a device process; {real} in it is the real one."""
        path = os.path.join(self.bin, name)
        real = os.path.realpath(os.path.join(self.build, "host", name, name))
        with open(path, "w", encoding="utf-8") as f:
            f.write(script.replace("{real}", real))
        return path

    def wrap(self, name, *words):
        """From now on, device process NAME is started as `WORDS NAME ARGUMENTS`, where @ in
        WORDS stands for its path and everything behind it is appended to its arguments."""
        at = words.index("@") if "@" in words else len(words)
        line = " ".join([*words[:at], "{real}", '"$@"', *words[at + 1:]])
        self.replace(name, f"#!/bin/sh\nexec {line}\n")

    def unwrap(self, name):
        shutil.copy(os.path.join(self.build, "host", name, name), self.bin)

    def image(self, name):
        """A copy of the root image: one TEE at a time holds an image."""
        path = os.path.join(self.top, name)
        shutil.copyfile(self.root, path)
        return path


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def new_disk(path, mib=64):
    with open(path, "wb") as f:
        f.truncate(mib << 20)
    return path


class Tee:
    """One running `rktio run`. Ends with its with-block, whatever happened."""

    count = 0

    def __init__(self, place, disk=None, key=True, nic="user", ports=(), argv=None, image=None,
                 vcpus=1, options=(), stdin=subprocess.DEVNULL):
        Tee.count += 1
        self.place, self.name = place, f"e2e-{os.getpid()}-{Tee.count}"
        self.log_path = os.path.join(place.top, f"{self.name}.log")
        self.stats_path = os.path.join(place.top, f"{self.name}.stats")
        args = [place.rktio, "run", "--name", self.name, "--vcpus", str(vcpus),
                f"--stats={self.stats_path}", *options]
        if disk:
            secret = f",key=file:{place.key},mkfs=empty" if key else ""
            args += ["--disk", f"data=file:{disk},mount=/data,fs=ext4{secret}"]
        for p in ports:
            args += ["-p", p]
        args += [*place.machine(image, nic), "--", *(argv or SERVER)]
        with open(self.log_path, "wb") as log:
            self.proc = subprocess.Popen(args, stdin=stdin, stdout=log, stderr=log)
        self.pid = self.proc.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def tail(self):
        return self.log()[-600:]

    def wait_log(self, text, count=1):
        def seen():
            expect(self.proc.poll() is None, f"ended with {self.proc.returncode}: {self.tail()!r}")
            return self.log().count(text) >= count
        wait_for(f"{text!r} of {self.name}", seen)

    def ready(self):
        """redis listens. Not found out by connecting: a SYN that comes too early waits 6 s."""
        self.wait_log(READY)
        return self

    def stats(self):
        r = run([self.place.rktio, "stats", self.name, "--json"])
        expect(r.code == 0, f"rktio stats: {r.err}")
        return json.loads(r.out)

    def device(self, program):
        """Process ids of our netd or nvmed (by executable: a wrapper doesn't count)."""
        found = []
        for pid in descendants(self.pid):
            try:
                if os.path.basename(os.readlink(f"/proc/{pid}/exe")) == program:
                    found.append(pid)
            except OSError:
                pass
        return found

    def kill_device(self, program):
        old = self.device(program)
        expect(len(old) == 1, f"{program}: processes {old}")
        os.kill(old[0], signal.SIGKILL)
        wait_for(f"a new {program}", lambda: self.device(program) not in ([], old))

    def kill(self):
        """kill -9 of the launcher; its device processes must follow by themselves."""
        children = descendants(self.pid)
        self.proc.kill()
        self.proc.wait()
        wait_for("the end of the device processes", lambda: not any(map(alive, children)), 10)

    def end(self):
        """Clean end (SIGTERM goes to the program), else a hard one. The exit status."""
        children = descendants(self.pid)
        if self.proc.poll() is None:
            self.proc.terminate()
            try:
                self.proc.wait(20)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
        wait_for("the end of the device processes", lambda: not any(map(alive, children)), 10)
        return self.proc.returncode


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def descendants(pid):
    """All processes below this one. Not only children: strace may stand in between."""
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []
    found = []
    for task in tasks:
        try:
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as f:
                children = f.read().split()
        except OSError:
            continue
        for child in map(int, children):
            found += [child, *descendants(child)]
    return found


def connect(port):
    """A connection to redis, tried until one works (back ends may be on their way back)."""
    end = time.monotonic() + LIMIT
    while True:
        try:
            r = Redis(port, timeout=5)
            expect(r.call("PING") == b"PONG", "PING")
            r.sock.settimeout(LIMIT)
            return r
        except OSError as e:
            if time.monotonic() > end:
                raise AssertionError(f"no connection to port {port}: {e}") from e
            time.sleep(0.05)
