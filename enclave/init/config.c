// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "enclave/init/config.h"
#include "enclave/init/value.h"
#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_SIZE 63
#define INTERFACE_MAX_SIZE 15

int config_fail(struct init_config *c, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(c->why, sizeof(c->why), format, args);
	va_end(args);
	value_printable(c->why);
	return err;
}

void config_init(struct init_config *c)
{
	memset(c, 0, sizeof(*c));
	c->hostname = "rktio";
	c->root.name = "root";
	c->root.fs = "ext4";
	c->root_overlay_size = "50%";
	c->cwd = "/";
}

const struct blob_config *config_blob(const struct init_config *c, const char *name)
{
	for (u32 i = 0; i < c->blob_count; i++)
		if (!strcmp(c->blob[i].name, name))
			return &c->blob[i];
	return NULL;
}

/*
 * The setters of single keys: value is unescaped. They return 0 or a negative
 * errno; the caller writes why from the key if they did not.
 */

static int set_source(struct init_config *c, struct source *s, const char *value)
{
	struct source v = { 0 };

	if (!strncmp(value, "file:", 5) && value_is_path(value + 5))
		v.file = value + 5;
	else if (!strncmp(value, "blob:", 5) && value_is_name(value + 5, NAME_MAX_SIZE))
		v.blob = value + 5;
	else
		return -EINVAL;
	*s = v;
	return 0;
}

static int set_key(struct init_config *c, struct disk_config *d, const char *value)
{
	if (!strcmp(value, "prompt")) {
		d->key = (struct source){ .prompt = true };
		return 0;
	}
	if (!strcmp(value, "none")) {
		d->key = (struct source){ 0 };
		return 0;
	}
	return set_source(c, &d->key, value);
}

static int set_flag(bool *flag, const char *value)
{
	if (strcmp(value, "0") && strcmp(value, "1"))
		return -EINVAL;
	*flag = *value == '1';
	return 0;
}

static int set_fs(struct disk_config *d, const char *value)
{
	if (!value_is_name(value, NAME_MAX_SIZE))
		return -EINVAL;
	d->fs = value;
	return 0;
}

static int set_disk(struct init_config *c, struct disk_config *d, const char *key,
		    const char *value)
{
	if (!key) {
		if (!value_is_name(value, NAME_MAX_SIZE))
			return -EINVAL;
		d->device = value;
		return 0;
	}
	if (!strcmp(key, "fs"))
		return set_fs(d, value);
	if (!strcmp(key, "key"))
		return set_key(c, d, value);
	if (!strcmp(key, "ro"))
		return set_flag(&d->ro, value);
	if (!strcmp(key, "mount") && value_is_path(value) && value[1]) {
		d->mount = value;
		return 0;
	}
	if (!strcmp(key, "mkfs")) {
		d->mkfs = !strcmp(value, "empty") ? MKFS_EMPTY : MKFS_NEVER;
		return d->mkfs == MKFS_EMPTY || !strcmp(value, "never") ? 0 : -EINVAL;
	}
	return -ENOENT;
}

static int set_root(struct init_config *c, const char *key, const char *value)
{
	static const char *const modes[] = { "overlay", "ro", "rw" };

	if (!key && !strcmp(value, "none")) {
		c->root.device = NULL;
		return 0;
	}
	if (!key || !strcmp(key, "fs") || !strcmp(key, "key"))
		return set_disk(c, &c->root, key, value);
	if (!strcmp(key, "overlay_size")) {
		if (!*value || strspn(value, "0123456789kmgKMG%") != strlen(value))
			return -EINVAL;
		c->root_overlay_size = value;
		return 0;
	}
	if (strcmp(key, "mode"))
		return -ENOENT;
	for (int i = 0; i < 3; i++) {
		if (strcmp(value, modes[i]))
			continue;
		c->root_mode = i;
		return 0;
	}
	return -EINVAL;
}

static int add_cidr(struct cidr *list, u32 *count, u32 max, const char *value)
{
	int err;

	if (*count == max)
		return -ENOSPC;
	err = value_cidr(value, &list[*count]);
	if (!err)
		++*count;
	return err;
}

/* libslirp's network, which netd's user mode speaks. */
static int set_user_addressing(struct init_config *c, struct nic_config *n)
{
	n->addressing = NIC_STATIC;
	n->addr_count = 1;
	value_cidr("10.0.2.15/24", &n->addr[0]);
	value_cidr("10.0.2.2", &n->gw[0]);
	return c->dns_count ? 0 : add_cidr(c->dns, &c->dns_count, CONFIG_DNS_MAX, "10.0.2.3");
}

static int set_addr(struct init_config *c, struct nic_config *n, const char *value)
{
	int err;

	if (!strcmp(value, "user"))
		return set_user_addressing(c, n);
	if (!strcmp(value, "dhcp") || !strcmp(value, "none")) {
		n->addressing = *value == 'd' ? NIC_DHCP : NIC_NO_ADDRESS;
		n->addr_count = 0;
		return 0;
	}
	if (!strchr(value, '/'))
		return -EINVAL;
	err = add_cidr(n->addr, &n->addr_count, CONFIG_ADDRS_MAX, value);
	if (!err)
		n->addressing = NIC_STATIC;
	return err;
}

static int set_gw(struct nic_config *n, const char *value)
{
	struct cidr gw;

	if (strchr(value, '/') || value_cidr(value, &gw))
		return -EINVAL;
	n->gw[gw.family == AF_INET6] = gw;
	return 0;
}

static int set_protect(struct init_config *c, struct nic_config *n, const char *value)
{
	if (!strcmp(value, "program"))
		n->protect = NIC_PROGRAM;
	else if (!strcmp(value, "insecure_none"))
		n->protect = NIC_INSECURE_NONE;
	else if (!strncmp(value, "wireguard:", 10) && !set_source(c, &n->wireguard, value + 10))
		n->protect = NIC_WIREGUARD;
	else
		return -EINVAL;
	return 0;
}

static int set_nic(struct init_config *c, struct nic_config *n, const char *key, const char *value)
{
	if (!strcmp(key, "addr"))
		return set_addr(c, n, value);
	if (!strcmp(key, "gw"))
		return set_gw(n, value);
	if (!strcmp(key, "mtu"))
		return value_u32(value, 65535, &n->mtu) ?: n->mtu < 576 ? -EINVAL : 0;
	if (!strcmp(key, "protect"))
		return set_protect(c, n, value);
	if (!strcmp(key, "dns"))
		return strchr(value, '/') ? -EINVAL
					  : add_cidr(c->dns, &c->dns_count, CONFIG_DNS_MAX, value);
	return -ENOENT;
}

static int set_blob(struct init_config *c, const char *name, const char *value)
{
	struct blob_config *b = &c->blob[c->blob_count];
	size_t size = strlen(value);

	if (c->blob_count == CONFIG_LIST_MAX || config_blob(c, name))
		return -ENOSPC;
	b->data = malloc(size + 1);
	if (!b->data)
		return -ENOMEM;
	if (value_base64(value, b->data, &size)) {
		free(b->data);
		return -EINVAL;
	}
	b->name = name;
	b->size = size;
	c->blob_count++;
	return 0;
}

static struct disk_config *find_disk(struct init_config *c, const char *name)
{
	for (u32 i = 0; i < c->disk_count; i++)
		if (!strcmp(c->disk[i].name, name))
			return &c->disk[i];
	if (c->disk_count == CONFIG_DISKS_MAX || !value_is_name(name, NAME_MAX_SIZE))
		return NULL;
	c->disk[c->disk_count].name = name;
	c->disk[c->disk_count].fs = "ext4";
	return &c->disk[c->disk_count++];
}

static struct nic_config *find_nic(struct init_config *c, const char *name)
{
	for (u32 i = 0; i < c->nic_count; i++)
		if (!strcmp(c->nic[i].name, name))
			return &c->nic[i];
	if (c->nic_count == CONFIG_NICS_MAX || !value_is_name(name, INTERFACE_MAX_SIZE) ||
	    !strcmp(name, "lo"))
		return NULL;
	c->nic[c->nic_count].name = name;
	return &c->nic[c->nic_count++];
}

/* KIND.NAME[.KEY]: dots separate, so names of disks and NICs have none here. */
static int set_dotted(struct init_config *c, char *rest, const char *value, bool is_disk)
{
	char *key = strchr(rest, '.');
	struct disk_config *d;
	struct nic_config *n;

	if (key)
		*key++ = 0;
	if (is_disk) {
		d = find_disk(c, rest);
		return d ? set_disk(c, d, key, value) : -EINVAL;
	}
	if (!key)
		return -ENOENT;
	n = find_nic(c, rest);
	return n ? set_nic(c, n, key, value) : -EINVAL;
}

static int add_string(char **list, u32 *count, char *value)
{
	if (*count == CONFIG_LIST_MAX)
		return -ENOSPC;
	list[(*count)++] = value;
	return 0;
}

static int set_env(struct init_config *c, char *value)
{
	size_t name = strcspn(value, "=");

	if (!name || !value[name])
		return -EINVAL;
	for (u32 i = 0; i < c->env_count; i++) {
		if (strncmp(c->env[i], value, name + 1))
			continue;
		c->env[i] = value;
		return 0;
	}
	return add_string(c->env, &c->env_count, value);
}

static int set_user(struct init_config *c, char *value)
{
	char *colon = strchr(value, ':');
	u32 uid, gid;

	if (!colon)
		return -EINVAL;
	*colon = 0;
	if (value_u32(value, UINT32_MAX - 1, &uid) || value_u32(colon + 1, UINT32_MAX - 1, &gid))
		return -EINVAL;
	c->uid = uid;
	c->gid = gid;
	return 0;
}

/* Names go into a path below /proc/sys. value is "NAME=VALUE" as one string. */
static int set_sysctl(struct init_config *c, const char *name, char *both)
{
	if (!value_is_name(name, 200) || strstr(name, ".."))
		return -EINVAL;
	return add_string(c->sysctl, &c->sysctl_count, both);
}

static int set_single(struct init_config *c, const char *key, char *value)
{
	if (!strcmp(key, "hostname")) {
		c->hostname = value;
		return value_is_name(value, 64) ? 0 : -EINVAL;
	}
	if (!strcmp(key, "cwd")) {
		c->cwd = value;
		return value_is_path(value) ? 0 : -EINVAL;
	}
	if (!strcmp(key, "env"))
		return set_env(c, value);
	if (!strcmp(key, "arg"))
		return add_string(c->argv, &c->argc, value);
	if (!strcmp(key, "user"))
		return set_user(c, value);
	if (!strcmp(key, "stdio")) {
		c->stdio = !strcmp(value, "tty") ? STDIO_TTY : STDIO_RAW;
		return c->stdio == STDIO_TTY || !strcmp(value, "raw") ? 0 : -EINVAL;
	}
	return -ENOENT;
}

/* both is "key\0value", value points into it. */
static int set(struct init_config *c, char *both, char *value)
{
	int err;

	if (!strncmp(both, "sysctl.", 7)) {
		err = set_sysctl(c, both + 7, both + 7);
		value[-1] = '=';
		return err;
	}
	if (!strcmp(both, "root"))
		return set_root(c, NULL, value);
	if (!strncmp(both, "root.", 5))
		return set_root(c, both + 5, value);
	if (!strncmp(both, "disk.", 5))
		return set_dotted(c, both + 5, value, true);
	if (!strncmp(both, "nic.", 4))
		return set_dotted(c, both + 4, value, false);
	if (!strncmp(both, "blob.", 5))
		return value_is_name(both + 5, NAME_MAX_SIZE) ? set_blob(c, both + 5, value)
							      : -EINVAL;
	return set_single(c, both, value);
}

/* Is the key covered by the comma-separated patterns that the image allows? */
static bool host_may_set(const struct init_config *c, const char *key)
{
	char pattern[NAME_MAX_SIZE + 1];
	const char *s = c->host_may_set ?: "";

	while (*s) {
		size_t n = strcspn(s, ",");

		if (n < sizeof(pattern)) {
			memcpy(pattern, s, n);
			pattern[n] = 0;
			if (!fnmatch(pattern, key, 0))
				return true;
		}
		s += n + (s[n] == ',');
	}
	return false;
}

static int explain(struct init_config *c, int err, const char *key, bool named)
{
	if (err == -ENOENT)
		return config_fail(c, -EINVAL, "there is no key \"%.80s\"", key);
	if (err == -ENOSPC)
		return config_fail(c, -EINVAL, "too many, or twice: \"%.80s\"", key);
	if (err == -ENOMEM)
		return config_fail(c, err, "no memory");
	return config_fail(c, -EINVAL, "bad value of \"%.80s\"", key);
}

static int parse_line(struct init_config *c, char *line, bool trusted)
{
	char *value = strchr(line, '=');
	char key[128];
	int err;

	if (!*line || *line == '#')
		return 0;
	if (!value)
		return config_fail(c, -EINVAL, "not KEY=VALUE");
	*value++ = 0;
	snprintf(key, sizeof(key), "%s", line);
	if (!strcmp(line, "host_may_set")) {
		if (!trusted)
			return config_fail(c, -EPERM, "the host may not set host_may_set");
		c->host_may_set = value;
		return 0;
	}
	if (!trusted && !host_may_set(c, line))
		return config_fail(c, -EPERM, "the host may not set \"%.80s\"", key);
	err = value_unescape(value) ?: set(c, line, value);
	return err ? explain(c, err, key, true) : 0;
}

int config_parse(struct init_config *c, char *text, bool trusted)
{
	int err = 0;

	for (c->line = 1; *text && !err; c->line++) {
		size_t n = strcspn(text, "\n");
		bool more = text[n];

		text[n] = 0;
		err = parse_line(c, text, trusted);
		text += n + more;
	}
	c->line--;
	return err;
}

static int check_source(struct init_config *c, const struct source *s)
{
	if (s->blob && !config_blob(c, s->blob))
		return config_fail(c, -EINVAL, "there is no blob.%s", s->blob);
	return 0;
}

static int check_disk(struct init_config *c, const struct disk_config *d)
{
	if (!d->device)
		return config_fail(c, -EINVAL, "disk.%s has no device", d->name);
	if (d->mkfs == MKFS_EMPTY && d->ro)
		return config_fail(c, -EINVAL, "disk.%s is ro and mkfs=empty", d->name);
	for (u32 i = 0; i < c->disk_count; i++)
		if (&c->disk[i] != d && c->disk[i].device && !strcmp(c->disk[i].device, d->device))
			return config_fail(c, -EINVAL, "%s is used twice", d->device);
	if (c->root.device && d != &c->root && !strcmp(c->root.device, d->device))
		return config_fail(c, -EINVAL, "%s is used twice", d->device);
	return check_source(c, &d->key);
}

static bool has_env(const struct init_config *c, const char *name)
{
	for (u32 i = 0; i < c->env_count; i++)
		if (!strncmp(c->env[i], name, strlen(name)))
			return true;
	return false;
}

int config_finish(struct init_config *c)
{
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	static char home[] = "HOME=/root";
	int err = 0;

	c->line = 0;
	if (!c->argc || !*c->argv[0])
		return config_fail(c, -EINVAL, "no program (arg=)");
	if (c->root.device)
		err = check_disk(c, &c->root);
	for (u32 i = 0; i < c->disk_count && !err; i++)
		err = check_disk(c, &c->disk[i]);
	for (u32 i = 0; i < c->nic_count && !err; i++)
		err = check_source(c, &c->nic[i].wireguard);
	if (!err && !has_env(c, "PATH="))
		err = add_string(c->env, &c->env_count, path);
	if (!err && !has_env(c, "HOME="))
		err = add_string(c->env, &c->env_count, home);
	return err == -ENOSPC ? config_fail(c, -EINVAL, "too many env") : err;
}

void config_wipe(struct init_config *c)
{
	for (u32 i = 0; i < c->blob_count; i++) {
		explicit_bzero(c->blob[i].data, c->blob[i].size);
		free(c->blob[i].data);
	}
	c->blob_count = 0;
}
