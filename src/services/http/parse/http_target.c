/* SPDX-License-Identifier: MIT */
/*
 * The path is built component by component; each ends with a slash until the end of the path is
 * known. Decoding comes first, so no dot segment can hide in it.
 */
#include "services/http/parse/http_target.h"

#include <string.h>

#include "base/hex.h"

struct builder {
	char *path;
	size_t size, length;
	size_t component; /* where the last component starts */
};

/* Takes the next byte of raw, decoded; false when it is none that a path may have. */
static bool next_byte(struct http_text *raw, char *byte)
{
	size_t n = 1;

	*byte = *raw->at;
	if (*byte == '%') {
		int high, low;

		if (raw->length < 3)
			return false;
		high = hex_value(raw->at[1]);
		low = hex_value(raw->at[2]);
		if (high < 0 || low < 0)
			return false;
		*byte = (char)(high * 16 + low);
		if (*byte == '/') /* no part of a name: other servers read another path */
			return false;
		n = 3;
	}
	raw->at += n;
	raw->length -= n;
	return (unsigned char)*byte >= ' ' && *byte != 0x7f;
}

static bool append_byte(struct builder *b, char byte)
{
	if (b->length == b->size)
		return false;
	b->path[b->length++] = byte;
	return true;
}

/* Drops the last component and the one before it; false at the root. */
static bool remove_parent(struct builder *b)
{
	const char *slash;

	if (b->component == 0)
		return false;
	slash = memrchr(b->path, '/', b->component - 1);
	b->length = b->component = slash ? (size_t)(slash - b->path) + 1 : 0;
	return true;
}

/* The last component is complete. One that names a file stays, and *stays is set. */
static unsigned end_component(struct builder *b, bool *stays)
{
	const char *name = b->path + b->component;
	size_t n = b->length - b->component;

	*stays = false;
	if (n == 2 && memcmp(name, "..", 2) == 0)
		return remove_parent(b) ? 0 : 400;
	*stays = n > 1 || (n == 1 && *name != '.');
	if (!*stays)
		b->length = b->component;
	return 0;
}

static unsigned take_byte(struct builder *b, char byte)
{
	bool stays;
	unsigned status;

	if (byte != '/')
		return append_byte(b, byte) ? 0 : 414;
	status = end_component(b, &stays);
	if (status != 0 || !stays)
		return status;
	if (!append_byte(b, '/'))
		return 414;
	b->component = b->length;
	return 0;
}

static bool has_hidden(const char *path)
{
	return *path == '.' || strstr(path, "/.") != NULL;
}

static unsigned end_path(struct builder *b, struct http_target *target)
{
	bool stays;
	unsigned status = end_component(b, &stays);

	if (status != 0)
		return status;
	if (!stays && b->length > 0)
		b->length--;
	if (b->length == b->size)
		return 414;
	b->path[b->length] = '\0';
	*target = (struct http_target){
		.length = b->length,
		.ends_with_slash = !stays,
		.has_hidden = has_hidden(b->path),
	};
	return 0;
}

unsigned http_target_decode(struct http_text raw, char *path, size_t size,
			    struct http_target *target)
{
	struct builder b = { .path = path, .size = size };

	if (raw.length == 0 || *raw.at != '/')
		return 400;
	while (raw.length > 0) {
		unsigned status;
		char byte;

		if (!next_byte(&raw, &byte))
			return 400;
		status = take_byte(&b, byte);
		if (status != 0)
			return status;
	}
	return end_path(&b, target);
}

bool http_target_is_below(const char *path, size_t length, struct http_text prefix)
{
	if (prefix.length == 0)
		return true;
	return length >= prefix.length && memcmp(path, prefix.at, prefix.length) == 0 &&
	       (length == prefix.length || path[prefix.length] == '/');
}

struct http_text http_target_prefix(struct http_text path)
{
	if (path.length > 0) {
		path.at++;
		path.length--;
	}
	if (path.length > 0 && path.at[path.length - 1] == '/')
		path.length--;
	return path;
}

void http_target_escape(struct strbuf *text, const char *path, size_t length)
{
	strbuf_uri(text, path, length, "/!$&'()*+,;=");
}
