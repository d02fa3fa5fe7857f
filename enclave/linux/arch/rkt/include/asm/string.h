/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_STRING_H
#define _ASM_RKT_STRING_H
#define __HAVE_ARCH_MEMCPY
#define __HAVE_ARCH_MEMSET
#define __HAVE_ARCH_MEMMOVE
extern void *memcpy(void *to, const void *from, size_t len);
extern void *__memcpy(void *to, const void *from, size_t len);
extern void *memset(void *s, int c, size_t n);
extern void *__memset(void *s, int c, size_t n);
extern void *memmove(void *dest, const void *src, size_t count);
#endif
