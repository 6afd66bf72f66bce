/* SPDX-License-Identifier: MIT */
/*
 * HTTP requests, one after the other, with their bodies. Each must give the same result whole,
 * byte by byte and in pieces of another size, and name only bytes that have come; bytes that were
 * read must not be read again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/http/parse/http_chunked.h"
#include "services/http/parse/http_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool claim, const char *what)
{
	if (claim)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

/* A copy of exactly the bytes that have come, so that a sanitizer sees a read beyond them. */
static char *copy_exactly(const char *bytes, size_t n)
{
	char *exact = malloc(n > 0 ? n : 1);

	if (exact == NULL)
		abort();
	if (n > 0)
		memcpy(exact, bytes, n);
	return exact;
}

static enum http_progress parse(struct http_request *r, const char *bytes, size_t n)
{
	char *exact = copy_exactly(bytes, n);
	enum http_progress progress;

	/* lines that have been read are gone */
	memset(exact, '\n', r->line);
	progress = http_parse(r, exact, n);
	demand(http_parse_is_sound(r, n), "an unsound state");
	demand(progress != HTTP_WRONG || r->status >= 400, "wrong without a status");
	demand(progress != HTTP_PART || r->seen + 1 >= n, "bytes that it has not looked at");
	free(exact);
	return progress;
}

static enum http_progress parse_in_pieces(struct http_request *r, const char *bytes, size_t n,
					  size_t piece)
{
	enum http_progress progress = HTTP_PART;

	http_parse_begin(r);
	for (size_t at = 0; at < n && progress == HTTP_PART; at += piece)
		progress = parse(r, bytes, n - at < piece ? n : at + piece);
	return progress;
}

static bool same_span(struct http_span a, struct http_span b)
{
	return a.at == b.at && a.length == b.length;
}

static bool same(const struct http_request *a, const struct http_request *b)
{
	return a->status == b->status && a->head_length == b->head_length &&
	       a->method == b->method && a->minor == b->minor && a->keep_alive == b->keep_alive &&
	       a->expect_continue == b->expect_continue && a->has_query == b->has_query &&
	       a->has_chunks == b->has_chunks && a->content_length == b->content_length &&
	       a->seen == b->seen && same_span(a->method_name, b->method_name) &&
	       same_span(a->path, b->path) && same_span(a->query, b->query) &&
	       memcmp(a->fields, b->fields, sizeof(a->fields)) == 0 && a->repeated == b->repeated;
}

static void check_facts(const struct http_request *r, const char *bytes, size_t n)
{
	size_t path_end = r->path.at + r->path.length, query_end = r->query.at + r->query.length;

	demand(r->head_length <= n && r->head_length >= 4, "a head of no such length");
	demand(memcmp(bytes + r->head_length - 4, "\r\n\r\n", 4) == 0, "a head without an end");
	demand(path_end < r->head_length && query_end < r->head_length,
	       "a target outside the head");
	demand(r->path.length == 0 || bytes[r->path.at] == '/' || bytes[r->path.at] == '*',
	       "a path that does not begin as one");
	demand(memchr(bytes, '\0', r->head_length) == NULL, "a NUL");
	demand(r->method_name.length > 0, "no method");
}

static enum http_progress read_chunked(struct http_chunked *chunked, const char *bytes, size_t n,
				       size_t *used)
{
	char *exact = copy_exactly(bytes, n);
	enum http_progress progress = http_chunked_read(chunked, exact, n, used);
	demand(*used <= n, "more bytes used than there are");
	demand(progress != HTTP_PART || *used == n, "bytes of a body left over");
	demand(progress == HTTP_WRONG || http_chunked_is_sound(chunked), "an unsound body");
	demand((progress == HTTP_WRONG) == (chunked->status != 0), "a status, or none");
	free(exact);
	return progress;
}

static enum http_progress read_chunked_in_pieces(struct http_chunked *chunked, const char *bytes,
						 size_t n, size_t piece, size_t *used)
{
	enum http_progress progress = HTTP_PART;

	*chunked = (struct http_chunked){ 0 };
	for (*used = 0; *used < n && progress == HTTP_PART;) {
		size_t left = n - *used, now;

		progress = read_chunked(chunked, bytes + *used, left < piece ? left : piece, &now);
		*used += now;
	}
	return progress;
}

/* Bytes of the body; n when it does not end here or is invalid. */
static size_t check_chunked(const char *bytes, size_t n)
{
	struct http_chunked whole, cut;
	size_t used, used_cut;
	enum http_progress progress = read_chunked_in_pieces(&whole, bytes, n, n, &used);

	demand(read_chunked_in_pieces(&cut, bytes, n, n < 1024 ? 1 : n / 64, &used_cut) ==
			       progress &&
		       used == used_cut && whole.status == cut.status && whole.data == cut.data &&
		       whole.frame == cut.frame,
	       "another body in small pieces");
	if (progress != HTTP_WHOLE)
		return n;
	demand(used == whole.data + whole.frame && used >= 5, "a body of no such length");
	demand(memcmp(bytes + used - 2, "\r\n", 2) == 0, "a body without an end");
	return used;
}

static size_t skip_body(const struct http_request *r, const char *bytes, size_t n)
{
	if (r->has_chunks)
		return check_chunked(bytes, n);
	return r->content_length < n ? (size_t)r->content_length : n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;

	if (size > 4 * HTTP_HEAD_MOST)
		return 0;
	for (size_t at = 0; at < size;) {
		struct http_request whole, cut;
		size_t n = size - at, by_byte = n < 1024 ? 1 : n / 64;
		enum http_progress progress = parse_in_pieces(&whole, bytes + at, n, n);

		demand(parse_in_pieces(&cut, bytes + at, n, by_byte) == progress &&
			       same(&whole, &cut),
		       "another result in small pieces");
		demand(parse_in_pieces(&cut, bytes + at, n, n / 2 + 1) == progress &&
			       same(&whole, &cut),
		       "another result in two pieces");
		if (progress != HTTP_WHOLE)
			break;
		check_facts(&whole, bytes + at, n);
		at += whole.head_length;
		at += skip_body(&whole, bytes + at, size - at);
	}
	return 0;
}
