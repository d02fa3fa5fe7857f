#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What users do wrong, with the real TEE: one `rktio: CODE:` line, the right status, nothing left.
usage: clumsy_test.py RKTIO_HOST RKTIO_OWNER TEE_IMAGE MKROOTFS"""
import contextlib
import ctypes
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import time

import harness
from harness import Skip, expect, expect_error, run

HOST, OWNER, TEE, MKROOTFS = (os.path.realpath(p) for p in sys.argv[1:5])
DEADLINE = 60  # seconds until a wait is a failure
IMAGE = TREE = None


def env_of(top):
    return {"XDG_RUNTIME_DIR": top, "TMPDIR": top}


def tee(top, *words, root=None, **kw):
    """`words`: options, then -- and the program."""
    at = words.index("--")
    argv = [HOST, "run", "--tee-image", TEE, *words[:at], *(root or [IMAGE]), *words[at:]]
    return run(argv, env=env_of(top), **kw)


def expect_nothing_left(top):
    expect(os.listdir(top + "/rktio") == [".lock"], os.listdir(top + "/rktio"))
    expect(set(os.listdir(top)) <= {"rktio", "tree", "out"}, os.listdir(top))


def expect_hello(result):
    expect(result.code == 0 and result.out == "hello\n" and not result.error_lines(),
           f"{result.code} {result.out!r} {result.err!r}")


HELLO = ("--", "/bin/sh", "-c", "echo hello")


def test_it_works_at_all(top):
    for options in ((), ("--memory", "64M"), ("--vcpus", "64"), ("--log", "err")):
        expect_hello(tee(top, *options, *HELLO))
    expect_nothing_left(top)


def test_no_warnings_at_start(top):
    for vcpus in ("1", "2", "3"):
        expect_hello(tee(top, "--log", "warn", "--vcpus", vcpus, *HELLO))


def test_sizes_and_counts(top):
    for options, code in ((("--memory", "1M"), "E_OPTION"), (("--memory", "1T"), "E_OPTION"),
                          (("--memory", "0"), "E_OPTION"), (("--memory", "-1"), "E_OPTION"),
                          (("--memory", "400G"), "E_MEMORY"), (("--vcpus", "0"), "E_OPTION"),
                          (("--vcpus", "1000"), "E_OPTION"), (("--vcpus", ""), "E_OPTION"),
                          (("--log", "loud"), "E_OPTION"), (("--name", "../x"), "E_OPTION"),
                          (("--env", "A"), "E_OPTION"), (("--disk", "/none"), "E_DISK"),
                          (("--nic", "none"), "E_OPTION"), (("--bogus",), "E_OPTION"),
                          (("--tee", "emu2"), "E_OPTION")):
        expect_error(tee(top, *options, *HELLO), code)


def executable(tree, name, data, mode=0o755):
    with open(os.path.join(tree, name), "wb") as f:
        f.write(data)
    os.chmod(os.path.join(tree, name), mode)


def test_programs_that_are_none(top):
    tree = os.path.join(top, "tree")
    shutil.copytree(TREE, tree, symlinks=True)
    with open(os.path.realpath("/bin/true"), "rb") as f:
        true = f.read()
    executable(tree, "no-interpreter", b"#!/no/interpreter\n")
    executable(tree, "script", b"#!/bin/sh\necho hello\n")
    executable(tree, "no-shebang", b"echo hello\n")
    executable(tree, "not-executable", true, 0o644)
    executable(tree, "empty", b"")
    executable(tree, "cut", true[:100])
    executable(tree, "arm", true[:18] + b"\xb7\0" + true[20:])
    executable(tree, "i386", true[:4] + b"\1" + true[5:18] + b"\3\0" + true[20:])
    executable(tree, "no-loader", true.replace(b"ld-linux-x86-64.so.2", b"ld-linux-x86-64.so.9"))
    os.symlink("loop", os.path.join(tree, "loop"))
    image = os.path.join(top, "out")
    expect(run([OWNER, "pack", tree, "-o", image]).code == 0, "pack")
    expect_hello(tee(top, "--", "/script", root=[image]))
    for name, status in (("/none", 127), ("none", 127), ("/script/x", 127), ("/no-interpreter", 127),
                         ("/no-loader", 127), ("/", 126), ("/etc", 126), ("/not-executable", 126),
                         ("/no-shebang", 126), ("/empty", 126), ("/cut", 126), ("/arm", 126),
                         ("/i386", 126), ("/loop", 126)):
        expect_error(tee(top, "--", name, root=[image]), "E_PROGRAM", name + ": ", status)
    expect_nothing_left(top)


def test_no_such_directory(top):
    r = tee(top, "--cwd", "/none", *HELLO)
    expect(r.code == 125 and r.error_lines()[-1].startswith("rktio: E_INIT: "), r.err)
    expect("init: PROGRAM: cwd: No such file" in r.err, r.err)


def test_damaged_root(top):
    image = os.path.join(top, "out")
    shutil.copy(IMAGE, image)
    with open(image, "r+b") as f:
        f.seek(65536)
        f.write(os.urandom(1 << 20))
    r = tee(top, *HELLO, root=[image])
    expect(r.code == 125 and r.error_lines()[-1].startswith("rktio: E_INIT: "), r.err)
    expect_nothing_left(top)


def test_damaged_tee_images(top):
    path = os.path.join(top, "out")
    with open(TEE, "rb") as f:
        data = f.read()
    for bad in (data[:len(data) // 2], data[:100], data[:64] + bytes(4096) + data[4160:],
                data[:4096] + os.urandom(64) + data[4160:]):
        with open(path, "wb") as f:
            f.write(bad)
        r = run([HOST, "run", "--tee-image", path, IMAGE, *HELLO], env=env_of(top))
        expect_error(r, "E_TEE_IMAGE")
    expect_nothing_left(top)


def test_low_limits(top):
    def limited(what, value):
        return tee(top, *HELLO, preexec_fn=lambda: resource.setrlimit(what, (value, value)))
    expect_error(limited(resource.RLIMIT_AS, 1 << 30), "E_MEMORY")
    expect_error(limited(resource.RLIMIT_AS, 100 << 20), "E_MEMORY")
    expect_error(limited(resource.RLIMIT_NOFILE, 20), "E_HOST", "ulimit -n")
    expect_error(limited(resource.RLIMIT_NOFILE, 6), "E_HOST", "ulimit -n")
    expect_error(limited(resource.RLIMIT_STACK, 256 << 10), "E_HOST", "ulimit -s")
    expect_error(limited(resource.RLIMIT_FSIZE, 4096), "E_MEMORY", "File too large")
    expect_hello(limited(resource.RLIMIT_MEMLOCK, 0))
    expect_hello(limited(resource.RLIMIT_CORE, 0))
    expect_nothing_left(top)


def test_low_soft_limits_are_raised(top):
    def lower():
        for what, value in ((resource.RLIMIT_NOFILE, 30), (resource.RLIMIT_STACK, 256 << 10),
                            (resource.RLIMIT_FSIZE, 4096)):
            resource.setrlimit(what, (value, resource.getrlimit(what)[1]))
    expect_hello(tee(top, *HELLO, preexec_fn=lower))
    expect_hello(tee(top, *HELLO, root=["--rootfs-dir", TREE], preexec_fn=lower))


def refuse(*numbers):
    """Makes a function that forbids system calls to the process that calls it (EPERM)."""
    rows = [(0x20, 0, 0, 0)]
    for i, number in enumerate(numbers):
        rows.append((0x15, len(numbers) - i, 0, number))
    rows += [(6, 0, 0, 0x7fff0000), (6, 0, 0, 0x00050001)]
    code = b"".join(struct.pack("HBBI", *row) for row in rows)
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(code)
    program = ctypes.create_string_buffer(
        struct.pack("HxxxxxxQ", len(rows), ctypes.addressof(buffer)))

    def forbid():
        if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, program, 0, 0):
            raise OSError("seccomp")
        return buffer
    return forbid


def test_calls_are_refused_outside(top):
    for number, code in ((317, "E_HOST"), (319, "E_MEMORY"), (290, "E_HOST"), (289, "E_HOST"),
                         (41, "E_HOST"), (131, "E_HOST")):  # seccomp memfd eventfd signalfd socket sigaltstack
        r = tee(top, *HELLO, preexec_fn=refuse(number))
        expect(r.code == 125, f"{number}: {r.code}")
        expect_error(r, code)
    expect_nothing_left(top)


def shell(top, line):
    """A line for bash; `RKTIO` stands for the command. All of it ends with the test."""
    words = " ".join(f"'{w}'" for w in (HOST, "run", "--tee-image", TEE, IMAGE, "--"))
    with subprocess.Popen(["bash", "-c", line.replace("RKTIO", words)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env={**os.environ, **env_of(top)}, start_new_session=True) as proc:
        try:
            out, err = proc.communicate(timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            os.killpg(proc.pid, signal.SIGKILL)
            raise
        return harness.Result(subprocess.CompletedProcess(proc.args, proc.returncode, out, err))


def test_closed_streams(top):
    for redirect in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        r = shell(top, f"RKTIO /bin/sh -c 'echo hello; exit 3' {redirect}")
        expect(r.code == 3, f"{redirect}: {r.code} {r.err!r}")
        expect(r.out == ("" if ">&-" in redirect.replace("2>&-", "") else "hello\n"), r.out)
    expect_nothing_left(top)


def test_reader_goes_away(top):
    r = shell(top, "RKTIO /bin/sh -c 'while echo y; do :; done' | head -1; echo ${PIPESTATUS[0]}")
    expect(r.out == "y\n141\n", f"{r.out!r} {r.err!r}")
    r = shell(top, "RKTIO /bin/sh -c 'trap \"\" PIPE; while echo y; do :; done; exit 7' 2>/dev/null"
              " | head -1; echo ${PIPESTATUS[0]}")
    expect(r.out == "y\n7\n", f"{r.out!r} {r.err!r}")
    r = shell(top, "RKTIO /bin/sh -c 'while echo y; do :; done >&2' 2>&1 >/dev/null | head -1 "
              ">/dev/null; echo ${PIPESTATUS[0]}")
    expect(r.out == "141\n", f"{r.out!r} {r.err!r}")
    expect_nothing_left(top)


def test_nowhere_to_pack(top):
    if os.geteuid():
        raise Skip("mounting needs root")
    script = f"mount -t tmpfs -o size=1m none {top} && exec \"$@\""
    argv = ["unshare", "-m", "sh", "-c", script, "sh"]
    r = run([*argv, HOST, "run", "--tee-image", TEE, "--rootfs-dir", TREE, *HELLO], env=env_of(top))
    expect_error(r, "E_ROOTFS", "No space left")
    r = run([*argv, OWNER, "pack", TREE, "-o", top + "/x"], env=env_of(top))
    expect_error(r, "E_ROOTFS", "No space left")
    script = f"mount -t tmpfs -o ro none {top} && exec \"$@\""
    r = run(["unshare", "-m", "sh", "-c", script, "sh", HOST, "run", "--tee-image", TEE, IMAGE, *HELLO],
            env=env_of(top))
    expect_error(r, "E_RUNDIR", "Read-only")


def test_no_shared_memory_and_no_proc(top):
    if os.geteuid():
        raise Skip("mounting needs root")
    for script in ("mount -t tmpfs -o ro none /dev/shm", "umount -l /proc"):
        r = run(["unshare", "-m", "sh", "-c", script + " && exec \"$@\"", "sh", HOST, "run",
                 "--tee-image", TEE, IMAGE, *HELLO], env=env_of(top))
        expect_hello(r)


def test_unreadable_files(top):
    if os.geteuid():
        raise Skip("becoming somebody else needs root")
    tree = os.path.join(top, "tree")
    os.makedirs(tree + "/secret")
    os.chmod(tree + "/secret", 0o700)
    image = os.path.join(top, "out")
    shutil.copy(IMAGE, image)
    os.chmod(image, 0)
    os.chmod(top, 0o777)
    place = os.path.join(top, "rktio")
    argv = [HOST, "run", "--tee-image", TEE]
    env = {"XDG_RUNTIME_DIR": "", "TMPDIR": "/tmp"}
    nobody = {"user": 65534, "group": 65534, "extra_groups": []}
    try:
        r = run([*argv, "--rootfs-dir", tree, *HELLO], env=env, **nobody)
    except PermissionError as e:
        raise Skip("nobody may not enter the build directory") from e
    expect_error(r, "E_ROOTFS", "secret: Permission denied")
    expect_error(run([*argv, image, *HELLO], env=env, **nobody), "E_IMAGE", "Permission denied")
    expect(not os.path.exists(place), place)


def children(pid):
    """Of all its threads."""
    pids = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as f:
            pids += [int(p) for p in f.read().split()]
    return pids


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@contextlib.contextmanager
def started(top):
    """A TEE with device processes; it does not outlive the test."""
    disk = os.path.join(top, "out")
    with open(disk, "wb") as f:
        f.truncate(16 << 20)
    with subprocess.Popen(
            [HOST, "run", "--tee-image", TEE, "--disk", f"data=file:{disk}", "--nic", "user", IMAGE, "--",
             "/bin/sh", "-c", "echo ready; exec sleep 100"], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, **env_of(top)}) as proc:
        try:
            expect(proc.stdout.readline() == b"ready\n", "does not start")
            yield proc
        finally:
            proc.kill()


def expect_gone(pids):
    end = time.monotonic() + DEADLINE
    while any(alive(p) for p in pids):
        expect(time.monotonic() < end, f"processes left: {pids}")
        time.sleep(0.02)


def test_signals_leave_nothing(top):
    for signo in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        with started(top) as proc:
            pids = children(proc.pid)
            expect(len(pids) >= 2, f"device processes: {pids}")
            proc.send_signal(signo)
            expect(proc.wait(DEADLINE) == 128 + signo, f"{signo}: {proc.returncode}")
        expect_gone(pids)
        expect_nothing_left(top)


def test_signals_that_mean_nothing(top):
    with started(top) as proc:
        for signo in (signal.SIGURG, signal.SIGPIPE, signal.SIGCHLD, signal.SIGXFSZ, signal.SIGUSR1):
            proc.send_signal(signo)
        time.sleep(0.2)
        proc.terminate()
        expect(proc.wait(DEADLINE) == 143, proc.returncode)


def test_kill_leaves_no_process(top):
    with started(top) as proc:
        pids = children(proc.pid)
        proc.kill()
        proc.wait(DEADLINE)
    expect_gone(pids)
    expect_hello(tee(top, *HELLO))  # sweeps what the dead one left
    expect_nothing_left(top)


def test_signals_during_boot(top):
    for delay_ms in (0, 3, 10, 30, 60, 100, 150, 250):
        proc = subprocess.Popen([HOST, "run", "--tee-image", TEE, IMAGE, "--", "/bin/sleep", "100"],
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, env={**os.environ, **env_of(top)})
        time.sleep(delay_ms / 1000)
        proc.terminate()
        proc.communicate(timeout=DEADLINE)
        expect(proc.returncode in (-15, 143), f"after {delay_ms} ms: {proc.returncode}")
    expect(tee(top, *HELLO).code == 0, "it does not recover")
    expect_nothing_left(top)


def make_root(top):
    tree = os.path.join(top, "tree")
    subprocess.run([sys.executable, MKROOTFS, "-o", tree, "--sh", "--bin", "sleep"], check=True,
                   stdout=subprocess.DEVNULL)
    image = os.path.join(top, "root.img")
    subprocess.run([OWNER, "pack", tree, "-o", image], check=True)
    return tree, image


if __name__ == "__main__":
    if not os.path.exists(TEE):
        print("skip all: no TEE image (tools/build-kernel makes it)")
        sys.exit(77)
    PLACE = harness.temporary_dir()
    try:
        TREE, IMAGE = make_root(PLACE)
        CODE = harness.main(sys.modules[__name__])
    finally:
        shutil.rmtree(PLACE)
    sys.exit(CODE)
