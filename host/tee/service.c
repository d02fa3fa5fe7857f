// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The service thread: console rings of the control window (abi/control.h). */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "host/tee/tee.h"

#define SEEN_SIZE 4096 /* more than the kernel's log has records */
#define LAST_LINES 30

/* What the kernel sends again when it panics: the last messages that were not shown before. */
struct last_words {
	u32 shown[SEEN_SIZE]; /* by sequence number: that + 1, if it was shown */
	u64 newest; /* the highest sequence number so far + 1 */
	u32 count; /* lines ever kept */
	char line[LAST_LINES][512];
};

struct service {
	struct tee_vm *vm;
	struct last_words last;
	u32 tail[STREAM_COUNT]; /* ours of the output rings */
	u32 in_head;
	bool in_eof;
	bool blocked[STREAM_COUNT]; /* the descriptor takes nothing now */
	char line[2048];
	size_t line_size;
};

/* Bytes that the TEE has put; nonsense counts as none. */
static u32 pending(const struct service *s, enum control_stream stream)
{
	u32 head = __atomic_load_n(&s->vm->console->ring[stream].head, __ATOMIC_ACQUIRE);
	u32 n = head - s->tail[stream];

	return n <= CONSOLE_RING_SIZE ? n : 0;
}

static void consumed(struct service *s, enum control_stream stream, u32 n)
{
	s->tail[stream] += n;
	__atomic_store_n(&s->vm->console->ring[stream].tail, s->tail[stream], __ATOMIC_RELEASE);
}

/*
 * Why a TEE stopped is the launcher's error line; a trace that was asked for is always shown; that
 * the TEE ended is no emergency.
 */
static int note_line(struct service *s, const char *text, int level)
{
	static const char panic[] = "Kernel panic - not syncing: ", strace[] = "strace: ";
	static const char restart[] = "reboot: Restarting system";

	const char *at = strstr(text, panic);

	if (at)
		snprintf(s->vm->panic, sizeof(s->vm->panic), "%s", at + sizeof(panic) - 1);
	if (s->vm->cfg->strace && strstr(text, strace))
		return 3;
	return strncmp(text, restart, sizeof(restart) - 1) ? level : 6;
}

/* Return: whether this is a message that came before. If it was not shown then it is kept. */
static bool sent_again(struct service *s, u64 seq, const char *line)
{
	struct last_words *l = &s->last;

	if (seq >= l->newest) {
		l->newest = seq + 1;
		return false;
	}
	if (l->shown[seq % SEEN_SIZE] != (u32)seq + 1)
		snprintf(l->line[l->count++ % LAST_LINES], sizeof(l->line[0]), "%.511s", line);
	return true;
}

static void show_last_words(struct service *s)
{
	static const char title[] = "the last messages that --log kept back:";
	struct last_words *l = &s->last;
	u32 i = l->count > LAST_LINES ? l->count - LAST_LINES : 0;

	if (!l->count)
		return;
	launcher_log(s->vm->l, 0, title, sizeof(title) - 1);
	for (; i < l->count; i++) {
		const char *line = l->line[i % LAST_LINES];

		launcher_log(s->vm->l, 0, line, strlen(line));
	}
}

/* "LEVEL,SEQUENCE,TIME,FLAGS;TEXT": the kernel's extended console format. */
static void log_line(struct service *s)
{
	char *text = memchr(s->line, ';', s->line_size);
	int level = atoi(s->line) & 7;
	unsigned long long seq = 0;
	double us = 0;
	char out[2200];
	int n;

	if (s->line[0] == ' ')
		return; /* a dictionary line */
	if (!text) {
		launcher_log(s->vm->l, note_line(s, s->line, 4), s->line, s->line_size);
		return;
	}
	sscanf(s->line, "%*[^,],%llu,%lf", &seq, &us);
	text++;
	n = snprintf(out, sizeof(out), "[%5.6f] %.*s", us / 1e6,
		     (int)(s->line_size - (text - s->line)), text);
	if (n >= (int)sizeof(out))
		n = sizeof(out) - 1;
	if (sent_again(s, seq, out))
		return;
	if (launcher_log(s->vm->l, note_line(s, text, level), out, n))
		s->last.shown[seq % SEEN_SIZE] = seq + 1;
}

static void drain_log(struct service *s)
{
	u32 n = pending(s, STREAM_LOG), i;

	for (i = 0; i < n; i++) {
		char c = s->vm->console->ring[STREAM_LOG]
				 .data[(s->tail[STREAM_LOG] + i) % CONSOLE_RING_SIZE];

		if (c != '\n' && s->line_size < sizeof(s->line) - 1) {
			s->line[s->line_size++] = c;
			continue;
		}
		s->line[s->line_size] = 0;
		log_line(s);
		s->line_size = 0;
	}
	consumed(s, STREAM_LOG, n);
}

static void drain_output(struct service *s, enum control_stream stream, enum console_stream to)
{
	s->blocked[stream] = false;
	for (;;) {
		u32 n = pending(s, stream), at = s->tail[stream] % CONSOLE_RING_SIZE;
		ssize_t done;

		if (n > CONSOLE_RING_SIZE - at)
			n = CONSOLE_RING_SIZE - at;
		if (!n)
			return;
		done = console_write(&s->vm->l->console, to, s->vm->console->ring[stream].data + at,
				     n);
		if (done == -EAGAIN) {
			s->blocked[stream] = true;
			return;
		}
		if (done < 0)
			__atomic_fetch_or(&s->vm->console->flags,
					  stream == STREAM_ERR ? CONSOLE_FLAG_ERR_GONE
							       : CONSOLE_FLAG_OUT_GONE,
					  __ATOMIC_RELEASE);
		consumed(s, stream, done < 0 ? n : done);
	}
}

static void wake_vcpu0(struct tee_vm *vm)
{
	eventfd_write(vm->vcpus[0]->wake_fd, 1);
}

static u32 input_room(const struct service *s)
{
	u32 used = s->in_head -
		   __atomic_load_n(&s->vm->console->ring[STREAM_IN].tail, __ATOMIC_ACQUIRE);

	return used <= CONSOLE_RING_SIZE ? CONSOLE_RING_SIZE - used : 0;
}

static void fill_input(struct service *s)
{
	struct control_ring *r = &s->vm->console->ring[STREAM_IN];
	u32 at = s->in_head % CONSOLE_RING_SIZE, room = input_room(s);
	ssize_t n;

	if (room > CONSOLE_RING_SIZE - at)
		room = CONSOLE_RING_SIZE - at;
	n = console_read(&s->vm->l->console, r->data + at, room);
	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		s->in_eof = true;
		__atomic_fetch_or(&s->vm->console->flags, CONSOLE_FLAG_EOF, __ATOMIC_RELEASE);
	} else {
		s->in_head += n;
		__atomic_store_n(&r->head, s->in_head, __ATOMIC_RELEASE);
	}
	wake_vcpu0(s->vm);
}

static void drain(struct service *s)
{
	drain_log(s);
	drain_output(s, STREAM_OUT, CONSOLE_OUT);
	drain_output(s, STREAM_ERR, CONSOLE_ERR);
}

static int poll_set(struct service *s, struct pollfd *p)
{
	int n = 0;

	p[n++] = (struct pollfd){ .fd = s->vm->service_fd, .events = POLLIN };
	if (!s->in_eof && input_room(s) && console_poll_fd(&s->vm->l->console) >= 0)
		p[n++] = (struct pollfd){ .fd = console_poll_fd(&s->vm->l->console),
					  .events = POLLIN };
	if (s->blocked[STREAM_OUT])
		p[n++] = (struct pollfd){ .fd = console_write_fd(CONSOLE_OUT), .events = POLLOUT };
	if (s->blocked[STREAM_ERR])
		p[n++] = (struct pollfd){ .fd = console_write_fd(CONSOLE_ERR), .events = POLLOUT };
	return n;
}

static void *service_main(void *arg)
{
	struct service *s = arg;
	struct tee_vm *vm = s->vm;
	struct pollfd p[4];
	eventfd_t value;
	int n;

	while (!atomic_load(&vm->stop)) {
		/* publish that we sleep, full barrier, look once more, sleep */
		__atomic_store_n(&vm->console->service_sleeps, 1, __ATOMIC_SEQ_CST);
		drain(s);
		n = poll_set(s, p);
		poll(p, n, -1);
		__atomic_store_n(&vm->console->service_sleeps, 0, __ATOMIC_RELAXED);
		eventfd_read(vm->service_fd, &value);
		if (!s->in_eof && input_room(s) && console_poll_fd(&vm->l->console) >= 0)
			fill_input(s);
	}
	drain(s);
	show_last_words(s);
	free(s);
	return NULL;
}

int tee_service_start(struct tee_vm *vm)
{
	struct service *s = calloc(1, sizeof(*s));
	int ret;

	if (!s)
		return -ENOMEM;
	s->vm = vm;
	ret = -pthread_create(&vm->service_thread, NULL, service_main, s);
	if (ret)
		free(s);
	return ret;
}

/* After the vCPUs have ended: what they still wrote is shown. */
void tee_service_stop(struct tee_vm *vm)
{
	eventfd_write(vm->service_fd, 1);
	pthread_join(vm->service_thread, NULL);
}
