#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""image_test.py BUILD [CASE...]: the NIC of the real image with real programs.

Each case starts one TEE in a network namespace of our own, with a tap or the user network.
Inside runs a small Python agent, which is told on its standard input what to do.
"""
import hashlib
import http.server
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import types

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "test", "run"))
import harness  # noqa: E402
from harness import Skip, expect, run  # noqa: E402

LIMIT = 120  # seconds for anything; ends a hang, decides nothing else
HOST4, GUEST4, HOST6, GUEST6 = "10.9.0.1", "10.9.0.2", "fd09::1", "fd09::2"
BULK = 100 << 20
AGENT = """
import json, sys, traceback
space = {}
print("@ready", flush=True)
for line in sys.stdin:
    try:
        space["result"] = None
        exec(json.loads(line), space)
        r = [True, space["result"]]
    except BaseException:
        r = [False, traceback.format_exc()]
    print("@" + json.dumps(r), flush=True)
"""
PRELUDE = """
import hashlib, http.server, os, selectors, socket, subprocess, threading, time, urllib.request
def sh(*argv):
    r = subprocess.run(argv, capture_output=True, text=True)
    if r.returncode: raise Exception(f"{argv}: {r.returncode} {r.stdout} {r.stderr}")
    return r.stdout
def fetch(url):
    h, n = hashlib.sha256(), 0
    with urllib.request.urlopen(url, timeout=100) as r:
        while b := r.read(1 << 17):
            h.update(b); n += len(b)
    return [n, h.hexdigest()]
"""
ROOT = RKTIO = None  # root image, launcher


def in_namespace():
    """We are alone with a loopback: nothing here touches the machine's network."""
    if os.environ.get("NIC_TEST_NS") != "1":
        for flags in (["-n"], ["-rn"]):
            if run(["unshare", *flags, "true"]).code == 0:
                os.environ["NIC_TEST_NS"] = "1"
                os.execvp("unshare", ["unshare", *flags, sys.executable, *sys.orig_argv[1:]])
        raise Skip("no network namespaces here")
    ip("link", "set", "lo", "up")


def ip(*words):
    r = run(["ip", *words])
    expect(r.code == 0, f"ip {' '.join(words)}: {r.err}")
    return r.out


def make_tap(queues):
    run(["ip", "link", "del", "tap9"])
    ip("tuntap", "add", "tap9", "mode", "tap", "vnet_hdr", *(["multi_queue"] if queues > 1 else []))
    ip("addr", "add", f"{HOST4}/24", "dev", "tap9")
    ip("-6", "addr", "add", f"{HOST6}/64", "dev", "tap9", "nodad")
    ip("link", "set", "tap9", "up")


def tap_stats():
    s = json.loads(ip("-j", "-s", "link", "show", "tap9"))[0]["stats64"]
    return {"to_guest": s["tx"], "from_guest": s["rx"]}


class Tee:
    def __init__(self, top, nic, vcpus=1, options=()):
        self.stats_path = os.path.join(top, "stats")
        image = os.path.join(top, "root.img")
        shutil.copyfile(ROOT, image)
        self.log = open(os.path.join(top, "log"), "w+", encoding="utf-8", errors="replace")
        self.proc = subprocess.Popen(
            [RKTIO, "run", "--vcpus", str(vcpus), "--memory", "1G", f"--stats={self.stats_path}", "--nic", nic,
             *options, image, "--", "/usr/bin/python3", "-u", "-c", AGENT],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.watchdog = threading.Timer(LIMIT, self.proc.kill)
        self.watchdog.start()
        self.answer()
        self.do(PRELUDE)

    def answer(self):
        for line in self.proc.stdout:
            if line.startswith("@ready"):
                return None
            if line.startswith("@"):
                good, value = json.loads(line[1:])
                expect(good, value)
                return value
        raise AssertionError(f"the TEE ended: {self.text()}")

    def text(self):
        self.log.seek(0)
        return self.log.read()[-2000:]

    def start(self, code):
        self.proc.stdin.write(json.dumps(code) + "\n")
        self.proc.stdin.flush()

    def do(self, code):
        self.start(code)
        return self.answer()

    def netd(self):
        for pid in os.listdir("/proc"):
            try:
                if (os.readlink(f"/proc/{pid}/exe").endswith("/netd") and
                        f"\nPPid:\t{self.proc.pid}\n" in open(f"/proc/{pid}/status").read()):
                    return int(pid)
            except (OSError, ValueError):
                pass
        return None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.proc.stdin.close()
        self.proc.wait()
        self.watchdog.cancel()
        self.log.close()

    def end(self):
        """The counters; no host input may have been rejected, nothing dropped silently."""
        self.__exit__()
        expect(self.proc.returncode == 0, f"status {self.proc.returncode}")
        flat = {}

        def walk(node, prefix):
            for k, v in node.items():
                if isinstance(v, dict):
                    walk(v, prefix + k + ".")
                else:
                    flat[prefix + k] = v
        with open(self.stats_path, encoding="utf-8") as f:
            walk(json.load(f), "")
        flat = {".".join(k.split(".")[-2:]): v for k, v in flat.items()}
        expect(flat["boundary.lies"] == 0, f"lies {flat['boundary.lies']}")
        return flat


def tap_tee(top, vcpus=1, options=()):
    make_tap(vcpus)
    tee = Tee(top, f"tap:tap9,addr={GUEST4}/24", vcpus, options)
    tee.do(f"sh('ip', '-6', 'addr', 'add', '{GUEST6}/64', 'dev', 'eth0', 'nodad')")
    return tee


def data(size):
    block = hashlib.sha512(b"rkt").digest() * 16381  # its length is prime to any power of two
    return (block * (size // len(block) + 1))[:size]


class FileServer:
    """GET gives BULK bytes, PUT hashes what comes."""

    def __init__(self, address=HOST4):
        server = self
        server.body, server.put = data(BULK), None
        server.sha = hashlib.sha256(server.body).hexdigest()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", str(len(server.body)))
                self.end_headers()
                self.wfile.write(server.body)

            def do_PUT(self):
                left, h = int(self.headers["Content-Length"]), hashlib.sha256()
                while left:
                    b = self.rfile.read(min(left, 1 << 17))
                    h.update(b)
                    left -= len(b)
                server.put = h.hexdigest()
                self.send_response(201)
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in address else socket.AF_INET

        self.http = Server((address, 0), Handler)
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()


SERVE = """
os.chdir('/var/tmp')
with open('/var/tmp/bulk', 'wb') as f:
    block = hashlib.sha512(b'rkt').digest() * 16381
    left = %d
    while left:
        left -= f.write(block[:left])
class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_): pass
web = http.server.ThreadingHTTPServer(('0.0.0.0', 8000), Quiet)
threading.Thread(target=web.serve_forever, daemon=True).start()
"""
UPLOAD = """
with open('/var/tmp/bulk', 'rb') as f:
    q = urllib.request.Request(%r, data=f, method='PUT')
    q.add_header('Content-Length', str(os.path.getsize('/var/tmp/bulk')))
    result = urllib.request.urlopen(q, timeout=100).status
"""


def fetch(url):
    h, n = hashlib.sha256(), 0
    import urllib.request
    with urllib.request.urlopen(url, timeout=100) as r:
        while b := r.read(1 << 17):
            h.update(b)
            n += len(b)
    return [n, h.hexdigest()]


def both_ways(tee, host_of_guest, url_of_guest):
    """100 MB in, served, and out; every byte compared."""
    files = FileServer(host_of_guest[0])
    try:
        url = f"http://{host_of_guest[1]}:{files.port}/bulk"
        want = [BULK, files.sha]
        got = tee.do(f"result = fetch({url!r})")
        expect(got == want, f"downloaded {got}, not {want}")
        tee.do(SERVE % BULK)
        got = fetch(url_of_guest)
        expect(got == want, f"served {got}, not {want}")
        expect(tee.do(UPLOAD % url) == 201 and files.put == files.sha, f"uploaded {files.put}")
    finally:
        files.close()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def test_user_files(top):
    """User network: out to this machine's loopback, in through a published port."""
    port = free_port()
    with Tee(top, "user", 2, ["-p", f"{port}:8000"]) as tee:
        both_ways(tee, ("127.0.0.1", "10.0.2.2"), f"http://127.0.0.1:{port}/bulk")
        c = tee.end()
    print(f"# {c['net.rx_bytes'] // c['net.rx_packets']} bytes a packet in, "
          f"{c['net.tx_bytes'] // c['net.tx_packets']} out")
    expect(c["net.tx_bytes"] // c["net.tx_packets"] > 3000, "no large segments")


def tap_files(top, vcpus):
    with tap_tee(top, vcpus) as tee:
        pairs = tee.do("result = len([d for d in os.listdir('/sys/class/net/eth0/queues') "
                       "if d.startswith('tx')])")
        expect(pairs == vcpus, f"{pairs} queue pairs for {vcpus} vCPUs")
        both_ways(tee, (HOST4, HOST4), f"http://{GUEST4}:8000/bulk")
        s = tap_stats()
        c = tee.end()
    for way, packets, size in (("to_guest", c["net.rx_packets"], c["net.rx_bytes"]),
                               ("from_guest", c["net.tx_packets"], c["net.tx_bytes"])):
        mean = s[way]["bytes"] // s[way]["packets"]
        print(f"# {way}: {s[way]['packets']} frames, {mean} bytes each; TEE {size // packets}")
    # 200 MB with 32 bit acknowledgements in between: without segmentation offload this is < 1514.
    expect(s["from_guest"]["bytes"] // s["from_guest"]["packets"] > 3000, "no GSO frames out")
    expect(s["to_guest"]["bytes"] // s["to_guest"]["packets"] > 3000, "no GSO frames in")


def test_tap_files_1_vcpu(top):
    tap_files(top, 1)


def test_tap_files_2_vcpus(top):
    tap_files(top, 2)


def test_tap_files_4_vcpus(top):
    tap_files(top, 4)


def test_tap_iperf3(top):
    """TCP both ways, two streams; the largest frame seen shows 64 KB GSO with virtio headers."""
    with tap_tee(top, 2) as tee:
        tee.do("server = subprocess.Popen(['/usr/bin/iperf3', '-s', '--forceflush'], "
               "stdout=subprocess.PIPE, text=True)\nserver.stdout.readline(); server.stdout.readline()")
        sniff = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        sniff.settimeout(LIMIT)
        sniff.bind(("tap9", 0))
        largest = {True: 0, False: 0}

        def listen():
            frame = bytearray(70000)
            while True:
                try:
                    n, _, _, sa = sniff.recvmsg_into([frame])
                except OSError:
                    return
                largest[sa[2] == socket.PACKET_OUTGOING] = max(
                    largest[sa[2] == socket.PACKET_OUTGOING], n)
        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        for way in ([], ["-R"]):
            r = run(["iperf3", "-c", GUEST4, "-n", "64M", "-P", "2", "-J", *way])
            expect(r.code == 0, f"iperf3 {way}: {r.out[-300:]}{r.err}")
            end = json.loads(r.out)["end"]
            print(f"# iperf3 {' '.join(way)}: {end['sum_received']['bits_per_second'] / 1e9:.2f} "
                  f"Gbit/s, {end['sum_sent'].get('retransmits', 0)} retransmits")
            expect(end["sum_received"]["bytes"] > 32 << 20, f"{end['sum_received']}")
        ip("link", "set", "tap9", "down")  # wakes the listener with ENETDOWN
        listener.join()
        sniff.close()
        ip("link", "set", "tap9", "up")
        print(f"# largest frame in {largest[True]}, out {largest[False]}")
        expect(min(largest.values()) > 32768, f"largest frames {largest}")
        tee.do("server.kill(); server.wait()")
        tee.end()


UDP_ECHO = """
u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
u.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
u.bind(('::', 5000))
def echo():
    while True:
        b, a = u.recvfrom(70000)
        u.sendto(b, a)
threading.Thread(target=echo, daemon=True).start()
"""


def test_tap_udp_and_fragments(top):
    """Datagrams of all kinds of sizes, the large ones in fragments, over IPv4 and IPv6."""
    with tap_tee(top, 1) as tee:
        tee.do(UDP_ECHO)
        for family, address in ((socket.AF_INET, GUEST4), (socket.AF_INET6, GUEST6)):
            with socket.socket(family, socket.SOCK_DGRAM) as s:
                s.settimeout(20)
                for size in (0, 1, 17, 18, 1472, 1473, 2960, 9000, 60000, 65487):
                    sent = data(size)
                    s.sendto(sent, (address, 5000))
                    got = s.recv(70000)
                    expect(got == sent, f"{address}: {size} bytes came back as {len(got)}")
        tee.end()


def test_tap_ipv6_tcp(top):
    with tap_tee(top, 1) as tee:
        files = FileServer(HOST6)
        got = tee.do(f"result = fetch('http://[{HOST6}]:{files.port}/')")
        files.close()
        expect(got == [BULK, files.sha], f"{got}")
        c = tee.end()
        expect(c["net.rx_bytes"] // c["net.rx_packets"] > 3000, "no GSO frames over IPv6")


ECHO_MANY = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
listener = socket.create_server(('0.0.0.0', 6000), backlog=2048)
def echo_many():
    sel = selectors.DefaultSelector()
    sel.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in sel.select():
            if key.fileobj is listener:
                sel.register(listener.accept()[0], selectors.EVENT_READ)
                continue
            try:
                b = key.fileobj.recv(65536)
                if b: key.fileobj.sendall(b)
            except OSError: # the other end died
                b = b''
            if not b:
                sel.unregister(key.fileobj); key.fileobj.close()
threading.Thread(target=echo_many, daemon=True).start()
"""


def many(address, port, count):
    import resource
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    socks = [socket.create_connection((address, port), timeout=60) for _ in range(count)]
    try:
        for turn in range(3):
            for i, s in enumerate(socks):
                s.sendall(f"{turn} {i} ".encode() * 20)
            for i, s in enumerate(socks):
                want, got = f"{turn} {i} ".encode() * 20, b""
                while len(got) < len(want):
                    b = s.recv(65536)
                    expect(b, f"connection {i} ended")
                    got += b
                expect(got == want, f"connection {i}: {got[:40]}")
    finally:
        for s in socks:
            s.close()


def test_user_1000_connections(top):
    port = free_port()
    with Tee(top, "user", 2, ["-p", f"{port}:6000"]) as tee:
        tee.do(ECHO_MANY)
        many("127.0.0.1", port, 1000)
        tee.end()


def test_user_kicks_follow_the_clock(top):
    """Host calls for packets are bounded per second (host/lib/kicks.h), whatever the load."""
    with open(os.path.join(TOP, "host/lib/kicks.h"), encoding="utf-8") as f:
        text = f.read()
    rate, burst = (int(re.search(rf"#define KICKS_{n} (\d+)", text).group(1))
                   for n in ("PER_S", "BURST"))
    port, start = free_port(), time.monotonic()
    with Tee(top, "user", 2, ["-p", f"{port}:6000"]) as tee:
        tee.do(ECHO_MANY)
        socks = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(20)]
        for turn in range(400):
            for s in socks[:1 + turn % 20]:
                s.sendall(b"x" * 100)
            for s in socks[:1 + turn % 20]:
                left = 100
                while left:
                    left -= len(s.recv(left))
        for s in socks:
            s.close()
        c = tee.end()
    allowed = burst + rate * (time.monotonic() - start)
    packets = c["net.rx_packets"] + c["net.tx_packets"]
    print(f"# {packets} packets, {c['hostcall.kick']} kicks of {allowed:.0f}, "
          f"{c['hostcall.vcpu_wake']} wakes, {c['hostcall.vcpu_wait']} waits")
    expect(packets > 8000 and c["hostcall.kick"] < allowed, "too many kicks")


def test_tap_1000_connections(top):
    with tap_tee(top, 2) as tee:
        tee.do(ECHO_MANY)
        many(GUEST4, 6000, 1000)
        tee.end()


def test_tap_link_down_and_up(top):
    """Inside and outside; a connection outlives both."""
    with tap_tee(top, 1) as tee:
        tee.do(ECHO_MANY)
        s = socket.create_connection((GUEST4, 6000), timeout=60)

        def talks():
            s.sendall(b"x" * 5000)
            left = 5000
            while left:
                left -= len(s.recv(left))
        talks()
        tee.do("sh('ip', 'link', 'set', 'eth0', 'down')")
        state = tee.do("result = sh('ip', 'link', 'show', 'eth0')")
        expect("state DOWN" in state and ",UP" not in state, state)
        tee.do("sh('ip', 'link', 'set', 'eth0', 'up')")
        talks()
        ip("link", "set", "tap9", "down")
        ip("link", "set", "tap9", "up")
        talks()
        s.close()
        tee.end()


def test_tap_mtu(top):
    """9000: datagrams of 8972 bytes are one frame each way; above they are fragments."""
    with tap_tee(top, 1) as tee:
        tee.do(UDP_ECHO)
        tee.do("sh('ip', 'link', 'set', 'eth0', 'mtu', '9000')")
        expect("mtu 9000" in tee.do("result = sh('ip', 'link', 'show', 'eth0')"), "mtu")
        ip("link", "set", "tap9", "mtu", "9000")
        before = tap_stats()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(20)
            for size in (8972, 8973):
                s.sendto(data(size), (GUEST4, 5000))
                expect(s.recv(70000) == data(size), f"{size}")
        after = tap_stats()
        for way in ("to_guest", "from_guest"):
            frames = after[way]["packets"] - before[way]["packets"]
            size = after[way]["bytes"] - before[way]["bytes"]
            expect(size > 17900 and frames <= 6, f"{way}: {frames} frames, {size} bytes")
        tee.do("sh('ip', 'link', 'set', 'eth0', 'mtu', '576')")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(20)
            s.sendto(data(3000), (GUEST4, 5000))
            expect(s.recv(70000) == data(3000), "mtu 576")
        tee.end()


def test_tap_ethtool_and_ip(top):
    with tap_tee(top, 2) as tee:
        k = tee.do("result = sh('ethtool', '-k', 'eth0')")
        for feature in ("tx-checksum-ipv4: on", "tx-checksum-ipv6: on", "rx-checksumming: on",
                        "scatter-gather: on", "tcp-segmentation-offload: on",
                        "tx-tcp6-segmentation: on", "generic-receive-offload: on"):
            expect(feature in k, f"{feature} is missing: {k}")
        stats = tee.do("result = sh('ethtool', '-S', 'eth0')")
        expect("tx_packets" in stats and re.search(r"lies: 0\b", stats), stats)
        driver = tee.do("result = sh('ethtool', '-i', 'eth0')")
        expect("driver: rkt_net" in driver, driver)
        expect("Link detected: yes" in tee.do("result = sh('ethtool', 'eth0')"), "link")
        s = tee.do("result = sh('ip', '-s', 'addr', 'show', 'eth0')")
        expect(f"inet {GUEST4}/24" in s and "state UP" in s and GUEST6 in s, s)
        # Offloads off: the stack segments and sums by itself, and all still arrives.
        tee.do("sh('ethtool', '-K', 'eth0', 'tx', 'off', 'tso', 'off', 'sg', 'off', 'gro', 'off')")
        files = FileServer()
        expect(tee.do(f"result = fetch('http://{HOST4}:{files.port}/')") == [BULK, files.sha], "fetch")
        tee.do("open('/var/tmp/bulk', 'wb').write(bytes(3 << 20))")
        expect(tee.do(UPLOAD % f"http://{HOST4}:{files.port}/") == 201, "upload")
        expect(files.put == hashlib.sha256(bytes(3 << 20)).hexdigest(), "offloads off")
        files.close()
        tee.end()


def test_tap_netd_dies(top):
    """kill -9 of netd in the middle of a transfer, three times: the connection goes on."""
    with tap_tee(top, 2) as tee:
        files = FileServer()
        done = []
        for turn in range(3):
            old = tee.netd()
            expect(old, "no netd")
            before = tap_stats()["to_guest"]["bytes"]
            tee.start(f"result = fetch('http://{HOST4}:{files.port}/')")
            while tap_stats()["to_guest"]["bytes"] - before < BULK // 8:
                time.sleep(0.002)
            os.kill(old, signal.SIGKILL)
            done.append(tee.answer() == [BULK, files.sha])
            expect(tee.netd() not in (None, old), "netd did not come back")
        files.close()
        expect(all(done), f"{done}")
        tee.end()


def test_user_netd_dies(top):
    """The user network's connections end with it; new ones work at once."""
    port = free_port()
    with Tee(top, "user", 1, ["-p", f"{port}:6000"]) as tee:
        tee.do(ECHO_MANY)
        for _ in range(3):
            many("127.0.0.1", port, 5)
            old = tee.netd()
            os.kill(old, signal.SIGKILL)
            while tee.netd() in (None, old):
                time.sleep(0.01)
            end = time.monotonic() + LIMIT
            while True:
                try:
                    many("127.0.0.1", port, 5)
                    break
                except OSError:
                    expect(time.monotonic() < end, "no connection")
                    time.sleep(0.05)
        tee.end()


def test_netd_sees_the_arena_alone(top):
    """The memory of netd that is shared with anybody: one mapping, of the arena's size."""
    with Tee(top, "user", 2) as tee:
        netd = tee.netd()
        with open(f"/proc/{netd}/maps", encoding="ascii") as f:
            shared = [line for line in f if line.split()[1][3] == "s"]
        expect(len(shared) == 1 and "memfd" in shared[0], f"{shared}")
        name = shared[0].split(None, 5)[5].split()[0]
        start, end = (int(x, 16) for x in shared[0].split()[0].split("-"))
        with open(f"/proc/{tee.proc.pid}/maps", encoding="ascii") as f:
            ours = [line for line in f if name in line]
        sizes = {int(b, 16) - int(a, 16) for a, b in (o.split()[0].split("-") for o in ours)}
        expect(end - start in sizes, f"{end - start} of {sizes}")
        # The TEE's memory is below 2^40 (abi/layout.h); the arena isn't.
        expect(all(int(o.split("-")[0], 16) >= 1 << 40 for o in ours), f"{ours}")
        fds = [os.readlink(f"/proc/{netd}/fd/{fd}") for fd in os.listdir(f"/proc/{netd}/fd")]
        expect(not [f for f in fds if f.startswith(("/memfd", "/dev/mem"))], f"{fds}")
        tee.end()


def make_root(top):
    global ROOT
    ROOT, tree = os.path.join(top, "base.img"), os.path.join(top, "tree")
    for argv in ([os.path.join(TOP, "tools/mkrootfs"), "-o", tree, "--sh", "--bin", "ip",
                  "--bin", "ethtool", "--bin", "iperf3", "--pkg", "python3-minimal", "--pkg",
                  "libpython3-stdlib", "--deps"], [RKTIO, "pack", tree, "-o", ROOT]):
        r = run(argv)
        expect(r.code == 0, f"{argv[0]}: {r.err}")
    shutil.rmtree(tree)


def main():
    global RKTIO
    build = os.path.abspath(sys.argv[1])
    RKTIO = os.path.join(build, "rktio")
    top = None
    try:
        in_namespace()
        for tool in ("iperf3", "ethtool", "ip"):
            if not shutil.which(tool):
                raise Skip(f"{tool} is not installed")
        if not os.path.exists("/dev/net/tun"):
            raise Skip("no /dev/net/tun")
        top = tempfile.mkdtemp(prefix="rktio-nic-")
        make_root(top)
        cases = {n: f for n, f in globals().items() if n.startswith("test_") and
                 (not sys.argv[2:] or n[5:] in sys.argv[2:])}
        return harness.main(types.SimpleNamespace(**cases))
    except Skip as e:
        print(f"skip all: {e}\n0 passed, 0 failed, 1 skipped")
        return 0
    finally:
        if top:
            shutil.rmtree(top)


if __name__ == "__main__":
    sys.exit(main())
