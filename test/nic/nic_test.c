// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The NIC against an honest back end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "test/lib/tap.h"
#include "test/nic/harness.h"

static u8 frame[NICDEV_FRAME_MAX], got[NICDEV_FRAME_MAX];
static struct h_packet pkt[NIC_BURST_MAX];
static struct model_hdr hdr;

static bool sent_and_arrived(struct nic *nic, u32 len, unsigned int pieces)
{
	harness_pattern(frame, len, len);
	memset(got, 0, len);
	if (harness_tx(nic, 0, frame, len, pieces, NULL) != 1)
		return false;
	return model_transmit(&back, 0, &hdr, got, sizeof(got)) == (int)len &&
	       !memcmp(frame, got, len) && !hdr.flags && !hdr.gso_type;
}

static bool injected_and_received(struct nic *nic, u32 len)
{
	struct model_hdr h = { 0 };

	harness_pattern(frame, len, len + 1);
	if (model_receive(&back, 0, &h, frame, len) < 0)
		return false;
	return harness_rx(nic, 0, pkt, 1) == 1 && pkt[0].len == len &&
	       !memcmp(pkt[0].data, frame, len) && !pkt[0].off.flags && !pkt[0].off.gso;
}

static void test_sizes(struct nic *nic)
{
	static const u32 len[] = { 14,
				   60,
				   1514,
				   4095,
				   4096,
				   4097,
				   8192,
				   12289,
				   65000,
				   NICDEV_FRAME_MAX - 1,
				   NICDEV_FRAME_MAX };
	unsigned int i, n, bad = 0;

	for (i = 0; i < sizeof(len) / sizeof(len[0]); i++)
		for (n = 1; n <= 18; n += 17 / 2)
			if (!sent_and_arrived(nic, len[i], n < len[i] ? n : 1))
				bad = len[i];
	tap_case(!bad, "transmit: every size and cut arrives", "size %u", bad);
	for (i = 0, bad = 0; i < sizeof(len) / sizeof(len[0]); i++)
		if (!injected_and_received(nic, len[i]))
			bad = len[i];
	tap_case(!bad, "receive: every size arrives, merged", "size %u", bad);
}

/* Many times round the ring, with completions out of order. */
static void test_wrap(struct nic *nic)
{
	struct model_ring *r = &back.ring[1];
	unsigned int round, i, bad = 0;
	int id[8];

	for (round = 0; round < 3000; round++) {
		for (i = 0; i < 8; i++)
			bad += harness_tx(nic, 0, frame, 60 + i, 1, NULL) != 1;
		for (i = 0; i < 8; i++)
			id[i] = model_take(r);
		for (i = 0; i < 8; i++) {
			bad += id[i ^ 5] < 0;
			model_give(r, id[i ^ 5], 0);
		}
		model_show(r);
	}
	tap_case(!bad && nic_poll(nic) == NIC_UP, "transmit: 24000 packets, out of order, wrap",
		 "%u bad", bad);
	for (round = 0, bad = 0; round < 40000; round++)
		bad += !injected_and_received(nic, 60 + round % 1000);
	tap_case(!bad, "receive: 40000 packets wrap the index", "%u bad", bad);
}

static void test_full(struct nic *nic)
{
	struct nic_stats s;
	unsigned int n = 0;

	while (harness_tx(nic, 0, frame, 60, 1, NULL) == 1)
		n++;
	nic_stats(nic, &s);
	tap_case(n == H_RING && s.tx_full == 1 && !nic_tx_has_room(nic, 0),
		 "transmit: a full ring is back-pressure", "%u sent, full %lu", n,
		 (unsigned long)s.tx_full);
	while (model_transmit(&back, 0, &hdr, got, sizeof(got)) > 0)
		n--;
	tap_case(!n && nic_tx_has_room(nic, 0) && sent_and_arrived(nic, 60, 1),
		 "transmit: room again after completion", "%u left", n);
}

static void test_tx_offload(struct nic *nic)
{
	struct nic_offload tso4 = { .csum_start = 34,
				    .csum_offset = 16,
				    .gso_size = 1448,
				    .hdr_len = 66,
				    .l3_start = 14,
				    .gso = NIC_GSO_TCPV4,
				    .flags = NIC_CSUM_PARTIAL };
	struct nic_offload udp = {
		.csum_start = 54, .csum_offset = 6, .l3_start = 14, .flags = NIC_CSUM_PARTIAL
	};

	harness_tx(nic, 0, frame, 65000, 17, &tso4);
	model_transmit(&back, 0, &hdr, got, sizeof(got));
	tap_case(hdr.flags == 1 && hdr.gso_type == 1 && hdr.gso_size == 1448 && hdr.hdr_len == 66 &&
			 hdr.csum_start == 34 && hdr.csum_offset == 16 && !hdr.num_buffers,
		 "transmit: TSO and checksum described", "gso %u size %u", hdr.gso_type,
		 hdr.gso_size);
	tso4.gso = NIC_GSO_TCPV6;
	harness_tx(nic, 0, frame, 65000, 17, &tso4);
	model_transmit(&back, 0, &hdr, got, sizeof(got));
	tap_case(hdr.gso_type == 4, "transmit: TSO for IPv6", "gso %u", hdr.gso_type);
	harness_tx(nic, 0, frame, 100, 1, &udp);
	model_transmit(&back, 0, &hdr, got, sizeof(got));
	tap_case(hdr.flags == 1 && !hdr.gso_type && hdr.csum_start == 54 && hdr.csum_offset == 6,
		 "transmit: UDP checksum described", "start %u", hdr.csum_start);
}

static void test_rx_offload(struct nic *nic)
{
	struct model_hdr h = { .flags = 1,
			       .gso_type = 1,
			       .hdr_len = 66,
			       .gso_size = 1448,
			       .csum_start = 34,
			       .csum_offset = 16 };

	model_receive(&back, 0, &h, frame, 30000);
	harness_rx(nic, 0, pkt, 1);
	tap_case(pkt[0].off.flags == NIC_CSUM_PARTIAL && pkt[0].off.gso == NIC_GSO_TCPV4 &&
			 pkt[0].off.gso_size == 1448 && pkt[0].off.csum_start == 34 &&
			 pkt[0].off.csum_offset == 16 && pkt[0].len == 30000,
		 "receive: GSO and checksum state handed on", "flags %u", pkt[0].off.flags);
	h = (struct model_hdr){ .flags = 2 };
	model_receive(&back, 0, &h, frame, 100);
	harness_rx(nic, 0, pkt, 1);
	tap_case(pkt[0].off.flags == NIC_CSUM_VALID, "receive: checked checksum handed on",
		 "flags %u", pkt[0].off.flags);
}

static int no_room(void *ctx, u32 len, const struct nic_offload *off, struct nic_seg *segs,
		   unsigned int max)
{
	return -ENOMEM;
}

static void test_drops(struct nic *nic)
{
	struct model_hdr h = { 0 };
	struct nic_stats before, after;
	unsigned int i;

	nic_stats(nic, &before);
	for (i = 0; i < 3 * H_RING; i++) {
		model_receive(&back, 0, &h, frame, 100);
		nic_rx(nic, 0, 1, no_room, NULL);
	}
	model_receive(&back, 0, &h, frame, 13); /* shorter than an Ethernet header */
	harness_rx(nic, 0, pkt, 1);
	nic_stats(nic, &after);
	tap_case(after.rx_dropped - before.rx_dropped == 3 * H_RING + 1 &&
			 injected_and_received(nic, 60),
		 "receive: drops are counted and leak no room", "%lu",
		 (unsigned long)(after.rx_dropped - before.rx_dropped));
}

static void test_events(void)
{
	struct model_ring *rx = &back.ring[0], *tx = &back.ring[1];
	struct nic_peek rx_peek, tx_peek;
	struct model_hdr h = { 0 };
	bool quiet, wanted, early;
	struct nic *nic;
	int err;

	nic = harness_open(H_FEATURES & ~NICDEV_F_EVENT_IDX, 1, H_RING, &err);
	nic_peek(nic, 0, false, &rx_peek);
	nic_peek(nic, 0, true, &tx_peek);
	quiet = rx->avail[0] == 1 && tx->avail[0] == 1;
	nic_peek_want_event(&rx_peek, true);
	wanted = !nic_peek_pending(&rx_peek) && rx->avail[0] == 0 && tx_peek.seen != rx_peek.seen;
	model_receive(&back, 0, &h, frame, 60);
	early = nic_peek_pending(&rx_peek);
	nic_peek_want_event(&rx_peek, false);
	tap_case(quiet && wanted && early && rx->avail[0] == 1,
		 "events: asked for before a sleep only, work seen before sleeping",
		 "quiet %d wanted %d early %d", quiet, wanted, early);
	harness_rx(nic, 0, pkt, 1);
	tap_case(!nic_peek_pending(&rx_peek), "events: nothing pending once it is served",
		 "pending");
	tx->used[0] = 1;
	quiet = !nic_tx_kick_needed(nic, 0);
	tx->used[0] = 0;
	tap_case(quiet && nic_tx_kick_needed(nic, 0), "kick: only when the back end sleeps",
		 "quiet %d", quiet);
	tx->used[0] = rx->used[0] = 1;
	harness_close(nic);
}

/* Sends @count packets, each a burst of its own, and completes them. Returns the kicks asked for. */
static unsigned int send_and_ask(struct nic *nic, unsigned int count)
{
	unsigned int i, kicks = 0;

	for (i = 0; i < count; i++) {
		harness_tx(nic, 0, frame, 60, 1, NULL);
		kicks += nic_tx_kick_needed(nic, 0);
		model_transmit(&back, 0, &hdr, got, sizeof(got));
	}
	return kicks;
}

/* VIRTIO_F_EVENT_IDX: a back end that has been woken once is left alone until it sleeps again. */
static void test_event_idx(void)
{
	struct model_ring *rx = &back.ring[0], *tx = &back.ring[1];
	unsigned int first, awake, again, wrap, i, ahead;
	struct nic_peek peek;
	bool rest, wanted;
	struct nic *nic;
	int err;

	nic = harness_open(H_FEATURES, 1, H_RING, &err);
	first = send_and_ask(nic, 1);
	awake = send_and_ask(nic, 60000);
	*model_avail_event(tx) = tx->avail_at;
	again = send_and_ask(nic, 300);
	for (i = 0, wrap = 0; i < 70000; i++) {
		*model_avail_event(tx) = tx->avail_at;
		wrap += send_and_ask(nic, 1);
	}
	*model_avail_event(tx) = tx->avail_at + 10;
	ahead = send_and_ask(nic, 10);
	tap_case(first == 1 && !awake && again == 1 && wrap == 70000 && !ahead &&
			 send_and_ask(nic, 1) == 1,
		 "event index: one kick for each sleep of the back end",
		 "first %u awake %u again %u wrap %u ahead %u", first, awake, again, wrap, ahead);
	nic_peek(nic, 0, false, &peek);
	rest = *model_used_event(rx) == 0xffff && !rx->avail[0];
	injected_and_received(nic, 60);
	nic_peek_want_event(&peek, true);
	wanted = *model_used_event(rx) == rx->used_at;
	nic_peek_want_event(&peek, false);
	tap_case(rest && wanted && *model_used_event(rx) == (u16)(rx->used_at - 1) && !rx->avail[0],
		 "event index: events asked for before a sleep only", "rest %d wanted %d", rest,
		 wanted);
	harness_close(nic);
}

/* Whatever the back end says about its sleep: traffic flows, and each question costs one kick at most. */
static void test_event_idx_lies(void)
{
	struct nic_stats s;
	unsigned int i, bad = 0;
	struct nic *nic;
	u32 seed = 1;
	int err;

	nic = harness_open(H_FEATURES, 1, H_RING, &err);
	for (i = 0; i < 20000; i++) {
		seed = seed * 1664525 + 1013904223;
		*model_avail_event(&back.ring[1]) = seed >> 16;
		*model_avail_event(&back.ring[0]) = seed >> 8;
		back.ring[1].used[0] = seed >> 4;
		*model_used_event(&back.ring[0]) = seed; /* ours: never read back */
		bad += send_and_ask(nic, 1) > 1 || !injected_and_received(nic, 60 + i % 900);
		nic_rx_kick_needed(nic, 0);
	}
	nic_stats(nic, &s);
	tap_case(!bad && s.kicks <= 40000 && s.tx_packets == 20000 && s.rx_packets == 20000 &&
			 nic_poll(nic) == NIC_UP && !boundary_lies,
		 "event index: lies are hints", "%u bad, %lu kicks", bad, (unsigned long)s.kicks);
	harness_close(nic);
}

static void test_shared_only(struct nic *nic)
{
	struct model_ring *r = &back.ring[0];
	unsigned int i, bad = 0;

	for (i = 0; i < r->size; i++)
		bad += !model_bytes(&back, r->desc[i].addr, r->desc[i].len) ||
		       r->desc[i].len < 4096;
	tap_case(!bad, "rooms lie in the arena and take 4 KiB", "%u outside", bad);
}

/* Everything that the device may write, overwritten after it was read or written. */
static void test_scribble(struct nic *nic)
{
	unsigned int i, k, bad = 0;

	harness_scribble = true;
	for (i = 0; i < 500; i++) {
		bad += !injected_and_received(nic, 60 + 97 * i);
		harness_tx(nic, 0, frame, 9000, 3, NULL);
		bad += model_transmit(&back, 0, &hdr, got, sizeof(got)) != 9000;
		for (k = 0; k < back.ring[1].size; k++)
			back.ring[1].desc[k] = (struct model_desc){ ~0ULL, ~0U, 0xffff, 0xffff };
		for (k = 0; k < back.ring[1].size; k++)
			back.ring[1].avail[2 + k] = 0xffff;
	}
	harness_scribble = false;
	tap_case(!bad && nic_poll(nic) == NIC_UP && !boundary_lies,
		 "fetched once, and what was written is never read back", "%u bad, %lu lies", bad,
		 boundary_lies);
}

static void test_boundary_bytes(struct nic *nic)
{
	struct nic_stats s;

	nic_stats(nic, &s);
	tap_case(s.tx_boundary_bytes == s.tx_bytes, "one pass: bytes copied = bytes sent",
		 "%lu for %lu", (unsigned long)s.tx_boundary_bytes, (unsigned long)s.tx_bytes);
	tap_case(s.rx_boundary_bytes <= s.rx_bytes && s.rx_packets,
		 "one pass: bytes copied <= bytes received", "%lu for %lu",
		 (unsigned long)s.rx_boundary_bytes, (unsigned long)s.rx_bytes);
}

static void test_pairs(void)
{
	struct model_hdr h = { 0 };
	struct nic *nic;
	unsigned int i, bad = 0;
	int err;

	nic = harness_open(H_FEATURES, 4, H_RING, &err);
	if (!tap_case(nic && nic_pairs(nic) == 4, "four queue pairs", "open: %d", err))
		return;
	for (i = 0; i < 4; i++) {
		env_cpu = i;
		harness_pattern(frame, 500, i);
		model_receive(&back, i, &h, frame, 500);
		bad += harness_rx(nic, i, pkt, 1) != 1 || memcmp(pkt[0].data, frame, 500);
		harness_tx(nic, i, frame, 500, 2, NULL);
		bad += model_transmit(&back, i, &hdr, got, sizeof(got)) != 500 ||
		       memcmp(got, frame, 500);
	}
	env_cpu = 0;
	tap_case(!bad, "each pair carries its own packets", "%u bad", bad);
	harness_close(nic);
}

static void test_restart(void)
{
	struct nic *nic;
	bool down, again;
	unsigned int i, bad = 0;
	int err;

	nic = harness_open(H_FEATURES, 1, H_RING, &err);
	for (i = 0; i < 20; i++) {
		harness_tx(nic, 0, frame, 60000, 3, NULL); /* in flight when the back end dies */
		model_lose(&back);
		down = nic_poll(nic) == NIC_DOWN && harness_tx(nic, 0, frame, 60, 1, NULL) == 0;
		model_offer(&back, H_FEATURES, 1, H_RING);
		again = nic_poll(nic) == NIC_RESTART && !nic_restart(nic) && !model_attach(&back);
		bad += !down || !again || nic_poll(nic) != NIC_UP ||
		       !injected_and_received(nic, 200) || !sent_and_arrived(nic, 200, 1);
	}
	tap_case(!bad, "a lost back end comes back, twenty times", "%u bad", bad);
	model_lose(&back);
	nic_poll(nic);
	tap_case(nic_restart(nic) == -EAGAIN, "restart without a back end waits", "no EAGAIN");
	harness_close(nic);
}

static void test_refusals(void)
{
	struct nic_config c = { .ctl.va = (unsigned long)back.ctl,
				.mac = { 2 },
				.mtu = 1500,
				.pairs = 1,
				.ring_size = 64 };
	struct nic *nic;
	struct nic_config bad;
	int err;

	model_lose(&back);
	tap_case(nic_open(&nic, &c) == -EAGAIN, "open without a back end waits", "no EAGAIN");
	model_offer(&back, H_FEATURES, 1, 64);
	bad = c;
	bad.mtu = 20;
	err = nic_open(&nic, &bad);
	bad = c;
	bad.mac[0] = 3;
	tap_case(err == -EINVAL && nic_open(&nic, &bad) == -EINVAL,
		 "open refuses a small MTU and a group address", "%d", err);
	bad = c;
	bad.pairs = 65;
	tap_case(nic_open(&nic, &bad) == -EINVAL, "open refuses 65 pairs", "taken");
}

static void test_features(void)
{
	struct nic *nic;
	int err;

	nic = harness_open(NICDEV_FEATURES_NEEDED | NICDEV_F_HOST_TSO4 | 1ULL << 63, 9, 300, &err);
	if (!tap_case(!!nic, "a back end without checksums serves", "open: %d", err))
		return;
	tap_case(nic_features(nic) == NICDEV_FEATURES_NEEDED && back.ring[0].size == 256,
		 "no TSO without checksums, unknown bits dropped, ring size a power of two",
		 "features %lx size %u", (unsigned long)nic_features(nic), back.ring[0].size);
	harness_close(nic);
}

static void test_exhaustion(void)
{
	unsigned int i, opened = 0, bad = 0;
	struct nic *nic;
	int err;

	for (i = 1; i < 20 && !opened; i++) {
		struct nic_config c = { .ctl.va = (unsigned long)back.ctl,
					.mac = { 2 },
					.mtu = 1500,
					.pairs = 2,
					.ring_size = 64 };
		model_lose(&back);
		model_offer(&back, H_FEATURES, 2, 64);
		test_arena_reset();
		test_arena_fail_at(i);
		err = nic_open(&nic, &c);
		opened = !err;
		bad += err && (err != -ENOMEM || test_arena_used());
	}
	tap_case(!bad && opened && i > 6, "arena exhausted at each step: ENOMEM, all given back",
		 "%u bad, last step %u", bad, i);
	test_arena_fail_at(0);
	if (opened)
		harness_close(nic);
}

static void test_traffic(void)
{
	struct nic *nic;
	int err;

	nic = harness_open(H_FEATURES, 1, H_RING, &err);
	if (!tap_case(!!nic, "open", "%d", err))
		return;
	test_shared_only(nic);
	test_sizes(nic);
	test_wrap(nic);
	test_full(nic);
	test_tx_offload(nic);
	test_rx_offload(nic);
	test_drops(nic);
	test_scribble(nic);
	test_boundary_bytes(nic);
	tap_case(!boundary_lies, "an honest back end is never called a liar", "%s",
		 boundary_last_lie);
	harness_close(nic);
	tap_case(back.ctl->tee.generation == 0 && !test_arena_used(),
		 "close withdraws the rings and returns the arena", "%zu left", test_arena_used());
}

static void test_leaks(void)
{
	size_t before, after;
	unsigned int i;
	int err;

	harness_close(harness_open(H_FEATURES, 2, H_RING, &err));
	before = nic_heap_used();
	for (i = 0; i < 30; i++)
		harness_close(harness_open(H_FEATURES, 2, H_RING, &err));
	after = nic_heap_used();
	tap_case(before == after, "thirty opens and closes leave nothing behind", "%zu, then %zu",
		 before, after);
}

int main(void)
{
	harness_start(64 << 20, 32 << 20);
	test_traffic();
	test_events();
	test_event_idx();
	test_event_idx_lies();
	test_pairs();
	test_restart();
	test_features();
	test_exhaustion();
	test_leaks();
	test_refusals();
	return tap_end();
}
