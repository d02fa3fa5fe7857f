# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Starts a tree natively (chroot in own namespaces) or inside (rktio run)."""
import os
import selectors
import shutil
import signal
import subprocess
import threading
import time

# Both sides get the same environment and nothing else.
ENV = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/root", "LANG": "C.UTF-8", "TZ": "UTC"}


def native_command(tree, argv, tmpfs=False):
    """chroot; runall mounts what it needs, `tmpfs` gives other programs a /tmp and lo."""
    script = 'mount --rbind /dev "$0/dev" && mount -t tmpfs tmpfs "$0/dev/shm" && '
    if tmpfs:
        script += ('mount -t tmpfs tmpfs "$0/tmp" && mount -t proc proc "$0/proc" && '
                   'ip link set lo up && ')
    script += 'exec chroot "$0" "$@"'
    names = ["-m", "-p", "-f", "-n", "-i", "-u", "--kill-child"]
    if os.geteuid() != 0:
        names = ["-U", "-r"] + names
    env = ["env", "-i"] + ["%s=%s" % kv for kv in ENV.items()]
    return env + ["unshare"] + names + ["sh", "-c", script, tree] + argv


# The back ends that tests run on; "emu-static" is emu with all memory there from the start. That
# needs more of it: reservations take what others could have (docs/memory.md).
TEES = {
    "soft": ["--tee", "soft"],
    "emu": ["--tee", "emu"],
    "emu-static": ["--tee", "emu", "--tune", "emu_sgx=1", "--tune", "emu_cpuid=0", "--memory", "4G", "--env", "GUEST_STATIC=1"],
}


def inside_command(rktio, tree, argv, vcpus, tee, extra=()):
    cmd = [rktio, "run"] + TEES[tee] + ["--vcpus", str(vcpus), "--rootfs-dir", tree]
    for k, v in dict(ENV, GUEST_INSIDE="1").items():
        cmd += ["--env", "%s=%s" % (k, v)]
    return cmd + list(extra) + ["--"] + argv


class Result:
    """What a machine said: output (stdout), log (stderr), status, hung."""

    def __init__(self):
        self.out = b""
        self.log = b""
        self.status = None
        self.hung = False


def _pump(proc, result, quiet_max, on_out):
    """Reads both streams; False when nothing came for quiet_max seconds."""
    sel = selectors.DefaultSelector()
    sel.register(proc.stdout, selectors.EVENT_READ, "out")
    sel.register(proc.stderr, selectors.EVENT_READ, "log")
    last = time.monotonic()
    while sel.get_map():
        events = sel.select(5)
        if not events and time.monotonic() - last > quiet_max:
            return False
        for key, _ in events:
            data = os.read(key.fd, 65536)
            last = time.monotonic()
            if not data:
                sel.unregister(key.fileobj)
                continue
            setattr(result, key.data, getattr(result, key.data) + data)
            if key.data == "out" and on_out:
                on_out(data)
    return True


def _stacks(proc, cmd):
    """Where the threads of a launcher that hangs are, those inside the TEE too."""
    debug = os.path.join(os.path.dirname(cmd[0]), "rktio.tee.debug")
    if not shutil.which("gdb") or not os.path.exists(debug):
        return b""
    script = ["set pagination off", "add-symbol-file %s -o 0x100000000" % debug,
              "thread apply all bt 24",
              "source %s" % os.path.join(os.path.dirname(__file__), "gdb_tasks.py")]
    argv = ["gdb", "-q", "-batch", "-p", str(proc.pid)]
    try:
        return subprocess.run(argv + [a for s in script for a in ("-ex", s)], timeout=120,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=False).stdout
    except subprocess.TimeoutExpired:
        return b"gdb hangs\n"


def _stop(proc):
    try:
        os.killpg(proc.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def run(cmd, quiet_max, stdin=None, on_out=None):
    """Runs a command; silence for quiet_max seconds counts as a hang and ends it."""
    result = Result()
    with subprocess.Popen(cmd, stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          start_new_session=True) as proc:
        feeder = _feed(proc, stdin) if stdin is not None else None
        finished = False
        try:
            finished = _pump(proc, result, quiet_max, on_out)
            if not finished:
                result.log += b"---- stacks ----\n" + _stacks(proc, cmd)
        finally:
            if not finished:
                _stop(proc)
        result.hung = not finished
        result.status = proc.wait()
        if feeder:
            feeder.join()
    return result


def _feed(proc, data):
    def work():
        try:
            proc.stdin.write(data)
            proc.stdin.close()
        except (BrokenPipeError, ValueError):
            pass
    t = threading.Thread(target=work, daemon=True)
    t.start()
    return t
