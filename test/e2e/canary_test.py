# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A known pattern goes through redis, over WireGuard, to an encrypted disk: the host must not see it.

Two TEEs: a client behind one user-mode network, redis-server behind another. Each place that the
host can look at is scanned by itself, while the programs run and after them. The same scan of the
same programs without encryption must find the pattern in each place, or it proves nothing."""
import os
import re
import shutil
import socket
import subprocess

from harness import Skip
from tee import SERVER, TOP, Tee, expect, new_disk, run, wait_for

PLACE = None
PATTERN = "CaNaRy-0123456789-pattern"
# Put together inside: neither command line nor configuration hold the pattern. Then the client waits.
CLIENT = """p=CaNaRy; p=$p-0123456789-pattern; i=0
while [ $i -lt 300 ]; do echo "SET key:$p:$i $p$p$p$p"; i=$((i + 1)); done >/tmp/in
echo "GET key:$p:7" >>/tmp/in
redis-cli -h {host} -p {port} </tmp/in >/tmp/out; n=0
while read x; do n=$((n + 1)); last=$x; done </tmp/out
[ "$last" = "$p$p$p$p" ] && echo "answers: $n" || echo "bad: $n"
read x"""


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wg(*args, stdin=""):
    r = run(["wg", *args], stdin=stdin)
    expect(r.code == 0, f"wg: {r.err}")
    return r.out.strip()


def wireguard_files(top, port):
    """Configurations of the client (10.9.0.1) and the server (10.9.0.2)."""
    if not shutil.which("wg"):
        raise Skip("wireguard-tools is not installed")
    key = [wg("genkey"), wg("genkey")]
    public = [wg("pubkey", stdin=k) for k in key]
    names = [f"{top}/client.conf", f"{top}/server.conf"]
    for me, (name, extra) in enumerate(zip(names, (f"Endpoint = 10.0.2.2:{port}\n", ""))):
        with open(name, "w", encoding="ascii") as f:
            f.write(f"[Interface]\nPrivateKey = {key[me]}\nAddress = 10.9.0.{me + 1}/24\n"
                    + ("ListenPort = 51820\n" if me else "")
                    + f"[Peer]\nPublicKey = {public[1 - me]}\nAllowedIPs = 10.9.0.{2 - me}/32\n{extra}")
    return names


def hits(source):
    """How often canary finds the pattern there; that it could read the source is checked."""
    r = run([os.path.join(TOP, "tools/canary"), "--pattern", PATTERN, source])
    m = re.search(r"^(\d+) hits in (\d+) bytes", r.out, re.M)
    expect(m and int(m.group(2)) > 0, f"canary {source}: {r.out}{r.err}")
    return int(m.group(1))


def scan(client, server, disk, captures):
    """Hits by place, while both TEEs run."""
    nvmed, = server.device("nvmed")
    place = {"arena of the server": f"map:{nvmed}:rktio-dma", "nvmed": f"pid:{nvmed}"}
    for name, tee in (("client", client), ("server", server)):
        netd, = tee.device("netd")
        place[f"netd of the {name}"] = f"pid:{netd}"
        place[f"arena of the {name}"] = f"map:{netd}:rktio-dma"
    place["disk"] = f"file:{disk}"
    for name, path in captures.items():
        place[name] = f"file:{path}"
    return {name: hits(source) for name, source in place.items()}


def run_both(top, protected):
    """Runs client and server; the hits by place."""
    port, disk = free_udp_port(), new_disk(f"{top}/disk")
    if protected:
        conf = wireguard_files(top, port)
        nics, address = [f"user,protect=wireguard:{c}" for c in conf], {"host": "10.9.0.2", "port": 6379}
        forward = f"{port}:51820/udp"
    else:
        r = run(["mkfs.ext4", "-q", "-F", disk])
        expect(r.code == 0, f"mkfs.ext4: {r.err}")
        nics, address = ["user,protect=insecure_none"] * 2, {"host": "10.0.2.2", "port": port}
        forward = f"{port}:6379"
    captures = {f"capture of the {n}": f"{top}/{n}.pcap" for n in ("client", "server")}
    PLACE.wrap("netd", "@", "--pcap", f"{top}/server.pcap")
    with Tee(PLACE, disk, key=protected, nic=nics[1], ports=[forward], argv=SERVER).ready() as server:
        PLACE.wrap("netd", "@", "--pcap", f"{top}/client.pcap")
        script = CLIENT.format(**address)
        with Tee(PLACE, nic=nics[0], image=PLACE.image("client.img"), argv=["/bin/sh", "-c", script],
                 stdin=subprocess.PIPE) as client:
            wait_for("the client", lambda: re.search("answers:|bad:", client.log()))
            expect("answers: 301" in client.log(), f"client: {client.tail()!r}")
            found = scan(client, server, disk, captures)
            log = server.log()
        expect(server.stats()["boundary.lies"] == 0, "lies")
        server.end()
    found["disk after the end"] = hits(f"file:{disk}")
    return found, log


def test_canary_protected(top):
    try:
        found, log = run_both(top, True)
    finally:
        PLACE.unwrap("netd")
    expect(not any(found.values()), f"the host sees the pattern: {found}")
    expect("UNPROTECTED" not in log, "a protected NIC is called unprotected")


def test_canary_control(top):
    """The same without encryption: each place shows it."""
    try:
        found, log = run_both(top, False)
    finally:
        PLACE.unwrap("netd")
    print(f"# hits without encryption: {found}")
    expect(all(found.values()), f"the scan misses the pattern where it must be: {found}")
    expect("init: UNPROTECTED: eth0" in log, "the unprotected NIC is not named at start")


def shared_memory(pid):
    """Names of the memory objects that a process maps or holds open."""
    found = set()
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as f:
        found |= set(re.findall(r"/memfd:(\S+)", f.read()))
    for fd in os.listdir(f"/proc/{pid}/fd"):
        m = re.match(r"/memfd:(\S+)", os.readlink(f"/proc/{pid}/fd/{fd}"))
        found |= {m.group(1)} if m else set()
    return found


def test_device_processes_share_the_arena_only(top):
    with Tee(PLACE, new_disk(f"{top}/disk")).ready() as tee:
        nvmed, = tee.device("nvmed")
        netd, = tee.device("netd")
        expect(shared_memory(nvmed) == {"rktio-dma", "rktio-nvmed"}, f"nvmed has {shared_memory(nvmed)}")
        expect(shared_memory(netd) == {"rktio-dma"}, f"netd has {shared_memory(netd)}")
        for pid in (nvmed, netd):
            with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as f:
                shared = [line for line in f if " rw-s " in line or " r--s " in line]
            other = [line for line in shared if "/memfd:rktio-" not in line and "io_uring" not in line]
            expect(not other, f"process {pid} maps {other}")
