#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What is said when a program or the kernel in the TEE crashes.
usage: crash_test.py RKTIO_HOST TEE_IMAGE CRASH_GUEST CRASH_GUEST_STATIC"""
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

HOST, TEE, GUEST, STATIC = (os.path.realpath(p) for p in sys.argv[1:5])
LIBS = ("/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libc.so.6")
IMAGE_BASE = 0x100000000  # abi/layout.h
BLOCK_THREAD, KERNEL_GS = 0x1000, 40  # abi/tee.h, enclave/entry/thread.h
THREAD_SIZE, ENTRY_SP = 16384, 8  # asm/thread_info.h, asm/vcpu.h
ROOT = None


def symbols():
    """Kernel symbols by name: address when loaded."""
    rows = subprocess.run(["nm", TEE], capture_output=True, text=True, check=True).stdout.split("\n")
    return {r.split()[2]: int(r.split()[0], 16) + IMAGE_BASE for r in rows if len(r.split()) == 3}


def run(*words, log="warn", program="/guest"):
    return subprocess.run([HOST, "run", "--tee-image", TEE, "--log", log, "--rootfs-dir", ROOT, "--",
                           program, *words], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=120, check=False)


def expect(condition, r):
    if not condition:
        raise AssertionError(f"status {r.returncode}, stderr:\n{r.stderr}")


REGISTERS = re.compile(r"\[tee\] \[[ .0-9]+\] ip  [0-9a-f]{16}  sp  [0-9a-f]{16}.*\n(.*\n){4}"
                       r".*r13 [0-9a-f]{16}  r14 [0-9a-f]{16}  r15 [0-9a-f]{16}")


def faults_of_programs():
    for how, status, name, at in (("segv", 139, "SIGSEGV", "deepest"), ("ill", 132, "SIGILL", "deepest"),
                                  ("fpe", 136, "SIGFPE", "deepest"), ("abrt", 134, "SIGABRT", None)):
        r = run(how)
        expect(r.returncode == status and re.search(rf"guest\[\d+\] ends by {name}, code ", r.stderr), r)
        expect(REGISTERS.search(r.stderr), r)
        if at:
            expect(re.search(rf"at {at}\+0x[0-9a-f]+ \(/guest\+0x[0-9a-f]+\)", r.stderr), r)
        else:
            expect(re.search(r"at \S+ \(/\S*libc\.so\.6\+0x|at /\S*libc\.so\.6\+0x", r.stderr), r)
        expect(re.search(r"  middle\+0x[0-9a-f]+ \(/guest\+0x", r.stderr) and
               re.search(r"  main\+0x[0-9a-f]+ \(/guest\+0x", r.stderr), r)
        expect(r.stderr.count("ends by") == 1, r)


def offsets_are_those_of_addr2line():
    r = run("segv")
    m = re.search(r"at deepest\+0x[0-9a-f]+ \(/guest\+(0x[0-9a-f]+)\)", r.stderr)
    expect(m, r)
    where = subprocess.run(["addr2line", "-f", "-e", GUEST, m[1]], capture_output=True, text=True,
                           check=True).stdout
    expect(where.startswith("deepest\n") and "crash_guest.c" in where, r)


def addresses_are_said():
    r = run("segv")
    expect("code 1, address 10\n" in r.stderr, r)
    r = run("jump")
    expect(r.returncode == 139 and "at 0000000000012345, which is in no program file" in r.stderr and
           "deepest+0x" in r.stderr, r)


def a_static_program():
    r = run("segv", program="/static")
    expect(r.returncode == 139 and re.search(r"at deepest\+0x[0-9a-f]+ \(/static\+0x", r.stderr) and
           "  main+0x" in r.stderr, r)


def a_thread_of_a_program():
    r = run("segv", "thread")
    expect(r.returncode == 139 and r.stderr.count("ends by SIGSEGV") == 1 and
           "  thread_main+0x" in r.stderr, r)


def damaged(data, changes):
    """A copy with other section headers: changes(put, section, index of .symtab) makes them."""
    copy = bytearray(data)
    at, = struct.unpack_from("<Q", data, 40)
    count, = struct.unpack_from("<H", data, 60)
    kinds = [struct.unpack_from("<I", data, at + i * 64 + 4)[0] for i in range(count)]

    def put(form, place, value):
        struct.pack_into(form, copy, place, value)
    changes(put, lambda i: at + i * 64, kinds.index(2))
    return copy


def damaged_symbol_tables():
    """Names are lost at worst. The file is the program's: the kernel must not believe it."""
    with open(GUEST, "rb") as f:
        data = f.read()
    top = (1 << 64) - 1
    for number, change in enumerate((
            lambda put, sec, i: put("<Q", 40, top - 63), lambda put, sec, i: put("<Q", 40, 1 << 62),
            lambda put, sec, i: put("<H", 60, 0xffff), lambda put, sec, i: put("<H", 58, 1),
            lambda put, sec, i: put("<Q", sec(i) + 32, top), lambda put, sec, i: put("<Q", sec(i) + 24, top),
            lambda put, sec, i: put("<I", sec(i) + 40, 0xffffffff),
            lambda put, sec, i: put("<I", sec(i) + 40, i), lambda put, sec, i: put("<Q", sec(i) + 56, 0),
            lambda put, sec, i: [put("<I", struct.unpack_from("<Q", data, sec(i) + 24)[0] + 24 * n,
                                     0xfffffff0) for n in range(40)])):
        with open(ROOT + "/damaged", "wb") as f:
            f.write(damaged(data, change))
        os.chmod(ROOT + "/damaged", 0o755)
        r = run("segv", program="/damaged")
        if r.returncode != 139 or not re.search(r"at \S*.*/damaged\+0x", r.stderr) or \
                "kernel fault" in r.stderr:
            raise AssertionError(f"change {number}: status {r.returncode}, stderr:\n{r.stderr}")
    os.unlink(ROOT + "/damaged")


def not_for_what_is_no_crash():
    for how, status in (("handled", 11), ("quit", 131), ("term", 143), ("none", 0)):
        r = run(how)
        expect(r.returncode == status and "ends by" not in r.stderr, r)
    r = run("segv", log="err")
    expect(r.returncode == 139 and "ends by" not in r.stderr and "[tee]" not in r.stderr, r)


def kernel_panic_at_every_level():
    for level in ("err", "warn", "info", "debug"):
        r = run("panic", log=level)
        err = r.stderr
        expect(r.returncode == 125 and err.splitlines()[-1] ==
               "rktio: E_CRASH: the TEE's kernel stopped: sysrq triggered crash", r)
        expect("Kernel panic - not syncing: sysrq triggered crash" in err, r)
        expect(re.search(r"vCPU 0, program guest\[\d+\] at [0-9a-f]+, system call 1\(", err), r)
        expect(re.search(r"\]    sysrq_handle_crash\+0x", err) and
               re.search(r"\]    write_sysrq_trigger\+0x", err), r)
        if level in ("err", "warn"):
            at = err.index("the last messages that --log kept back:")
            expect("Run /init as init process" in err[at:] and "EXT4-fs" in err[at:], r)
            expect(err.count("Kernel panic - not syncing") == 1, r)


def kernel_fault():
    r = run("oops", hex(symbols()["chrdevs"]), log="err")
    err = r.stderr
    expect(r.returncode == 125 and re.search(
        r"rktio: E_CRASH: the TEE's kernel stopped: kernel fault at chrdev_show\+0x", err), r)
    expect("kernel fault at chrdev_show+0x" in err and "vector 14" in err, r)
    expect(REGISTERS.search(err) and re.search(r"program guest\[\d+\]", err), r)
    expect(re.search(r"\]    devinfo_show\+0x", err) and re.search(r"\]    ksys_read\+0x", err), r)
    expect("the last messages that --log kept back:" in err, r)


def kernel_stack_overflow():
    s = symbols()
    r = run("overflow", hex(s["vsnprintf"]), hex(s["vcpu"] + ENTRY_SP), hex(THREAD_SIZE), log="err")
    expect(r.returncode == 125 and re.search(
        r"rktio: E_CRASH: the TEE's kernel stopped: kernel stack overflow at vsnprintf\+0x", r.stderr), r)
    expect(REGISTERS.search(r.stderr) and "Call trace" in r.stderr, r)


def exception_in_an_exception():
    r = run("nested", hex(symbols()["_end"] + BLOCK_THREAD + KERNEL_GS), log="err")
    expect(r.returncode == 125 and re.search(
        r"rktio: E_CRASH: the TEE refused to run \(abort 0\): .* in vCPU 0: "
        r"at rkt_(exception|note_deadline)\+(0x[0-9a-f]+|0), interrupting 0x[0-9a-f]+$", r.stderr.strip()), r)


def maps_name_the_stubs():
    r = subprocess.run([HOST, "run", "--tee-image", TEE, "--rootfs-dir", ROOT, "--", "/guest", "maps"],
                       stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
    expect(re.search(r"^[0-9a-f]+-[0-9a-f]+ r-xp 0+ 00:00 0 +\[rktio\]$", r.stdout, re.M), r)


def make_root():
    root = tempfile.mkdtemp(prefix="rktio-test-")
    shutil.copy(GUEST, root + "/guest")
    shutil.copy(STATIC, root + "/static")
    for lib in LIBS:
        os.makedirs(root + os.path.dirname(lib), exist_ok=True)
        shutil.copy(os.path.realpath(lib), root + lib)
    os.mkdir(root + "/proc")
    return root


def main():
    passed = failed = 0
    for case in (faults_of_programs, offsets_are_those_of_addr2line, addresses_are_said,
                 a_static_program, a_thread_of_a_program,
                 damaged_symbol_tables, not_for_what_is_no_crash,
                 kernel_panic_at_every_level, kernel_fault, kernel_stack_overflow,
                 exception_in_an_exception, maps_name_the_stubs):
        try:
            case()
            passed += 1
            print(f"ok {case.__name__}", flush=True)
        except (AssertionError, KeyError, subprocess.TimeoutExpired) as e:
            failed += 1
            print(f"not ok {case.__name__}: {e}", flush=True)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if not os.path.exists(TEE):
    print("skip all: no TEE image (tools/build-kernel makes it)")
    sys.exit(77)
ROOT = make_root()
try:
    CODE = main()
finally:
    shutil.rmtree(ROOT)
sys.exit(CODE)
