/* SPDX-License-Identifier: MIT */
/*
 * The lines of a head: their ends, and the parts of the request line. Bytes that no head may have,
 * and limits, are checked as bytes come, so garbage is refused before its line ends; the rest of a
 * line is checked once it is complete. It neither decodes a path nor answers.
 *
 *   up to 4 empty lines --> request line --> headers --> empty line: HTTP_WHOLE
 *            any of them --> HTTP_WRONG
 */
#include <string.h>

#include "services/http/parse/http_field.h"
#include "services/http/parse/http_parse.h"
#include "services/http/parse/http_request.h"

void http_parse_begin(struct http_request *r)
{
	*r = (struct http_request){ .minor = 1 };
}

/* True when one of eight bytes is below a blank, or DEL. */
static bool has_control(const char *bytes)
{
	const uint64_t ones = UINT64_MAX / 255, highs = ones << 7;
	uint64_t word, del;

	memcpy(&word, bytes, sizeof(word));
	del = word ^ ones * 0x7f;
	return (((word - ones * ' ') & ~word) | ((del - ones) & ~del)) & highs;
}

/* The first control character except a tab from `at` on, or end. */
static size_t skip_ordinary(const char *bytes, size_t at, size_t end)
{
	while (end - at >= sizeof(uint64_t) && !has_control(bytes + at))
		at += sizeof(uint64_t);
	while (at < end && ((unsigned char)bytes[at] >= ' ' || bytes[at] == '\t') &&
	       bytes[at] != 0x7f)
		at++;
	return at;
}

void http_parse_refuse(struct http_request *r, unsigned status)
{
	r->status = (uint16_t)status;
	r->head_length = 0;
	r->keep_alive = false;
}

static enum http_progress refuse_head(struct http_request *r, unsigned status)
{
	http_parse_refuse(r, status);
	return HTTP_WRONG;
}

/* The status of a line, or a head, that is too long: n bytes are known (RFC 9112 3). */
static unsigned long_status(const struct http_request *r, const char *bytes, size_t n)
{
	bool has_method = memchr(bytes + r->line, ' ', n - r->line) != NULL;

	if (r->has_line)
		return 431;
	return has_method ? 414 : 501;
}

/* Looks for the CRLF of the current line; HTTP_WHOLE: it is at r->seen. */
static enum http_progress find_end(struct http_request *r, const char *bytes, size_t n)
{
	size_t limit = r->line + (r->has_line ? HTTP_HEADER_MOST : HTTP_LINE_MOST) + 2;

	if (limit > HTTP_HEAD_MOST)
		limit = HTTP_HEAD_MOST;
	if (n > limit)
		n = limit;
	r->seen = (uint32_t)skip_ordinary(bytes, r->seen, n);
	if (r->seen < n && (bytes[r->seen] != '\r' || r->seen + 1 < n)) {
		bool is_end = bytes[r->seen] == '\r' && bytes[r->seen + 1] == '\n';

		return is_end ? HTTP_WHOLE : refuse_head(r, 400);
	}
	if (n == limit)
		return refuse_head(r, long_status(r, bytes, n));
	return HTTP_PART;
}

static enum http_method find_method(const char *name, size_t length)
{
	static const struct {
		const char *name;
		enum http_method method;
	} rows[] = {
		{ "GET", HTTP_GET },         { "HEAD", HTTP_HEAD },   { "OPTIONS", HTTP_OPTIONS },
		{ "CONNECT", HTTP_CONNECT }, { "POST", HTTP_OTHER },  { "PUT", HTTP_OTHER },
		{ "DELETE", HTTP_OTHER },    { "TRACE", HTTP_OTHER }, { "PATCH", HTTP_OTHER },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strlen(rows[i].name) == length && memcmp(name, rows[i].name, length) == 0)
			return rows[i].method;
	}
	return HTTP_UNKNOWN;
}

static unsigned take_version(struct http_request *r, const char *at, size_t n)
{
	bool is_version = n == 8 && memcmp(at, "HTTP/", 5) == 0 && at[5] >= '0' && at[5] <= '9' &&
			  at[6] == '.' && at[7] >= '0' && at[7] <= '9';

	if (!is_version)
		return 400;
	if (at[5] != '1')
		return 505;
	/* additions of a later minor version may be ignored (RFC 9110 2.5) */
	r->minor = at[7] > '0';
	return 0;
}

static bool split_target(struct http_request *r, const char *bytes, uint32_t at, uint32_t end)
{
	const char *mark = memchr(bytes + at, '?', end - at);
	uint32_t path_end = mark ? (uint32_t)(mark - bytes) : end;

	r->path = (struct http_span){ at, path_end - at };
	r->has_query = mark != NULL;
	if (mark)
		r->query = (struct http_span){ path_end + 1, end - path_end - 1 };
	return true;
}

/* Length of http:// or https://, in upper or lower case; 0: neither. */
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

/*
 * http://host/path?query: the host is checked and dropped, since this server answers to any name.
 */
static bool take_absolute(struct http_request *r, const char *bytes, uint32_t at, uint32_t end)
{
	uint32_t length = scheme_length(bytes + at, end - at), path;

	if (length == 0)
		return false;
	at += length;
	for (path = at; path < end && bytes[path] != '/' && bytes[path] != '?';)
		path++;
	if (!http_request_is_authority(bytes + at, path - at))
		return false;
	split_target(r, bytes, path, end);
	/* an empty path means /, and a slash precedes the host */
	if (r->path.length == 0)
		r->path = (struct http_span){ at - 1, 1 };
	return true;
}

/*
 * Finds path and query in the target, which is bytes[at] up to bytes[end]; all of them are
 * HTTP_TARGET bytes. Returns false when it has none of the forms that the request's method may
 * have.
 */
static bool take_target(struct http_request *r, const char *bytes, uint32_t at, uint32_t end)
{
	if (r->method == HTTP_CONNECT) {
		r->path = (struct http_span){ at, 0 };
		return http_request_is_tunnel(bytes + at, end - at);
	}
	if (bytes[at] == '/')
		return split_target(r, bytes, at, end);
	if (bytes[at] == '*' && end - at == 1) {
		r->path = (struct http_span){ at, 1 };
		return r->method == HTTP_OPTIONS;
	}
	return take_absolute(r, bytes, at, end);
}

/* The CR behind the line is in no class, so no loop runs past it. */
static unsigned take_request_line(struct http_request *r, const char *bytes, uint32_t end)
{
	uint32_t at = r->line, target;
	unsigned status;

	while (http_is(bytes[at], HTTP_TOKEN))
		at++;
	if (at == r->line || bytes[at] != ' ')
		return 400;
	r->method_name = (struct http_span){ r->line, at - r->line };
	r->method = (uint8_t)find_method(bytes + r->line, at - r->line);
	target = ++at;
	while (http_is(bytes[at], HTTP_TARGET))
		at++;
	if (at == target || bytes[at] != ' ')
		return 400;
	status = take_version(r, bytes + at + 1, end - at - 1);
	if (status == 0 && !take_target(r, bytes, target, at))
		status = 400;
	r->has_line = status == 0;
	return status;
}

static unsigned take_header(struct http_request *r, const char *bytes, uint32_t end)
{
	uint32_t at = r->line;

	if (r->headers == HTTP_HEADERS_MOST)
		return 431;
	r->headers++;
	while (http_is(bytes[at], HTTP_TOKEN))
		at++;
	/* no name, a blank before the colon, or a folded line */
	if (at == r->line || bytes[at] != ':')
		return 400;
	return http_field_take(r, bytes, (struct http_span){ r->line, at - r->line },
			       (struct http_span){ at + 1, end - at - 1 });
}

static unsigned take_line(struct http_request *r, const char *bytes, uint32_t end)
{
	unsigned status;

	if (end > r->line)
		return r->has_line ? take_header(r, bytes, end) : take_request_line(r, bytes, end);
	if (!r->has_line)
		return r->empty_lines++ < HTTP_EMPTY_LINES_MOST ? 0 : 400;
	status = http_field_judge(r);
	if (status == 0)
		r->head_length = end + 2;
	return status;
}

enum http_progress http_parse(struct http_request *r, const char *bytes, size_t n)
{
	if (r->status != 0)
		return HTTP_WRONG;
	while (r->head_length == 0) {
		enum http_progress progress = find_end(r, bytes, n);
		unsigned status;

		if (progress != HTTP_WHOLE)
			return progress;
		status = take_line(r, bytes, r->seen);
		if (status != 0)
			return refuse_head(r, status);
		r->seen += 2;
		r->line = r->seen;
	}
	return HTTP_WHOLE;
}

static bool is_inside(struct http_span span, uint32_t seen)
{
	return span.at <= seen && span.length <= seen - span.at;
}

/* No value is at 0: the request line comes first. */
static bool are_fields_sound(const struct http_request *r)
{
	uint32_t end = r->head_length != 0 ? r->head_length : r->seen;

	for (unsigned i = 0; i < HTTP_FIELDS; i++) {
		struct http_field_span field = r->fields[i];

		if (!is_inside((struct http_span){ field.at, field.length }, end) ||
		    (field.at == 0 && (field.length > 0 || r->repeated >> i & 1)))
			return false;
	}
	return r->repeated >> HTTP_FIELDS == 0;
}

static bool is_bool(const bool *value)
{
	return *(const uint8_t *)value <= 1;
}

static bool is_status(unsigned status)
{
	static const unsigned statuses[] = { 0, 400, 413, 414, 431, 501, 505 };

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		if (statuses[i] == status)
			return true;
	}
	return false;
}

/* The service sets the length of a chunked body once it has been read. */
static uint64_t body_most(const struct http_request *r)
{
	return r->has_chunks ? HTTP_BODY_MOST + HTTP_FRAME_MOST : HTTP_BODY_MOST;
}

bool http_parse_is_sound(const struct http_request *r, size_t n)
{
	bool is_whole = r->head_length != 0;

	return r->seen <= n && r->seen <= HTTP_HEAD_MOST && r->line <= r->seen &&
	       r->head_length <= r->seen && r->headers <= HTTP_HEADERS_MOST &&
	       r->empty_lines <= HTTP_EMPTY_LINES_MOST + 1 && r->method <= HTTP_UNKNOWN &&
	       r->minor <= 1 && is_status(r->status) && is_bool(&r->has_line) &&
	       is_bool(&r->keep_alive) && is_bool(&r->expect_continue) && is_bool(&r->has_query) &&
	       is_bool(&r->has_chunks) && is_inside(r->method_name, r->seen) &&
	       is_inside(r->path, r->seen) && is_inside(r->query, r->seen) && are_fields_sound(r) &&
	       (!is_whole || (r->status == 0 && r->content_length <= body_most(r)));
}
