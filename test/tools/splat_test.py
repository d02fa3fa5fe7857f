#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The guest suite sees what the TEE's kernel complains about, and nothing else."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "guest"))
from runner import blocks  # noqa: E402

SPLATS = [
    "WARNING: CPU: 1 PID: 58 at kernel/locking/lockdep.c:4387 trace+0x1/0x2",
    "WARNING: possible circular locking dependency detected",
    "WARNING: suspicious RCU usage",
    "BUG: sleeping function called from invalid context at mm/page_alloc.c:10",
    "BUG kmalloc-64 (Not tainted): Right Redzone overwritten",
    "INFO: task smp:12 blocked for more than 120 seconds.",
    "INFO: rcu_sched self-detected stall on CPU",
    "UBSAN: shift-out-of-bounds in lib/x.c:3:4",
    "UBSAN: array-index-out-of-bounds in net/y.c:1:1",
    "list_add corruption. prev->next should be next (1), but was 2.",
    "kernel fault at memcpy+0x1/0x2, address 0000000000000008, vector 14",
    "Kernel panic - not syncing: kernel fault",
    "[   12.000001] BUG: workqueue lockup - pool cpus=1 stuck for 33s!",
]
HARMLESS = [
    "Warning: unable to open an initial console.",
    "fork[98]: fork() is not supported, use posix_spawn() or vfork()",
    "percpu: wasting 26 pages per chunk",
    "reboot: Restarting system with command 'exit=0'",
    "RCU Tasks Trace: debugging is on",
    "hrtimer: interrupt took 51447750 ns",
]


def main():
    counts = [0, 0]
    for lines, wanted in ((SPLATS, 1), (HARMLESS, 0)):
        for text in lines:
            log = b"ok WARNING: a program's own line\n[tee] [5.312020] %s\nend\n" % text.encode()
            good = len(blocks.splats(log)) == wanted
            counts[not good] += 1
            print("%s %s" % ("ok" if good else "not ok", text + ("" if good else ": missed or invented")))
    print("%d passed, %d failed, 0 skipped" % tuple(counts))
    return 1 if counts[1] else 0


if __name__ == "__main__":
    sys.exit(main())
