# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Workload for trap_share: system calls of several threads, through files, TCP and SQLite."""
import os
import socket
import sqlite3
import tempfile
import threading


def files():
    with tempfile.TemporaryFile() as f:
        for i in range(15000):
            os.pwrite(f.fileno(), b"x" * 512, i % 64 * 512)
            os.pread(f.fileno(), 512, i % 64 * 512)
            os.fstat(f.fileno())


def tcp():
    with socket.create_server(("127.0.0.1", 0)) as server, \
            socket.create_connection(server.getsockname()) as a:
        b = server.accept()[0]
        for _ in range(10000):
            a.sendall(b"ping")
            b.sendall(b.recv(4))
            a.recv(4)
        b.close()


def database():
    path = tempfile.mktemp()
    db = sqlite3.connect(path)
    db.execute("create table t (a)")
    for i in range(500):
        db.execute("insert into t values (?)", (i,))
        db.commit()
    db.close()
    os.unlink(path)


workers = [threading.Thread(target=f) for f in (files, files, tcp, database)]
for w in workers:
    w.start()
for w in workers:
    w.join()
