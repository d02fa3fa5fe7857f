// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Section 3 of the specification: what the JSON area may say. */
#include "enclave/crypt/luks2_disk.h"
#include "enclave/crypt/luks2_json.h"
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#define JSON_DEPTH_MAX 8
#define AREA_UNIT 4096
#define ARGON2_LANES_MAX 4 /* cryptsetup writes no more */
#define ITERATIONS_MIN 1000

const struct luks2_limits luks2_default_limits = {
	.argon2_memory_kib_max = 1024 * 1024,
	.argon2_work_max = 32ull * 1024 * 1024,
	.pbkdf2_iterations_max = 20 * 1000 * 1000,
};

/* What the parse functions share. */
struct parse {
	struct luks2_meta *meta;
	const struct luks2_limits *limits;
	u64 disk_size, areas_start, areas_end;
	char *why;
};

#define damaged(p, ...) luks2_fail((p)->why, -EINVAL, __VA_ARGS__)
#define refused(p, ...) luks2_fail((p)->why, -ENOTSUP, __VA_ARGS__)

static int parse_argon2(struct parse *p, struct json_object *kdf, struct luks2_slot *slot)
{
	if (luks2_u32(kdf, "time", &slot->time) || luks2_u32(kdf, "memory", &slot->memory_kib) ||
	    luks2_u32(kdf, "cpus", &slot->lanes))
		return damaged(p, "keyslot %u: argon2 parameters missing", slot->id);
	if (!slot->lanes || slot->lanes > ARGON2_LANES_MAX)
		return refused(p, "keyslot %u: argon2 with %u lanes", slot->id, slot->lanes);
	if (slot->memory_kib < 8 * slot->lanes ||
	    slot->memory_kib > p->limits->argon2_memory_kib_max)
		return refused(p, "keyslot %u: argon2 memory %u KiB is out of bounds (max %u)",
			       slot->id, slot->memory_kib, p->limits->argon2_memory_kib_max);
	if (!slot->time || (u64)slot->time * slot->memory_kib > p->limits->argon2_work_max)
		return refused(p, "keyslot %u: argon2 time %u is out of bounds", slot->id,
			       slot->time);
	return 0;
}

static int parse_pbkdf2(struct parse *p, struct json_object *kdf, struct luks2_slot *slot)
{
	const char *hash;

	if (luks2_u32(kdf, "iterations", &slot->time) || luks2_string(kdf, "hash", &hash))
		return damaged(p, "keyslot %u: pbkdf2 parameters missing", slot->id);
	if (rkt_hash_by_name(hash, &slot->kdf_hash))
		return refused(p, "keyslot %u: pbkdf2 with hash \"%s\"", slot->id, hash);
	if (slot->time < ITERATIONS_MIN || slot->time > p->limits->pbkdf2_iterations_max)
		return refused(p, "keyslot %u: pbkdf2 iterations %u are out of bounds", slot->id,
			       slot->time);
	return 0;
}

static int parse_kdf(struct parse *p, struct json_object *o, struct luks2_slot *slot)
{
	struct json_object *kdf;
	const char *type;

	if (luks2_object(o, "kdf", &kdf) || luks2_string(kdf, "type", &type) ||
	    luks2_base64(kdf, "salt", slot->salt, LUKS2_SALT_MAX, &slot->salt_size) ||
	    slot->salt_size < 8)
		return damaged(p, "keyslot %u: kdf missing or bad", slot->id);
	if (!strcmp(type, "argon2i"))
		slot->kdf = LUKS2_ARGON2I;
	else if (!strcmp(type, "argon2id"))
		slot->kdf = LUKS2_ARGON2ID;
	else if (!strcmp(type, "pbkdf2"))
		slot->kdf = LUKS2_PBKDF2;
	else
		return refused(p, "keyslot %u: kdf \"%s\"", slot->id, type);
	return slot->kdf == LUKS2_PBKDF2 ? parse_pbkdf2(p, kdf, slot) : parse_argon2(p, kdf, slot);
}

static int parse_af(struct parse *p, struct json_object *o, struct luks2_slot *slot)
{
	struct json_object *af;
	const char *type, *hash;
	u32 stripes;

	if (luks2_object(o, "af", &af) || luks2_string(af, "type", &type) ||
	    luks2_string(af, "hash", &hash) || luks2_u32(af, "stripes", &stripes))
		return damaged(p, "keyslot %u: af missing or bad", slot->id);
	if (strcmp(type, "luks1") || stripes != LUKS2_STRIPES)
		return refused(p, "keyslot %u: af \"%s\" with %u stripes", slot->id, type, stripes);
	if (rkt_hash_by_name(hash, &slot->af_hash))
		return refused(p, "keyslot %u: af with hash \"%s\"", slot->id, hash);
	return 0;
}

static int parse_area(struct parse *p, struct json_object *o, struct luks2_slot *slot)
{
	struct json_object *area;
	const char *type, *encryption;
	u32 key_size;

	if (luks2_object(o, "area", &area) || luks2_string(area, "type", &type))
		return damaged(p, "keyslot %u: area missing or bad", slot->id);
	if (strcmp(type, "raw"))
		return refused(p, "keyslot %u: area of type \"%s\"", slot->id, type);
	if (luks2_string(area, "encryption", &encryption) ||
	    luks2_u32(area, "key_size", &key_size) ||
	    luks2_u64(area, "offset", &slot->area_offset) ||
	    luks2_u64(area, "size", &slot->area_size))
		return damaged(p, "keyslot %u: area missing or bad", slot->id);
	if (strcmp(encryption, "aes-xts-plain64") || key_size != LUKS2_KEY_SIZE)
		return refused(p, "keyslot %u: area encryption \"%s\" with %u-byte key", slot->id,
			       encryption, key_size);
	if (slot->area_offset % AREA_UNIT || slot->area_offset < p->areas_start ||
	    slot->area_offset > p->areas_end ||
	    slot->area_size > p->areas_end - slot->area_offset || slot->area_size < LUKS2_AF_SIZE)
		return damaged(p, "keyslot %u: area is out of range", slot->id);
	return 0;
}

static int parse_slot(struct parse *p, const char *name, struct json_object *o)
{
	struct luks2_slot *slot = &p->meta->slot[p->meta->slot_count];
	const char *type;
	u32 key_size, priority = 1;
	u64 id;

	if (luks2_digits(name, LUKS2_SLOTS_MAX - 1, &id) ||
	    !json_object_is_type(o, json_type_object) || luks2_string(o, "type", &type))
		return damaged(p, "keyslot \"%s\" is damaged", name);
	if (p->meta->slot_count == LUKS2_SLOTS_MAX)
		return damaged(p, "too many keyslots");
	slot->id = id;
	if (strcmp(type, "luks2"))
		return refused(p, "keyslot %u: type \"%s\"", slot->id, type);
	if (luks2_u32(o, "key_size", &key_size) || key_size != LUKS2_KEY_SIZE)
		return refused(p, "keyslot %u: key is not of 512 bits", slot->id);
	if (json_object_object_get_ex(o, "priority", NULL) &&
	    (luks2_u32(o, "priority", &priority) || priority > 2))
		return damaged(p, "keyslot %u: bad priority", slot->id);
	slot->ignored = !priority;
	p->meta->slot_count++;
	return parse_kdf(p, o, slot) ?: parse_af(p, o, slot) ?: parse_area(p, o, slot);
}

static int parse_slots(struct parse *p, struct json_object *root)
{
	struct json_object *slots;
	int err;

	if (luks2_object(root, "keyslots", &slots))
		return damaged(p, "no keyslots object");
	json_object_object_foreach(slots, name, o)
	{
		err = parse_slot(p, name, o);
		if (err)
			return err;
	}
	if (!p->meta->slot_count)
		return refused(p, "no keyslot (token-only or wiped disk)");
	return 0;
}

static int parse_segment_size(struct parse *p, struct json_object *o)
{
	struct luks2_meta *m = p->meta;
	const char *size;

	if (luks2_u64(o, "offset", &m->data_offset) || luks2_string(o, "size", &size) ||
	    luks2_u32(o, "sector_size", &m->sector_size))
		return damaged(p, "segment: offset, size or sector_size missing");
	if (m->sector_size != 512 && m->sector_size != 4096)
		return refused(p, "segment: sector size %u", m->sector_size);
	if (m->data_offset % AREA_UNIT || m->data_offset < p->areas_end ||
	    m->data_offset >= p->disk_size)
		return damaged(p, "segment: offset is out of range");
	m->data_size = p->disk_size - m->data_offset;
	m->data_size -= m->data_size % m->sector_size;
	if (strcmp(size, "dynamic")) {
		u64 fixed;

		if (luks2_digits(size, m->data_size, &fixed) || fixed % m->sector_size)
			return damaged(p, "segment: size is out of range");
		m->data_size = fixed;
	}
	return m->data_size ? 0 : damaged(p, "segment: empty");
}

static int parse_segment(struct parse *p, struct json_object *root)
{
	struct json_object *segments, *o, *flags;
	const char *type, *encryption;
	u64 iv_tweak;

	if (luks2_object(root, "segments", &segments))
		return damaged(p, "no segments object");
	if (json_object_object_length(segments) != 1)
		return refused(p, "%d segments instead of one (detached data or reencryption)",
			       json_object_object_length(segments));
	if (luks2_object(segments, "0", &o) || luks2_string(o, "type", &type))
		return damaged(p, "segment 0 is damaged");
	if (strcmp(type, "crypt"))
		return refused(p, "segment: type \"%s\"", type);
	if (luks2_string(o, "encryption", &encryption) || strcmp(encryption, "aes-xts-plain64"))
		return refused(p, "segment: cipher \"%s\"",
			       luks2_string(o, "encryption", &encryption) ? "?" : encryption);
	if (json_object_object_get_ex(o, "integrity", NULL))
		return refused(p, "segment: integrity");
	if (json_object_object_get_ex(o, "flags", NULL) &&
	    (luks2_array(o, "flags", &flags) || json_object_array_length(flags)))
		return refused(p, "segment: flags (reencryption)");
	if (luks2_u64(o, "iv_tweak", &iv_tweak) || iv_tweak)
		return refused(p, "segment: iv_tweak is not 0");
	return parse_segment_size(p, o);
}

static bool array_is_segment_0(struct json_object *array)
{
	struct json_object *o;

	if (json_object_array_length(array) != 1)
		return false;
	o = json_object_array_get_idx(array, 0);
	return json_object_is_type(o, json_type_string) && !strcmp(json_object_get_string(o), "0");
}

static int parse_digest_slots(struct parse *p, struct json_object *array)
{
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		struct json_object *o = json_object_array_get_idx(array, i);
		u64 id;

		if (!json_object_is_type(o, json_type_string) ||
		    luks2_digits(json_object_get_string(o), LUKS2_SLOTS_MAX - 1, &id))
			return damaged(p, "digest: bad list of keyslots");
		p->meta->digest_slots |= 1u << id;
	}
	for (u32 i = 0; i < p->meta->slot_count; i++)
		if (!(p->meta->digest_slots >> p->meta->slot[i].id & 1))
			return refused(p, "keyslot %u belongs to no segment", p->meta->slot[i].id);
	return 0;
}

static int parse_digest_values(struct parse *p, struct json_object *o)
{
	struct luks2_meta *m = p->meta;
	const char *type, *hash;

	if (luks2_string(o, "type", &type) || strcmp(type, "pbkdf2"))
		return refused(p, "digest: not pbkdf2");
	if (luks2_string(o, "hash", &hash) || luks2_u32(o, "iterations", &m->digest_iterations) ||
	    luks2_base64(o, "salt", m->digest_salt, LUKS2_SALT_MAX, &m->digest_salt_size) ||
	    luks2_base64(o, "digest", m->digest, RKT_HASH_SIZE_MAX, &m->digest_size))
		return damaged(p, "digest: members missing");
	if (rkt_hash_by_name(hash, &m->digest_hash))
		return refused(p, "digest: hash \"%s\"", hash);
	if (m->digest_size != rkt_hash_size(m->digest_hash))
		return damaged(p, "digest: size is not its hash's");
	if (m->digest_iterations < ITERATIONS_MIN ||
	    m->digest_iterations > p->limits->pbkdf2_iterations_max)
		return refused(p, "digest: iterations %u are out of bounds", m->digest_iterations);
	return 0;
}

static int parse_digest(struct parse *p, struct json_object *root)
{
	struct json_object *digests, *o, *slots, *segments;

	if (luks2_object(root, "digests", &digests))
		return damaged(p, "no digests object");
	if (json_object_object_length(digests) != 1)
		return refused(p, "%d digests instead of one", json_object_object_length(digests));
	if (luks2_object(digests, "0", &o) || luks2_array(o, "keyslots", &slots) ||
	    luks2_array(o, "segments", &segments))
		return damaged(p, "digest 0 is damaged");
	if (!array_is_segment_0(segments))
		return damaged(p, "digest is not that of segment 0");
	return parse_digest_slots(p, slots) ?: parse_digest_values(p, o);
}

static int parse_requirements(struct parse *p, struct json_object *config)
{
	struct json_object *requirements, *mandatory;
	const char *first;

	if (!json_object_object_get_ex(config, "requirements", &requirements))
		return 0;
	if (!json_object_is_type(requirements, json_type_object) ||
	    luks2_array(requirements, "mandatory", &mandatory))
		return damaged(p, "config: requirements are damaged");
	if (!json_object_array_length(mandatory))
		return 0;
	first = json_object_get_string(json_object_array_get_idx(mandatory, 0));
	return refused(p, "requirement \"%s\"", first ? first : "?");
}

static int parse_config(struct parse *p, struct json_object *root)
{
	struct json_object *config;
	u64 json_size, areas_size;

	if (luks2_object(root, "config", &config))
		return damaged(p, "no config object");
	if (luks2_u64(config, "json_size", &json_size) ||
	    luks2_u64(config, "keyslots_size", &areas_size) ||
	    json_size != p->meta->hdr_size - LUKS2_BIN_SIZE)
		return damaged(p, "config: sizes are damaged");
	p->areas_start = 2 * p->meta->hdr_size;
	if (p->areas_start > p->disk_size || areas_size > p->disk_size - p->areas_start)
		return damaged(p, "config: keyslots_size is out of range");
	p->areas_end = p->areas_start + areas_size;
	return parse_requirements(p, config);
}

int luks2_parse_json(const char *text, u64 disk_size, const struct luks2_limits *limits,
		     struct luks2_meta *meta, char why[LUKS2_WHY_SIZE])
{
	struct parse p = { .meta = meta, .limits = limits, .disk_size = disk_size, .why = why };
	struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
	struct json_object *root;
	int err = -ENOMEM;

	if (!tokener)
		return luks2_fail(why, -ENOMEM, "no memory for the JSON area");
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	root = json_tokener_parse_ex(tokener, text, strlen(text) + 1);
	if (json_object_is_type(root, json_type_object))
		err = parse_config(&p, root) ?: parse_slots(&p, root) ?: parse_segment(&p, root)
			?: parse_digest(&p, root);
	else
		err = damaged(&p, "JSON area: %s",
			      json_tokener_error_desc(json_tokener_get_error(tokener)));
	json_object_put(root);
	json_tokener_free(tokener);
	return err;
}
