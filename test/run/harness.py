# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs the test_* functions of a module; one line per case and the closing line."""
import os
import shutil
import subprocess
import sys
import tempfile
import traceback

TIMEOUT = 60  # seconds; ends a hang, decides nothing else


class Skip(Exception):
    pass


class Result:
    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    def error_lines(self):
        """Standard error without the note that soft gives no confidentiality."""
        return [line for line in self.err.splitlines() if not line.startswith("rktio: note:")]


def run(argv, stdin="", env=None, **kw):
    full = {**os.environ, **(env or {})}
    return Result(subprocess.run(argv, input=stdin, capture_output=True, text=True, env=full,
                                 errors="surrogateescape", timeout=TIMEOUT, check=False, **kw))


def expect(condition, why):
    if not condition:
        raise AssertionError(why)


def expect_error(result, code, text="", status=125):
    """Exactly one error line with this code, nothing on standard output."""
    lines = result.error_lines()
    expect(result.code == status, f"status {result.code}, stderr {result.err!r}")
    expect(len(lines) == 1 and lines[0].startswith(f"rktio: {code}: "), f"stderr {result.err!r}")
    expect(text in lines[0], f"{text!r} is not in {lines[0]!r}")


def temporary_dir():
    return tempfile.mkdtemp(prefix="rktio-test-")


def main(module):
    cases = [(name[5:], fn) for name, fn in vars(module).items() if name.startswith("test_")]
    passed = failed = skipped = 0
    for name, fn in cases:
        top = temporary_dir()
        try:
            fn(top)
            passed += 1
            print(f"ok {name}")
        except Skip as e:
            skipped += 1
            print(f"skip {name}: {e}")
        except Exception as e:  # pylint: disable=broad-except
            failed += 1
            print(f"not ok {name}: {type(e).__name__}: {e}")
            if not isinstance(e, AssertionError):
                traceback.print_exc(file=sys.stdout)
        finally:
            shutil.rmtree(top, ignore_errors=True)
        sys.stdout.flush()
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0
