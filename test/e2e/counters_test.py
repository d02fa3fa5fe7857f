# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Redis on an encrypted disk behind a NIC: what crosses the border of the TEE, by its counters."""
import time

from tee import Tee, connect, expect, free_port, new_disk

PLACE = None
KEYS, BATCH, SIZE = 4000, 100, 256
# What may leave the TEE while requests are served; files, console and clock may not.
ALLOWED = {"hostcall.total", "hostcall.vcpu_wait", "hostcall.vcpu_wake", "hostcall.kick", "hostcall.memory"}


def published(tee, redis):
    """Counters are shown four times per second, and only while there is work."""
    for _ in range(10):
        redis.call("PING")
        time.sleep(0.05)
    return tee.stats()


def batches(redis, command, right):
    for first in range(0, KEYS, BATCH):
        redis.send(*(command(i) for i in range(first, first + BATCH)))
        for i in range(first, first + BATCH):
            answer = redis.answer()
            expect(right(i, answer), f"answer {answer!r} for key {i}")


def value(i):
    return (b"%d." % i * SIZE)[:SIZE]


def test_counters(top):
    port = free_port()
    with Tee(PLACE, new_disk(f"{top}/disk"), ports=[f"{port}:6379"]).ready() as tee:
        redis = connect(port)
        before = published(tee, redis)
        batches(redis, lambda i: ("SET", f"k{i}", value(i)), lambda i, a: a == b"OK")
        batches(redis, lambda i: ("GET", f"k{i}"), lambda i, a: a == value(i))
        after = published(tee, redis)
    grown = {k: after[k] - before[k] for k in after if isinstance(after[k], int)}
    print("# " + ", ".join(f"{k} {grown[k]}" for k in sorted(grown)
                           if grown[k] and k.startswith(("hostcall.", "sgx.", "crypt."))))
    for name in ("boundary.lies", "boundary.dead_queues", "disk.errors", "crypt.failures"):
        expect(after[name] == 0, f"{name} is {after[name]}")
    expect(grown["crypt.encrypted_bytes"] >= KEYS * SIZE, "the values did not pass the encryption")
    expect(grown["net.tx_bytes"] >= KEYS * SIZE, "the answers did not pass the NIC")
    others = [k for k in grown if k.startswith("hostcall.") and grown[k] and k not in ALLOWED]
    expect(not others, f"hostcalls of other kinds: {others}")
    expect(grown["hostcall.total"] < KEYS, f"{grown['hostcall.total']} hostcalls for {2 * KEYS} requests")
    if PLACE.kind == "emu":
        expect(grown["sgx.eexit"] >= grown["hostcall.total"], "hostcalls without an EEXIT")
