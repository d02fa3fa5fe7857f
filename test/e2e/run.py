#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""run.py BUILD [--tee=emu] [CASE...]: real redis in real TEEs, with an encrypted disk and a NIC, from outside."""
import os
import shutil
import sys
import tempfile
import types

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tee  # noqa: E402
import canary_test  # noqa: E402
import counters_test  # noqa: E402
import disk_test  # noqa: E402
import harness  # noqa: E402
import restart_test  # noqa: E402

MODULES = [restart_test, disk_test, counters_test, canary_test]


def main():
    top = tempfile.mkdtemp(prefix="rktio-e2e-")
    cases = types.SimpleNamespace()
    try:
        kind = "emu" if "--tee=emu" in sys.argv else "soft"
        wanted = [a for a in sys.argv[2:] if not a.startswith("--")]
        place = tee.Place(sys.argv[1], top, kind)
        for module in MODULES:
            module.PLACE = place
            for name, fn in vars(module).items():
                if name.startswith("test_") and (not wanted or name[5:] in wanted):
                    setattr(cases, name, fn)
        return harness.main(cases)
    except harness.Skip as e:
        print(f"skip all: {e}\n0 passed, 0 failed, 1 skipped")
        return 0
    finally:
        shutil.rmtree(top)


if __name__ == "__main__":
    sys.exit(main())
