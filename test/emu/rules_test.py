#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
The image on --tee emu under hostile conditions that a host may make at will.
usage: rules_test.py RKTIO_HOST TEE_IMAGE GUEST [CASE...]

The guest must see nothing of it: same output, same status, no lie counted. That the conditions
were there is read from the counters.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

TIMEOUT = 300  # seconds; ends a hang, decides nothing else
BAD = re.compile(r"kernel fault|kernel stack overflow|BUG:|Oops:|assertion|WARNING: CPU|E_[A-Z]+")


def run(root, vcpus, tune, memory="512M"):
    args = [HOST, "run", "--tee", "emu", "--tee-image", TEE, "--vcpus", str(vcpus), "--stats",
            "--memory", memory]
    for t in tune:
        args += ["--tune", t]
    try:
        done = subprocess.run(args + ["--rootfs-dir", root, "--", "/guest"], timeout=TIMEOUT,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except subprocess.TimeoutExpired:
        return "hang", b"", ""
    return done.returncode, done.stdout, done.stderr.decode()


def counter(text, name):
    m = re.search(r"^%s\s+([\d,]+)" % re.escape(name), text, re.M)
    return int(m[1].replace(",", "")) if m else 0


# name, vCPUs, tuning values, {counter: at least}
CASES = [
    ("plain", 1, [], {"sgx.eenter": 100, "sgx.eaccept": 1000, "sgx.eaug": 1000, "sgx.emodpe": 10,
                      "sgx.emodpr": 10, "sgx.emodt": 10, "sgx.eremove": 10, "sgx.etrack": 10,
                      "sgx.aex_page_fault": 1, "sgx.aex_invalid_opcode": 10, "cpuid.trapped": 20}),
    # as on processors that can't refuse it
    ("cpuid-rewritten", 1, ["emu_cpuid=0"], {"cpuid.sites_rewritten": 30, "cpuid.trapped": 20}),
    ("free", 1, ["emu_eenter=0", "emu_eexit=0", "emu_aex=0", "emu_eresume=0"], {}),
    ("two", 2, [], {"sgx.eenter": 100}),
    ("poison", 1, ["emu_poison=1"], {}),
    ("poison-two", 2, ["emu_poison=1"], {}),
    ("step", 1, ["emu_step=100"], {"sgx.aex_tick": 10000}),
    ("step-two", 2, ["emu_step=60"], {"sgx.aex_tick": 5000}),
    ("step-poison", 1, ["emu_step=60", "emu_poison=1"], {"sgx.aex_tick": 5000}),
    ("reenter", 1, ["emu_step=60", "emu_reenter=2000"],
     {"sgx.aex_tick": 5000, "sgx.eenter": 2000}),
    ("reenter-poison-two", 2, ["emu_step=40", "emu_reenter=500", "emu_poison=1"],
     {"sgx.aex_tick": 2000, "sgx.eenter": 500}),
    # all memory from the start: what SGX2 brought can't be there
    ("static", 1, ["emu_sgx=1"], {"sgx.eenter": 100, "sgx.aex_page_fault": 1, "cpuid.trapped": 20}),
    ("static-two", 2, ["emu_sgx=1"], {"sgx.eenter": 100}),
    ("static-step-poison", 1, ["emu_sgx=1", "emu_step=60", "emu_poison=1"], {"sgx.aex_tick": 5000}),
]
SGX2 = ["sgx." + n for n in ("eaccept", "eacceptcopy", "emodpe", "eaug", "emodpr", "emodt", "eremove", "etrack")]


def why_not(status, out, err, least):
    if status != 3:
        return f"status {status}: {err[-300:]}"
    if out.count(b"line") != 20:
        return f"output differs: {out!r}"
    bad = BAD.search(err)
    if bad or counter(err, "boundary.lies"):
        return bad.group() if bad else "a lie was counted"
    low = [f"{k} is {counter(err, k)}" for k, n in least.items() if counter(err, k) < n]
    return ", ".join(low)


def sgx2_used(tune, err):
    used = [n for n in SGX2 if counter(err, n)] if "emu_sgx=1" in tune else []
    return "used: " + ", ".join(used) if used else ""


def too_small(root):
    """--memory that leaves programs less than a static layout needs; a little more is enough."""
    status, _, err = run(root, 1, ["emu_sgx=1"], "128M")
    if status != 125 or "rktio: E_MEMORY: --memory 128 MiB leaves 0 MiB" not in err:
        return f"status {status}: {err[-300:]}"
    status, out, err = run(root, 1, ["emu_sgx=1"], "192M")
    return why_not(status, out, err, {})


def main():
    failed = passed = 0
    root = tempfile.mkdtemp(prefix="rktio-test-")
    try:
        shutil.copy(sys.argv[3], os.path.join(root, "guest"))
        for name, vcpus, tune, least in CASES:
            if sys.argv[4:] and name not in sys.argv[4:]:
                continue
            status, out, err = run(root, vcpus, tune)
            why = why_not(status, out, err, least) or sgx2_used(tune, err)
            passed, failed = passed + (not why), failed + bool(why)
            print(f"not ok {name}: {why}" if why else f"ok {name}", flush=True)
        if not sys.argv[4:] or "static-memory" in sys.argv[4:]:
            why = too_small(root)
            passed, failed = passed + (not why), failed + bool(why)
            print(f"not ok static-memory: {why}" if why else "ok static-memory", flush=True)
    finally:
        shutil.rmtree(root)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not passed else 0


HOST, TEE = (os.path.realpath(p) for p in sys.argv[1:3])
if not os.path.exists(TEE):
    print("skip all: no TEE image (tools/build-kernel makes it)")
    sys.exit(77)
sys.exit(main())
