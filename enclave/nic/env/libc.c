// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The libc that DPDK sees: its calls are renamed to nic_env_* when it is linked
 * (enclave/nic/dpdk/redefine.txt), so nothing here meets the kernel's or a test
 * program's functions of the same names.
 */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>

#include "abi/layout.h"
#include "enclave/boundary/check.h"
#include "enclave/nic/env/libc.h"

static int env_errno[TEE_VCPU_MAX];
void *nic_env_stderr;

int *nic_env___errno_location(void)
{
	return &env_errno[nic_env_cpu()];
}

void nic_env_trap(const char *what)
{
	nic_env_log(3, what);
	boundary_bug(what, "enclave/nic/env", 0);
}

void *nic_env_malloc(size_t size)
{
	return nic_heap_alloc(size, 0);
}

void *nic_env_calloc(size_t count, size_t size)
{
	size_t total;
	void *p;

	if (__builtin_mul_overflow(count, size, &total))
		return NULL;
	p = nic_heap_alloc(total, 0);
	if (p)
		memset(p, 0, total);
	return p;
}

void nic_env_free(void *p)
{
	nic_heap_free(p);
}

char *nic_env_strdup(const char *s)
{
	size_t size = nic_env_strlen(s) + 1;
	char *p = nic_heap_alloc(size, 0);

	if (p)
		memcpy(p, s, size);
	return p;
}

size_t nic_env_strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
}

size_t nic_env_strlen(const char *s)
{
	return nic_env_strnlen(s, SIZE_MAX);
}

int nic_env_strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++) {
		if (*a != *b)
			return (unsigned char)*a - (unsigned char)*b;
		if (!*a)
			break;
	}
	return 0;
}

int nic_env_strcmp(const char *a, const char *b)
{
	return nic_env_strncmp(a, b, SIZE_MAX);
}

char *nic_env_strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)s;
		if (!*s)
			return NULL;
	}
}

size_t nic_env_strcspn(const char *s, const char *reject)
{
	size_t n = 0;

	while (s[n] && !nic_env_strchr(reject, s[n]))
		n++;
	return n;
}

char *nic_env_strcpy(char *dst, const char *src)
{
	memcpy(dst, src, nic_env_strlen(src) + 1);
	return dst;
}

int nic_env_isdigit(int c)
{
	return c >= '0' && c <= '9';
}

int nic_env_isspace(int c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

int nic_env_isblank(int c)
{
	return c == ' ' || c == '\t';
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 10;
	return INT_MAX;
}

static int number_base(const char **s, int base)
{
	bool hex = (*s)[0] == '0' && ((*s)[1] | 0x20) == 'x' && digit_value((*s)[2]) < 16;

	if (hex && (base == 0 || base == 16)) {
		*s += 2;
		return 16;
	}
	if (base)
		return base;
	return **s == '0' ? 8 : 10;
}

unsigned long nic_env_strtoul(const char *s, char **end, int base)
{
	const char *start = s;
	unsigned long v = 0;
	bool negative = false, any = false, over = false;

	while (nic_env_isspace(*s))
		s++;
	if (*s == '-' || *s == '+')
		negative = *s++ == '-';
	base = number_base(&s, base);
	for (; digit_value(*s) < base; s++) {
		any = true;
		over |= __builtin_mul_overflow(v, (unsigned long)base, &v);
		over |= __builtin_add_overflow(v, (unsigned long)digit_value(*s), &v);
	}
	if (end)
		*end = (char *)(any ? s : start);
	if (over) {
		*nic_env___errno_location() = ERANGE;
		return ULONG_MAX;
	}
	return negative ? -v : v;
}

unsigned long long nic_env_strtoull(const char *s, char **end, int base)
{
	return nic_env_strtoul(s, end, base);
}

/* Range errors of the signed kind don't occur: only small numbers are parsed with it. */
long nic_env_strtol(const char *s, char **end, int base)
{
	return (long)nic_env_strtoul(s, end, base);
}

int nic_env_vsnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
	return vsnprintf(buf, size, fmt, args);
}

int nic_env_snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(buf, size, fmt, args);
	va_end(args);
	return n;
}

/* Returns what means success under either of the two types that headers give it. */
char *nic_env_strerror_r(int err, char *buf, size_t size)
{
	nic_env_snprintf(buf, size, "error %d", err);
	return NULL;
}

/* The dumps of DPDK write to a FILE, and there is none. */
int nic_env_fprintf(void *file, const char *fmt, ...)
{
	nic_env_trap("fprintf");
}

size_t nic_env_fwrite(const void *p, size_t size, size_t count, void *file)
{
	nic_env_trap("fwrite");
}

void *nic_env_fmemopen(void *buf, size_t size, const char *mode)
{
	return NULL;
}

int nic_env_fclose(void *file)
{
	nic_env_trap("fclose");
}

/* Used for one device argument that this environment never passes: no match. */
int nic_env___isoc99_sscanf(const char *s, const char *fmt, ...)
{
	return 0;
}

/* One vCPU at a time brings a NIC up (nic.h), so these locks guard nothing. */
int nic_env_pthread_mutex_init(void *mutex, const void *attr)
{
	return 0;
}

int nic_env_pthread_mutex_destroy(void *mutex)
{
	return 0;
}
