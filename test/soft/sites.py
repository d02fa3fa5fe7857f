# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Finds instructions in the code that a running launcher has mapped."""
import platform
import re
import subprocess

TEE_END = 1 << 40
SYSCALL, SYSENTER, INT80, LOOP = b"\x0f\x05", b"\x0f\x34", b"\xcd\x80", b"\xeb\xfe"


def protection_keys():
    """Can this machine hold an enclave off the launcher's memory?"""
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        keys = re.search(r"^flags.*\bospke\b", f.read(), re.M)
    release = tuple(int(n) for n in re.findall(r"\d+", platform.release())[:2])
    return bool(keys) and release >= (6, 12)


class Mapping:
    def __init__(self, line):
        m = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) ([0-9a-f]+) \S+ \S+ *(.*)", line)
        self.start, self.end = int(m[1], 16), int(m[2], 16)
        self.flags, self.name = m[3], m[5]


def mappings(pid):
    with open(f"/proc/{pid}/maps", encoding="utf-8") as f:
        return [Mapping(line.rstrip("\n")) for line in f]


def host_code(pid):
    """Executable mappings outside the TEE; vsyscall can't be read, so it is left out."""
    return [m for m in mappings(pid)
            if "x" in m.flags and m.start >= TEE_END and m.name != "[vsyscall]"]


def find(pid, mapping, pattern):
    """Addresses of a byte pattern, at any alignment: a jump needs no instruction boundary."""
    with open(f"/proc/{pid}/mem", "rb") as f:
        f.seek(mapping.start)
        code = f.read(mapping.end - mapping.start)
    return [mapping.start + m.start() for m in re.finditer(b"(?=%s)" % re.escape(pattern), code)]


def symbols(path):
    """{name: offset in the file's address space}"""
    out = subprocess.run(["nm", path], capture_output=True, text=True, check=True).stdout
    return {f[2]: int(f[0], 16) for f in (line.split() for line in out.splitlines())
            if len(f) == 3}


def base_of(pid, path):
    return min(m.start for m in mappings(pid) if m.name == path)
