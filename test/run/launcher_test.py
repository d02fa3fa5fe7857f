#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The launcher as a process: images, streams, terminal, signals, control socket, cleanup."""
import errno
import fcntl
import json
import os
import pty
import shutil
import signal
import socket
import struct
import subprocess
import sys
import termios
import time

import harness
from harness import Skip, expect, expect_error, run

RKTIO = os.path.abspath(sys.argv[1])  # rktio-host linked with the fake back end
OWNER = os.path.abspath(sys.argv[2])
DEADLINE = 30  # seconds until a wait is a failure


def tree(top):
    path = os.path.join(top, "tree")
    os.makedirs(path + "/etc", exist_ok=True)
    with open(path + "/etc/motd", "w", encoding="ascii") as f:
        f.write("hello\n")
    return path


def env_of(top):
    path = os.path.join(top, "run")
    os.makedirs(path, mode=0o700, exist_ok=True)
    return {"XDG_RUNTIME_DIR": path}


def image(top):
    path = os.path.join(top, "root.img")
    if not os.path.exists(path):
        r = run([OWNER, "pack", tree(top), "-o", path])
        expect(r.code == 0, r.err)
    return path


def command(top, *words, root=None):
    """The launcher with any ELF as the TEE image: the fake back end does not load it."""
    return [RKTIO, "run", "--tee-image", RKTIO, *(root or [image(top)]), *words]


def start(top, *words, **kw):
    kw = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **kw}
    return subprocess.Popen(command(top, *words), env={**os.environ, **env_of(top)}, **kw)


def wait_line(proc, text):
    line = proc.stdout.readline().decode()
    expect(line == text + "\n", f"{line!r} instead of {text!r}")


def finish(proc, status):
    out, err = proc.communicate(timeout=DEADLINE)
    expect(proc.returncode == status, f"status {proc.returncode}, stderr {err!r}")
    return out.decode()


def until(condition, what):
    end = time.monotonic() + DEADLINE
    while not condition():
        expect(time.monotonic() < end, f"{what}: not within {DEADLINE} s")
        time.sleep(0.01)


def left_over(top):
    return sorted(os.listdir(top + "/run/rktio"))


def expect_clean(top):
    expect(left_over(top) == [".lock"], f"left over: {left_over(top)}")


def expect_clean_disk(top):
    expect(set(os.listdir(top)) <= {"run", "tree", "root.img", "mke2fs"}, os.listdir(top))


def test_exit_status(top):
    for words, status in ((["exit", "0"], 0), (["exit", "42"], 42), (["exit", "255"], 255),
                          (["sig", "15"], 143), (["sig", "9"], 137)):
        r = run(command(top, "--", *words), env=env_of(top))
        expect(r.code == status and not r.error_lines(), f"{words}: {r.code} {r.err!r}")
    expect_clean(top)


def test_failures_have_a_line(top):
    for words, code, status, text in (
            (["noexec", str(errno.ENOENT)], "E_PROGRAM", 127, "noexec: No such file"),
            (["noexec", str(errno.EACCES)], "E_PROGRAM", 126, "Permission denied"),
            (["noexec", str(errno.ENOEXEC)], "E_PROGRAM", 126, "format"),
            (["crash"], "E_CRASH", 125, "stopped"), (["nothing"], "E_CRASH", 125, "no result"),
            (["fail"], "E_MEMORY", 125, "bad\\x0anews\\x1b[2J")):
        expect_error(run(command(top, "--", *words), env=env_of(top)), code, text, status)
    expect_clean(top)


def test_soft_says_so(top):
    r = run(command(top, "--", "exit", "0"), env=env_of(top))
    expect("no confidentiality" in r.err, r.err)


def test_what_the_back_end_gets(top):
    r = run(command(top, "--vcpus", "3", "-m", "128M", "-e", "A=1", "-e", "B=2", "-eA=3", "--cwd",
                    "/x", "--", "show", "a b", "--help", "--"), env=env_of(top))
    size = os.stat(image(top)).st_size
    expect(r.out.splitlines() == [
        f"vcpus 3 memory {128 << 20} cwd /x root {size} links 1 rw 1 tty 0", "env A=3", "env B=2",
        "arg show", "arg a b", "arg --help", "arg --"], r.out)


def test_config_file_and_command_line(top):
    path = os.path.join(top, "c.yaml")
    with open(path, "w", encoding="ascii") as f:
        f.write(f"vcpus: 2\nmemory: 64M\nenv: {{A: 1, B: x=y}}\ntune:\n  spin_us: 7\n"
                f"tee-image: {RKTIO}\nimage: {image(top)}\nstats: false\nlog: info\n"
                "program: [show, one]\n")
    r = run([RKTIO, "run", "--config", path, "--vcpus", "4", "--env", "C=3"], env=env_of(top))
    lines = r.out.splitlines()
    expect(lines[0].startswith(f"vcpus 4 memory {64 << 20} "), r.out + r.err)
    expect(lines[1:] == ["env A=1", "env B=x=y", "env C=3", "arg show", "arg one"], r.out)
    r = run([RKTIO, "run", "--config", path, "--", "show"], env=env_of(top))
    expect(r.out.splitlines()[-1] == "arg show", r.out)


def test_rootfs_dir(top):
    r = run(command(top, "--", "show", root=["--rootfs-dir", tree(top)]), env=env_of(top))
    expect(r.code == 0 and "links 0 rw 1" in r.out, r.out + r.err)
    expect_clean(top)


def test_bad_rootfs_dir(top):
    for path, text in ((top + "/none", "No such file"), (image(top), "not a directory")):
        expect_error(run(command(top, "--", "x", root=["--rootfs-dir", path]), env=env_of(top)),
                     "E_ROOTFS", text)
    env = {**env_of(top), "PATH": top + ":" + os.environ["PATH"]}
    for script, code, text in (("exit 127", "E_TOOL", "e2fsprogs"),
                               ("echo no room >&2; exit 1", "E_ROOTFS", "mke2fs: no room"),
                               ("kill -9 $$", "E_ROOTFS", "abnormally")):
        with open(top + "/mke2fs", "w", encoding="ascii") as f:
            f.write(f"#!/bin/sh\n{script}\n")
        os.chmod(top + "/mke2fs", 0o755)
        expect_error(run(command(top, "--", "x", root=["--rootfs-dir", tree(top)]), env=env), code,
                     text)
    expect_clean_disk(top)


def test_bad_images(top):
    def file(name, data, at=0, size=0):
        path = os.path.join(top, name)
        with open(path, "wb") as f:
            f.seek(at)
            f.write(data)
            f.truncate(max(size, f.tell()))
        return path
    cut = os.path.join(top, "cut.img")
    shutil.copy(image(top), cut)
    os.truncate(cut, os.stat(cut).st_size - 4096)
    os.mkfifo(top + "/fifo")
    rows = [(top + "/none", "No such file"), (top, "is a directory"), ("/dev/null", "neither"),
            (top + "/fifo", "neither"), (file("empty", b""), "neither a raw"),
            (file("zeros", b"", size=1 << 20), "neither a raw"), (RKTIO, "ELF"), (cut, "cut off"),
            (file("sq", b"hsqs"), "squashfs"), (file("q", b"QFI\xfb"), "qcow2"),
            (file("gz", b"\x1f\x8b"), "compressed"), (file("luks", b"LUKS\xba\xbe"), "LUKS")]
    for path, text in rows:
        expect_error(run(command(top, "--", "x", root=[path]), env=env_of(top)), "E_IMAGE", text)
    gpt = file("gpt", b"EFI PART", at=512, size=1 << 20)
    expect_error(run(command(top, "--", "x", root=[gpt]), env=env_of(top)), "E_BACKEND", "app.img")


def test_bad_tee_images(top):
    for path, text in ((top + "/none", "No such file"), (top, "not a static-PIE"),
                       (image(top), "not a static-PIE")):
        expect_error(run([RKTIO, "run", "--tee-image", path, image(top), "--", "x"],
                         env=env_of(top)), "E_TEE_IMAGE", text)


def test_image_in_use(top):
    proc = start(top, "--", "wait")
    wait_line(proc, "ready")
    expect_error(run(command(top, "--", "x"), env=env_of(top)), "E_IMAGE", "in use")
    proc.terminate()
    finish(proc, 0)


def test_streams_stay_apart(top):
    r = run(command(top, "--", "streams"), env=env_of(top))
    expect(r.out == "out\n" and r.error_lines() == ["err"], f"{r.out!r} {r.err!r}")


def test_input_to_the_end(top):
    data = "line\r\n\x03\x04\x7f" * 100000
    r = subprocess.run(command(top, "--", "cat"), input=data.encode(), capture_output=True,
                       env={**os.environ, **env_of(top)}, timeout=DEADLINE, check=False)
    expect(r.returncode == 0 and r.stdout == data.encode(), f"{len(r.stdout)} bytes came back")


def test_input_from_files_and_nothing(top):
    env = {**os.environ, **env_of(top)}
    with open(image(top), "rb") as f:
        f.seek(0, 2)
        r = subprocess.run(command(top, "--", "cat", root=["--rootfs-dir", tree(top)]), stdin=f,
                           capture_output=True, env=env, timeout=DEADLINE, check=False)
    expect(r.returncode == 0 and not r.stdout, r)
    for redirect in ("<&-", "</dev/null", "<&- >&-", "<&- >&- 2>&-", ">/dev/full"):
        line = "exec " + " ".join(f"'{w}'" for w in command(top, "--", "cat")) + " " + redirect
        r = subprocess.run(["sh", "-c", line], input=b"x", env=env, timeout=DEADLINE, check=False)
        expect(r.returncode == 0, f"{redirect}: {r.returncode}")
    expect_clean(top)


def test_reader_goes_away(top):
    proc = start(top, "--", "cat", stdin=subprocess.PIPE)
    proc.stdout.close()
    proc.stdin.write(b"x" * 1000000)
    proc.stdin.close()
    expect(proc.wait(DEADLINE) == 0, proc.returncode)
    proc.stderr.close()


def test_descriptors_stay_blocking(top):
    r, w = os.pipe()
    proc = start(top, "--", "exit", "0", stdout=w)
    proc.wait(DEADLINE)
    proc.stderr.close()
    expect(not fcntl.fcntl(w, fcntl.F_GETFL) & os.O_NONBLOCK, "O_NONBLOCK stuck to the pipe")
    os.close(r)
    os.close(w)


def test_kernel_log_is_filtered(top):
    counts = {"err": 4, "warn": 5, "info": 7, "debug": 8}
    for level, count in counts.items():
        r = run(command(top, "--log", level, "--", "log"), env=env_of(top))
        lines = [x for x in r.error_lines() if x.startswith("[tee] level")]
        expect(len(lines) == count and not r.out, f"{level}: {r.err!r}")
        expect("\x1b" not in r.err and "\\x1b" in r.err, "an escape sequence came through")


def test_first_signal_goes_to_the_program(top):
    for signo in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        proc = start(top, "--", "wait")
        wait_line(proc, "ready")
        proc.send_signal(signo)
        wait_line(proc, f"signal {int(signo)}")
        finish(proc, 0)
    expect_clean(top)


def test_second_signal_kills(top):
    proc = start(top, "--", "stubborn")
    wait_line(proc, "ready")
    proc.terminate()
    until(lambda: info(top, proc)["state"] == "ending", "state")
    expect(proc.poll() is None, "the first signal already ended it")
    proc.send_signal(signal.SIGINT)
    finish(proc, 137)
    expect_clean(top)


def test_program_that_takes_no_signals_is_killed(top):
    proc = start(top, "--", "deaf")
    wait_line(proc, "ready")
    proc.terminate()
    finish(proc, 137)
    expect_clean(top)


def test_launcher_leaves_a_dead_tee(top):
    proc = start(top, "--", "dead")
    wait_line(proc, "ready")
    proc.terminate()
    until(lambda: info(top, proc)["state"] == "ending", "state")
    proc.terminate()
    finish(proc, 143)
    expect_clean(top)


def connected(s, path):
    try:
        s.connect(path)
        return True
    except BlockingIOError:  # its queue is full now
        return False


def ask(top, name, line):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(DEADLINE)
        until(lambda: connected(s, f"{top}/run/rktio/{name}/ctl"), "connect")
        s.sendall(line.encode() + b"\n")
        return json.loads(s.makefile().readline())


def info(top, proc):
    return ask(top, f"tee-{proc.pid}", '{"cmd":"info"}')


def test_control_socket(top):
    proc = start(top, "--name", "web", "--vcpus", "2", "--", "wait", "a\"b")
    wait_line(proc, "ready")
    i = ask(top, "web", ' { "cmd" : "info" } ')
    expect(i["ok"] and i["name"] == "web" and i["pid"] == proc.pid and i["vcpus"] == 2 and
           i["state"] == "running" and i["program"] == "wait", i)
    s = ask(top, "web", '{"cmd":"stats"}')
    expect(s["syscall.executed"] == 1234567 and s["version"] == 1, s)
    expect(ask(top, "web", '{"cmd":"log","level":"debug"}')["ok"], "log")
    for line in ("", "x", "[]", "{", "{}", '{"cmd":1}', '{"cmd":"nope"}', '{"cmd":"info"}}',
                 '{"cmd":"log"}', '{"cmd":"log","level":"x"}', '{"cmd":"inf\\u0000o"}',
                 '{"cmd":"shutdown","force":1}', '{"cmd":"' + "x" * 3000 + '"}', '{"a":{"b":1}}',
                 '{"cmd":"info",}', '{"cmd" "info"}', '{"cmd":"info\\q"}'):
        expect(ask(top, "web", line)["ok"] is False, line)
    expect(oct(os.stat(f"{top}/run/rktio/web/ctl").st_mode & 0o777) == "0o600", "socket mode")
    expect(ask(top, "web", '{"cmd":"shutdown"}')["ok"], "shutdown")
    wait_line(proc, "signal 15")
    finish(proc, 0)
    expect_clean(top)


def test_control_socket_survives_bad_clients(top):
    proc = start(top, "--name", "web", "--", "wait")
    wait_line(proc, "ready")
    clients = []
    for i in range(40):
        s = socket.socket(socket.AF_UNIX)
        s.connect(f"{top}/run/rktio/web/ctl")
        clients.append(s)
    for s in clients:
        try:
            s.sendall(b"y" * (100000 if s is clients[0] else 10))
        except OSError:
            pass  # the launcher hangs up on too long a line and on too many clients
        s.close()
    expect(ask(top, "web", '{"cmd":"info"}')["ok"], "it still answers")
    proc.terminate()
    finish(proc, 0)


def test_client_commands(top):
    env = env_of(top)
    proc = start(top, "--name", "web", "--", "wait")
    wait_line(proc, "ready")
    lines = run([RKTIO, "ps"], env=env).out.splitlines()
    expect(len(lines) == 2 and lines[1].split()[:3] == ["web", str(proc.pid), "running"], lines)
    expect(json.loads(run([RKTIO, "ps", "--json"], env=env).out)["name"] == "web", "ps --json")
    out = run([RKTIO, "stats", "web"], env=env).out
    expect("1,234,567" in out and "boundary.lies" in out, out)
    expect(json.loads(run([RKTIO, "stats", "web", "--json"], env=env).out)["entry.start"] == 1,
           "stats --json")
    expect(run([RKTIO, "log", "web", "debug"], env=env).code == 0, "log")
    expect_error(run([RKTIO, "log", "web", "x"], env=env), "E_CONTROL", "level")
    expect(run([RKTIO, "stop", "web"], env=env).code == 0, "stop")
    wait_line(proc, "signal 15")
    finish(proc, 0)
    expect_error(run([RKTIO, "stop", "web"], env=env), "E_NAME", "web")


def test_stop_force(top):
    proc = start(top, "--name", "web", "--", "stubborn")
    wait_line(proc, "ready")
    expect(run([RKTIO, "stop", "web", "--force"], env=env_of(top)).code == 0, "stop")
    finish(proc, 137)


def test_stats_at_the_end(top):
    r = run(command(top, "--stats", "--", "exit", "3"), env=env_of(top))
    expect(r.code == 3 and "syscall.executed" in r.err and not r.out, r.err)
    path = top + "/s.json"
    r = run(command(top, f"--stats={path}", "--", "exit", "3"), env=env_of(top))
    with open(path, encoding="ascii") as f:
        expect(r.code == 3 and json.load(f)["entry.start"] == 1, r.err)
    r = run(command(top, f"--stats={top}/none/x", "--", "exit", "3"), env=env_of(top))
    expect_error(r, "E_HOST", "none/x", 125)


def test_name_conflict(top):
    proc = start(top, "--name", "web", "--", "wait")
    wait_line(proc, "ready")
    r = run(command(top, "--name", "web", "--", "x", root=["--rootfs-dir", tree(top)]),
            env=env_of(top))
    expect_error(r, "E_NAME", "'web' runs already")
    proc.terminate()
    finish(proc, 0)
    expect_clean(top)


def test_killed_launcher_is_swept(top):
    proc = start(top, "--name", "web", "--", "wait")
    wait_line(proc, "ready")
    proc.kill()
    finish(proc, -9)
    expect(left_over(top) == [".lock", "web"], left_over(top))
    expect(len(run([RKTIO, "ps"], env=env_of(top)).out.splitlines()) == 1, "ps shows the dead")
    expect_clean(top)
    proc = start(top, "--name", "web", "--", "wait")
    wait_line(proc, "ready")
    proc.kill()
    finish(proc, -9)
    expect(run(command(top, "--name", "web", "--", "exit", "0"), env=env_of(top)).code == 0,
           "the name is free again")
    expect_clean(top)


def test_runtime_dir_must_be_private(top):
    env = env_of(top)
    os.makedirs(top + "/run/rktio", mode=0o755)
    os.chmod(top + "/run/rktio", 0o755)
    expect_error(run(command(top, "--", "exit", "0"), env=env), "E_RUNDIR", "not a private")
    os.rmdir(top + "/run/rktio")
    os.symlink(top, top + "/run/rktio")
    expect_error(run(command(top, "--", "exit", "0"), env=env), "E_RUNDIR", "not a private")
    deep = top + "/" + "d" * 100
    os.mkdir(deep, 0o700)
    expect_error(run(command(top, "--", "exit", "0"), env={"XDG_RUNTIME_DIR": deep}), "E_RUNDIR",
                 "too long")


class Terminal:
    """A shell-like session: the launcher is its leader's child in the foreground."""

    def __init__(self, top, *words):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(env_of(top))
            os.environ["ASAN_OPTIONS"] = "handle_segv=0"  # the signal itself is wanted
            os.execv(RKTIO, command(top, *words))
        self.seen = b""

    def until(self, text):
        end = time.monotonic() + DEADLINE
        while text not in self.seen:
            expect(time.monotonic() < end, f"no {text!r} in {self.seen!r}")
            try:
                self.seen += os.read(self.fd, 4096)
            except OSError:
                break  # the other side is closed
        expect(text in self.seen, f"no {text!r} in {self.seen!r}")

    def raw(self):
        return not termios.tcgetattr(self.fd)[3] & termios.ICANON

    def wait(self):
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_terminal_is_raw_and_restored(top):
    t = Terminal(top, "--", "cat")
    until(t.raw, "raw mode")
    os.write(t.fd, b"\x03\x1a\rdone\x04")  # Ctrl-C, Ctrl-Z: bytes for the guest, not signals
    t.until(b"\x03\x1a\rdone\x04")
    slave = os.open(ptsname(t.fd), os.O_RDWR | os.O_NOCTTY)
    expect(t.wait() == 0, "exit status")
    expect(not t.raw(), "the terminal is still raw")
    os.close(slave)
    expect_clean(top)


def ptsname(fd):
    return f"/dev/pts/{struct.unpack('i', fcntl.ioctl(fd, 0x80045430, bytes(4)))[0]}"


def ends_restored(top, program, signo, status):
    t = Terminal(top, "--", program)
    slave = os.open(ptsname(t.fd), os.O_RDWR | os.O_NOCTTY)
    if program != "abort":
        t.until(b"ready")
        expect(t.raw(), "not raw")
        os.kill(t.pid, signo)
    code = t.wait()
    expect(code == status, f"{program}: {code}")
    until(lambda: not t.raw(), f"{program}: the terminal is still raw")
    os.close(slave)
    os.close(t.fd)


def test_terminal_after_signals_and_crashes(top):
    ends_restored(top, "wait", signal.SIGTERM, 0)
    ends_restored(top, "wait", signal.SIGKILL, -signal.SIGKILL)
    ends_restored(top, "wait", signal.SIGSEGV, -signal.SIGSEGV)
    ends_restored(top, "abort", 0, -signal.SIGABRT)


def test_terminal_stop_and_continue(top):
    t = Terminal(top, "--", "wait")
    t.until(b"ready")
    os.kill(t.pid, signal.SIGTSTP)
    until(lambda: not t.raw(), "cooked while stopped")
    _, status = os.waitpid(t.pid, os.WUNTRACED)
    expect(os.WIFSTOPPED(status), "not stopped")
    os.kill(t.pid, signal.SIGCONT)
    until(t.raw, "raw again")
    os.kill(t.pid, signal.SIGTERM)
    t.wait()


def test_window_size(top):
    t = Terminal(top, "--", "wait")
    t.until(b"ready")
    fcntl.ioctl(t.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 123, 0, 0))
    t.until(b"cols 123")
    os.kill(t.pid, signal.SIGTERM)
    t.wait()


def test_terminal_input_with_piped_output_stays_cooked(top):
    master, slave = pty.openpty()
    proc = start(top, "--", "show", stdin=slave)
    expect(finish(proc, 0).splitlines()[0].endswith("tty 0"), "raw although output is a pipe")
    os.close(master)
    os.close(slave)


def test_no_process_is_left(top):
    t = Terminal(top, "--", "wait")
    t.until(b"ready")

    def watchers():
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
                    lines = dict(x.split(":\t", 1) for x in f.read().splitlines() if ":\t" in x)
            except OSError:
                continue
            if lines.get("Name") == "rktio-tty" and lines.get("PPid") == str(t.pid):
                found.append(int(pid))
        return found
    until(watchers, "there is a watcher")
    pids = watchers()
    os.kill(t.pid, signal.SIGKILL)
    t.wait()
    until(lambda: not os.path.exists(f"/proc/{pids[0]}") or
          open(f"/proc/{pids[0]}/stat", encoding="ascii").read().split()[2] == "Z", "watcher ends")


def test_unprivileged(top):
    if os.geteuid() != 0:
        raise Skip("already unprivileged")
    os.chmod(top, 0o777)
    where = os.path.join(top, "mine")
    shutil.copy(RKTIO, top + "/rktio-host")
    shutil.copy(OWNER, top + "/rktio-owner")
    script = (f"mkdir -m 700 {where} {where}/t && echo x > {where}/t/f && cd {where} && "
              f"{top}/rktio-owner pack t -o i.img && XDG_RUNTIME_DIR={where} {top}/rktio-host run "
              f"--tee-image {top}/rktio-host --rootfs-dir t -- exit 5")
    r = run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "sh", "-c",
             script])
    expect(r.code == 5, r.err)
    listing = run(["debugfs", "-R", "stat /f", where + "/i.img"],
                  env={"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}).out
    expect("User:     0" in listing, listing)


if __name__ == "__main__":
    sys.exit(harness.main(sys.modules[__name__]))
