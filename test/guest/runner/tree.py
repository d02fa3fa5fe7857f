# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Builds root trees: programs, the libraries that they load, and given folders.

The same tree serves natively (chroot) and inside (rktio run --rootfs-dir).
"""
import os
import re
import shutil
import subprocess

BASE_DIRS = ["dev", "proc", "sys", "tmp", "run", "etc", "root", "var", "usr/bin", "usr/sbin", "usr/lib",
             "usr/lib64", "t"]
BASE_LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}
ETC = {
    "passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "group": "root:x:0:\nnogroup:x:65534:\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "hostname": "guest\n",
}


def _libraries(path):
    """What ldd says that the program loads; none for static ones."""
    r = subprocess.run(["ldd", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                       check=False)
    return re.findall(r"(/\S+)(?= \(0x)", r.stdout)


def _copy(tree, path):
    """Copies a file of this machine to the same place of the tree, links followed."""
    dst = os.path.join(tree, path.lstrip("/"))
    if os.path.lexists(dst):
        return
    os.makedirs(os.path.dirname(dst), exist_ok=True)
    shutil.copy2(os.path.realpath(path), dst)


class Tree:
    """One root tree under construction."""

    def __init__(self, path):
        self.path = path
        shutil.rmtree(path, ignore_errors=True)
        for d in BASE_DIRS:
            os.makedirs(os.path.join(path, d))
        for name, to in BASE_LINKS.items():
            os.symlink(to, os.path.join(path, name))
        for name, text in ETC.items():
            self.text("/etc/" + name, text)

    def text(self, path, text):
        dst = os.path.join(self.path, path.lstrip("/"))
        os.makedirs(os.path.dirname(dst), exist_ok=True)
        with open(dst, "w", encoding="utf-8") as f:
            f.write(text)

    def program(self, path, at=None):
        """A program with its libraries; `at` puts it elsewhere in the tree."""
        if at:
            dst = os.path.join(self.path, at.lstrip("/"))
            os.makedirs(os.path.dirname(dst), exist_ok=True)
            shutil.copy2(path, dst)
        else:
            _copy(self.path, path)
        self.libraries(path)

    def libraries(self, path):
        for lib in _libraries(path):
            _copy(self.path, lib)

    def library(self, name):
        """A library that programs open by name at run time (glibc: libgcc_s for cancellation)."""
        _copy(self.path, os.path.join("/lib/x86_64-linux-gnu", name))

    def folder(self, path, skip=()):
        """A folder of this machine; its shared objects bring their libraries."""
        dst = os.path.join(self.path, path.lstrip("/"))
        shutil.copytree(path, dst, symlinks=True, dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns(*skip), ignore_dangling_symlinks=True)
        for d, _, files in os.walk(path):
            for f in files:
                if f.endswith(".so"):
                    self.libraries(os.path.join(d, f))
