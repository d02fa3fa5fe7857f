# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A redis client on a plain socket, and load that remembers what was acknowledged."""
import socket
import threading
import time


class RedisError(Exception):
    """The server's own error answer."""


class Redis:
    """One connection. OSError (ConnectionError, TimeoutError) when it breaks."""

    def __init__(self, port, timeout=30):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.sock.makefile("rb")

    def send(self, *commands):
        parts = []
        for words in commands:
            words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
            parts.append(b"*%d\r\n" % len(words))
            parts += [b"$%d\r\n%s\r\n" % (len(w), w) for w in words]
        self.sock.sendall(b"".join(parts))

    def answer(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("connection ended")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise RedisError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"+":
            return rest
        if kind == b"*":
            return [self.answer() for _ in range(int(rest))]
        size = int(rest)
        if size < 0:
            return None
        data = self.file.read(size + 2)
        if len(data) != size + 2:
            raise ConnectionError("connection ended")
        return data[:-2]

    def call(self, *words):
        self.send(words)
        return self.answer()

    def close(self):
        self.file.close()
        self.sock.close()


def value_of(key):
    """Each key's value is known, long enough to cross sectors now and then."""
    return (key * (1 + hash_of(key) % 40)).encode()


def hash_of(text):
    n = 0
    for c in text:
        n = (n * 31 + ord(c)) & 0xffffffff
    return n


class Writer(threading.Thread):
    """SETs PREFIX:0, PREFIX:1 ... in pipelines; .acked of them were answered with OK.

    When the connection breaks, it connects again and goes on behind the last acknowledged key
    (reconnect=True) or ends. .pauses are the gaps in seconds between two acknowledgements.
    """

    def __init__(self, port, prefix, depth=8, reconnect=False, timeout=None):
        super().__init__(daemon=True)
        self.port, self.prefix, self.depth, self.reconnect = port, prefix, depth, reconnect
        # A connection that a dead back end forgot never answers: given up soon if that is expected.
        self.timeout = timeout or (5 if reconnect else 60)
        self.acked = self.breaks = 0
        self.pause_max = 0
        self.error = None
        self.ending = threading.Event()

    def key(self, i):
        return f"{self.prefix}:{i}"

    def run(self):
        self.last = time.monotonic()
        while not self.ending.is_set():
            try:
                self.write_all()
            except (OSError, ValueError):
                self.breaks += 1
                if not self.reconnect:
                    return
                self.ending.wait(0.05)
            except RedisError as e:
                self.error = e
                return

    def write_all(self):
        r = Redis(self.port, self.timeout)
        try:
            while not self.ending.is_set():
                keys = [self.key(self.acked + n) for n in range(self.depth)]
                r.send(*[("SET", k, value_of(k)) for k in keys])
                for _ in keys:
                    if r.answer() != b"OK":
                        raise RedisError("SET without OK")
                    self.acked += 1
                now = time.monotonic()
                self.pause_max = max(self.pause_max, now - self.last)
                self.last = now
        finally:
            r.close()

    def end(self):
        self.ending.set()
        self.join(30)


def missing(redis, writers):
    """Acknowledged keys that the server does not have with the right value: a list of names."""
    lost = []
    for w in writers:
        for at in range(0, w.acked, 500):
            keys = [w.key(i) for i in range(at, min(at + 500, w.acked))]
            found = redis.call("MGET", *keys)
            lost += [k for k, v in zip(keys, found) if v != value_of(k)]
    return lost
