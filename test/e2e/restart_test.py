# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""kill -9 of netd, nvmed and the launcher under load: nothing acknowledged is lost."""
import os
import random
import re
import signal
import subprocess
import time

from redis import Writer, missing
from tee import Tee, connect, expect, free_port, new_disk, wait_for

PLACE = None
WRITERS = 4


def started(port, reconnect):
    writers = [Writer(port, f"w{i}", reconnect=reconnect) for i in range(WRITERS)]
    for w in writers:
        w.start()
    return writers


def total(writers):
    return sum(w.acked for w in writers)


def progress(writers, more):
    """Waits until each writer has MORE acknowledged writes than now."""
    goal = [w.acked + more for w in writers]

    def reached():
        errors = [w.error for w in writers if w.error]
        expect(not errors, f"redis answered {errors}")
        expect(all(w.is_alive() for w in writers), "a connection broke")
        return all(w.acked >= g for w, g in zip(writers, goal))
    wait_for(f"{more} more writes per connection", reached)


def run_id(redis):
    return re.search(rb"run_id:(\w+)", redis.call("INFO", "server")).group(1)


def check_healthy(tee, redis, first_id, writers):
    lost = missing(redis, writers)
    expect(not lost, f"{len(lost)} of {total(writers)} acknowledged keys lost, as {lost[:3]}")
    expect(run_id(redis) == first_id, "redis-server was started again")
    for _ in range(10):  # counters are shown four times per second, and only while there is work
        redis.call("PING")
        time.sleep(0.05)
    stats = tee.stats()
    for name in ("boundary.lies", "boundary.dead_queues", "disk.errors"):
        expect(stats[name] == 0, f"{name} is {stats[name]}")
    return stats


def kill_under_load(top, program, reconnect):
    port, disk = free_port(), new_disk(f"{top}/disk")
    with Tee(PLACE, disk, ports=[f"{port}:6379"], vcpus=2).ready() as tee:
        redis = connect(port)
        first_id = run_id(redis)
        writers = started(port, reconnect)
        for _ in range(3):
            progress(writers, 200)
            tee.kill_device(program)
        progress(writers, 200)
        for w in writers:
            w.end()
        redis = connect(port)
        stats = check_healthy(tee, redis, first_id, writers)
        redis.close()
        status = tee.end()
        expect(status == 0, f"status {status} at the end: {tee.tail()!r}")
    return port, disk, writers, stats


def test_netd_killed(top):
    """Connections break with netd, new ones work, the program notices nothing else."""
    _, _, writers, _ = kill_under_load(top, "netd", reconnect=True)
    expect(all(w.breaks >= 3 for w in writers), "connections survived: was netd killed?")


def test_nvmed_killed(top):
    """Not even connections break: writes wait for the next nvmed."""
    port, disk, writers, stats = kill_under_load(top, "nvmed", reconnect=False)
    expect(not any(w.breaks for w in writers), "a connection broke")
    expect(stats["disk.resets"] >= 3, f"{stats['disk.resets']} resets")
    # What the disk holds is what was acknowledged, too.
    with Tee(PLACE, disk, ports=[f"{port}:6379"]).ready():
        lost = missing(connect(port), writers)
        expect(not lost, f"{len(lost)} keys lost on disk")


def test_netd_stopped(top):
    """SIGSTOP of netd under load: connections wait and go on."""
    port, disk = free_port(), new_disk(f"{top}/disk")
    with Tee(PLACE, disk, ports=[f"{port}:6379"]).ready() as tee:
        redis = connect(port)
        first_id = run_id(redis)
        writers = started(port, False)
        progress(writers, 100)
        netd, = tee.device("netd")
        os.kill(netd, signal.SIGSTOP)
        time.sleep(3)
        before = total(writers)
        time.sleep(0.5)
        after = total(writers)
        os.kill(netd, signal.SIGCONT)
        expect(before == after, "writes without a network")
        progress(writers, 100)
        for w in writers:
            w.end()
        check_healthy(tee, redis, first_id, writers)


def test_both_killed_at_once(top):
    port, disk = free_port(), new_disk(f"{top}/disk")
    with Tee(PLACE, disk, ports=[f"{port}:6379"]).ready() as tee:
        redis = connect(port)
        first_id = run_id(redis)
        writers = started(port, True)
        for _ in range(2):
            progress(writers, 100)
            tee.kill_device("nvmed")
            tee.kill_device("netd")
        progress(writers, 100)
        for w in writers:
            w.end()
        check_healthy(tee, connect(port), first_id, writers)


def test_launcher_killed(top):
    """kill -9 of everything at random moments; the AOF has every acknowledged write."""
    port, disk, rng = free_port(), new_disk(f"{top}/disk"), random.Random()
    before = []
    for n in range(4):
        with Tee(PLACE, disk, ports=[f"{port}:6379"], vcpus=1 + n % 2).ready() as tee:
            redis = connect(port)
            lost = missing(redis, before)
            expect(not lost, f"round {n}: {len(lost)} of {total(before)} acknowledged keys lost")
            redis.close()
            writers = [Writer(port, f"r{n}w{i}") for i in range(WRITERS)]
            for w in writers:
                w.start()
            progress(writers, rng.randrange(1, 500))
            tee.kill()
            for w in writers:
                w.end()
            before += writers
    with Tee(PLACE, disk, ports=[f"{port}:6379"]).ready() as tee:
        lost = missing(connect(port), before)
        expect(not lost, f"{len(lost)} of {total(before)} acknowledged keys lost")
        stats = tee.stats()
        expect(stats["boundary.lies"] == 0, "lies")


def test_ended_while_it_starts(top):
    """SIGTERM at any moment of the start ends it, and its device processes."""
    disk = new_disk(f"{top}/disk")
    for n in range(12):
        # Not redis: it forgets a SIGTERM that comes while it starts.
        with Tee(PLACE, disk, argv=["/bin/sh", "-c", "read x"], stdin=subprocess.PIPE) as tee:
            time.sleep(n * 0.04)
            tee.proc.terminate()
            try:
                tee.proc.wait(20)
            except subprocess.TimeoutExpired as e:
                raise AssertionError(f"SIGTERM after {n * 40} ms was lost: {tee.tail()!r}") from e
            expect(tee.end() in (125, 143, -15), f"status {tee.proc.returncode}: {tee.tail()!r}")
