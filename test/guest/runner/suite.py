# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What is tested: the C programs with their variants, and the real programs."""
import os
import subprocess
import sys

from runner import build
from runner.tree import Tree


class Test:
    """One line of runall's list.

    `status` is the exit status that counts as passed (None: whatever the native run gives);
    `quiet` is for how many seconds it may print nothing.
    `silent` tests print times, so only their status is compared. `smp` tests may depend on the
    number of vCPUs.
    """

    def __init__(self, name, argv, hang=300, status=0, silent=False, smp=True, quiet=None,
                 native_argv=None):
        self.name, self.argv, self.hang, self.quiet = name, argv, hang, quiet or hang + 60
        self.status, self.silent, self.smp = status, silent, smp
        self.native_argv = native_argv or argv


# Program -> (variants, further sources, further flags). The source is c/NAME.c.
ALL = ("pie", "nopie", "static", "static-pie", "musl")
C_TESTS = {
    "thread": (ALL, (), ()),
    "sync": (ALL, (), ()),
    "futex": (ALL, (), ()),
    "spawn": (ALL, (), ()),
    "fork": (("pie",), (), ()),
    "signal": (ALL, (), ()),
    "sigrestart": (("pie", "musl"), (), ()),
    "vector": (("pie", "static"), ("test/guest/c/vector.S",), ()),
    "timer": (("pie", "musl"), (), ()),
    "sites": (("pie", "nopie", "static"), ("test/guest/c/sites.S",), ()),
    "cpuid": (("pie", "nopie", "static"), ("test/guest/c/cpuid.S",), ()),
    "mmap": (("pie", "static", "musl"), (), ()),
    "pipe": (("pie",), (), ()),
    "unixsock": (("pie",), (), ()),
    "events": (("pie", "musl"), (), ()),
    "uring": (("pie",), (), ()),
    "inet": (("pie",), (), ()),
    "files": (("pie", "static"), (), ()),
    "ptrcheck": (("pie",), (), ()),
    "ptrnested": (("pie",), (), ()),
    "race": (("pie",), (), ()),
    "machine": (("pie",), (), ()),
    "fault": (("pie", "nopie", "static"), (), ("-lm",)),
    "rewrite_guest": (("static-pie",), (), ()),
    "vdso_guest": (("pie",), (), ()),
    "exec_fixed": (("nopie",), (), ()),
    "elf_exec": (("static-pie",), (), ()),
    "mm_basic": (("pie", "nopie", "static"), (), ()),
    "mm_shared": (("pie",), (), ()),
    "mm_race": (("pie",), (), ()),
    "mm_model": (("pie",), (), ()),
    "mm_limit": (("pie",), (), ()),
    "mm_flight": (("pie",), (), ()),
    "mm_proc": (("pie",), (), ()),
}
# Programs whose source is elsewhere.
C_SOURCE = {"ptrcheck": "test/guest/ptr/ptrcheck.c", "ptrnested": "test/guest/ptr/nested.c",
            "rewrite_guest": "test/exec/rewrite_guest.c", "vdso_guest": "test/exec/vdso_guest.c",
            "exec_fixed": "test/exec/exec_fixed.c", "elf_exec": "test/fuzz/elf/elf_exec.c"}
C_SOURCE.update({n: "test/guest/%s.c" % n for n in
                 ("mm_basic", "mm_shared", "mm_race", "mm_model", "mm_limit", "mm_flight", "mm_proc")})
# They say more inside, where there are counters to look at.
C_SILENT = {"rewrite_guest", "vdso_guest", "exec_fixed", "elf_exec"}
C_HANG = {"vector": 600}
# They test parts that don't know how many vCPUs there are: one number of them is enough.
C_UNIPROCESSOR = {"files", "ptrcheck", "ptrnested", "fault", "elf_exec", "mm_limit", "mm_basic", "mm_model", "mm_proc",
                  "exec_fixed", "vdso_guest", "machine"}


def c_programs():
    for name, (variants, more, flags) in C_TESTS.items():
        for v in variants:
            yield name if v == "pie" else name + "." + v, v, name, more, flags


# How long the stress programs run inside and natively, and their seed; run.py sets them.
STRESS_SECONDS = 20
NATIVE_SECONDS = 5
STRESS_SEED = 1


class Group:
    """Programs that share a root tree and, inside, one boot."""

    def __init__(self, name, tests, make_tree, needs=()):
        self.name, self.tests, self.make_tree, self.needs = name, tests, make_tree, needs

    def missing(self):
        return [n for n in self.needs if not build.have(n)]


def _pointer_table(out):
    """Generates the table of ptrcheck; returns its folder."""
    gen = os.path.join(out, "gen")
    os.makedirs(gen, exist_ok=True)
    text = subprocess.run([os.path.join(build.HERE, "ptr", "gen.py"),
                           os.path.join(build.HERE, "ptr", "syscalls.txt")],
                          stdout=subprocess.PIPE, check=True).stdout
    path = os.path.join(gen, "ptrtable.h")
    if not os.path.exists(path) or open(path, "rb").read() != text:
        with open(path, "wb") as f:
            f.write(text)
    return gen


def _c_tree(out, tree):
    jobs = []
    gen = _pointer_table(out)
    for name, variant, base, more, flags in c_programs():
        sources = [C_SOURCE.get(base, "test/guest/c/%s.c" % base), "test/guest/lib/guest.c"]
        sources += more
        deps = [os.path.join(build.HERE, "lib", "guest.h")]
        if base == "ptrcheck":
            deps.append(os.path.join(gen, "ptrtable.h"))
            flags = ["-I" + gen]
        jobs.append(lambda n=name, v=variant, s=sources, f=flags, d=deps: build.compile_c(
            os.path.join(out, "bin", n), v, s, f, d))
    build.all_of(jobs)
    for name, *_ in c_programs():
        tree.program(os.path.join(out, "bin", name), "/t/" + name)
    for p in ("sh", "true", "echo", "cat"):
        tree.program("/bin/" + p)
    tree.library("libgcc_s.so.1")


def _stress_tree(out, tree):
    folder = "test/guest/stress/"
    deps = [os.path.join(build.HERE, "stress", "smp.h")]
    for name, parts in (("smp", ("smp", "io", "tasks", "mem", "exits")), ("pressure", ("pressure",))):
        path = os.path.join(out, "bin", name)
        build.compile_c(path, "pie", [folder + n + ".c" for n in parts], deps=deps)
        tree.program(path, "/t/" + name)


def _stress():
    """A long mix, and a third of that time without memory. They report every ten seconds."""
    def test(name, seconds):
        argv = ["/t/" + name, str(seconds), str(STRESS_SEED)]
        return Test(name, argv, hang=seconds + 300, quiet=240,
                    native_argv=[argv[0], str(NATIVE_SECONDS), argv[2]])
    return Group("stress", [test("smp", STRESS_SECONDS), test("pressure", STRESS_SECONDS // 3 + 1)],
                 _stress_tree)


def groups():
    c_tests = [Test(n, ["/t/" + n], C_HANG.get(base, 300), silent=base in C_SILENT,
                    smp=base not in C_UNIPROCESSOR)
               for n, _, base, *_ in c_programs()]
    from runner import programs  # it imports this module
    return [Group("c", c_tests, _c_tree, needs=("gcc", "musl-gcc"))] + programs.groups() + [_stress()]


def build_tree(group, out, want):
    """Builds the programs and the tree of a group; returns its path."""
    tree = Tree(os.path.join(out, "tree-" + group.name))
    build.compile_c(os.path.join(out, "bin", "runall"), "pie", ["test/guest/runall.c"])
    tree.program(os.path.join(out, "bin", "runall"), "/t/runall")
    group.make_tree(out, tree)
    write_list(tree.path, want)
    return tree.path


def _quoted(word):
    """runall separates at blanks; a blank inside a word is written as \\t there."""
    return word.replace(" ", "\t")


def write_list(path, tests, native=False, patience=1):
    with open(os.path.join(path, "t", "list"), "w", encoding="utf-8") as f:
        for t in tests:
            argv = t.native_argv if native else t.argv
            f.write(" ".join([t.name, str(t.hang * patience)] + [_quoted(a) for a in argv]) + "\n")
    sys.stdout.flush()
