#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs the guest tests natively and inside the TEE and compares what they print.

Every test must pass natively (its own checks, exit status 0), pass inside, and print inside exactly
what it printed natively, on every number of vCPUs. A time limit only detects hangs.
"""
import argparse
import fnmatch
import os
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from runner import blocks, build, launch, machine, suite  # noqa: E402


KERNEL_THREADS = r"task (kworker|rcu|ksoftirqd|migration|cpuhp|kthreadd|pool_workqueue)"
EMU_PATIENCE = 3  # how many times longer a test may take there before it counts as hung


def known_failures():
    """Lines "PATTERN REASON" of known-failures.txt: what fails inside and is said in docs/caveats.md."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "known-failures.txt")
    with open(path, encoding="utf-8") as f:
        lines = [l.strip() for l in f if l.strip() and not l.startswith("#")]
    return [tuple(l.split(None, 1)) for l in lines]


class Report:
    """Prints one line per case and the closing line."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.known = known_failures()

    def ok(self, name):
        self.passed += 1
        print("ok " + name, flush=True)

    def fail(self, name, why):
        if "[native]" in name:  # nothing to compare with on this machine
            self.skip(name, "does not pass natively here: " + why)
            return
        for pattern, reason in self.known:
            if fnmatch.fnmatch(name.split(" [")[0], pattern):
                self.skip(name, "known failure, %s: %s" % (reason, why))
                return
        self.failed += 1
        print("not ok %s: %s" % (name, why), flush=True)

    def skip(self, name, why):
        self.skipped += 1
        print("skip %s: %s" % (name, why), flush=True)

    def close(self):
        print("%d passed, %d failed, %d skipped" % (self.passed, self.failed, self.skipped))
        return 1 if self.failed else 0


def parse_args():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--only", action="append", default=[], metavar="PATTERN",
                   help="run only tests (GROUP or NAME) that match; may be repeated")
    p.add_argument("--vcpus", default="1,2,4", help="numbers of vCPUs (default %(default)s)")
    p.add_argument("--whole", metavar="N", help="run tests that don't depend on the number of vCPUs "
                   "only with N of them")
    p.add_argument("--tee", default="soft", choices=machine.TEES,
                   help="emu-static: emu with --tune emu_sgx=1")
    p.add_argument("--native-only", action="store_true", help="do not start the TEE")
    p.add_argument("--rktio", default=os.path.join(build.TOP, "build", "rktio"))
    p.add_argument("--out", default=os.path.join(build.TOP, "build", "guest"),
                   help="where programs, trees and logs go")
    p.add_argument("--stress-seconds", type=int, default=20,
                   help="duration of the SMP stress on each number of vCPUs (default %(default)s)")
    p.add_argument("--native-seconds", type=int, default=5,
                   help="duration of the stress natively (default %(default)s)")
    p.add_argument("--seed", type=int, default=1, help="of the SMP stress (default %(default)s)")
    p.add_argument("--arg", action="append", default=[], help="further argument of `rktio run`")
    p.add_argument("--keep", action="store_true", help="keep trees; logs of all runs")
    p.add_argument("--list", action="store_true", help="only print the tests' names")
    args = p.parse_args()
    args.out = os.path.abspath(args.out)
    return args


def wanted(args, group, name):
    return not args.only or any(fnmatch.fnmatch(name, p) or p == group for p in args.only)


def save(args, name, result):
    """Keeps what a machine said; returns the path to name in a failure."""
    path = os.path.join(args.out, "log", name + ".log")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(result.out + b"\n---- log ----\n" + result.log + b"\n---- status %r hung %r\n" %
                (result.status, result.hung))
    return path


def check_log(report, name, result, path):
    """Any complaint of the TEE's kernel about itself is a failure."""
    for line in blocks.splats(result.log)[:3]:
        report.fail("kernel-log/" + name, "%s, see %s" % (line, path))


def show_log(result, tests, got):
    """The last words on standard error when a test failed: logs may be gone before anybody asks."""
    if result.hung:
        return show_tasks(result)
    bad = [t.name for t in tests if t.name in got and blocks.own_failure(got[t.name], t.status)]
    if bad:
        for line in result.log.decode("utf-8", "replace").splitlines()[-8:]:
            print("# %s: %s" % (", ".join(bad), line), flush=True)


def show_tasks(result):
    """Of a machine that hangs: the vCPUs and where each task waits that is no kernel thread."""
    tasks = result.log.decode("utf-8", "replace").rpartition("---- stacks ----")[2]
    shown = False
    for line in tasks.splitlines():
        if not line.startswith("    "):
            shown = line.startswith(("task ", "vCPU ")) and not re.match(KERNEL_THREADS, line)
        if shown:
            print("# " + line, flush=True)


def run_tests(args, report, tree, tests, side, command):
    """Runs tests on one side; a machine that dies is started again for the rest."""
    found, rest, start = {}, list(tests), 0
    # Each page and border crossing costs a signal on emu.
    patience = EMU_PATIENCE if side.startswith("emu-") else 1
    while rest:
        suite.write_list(tree, rest, side.startswith("native-"), patience)
        quiet = max(t.quiet for t in rest) * patience
        result = machine.run(command(["/t/runall", "/t/list"]), quiet)
        path = save(args, "%s-%d" % (side, start), result)
        check_log(report, side, result, path)
        got, done = blocks.parse(result.out)
        show_log(result, rest, got)
        found.update(got)
        if not done and (not got or result.hung):
            print("# %s: %s, see %s" % (side, "hung" if result.hung else "did not start", path))
        if done or not got:
            break
        rest = [t for t in rest if t.name not in got]
        start += 1
    return found


def check_native(report, test, block):
    why = "did not run" if block is None else blocks.own_failure(block, test.status)
    if why:
        report.fail(test.name + " [native]", why)
        return False
    report.ok(test.name + " [native]")
    return True


def check_inside(report, test, label, block, native):
    name = "%s [%s]" % (test.name, label)
    if block is None:
        return report.fail(name, "did not run")
    why = blocks.own_failure(block, test.status) or \
        blocks.difference(native, block, test.silent)
    return report.fail(name, why) if why else report.ok(name)


def stopwatch(times):
    """Returns a function that notes the time since it was called last."""
    last = [time.monotonic()]

    def note(what):
        times.append("%s %.0f s, " % (what, time.monotonic() - last[0]))
        last[0] = time.monotonic()
    return note


def run_natively(args, report, group, tree, tests):
    def run(some, side):
        return run_tests(args, report, tree, some, side, lambda a: machine.native_command(tree, a))

    found = run(tests, "native-" + group.name)
    # What fails outside tests nothing inside: a second try, as the machine may have been at its end.
    again = [t for t in tests if t.name not in found or blocks.own_failure(found[t.name], t.status)]
    if again:
        found.update(run(again, "native-again-" + group.name))
    return found


def run_group(args, report, group):
    tests = [t for t in group.tests if wanted(args, group.name, t.name)]
    if not tests:
        return
    if group.missing():
        report.skip(group.name, "needs " + ", ".join(group.missing()))
        return
    times = ["%s: " % group.name]
    clock = stopwatch(times)
    tree = suite.build_tree(group, args.out, tests)
    clock("tree")
    native = run_natively(args, report, group, tree, tests)
    clock("native")
    native_good = [t for t in tests if check_native(report, t, native.get(t.name))]
    for n in [] if args.native_only else args.vcpus.split(","):
        good = [t for t in native_good if t.smp or n == (args.whole or n)]
        if not good:
            continue
        inside = run_tests(args, report, tree, good, "%s-%s-%s" % (args.tee, group.name, n),
                           lambda argv, n=n: machine.inside_command(
                               args.rktio, tree, argv, n, args.tee, args.arg))
        for t in good:
            label = "%s, %s vCPU" % (args.tee, n)
            check_inside(report, t, label, inside.get(t.name), native[t.name])
        clock("%s vCPU" % n)
    print("# " + "".join(times), flush=True)


def main():
    args = parse_args()
    report = Report()
    suite.STRESS_SECONDS, suite.NATIVE_SECONDS = args.stress_seconds, args.native_seconds
    suite.STRESS_SEED = args.seed
    all_groups = suite.groups()
    if args.list:
        for g in all_groups:
            print("\n".join("%s %s" % (g.name, t.name) for t in g.tests))
        return 0
    if not args.native_only and not os.access(args.rktio, os.X_OK):
        print("run.py: %s is missing: build first, or --native-only" % args.rktio, file=sys.stderr)
        return 2
    try:
        for group in all_groups:
            run_group(args, report, group)
        launch.run(args, report, wanted)
    except build.BuildError as e:
        report.fail("build", str(e))
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
