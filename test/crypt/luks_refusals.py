#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""luks_refusals.py LUKS_TOOL: one change to a good header at a time, with right checksums; each
must be refused with one line that names it."""
import base64, copy, hashlib, json, os, struct, subprocess, sys, tempfile

tool = sys.argv[1]
tmp = tempfile.mkdtemp()
image, key = os.path.join(tmp, "disk"), os.path.join(tmp, "key")
passed = failed = 0


def header(meta, offset=0, size=0x4000, text=None, **fields):
    """A header with its checksum. fields: bytes to put at an offset of the binary part."""
    binary = bytearray(4096)
    struct.pack_into(">6sHQQ", binary, 0, b"SKUL\xba\xbe" if offset else b"LUKS\xba\xbe", 2, size, 7)
    binary[72:78] = b"sha256"
    struct.pack_into(">Q", binary, 256, offset)
    for where, value in fields.items():
        binary[int(where[2:]):int(where[2:]) + len(value)] = value
    area = text if text is not None else json.dumps(meta).encode()
    area = area.ljust(size - 4096, b"\0")
    binary[448:480] = hashlib.sha256(bytes(binary) + area).digest()
    return bytes(binary) + area


def run(primary, secondary=b"\0" * 16384):
    with open(image, "r+b") as f:
        f.write(primary[:16384] + secondary)
    return subprocess.run([tool, "dump", image], capture_output=True, text=True)


def check(name, good, said):
    global passed, failed
    passed, failed = passed + good, failed + (not good)
    print(f"ok {name}" if good else f"not ok {name}: {said}")


def refused(name, primary, pattern):
    r = run(primary)
    one_line = r.stderr.count("\n") == 1 and r.stderr[:-1].isprintable()
    check(name, r.returncode == 1 and one_line and pattern in r.stderr, f"{r.returncode} {r.stdout}{r.stderr}")


def changed(name, pattern, path, value, delete=False):
    meta = copy.deepcopy(good)
    o = meta
    for p in path[:-1]:
        o = o[p]
    if delete:
        del o[path[-1]]
    else:
        o[path[-1]] = value
    refused(name, header(meta), pattern)


with open(key, "wb") as f:
    f.write(os.urandom(32))
with open(image, "wb") as f:
    f.truncate(20 << 20)
subprocess.run([tool, "format", image, key, "4096"], check=True)
with open(image, "rb") as f:
    good = json.loads(f.read(16384)[4096:].rstrip(b"\0"))

r = run(header(good))
check("good_header", r.returncode == 0, r.stderr)
r = run(b"\0" * 16384, header(good, offset=16384))
check("good_secondary", r.returncode == 0, r.stderr)
older, newer = copy.deepcopy(good), copy.deepcopy(good)
newer["segments"]["0"]["sector_size"] = 512
r = run(header(older), header(newer, offset=16384, at16=struct.pack(">Q", 8)))
check("newer_secondary_wins", "sector 512" in r.stdout, r.stdout + r.stderr)

slot, kdf, area, af = ["keyslots", "0"], ["keyslots", "0", "kdf"], ["keyslots", "0", "area"], ["keyslots", "0", "af"]
seg, dig, cfg = ["segments", "0"], ["digests", "0"], ["config"]
for cipher in ["cipher_null-ecb", "serpent-xts-plain64", "aes-cbc-essiv:sha256", "aes-xts-plain", "capi:xts(aes)-plain64", ""]:
    changed("segment_cipher_" + cipher, f'cipher "{cipher}"', seg + ["encryption"], cipher)
    changed("area_cipher_" + cipher, f'area encryption "{cipher}"', area + ["encryption"], cipher)
changed("cipher_control_characters", 'cipher "?[31m??"', seg + ["encryption"], "\x1b[31m\n\x7f")
changed("cipher_with_nul", "cipher", seg + ["encryption"], "aes-xts-plain64\0x")
changed("segment_type_linear", 'type "linear"', seg + ["type"], "linear")
changed("segment_integrity", "integrity", seg + ["integrity"], {"type": "hmac(sha256)"})
changed("segment_flags", "flags", seg + ["flags"], ["backup-final"])
changed("segment_iv_tweak", "iv_tweak", seg + ["iv_tweak"], "8")
for size in [0, 256, 1024, 2048, 8192]:
    changed(f"sector_size_{size}", "sector size", seg + ["sector_size"], size)
changed("segment_offset_0", "offset is out of range", seg + ["offset"], "0")
changed("segment_offset_in_areas", "offset is out of range", seg + ["offset"], "32768")
changed("segment_offset_unaligned", "offset is out of range", seg + ["offset"], str((16 << 20) + 512))
changed("segment_offset_beyond", "offset is out of range", seg + ["offset"], str(20 << 20))
changed("segment_offset_huge", "offset is out of range", seg + ["offset"], str(2**64 - 4096))
changed("segment_offset_number", "missing", seg + ["offset"], 16 << 20)
changed("segment_offset_overflow", "missing", seg + ["offset"], str(2**64))
changed("segment_offset_sign", "missing", seg + ["offset"], "-1")
changed("segment_offset_leading_zero", "missing", seg + ["offset"], "016777216")
changed("segment_size_0", "empty", seg + ["size"], "0")
changed("segment_size_beyond", "size is out of range", seg + ["size"], str(8 << 20))
changed("segment_size_unaligned", "size is out of range", seg + ["size"], "1000000")
changed("two_segments", "2 segments", ["segments", "1"], good["segments"]["0"])
changed("no_segments", "0 segments", ["segments"], {})
changed("segment_named_1", "damaged", ["segments"], {"1": good["segments"]["0"]})
changed("requirement", 'requirement "online-reencrypt-v2"', cfg + ["requirements"], {"mandatory": ["online-reencrypt-v2"]})
changed("requirement_unknown", 'requirement "x"', cfg + ["requirements"], {"mandatory": ["x"]})
changed("requirement_shape", "damaged", cfg + ["requirements"], ["x"])
changed("json_size", "config: sizes", cfg + ["json_size"], "4096")
changed("keyslots_size_huge", "out of range", cfg + ["keyslots_size"], str(2**64 - 32768))
changed("slot_type_reencrypt", 'type "reencrypt"', slot + ["type"], "reencrypt")
changed("slot_key_size", "512 bits", slot + ["key_size"], 32)
changed("slot_priority", "priority", slot + ["priority"], 3)
changed("slot_id_32", "damaged", ["keyslots", "32"], good["keyslots"]["0"])
changed("slot_id_text", "damaged", ["keyslots", "a"], good["keyslots"]["0"])
changed("slot_unbound", "belongs to no segment", ["keyslots", "1"], good["keyslots"]["0"])
changed("slot_not_object", "damaged", ["keyslots", "0"], [])
changed("no_keyslots", "no keyslot", ["keyslots"], {})
changed("kdf_scrypt", 'kdf "scrypt"', kdf + ["type"], "scrypt")
changed("kdf_salt_long", "kdf", kdf + ["salt"], base64.b64encode(bytes(65)).decode())
changed("kdf_salt_short", "kdf", kdf + ["salt"], base64.b64encode(bytes(4)).decode())
for bad in ["", "====", "AAA", "AAA$", "AAAAAAAAAA=A", "AAAAAAAAA===", "AAAAAAAAAAAA="]:
    changed(f"kdf_salt_{bad}", "kdf", kdf + ["salt"], bad)
changed("argon2_memory", "memory 1048577 KiB", kdf + ["memory"], 1048577)
changed("argon2_memory_small", "memory 7 KiB", kdf + ["memory"], 7)
changed("argon2_time", "time 4294967295", kdf + ["time"], 2**32 - 1)
changed("argon2_time_0", "time 0", kdf + ["time"], 0)
changed("argon2_time_overflow", "missing", kdf + ["time"], 2**32)
changed("argon2_time_negative", "missing", kdf + ["time"], -1)
changed("argon2_time_text", "missing", kdf + ["time"], "4")
changed("argon2_lanes", "5 lanes", kdf + ["cpus"], 5)
changed("argon2_lanes_0", "0 lanes", kdf + ["cpus"], 0)
pbkdf2 = {"type": "pbkdf2", "hash": "sha256", "iterations": 1000, "salt": good["keyslots"]["0"]["kdf"]["salt"]}
changed("pbkdf2_few", "iterations 999", slot + ["kdf"], {**pbkdf2, "iterations": 999})
changed("pbkdf2_many", "iterations 20000001", slot + ["kdf"], {**pbkdf2, "iterations": 20000001})
changed("pbkdf2_hash", 'hash "md5"', slot + ["kdf"], {**pbkdf2, "hash": "md5"})
changed("af_stripes", "stripes", af + ["stripes"], 4001)
changed("af_hash", 'hash "whirlpool"', af + ["hash"], "whirlpool")
changed("af_type", 'af "luks3"', af + ["type"], "luks3")
changed("area_type", 'type "journal"', area + ["type"], "journal")
changed("area_in_headers", "out of range", area + ["offset"], "16384")
changed("area_in_data", "out of range", area + ["offset"], str(16 << 20))
changed("area_past_end", "out of range", area + ["size"], str(16 << 20))
changed("area_small", "out of range", area + ["size"], "253952")
changed("area_size_huge", "out of range", area + ["size"], str(2**64 - 1))
changed("area_unaligned", "out of range", area + ["offset"], "33280")
changed("digest_type", "not pbkdf2", dig + ["type"], "argon2")
changed("digest_hash", 'hash "sha1"', dig + ["hash"], "sha1")
changed("digest_iterations", "out of bounds", dig + ["iterations"], 999)
changed("digest_iterations_many", "out of bounds", dig + ["iterations"], 2**32 - 1)
changed("digest_size", "size is not its hash's", dig + ["digest"], base64.b64encode(bytes(31)).decode())
changed("digest_segment", "segment 0", dig + ["segments"], ["1"])
changed("digest_segments_number", "segment 0", dig + ["segments"], [0])
changed("digest_slots_range", "list of keyslots", dig + ["keyslots"], ["0", "32"])
changed("digest_slots_empty", "belongs to no segment", dig + ["keyslots"], [])
changed("two_digests", "2 digests", ["digests", "1"], good["digests"]["0"])
for part in ["keyslots", "segments", "digests", "config"]:
    changed("without_" + part, "no " + part, [part], None, delete=True)
for name, path in [("kdf", slot + ["kdf"]), ("af", slot + ["af"]), ("area", slot + ["area"])]:
    changed("slot_without_" + name, name, path, None, delete=True)
refused("json_not_object", header(good, text=b"[]"), "JSON area")
refused("json_garbage", header(good, text=b"{" * 8000), "JSON area")
refused("json_deep", header(good, text=b'{"a":' * 2000), "JSON area")
refused("json_trailing", header(good, text=json.dumps(good).encode() + b"x"), "JSON area")
refused("json_unterminated", header(good, text=b" " * (0x4000 - 4096)), "no end")
refused("json_empty", header(good, text=b""), "JSON area")
refused("version_3", header(good, at6=b"\0\3"), "version 3")
refused("hdr_offset", header(good, at256=struct.pack(">Q", 16384)), "offset is wrong")
refused("hdr_size_odd", header(good, at8=struct.pack(">Q", 0x4001)), "size or offset")
refused("hdr_size_big", header(good, at8=struct.pack(">Q", 0x800000)), "size or offset")
refused("hdr_size_0", header(good, at8=struct.pack(">Q", 0)), "size or offset")
refused("csum_alg", header(good, at72=b"crc32c"), "not sha256")
broken = bytearray(header(good))
broken[5000] ^= 1
refused("checksum", bytes(broken), "checksum is wrong")
print(f"{passed} passed, {failed} failed, 0 skipped")
os.remove(image), os.remove(key), os.rmdir(tmp)
sys.exit(failed != 0)
