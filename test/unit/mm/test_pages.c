// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The commit state of pages against a model, over a back end that checks its
 * contract: commit only what is not committed, the rest only what is, zeroed
 * memory, no call for nothing. A million random operations with fixed seeds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_port.h"
#include "enclave/linux/arch/rkt/mm/pages.c"

#define PAGES 512
#define BLOCK 128 /* pages per block of states */
#define BASE 0x2000000000ULL
#define OPS 1000000
#define LIMIT 400

/* What pages.c believes. */
static u8 states[PAGES] __attribute__((aligned(8)));
static bool present[PAGES / BLOCK];
static size_t charged;

/* The back end: truth. */
static bool is_committed[PAGES];
static unsigned int prot_of[PAGES];
static int content[PAGES]; /* 0 = zero */
static bool refuse;
static long calls;
static const char *broken;

/* The model: what the callers expect. */
static bool live[PAGES];
static int expected[PAGES];
static bool pinned[PAGES];
static unsigned int want_prot[PAGES];

static int passed, failed;

static u64 rnd(u64 *s)
{
	*s = *s * 6364136223846793005ULL + 1442695040888963407ULL;
	return *s >> 33;
}

static int index_of(u64 addr)
{
	return (addr - BASE) / RKT_PAGE_SIZE;
}

static u64 addr_of(int i)
{
	return BASE + (u64)i * RKT_PAGE_SIZE;
}

bool page_states_present(u64 addr)
{
	return index_of(addr) < PAGES && present[index_of(addr) / BLOCK];
}

u64 page_states_next(u64 addr, u64 end)
{
	int b = index_of(addr) / BLOCK;

	while (b < PAGES / BLOCK && !present[b])
		b++;
	return addr_of(b * BLOCK);
}

u64 page_states_end(u64 addr)
{
	return addr_of((index_of(addr) / BLOCK + 1) * BLOCK);
}

u8 *page_state(u64 addr)
{
	if (!page_states_present(addr))
		abort();
	return &states[index_of(addr)];
}

bool page_extra_refs(u64 addr)
{
	if (!(*page_state(addr) & PS_STRUCT))
		broken = "looked at a page that has no struct page";
	return pinned[index_of(addr)];
}

int page_states_prepare(u64 start, u64 end)
{
	for (; start < end; start += RKT_PAGE_SIZE)
		present[index_of(start) / BLOCK] = true;
	return 0;
}

void page_struct_init(u64 addr)
{
	pinned[index_of(addr)] = false;
}

int pages_charge(size_t count)
{
	if (charged + count > LIMIT)
		return -12;
	charged += count;
	return 0;
}

void pages_uncharge(size_t count)
{
	charged -= count;
}

void pages_zero(u64 start, u64 end)
{
	for (; start < end; start += RKT_PAGE_SIZE) {
		if (!is_committed[index_of(start)] || !(prot_of[index_of(start)] & MEM_W))
			broken = "cleared a page that is not writable";
		content[index_of(start)] = 0;
	}
}

static void check_call(unsigned long addr, unsigned long size, bool committed)
{
	calls++;
	if (!size || (addr | size) % RKT_PAGE_SIZE)
		broken = "call for nothing or not page aligned";
	for (unsigned long i = 0; i < size / RKT_PAGE_SIZE; i++)
		if (is_committed[index_of(addr) + i] != committed)
			broken = committed ? "call for a page that is not committed"
					   : "commit of a committed page";
}

int tee_mem_commit(unsigned long addr, unsigned long size, unsigned int prot)
{
	check_call(addr, size, false);
	if (refuse)
		return -12;
	for (unsigned long i = index_of(addr); i < index_of(addr + size); i++) {
		is_committed[i] = true;
		content[i] = 0;
		prot_of[i] = prot;
	}
	return 0;
}

int tee_mem_commit_copy(unsigned long addr, unsigned long size, const void *src, unsigned int prot)
{
	int ret = tee_mem_commit(addr, size, prot);

	for (unsigned long i = index_of(addr); !ret && i < index_of(addr + size); i++)
		content[i] = *(const int *)src;
	return ret;
}

int tee_mem_protect(unsigned long addr, unsigned long size, unsigned int prot)
{
	check_call(addr, size, true);
	if (refuse)
		return -12;
	for (unsigned long i = index_of(addr); i < index_of(addr + size); i++)
		prot_of[i] = prot;
	return 0;
}

int tee_mem_trim(unsigned long addr, unsigned long size)
{
	check_call(addr, size, true);
	if (refuse)
		return -12;
	for (unsigned long i = index_of(addr); i < index_of(addr + size); i++)
		is_committed[i] = false;
	return 0;
}

/* ---- the model ---- */

static const unsigned int prots[] = { 0, MEM_R, MEM_R | MEM_W, MEM_R | MEM_X,
				      MEM_R | MEM_W | MEM_X };

static void op_commit(int a, int b, unsigned int prot)
{
	int ret = pages_commit(addr_of(a), addr_of(b), prot);

	for (int i = a; i < b; i++) {
		bool now = (states[i] & (PS_COMMITTED | PS_STALE)) == PS_COMMITTED;

		if (!ret && !now)
			broken = "commit left a page out";
		if (live[i] || !now)
			continue;
		live[i] = true;
		expected[i] = 0;
		want_prot[i] = prot;
	}
}

static void op_copy(int a, int b, unsigned int prot, int value)
{
	for (int i = a; i < b; i++)
		if (live[i])
			return;
	if (pages_commit_copy(addr_of(a), addr_of(b), &value, prot))
		return;
	for (int i = a; i < b; i++) {
		live[i] = true;
		expected[i] = value;
		want_prot[i] = prot;
	}
}

static void op_protect(int a, int b, unsigned int prot)
{
	size_t deferred = 0, count = 0;
	int ret;

	for (int i = a; i < b; i++)
		count += live[i] && pinned[i] && (prot_of[i] & ~prot & 3);
	ret = pages_protect(addr_of(a), addr_of(b), prot, &deferred);
	if (ret)
		return;
	if (deferred < count)
		broken = "took a permission from a pinned page";
	for (int i = a; i < b; i++)
		if (live[i] && !(pinned[i] && (want_prot[i] & ~prot & 3)))
			want_prot[i] = prot;
}

static void unpin(int a, int b)
{
	for (int i = a; i < b; i++)
		pinned[i] = false;
}

static void op_trim(int a, int b)
{
	unpin(a, b);
	pages_trim(addr_of(a), addr_of(b));
	for (int i = a; i < b; i++)
		live[i] = false;
}

static void op_stale(int a, int b)
{
	unpin(a, b);
	pages_mark_stale(addr_of(a), addr_of(b));
	for (int i = a; i < b; i++)
		live[i] = false;
}

static void op_write(int a, int b, int value)
{
	for (int i = a; i < b; i++)
		if (live[i] && (prot_of[i] & MEM_W))
			content[i] = expected[i] = value;
}

static void op_pin(int a, int b)
{
	u64 from = 0, to = 0, want;
	int i;

	for (i = a; i < b; i++)
		if (live[i])
			pinned[i] = true;
	for (i = a; i < b && !(is_committed[i] && pinned[i]); i++)
		;
	want = addr_of(i);
	if (pages_next_pinned(addr_of(a), addr_of(b), &from, &to) != (i < b))
		broken = "pinned pages not found";
	else if (i < b && (from != want || to <= from))
		broken = "wrong pinned pages";
}

static const char *compare(void)
{
	size_t committed = 0, alive = 0;

	for (int i = 0; i < PAGES; i++) {
		committed += is_committed[i];
		alive += live[i];
		if (is_committed[i] != !!(states[i] & PS_COMMITTED))
			return "commit state differs";
		if (!live[i])
			continue;
		if (!is_committed[i])
			return "a live page is not committed";
		if (content[i] != expected[i])
			return "content differs";
		if ((want_prot[i] & ~prot_of[i]))
			return "a page lacks permissions";
		if (!pinned[i] && (states[i] & PS_PROT) != prot_of[i])
			return "permissions differ from what was told";
	}
	if (committed != charged)
		return "charge differs";
	if (pages_committed(addr_of(0), addr_of(PAGES)) != committed ||
	    pages_live(addr_of(0), addr_of(PAGES)) != alive)
		return "counts differ";
	return broken;
}

static void reset(void)
{
	memset(states, 0, sizeof(states));
	memset(present, 0, sizeof(present));
	memset(is_committed, 0, sizeof(is_committed));
	memset(live, 0, sizeof(live));
	memset(pinned, 0, sizeof(pinned));
	charged = 0;
	refuse = false;
	broken = NULL;
}

static const char *run(u64 seed, int ops, bool failing)
{
	const char *why;
	u64 s = seed;

	reset();
	for (int n = 0; n < ops; n++) {
		int a = rnd(&s) % PAGES, b = a + 1 + rnd(&s) % (rnd(&s) % 4 ? 12 : 150);
		unsigned int prot = prots[rnd(&s) % 5];

		b = b > PAGES ? PAGES : b;
		refuse = failing && rnd(&s) % 8 == 0;
		switch (rnd(&s) % 10) {
		case 0:
		case 1:
			op_commit(a, b, prot);
			break;
		case 2:
			op_copy(a, b, prot, n);
			break;
		case 3:
			op_protect(a, b, prot);
			break;
		case 4:
		case 5:
			op_trim(a, b);
			break;
		case 6:
			op_stale(a, b);
			break;
		case 7:
			op_pin(a, b);
			break;
		case 8:
			unpin(a, b);
			break;
		default:
			op_write(a, b, n);
		}
		refuse = false;
		if (broken || n % 64 == 0) {
			why = compare();
			if (why && !(failing && !strcmp(why, "a page lacks permissions")))
				return why;
		}
	}
	return NULL;
}

/* Contiguous work is one call of the back end. */
static const char *batching(void)
{
	size_t deferred = 0;

	reset();
	calls = 0;
	if (pages_commit(addr_of(0), addr_of(64), MEM_R | MEM_W) || calls != 1)
		return "commit took more than one call";
	if (pages_protect(addr_of(8), addr_of(16), MEM_R, &deferred) || calls != 2)
		return "protect took more than one call";
	if (pages_protect(addr_of(0), addr_of(64), 0, &deferred) || calls != 3)
		return "protect over different permissions took more than one call";
	if (pages_protect(addr_of(0), addr_of(64), 0, &deferred) || calls != 3)
		return "protect called for nothing";
	pages_mark_stale(addr_of(0), addr_of(64));
	if (pages_commit(addr_of(0), addr_of(64), MEM_R | MEM_W) || calls != 4)
		return "reuse took more than one call";
	pages_trim(addr_of(0), addr_of(PAGES));
	return calls != 5 ? "trim took more than one call" : broken;
}

static const char *limit(void)
{
	reset();
	if (pages_commit(addr_of(0), addr_of(LIMIT), MEM_R))
		return "refused below the limit";
	if (pages_commit(addr_of(LIMIT), addr_of(LIMIT + 1), MEM_R) != -12)
		return "gave more than the limit";
	if (charged != LIMIT || is_committed[LIMIT])
		return "a refused page was charged or committed";
	return NULL;
}

/* What madvise() does to small pieces needs neither the back end nor memory. */
static const char *clearing_in_place(void)
{
	reset();
	if (pages_commit(addr_of(0), addr_of(LIMIT), MEM_R | MEM_W))
		return "refused below the limit";
	content[7] = content[8] = 1;
	calls = 0;
	refuse = true;
	pages_mark_stale(addr_of(7), addr_of(9));
	if (pages_commit(addr_of(7), addr_of(9), MEM_R | MEM_W) || calls)
		return "asked the back end, or failed";
	return content[7] || content[8] ? "not cleared" : broken;
}

static void result(const char *name, const char *why)
{
	if (why)
		printf("not ok %s: %s\n", name, why);
	else
		printf("ok %s\n", name);
	*(why ? &failed : &passed) += 1;
}

int main(void)
{
	char name[48];

	result("pages batching", batching());
	result("pages limit", limit());
	result("pages cleared in place", clearing_in_place());
	for (u64 seed = 1; seed <= 4; seed++) {
		snprintf(name, sizeof(name), "pages model seed %llu", (unsigned long long)seed);
		result(name, run(seed, OPS / 5, false));
	}
	result("pages model, back end refuses at times", run(99, OPS / 5, true));
	printf("%d passed, %d failed, 0 skipped\n", passed, failed);
	return failed != 0;
}
