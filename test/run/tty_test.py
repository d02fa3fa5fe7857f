#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Programs in the real TEE on a terminal. usage: tty_test.py RKTIO_HOST RKTIO_OWNER TEE_IMAGE MKROOTFS"""
import contextlib
import fcntl
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time

import harness
from harness import expect

HOST, OWNER, TEE, MKROOTFS = (os.path.realpath(p) for p in sys.argv[1:5])
DEADLINE = 60  # seconds until a wait is a failure
PYTHON = "/usr/bin/python3"
IMAGE = None


class Terminal:
    """A process whose standard streams and controlling terminal are a new terminal."""

    def __init__(self, argv, rows=30, cols=100):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
            os.execv(argv[0], argv)
        self.text = b""
        self.status = None

    def resize(self, rows, cols):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def modes(self):
        return termios.tcgetattr(self.fd)

    def read(self, seconds):
        """False at the end."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        self.text += data
        return bool(data)

    def until(self, wanted):
        end = time.monotonic() + DEADLINE
        while wanted not in self.text:
            more = self.read(max(0, end - time.monotonic()))
            expect(wanted in self.text or (more and time.monotonic() < end),
                   f"no {wanted!r} in {self.text[-800:]!r}")
        self.text = self.text[self.text.index(wanted) + len(wanted):]

    def send(self, data):
        os.write(self.fd, data)

    def end(self):
        """The exit status, negative for a signal."""
        end = time.monotonic() + DEADLINE
        while self.status is None:
            expect(time.monotonic() < end, f"does not end: {self.text[-800:]!r}")
            self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def press(self, key, wanted):
        """Again and again: a shell may not have started its job yet."""
        end = time.monotonic() + DEADLINE
        while wanted not in self.text:
            expect(time.monotonic() < end, f"no {wanted!r} in {self.text[-800:]!r}")
            self.send(key)
            self.read(0.5)
        self.until(wanted)

    def close(self):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.status = -signal.SIGKILL
        os.close(self.fd)


LAST = None


def inside(top, *words, options=()):
    global LAST
    if LAST and LAST.status is None:  # its test failed: give the image free
        with contextlib.suppress(OSError):
            LAST.close()
    os.environ["XDG_RUNTIME_DIR"] = top
    LAST = Terminal([HOST, "run", "--tee-image", TEE, *options, IMAGE, "--", *words])
    return LAST


def is_cooked(terminal):
    modes = terminal.modes()
    wanted = termios.ECHO | termios.ICANON | termios.ISIG
    return modes[3] & wanted == wanted and modes[1] & termios.OPOST


def wait_cooked(terminal):
    end = time.monotonic() + DEADLINE
    while not is_cooked(terminal):
        expect(time.monotonic() < end, "the terminal's modes are not restored")
        time.sleep(0.01)


def test_size_at_the_start(top):
    t = inside(top, "/bin/stty", "size")
    t.until(b"30 100\r\n")
    expect(t.end() == 0, t.status)
    t.close()


def test_modes_inside(top):
    t = inside(top, "/bin/stty", "-a")
    t.until(b"rows 30; columns 100;")
    t.until(b"isig icanon")
    expect(t.end() == 0 and is_cooked(t), t.status)
    t.close()


def test_no_kernel_messages_on_the_terminal(top):
    t = inside(top, "/bin/stty", "size")
    t.until(b"change everything\r\n")
    expect(t.end() == 0 and t.text == b"30 100\r\n", t.text)
    t.close()


def test_ctrl_c_ends_a_program(top):
    t = inside(top, "/bin/sh", "-c", "echo ready; exec sleep 100")
    t.until(b"ready\r\n")
    expect(not is_cooked(t), "the outer terminal must be raw")
    t.send(b"\x03")
    expect(t.end() == 130, t.status)
    wait_cooked(t)
    t.close()


def test_ctrl_backslash(top):
    t = inside(top, "/bin/sh", "-c", "echo ready; exec sleep 100")
    t.until(b"ready\r\n")
    t.send(b"\x1c")
    expect(t.end() == 131, t.status)
    t.close()


def test_shell(top):
    t = inside(top, "/bin/sh", "-i")
    t.until(b"# ")
    t.send(b"echo a$((1 + 1))b\n")
    t.until(b"a2b\r\n")
    t.send(b"echo slee'p'; sleep 100\n")
    t.until(b"sleep\r\n")
    t.send(b"\x03")
    t.until(b"# ")
    t.send(b"echo st=$?\n")
    t.until(b"st=130\r\n")
    t.send(b"x\x7fecho back\n")  # backspace is the guest's line discipline
    t.until(b"back\r\n")
    t.send(b"\x04")
    expect(t.end() == 0, t.status)
    t.close()


def test_job_control(top):
    t = inside(top, "/bin/sh", "-i")
    t.until(b"# ")
    t.send(b"echo slee'p'; sleep 100\n")
    t.until(b"sleep\r\n")
    t.press(b"\x1a", b"Stopped")
    t.send(b"bg; kill %1; wait; echo gone=$?; exit 5\n")
    t.until(b"gone=")
    expect(t.end() == 5, t.status)
    t.close()


def test_resize(top):
    t = inside(top, PYTHON, "-c", "import os, signal, sys\n"
               "def f(*a):\n print('size', tuple(os.get_terminal_size())); sys.exit(7)\n"
               "signal.signal(signal.SIGWINCH, f)\nprint('ready', flush=True)\n"
               "while True: signal.pause()")
    t.until(b"ready\r\n")
    t.resize(50, 133)
    t.until(b"size (133, 50)")
    expect(t.end() == 7, t.status)
    t.close()


def test_raw_reads(top):
    t = inside(top, PYTHON, "-c", "import os, tty, termios\nold = termios.tcgetattr(0)\n"
               "tty.setraw(0)\nos.write(1, b'ready')\nd = b''\nwhile len(d) < 6: d += os.read(0, 1)\n"
               "termios.tcsetattr(0, 0, old)\nprint(d)")
    t.until(b"ready")
    t.send(b"\x03\x1a\x04\r\x1b[")
    t.until(rb"b'\x03\x1a\x04\r\x1b['")
    expect(t.end() == 0, t.status)
    t.close()


def test_python_prompt(top):
    t = inside(top, PYTHON, "-q")
    t.until(b">>> ")
    t.send(b"6 * 7\n")
    t.until(b"42\r\n")
    t.until(b">>> ")
    t.send(b"print('lo' 'op')\n")
    t.until(b"loop\r\n")
    t.send(b"while True: pass\n\n")
    t.until(b"... ")
    t.send(b"\x03")
    t.until(b"KeyboardInterrupt")
    t.until(b">>> ")
    t.send(b"exit(4)\n")
    expect(t.end() == 4, t.status)
    t.close()


def test_signals_to_the_launcher(top):
    for signo in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        t = inside(top, "/bin/sh", "-c", "echo ready; exec sleep 100")
        t.until(b"ready\r\n")
        os.kill(t.pid, signo)
        expect(t.end() == 128 + signo, f"{signo}: {t.status}")
        wait_cooked(t)
        t.close()


def test_killed_launcher_restores_the_terminal(top):
    t = inside(top, "/bin/sh", "-c", "echo ready; exec sleep 100")
    t.until(b"ready\r\n")
    os.kill(t.pid, signal.SIGKILL)
    expect(t.end() == -9, t.status)
    wait_cooked(t)
    t.close()


def test_stopped_and_continued(top):
    t = inside(top, "/bin/sh", "-c", "echo ready; read x; echo got $x")
    t.until(b"ready\r\n")
    os.kill(t.pid, signal.SIGTSTP)
    _, status = os.waitpid(t.pid, os.WUNTRACED)
    expect(os.WIFSTOPPED(status), status)
    expect(is_cooked(t), "raw while stopped")
    os.kill(t.pid, signal.SIGCONT)
    end = time.monotonic() + DEADLINE
    while is_cooked(t) and time.monotonic() < end:
        time.sleep(0.01)
    expect(not is_cooked(t), "not raw again")
    t.send(b"line\n")
    t.until(b"got line\r\n")
    expect(t.end() == 0, t.status)
    t.close()


def test_crash_restores_the_terminal(top):
    t = inside(top, "/bin/sh", "-c", "echo c > /proc/sysrq-trigger")
    t.until(b"rktio: E_CRASH: the TEE's kernel stopped: sysrq triggered crash")
    expect(t.end() == 125 and is_cooked(t), t.status)
    t.close()


def test_terminal_goes_away(top):
    t = inside(top, "/bin/sh", "-c", "echo ready; exec sleep 100")
    t.until(b"ready\r\n")
    os.close(t.fd)
    end = time.monotonic() + DEADLINE
    while not os.waitpid(t.pid, os.WNOHANG)[0]:
        expect(time.monotonic() < end, "lives on without its terminal")
        time.sleep(0.05)


def make_image(top):
    tree = os.path.join(top, "tree")
    subprocess.run([sys.executable, MKROOTFS, "-o", tree, "--sh", "--bin", "stty", "--bin", "sleep",
                    "--bin", PYTHON, "--pkg", "libpython3.11-minimal", "--pkg", "libpython3.11-stdlib"],
                   check=True, stdout=subprocess.DEVNULL)
    image = os.path.join(top, "root.img")
    subprocess.run([OWNER, "pack", tree, "-o", image], check=True)
    return image


if __name__ == "__main__":
    if not os.path.exists(TEE):
        print("skip all: no TEE image (tools/build-kernel makes it)")
        sys.exit(77)
    PLACE = harness.temporary_dir()
    try:
        IMAGE = make_image(PLACE)
        CODE = harness.main(sys.modules[__name__])
    finally:
        shutil.rmtree(PLACE)
    sys.exit(CODE)
