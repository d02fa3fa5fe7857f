#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
The jail of soft and emu: a program inside the TEE jumps to system call instructions of the
host. usage: jail_test.py RKTIO_HOST TEE_IMAGE GUEST [--tee=emu] [CASE...]

Every attempt must end the TEE with E_JAIL and status 125 (or, where nothing of the
host was reached, as a fault of the program), have no effect, and leave nothing behind.
"""
import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import sites

TIMEOUT = 60  # seconds; ends a hang, decides nothing else
PATH = 0xa5a5a5a5  # the guest puts the address of the effect's path in
REGS = ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8", "r9", "r10", "rsp", "flags"]
LAST_CPU, NULL_FS = 1, 2
X32 = 1 << 30

# openat(AT_FDCWD, PATH, O_CREAT | O_WRONLY, 0600) and the same of other tables
OPENAT = {"rax": 257, "rdi": 0xffffff9c, "rsi": PATH, "rdx": 0o101, "r10": 0o600}
OPENAT_X32 = {**OPENAT, "rax": 257 | X32}
CREAT_32 = {"rax": 8, "rbx": PATH, "rcx": 0o600, "rbp": PATH}
JAIL = "jail"
MEMORY = "memory"  # stands for the descriptor of the launcher's /proc/self/mem
PROCESS = "process"  # stands for the launcher's process id


class Machine:
    """One run of the guest, stopped where it waits for the address."""

    def __init__(self, top, vcpus):
        self.top = top
        self.effect = os.path.join(top, "effect")
        run_dir = os.path.join(top, "run")
        os.mkdir(run_dir)
        env = {**os.environ, "XDG_RUNTIME_DIR": run_dir}
        self.proc = subprocess.Popen(
            [RKTIO, "run", "--tee", BACK_END, "--tee-image", TEE, "--vcpus", str(vcpus), "--name", "jail",
             "--rootfs-dir", ROOT, "--", "/jump", self.effect],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
        self.pid = self.proc.pid
        self.timer = threading.Timer(TIMEOUT, self.proc.kill)
        self.timer.start()
        self.first = self.proc.stdout.readline()

    def memory_fd(self):
        folder = f"/proc/{self.pid}/fd"
        fds = [f for f in os.listdir(folder)
               if os.readlink(os.path.join(folder, f)).endswith("/mem")]
        return int(fds[0])

    def go(self, address, regs):
        regs = {k: self.memory_fd() if v == MEMORY else self.pid if v == PROCESS else v
                for k, v in regs.items()}
        values = [address] + [regs.get(r, 0) for r in REGS]
        try:
            self.proc.stdin.write(b" ".join(b"%x" % v for v in values) + b"\n")
            self.proc.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended already; the verdict says how

    def end(self):
        self.out, self.err = self.proc.communicate()
        self.timer.cancel()
        self.out, self.err = self.first.decode() + self.out.decode(), self.err.decode()
        self.status = self.proc.returncode
        return self


def verdict(m, want):
    """None, or what is wrong with how the machine ended."""
    codes = [l for l in m.err.splitlines() if l.startswith("rktio: E_")]
    if os.path.exists(m.effect):
        return "the host's file was made"
    if "READY" not in m.out:
        return f"did not start: {m.err!r}"
    if os.path.exists(os.path.join(m.top, "run", "rktio", "jail")):
        return "runtime directory left behind"
    if want == JAIL:
        if "RETURNED" in m.out:
            return f"the call came back: {m.out!r}"
        if m.status != 125 or len(codes) != 1 or not codes[0].startswith("rktio: E_JAIL: "):
            return f"status {m.status}, {codes}"
        return None
    if (m.status if not isinstance(want, str) else m.out.split("RETURNED ")[-1].strip()) != want:
        return f"status {m.status}, wanted {want}, {codes}, {m.out!r}"
    return None


def attempt(name, find, regs, want, vcpus=1, act=None):
    top = tempfile.mkdtemp(prefix="rktio-test-")
    try:
        m = Machine(top, vcpus)
        address = find(m.pid) if m.first else 0
        if address is None:
            m.go(0, {"rax": 60})
            m.end()
            return report(name, None, skip="no such code in this process")
        m.go(address, regs)
        if act:
            act(m)
        return report(name, verdict(m.end(), want))
    finally:
        shutil.rmtree(top)


counts = {"passed": 0, "failed": 0, "skipped": 0}


def report(name, why, skip=None):
    if skip:
        print(f"skip {name}: {skip}")
        counts["skipped"] += 1
    elif why:
        print(f"not ok {name}: {why}")
        counts["failed"] += 1
    else:
        print(f"ok {name}")
        counts["passed"] += 1
    sys.stdout.flush()


def nth(pattern, module, share):
    """Finder: an occurrence of a pattern in a module's code, `share` of the way through them."""
    def finder(pid):
        found = [a for m in sites.host_code(pid) if module in m.name
                 for a in sites.find(pid, m, pattern)]
        return found[int(share * (len(found) - 1))] if found else None
    return finder


def at(address):
    return lambda pid: address


def symbol(name, offset=0):
    return lambda pid: sites.base_of(pid, RKTIO) + SYMBOLS[name] + offset


def mapped(name):
    return lambda pid: next((m.start for m in sites.mappings(pid) if m.name == name), None)


def outside_cases():
    """System call instructions of the host, wherever one lies."""
    base = os.path.basename(RKTIO)
    for module, shares in ((base, (0, .5, 1)), ("libc.so", (0, .2, .4, .6, .8, 1)),
                           ("ld-linux", (0, 1)), ("[vdso]", (0, 1))):
        for share in shares:
            where = f"{module}-{int(share * 100)}%"
            yield f"syscall-{where}", nth(sites.SYSCALL, module, share), OPENAT, JAIL
        yield f"x32-{module}", nth(sites.SYSCALL, module, .3), OPENAT_X32, JAIL
        yield f"int80-{module}", nth(sites.INT80, module, 0), CREAT_32, JAIL
        yield f"sysenter-{module}", nth(sites.SYSENTER, module, 0), CREAT_32, JAIL
    libc = nth(sites.SYSCALL, "libc.so", .5)
    yield "syscall-bad-stack", libc, {**OPENAT, "rsp": 0x123}, JAIL
    yield "syscall-host-stack", libc, {**OPENAT, "rsp": 0x7ffffffff000}, JAIL
    yield "syscall-no-tls", libc, {**OPENAT, "flags": NULL_FS}, JAIL
    yield "exit-group", libc, {"rax": 231, "rdi": 0}, JAIL
    yield "bad-number", libc, {"rax": 0xffffffff}, JAIL
    yield "sigreturn-elsewhere", libc, {"rax": 15}, JAIL
    yield "read-elsewhere", libc, {"rax": 0, "rdi": 900, "rsi": PATH, "rdx": 8}, JAIL
    for i, nr in enumerate((96, 201, 309)):
        yield f"vsyscall-{nr}", at(0xffffffffff600000 + 1024 * i), {"rax": nr}, JAIL


def site_cases():
    """The allowed sites with what is not theirs. A syscall instruction has two bytes."""
    names = ("read", "write", "mprotect", "yield", "madvise", "thread_exit", "ppoll", "sigreturn",
             "pwrite", "pkey_mprotect", "tgkill")
    for name in names:
        site = symbol(f"soft_{name}_ip", -2)
        yield f"site-{name}-openat", site, OPENAT, JAIL
        yield f"site-{name}-exit-group", site, {"rax": 231}, JAIL
    for name, nr in (("read", 0), ("write", 1), ("mprotect", 10), ("yield", 24), ("ppoll", 271)):
        yield f"site-{name}-x32", symbol(f"soft_{name}_ip", -2), {"rax": nr | X32}, JAIL
    end, page = 1 << 40, 4096
    yield "read-stdin", symbol("soft_read"), {"rdi": 0, "rsi": PATH, "rdx": 8}, JAIL
    yield "read-event-elsewhere", symbol("soft_read"), {"rdi": 900, "rsi": PATH, "rdx": 8}, JAIL
    yield "write-stderr", symbol("soft_write"), {"rdi": 2, "rsi": PATH, "rdx": 8}, JAIL
    yield "write-event-elsewhere", symbol("soft_write"), {"rdi": 900, "rsi": PATH, "rdx": 8}, JAIL
    yield "mprotect-host", symbol("soft_mprotect"), {"rdi": end, "rsi": page, "rdx": 7}, JAIL
    yield "mprotect-far", symbol("soft_mprotect"), {"rdi": 1 << 47, "rsi": page, "rdx": 7}, JAIL
    yield "mprotect-across", symbol("soft_mprotect"), \
        {"rdi": end - page, "rsi": 2 * page, "rdx": 3}, JAIL
    yield "mprotect-across-carry", symbol("soft_mprotect"), \
        {"rdi": end - (1 << 33), "rsi": (1 << 33) + page, "rdx": 3}, JAIL
    yield "mprotect-huge", symbol("soft_mprotect"), {"rdi": page, "rsi": end, "rdx": 3}, JAIL
    yield "mprotect-grows-down", symbol("soft_mprotect"), \
        {"rdi": 1 << 39, "rsi": page, "rdx": 0x01000003}, JAIL
    yield "madvise-host", symbol("soft_madvise"), {"rdi": end, "rsi": page, "rdx": 4}, JAIL
    yield "madvise-across", symbol("soft_madvise"), \
        {"rdi": end - page, "rsi": 2 * page, "rdx": 4}, JAIL
    yield "madvise-other", symbol("soft_madvise"), {"rdi": 1 << 39, "rsi": page, "rdx": 21}, JAIL
    copy = {"rdi": MEMORY, "rsi": 1 << 39, "rdx": page, "rcx": 1 << 39}
    yield "pwrite-stderr", symbol("soft_pwrite"), {**copy, "rdi": 2}, JAIL
    yield "pwrite-from-host", symbol("soft_pwrite"), {**copy, "rsi": end}, JAIL
    yield "pwrite-to-host", symbol("soft_pwrite"), {**copy, "rcx": end}, JAIL
    yield "pwrite-far", symbol("soft_pwrite"), {**copy, "rcx": 1 << 46}, JAIL
    yield "pwrite-across", symbol("soft_pwrite"), {**copy, "rcx": end - page, "rdx": 2 * page}, JAIL
    yield "pwrite-inside", symbol("soft_pwrite"), {**copy, "rdx": 0}, HARMLESS
    yield "tgkill-init", symbol("soft_tgkill"), {"rdi": 1, "rsi": 1, "rdx": signal.SIGURG}, JAIL
    yield "tgkill-fatal", symbol("soft_tgkill"), {"rdi": PROCESS, "rsi": PROCESS, "rdx": 9}, JAIL
    yield "tgkill-tick", symbol("soft_tgkill"), \
        {"rdi": PROCESS, "rsi": 0x7fffffff, "rdx": signal.SIGURG}, HARMLESS_NO_SUCH
    yield "ppoll-anywhere", symbol("soft_ppoll"), {"rdi": PATH, "rsi": 1}, JAIL
    yield "ppoll-many", symbol("soft_ppoll"), {"rdi": PATH, "rsi": 1000}, JAIL
    yield "thread-exit", symbol("soft_thread_exit"), {}, JAIL
    yield "thread-exit-other-vcpu", symbol("soft_thread_exit"), {"flags": LAST_CPU}, JAIL, 2
    yield "sigreturn-no-frame", symbol("soft_sigreturn"), {"rsp": 0x123}, JAIL
    yield "enter-from-inside", symbol("soft_enter"), {"rdi": 0x123}, JAIL
    yield "exit-from-inside", symbol("soft_exit"), {"rdi": 1}, JAIL
    yield "exit-bad-stack", symbol("soft_exit"), {"rdi": 1, "rsp": 0x123}, JAIL
    yield "resume-from-inside", symbol("soft_exit"), {"rdi": 0}, JAIL
    yield "yield-is-harmless", symbol("soft_yield"), {}, HARMLESS


def inside_cases():
    """From the program's own text: faults or calls of the TEE's own kernel, never the host's."""
    enosys = "%x" % ((1 << 64) - 38)
    yield "own-syscall-x32", at(0), OPENAT_X32, enosys
    yield "own-int80", at(1), CREAT_32, 128 + signal.SIGILL
    # In 64-bit mode sysenter is undefined on AMD; on Intel it enters the kernel, which names
    # the vDSO as its place.
    yield "own-sysenter", at(2), CREAT_32, SYSENTER_END
    yield "own-far-int80", at(3), CREAT_32, 128 + signal.SIGILL
    yield "own-far-sysenter", at(4), CREAT_32, SYSENTER_END
    yield "own-syscall-last-vcpu", at(0), {**OPENAT_X32, "flags": LAST_CPU}, enosys, 4


def wild_cases():
    """Jumps to the host that reach no system call: the program's own fault."""
    segv = 128 + signal.SIGSEGV
    yield "jump-stack", mapped("[stack]"), {}, segv
    yield "jump-hole", at(0x300000000000), {}, segv
    yield "jump-kernel", at(0xffffffff81000000), {}, segv
    yield "jump-non-canonical", at(0x800000000000), {}, segv
    # An instruction of the host has run: soft takes its fault for the program's.
    yield "jump-launcher-data", nth(b"", os.path.basename(RKTIO), 0), {"rsp": 0x123}, \
        JAIL if BACK_END == "emu" else segv


def terminate_in_loop(m):
    """SIGTERM, as soon as the program is in the loop: it uses the processor then."""
    def used():
        with open(f"/proc/{m.pid}/stat", encoding="utf-8") as f:
            return int(f.read().rsplit(")", 1)[1].split()[11])
    try:
        start = used()
        while m.proc.poll() is None and used() < start + os.sysconf("SC_CLK_TCK") // 10:
            time.sleep(.01)
        m.proc.send_signal(signal.SIGTERM)
    except OSError:
        pass  # it has ended; the verdict says how


def intel():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        return "GenuineIntel" in f.read()


def main():
    groups = [outside_cases(), site_cases(), inside_cases(), wild_cases()]
    for case in (c for g in groups for c in g):
        name, find, regs, want = case[:4]
        if want is None:
            report(name, None, skip="no protection keys, or Linux before 6.12")
        elif not WANTED or name in WANTED:
            attempt(name, find, regs, want, *case[4:])
    for name in ("libc.so", "libyaml", os.path.basename(RKTIO), ""):
        case = f"jump-loop-{name or 'any'}"
        if not WANTED or case in WANTED:
            attempt(case, nth(sites.LOOP, name, 0), {},
                    JAIL if BACK_END == "emu" else 128 + signal.SIGTERM, act=terminate_in_loop)
    print("%(passed)d passed, %(failed)d failed, %(skipped)d skipped" % counts)
    return 1 if counts["failed"] or not counts["passed"] else 0


SYSENTER_END = JAIL if intel() else 128 + signal.SIGILL
RKTIO, TEE = (os.path.realpath(p) for p in sys.argv[1:3])
BACK_END = "emu" if "--tee=emu" in sys.argv else "soft"
# emu sees the next access to the host's memory, if it can deny one; else a tick may come or not
HARMLESS = "0" if BACK_END == "soft" else JAIL if sites.protection_keys() else None
HARMLESS_NO_SUCH = "%x" % ((1 << 64) - errno.ESRCH) if HARMLESS == "0" else HARMLESS
WANTED = [a for a in sys.argv[4:] if not a.startswith("--")]
if not os.path.exists(TEE):
    print("skip all: no TEE image (tools/build-kernel makes it)")
    sys.exit(77)
SYMBOLS = sites.symbols(RKTIO)
ROOT = tempfile.mkdtemp(prefix="rktio-test-")
try:
    shutil.copy(sys.argv[3], os.path.join(ROOT, "jump"))
    code = main()
finally:
    shutil.rmtree(ROOT)
sys.exit(code)
