# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Debian's redis in a TEE, its counters, and redis-benchmark against it: for the run-*-hostcalls."""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
KINDS = ("kick", "vcpu_wake", "vcpu_wait")


def redis_answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as s:
            s.sendall(b"PING\r\n")
            return s.recv(100).startswith(b"+PONG")
    except OSError:
        return False


class Redis:
    """redis-server with these arguments behind the user network; binaries of BUILD; `extra` are
    further arguments of `rktio run` for a new folder in `where`. Ends with its with-block."""

    def __init__(self, build, vcpus, args, binaries=(), extra=lambda top: [], where="/var/tmp"):
        self.build, self.name = build, f"hostcalls-{os.getpid()}-{time.monotonic_ns()}"
        self.top = tempfile.mkdtemp(prefix="rktio-hostcalls-", dir=where)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        tree = [f"{TOP}/tools/mkrootfs", "-o", f"{self.top}/tree"]
        for b in ("redis-server", *binaries):
            tree += ["--bin", b]
        subprocess.run(tree, check=True, stdout=subprocess.DEVNULL)
        self.tee = subprocess.Popen(
            [f"{build}/rktio", "run", "--name", self.name, "--vcpus", vcpus, "--log", "err", "--nic",
             "user", "-p", f"{self.port}:6379", *extra(self.top), "--rootfs-dir", f"{self.top}/tree",
             "--", "/usr/bin/redis-server", "--save", "", "--protected-mode", "no", *args],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        while not redis_answers(self.port):
            time.sleep(0.1)
            if self.tee.poll() is not None:
                sys.exit("the TEE ended")
        return self

    def __exit__(self, *_):
        self.tee.terminate()
        self.tee.wait()
        shutil.rmtree(self.top)

    def counters(self):
        time.sleep(0.3)  # they are written at ticks
        r = subprocess.run([f"{self.build}/rktio", "stats", self.name, "--json"], capture_output=True,
                           check=True)
        return {k: v for k, v in json.loads(r.stdout).items() if isinstance(v, int)}

    def load(self, test, clients, pipeline, count):
        """(requests per second, seconds, growth of the counters) of one redis-benchmark."""
        before, start = self.counters(), time.monotonic()
        r = subprocess.run(["redis-benchmark", "-p", str(self.port), "-q", "-t", test, "-d", "256", "-c",
                            str(clients), "-P", str(pipeline), "-n", str(count)],
                           capture_output=True, text=True, check=True)
        seconds = time.monotonic() - start
        grown = {k: v - before.get(k, 0) for k, v in self.counters().items()}
        return float(re.search(r"([0-9.]+) requests per second", r.stdout).group(1)), seconds, grown
