# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What `rktio run --gdb` loads into gdb: symbols of the programs inside, as they are mapped.

Every new mapping passes one function of the TEE's kernel. A breakpoint there, which never stops
for the user, adds the symbols of mapped program text from the tree in RKTIO_GDB_ROOT (the tree of
--rootfs-dir; `rktio set-root DIR` names another), so that `break main` works.
Program text is marked read-only for gdb: it then takes hardware breakpoints (there are four), as
the kernel fills text pages only when they are touched, which would undo others.
"""
import os
import struct

import gdb

HOOK = "rkt_vma_insert"  # (mm, vma)
VM_EXEC = 4
PT_LOAD = 1
PF_X = 1


def load_segments(path):
    """[(offset, vaddr, memsz, flags)] of an ELF64 file; [] if it is none."""
    with open(path, "rb") as f:
        head = f.read(64)
        if len(head) < 64 or head[:5] != b"\x7fELF\x02":
            return []
        phoff, = struct.unpack_from("<Q", head, 32)
        size, count = struct.unpack_from("<HH", head, 54)
        f.seek(phoff)
        data = f.read(size * count)
    rows = []
    for i in range(min(count, len(data) // size if size >= 56 else 0)):
        kind, flags, offset, vaddr, _, _, memsz = struct.unpack_from("<IIQQQQQ", data, i * size)
        if kind == PT_LOAD:
            rows.append((offset, vaddr, memsz, flags))
    return rows


class Programs:
    """The files whose symbols gdb has: by load address."""

    def __init__(self):
        self.root = os.environ.get("RKTIO_GDB_ROOT")
        self.known = {}  # bias: (host path, first, last byte, number of gdb's mem region)
        self.regions = 0
        self.told_no_root = False

    def host_path(self, path):
        """A file of the tree; links inside it are resolved inside it."""
        here = self.root
        parts = [p for p in path.split("/") if p]
        for _ in range(40 + len(parts)):
            if not parts:
                return here if os.path.isfile(here) else None
            here = os.path.join(here, parts.pop(0))
            if os.path.islink(here):
                target = os.readlink(here)
                parts = [p for p in target.split("/") if p] + parts
                here = self.root if target.startswith("/") else os.path.dirname(here)
        return None

    def forget(self, bias):
        path, first, _, region = self.known.pop(bias)
        gdb.execute(f"delete mem {region}", to_string=True)
        gdb.execute(f"remove-symbol-file -a {first:#x}", to_string=True)

    def add(self, path, start, offset):
        """Text of @path from byte @offset on is mapped at @start."""
        if not self.root:
            if not self.told_no_root:
                print("rktio: no symbols of programs: their files are not in a tree on the host "
                      "(rktio set-root DIR)")
            self.told_no_root = True
            return
        host = self.host_path(path)
        text = [s for s in (load_segments(host) if host else []) if s[3] & PF_X]
        for seg_offset, vaddr, memsz, _ in text:
            if seg_offset & ~0xfff != offset & ~0xfff:
                continue
            bias = start - (vaddr & ~0xfff)
            first, last = vaddr + bias, vaddr + bias + memsz
            if self.known.get(bias, (None,))[0] == host:
                return
            for old, (_, old_first, old_last, _) in list(self.known.items()):
                if first < old_last and old_first < last:
                    self.forget(old)
            self.regions += 1
            gdb.execute(f"mem {first:#x} {last:#x} ro", to_string=True)
            gdb.execute(f"add-symbol-file {host} -o {bias:#x}", to_string=True)
            self.known[bias] = (host, first, last, self.regions)
            return


programs = Programs()


def path_of(file):
    """As seen from the root of the file's own mount."""
    names = []
    dentry = file["f_path"]["dentry"]
    while dentry != dentry["d_parent"] and len(names) < 100:
        names.insert(0, dentry["d_name"]["name"].string())
        dentry = dentry["d_parent"]
    return "/" + "/".join(names)


class Mapped(gdb.Breakpoint):
    def stop(self):
        try:
            vma = gdb.parse_and_eval("(struct vm_area_struct *)$rsi")
            if vma["vm_file"] and int(vma["vm_flags"]) & VM_EXEC:
                programs.add(path_of(vma["vm_file"]), int(vma["vm_start"]),
                             int(vma["vm_pgoff"]) << 12)
        except (gdb.error, OSError, UnicodeError, struct.error) as e:
            print(f"rktio: no symbols of a program: {e}")
        return False


class RktioCommand(gdb.Command):
    """Programs in the TEE."""

    def __init__(self):
        super().__init__("rktio", gdb.COMMAND_FILES, prefix=True)


class SetRoot(gdb.Command):
    """rktio set-root DIR: where the programs' files are on the host. For what is mapped later."""

    def __init__(self):
        super().__init__("rktio set-root", gdb.COMMAND_FILES, gdb.COMPLETE_FILENAME)

    def invoke(self, argument, from_tty):
        if not os.path.isdir(argument):
            raise gdb.GdbError(f"{argument}: not a directory")
        programs.root = os.path.abspath(argument)


class Files(gdb.Command):
    """rktio files: the programs and libraries whose symbols are loaded, with their load addresses."""

    def __init__(self):
        super().__init__("rktio files", gdb.COMMAND_FILES)

    def invoke(self, argument, from_tty):
        for bias, (path, first, last, _) in sorted(programs.known.items()):
            print(f"{bias:#14x}  text {first:#x}-{last:#x}  {path}")


gdb.execute("set mem inaccessible-by-default off")
gdb.execute("set breakpoint auto-hw on")
RktioCommand()
SetRoot()
Files()
Mapped("*" + HOOK, internal=True)
