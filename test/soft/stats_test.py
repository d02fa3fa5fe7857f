#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""stats_test.py RKTIO: each counter of the TEE's own life moves with what it counts, and a TEE that
sleeps shows all that it did. Skipped without rktio.tee."""
import json
import os
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "test", "run"))
from harness import Skip, expect, main  # noqa: E402

RKTIO = os.path.abspath(sys.argv[1])
VCPUS = 2
SCRIPT = """read x; i=0; while [ $i -lt %d ]; do i=$((i+1)); done; echo 1
read x; for i in 1 2 3 4 5; do sleep 0.05; done; echo 2
read x; a=x; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22; do a=$a$a; done; echo 3
read x; i=0; while [ $i -lt 300 ]; do umask >/dev/null; i=$((i+1)); done; echo 4
read x""" % 300000


class Tee:
    """sh in a TEE that does the next piece of SCRIPT for each line that it gets."""

    def __init__(self, top):
        if not os.path.exists(RKTIO + ".tee"):
            raise Skip("no TEE image")
        self.name = f"stats-{os.getpid()}"
        tree = f"{top}/tree"
        subprocess.run([f"{TOP}/tools/mkrootfs", "-o", tree, "--sh", "--bin", "sleep"], check=True,
                       stdout=subprocess.DEVNULL)
        with open(f"{top}/disk", "wb") as f:
            f.truncate(16 << 20)
        self.proc = subprocess.Popen(
            [RKTIO, "run", "--name", self.name, "--vcpus", str(VCPUS), "--log", "err", "--disk",
             f"d=file:{top}/disk", "--rootfs-dir", tree, "--", "/bin/sh", "-c", "echo 0\n" + SCRIPT],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        self.wait("0")
        return self

    def __exit__(self, *_):
        self.proc.kill()
        self.proc.wait()

    def wait(self, word):
        got = self.proc.stdout.readline().strip()
        expect(got == word, f"{got!r} instead of {word!r}")

    def stats(self):
        r = subprocess.run([RKTIO, "stats", self.name, "--json"], capture_output=True, check=True)
        return json.loads(r.stdout)

    def step(self, word):
        """What the next piece of the script adds to the counters."""
        before = self.stats()
        self.proc.stdin.write("\n")
        self.proc.stdin.flush()
        self.wait(word)
        time.sleep(0.1)  # to fall asleep, much less than between two ticks that publish
        return {k: v - before[k] for k, v in self.stats().items()}


def test_counters_move(top):
    with Tee(top) as tee:
        time.sleep(0.1)
        s = tee.stats()
        expect(s["entry.start"] == VCPUS, f"entry.start {s['entry.start']}")
        expect(0 < s["entry.resume"] <= s["hostcall.total"], "entry.resume")
        expect(s["hostcall.total"] - s["entry.resume"] <= VCPUS, "exits that never came back")
        expect(s["memory.arena_bytes"] > 0, "memory.arena_bytes")
        expect(s["memory.peak_bytes"] >= s["memory.committed_bytes"] > 16 << 20, "memory.committed")
        d = tee.step("1")
        expect(d["entry.preempt"] > 0 and d["entry.exception"] >= d["entry.preempt"],
               f"computing: {d['entry.preempt']} preemptions, {d['entry.exception']} exceptions")
        expect(d["time.ticks"] > 0, "time.ticks")
        d = tee.step("2")
        expect(d["time.wakes"] >= 5, f"time.wakes {d['time.wakes']} for 5 sleeps")
        expect(d["time.wakes"] <= d["hostcall.vcpu_wait"] + VCPUS, "more wakes than sleeps")
        expect(d["time.switches"] >= 10, f"time.switches {d['time.switches']}")
        d = tee.step("3")
        expect(d["memory.committed_bytes"] >= 4 << 20, f"committed {d['memory.committed_bytes']}")
        expect(d["memory.peak_bytes"] >= 4 << 20, f"peak {d['memory.peak_bytes']}")


def test_asleep_shows_all(top):
    """Less than a tick's worth of work, then sleep: it is in the counters at once."""
    with Tee(top) as tee:
        for word in ("1", "2", "3"):
            tee.step(word)
        d = tee.step("4")
        expect(d["syscall.executed"] >= 300, f"{d['syscall.executed']} of 300 system calls")
        first = tee.stats()
        time.sleep(0.6)
        later = tee.stats()
        grown = later["syscall.executed"] - first["syscall.executed"]
        expect(grown <= 5, f"{grown} system calls came to light afterwards")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
