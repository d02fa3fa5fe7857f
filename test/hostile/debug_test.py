#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
What one gets to see of a TEE from outside. usage: debug_test.py RKTIO_HOST TEE_IMAGE GUEST LIAR CRASH_GUEST
"""
import os
import shutil
import subprocess
import sys
import tempfile

HOST, TEE, GUEST, LIAR, CRASHER = (os.path.realpath(p) for p in sys.argv[1:6])
LIBS = ("/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libc.so.6")


def run(program, *options, env=None, words=("/guest",), typed=""):
    root = tempfile.mkdtemp(prefix="rktio-test-")
    try:
        shutil.copy(GUEST, os.path.join(root, "guest"))
        shutil.copy(CRASHER, os.path.join(root, "crasher"))
        for lib in LIBS:
            os.makedirs(root + os.path.dirname(lib), exist_ok=True)
            shutil.copy(os.path.realpath(lib), root + lib)
        return subprocess.run([program, "run", "--tee-image", TEE, *options, "--rootfs-dir", root, "--",
                               *words], input=typed, capture_output=True, text=True,
                              env={**os.environ, **(env or {})}, timeout=300, check=False)
    finally:
        shutil.rmtree(root)


def strace_shows_calls():
    r = run(HOST, "--strace")
    return r.returncode == 3 and "strace: guest[" in r.stderr and "sys_write(1, " in r.stderr


def strace_is_off():
    r = run(HOST)
    return r.returncode == 3 and "strace:" not in r.stderr


def panic_has_a_reason():
    r = run(LIAR, env={"RKTIO_LIE": "user-0"})  # no memory for init
    last = r.stderr.splitlines()[-1]
    return r.returncode == 125 and \
        last.startswith("rktio: E_CRASH: the TEE's kernel stopped: No working init found")


def in_gdb(typed, *words):
    """None without gdb or the kernel's symbols."""
    if not (os.path.exists("/usr/bin/gdb") and os.path.exists(TEE + ".debug")):
        return None
    bin_dir = tempfile.mkdtemp(prefix="rktio-test-")
    try:
        os.symlink(os.path.join(os.path.dirname(os.path.realpath(__file__)), "gdb_wrapper.py"),
                   os.path.join(bin_dir, "gdb"))
        r = run(HOST, "--gdb", env={"PATH": bin_dir + ":" + os.environ["PATH"],
                                    "GDB_TYPED": "\n".join(typed)}, words=words)
    finally:
        shutil.rmtree(bin_dir)
    return r.stdout


def gdb_knows_the_kernel():
    out = in_gdb(["break rkt_halt", "continue", "bt", "continue"], "/guest")
    if out is None:
        return None
    return "hit Breakpoint 2, rkt_halt (code=3)" in out and "machine_restart (" in out \
        and "exited with code 03" in out


def gdb_knows_programs():
    """main of the launcher has the same name; the breakpoint gets a second place."""
    out = in_gdb(["break middle", "break main", "continue", "continue", "bt", "rktio files", "delete",
                  "continue"], "/crasher", "none")
    if out is None:
        return None
    return "main (argc=" in out and "hit Breakpoint 2, middle (argv=" in out \
        and "__libc_start_main" in out and "/crasher\n" in out and "exited normally" in out


def gdb_reads_a_pipe():
    """All commands are gdb's, none the program's to read."""
    if not (os.path.exists("/usr/bin/gdb") and os.path.exists(TEE + ".debug")):
        return None
    out = run(HOST, "--gdb", typed="set pagination off\nbreak rkt_halt\ncontinue\nbt\ncontinue\n").stdout
    return "hit Breakpoint 2, rkt_halt (code=3)" in out and "exited with code 03" in out


def main():
    counts = {"ok": 0, "not ok": 0, "skip": 0}
    for case in (strace_shows_calls, strace_is_off, panic_has_a_reason, gdb_knows_the_kernel,
                 gdb_knows_programs, gdb_reads_a_pipe):
        word = {None: "skip", False: "not ok"}.get(case(), "ok")
        counts[word] += 1
        print(word, case.__name__, "" if word != "skip" else ": no gdb or no symbols")
    print("%(ok)d passed, %(not ok)d failed, %(skip)d skipped" % counts)
    return 1 if counts["not ok"] else 0


if not os.path.exists(TEE):
    print("skip all: no TEE image (tools/build-kernel makes it)")
    sys.exit(77)
sys.exit(main())
