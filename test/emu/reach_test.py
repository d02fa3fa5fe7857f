#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
What a program on --tee emu reaches of the launcher's memory: the windows, nothing else.
usage: reach_test.py RKTIO_HOST TEE_IMAGE GUEST

Each mapping of the launcher outside the TEE's range is read and, where it can be, written.
"""
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "soft"))
import sites  # noqa: E402  pylint: disable=wrong-import-position

TIMEOUT = 120  # seconds; ends a hang, decides nothing else
PATTERN = 0x5eed5eed5eed5eed
WINDOWS = {"/dev/zero (deleted)": "control window", "/memfd:rktio-dma (deleted)": "DMA arena"}
MUST = ("[heap]", "libc.so", "[stack]", "rktio-host", "[vdso]", "anonymous")


class Tee:
    def __init__(self, root):
        self.proc = subprocess.Popen(
            [HOST, "run", "--tee", "emu", "--tee-image", TEE, "--vcpus", "2", "--rootfs-dir", root,
             "--", "/peek"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.pid = self.proc.pid
        self.timer = threading.Timer(TIMEOUT, self.proc.kill)
        self.timer.start()
        self.ready = self.proc.stdout.readline() == b"READY\n"

    def ask(self, text):
        try:
            self.proc.stdin.write(text.encode() + b"\n")
            self.proc.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended; the answer is empty then
        return self.proc.stdout.readline().decode().strip()

    def word(self, addr):
        with open(f"/proc/{self.pid}/mem", "rb") as f:
            f.seek(addr)
            return struct.unpack("Q", f.read(8))[0]

    def end(self):
        err = self.proc.communicate()[1].decode()
        self.timer.cancel()
        return self.proc.returncode, err


def check_host(tee, m, name):
    """Fault by read and write. Of a mapping its end: the middle of a stack may not be there."""
    at = m.end - 64
    if "r" in m.flags and tee.ask(f"r {at:x}") != "fault 11":
        return f"{name} can be read"
    if "w" in m.flags and tee.ask(f"w {at:x} {PATTERN:x}") != "fault 11":
        return f"{name} can be written"
    if "w" in m.flags and tee.word(at) == PATTERN:
        return f"{name} was written"
    return None


def check_window(tee, m, name):
    at = m.end - 8
    if tee.ask(f"w {at:x} {PATTERN:x}") != f"{PATTERN:x}" or tee.word(at) != PATTERN:
        return f"{name} can't be written"
    return None if tee.ask(f"r {at:x}") == f"{PATTERN:x}" else f"{name} can't be read"


def check_all(tee):
    wrong, seen = [], set()
    for m in sites.mappings(tee.pid):
        if m.start < sites.TEE_END or "r" not in m.flags or m.name == "[vsyscall]":
            continue
        window = WINDOWS.get(m.name)
        name = window or m.name or "anonymous"
        why = check_window(tee, m, name) if window else check_host(tee, m, name)
        wrong += [f"{why} at {m.start:x}"] if why else []
        seen.add(name)
    missing = [n for n in (*MUST, *WINDOWS.values()) if not any(n in s for s in seen)]
    wrong += [f"there was no {n}" for n in missing]
    return wrong, len(seen)


def main(root):
    shutil.copy(sys.argv[3], os.path.join(root, "peek"))
    tee = Tee(root)
    wrong, count = check_all(tee) if tee.ready else (["it did not start"], 0)
    status, err = tee.end()
    if "host memory can be reached from inside" in err and not sites.protection_keys():
        print("skip all: no protection keys, or Linux before 6.12")
        return 77
    if status != 3:
        wrong.append(f"status {status}: {err[-300:]}")
    for w in wrong:
        print(f"not ok {w}")
    print(f"{count} kinds of mappings, {len(wrong)} failed")
    return 1 if wrong else 0


HOST, TEE = (os.path.realpath(p) for p in sys.argv[1:3])
if not os.path.exists(TEE):
    print("skip all: no TEE image (tools/build-kernel makes it)")
    sys.exit(77)
TOP = tempfile.mkdtemp(prefix="rktio-test-")
try:
    result = main(TOP)
finally:
    shutil.rmtree(TOP)
sys.exit(result)
