/* SPDX-License-Identifier: MIT */
/*
 * The forms of a target. It finds where the path and the query are and changes nothing in them: no
 * decoding, no dot-segments. Called by services/http_parse and, for the header Host, http_field.
 */
#include <string.h>

#include "services/http_class.h"
#include "services/http_target.h"

static const char *skip(const char *at, const char *end, enum http_class class)
{
	while (at < end && http_is(*at, class))
		at++;
	return at;
}

/* [::1], also with a zone or of a future version: what stands inside is looked at by nobody. */
static const char *skip_literal(const char *at, const char *end)
{
	at++;
	while (at < end && (*at == ':' || http_is(*at, HTTP_HOST)))
		at++;
	return at < end && *at == ']' ? at + 1 : end + 1;
}

bool http_target_is_authority(const char *at, size_t n)
{
	const char *end = at + n, *host = at;

	at = n > 0 && *at == '[' ? skip_literal(at, end) : skip(at, end, HTTP_HOST);
	if (at == host)
		return false;
	if (at < end && *at == ':') {
		at++;
		while (at < end && *at >= '0' && *at <= '9')
			at++;
	}
	return at == end;
}

static bool split(struct http_request *r, const char *bytes, uint32_t at, uint32_t end)
{
	const char *mark = memchr(bytes + at, '?', end - at);
	uint32_t path_end = mark ? (uint32_t)(mark - bytes) : end;

	r->path = (struct http_span){ at, path_end - at };
	r->has_query = mark != NULL;
	if (mark)
		r->query = (struct http_span){ path_end + 1, end - path_end - 1 };
	return true;
}

/* Bytes of http:// or https:// in any case of letters; 0: neither. */
static uint32_t scheme_length(const char *at, size_t n)
{
	static const char *const schemes[] = { "http://", "https://" };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t length = strlen(schemes[i]), k = 0;

		while (k < length && k < n && (at[k] | 0x20) == (schemes[i][k] | 0x20))
			k++;
		if (k == length)
			return (uint32_t)length;
	}
	return 0;
}

/* http://host/path?query: the host is checked and dropped, this server is whatever it is called. */
static bool take_absolute(struct http_request *r, const char *bytes, uint32_t at, uint32_t end)
{
	uint32_t length = scheme_length(bytes + at, end - at), path;

	if (length == 0)
		return false;
	at += length;
	for (path = at; path < end && bytes[path] != '/' && bytes[path] != '?';)
		path++;
	if (!http_target_is_authority(bytes + at, path - at))
		return false;
	split(r, bytes, path, end);
	/* no path is the path /, and a slash stands before the host */
	if (r->path.length == 0)
		r->path = (struct http_span){ at - 1, 1 };
	return true;
}

bool http_target_take(struct http_request *r, const char *bytes, uint32_t at, uint32_t end)
{
	if (r->method == HTTP_CONNECT) {
		r->path = (struct http_span){ at, 0 };
		return http_target_is_authority(bytes + at, end - at);
	}
	if (bytes[at] == '/')
		return split(r, bytes, at, end);
	if (bytes[at] == '*' && end - at == 1) {
		r->path = (struct http_span){ at, 1 };
		return r->method == HTTP_OPTIONS;
	}
	return take_absolute(r, bytes, at, end);
}
