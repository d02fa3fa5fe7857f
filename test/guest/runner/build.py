# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Compiles the guest programs in their variants, only what changed."""
import concurrent.futures
import os
import shutil
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
HERE = os.path.join(TOP, "test", "guest")
WARN = ["-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "-Wno-missing-field-initializers",
        "-Wmissing-prototypes", "-Wstrict-prototypes", "-fno-strict-aliasing",
        # Programs that do wrong on purpose: bad pointers, endless recursion, vfork.
        "-Wno-stringop-overread", "-Wno-stringop-overflow", "-Wno-nonnull", "-Wno-array-bounds",
        "-Wno-infinite-recursion", "-Wno-clobbered", "-Wno-unused-result", "-Wno-format-truncation"]

# Compiler and flags of each way to build a program.
VARIANTS = {
    "pie": ["gcc", "-fPIE", "-pie"],
    "nopie": ["gcc", "-fno-pie", "-no-pie"],
    "static": ["gcc", "-static", "-fno-pie", "-no-pie"],
    "static-pie": ["gcc", "-static-pie", "-fPIE"],
    "musl": ["musl-gcc", "-static", "-fno-pie", "-no-pie", "-idirafter", "/usr/include",
             "-idirafter", "/usr/include/x86_64-linux-gnu"],
}


class BuildError(Exception):
    pass


def _newer(out, sources):
    if not os.path.exists(out):
        return False
    t = os.path.getmtime(out)
    return all(os.path.getmtime(s) <= t for s in sources)


def _run(cmd, env=None, cwd=TOP):
    r = subprocess.run(cmd, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True, check=False)
    if r.returncode:
        raise BuildError("%s\n%s" % (" ".join(cmd), r.stdout))


def compile_c(out, variant, sources, flags=(), deps=()):
    """Compiles the C sources (paths from the repository root) into `out`."""
    absolute = [s if os.path.isabs(s) else os.path.join(TOP, s) for s in sources]
    if _newer(out, absolute + list(deps) + [__file__]):
        return
    os.makedirs(os.path.dirname(out), exist_ok=True)
    cmd = VARIANTS[variant] + ["-std=gnu11", "-O2", "-pthread", "-D_GNU_SOURCE", "-I" + TOP] + WARN
    tmp = out + ".tmp"
    _run(cmd + ["-o", tmp] + absolute + list(flags))
    os.rename(tmp, out)


def compile_go(out, source, cgo):
    """Compiles a Go program; CGO makes it a dynamic one."""
    src = os.path.join(TOP, source)
    if _newer(out, [src, __file__]):
        return
    os.makedirs(os.path.dirname(out), exist_ok=True)
    cache = os.path.join(os.path.dirname(out), ".go-cache")
    env = dict(os.environ, CGO_ENABLED="1" if cgo else "0", GOCACHE=cache, GO111MODULE="off",
               GOFLAGS="-p=2")
    _run(["go", "build", "-o", out, src], env=env)


def have(program):
    return shutil.which(program) is not None


def all_of(jobs, workers=2):
    """Runs the build jobs (callables) side by side; raises the first failure."""
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for f in [pool.submit(j) for j in jobs]:
            f.result()
