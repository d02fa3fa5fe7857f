#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""starved_test.py RKTIO GARBAGE: a vCPU that the host hardly runs delays what the kernel frees by
RCU; nobody is killed for want of that memory. Skipped without rktio.tee."""
import os
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "test", "run"))
from harness import Skip, expect, main  # noqa: E402

RKTIO, GARBAGE = (os.path.abspath(a) for a in sys.argv[1:3])
SECONDS = 8


def busiest_thread(pid):
    """Of the launcher: the thread of the vCPU that computes."""
    def ticks(tid):
        with open(f"/proc/{pid}/task/{tid}/stat", encoding="ascii") as f:
            fields = f.read().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])
    return max((int(t) for t in os.listdir(f"/proc/{pid}/task")), key=ticks)


def starve(tid, cpu):
    """From here on the thread gets what somebody else leaves of a processor that he always wants."""
    os.sched_setaffinity(tid, {cpu})
    os.sched_setscheduler(tid, os.SCHED_IDLE, os.sched_param(0))


def test_memory_of_rcu_is_awaited(top):
    if not os.path.exists(RKTIO + ".tee"):
        raise Skip("no TEE image")
    tree, cpu = f"{top}/tree", max(os.sched_getaffinity(0))
    subprocess.run([f"{TOP}/tools/mkrootfs", "-o", tree, "--file", f"{GARBAGE}:/garbage"],
                   check=True, stdout=subprocess.DEVNULL)
    with subprocess.Popen([sys.executable, "-c",
                           f"import os; os.sched_setaffinity(0, {{{cpu}}})\nwhile True: pass"]) as rival, \
         subprocess.Popen([RKTIO, "run", "--vcpus", "2", "--memory", "256M", "--log", "err",
                           "--rootfs-dir", tree, "--", "/garbage", str(SECONDS)],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as tee:
        try:
            expect(tee.stdout.readline() == "go\n", "the program did not start")
            starve(busiest_thread(tee.pid), cpu)
            err = tee.communicate("\n")[1]
        finally:
            rival.kill()
            tee.kill()
    expect(tee.returncode == 0, f"status {tee.returncode}: {err[-300:]}")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
