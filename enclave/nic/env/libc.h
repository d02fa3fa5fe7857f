/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The part of libc that the DPDK files of this build use, with C's meanings
 * unless libc.c says otherwise. Called by DPDK only, after renaming.
 */
#ifndef NIC_ENV_LIBC_H
#define NIC_ENV_LIBC_H

#include <stdarg.h>

#include "enclave/nic/env/env.h"

extern void *nic_env_stderr;

int *nic_env___errno_location(void);
int nic_env___isoc99_sscanf(const char *s, const char *fmt, ...);
char *nic_env_strerror_r(int err, char *buf, size_t size);
void *nic_env_calloc(size_t count, size_t size);
int nic_env_fclose(void *file);
void *nic_env_fmemopen(void *buf, size_t size, const char *mode);
int nic_env_fprintf(void *file, const char *fmt, ...);
void nic_env_free(void *p);
size_t nic_env_fwrite(const void *p, size_t size, size_t count, void *file);
int nic_env_isblank(int c);
int nic_env_isdigit(int c);
int nic_env_isspace(int c);
void *nic_env_malloc(size_t size);
int nic_env_pthread_mutex_destroy(void *mutex);
int nic_env_pthread_mutex_init(void *mutex, const void *attr);
int nic_env_snprintf(char *buf, size_t size, const char *fmt, ...);
char *nic_env_strchr(const char *s, int c);
int nic_env_strcmp(const char *a, const char *b);
char *nic_env_strcpy(char *dst, const char *src);
size_t nic_env_strcspn(const char *s, const char *reject);
char *nic_env_strdup(const char *s);
size_t nic_env_strlen(const char *s);
int nic_env_strncmp(const char *a, const char *b, size_t n);
size_t nic_env_strnlen(const char *s, size_t max);
long nic_env_strtol(const char *s, char **end, int base);
unsigned long nic_env_strtoul(const char *s, char **end, int base);
unsigned long long nic_env_strtoull(const char *s, char **end, int base);
int nic_env_vsnprintf(char *buf, size_t size, const char *fmt, va_list args);

#endif
