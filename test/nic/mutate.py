#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""mutate.py SOURCE_DIR DPDK_OUT: takes the effect of each CHECK_HOST() of the driver away in turn
(the condition is still computed); some test must fail for each. DPDK_OUT is what tools/build-dpdk
has filled; it is not changed."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

SAN = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
FIXTURE = ["test/nic/harness.c", "test/nic/heap_asan.c", "test/model/virtio_back.c",
           "test/lib/boundary_arena.c", "test/lib/boundary.c"]
TESTS = ["nic_lie", "nic"]


def closing(text, at):
    """The place behind the bracket that closes the one at AT."""
    depth = 0
    for i in range(at, len(text)):
        depth += {"(": 1, ")": -1}.get(text[i], 0)
        if not depth:
            return i + 1
    raise ValueError("brackets")


def mutants(path):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    for m in re.finditer(r"\bCHECK_HOST\(", text):
        end = closing(text, m.end() - 1)
        cond = text[m.end() - 1:end]
        yield " ".join(cond.split()), f"{text[:m.start()]}((void){cond}, 1){text[end:]}"


class Copy:
    """A source tree to spoil, with the objects that need no rebuilding."""

    def __init__(self, top, out, tmp):
        self.tree, self.out = os.path.join(tmp, "tree"), os.path.join(tmp, "out")
        self.src = os.path.join(os.path.abspath(out), "src")
        for d in ("abi", "enclave/nic", "enclave/boundary", "test/nic", "test/model", "test/lib"):
            shutil.copytree(os.path.join(top, d), os.path.join(self.tree, d),
                            copy_function=shutil.copy2)
        os.mkdir(self.out)
        subprocess.run(["cp", "-a", f"{out}/obj", f"{out}/dpdk.o", self.out], check=True)
        with open(f"{self.src}/.version", encoding="ascii") as f:
            self.version = f.read().strip()

    def run(self, *argv, timeout=300):
        return subprocess.run(argv, cwd=self.tree, capture_output=True, text=True, timeout=timeout,
                              check=False)

    def compile_tests(self):
        for src in FIXTURE + [f"test/nic/{t}_test.c" for t in TESTS]:
            r = self.run("gcc", "-std=gnu11", "-D_GNU_SOURCE", "-O1", "-g", "-w", "-I.", *SAN,
                         "-include", "test/nic/observe.h", "-c", src, "-o", src[:-1] + "o")
            if r.returncode:
                sys.exit(f"{src}: {r.stderr}")

    def tests_pass(self):
        asan = f"{self.out}/nic-asan.o"
        r = self.run("make", "-s", "-f", "enclave/nic/dpdk/Makefile", f"SRC={self.src}",
                     f"OUT={self.out}", f"VERSION={self.version}", asan)
        if r.returncode:
            sys.exit(f"does not compile: {r.stdout[-500:]}{r.stderr[-1500:]}")
        for t in TESTS:
            r = self.run("gcc", *SAN, *[s[:-1] + "o" for s in FIXTURE], f"test/nic/{t}_test.o",
                         asan, "-o", t)
            if r.returncode:
                sys.exit(f"does not link: {r.stderr[-1500:]}")
            try:
                if self.run(f"./{t}", timeout=120).returncode:
                    return False
            except subprocess.TimeoutExpired:
                return False
        return True


def main():
    top, out = (os.path.abspath(a) for a in sys.argv[1:3])
    passed = failed = 0
    with tempfile.TemporaryDirectory() as tmp:
        c = Copy(top, out, tmp)
        c.compile_tests()
        if not c.tests_pass():
            print("not ok unchanged: the tests fail as they are\n0 passed, 1 failed, 0 skipped")
            return 1
        folder = os.path.join(c.tree, "enclave/nic/virtio")
        for name in sorted(os.listdir(folder)):
            path = os.path.join(folder, name)
            for cond, text in list(mutants(path)):
                shutil.copy2(path, path + ".keep")
                with open(path, "w", encoding="utf-8") as f:
                    f.write(text)
                noticed = not c.tests_pass()
                os.replace(path + ".keep", path)
                os.utime(path)  # newer than the spoiled object
                passed, failed = passed + noticed, failed + (not noticed)
                print(f"ok {name} {cond}" if noticed else
                      f"not ok {name} {cond}: no test notices that it is gone", flush=True)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
