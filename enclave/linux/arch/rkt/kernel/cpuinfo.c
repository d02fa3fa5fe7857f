// SPDX-License-Identifier: GPL-2.0-only
/* /proc/cpuinfo: what CPUID tells programs (cpuid.h), in words. */
#include <linux/cpumask.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include "rkt.h"

extern const char
	*const x86_cap_flags[NCAPINTS * 32]; /* capflags.c, made by the kernel's own script */

static void *c_start(struct seq_file *m, loff_t *pos)
{
	*pos = cpumask_next(*pos - 1, cpu_online_mask);
	return *pos < nr_cpu_ids ? (void *)(*pos + 1) : NULL;
}

static void *c_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return c_start(m, pos);
}

static void c_stop(struct seq_file *m, void *v)
{
}

/* Family and model of CPUID.1:EAX (SDM vol. 2A, figure 3-6). */
static void show_model(struct seq_file *m)
{
	u32 version = rkt_cpuid(1, 0).r[CPUID_EAX], family = version >> 8 & 0xf;
	u32 model = version >> 4 & 0xf;

	if (family == 6 || family == 0xf)
		model |= version >> 12 & 0xf0;
	if (family == 0xf)
		family += version >> 20 & 0xff;
	seq_printf(m, "cpu family\t: %u\nmodel\t\t: %u\n", family, model);
}

static void show_names(struct seq_file *m)
{
	struct cpuid_regs r = rkt_cpuid(0, 0), part;
	u32 vendor[4] = { r.r[CPUID_EBX], r.r[CPUID_EDX], r.r[CPUID_ECX], 0 };
	char name[3 * sizeof(part) + 1] = { 0 };
	int i;

	seq_printf(m, "vendor_id\t: %s\n", vendor[0] ? (char *)vendor : "unknown");
	show_model(m);
	for (i = 0; i < 3; i++) {
		part = rkt_cpuid(0x80000002 + i, 0);
		memcpy(name + i * sizeof(part), &part, sizeof(part));
	}
	seq_printf(m, "model name\t: %s\n", *name ? strim(name) : "unknown");
	seq_printf(m, "stepping\t: %u\n", rkt_cpuid(1, 0).r[CPUID_EAX] & 0xf);
}

static void show_flags(struct seq_file *m)
{
	int i;

	seq_puts(m, "flags\t\t:");
	for (i = 0; i < NCAPINTS * 32; i++)
		if (boot_cpu_has(i) && x86_cap_flags[i])
			seq_printf(m, " %s", x86_cap_flags[i]);
	seq_putc(m, '\n');
}

static int c_show(struct seq_file *m, void *v)
{
	unsigned long cpu = (unsigned long)v - 1;

	seq_printf(m, "processor\t: %lu\n", cpu);
	show_names(m);
	seq_printf(m, "cpu MHz\t\t: %llu.%03llu\n", rkt_machine.tsc_khz / 1000,
		   rkt_machine.tsc_khz % 1000);
	seq_printf(m,
		   "cache size\t: 16384 KB\nphysical id\t: 0\nsiblings\t: %u\n"
		   "core id\t\t: %lu\ncpu cores\t: %u\napicid\t\t: %lu\nfpu\t\t: yes\n"
		   "cpuid level\t: %u\n",
		   num_online_cpus(), cpu, num_online_cpus(), cpu, rkt_cpuid(0, 0).r[CPUID_EAX]);
	show_flags(m);
	seq_puts(m, "clflush size\t: 64\ncache_alignment\t: 64\n"
		    "address sizes\t: 46 bits physical, 48 bits virtual\n\n");
	return 0;
}

const struct seq_operations cpuinfo_op = {
	.start = c_start,
	.next = c_next,
	.stop = c_stop,
	.show = c_show,
};
