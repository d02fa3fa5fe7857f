# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Tests of whole launches: standard streams, arguments and exit statuses as the caller sees them."""
import os

from runner import blocks, build, machine
from runner.tree import Tree

EVERY_BYTE = bytes(range(256))


def _tree(out):
    tree = Tree(os.path.join(out, "tree-launch"))
    for name in ("leave", "args"):
        path = os.path.join(out, "bin", name)
        build.compile_c(path, "pie", ["test/guest/launch/%s.c" % name])
        tree.program(path, "/t/" + name)
    for p in ("cat", "true", "false", "wc"):
        tree.program("/bin/" + p)
    tree.text("/t/not-executable", "text\n")
    return tree.path


# name, argv, stdin, expected status or None for "as natively"
CASES = (
    [("exit-%d" % n, ["/t/leave", "exit", str(n)], None, n) for n in (0, 1, 2, 77, 124, 128, 255)] +
    [("signal-%d" % n, ["/t/leave", "signal", str(n)], None, 128 + n) for n in (1, 6, 9, 11, 15)] +
    [("thread-exit", ["/t/leave", "thread", "5"], None, 5),
     ("orphans", ["/t/leave", "orphans", "3"], None, 3),
     ("true", ["/bin/true"], None, 0),
     ("false", ["/bin/false"], None, 1),
     ("not-found", ["/t/none"], None, 127),
     ("not-executable", ["/t/not-executable"], None, 126),
     ("stdin-empty", ["/bin/cat"], b"", 0),
     ("stdin-line", ["/bin/cat"], b"hello\n", 0),
     ("stdin-no-newline", ["/bin/cat"], b"hello", 0),
     ("stdin-every-byte", ["/bin/cat"], EVERY_BYTE * 64, 0),
     ("stdin-1M", ["/bin/cat"], EVERY_BYTE * 4096, 0),
     ("stdin-count", ["/bin/wc", "-c"], b"x" * 300001, 0),
     ("stdout-4M", ["/t/leave", "stdout", "4194304"], None, 0),
     ("args", ["/t/args", "a", "", "b c", "*", "ü", "x" * 5000], None, 0)])


def _status(result):
    return 128 - result.status if result.status < 0 else result.status


def _check(report, name, label, result, want, native):
    full = "launch/%s [%s]" % (name, label)
    if result.hung:
        return report.fail(full, "hung")
    if native is not None and blocks.splats(result.log):
        return report.fail(full, "kernel log: " + blocks.splats(result.log)[0])
    if _status(result) != want:
        return report.fail(full, "status %d, want %d; log: %r" % (_status(result), want,
                                                                  result.log[-300:]))
    if native is not None and result.out != native.out:
        return report.fail(full, "output differs: %d bytes, natively %d; begins %r" %
                           (len(result.out), len(native.out), result.out[:80]))
    return report.ok(full)


def run(args, report, wanted):
    cases = [c for c in CASES if wanted(args, "launch", "launch/" + c[0])]
    if not cases:
        return
    tree = _tree(args.out)
    for name, argv, stdin, want in cases:
        native = None
        if want < 126:
            native = machine.run(machine.native_command(tree, argv), 60, stdin)
            _check(report, name, "native", native, want, None)
        for n in [] if args.native_only else args.vcpus.split(",")[:2]:
            inside = machine.run(machine.inside_command(args.rktio, tree, argv, n, args.tee,
                                                        args.arg), 60, stdin)
            _check(report, name, "%s, %s vCPU" % (args.tee, n), inside, want, native)
