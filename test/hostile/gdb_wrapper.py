#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""In the place of gdb: the same command line, and a user who types what GDB_TYPED has in lines."""
import os
import sys

argv = sys.argv[1:]
at = argv.index("--args")
extra = [word for line in os.environ["GDB_TYPED"].split("\n") for word in ("-ex", line)]
os.execv("/usr/bin/gdb", ["gdb", "-batch"] + argv[:at] + extra + argv[at:])
