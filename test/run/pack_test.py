#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""rktio pack and tools/mkrootfs."""
import filecmp
import os
import sys

import harness
from harness import Skip, expect, expect_error, run

OWNER = os.path.abspath(sys.argv[2])
MKROOTFS = os.path.join(os.path.dirname(__file__), "..", "..", "tools", "mkrootfs")
SBIN = {"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}


def tree(top):
    path = os.path.join(top, "tree")
    os.makedirs(path + "/etc/empty")
    with open(path + "/etc/motd", "w", encoding="ascii") as f:
        f.write("hello\n" * 1000)
    os.symlink("motd", path + "/etc/link")
    os.link(path + "/etc/motd", path + "/etc/hard")
    os.mkfifo(path + "/fifo", 0o600)
    os.chmod(path + "/etc/empty", 0o1777)
    with open(path + "/sparse", "wb") as f:
        f.truncate(1 << 20)
    return path


def debugfs(img, command):
    r = run(["debugfs", "-R", command, img], env=SBIN)
    return r.out


def check(img):
    r = run(["e2fsck", "-fn", img], env=SBIN)
    expect(r.code == 0, r.out + r.err)


def test_tree_comes_through(top):
    img = top + "/a.img"
    r = run([OWNER, "pack", tree(top), "-o", img])
    expect(r.code == 0 and not r.out and not r.err, r.err)
    check(img)
    run(["debugfs", "-R", f"dump /etc/hard {top}/back", img], env=SBIN)
    expect(filecmp.cmp(top + "/back", top + "/tree/etc/motd", shallow=False), "contents")
    expect('Fast link dest: "motd"' in debugfs(img, "stat /etc/link"), "link")
    expect("Mode:  01777" in debugfs(img, "stat /etc/empty"), "mode")
    expect("Type: FIFO" in debugfs(img, "stat /fifo"), "fifo")
    st = os.stat(img)
    expect(st.st_blocks * 512 < st.st_size / 4, "the image is not sparse")


def test_same_tree_same_image(top):
    tree(top)
    for name in ("a", "b"):
        expect(run([OWNER, "pack", top + "/tree", "-o", f"{top}/{name}.img"]).code == 0, name)
    expect(filecmp.cmp(top + "/a.img", top + "/b.img", shallow=False), "the images differ")


def test_size(top):
    tree(top)
    expect(run([OWNER, "pack", top + "/tree", "-o", top + "/a", "--size", "32M"]).code == 0, "32M")
    expect(os.stat(top + "/a").st_size == 32 << 20, "size")
    with open(top + "/tree/big", "wb") as f:
        f.write(os.urandom(12 << 20))
    r = run([OWNER, "pack", top + "/tree", "-o", top + "/b", "--size", "8M"])
    expect_error(r, "E_ROOTFS", "does not fit")
    expect(sorted(os.listdir(top)) == ["a", "tree"], os.listdir(top))


def test_bad_arguments(top):
    tree(top)
    t = top + "/tree"
    os.symlink("nowhere", top + "/dangling")
    for words, code, text in (
            ([], "E_OPTION", "DIR"), ([t], "E_OPTION", "-o"), (["-o", "x"], "E_OPTION", "DIR"),
            ([t, t, "-o", "x"], "E_OPTION", "second"), ([t, "-o"], "E_OPTION", "value"),
            ([t, "--nope"], "E_OPTION", "--nope"), ([t, "-o", t], "E_OPTION", "exists"),
            ([t, "-o", top + "/dangling"], "E_OPTION", "exists"),
            ([t, "-o", t, "--force"], "E_OPTION", "exists"),
            ([t, "-o", top + "/none/x"], "E_OPTION", "No such"),
            ([top + "/none", "-o", top + "/x"], "E_ROOTFS", "No such"),
            ([t + "/etc/motd", "-o", top + "/x"], "E_ROOTFS", "not a directory"),
            *(([t, "-o", top + "/x", "--size", s], "E_OPTION", "size")
              for s in ("", "0", "-1M", "1X", "1MM", "5000", "99999999999T"))):
        try:
            expect_error(run([OWNER, "pack", *words], cwd=top), code, text)
        except AssertionError as e:
            raise AssertionError(f"{words}: {e}") from None
    expect(sorted(os.listdir(top)) == ["dangling", "tree"], os.listdir(top))


def test_force_replaces(top):
    img = top + "/a.img"
    with open(img, "w", encoding="ascii") as f:
        f.write("precious")
    expect_error(run([OWNER, "pack", tree(top), "-o", img]), "E_OPTION", "--force")
    expect(os.stat(img).st_size == 8, "changed although refused")
    expect_error(run([OWNER, "pack", top + "/none", "-o", img, "--force"]), "E_ROOTFS")
    expect(os.stat(img).st_size == 8, "changed although it failed")
    expect(run([OWNER, "pack", top + "/tree", "-o", img, "--force"]).code == 0, "--force")
    check(img)


def test_unreadable_file(top):
    if os.geteuid() != 0:
        raise Skip("needs root to become somebody else")
    t = tree(top)
    os.chmod(top, 0o777)
    os.chmod(t + "/etc/motd", 0)
    r = run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", OWNER, "pack", t,
             "-o", top + "/x"])
    expect_error(r, "E_ROOTFS", "Permission denied")


def test_mkrootfs_program_runs(top):
    r = run([sys.executable, MKROOTFS, "-o", top + "/r", "--bin", "ls", "--sh", "--file",
             f"{__file__}:/data/x"])
    expect(r.code == 0, r.err)
    with open(top + "/r/etc/passwd", encoding="ascii") as f:
        expect(f.readline().startswith("root:"), "passwd")
    expect(os.path.exists(top + "/r/data/x"), "--file SRC:DST")
    expect(os.path.exists(top + "/r/lib/x86_64-linux-gnu/libgcc_s.so.1"), "libgcc_s")
    if os.geteuid() != 0:
        raise Skip("needs root to chroot")
    r = run(["chroot", top + "/r", "/bin/sh", "-c", "/bin/ls /data"])
    expect(r.code == 0 and r.out == "x\n", r.err)


def test_mkrootfs_packages(top):
    r = run([sys.executable, MKROOTFS, "-o", top + "/r", "--pkg", "coreutils", "--deps"])
    expect(r.code == 0, r.err)
    for name in ("usr/bin/env", "lib64/ld-linux-x86-64.so.2", "usr/bin/sort"):
        expect(os.path.lexists(os.path.join(top, "r", name)), name)
    expect(not os.path.exists(top + "/r/usr/share/doc"), "documentation came along")


def test_mkrootfs_refuses(top):
    for words, text in ((["--pkg", "no-such-package"], "not installed"),
                        (["--bin", "no-such-program"], "not on this machine"),
                        (["--bin", top + "/none"], "No such file"),
                        (["--file", top + "/none"], "No such file")):
        r = run([sys.executable, MKROOTFS, "-o", top + "/r", *words])
        expect(r.code == 1 and text in r.err and "Traceback" not in r.err, f"{words}: {r.err}")
    expect(run([sys.executable, MKROOTFS, "-o", "/"]).code == 1, "-o /")
    expect(run([sys.executable, MKROOTFS]).code == 2, "no -o")


if __name__ == "__main__":
    sys.exit(harness.main(sys.modules[__name__]))
