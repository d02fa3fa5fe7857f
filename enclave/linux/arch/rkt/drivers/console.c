// SPDX-License-Identifier: GPL-2.0-only
/*
 * The console (abi/control.h): byte rings in the control window. Kernel messages go to
 * one, the program's standard streams to others: a tty (hvc0) for terminals, and
 * plain character devices (/dev/rktin, rktout, rkterr) when stdin is none.
 *
 * What comes in is bytes from the host, to be believed as much as a keyboard.
 */
#include <linux/console.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/miscdevice.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/tty.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <asm/console.h>
#include "enclave/boundary/check.h"
#include "enclave/boundary/host_mem.h"
#include "../kernel/rkt.h"
#include "../../../drivers/tty/hvc/hvc_console.h"

#define FIELD(name) host_addr_add(console.base, offsetof(struct control_console, name))

/* Our index of each ring is private; the host's is fetched and checked at each use. */
struct stream {
	spinlock_t lock;
	u32 index;
	bool failed;
};

static struct {
	struct host_addr base;
	struct stream stream[STREAM_COUNT];
	wait_queue_head_t wait; /* readers, and writers that found a ring full */
	u32 signals_seq;
	struct hvc_struct *hvc;
	u32 winsize;
} console;

static struct host_addr ring_addr(enum control_stream s, size_t offset)
{
	return host_addr_add(console.base, offsetof(struct control_console, ring) +
						   s * sizeof(struct control_ring) + offset);
}

/* Free bytes of an output ring; 0 for ever after the host lied about it. */
static u32 ring_room(enum control_stream s)
{
	struct stream *st = &console.stream[s];
	u32 used = st->index - host_get32(ring_addr(s, offsetof(struct control_ring, tail)));

	if (st->failed)
		return 0;
	if (!CHECK_HOST(used <= CONSOLE_RING_SIZE)) {
		st->failed = true;
		return 0;
	}
	return CONSOLE_RING_SIZE - used;
}

static u32 ring_pending(enum control_stream s)
{
	struct stream *st = &console.stream[s];
	u32 pending = host_get32(ring_addr(s, offsetof(struct control_ring, head))) - st->index;

	if (st->failed)
		return 0;
	if (!CHECK_HOST(pending <= CONSOLE_RING_SIZE)) {
		st->failed = true;
		return 0;
	}
	return pending;
}

static void kick_service(void)
{
	host_mb(); /* the ring's index before the host's "I sleep" */
	if (host_get32(FIELD(service_sleeps)))
		rkt_exit(TEE_EXIT_SERVICE, 0, 0, 0, 0);
}

/* Appends what fits. Return: bytes taken. Context: any. */
static u32 ring_write(enum control_stream s, const u8 *data, u32 size)
{
	struct stream *st = &console.stream[s];
	unsigned long flags;
	u32 n, first;

	spin_lock_irqsave(&st->lock, flags);
	n = min(size, ring_room(s));
	first = min(n, CONSOLE_RING_SIZE - st->index % CONSOLE_RING_SIZE);
	host_write(
		ring_addr(s, offsetof(struct control_ring, data) + st->index % CONSOLE_RING_SIZE),
		data, first);
	host_write(ring_addr(s, offsetof(struct control_ring, data)), data + first, n - first);
	st->index += n;
	host_wmb(); /* bytes before the index that covers them */
	host_put32(ring_addr(s, offsetof(struct control_ring, head)), st->index);
	spin_unlock_irqrestore(&st->lock, flags);
	if (n)
		kick_service();
	return n;
}

static u32 ring_read(enum control_stream s, u8 *data, u32 size)
{
	struct stream *st = &console.stream[s];
	unsigned long flags;
	u32 n, first;

	spin_lock_irqsave(&st->lock, flags);
	n = min(size, ring_pending(s));
	host_rmb(); /* the index before the bytes it covers */
	first = min(n, CONSOLE_RING_SIZE - st->index % CONSOLE_RING_SIZE);
	host_read(data,
		  ring_addr(s, offsetof(struct control_ring, data) + st->index % CONSOLE_RING_SIZE),
		  first);
	host_read(data + first, ring_addr(s, offsetof(struct control_ring, data)), n - first);
	st->index += n;
	host_put32(ring_addr(s, offsetof(struct control_ring, tail)), st->index);
	spin_unlock_irqrestore(&st->lock, flags);
	if (n)
		kick_service();
	return n;
}

/* Everything, waiting for the host as long as it takes (bounded: it may be hostile). */
static void write_all(enum control_stream s, const u8 *data, u32 size)
{
	int tries = 10000;

	while (size && tries--) {
		u32 n = ring_write(s, data, size);

		data += n;
		size -= n;
		if (size)
			rkt_exit(TEE_EXIT_YIELD, 0, 0, 0, 0);
	}
}

static void log_write(struct console *c, const char *text, unsigned int size)
{
	write_all(STREAM_LOG, text, size);
}

static struct console log_console = {
	.name = "rktlog",
	.write = log_write,
	.index = -1,
	.flags = CON_PRINTBUFFER | CON_ENABLED | CON_ANYTIME | CON_EXTENDED,
};

static bool input_ready(void)
{
	return ring_pending(STREAM_IN) || (host_get32(FIELD(flags)) & CONSOLE_FLAG_EOF);
}

static ssize_t in_read(struct file *file, char __user *to, size_t size, loff_t *pos)
{
	u8 buf[256];
	int err;
	u32 n;

	if (!size)
		return 0;
	for (;;) {
		n = ring_read(STREAM_IN, buf, min(size, sizeof(buf)));
		if (n)
			return copy_to_user(to, buf, n) ? -EFAULT : n;
		if (input_ready()) {
			if (ring_pending(STREAM_IN))
				continue;
			return 0;
		}
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(console.wait, input_ready());
		if (err)
			return err;
	}
}

static enum control_stream out_stream(struct file *file)
{
	return (enum control_stream)(unsigned long)file->private_data;
}

/* The host's word: a liar ends programs that write, as it may by other means. */
static bool reader_gone(enum control_stream s)
{
	u32 gone = s == STREAM_ERR ? CONSOLE_FLAG_ERR_GONE : CONSOLE_FLAG_OUT_GONE;

	return host_get32(FIELD(flags)) & gone;
}

static ssize_t broken_pipe(size_t done)
{
	if (done)
		return done;
	send_sig(SIGPIPE, current, 0);
	return -EPIPE;
}

static ssize_t out_write(struct file *file, const char __user *from, size_t size, loff_t *pos)
{
	enum control_stream s = out_stream(file);
	u8 buf[1024];
	size_t done = 0;
	u32 n, chunk;

	while (done < size) {
		if (reader_gone(s))
			return broken_pipe(done);
		chunk = min(size - done, sizeof(buf));
		if (copy_from_user(buf, from + done, chunk))
			return done ?: -EFAULT;
		n = ring_write(s, buf, chunk);
		done += n;
		if (n == chunk)
			continue;
		if (console.stream[s].failed)
			return -EIO;
		if (file->f_flags & O_NONBLOCK)
			return done ?: -EAGAIN;
		/* The host reads at its own pace and tells nobody: look again soon. */
		schedule_timeout_interruptible(1);
		if (signal_pending(current))
			return done ?: -ERESTARTSYS;
	}
	return done;
}

static __poll_t in_poll(struct file *file, poll_table *table)
{
	poll_wait(file, &console.wait, table);
	return input_ready() ? EPOLLIN | EPOLLRDNORM : 0;
}

static __poll_t out_poll(struct file *file, poll_table *table)
{
	poll_wait(file, &console.wait, table);
	if (reader_gone(out_stream(file)))
		return EPOLLOUT | EPOLLWRNORM | EPOLLERR;
	return ring_room(out_stream(file)) ? EPOLLOUT | EPOLLWRNORM : 0;
}

static int out_open(struct inode *inode, struct file *file)
{
	file->private_data = (void *)STREAM_OUT;
	return stream_open(inode, file);
}

static int err_open(struct inode *inode, struct file *file)
{
	file->private_data = (void *)STREAM_ERR;
	return stream_open(inode, file);
}

static const struct file_operations in_fops = {
	.read = in_read,
	.poll = in_poll,
	.open = stream_open,
};
static const struct file_operations out_fops = {
	.write = out_write,
	.poll = out_poll,
	.open = out_open,
};
static const struct file_operations err_fops = {
	.write = out_write,
	.poll = out_poll,
	.open = err_open,
};

static struct miscdevice devices[] = {
	{ .minor = MISC_DYNAMIC_MINOR, .name = "rktin", .fops = &in_fops, .mode = 0666 },
	{ .minor = MISC_DYNAMIC_MINOR, .name = "rktout", .fops = &out_fops, .mode = 0666 },
	{ .minor = MISC_DYNAMIC_MINOR, .name = "rkterr", .fops = &err_fops, .mode = 0666 },
};

static ssize_t hvc_get(uint32_t vtermno, u8 *buf, size_t size)
{
	return ring_read(STREAM_IN, buf, size) ?: -EAGAIN;
}

static ssize_t hvc_put(uint32_t vtermno, const u8 *buf, size_t size)
{
	return ring_write(STREAM_OUT, buf, size) ?: -EAGAIN;
}

/* Return: whether the size has changed. */
static bool new_winsize(struct winsize *ws)
{
	u32 winsize = host_get32(FIELD(winsize));

	if (winsize == console.winsize)
		return false;
	console.winsize = winsize;
	*ws = (struct winsize){ .ws_col = winsize >> 16, .ws_row = winsize & 0xffff };
	return true;
}

static void update_winsize(void)
{
	struct winsize ws;

	if (new_winsize(&ws))
		__hvc_resize(console.hvc, ws);
}

/* First open: there was no tty to resize before. */
static int hvc_opened(struct hvc_struct *hp, int data)
{
	struct tty_struct *tty = tty_port_tty_get(&hp->port);
	struct winsize ws;

	console.winsize = 0;
	if (tty && new_winsize(&ws))
		tty_do_resize(tty, &ws);
	tty_kref_put(tty);
	return 0;
}

static const struct hv_ops hvc_ops = {
	.get_chars = hvc_get,
	.put_chars = hvc_put,
	.notifier_add = hvc_opened,
};

/*
 * Our init blocks all signals from its first instruction and takes them when it can. Sent
 * before that they would be lost, as an init's default action is to ignore them.
 */
static bool init_takes_signals(void)
{
	struct task_struct *init;
	bool takes;

	rcu_read_lock();
	init = cad_pid ? pid_task(cad_pid, PIDTYPE_PID) : NULL;
	takes = init &&
		(sigismember(&init->blocked, SIGTERM) || sigismember(&init->real_blocked, SIGTERM));
	rcu_read_unlock();
	return takes;
}

/* Signals that the launcher got and passes on: to init, which forwards them. */
static void pass_signals(void)
{
	u32 seq = host_get32(FIELD(signals_seq));
	u32 set, sig;

	if (seq == console.signals_seq || !init_takes_signals())
		return;
	console.signals_seq = seq;
	host_rmb(); /* the sequence before the set it announces */
	set = host_get32(FIELD(signals));
	for (sig = 1; sig < 32; sig++)
		if ((set & (1u << sig)) && (BIT(sig) & RKT_CONSOLE_SIGNALS))
			kill_cad_pid(sig, 1);
}

/* Is there something for rkt_console_poll()? Context: any, the idle loop too. */
bool rkt_console_pending(void)
{
	if (!console.base.va)
		return false;
	if (console.hvc &&
	    (host_get32(FIELD(winsize)) != console.winsize || ring_pending(STREAM_IN)))
		return true;
	return host_get32(FIELD(signals_seq)) != console.signals_seq ||
	       (waitqueue_active(&console.wait) && input_ready());
}

/**
 * rkt_console_poll - look for input, a new window size and signals
 *
 * Context: vCPU 0 where RCU watches: not in the idle loop. Does not sleep.
 */
void rkt_console_poll(void)
{
	if (!console.base.va)
		return;
	if (console.hvc) {
		update_winsize();
		if (ring_pending(STREAM_IN))
			hvc_kick();
	}
	pass_signals();
	if (waitqueue_active(&console.wait) && input_ready())
		wake_up_interruptible(&console.wait);
}

static int __init console_devices(void)
{
	int i, err;

	for (i = 0; i < ARRAY_SIZE(devices); i++) {
		err = misc_register(&devices[i]);
		if (err)
			return err;
	}
	if (!(host_get32(FIELD(flags)) & CONSOLE_FLAG_TTY))
		return 0;
	console.hvc = hvc_alloc(0, 0, &hvc_ops, 256);
	if (IS_ERR(console.hvc)) {
		err = PTR_ERR(console.hvc);
		console.hvc = NULL;
		return err;
	}
	return 0;
}
device_initcall(console_devices);

void __init rkt_console_init(void)
{
	int i;

	console.base.va =
		(u64)rkt_control_at(rkt_control.console_offset, sizeof(struct control_console));
	for (i = 0; i < STREAM_COUNT; i++)
		spin_lock_init(&console.stream[i].lock);
	init_waitqueue_head(&console.wait);
	register_console(&log_console);
	/* /dev/console of the first program; and no second copy of the messages on the tty */
	add_preferred_console("ttynull", 0, NULL);
}
