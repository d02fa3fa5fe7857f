// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What /proc and getrusage() say of a program's memory. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sys/resource.h>

#include "mm_test.h"

/* Is there a line of /proc/self/maps that begins and ends like this? */
static bool maps_has(const char *begin, const char *end)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[512];
	bool found = false;

	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		found |= !strncmp(line, begin, strlen(begin)) && strlen(line) >= strlen(end) &&
			 !strcmp(line + strlen(line) - strlen(end), end);
	}
	if (f)
		fclose(f);
	return found;
}

static bool maps_names(void)
{
	char *p = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0), begin[64];

	CHECK(p != MAP_FAILED && malloc(100));
	snprintf(begin, sizeof(begin), "%08lx-%08lx rw-s", (long)p, (long)p + PAGE);
	CHECK(maps_has(begin, ""));
	CHECK(sbrk(PAGE) != (void *)-1 && maps_has("", "[heap]") && maps_has("", "[stack]"));
	return !munmap(p, PAGE);
}

/* In KiB, of /proc/self/status; -1 without such a line. */
static long status_of(const char *name)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[512];
	long value = -1;

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)) && line[strlen(name)] == ':')
			value = atol(line + strlen(name) + 1);
	if (f)
		fclose(f);
	return value;
}

static bool statm(long *size, long *resident)
{
	FILE *f = fopen("/proc/self/statm", "r");
	bool ok = f && fscanf(f, "%ld %ld", size, resident) == 2;

	if (f)
		fclose(f);
	return ok;
}

static bool near(long value, long want)
{
	return value > want - want / 8 && value < want + want / 8;
}

/* What ps, top and many programs read. */
static bool memory_counts(void)
{
	long size, resident, size_then, resident_then, rss = status_of("VmRSS");
	long vm = status_of("VmSize"), max_kib;
	struct rusage ru;
	char *p;

	CHECK(rss > 0 && vm > rss && statm(&size, &resident));
	p = map_anon(NULL, 64 * MIB, RW, 0);
	CHECK(p != MAP_FAILED);
	memset(p, 1, 64 * MIB);
	CHECK(near(status_of("VmRSS") - rss, 64 * KIB) && near(status_of("VmSize") - vm, 64 * KIB));
	CHECK(statm(&size_then, &resident_then));
	CHECK(near(size_then - size, 64 * MIB / PAGE));
	CHECK(near(resident_then - resident, 64 * MIB / PAGE));
	CHECK(!munmap(p, 64 * MIB) && statm(&size_then, &resident_then));
	CHECK(size_then < size + 1000 && resident_then < resident + 1000);
	max_kib = rss + 60 * KIB; /* of which there was once so much */
	CHECK(status_of("VmHWM") > max_kib && status_of("VmPeak") > max_kib);
	CHECK(!getrusage(RUSAGE_SELF, &ru) && ru.ru_maxrss > max_kib);
	return true;
}
int main(void)
{
	run_test("maps", maps_names);
	run_test("status, statm, ru_maxrss", memory_counts);
	return finish_tests();
}
