#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
A host that lies about entry, boot information and control window, one lie per run.
usage: hostile_test.py LIAR TEE_IMAGE GUEST [--tee=emu] [CASE...]

A lie either is refused by name (E_CRASH with the abort's number, "host or device
violated", a failed init) or has no effect. Nothing may hang, fault in the kernel,
or end the launcher by a signal.
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

TIMEOUT = 60  # seconds; ends a hang, decides nothing else
FINE = 3  # the guest's status when nothing disturbed it
BAD_LINES = re.compile(r"kernel fault|kernel stack overflow|BUG:|Oops:|list_(add|del) corruption|"
                       r"assertion|WARNING: CPU")


def devices_for(lie):
    """What the lie is about; everything else is tested without devices."""
    if lie.startswith("nvme-"):
        return ["--disk", f"data=file:{DISK},mount=/data"]
    return ["--nic", "user,protect=insecure_none"] if lie.startswith("nic-") else []


class Run:
    def __init__(self, lie, vcpus, tune=()):
        env = {**os.environ, "RKTIO_LIE": lie}
        # Standard input stays open and silent.
        try:
            done = subprocess.run([LIAR, "run", "--tee", KIND, "--tee-image", TEE, "--vcpus", str(vcpus), "--stats",
                                   "--log", "debug", *tune, *devices_for(lie), "--rootfs-dir", ROOT, "--", "/guest",
                                   *["spin"] * lie.endswith("-spin")],
                                  stdin=subprocess.DEVNULL, capture_output=True, env=env,
                                  timeout=TIMEOUT, check=False)
            self.status, self.out, self.err = done.returncode, done.stdout, done.stderr.decode()
        except subprocess.TimeoutExpired as e:
            self.status, self.out, self.err = "hang", e.stdout or b"", (e.stderr or b"").decode()
        m = re.search(r"lies\D+(\d+)", self.err)
        self.lies = int(m[1]) if m else None

    def abort(self):
        m = re.search(r"rktio: E_CRASH: the TEE refused to run \(abort (\d+)\)", self.err)
        return int(m[1]) if m else None


def boot_refused(r):
    return r.status == 125 and r.abort() == 1 and not r.out


def memory_missing(r):
    return r.status == 125 and r.abort() == 2 and not r.out


def boot_stopped(r):
    return r.status == 125 and "kernel stopped: no memory for the boot" in r.err and not r.out


def processor_lacks(r):
    return r.status == 125 and re.search(r"kernel stopped: processor lacks \w+", r.err) and not r.out


def zero_is_the_hosts_word(r):
    """A static layout: pages that the host leaves accessible are written without the kernel's knowing (docs/sgx.md)."""
    return no_effect(r) or r.status == 6 and r.out.count(b"line") == 20


def entry_refused(r):
    return r.status == 125 and r.abort() == 0


def no_effect(r):
    return r.status == FINE and r.out.count(b"line") == 20 and r.lies == 0


def init_failed(r):
    return r.status == 125 and ("E_INIT" in r.err or "E_CRASH" in r.err)


def lie_named(r):
    return "host or device violated" in r.err


def named_and_failed(r):
    return lie_named(r) and init_failed(r)


def refused_or_fine(r):
    return boot_refused(r) or no_effect(r)


def started_or_refused(r):
    """Said to fail, yet started: it runs, or the kernel took its stack back first."""
    return no_effect(r) or entry_refused(r)


def counted(r):
    """The ring that lied is dead, the program goes on or is told EIO."""
    return isinstance(r.status, int) and 0 <= r.status < 128 and bool(r.lies)


def clean_failure(r):
    """Memory that the host does not give: some end with a name."""
    return r.status == FINE or r.status > 0 and "rktio: E_" in r.err or r.status in (126, 127, 137)


def clean_or_killed(r):
    """The same, and as on Linux: SIGBUS for a page that can't be read, SIGSEGV by an execve() that fails too late."""
    return clean_failure(r) or r.status in (135, 139)


def ended_without_handler(r):
    """SIGBUS on the host's word alone: none of the program's code runs for it."""
    return r.status == 128 + signal.SIGBUS and r.out == b"spinning\n"


def wrong_bytes(r):
    """A program of other bytes than the disk has may crash, as any whose disk lies and isn't verified."""
    return clean_failure(r) or r.status in (132, 133, 134, 135, 136, 139)


CASES = {
    boot_refused: """magic version size-0 size-15 size-header size-cut size-over size-max item-max
        item-wraps item-beyond machine-missing machine-short control-missing control-short
        end-missing vcpus-0 vcpus-65 vcpus-max tsc-0 tsc-low tsc-high kernel-0 kernel-small
        kernel-unaligned kernel-huge kernel-max user-unaligned user-huge memory-unknown vcpu-offset-max
        vcpu-offset-odd console-offset-end stats-offset-max dma-inside dma-wraps dma-odd cmdline-nul
        blk-short window-inside window-null window-last-page window-odd window-wraps
        window-non-canonical window-small window-max cpuid-missing cpuid-short""",
    processor_lacks: "cpuid-no-rdrand cpuid-no-xsavec",
    refused_or_fine: "size-flips",
    entry_refused: "return-first start-twice exception-unfounded tick-unfounded leaf-unknown",
    no_effect: """none wall-max wall-tsc-future wait-garbage wake-garbage yield-garbage
        service-garbage wait-returns wait-late signals winsize deadlines blk-done-unasked
        cpuid-features cpuid-vendor cpuid-flags""",
    named_and_failed: """blk-slots-max blk-data-end blk-size-odd blk-size-huge nvme-control-max
        nvme-control-end nvme-control-odd nic-ctl-max nic-ctl-end nic-ctl-odd""",
    init_failed: "blk-size-1",
    boot_stopped: "mem-fails-second",
    counted: "out-tail in-head log-tail",
    clean_failure: """mem-fails mem-fails-later trim-fails protect-fails mem-garbage mem-error-max
        tsc-wrong user-0 vcpus-64""",
    clean_or_killed: "blk-result blk-fields",
    wrong_bytes: "blk-done-early",
}
# What only a TEE can notice that verifies each page, and lies at the AEP.
EMU_CASES = {
    clean_failure: """commit-untrue protect-untrue trim-untrue remove-untrue commit-part
        remove-early""",
    named_and_failed: "page-taken",
    boot_refused: "memory-other",
    no_effect: "tick-exception",
    ended_without_handler: "tick-exception-spin",
}
# All memory is there from the start, and page tables are the host's (--tune emu_sgx=1).
STATIC = {
    boot_refused: "static-user-odd static-user-small static-user-huge static-kernel-odd memory-unknown",
    memory_missing: "static-user-more static-kernel-more static-not mem-fails trim-fails",
    clean_or_killed: "mem-fails-later commit-untrue",
    named_and_failed: "page-frozen",
    no_effect: "none",
    zero_is_the_hosts_word: "trim-untrue",
}
# There, with other vCPUs, what is trimmed is looked at once more.
STATIC_SMP = {
    memory_missing: "mem-fails trim-fails",
    clean_failure: "protect-fails protect-untrue",
    clean_or_killed: "mem-fails-later commit-untrue",
    named_and_failed: "page-frozen",
    no_effect: "none",
    zero_is_the_hosts_word: "trim-untrue",
}
TWO_VCPUS = {started_or_refused: "start-garbage start-fails", entry_refused: "start-unasked"}


def main():
    counts = {True: 0, False: 0}
    emu = KIND == "emu"
    for table, vcpus, tune in ((CASES, 1, ()), (EMU_CASES if emu else {}, 1, ()), (TWO_VCPUS, 2, ()),
                               (STATIC if emu else {}, 1, ("--tune", "emu_sgx=1")),
                               (STATIC_SMP if emu else {}, 2, ("--tune", "emu_sgx=1"))):
        prefix = "" if not tune else "sgx1-" if vcpus == 1 else "sgx1-smp-"
        for check, names in table.items():
            for name in names.split():
                if WANTED and name not in WANTED:
                    continue
                r = Run("" if name == "none" else name, vcpus, tune)
                bad = BAD_LINES.search(r.err)
                ok = r.status != "hang" and bool(check(r)) and not bad
                counts[ok] += 1
                why = "" if ok else ": wanted %s, status %s, lies %s, %s" % (
                    check.__name__, r.status, r.lies,
                    bad.group() if bad else [l for l in r.err.splitlines() if "E_" in l])
                print(("ok " if ok else "not ok ") + prefix + name + why, flush=True)
    print("%d passed, %d failed, 0 skipped" % (counts[True], counts[False]))
    return 1 if counts[False] or not counts[True] else 0


LIAR, TEE = (os.path.realpath(p) for p in sys.argv[1:3])
KIND = "emu" if "--tee=emu" in sys.argv else "soft"
WANTED = [a for a in sys.argv[4:] if not a.startswith("--")]
if not os.path.exists(TEE):
    print("skip all: no TEE image (tools/build-kernel makes it)")
    sys.exit(77)
PLACE = tempfile.mkdtemp(prefix="rktio-test-")
ROOT, DISK = os.path.join(PLACE, "root"), os.path.join(PLACE, "disk")
try:
    os.mkdir(ROOT)
    shutil.copy(sys.argv[3], os.path.join(ROOT, "guest"))
    with open(DISK, "wb") as f:
        f.truncate(1 << 20)
    # It looks for the device processes beside itself.
    for program in (LIAR, *(os.path.join(os.path.dirname(TEE), "host", d, d) for d in ("nvmed", "netd"))):
        shutil.copy(program, PLACE)
    LIAR = os.path.join(PLACE, os.path.basename(LIAR))
    code = main()
finally:
    shutil.rmtree(PLACE)
sys.exit(code)
