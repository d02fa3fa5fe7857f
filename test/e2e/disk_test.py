# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""nvmed's back ends under a real redis: what is acknowledged is stable, stuck commands end."""
import os
import re
import shutil
import signal
import tempfile

from harness import Skip
from redis import Writer, missing
from restart_test import WRITERS, check_healthy, progress, run_id
from tee import Tee, connect, expect, free_port, new_disk, wait_for

PLACE = None
SETS = 200


def one_by_one(redis, command):
    for i in range(SETS):
        answer = redis.call(*command(i))
        expect(answer in (b"OK", b"v%d" % i), f"answer {answer!r}")


def syncs_of(top, count):
    """Syncs that SETS single writes and then SETS reads caused, as count() finds them."""
    port = free_port()
    with Tee(PLACE, new_disk(f"{top}/disk"), ports=[f"{port}:6379"]).ready():
        redis = connect(port)
        found = [count()]
        one_by_one(redis, lambda i: ("SET", f"k{i}", f"v{i}"))
        found.append(count())
        one_by_one(redis, lambda i: ("GET", f"k{i}"))
        found.append(count())
    print(f"# {SETS} writes: {found[1] - found[0]} syncs, {SETS} reads: {found[2] - found[1]}")
    expect(found[1] - found[0] >= SETS, f"{found[1] - found[0]} syncs for {SETS} writes")
    expect(found[2] - found[1] < SETS / 10, f"{found[2] - found[1]} syncs for {SETS} reads")


def lines(path, pattern):
    if not os.path.exists(path):
        return 0
    with open(path, encoding="utf-8", errors="replace") as f:
        return len(re.findall(pattern, f.read(), re.M))


def test_flush_reaches_fdatasync_by_io_uring(top):
    """Each acknowledged write is an fdatasync or a synchronous write of the host, reads none."""
    shim, trace = os.path.abspath(f"{PLACE.build}/test/e2e/uring_trace.so"), f"{top}/trace"
    PLACE.wrap("nvmed", "env", f"LD_PRELOAD={shim}", f"URING_TRACE={trace}")
    try:
        syncs_of(top, lambda: lines(trace, "^fsync data$"))
        expect(lines(trace, "^(write|read)"), "nvmed does not use io_uring")
    finally:
        PLACE.unwrap("nvmed")


def test_flush_reaches_fdatasync_without_io_uring(top):
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    trace = f"{top}/trace"
    PLACE.wrap("nvmed", "strace", "-D", "-o", trace, "-e", "trace=fdatasync,pwritev2", "@", "--sync")
    try:
        syncs_of(top, lambda: lines(trace, r"fdatasync\(\d+\) += 0"))
        expect(lines(trace, "RWF_DSYNC"), "no FUA write: the journal's commits should be")
    finally:
        PLACE.unwrap("nvmed")


def test_memory_backed_file(top):
    """The mapped back end: kills of nvmed and of everything, one after the other."""
    memory = tempfile.mkdtemp(prefix="rktio-e2e-", dir="/dev/shm")
    try:
        disk, port = new_disk(f"{memory}/disk"), free_port()
        with Tee(PLACE, disk, ports=[f"{port}:6379"]).ready() as tee:
            with open(f"/proc/{tee.device('nvmed')[0]}/maps", encoding="ascii") as f:
                expect(disk in f.read(), "nvmed does not map the file")
            redis = connect(port)
            first_id = run_id(redis)
            writers = [Writer(port, f"w{i}") for i in range(WRITERS)]
            for w in writers:
                w.start()
            progress(writers, 300)
            tee.kill_device("nvmed")
            progress(writers, 300)
            check_healthy(tee, redis, first_id, writers)
            tee.kill()
            for w in writers:
                w.end()
        with Tee(PLACE, disk, ports=[f"{port}:6379"]).ready():
            lost = missing(connect(port), writers)
            expect(not lost, f"{len(lost)} acknowledged keys lost")
    finally:
        shutil.rmtree(memory)


# The first nvmed works; the next four die of their first write; all others work.
DYING = """#!/bin/sh
n=$(cat "$0.count" 2>/dev/null); n=$((n + 1)); echo $n >"$0.count"
[ $n = 1 ] || [ $n -gt 5 ] || set -- strace -D -o /dev/null --inject=pwritev2:signal=SIGKILL {real} "$@" --sync
[ "$1" = strace ] || set -- {real} "$@"
exec "$@"
"""


def test_one_write_meets_four_dying_nvmeds(top):
    """A command that is repeated again and again must not become an I/O error."""
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    disk, port = new_disk(f"{top}/disk"), free_port()
    count = PLACE.replace("nvmed", DYING) + ".count"
    try:
        with Tee(PLACE, disk, ports=[f"{port}:6379"]).ready() as tee:
            redis = connect(port)
            first_id = run_id(redis)
            writers = [Writer(port, f"w{i}") for i in range(WRITERS)]
            for w in writers:
                w.start()
            progress(writers, 100)
            tee.kill_device("nvmed")
            wait_for("the sixth nvmed", lambda: lines(count, "^6$"))
            progress(writers, 100)
            for w in writers:
                w.end()
            check_healthy(tee, redis, first_id, writers)
    finally:
        PLACE.unwrap("nvmed")


def test_stopped_nvmed_times_out(top):
    """SIGSTOP under load: commands time out (30 s), the reset succeeds when nvmed goes on."""
    disk, port = new_disk(f"{top}/disk"), free_port()
    with Tee(PLACE, disk, ports=[f"{port}:6379"]).ready() as tee:
        redis = connect(port)
        first_id = run_id(redis)
        writers = [Writer(port, f"w{i}", timeout=120) for i in range(WRITERS)]
        for w in writers:
            w.start()
        progress(writers, 100)
        nvmed = tee.device("nvmed")[0]
        os.kill(nvmed, signal.SIGSTOP)
        try:
            before = sum(w.acked for w in writers)
            wait_for("a timeout", lambda: tee.stats()["disk.timeouts"] > 0)
            after = sum(w.acked for w in writers)
            # What was on its way when the process stopped may still be answered.
            expect(after - before <= 2 * WRITERS * writers[0].depth, "writes without a disk")
        finally:
            os.kill(nvmed, signal.SIGCONT)
        progress(writers, 100)
        for w in writers:
            w.end()
        stats = check_healthy(tee, redis, first_id, writers)
        expect(stats["disk.resets"] >= 1, "no reset")
        expect(tee.device("nvmed") == [nvmed], "nvmed was started again")
