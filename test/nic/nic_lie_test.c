// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Each check of the boundary meets the lie that it is there for. After each: one
 * lie counted, the NIC dead and told so, memory given back, the next NIC fine.
 */
#include <errno.h>
#include <string.h>

#include "test/lib/tap.h"
#include "test/nic/harness.h"

static u8 frame[NICDEV_FRAME_MAX];
static struct h_packet pkt[NIC_BURST_MAX];

#define RX (&back.ring[0])
#define TX (&back.ring[1])

/* ---- receive ring ---- */

static void rx_used_index_beyond(void)
{
	RX->used[1] = RX->avail[1] + 1;
}

static void rx_used_index_far(void)
{
	RX->used[1] = 30000;
}

static void rx_used_index_back(void)
{
	RX->used[1] = 65535;
}

static void rx_id_out_of_range(void)
{
	model_take(RX);
	model_give(RX, RX->size, 100);
	model_show(RX);
}

static void rx_id_huge(void)
{
	model_take(RX);
	model_give(RX, 0xffffffff, 100);
	model_show(RX);
}

static void rx_id_twice(void)
{
	int id = model_take(RX);
	struct model_hdr *h = (void *)model_bytes(&back, RX->desc[id].addr, 12);

	*h = (struct model_hdr){ .num_buffers = 1 };
	model_take(RX);
	model_give(RX, id, 112);
	model_give(RX, id, 112);
	model_show(RX);
}

static struct model_hdr *give_first(u32 len)
{
	int id = model_take(RX);
	struct model_hdr *h = (void *)model_bytes(&back, RX->desc[id].addr, 12);

	*h = (struct model_hdr){ .num_buffers = 1 };
	model_give(RX, id, len);
	return h;
}

static void rx_len_below_header(void)
{
	give_first(11);
	model_show(RX);
}

static void rx_len_zero(void)
{
	give_first(0);
	model_show(RX);
}

static void rx_len_above_room(void)
{
	give_first(12 + 4096 + 1);
	model_show(RX);
}

static void rx_len_huge(void)
{
	give_first(0xfffffff0);
	model_show(RX);
}

static void rx_second_len(u32 len)
{
	give_first(12 + 4096)->num_buffers = 2;
	model_give(RX, model_take(RX), len);
	model_show(RX);
}

static void rx_second_len_zero(void)
{
	rx_second_len(0);
}

static void rx_second_len_above_room(void)
{
	rx_second_len(5000);
}

static void rx_second_id_out_of_range(void)
{
	give_first(12 + 4096)->num_buffers = 2;
	model_take(RX);
	model_give(RX, 9999, 100);
	model_show(RX);
}

static void rx_num_buffers_zero(void)
{
	give_first(112)->num_buffers = 0;
	model_show(RX);
}

static void rx_num_buffers_beyond_used(void)
{
	give_first(112)->num_buffers = 2;
	model_show(RX);
}

static void rx_num_buffers_beyond_cap(void)
{
	int i;

	give_first(112)->num_buffers = 40;
	for (i = 0; i < 40; i++)
		model_give(RX, model_take(RX), 100);
	model_show(RX);
}

static void rx_num_buffers_max(void)
{
	give_first(112)->num_buffers = 65535;
	model_show(RX);
}

static void rx_frame_too_long(void)
{
	int i;

	give_first(12 + 4096)->num_buffers = 17;
	for (i = 0; i < 16; i++)
		model_give(RX, model_take(RX), 12 + 4096);
	model_show(RX);
}

/* ---- the header; packets of 100 bytes ---- */

static void hdr_lie(struct model_hdr h)
{
	struct model_hdr *at = give_first(12 + 100);

	h.num_buffers = 1;
	*at = h;
	model_show(RX);
}

static void hdr_unknown_flag(void)
{
	hdr_lie((struct model_hdr){ .flags = 4 });
}

static void hdr_csum_start_in_ethernet(void)
{
	hdr_lie((struct model_hdr){ .flags = 1, .csum_start = 13, .csum_offset = 16 });
}

static void hdr_csum_field_beyond(void)
{
	hdr_lie((struct model_hdr){ .flags = 1, .csum_start = 83, .csum_offset = 16 });
}

static void hdr_csum_sum_wraps(void)
{
	hdr_lie((struct model_hdr){ .flags = 1, .csum_start = 65535, .csum_offset = 34 });
}

static struct model_hdr good_gso(void)
{
	return (struct model_hdr){ .flags = 1,
				   .gso_type = 1,
				   .hdr_len = 54,
				   .gso_size = 20,
				   .csum_start = 34,
				   .csum_offset = 16 };
}

static void hdr_gso_udp(void)
{
	struct model_hdr h = good_gso();

	h.gso_type = 3;
	hdr_lie(h);
}

static void hdr_gso_ecn(void)
{
	struct model_hdr h = good_gso();

	h.gso_type = 0x81;
	hdr_lie(h);
}

static void hdr_gso_without_csum(void)
{
	struct model_hdr h = good_gso();

	h.flags = 0;
	hdr_lie(h);
}

static void hdr_gso_size_zero(void)
{
	struct model_hdr h = good_gso();

	h.gso_size = 0;
	hdr_lie(h);
}

static void hdr_gso_no_room_for_tcp(void)
{
	struct model_hdr h = good_gso();

	h.csum_start = 81;
	hdr_lie(h);
}

static void hdr_gso_headers_beyond(void)
{
	struct model_hdr h = good_gso();

	h.hdr_len = 101;
	hdr_lie(h);
}

/* Run with a deal that lacks the feature. */
static void hdr_csum_not_negotiated(void)
{
	hdr_lie((struct model_hdr){ .flags = 2 });
}

static void hdr_gso_not_negotiated(void)
{
	hdr_lie(good_gso());
}

/* ---- transmit ring; three packets in flight, the second of three descriptors ---- */

static void tx_used_index_beyond(void)
{
	TX->used[1] = 4;
}

static void tx_give(u32 id)
{
	model_take(TX);
	model_give(TX, id, 0);
	model_show(TX);
}

static void tx_id_out_of_range(void)
{
	tx_give(TX->size);
}

static void tx_id_free(void)
{
	tx_give(TX->size - 1);
}

static void tx_id_mid_chain(void)
{
	int first = model_take(TX), second = model_take(TX);

	(void)first;
	model_give(TX, TX->desc[second].next, 0);
	model_show(TX);
}

static void tx_id_twice(void)
{
	int id = model_take(TX);

	model_take(TX);
	model_give(TX, id, 0);
	model_give(TX, id, 0);
	model_show(TX);
}

struct lie {
	const char *name;
	const char *check; /* part of the condition that must catch it */
	void (*tell)(void);
	u64 lacks; /* features left out of the offer */
};

#define LIE(fn, cond)            \
	{                        \
#fn, cond, fn, 0 \
	}

static const struct lie lies[] = {
	LIE(rx_used_index_beyond, "n <= vring_in_flight(r)"),
	LIE(rx_used_index_far, "n <= vring_in_flight(r)"),
	LIE(rx_used_index_back, "n <= vring_in_flight(r)"),
	LIE(rx_id_out_of_range, "id < r->size"),
	LIE(rx_id_huge, "id < r->size"),
	LIE(rx_id_twice, "s->chain != 0"),
	LIE(rx_len_below_header, "len >= len_min"),
	LIE(rx_len_zero, "len >= len_min"),
	LIE(rx_len_above_room, "len <= PMD_RX_ROOM"),
	LIE(rx_len_huge, "len <= PMD_RX_ROOM"),
	LIE(rx_second_len_zero, "len >= len_min"),
	LIE(rx_second_len_above_room, "len <= PMD_RX_ROOM"),
	LIE(rx_second_id_out_of_range, "id < r->size"),
	LIE(rx_num_buffers_zero, "hdr.num_buffers >= 1"),
	LIE(rx_num_buffers_beyond_used, "hdr.num_buffers <= avail"),
	LIE(rx_num_buffers_beyond_cap, "hdr.num_buffers <= PMD_SEGS_MAX"),
	LIE(rx_num_buffers_max, "hdr.num_buffers <= PMD_SEGS_MAX"),
	LIE(rx_frame_too_long, "m->pkt_len <= NICDEV_FRAME_MAX"),
	LIE(hdr_unknown_flag, "h->flags & ~"),
	LIE(hdr_csum_start_in_ethernet, "h->csum_start >= ETH_HEADER"),
	LIE(hdr_csum_field_beyond, "field + 2 <= len"),
	LIE(hdr_csum_sum_wraps, "field + 2 <= len"),
	LIE(hdr_gso_udp, "v4 &&"),
	LIE(hdr_gso_ecn, "v4 &&"),
	LIE(hdr_gso_without_csum, "h->flags & VIRTIO_HDR_F_NEEDS_CSUM"),
	LIE(hdr_gso_size_zero, "h->gso_size != 0"),
	LIE(hdr_gso_no_room_for_tcp, "h->csum_start + TCP_HEADER_MIN <= len"),
	LIE(hdr_gso_headers_beyond, "h->hdr_len <= len"),
	{ "hdr_csum_not_negotiated", "features & NICDEV_F_GUEST_CSUM", hdr_csum_not_negotiated,
	  NICDEV_F_GUEST_CSUM },
	{ "hdr_gso_not_negotiated", "v4 &&", hdr_gso_not_negotiated, NICDEV_F_GUEST_TSO4 },
	LIE(tx_used_index_beyond, "n <= vring_in_flight(r)"),
	LIE(tx_id_out_of_range, "id < r->size"),
	LIE(tx_id_free, "s->chain != 0"),
	LIE(tx_id_mid_chain, "s->chain != 0"),
	LIE(tx_id_twice, "s->chain != 0"),
};

static void send_three(struct nic *nic)
{
	harness_tx(nic, 0, frame, 60, 1, NULL);
	harness_tx(nic, 0, frame, 9000, 2, NULL);
	harness_tx(nic, 0, frame, 60, 1, NULL);
}

static void tell(const struct lie *lie)
{
	struct nic *nic;
	bool caught, told, still;
	int err, got;

	boundary_lies = 0;
	boundary_last_lie[0] = 0;
	nic = harness_open(H_FEATURES & ~lie->lacks, 1, H_RING, &err);
	if (!nic) {
		tap_case(false, lie->name, "open: %d", err);
		return;
	}
	send_three(nic);
	lie->tell();
	got = harness_rx(nic, 0, pkt, NIC_BURST_MAX);
	harness_tx(nic, 0, frame, 60, 1, NULL);
	caught = boundary_lies == 1 && strstr(boundary_last_lie, lie->check);
	told = nic_poll(nic) == NIC_FAILED && back.ctl->tee.state == NICDEV_TEE_FAILED &&
	       back.ctl->tee.generation == 0;
	/* Dead for good: nothing moves, nothing more is even looked at. */
	still = harness_rx(nic, 0, pkt, NIC_BURST_MAX) == 0 &&
		harness_tx(nic, 0, frame, 60, 1, NULL) == 0 && !nic_tx_kick_needed(nic, 0) &&
		!nic_rx_kick_needed(nic, 0) && !nic_tx_has_room(nic, 0) && *nic_failed(nic) &&
		nic_restart(nic) == -EPROTO && boundary_lies == 1;
	harness_close(nic);
	tap_case(caught && told && still && got <= 1 && !test_arena_used(), lie->name,
		 "caught %d (%lu, %s) told %d still %d got %d arena %zu", caught, boundary_lies,
		 boundary_last_lie, told, still, got, test_arena_used());
}

/* ---- the control block ---- */

static void offer_lie(const char *name, const char *check, u64 features, u16 pairs, u16 ring,
		      u32 magic)
{
	struct nic_config c = { .ctl.va = (unsigned long)back.ctl,
				.mac = { 2 },
				.mtu = 1500,
				.pairs = 2,
				.ring_size = 64 };
	struct nic *nic;
	int ret;

	boundary_lies = 0;
	model_lose(&back);
	model_offer(&back, features, pairs, ring);
	back.ctl->host.magic = magic;
	ret = nic_open(&nic, &c);
	tap_case(ret == -EPROTO && boundary_lies == 1 && strstr(boundary_last_lie, check), name,
		 "%d, %lu lies, %s", ret, boundary_lies, boundary_last_lie);
}

static void second_offer_lie(const char *name, const char *check, u64 features, u16 pairs, u16 ring)
{
	struct nic *nic;
	int err, ret;

	boundary_lies = 0;
	nic = harness_open(H_FEATURES, 2, 128, &err);
	model_lose(&back);
	nic_poll(nic);
	model_offer(&back, features, pairs, ring);
	ret = nic_poll(nic) == NIC_RESTART ? nic_restart(nic) : 0;
	tap_case(ret == -EPROTO && boundary_lies == 1 && strstr(boundary_last_lie, check) &&
			 nic_poll(nic) == NIC_FAILED,
		 name, "%d, %lu lies, %s", ret, boundary_lies, boundary_last_lie);
	harness_close(nic);
}

static void control_lies(void)
{
	offer_lie("ctl_magic", "NICDEV_MAGIC", H_FEATURES, 2, 64, 1);
	offer_lie("ctl_not_version_1", "NICDEV_FEATURES_NEEDED", H_FEATURES & ~NICDEV_F_VERSION_1,
		  2, 64, NICDEV_MAGIC);
	offer_lie("ctl_not_mergeable", "NICDEV_FEATURES_NEEDED", H_FEATURES & ~NICDEV_F_MRG_RXBUF,
		  2, 64, NICDEV_MAGIC);
	offer_lie("ctl_no_pair", "offer.pairs >= 1", H_FEATURES, 0, 64, NICDEV_MAGIC);
	offer_lie("ctl_ring_too_small", "NICDEV_RING_SIZE_MIN", H_FEATURES, 2, 63, NICDEV_MAGIC);
	second_offer_lie("ctl_again_without_tso", "offer->features",
			 H_FEATURES & ~NICDEV_F_HOST_TSO4, 2, 128);
	second_offer_lie("ctl_again_fewer_pairs", "offer->pairs", H_FEATURES, 1, 128);
	second_offer_lie("ctl_again_smaller_rings", "offer->ring_size", H_FEATURES, 2, 64);
	second_offer_lie("ctl_again_without_event_idx", "offer->features",
			 H_FEATURES & ~NICDEV_F_EVENT_IDX, 2, 128);
}

/* What was settled is private: the block may say anything afterwards. */
static void control_rewritten(void)
{
	struct model_hdr h = { 0 };
	struct nic *nic;
	unsigned int i, bad = 0;
	int err;

	boundary_lies = 0;
	nic = harness_open(H_FEATURES, 1, H_RING, &err);
	for (i = 0; i < 200; i++) {
		back.ctl->host.magic = i;
		back.ctl->host.features = i * 0x123456789ULL;
		back.ctl->host.pairs_max = i * 77;
		back.ctl->host.ring_size_max = i * 99;
		back.ctl->tee.features = back.ctl->tee.pairs = i;
		back.ctl->vring[i & 1].desc = back.ctl->vring[i & 1].size = i;
		model_receive(&back, 0, &h, frame, 200);
		bad += harness_rx(nic, 0, pkt, 1) != 1;
		bad += harness_tx(nic, 0, frame, 60000, 3, NULL) != 1;
		bad += model_transmit(&back, 0, &h, frame, sizeof(frame)) != 60000;
		h = (struct model_hdr){ 0 };
	}
	tap_case(!bad && !boundary_lies && nic_poll(nic) == NIC_UP &&
			 nic_features(nic) == H_FEATURES && nic_pairs(nic) == 1,
		 "control block rewritten while up changes nothing", "%u bad", bad);
	harness_close(nic);
}

/* Hostile bytes everywhere that a device may write, at random; it must end as one dead NIC. */
static u32 next_random(u32 *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void random_lies(void)
{
	unsigned int round, i, failed = 0;
	u32 seed = 20261122;
	struct nic *nic;
	int err;

	for (round = 0; round < 400; round++) {
		nic = harness_open(H_FEATURES, 1, H_RING, &err);
		for (i = 0; i < 60; i++) {
			struct model_ring *r = &back.ring[next_random(&seed) & 1];
			u32 at = next_random(&seed) % r->size;
			struct model_hdr h = { .flags = next_random(&seed) & 3,
					       .gso_type = next_random(&seed) & 1,
					       .gso_size = 100,
					       .csum_start = next_random(&seed) % 80,
					       .csum_offset = 16 };

			if (next_random(&seed) % 4)
				model_receive(&back, 0, &h, frame, next_random(&seed) % 20000);
			if (!(next_random(&seed) % 16))
				r->used_ring[at].id = next_random(&seed) % (2 * r->size);
			if (!(next_random(&seed) % 16))
				r->used_ring[at].len = next_random(&seed) % 9000;
			if (!(next_random(&seed) % 16))
				r->used[1] += next_random(&seed) % 3;
			r->desc[at] = (struct model_desc){ next_random(&seed), 0, 1, at };
			harness_tx(nic, 0, frame, 1 + next_random(&seed) % 60000, 3, NULL);
			harness_rx(nic, 0, pkt, NIC_BURST_MAX);
		}
		failed += nic_poll(nic) == NIC_FAILED;
		harness_close(nic);
	}
	tap_case(failed > 300 && !test_arena_used(), "random_lies", "%u of 400 failed, arena %zu",
		 failed, test_arena_used());
}

int main(void)
{
	size_t i, heap;
	int err;

	harness_start(64 << 20, 32 << 20);
	harness_close(harness_open(H_FEATURES, 1, H_RING, &err));
	heap = nic_heap_used();
	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
		tell(&lies[i]);
	control_lies();
	control_rewritten();
	random_lies();
	tap_case(nic_heap_used() == heap, "no lie leaks private memory", "%zu, was %zu",
		 nic_heap_used(), heap);
	return tap_end();
}
