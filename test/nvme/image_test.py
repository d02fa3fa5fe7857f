#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Disks in the real TEE image: image_test.py RKTIO. Skipped where the image is not built."""
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "test", "run"))
from harness import Skip, expect, expect_error, main, run  # noqa: E402

RKTIO = os.path.abspath(sys.argv[1])
TOOLS = ["dd", "cat", "cmp", "md5sum", "sync", "mkfs.ext4"]  # nothing forks: dash uses vfork()
PATTERN = "rktio-canary-0123456789abcdef-"
ROOT = None


def root():
    """One small root tree for all cases."""
    global ROOT
    if not os.path.exists(os.path.join(os.path.dirname(RKTIO), "rktio.tee")):
        raise Skip("no rktio.tee beside rktio")
    if ROOT is None:
        ROOT = tempfile.TemporaryDirectory(prefix="rktio-root-")
        args = [a for t in TOOLS for a in ("--bin", t)]
        r = run([os.path.join(TOP, "tools", "mkrootfs"), "-o", ROOT.name + "/root", "--sh", *args])
        expect(r.code == 0, f"mkrootfs: {r.err}")
    return ROOT.name + "/root"


def disk(top, name, mib, fs=True):
    path = f"{top}/{name}"
    with open(path, "wb") as f:
        f.truncate(mib << 20)
    if fs:
        expect(run(["mkfs.ext4", "-q", "-F", path]).code == 0, "mkfs.ext4")
    return path


def tee(script, *disks, stats=None, name=None):
    args = [RKTIO, "run", "--vcpus", "2", "--memory", "512M", "--log", "err"]
    args += [a for d in disks for a in ("--disk", d)]
    args += ["--stats=" + stats] if stats else []
    args += ["--name", name] if name else []
    return args + ["--rootfs-dir", root(), "--", "/bin/sh", "-c", script]


def good(r, text):
    expect(r.code == 0 and text in r.out, f"status {r.code}, out {r.out!r}, err {r.err[-600:]!r}")


def test_persists(top):
    d = disk(top, "d", 32)
    spec = f"data=file:{d},mount=/mnt"
    good(run(tee("echo 'written inside' > /mnt/a && echo ok", spec)), "ok")
    good(run(tee("cat /mnt/a", spec)), "written inside")
    out = run(["debugfs", "-R", "cat /a", d]).out
    expect(out == "written inside\n", f"the file system on the host says {out!r}")


def test_data_is_right(top):
    """Through the page cache and around it, in sizes that split and merge."""
    script = ("set -e; dd if=/dev/urandom of=/tmp/a bs=1000 count=9000 2>/dev/null;"
              "dd if=/tmp/a of=/mnt/a bs=3000 2>/dev/null; sync; echo 3 > /proc/sys/vm/drop_caches;"
              "cmp /tmp/a /mnt/a; for b in 512 4096 65536 1048576; do"
              "  dd if=/mnt/a of=/tmp/b bs=$b iflag=direct 2>/dev/null; cmp /tmp/a /tmp/b;"
              "  dd if=/tmp/a of=/mnt/c bs=$b oflag=direct conv=fsync 2>/dev/null ||"
              "    dd if=/tmp/a of=/mnt/c bs=$b conv=fsync 2>/dev/null;"
              "  echo 3 > /proc/sys/vm/drop_caches; cmp /tmp/a /mnt/c; done; echo same")
    good(run(tee(script, f"{disk(top, 'd', 64)},mount=/mnt")), "same")


def test_namespaces(top):
    a, b = disk(top, "a", 16), disk(top, "b", 24)
    good(run(tee("echo 1 > /m/a/x && ! echo 1 > /m/b/x; cat /sys/block/nvme0n1/size "
                 "/sys/block/nvme0n2/size /sys/block/nvme0n2/ro",
                 f"{a},mount=/m/a", f"{b},mount=/m/b,ro")), "32768\n49152\n1\n")


def scan(path, pattern):
    with open(path, "rb") as f:
        return f.read().count(pattern.encode())


def write_pattern(spec):
    return run(tee(f"i=0; while [ $i -lt 2000 ]; do echo {PATTERN}$i; i=$((i+1)); done > /mnt/p;"
                   "sync; echo done", spec))


def test_encrypted(top):
    """The pattern is on the plain disk and not on the encrypted one; both give it back."""
    plain, secret, key = disk(top, "p", 64), disk(top, "s", 64, fs=False), f"{top}/key"
    with open(key, "w") as f:
        f.write("correct horse battery staple")
    good(write_pattern(f"{plain},mount=/mnt"), "done")
    r = write_pattern(f"{secret},mount=/mnt,key=file:{key},mkfs=empty")
    good(r, "done")
    expect(scan(plain, PATTERN) > 1000, "the scan does not even find it on the plain disk")
    expect(scan(secret, PATTERN) == 0, "plaintext on the encrypted disk")
    good(run(tee("cat /mnt/p", f"{secret},mount=/mnt,key=file:{key}")), PATTERN + "1999")
    with open(key, "w") as f:
        f.write("wrong")
    r = run(tee("echo never", f"{secret},mount=/mnt,key=file:{key}"))
    expect(r.code == 125 and "KEY" in r.err and "never" not in r.out, f"{r.code} {r.err!r}")


def nvmed_of(name):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                argv = f.read().split(b"\0")
        except OSError:
            continue
        if argv[0].endswith(b"/nvmed") and any(f"/{name}/".encode() in a for a in argv):
            return int(pid)
    return None


def test_nvmed_killed(top):
    """kill -9 of nvmed under load, three times: the program notices nothing but time."""
    name = f"kill{os.getpid()}"
    script = ("set -e; cd /mnt; i=0; while [ $i -lt 150 ]; do n=$((i%10)); i=$((i+1));"
              " dd if=/dev/urandom of=f$n bs=16k count=4 conv=fsync 2>/dev/null;"
              " md5sum f$n > s$n; done;"
              " sync; echo 3 > /proc/sys/vm/drop_caches; md5sum -c s? > /tmp/log; echo whole")
    killed = []
    done = threading.Event()

    def killer():
        while len(killed) < 3 and not done.wait(1.2):
            pid = nvmed_of(name)
            if pid and pid not in killed:
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)

    thread = threading.Thread(target=killer)
    thread.start()
    try:
        stats = f"{top}/stats"
        r = subprocess.run(tee(script, f"{disk(top, 'd', 64)},mount=/mnt", stats=stats, name=name),
                           capture_output=True, text=True, timeout=180, check=False)
    finally:
        done.set()
        thread.join()
    good(r_of(r), "whole")
    with open(stats) as f:
        text = f.read()
    resets = int(re.search(r'"disk\.resets": *(\d+)', text).group(1))
    expect(killed and resets >= 1, f"killed {len(killed)}, resets {resets}")


class r_of:
    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr


def test_bytes_cross_once(top):
    """Direct reads: payload bytes across the boundary per payload byte = 1.00."""
    stats = f"{top}/stats"
    d = disk(top, "d", 64, fs=False)
    good(run(tee("dd if=/dev/nvme0n1 of=/dev/null bs=64k iflag=direct 2>/dev/null && echo ok", f"{d}",
                 stats=stats)), "ok")
    with open(stats) as f:
        v = dict(re.findall(r'"([a-z_.]+)": *(\d+)', f.read()))
    read, crossed = int(v["disk.read_bytes"]), int(v["boundary.in_bytes"])
    expect(read >= 64 << 20 and crossed == read, f"read {read}, crossed {crossed}")
    expect(int(v["boundary.lies"]) == 0, "lies")


def test_root_on_nvme(top):
    """The root image as first namespace; not one request by hostcall."""
    stats = f"{top}/stats"
    args = tee("cat /proc/mounts; cat /mnt/none 2>/dev/null; ! cat /sys/block/hostblk/size",
               f"{disk(top, 'd', 16)},mount=/mnt", stats=stats)
    r = run(args[:2] + ["--root-via", "nvme"] + args[2:])
    good(r, "/dev/nvme0n2 /mnt ext4")


def test_bad_disk(top):
    root()
    r = run(tee("echo never", f"{top}/none,mount=/mnt"))
    expect_error(r, "E_DISK", "none")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
