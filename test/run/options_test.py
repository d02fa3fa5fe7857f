#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Every kind of bad input to `rktio run`: one line with its code, status 125."""
import os
import sys

import harness
from harness import expect, expect_error, run

RKTIO = os.path.abspath(sys.argv[1])  # rktio-host linked with the fake back end
ROOT = ["--rootfs-dir", "/nonexistent"]


def refuse(args, code, text="", **kw):
    expect_error(run([RKTIO, "run", *args], **kw), code, text)


def refuse_all(rows):
    for args, code, text in rows:
        try:
            refuse(args, code, text)
        except AssertionError as e:
            raise AssertionError(f"{args}: {e}") from None


def bad_values(option, values, text):
    refuse_all([([option, v, *ROOT, "--", "x"], "E_OPTION", text) for v in values])


def test_no_root(top):
    refuse_all([([], "E_OPTION", "no root"), (["--", "x"], "E_OPTION", "no root"),
                (["a", "--rootfs-dir", "b", "--", "x"], "E_OPTION", "exclude"),
                (["a", "b", "--", "x"], "E_OPTION", "second IMAGE")])


def test_no_program(top):
    refuse_all([(ROOT, "E_OPTION", "no program"), ([*ROOT, "--"], "E_OPTION", "no program"),
                ([*ROOT, "--", ""], "E_OPTION", "empty")])


def test_unknown_options(top):
    for word in ("--nope", "--vcpu", "--vcpus2", "-x", "--image", "--program", "--", "-"):
        if word == "--":
            continue
        refuse([word, "1", *ROOT, "--", "x"], "E_OPTION")


def test_missing_values(top):
    for word in ("--vcpus", "-m", "--disk", "--config", "--rootfs-dir"):
        refuse([word], "E_OPTION", "needs a value")
        refuse([word, "--", "x"], "E_OPTION", "needs a value")


def test_flags_take_no_value(top):
    refuse(["--strace=1", *ROOT, "--", "x"], "E_OPTION", "takes no value")


def test_twice(top):
    refuse(["--vcpus", "1", "--vcpus", "2", *ROOT, "--", "x"], "E_OPTION", "twice")
    refuse(["--config", "a", "--config", "b", *ROOT, "--", "x"], "E_OPTION", "twice")


def test_vcpus(top):
    bad_values("--vcpus", ["0", "65", "-1", "+1", "1x", "", " 1", "0x2", "99999999999999999999"],
               "vcpus")


def test_memory(top):
    bad_values("--memory", ["0", "1", "63M", "513G", "512", "1.5G", "M", "-1G", "1P", "1Gi", "1GiBs",
                            "18446744073709551616", "99999999999T", "100000001", ""], "memory")


def test_memory_of_machine(top):
    refuse(["--memory", "512G", *ROOT, "--", "x"], "E_MEMORY", "the machine has")
    refuse(["--memory", "64M", "--vcpus", "64", *ROOT, "--", "x"], "E_MEMORY", "at least 96M")


def test_choices(top):
    for option in ("--tee", "--io", "--root-via", "--log"):
        bad_values(option, ["", "x", "SOFT"], option[2:])


def test_tune(top):
    bad_values("--tune", ["spin_us", "nope=1", "spin_us=", "spin_us=-1", "spin_us=1000001", "=1",
                          "tick_us=1"], "tune")


def test_name(top):
    bad_values("--name", ["", ".", "..", "a/b", "-a", "a b", "a\n", "x" * 65, "../x"], "name")


def test_disk(top):
    bad_values("--disk", [
        "", ",", "a,", "a,,ro", "file:", "vfio:", "vfio:zz", "vfio:0000:00:00.8", "vfio:0:0.0",
        "shm:", "shm:" + "x" * 200, "a,nope", "a,nope=1", "a,ro=1", "a,ro,ro", "a,mount=x",
        "a,mount=/x/../y", "a,mount=/x//y", "a,mount", "a,nsid=0", "shm:a,nsid=0",
        "shm:a,nsid=4294967295", "a,nsid=1", "a,fs=ext4", "a,fs=xfs,mount=/x", "a,verity=12",
        "a,verity=" + "g" * 64, "a,verity=" + "0" * 65, "a,key=", "a,key=x", "a,key=file:",
        "a,key=sealed:", "a,key=prompt1", "a\\b", "a\\", "abcdefghijklmnopq=a",
        "a,verity=" + "0" * 64 + ",key=prompt", ",".join(["a"] + ["nope"] * 20)], "disk")


def test_disk_combinations(top):
    refuse_all([
        (["--disk", "x=a", "--disk", "x=b", *ROOT, "--", "x"], "E_OPTION", "named 'x'"),
        (["--disk", "disk1=a", "--disk", "b", *ROOT, "--", "x"], "E_OPTION", "named 'disk1'"),
        (["--disk", "a,mount=/d", "--disk", "b,mount=/d", *ROOT, "--", "x"], "E_OPTION", "'/d'")])


def test_nic(top):
    bad_values("--nic", [
        "", "eth", "user1", "user:", "tap:", "tap:a/b", "tap:0123456789abcdef", "vhost-user:",
        "vhost-user:" + "x" * 200, "vfio:1", "lo=user", "user,", "user,nope=1",
        "user,protect=none", "user,protect=wireguard:", "user,addr=1.2.3.4", "user,addr=x/24",
        "user,addr=1.2.3.4/33", "user,addr=::1/129", "user,addr=1.2.3.4/-1", "user,gw=x",
        "user,mac=1:2:3:4:5:6", "user,mac=01:00:00:00:00:00", "user,mac=52:54:00:12:34:5g",
        "user,mac=52:54:00:12:34:567", "user,mtu=67", "user,mtu=65536", "user,queues=0",
        "user,queues=65"], "nic")


def test_nic_combinations(top):
    refuse_all([
        (["--nic", "user", "--nic", "eth0=user", *ROOT, "--", "x"], "E_OPTION", "named 'eth0'"),
        (["-p", "80:80", *ROOT, "--", "x"], "E_OPTION", "there are 0"),
        (["-p", "80:80", "--nic", "user", "--nic", "user", *ROOT, "--", "x"], "E_OPTION",
         "there are 2"),
        (["--tee", "emu", "--nic", "user", *ROOT, "--", "x"], "E_OPTION", "must state protect")])


def test_ports(top):
    bad_values("-p", ["", "80", "80:", ":80", "0:80", "80:0", "65536:80", "80:65536", "a:b",
                      "1.2.3:80:80", "x:80:80", "[::1]80:80", "[::1:80:80", "80:80/sctp", "80:80/",
                      "1:2:3:4"], "publish")
    refuse(["-p", "80:80", "-p", "127.0.0.1:80:81", "--nic", "user", *ROOT, "--", "x"], "E_OPTION",
           "twice")


def test_environment_and_cwd(top):
    bad_values("--env", ["", "A", "=x"], "env")
    bad_values("--cwd", ["", "x", "/a/./b", "/a/.."], "cwd")


def test_trusted_outside_soft(top):
    refuse_all([
        (["--tee", "emu", "img", "--", "x"], "E_TRUST", "'program'"),
        (["--tee", "emu", "img", "--env", "A=b"], "E_TRUST", "'env'"),
        (["--tee", "sgx", "img", "--cwd", "/"], "E_TRUST", "'cwd'"),
        (["--tee", "emu", "img", "--strace"], "E_TRUST", "'strace'"),
        (["--tee", "emu", "img", "--gdb"], "E_TRUST", "'gdb'"),
        (["--tee", "emu", "img", "--disk", "a,mount=/x"], "E_TRUST", "'disk.mount'"),
        (["--tee", "emu", "img", "--disk", "a,key=sealed:x"], "E_TRUST", "'disk.key'"),
        (["--tee", "emu", "img", "--disk", "a,key=prompt"], "E_TRUST", "show the key"),
        (["--tee", "emu", "img", "--disk", "a,verity=" + "0" * 64], "E_TRUST", "'disk.verity'"),
        (["--tee", "emu", "img", "--nic", "user,protect=program"], "E_TRUST", "'nic.protect'")])


def test_no_back_end(top):
    refuse_all([
        (["--tee", "sgx", "img"], "E_BACKEND", "tee sgx"),
        (["--io", "libos-virtio", *ROOT, "--", "x"], "E_BACKEND", "io libos-virtio"),
        (["--io", "hostcall-sync", *ROOT, "--", "x"], "E_BACKEND", "io hostcall-sync"),
        (["--disk", "vfio:0000:01:00.0", *ROOT, "--", "x"], "E_BACKEND", "disk vfio"),
        (["--nic", "vfio:01:00.0", *ROOT, "--", "x"], "E_BACKEND", "nic vfio"),
        (["--disk", "a,key=attested", *ROOT, "--", "x"], "E_BACKEND", "disk")])


def test_error_is_one_clean_line(top):
    refuse(["--name", "a\n\x1b[31mb", *ROOT, "--", "x"], "E_OPTION", "a\\x0a\\x1b[31mb")
    refuse(["--name", "y" * 5000, *ROOT, "--", "x"], "E_OPTION")


def write(top, name, text):
    path = os.path.join(top, name)
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as f:
        f.write(text)
    return path


def test_bad_config_files(top):
    rows = [
        ("", "expected"), ("[1]", "expected"), ("x", "expected"), ("nope: 1", "nope"),
        ("config: x", "config"), ("vcpus: 1\nvcpus: 2", "c.yaml:2: given twice"),
        ("vcpus: [1]", "vcpus"), ("vcpus: {a: 1}", "vcpus"), ("a: &x 1\nb: *x", "c.yaml:1"),
        ("name: a\nimage: *x", "c.yaml:2"), ("vcpus: !!int 1", "vcpus"), ("{", "c.yaml"),
        ("vcpus: 1\n---\nvcpus: 1", "c.yaml:2"), ("disk: [[a]]", "disk"),
        ("env: {A: [1]}", "A"), ("env: {[a]: 1}", "env"), ("? [a]\n: 1", "setting"),
        ("\x01", "c.yaml"), ("image: \"a\\0b\"", "image"), ("a: " + "[" * 5000, "c.yaml:1")]
    for text, expected in rows:
        try:
            refuse(["--config", write(top, "c.yaml", text), "--", "x"], "E_CONFIG", expected)
        except AssertionError as e:
            raise AssertionError(f"{text[:40]!r}: {e}") from None


def test_bad_values_in_config_files(top):
    for text in ("vcpus: 0", "memory: 1", "strace: maybe", "tune: {nope: 1}", "disk: ['a,nope']",
                 "env: [A]", "cwd: x", "name: a/b"):
        refuse(["--config", write(top, "c.yaml", text), "--", "x"], "E_OPTION", "c.yaml:1")


def test_config_file_itself(top):
    refuse(["--config", top + "/none"], "E_CONFIG", "No such file")
    refuse(["--config", top], "E_CONFIG", "not a regular file")
    refuse(["--config", write(top, "big", "#" * (1 << 20) + "\n")], "E_CONFIG", "1 MiB")
    os.mkfifo(top + "/fifo")
    refuse(["--config", top + "/fifo"], "E_CONFIG", "not a regular file")


def test_help_names_every_option(top):
    r = run([RKTIO, "run", "--help"])
    expect(r.code == 0, "status")
    for word in ("--tee", "--memory SIZE", "-p, --publish", "--stats[=FILE]", "spin_us", "[512M]"):
        expect(word in r.out, word)
    expect(run([RKTIO, "run", "--", "--help"]).code == 125, "--help after -- is the program's")


def test_small_commands(top):
    env = {"XDG_RUNTIME_DIR": top}
    for args, code, text in [
            (["stats"], "E_OPTION", "needs NAME"), (["stats", "a/b"], "E_OPTION", "not a name"),
            (["stats", "none"], "E_NAME", "none"), (["stop", "none"], "E_NAME", "none"),
            (["log", "none"], "E_OPTION", "LEVEL"), (["log", "none", "info"], "E_NAME", "none"),
            (["ps", "x"], "E_OPTION", "too much"), (["ps", "--x"], "E_OPTION", "--x"),
            (["nope"], "E_OPTION", "knows")]:
        expect_error(run([RKTIO, *args], env=env), code, text)


if __name__ == "__main__":
    sys.exit(harness.main(sys.modules[__name__]))
