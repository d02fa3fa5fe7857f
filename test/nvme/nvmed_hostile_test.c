// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A TEE that breaks every rule towards nvmed: random commands, registers and
 * doorbells, memory that changes meanwhile. nvmed (a sanitizer build, argv[1])
 * must neither end nor hang: afterwards a proper reset makes it work again.
 * argv[2]: rounds (default 60), argv[3]: seed.
 */
#include "test/lib/tap.h"
#include "test/nvme/host.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define DISK_SIZE (2u << 20)
#define BURST 40u

static struct host h;
static u32 seed = 1;

static u32 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	return seed ^= seed << 5;
}

static u64 rnd64(void)
{
	return (u64)rnd() << 32 | rnd();
}

/* Mostly near the interesting borders: pages, the arena's end, wrap-around. */
static u64 random_iova(void)
{
	switch (rnd() % 8) {
	case 0:
		return rnd64();
	case 1:
		return test_arena.size - rnd() % 8192;
	case 2:
		return 0 - (u64)(rnd() % 16384);
	case 3:
		return rnd() % test_arena.size & ~7u;
	default:
		return h.data.iova + (rnd() % 64) * 4096 + (rnd() % 4 ? 0 : rnd() % 4096);
	}
}

static u32 random_word(void)
{
	switch (rnd() % 4) {
	case 0:
		return rnd();
	case 1:
		return ~0u - rnd() % 4;
	default:
		return rnd() % 300;
	}
}

static void random_sqe(struct nvme_sqe *s, bool admin)
{
	static const u8 io_ops[] = { 0, 1, 2, 8, 9, 0x7f };
	static const u8 admin_ops[] = { 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 0x80 };

	memset(s, 0, sizeof(*s));
	s->opcode = rnd() % 16 == 0 ? rnd()
		    : admin	    ? admin_ops[rnd() % sizeof(admin_ops)]
				    : io_ops[rnd() % sizeof(io_ops)];
	s->flags = rnd() % 8 ? 0 : rnd();
	s->cid = rnd();
	s->nsid = rnd() % 8 ? 1 : random_word();
	s->prp1 = random_iova();
	s->prp2 = random_iova();
	s->cdw10 = random_word();
	s->cdw11 = rnd() % 2 ? 0 : random_word();
	s->cdw12 = random_word();
	if (admin && rnd() % 2) {
		s->cdw10 = (random_word() & 0xffff) << 16 | rnd() % 5;
		s->cdw11 = (rnd() % 4) << 16 | (rnd() % 4 ? 1 : 3);
	}
}

static void doorbell(u32 qid, u32 cq, u32 value)
{
	host_put32(host_addr_add(h.shm.transport.doorbells, (2 * qid + cq) * NVMED_DOORBELL_STRIDE),
		   value);
}

/* Lists of the data area become other ones while commands use them. */
static void scribble(void)
{
	u64 *p = (u64 *)(void *)host_data(&h);

	for (u32 i = 0; i < 64; i++)
		p[rnd() % (64 * 512)] = random_iova();
}

static void attack_queue(u32 qid, u32 *tail, u32 depth, struct host_addr ring)
{
	struct nvme_sqe s;

	for (u32 i = 0; i < rnd() % BURST; i++) {
		random_sqe(&s, qid == 0);
		host_write(host_addr_add(ring, (u64)*tail * NVME_SQE_SIZE), &s, sizeof(s));
		*tail = (*tail + 1) % depth;
	}
	doorbell(qid, 0, rnd() % 64 ? *tail : random_word());
	doorbell(qid, 1, rnd() % 4 ? rnd() % depth : random_word());
	scribble();
}

static void attack_registers(void)
{
	struct nvme_transport *t = &h.shm.transport;

	switch (rnd() % 6) {
	case 0:
		t->wr32(t->ctx, NVME_REG_AQA, random_word() << 16 | (random_word() & 0xffff));
		break;
	case 1:
		t->wr64(t->ctx, NVME_REG_ASQ, random_iova());
		break;
	case 2:
		t->wr64(t->ctx, NVME_REG_ACQ, random_iova());
		break;
	case 3:
		t->wr32(t->ctx, NVME_REG_CSTS, rnd());
		break;
	default:
		t->wr32(t->ctx, NVME_REG_CC, rnd() % 2 ? NVME_CC_EN | 6u << 16 | 4u << 20 : rnd());
	}
}

static bool alive(void)
{
	return waitpid(h.pid, NULL, WNOHANG) == 0;
}

static int recover(void)
{
	struct nvme_completion c;
	int err;

	memset(&h.ctrl.fault, 0, sizeof(h.ctrl.fault));
	h.shm.transport.wr32(&h.shm, NVME_REG_CC, 0);
	nvme_reset_begin(&h.ctrl, host_now_ns());
	while ((err = host_run(&h)) == -EAGAIN)
		for (u32 q = 0; q < HOST_QUEUES; q++)
			while (nvme_reap(&h.queues[q], &c))
				;
	return err;
}

static int round_of_attacks(void)
{
	u32 tails[3] = { h.ctrl.admin.sq_tail, 0, 0 };

	for (u32 i = 0; i < 20; i++) {
		attack_queue(0, &tails[0], NVME_ADMIN_DEPTH, h.ctrl.admin.sq);
		attack_queue(1, &tails[1], HOST_DEPTH, h.queues[0].sq);
		attack_queue(2, &tails[2], HOST_DEPTH, h.queues[1].sq);
		if (rnd() % 16 == 0)
			attack_registers();
		nvmed_link_kick(&h.link);
	}
	return alive() ? recover() : -ESRCH;
}

/* Greetings that are none: nvmed refuses each and takes the next. */
static void test_greetings(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	u8 junk[256];
	int i, err = 0;

	memcpy(a.sun_path, h.socket, sizeof(h.socket));
	for (i = 0; i < 50 && !err; i++) {
		int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

		for (u32 k = 0; k < sizeof(junk); k++)
			junk[k] = rnd();
		if (connect(fd, (struct sockaddr *)&a, sizeof(a)))
			err = -errno;
		else if (send(fd, junk, 1 + rnd() % sizeof(junk), MSG_NOSIGNAL) < 0 &&
			 errno != EPIPE)
			err = -errno;
		close(fd);
	}
	tap_case(!err && alive(), "greetings-of-junk", "error %d", err);
}

int main(int argc, char **argv)
{
	u32 rounds = argc > 2 ? strtoul(argv[2], NULL, 0) : 60, i;
	int err;

	if (argc < 2)
		return 2;
	if (argc > 3)
		seed = strtoul(argv[3], NULL, 0) | 1;
	host_open(&h, argv[1], "/dev/shm");
	host_spawn(&h, "--disk", host_disk(&h, "disk", DISK_SIZE), NULL);
	err = host_up(&h);
	for (i = 0; i < rounds && !err; i++)
		err = round_of_attacks();
	tap_case(!err && alive(), "random-commands", "error %d in round %u, state %d", err, i,
		 h.ctrl.state);
	tap_case(!err && !host_io(&h, 0, NVME_IO_WRITE, 0, 0, 8, 0, false) &&
			 !host_io(&h, 1, NVME_IO_READ, 0, 0, 8, 0, false),
		 "works-afterwards", "status %x", host_last_status());
	host_down(&h);
	test_greetings();
	host_close(&h);
	return tap_end();
}
