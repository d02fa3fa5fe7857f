#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Gives the undefined symbols of a relocatable ELF64 object default visibility, in place.

The image is linked from one piece, so its objects ask for memcpy() and the like as hidden
symbols; a test program gets them from shared libraries. Nothing else changes.
"""
import struct
import sys

data = bytearray(open(sys.argv[1], "rb").read())
shoff, = struct.unpack_from("<Q", data, 0x28)
shentsize, shnum = struct.unpack_from("<HH", data, 0x3A)
for i in range(shnum):
    sh = shoff + i * shentsize
    kind, = struct.unpack_from("<I", data, sh + 4)
    if kind != 2:  # SHT_SYMTAB
        continue
    offset, size = struct.unpack_from("<QQ", data, sh + 24)
    for sym in range(offset, offset + size, 24):
        shndx, = struct.unpack_from("<H", data, sym + 6)
        if shndx == 0:
            data[sym + 5] = 0
open(sys.argv[1], "wb").write(data)
