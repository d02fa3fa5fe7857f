#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""dhcpd.py INTERFACE: offers 10.9.8.7/20 to anybody, after some answers that must be ignored."""
import socket
import struct
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, sys.argv[1].encode() + b"\0")
s.bind(("0.0.0.0", 67))
print("ready", flush=True)


def answer(xid, kind, options=b""):
    p = struct.pack(">BBBB4s", 2, 1, 6, 0, xid) + b"\0" * 8 + bytes([10, 9, 8, 7]) + b"\0" * 216
    p += bytes([0x63, 0x82, 0x53, 0x63, 53, 1, kind]) + options
    s.sendto(p, ("255.255.255.255", 68))


OPTIONS = bytes([54, 4, 10, 9, 0, 1, 1, 4, 255, 255, 240, 0, 3, 4, 10, 9, 0, 1, 6, 4, 10, 9, 0, 53, 255])
while True:
    packet = s.recv(2048)
    xid = packet[4:8]
    kind = packet[packet.index(b"\x35\1") + 2]
    s.sendto(b"short", ("255.255.255.255", 68))
    answer(b"\1\1\1\1", 2, OPTIONS)  # to somebody else
    answer(xid, 2, bytes([54, 200, 1]))  # an option that ends behind the packet
    answer(xid, 2 if kind == 1 else 5, OPTIONS)
