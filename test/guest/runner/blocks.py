# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Takes the output of runall apart and compares two sides."""
import difflib
import re


class Block:
    """One test's lines and how it ended; `end` is None when the machine died in it."""

    def __init__(self, name):
        self.name = name
        self.lines = []
        self.end = None


def parse(out):
    """Returns ({name: Block}, finished). Lines outside blocks are not tests' output."""
    blocks, current, done = {}, None, False
    for line in out.decode("utf-8", "replace").replace("\r\n", "\n").split("\n"):
        m = re.match(r"@@ (BEGIN|END|DONE)(?: (\S+))?(?: (.*))?$", line)
        if m and m.group(1) == "BEGIN":
            current = blocks[m.group(2)] = Block(m.group(2))
        elif m and m.group(1) == "END" and current:
            current.end = m.group(3)
            current = None
        elif m and m.group(1) == "DONE":
            done = True
        elif current:
            current.lines.append(line)
    return blocks, done


# What the kernel of the TEE says about itself when something is wrong. The launcher puts [tee] and
# the time before each of its lines.
SPLAT = re.compile(r"^\[tee\] \[[ .0-9]+\] (.*(?:WARNING: |\bBUG\b|\bINFO: |UBSAN: |kernel fault|"
                   r"stack overflow|Kernel panic|corruption|soft lockup|unsupported MP).*)", re.M)


def splats(log):
    """The lines of a kernel log that tell of a bug of the kernel; none may be there."""
    return SPLAT.findall(log.decode("utf-8", "replace").replace("\r", ""))


def own_failure(block, status):
    """What the program itself says is wrong, or None."""
    if block.end is None:
        return "the machine died in it; last line: %s" % "".join(block.lines[-1:])
    if status is None and block.end.startswith("exit"):
        return None
    if block.end != "exit %s" % status:
        bad = [l for l in block.lines if l.startswith("not ok")]
        return "; ".join([block.end] + (bad[:5] or block.lines[-2:]))
    return None


def difference(native, inside, silent=False):
    """How the inside block differs from the native one, or None."""
    a, b = native.lines + [native.end], inside.lines + [str(inside.end)]
    if silent:
        a, b = a[-1:], b[-1:]
    if a == b:
        return None
    diff = [l for l in difflib.unified_diff(a, b, "native", "inside", n=0, lineterm="")
            if not l.startswith(("---", "+++", "@@"))]
    return " | ".join(diff[:12])
