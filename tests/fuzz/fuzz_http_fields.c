/* SPDX-License-Identifier: MIT */
/*
 * The target and the fields of a request for a file. The first byte chooses the file's size and
 * how often fields come; the rest is a request. If it is none, each field's value is the rest, as
 * in a record of any bytes. A path stays below the root and stays the same when it is decoded
 * again, ranges are disjoint and within the file, a body is as long as announced.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/http/parse/http_accept.h"
#include "services/http/parse/http_condition.h"
#include "services/http/parse/http_date.h"
#include "services/http/parse/http_parse.h"
#include "services/http/http_range.h"
#include "services/http/parse/http_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW_S = 1795341600 };

static void demand(bool claim, const char *what)
{
	if (claim)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

/* Checks each component, and that only those that begin with a dot are hidden. */
static void check_path(const char *path, const struct http_target *target)
{
	bool has_hidden = false;

	demand(strlen(path) == target->length, "a path of another length");
	for (const char *at = path; *at != '\0';) {
		size_t n = strcspn(at, "/");

		demand(n > 0, "an empty component");
		demand(!(n == 1 && *at == '.') && !(n == 2 && memcmp(at, "..", 2) == 0),
		       "a dot segment");
		has_hidden = has_hidden || *at == '.';
		at += n;
		demand(*at == '\0' || at[1] != '\0', "a slash at the end");
		at += *at == '/';
	}
	for (const char *at = path; *at != '\0'; at++)
		demand((unsigned char)*at >= ' ' && *at != 0x7f, "a control character");
	demand(has_hidden == target->has_hidden, "hidden or not");
}

static unsigned decode(struct http_text raw, char *path, size_t size, struct http_target *target)
{
	unsigned status = http_target_decode(raw, path, size, target);

	demand(status == 0 || status == 400 || status == 414, "a status of no path");
	if (status == 0)
		check_path(path, target);
	return status;
}

static void check_target(struct http_text raw)
{
	size_t room = raw.length + 1, small = raw.length / 2 + 1;
	char *path = malloc(room), *again = malloc(room), *little = malloc(small);
	char *encoded = malloc(3 * room + 1);
	struct http_target target, same;

	if (path == NULL || again == NULL || little == NULL || encoded == NULL)
		abort();
	decode(raw, little, small, &same);
	if (decode(raw, path, room, &target) == 0) {
		struct strbuf text = strbuf_on(encoded, 3 * room + 1);

		strbuf_raw(&text, "/");
		for (const char *at = path; *at != '\0'; at++)
			text.used += (size_t)snprintf(encoded + text.used, 4,
						      *at == '/' ? "/" : "%%%02x",
						      (unsigned char)*at);
		demand(decode((struct http_text){ encoded, text.used }, again, room, &same) == 0,
		       "a path that is none when encoded");
		demand(strcmp(path, again) == 0, "another path when encoded");
	}
	free(encoded);
	free(little);
	free(again);
	free(path);
}

static void check_date(struct http_text text)
{
	char written[HTTP_DATE];
	int64_t seconds, again;

	if (!http_date_parse(text, NOW_S, &seconds))
		return;
	http_date(seconds, written);
	demand(http_date_parse((struct http_text){ written, strlen(written) }, NOW_S, &again),
	       "a date that cannot be read");
	demand(again == seconds, "another date when written");
}

static void check_body(const struct http_ranges *ranges, uint64_t size)
{
	struct http_range_body body = { ranges, "text/html; charset=utf-8", "0123456789", size };
	uint64_t length = 0;

	for (unsigned i = 0; i <= ranges->count; i++) {
		char bytes[512];
		struct strbuf text = strbuf_on(bytes, sizeof(bytes));

		if (i < ranges->count)
			http_range_part_head(&text, &body, i);
		else
			http_range_end(&text, &body);
		demand(!text.is_cut, "a long head of a part");
		length += text.used + (i < ranges->count ? ranges->ranges[i].length : 0);
	}
	demand(length == http_range_body_length(&body), "a body of another length");
}

static void check_ranges(const struct http_request *r, const char *head, uint64_t size)
{
	struct http_ranges ranges;
	unsigned status = http_range_judge(r, head, size, &ranges);
	uint64_t sum = 0;

	demand(status == 200 || status == 206 || status == 416, "a status of no range");
	if (status != 206)
		return;
	demand(ranges.count > 0 && ranges.count <= HTTP_RANGES_MOST, "a count of ranges");
	for (unsigned i = 0; i < ranges.count; i++) {
		struct http_range a = ranges.ranges[i];

		demand(a.length > 0 && a.offset < size && a.length <= size - a.offset,
		       "a range outside the file");
		for (unsigned k = 0; k < i; k++)
			demand(a.offset + a.length <= ranges.ranges[k].offset ||
				       ranges.ranges[k].offset + ranges.ranges[k].length <=
					       a.offset,
			       "ranges that overlap");
		sum += a.length;
	}
	demand(sum <= size, "more bytes than the file has");
	check_body(&ranges, size);
}

static void check_fields(const struct http_request *r, const char *head, uint64_t size)
{
	static const char *const codings[] = { "gzip", "br", "zstd", "identity" };
	struct http_validators file = { { "\"v\"", 3 }, 784111777, NOW_S };
	unsigned status = http_condition_judge(r, head, &file);

	demand(status == 200 || status == 304 || status == 412, "a status of no condition");
	demand(r->fields[HTTP_FIELD_IF_RANGE].at != 0 ||
		       http_condition_allows_range(r, head, &file),
	       "If-Range without the field");
	http_condition_allows_range(r, head, &file);
	check_ranges(r, head, size);
	for (size_t i = 0; i < sizeof(codings) / sizeof(codings[0]); i++)
		demand(http_accept_coding(r, head, codings[i]) <= HTTP_WEIGHT_MOST,
		       "too heavy a coding");
	demand(!http_accept_prefers(r, head, "application/json", "text/html") ||
		       !http_accept_prefers(r, head, "text/html", "application/json"),
	       "each type is preferred to the other");
	for (unsigned i = 0; i < HTTP_FIELDS; i++)
		check_date(http_field_value(r, head, i));
}

static void check_request(const char *head, size_t n, uint64_t size, uint16_t repeated)
{
	struct http_request r;

	http_parse_begin(&r);
	if (http_parse(&r, head, n) == HTTP_WHOLE) {
		check_target((struct http_text){ head + r.path.at, r.path.length });
		check_fields(&r, head, size);
		return;
	}
	check_target((struct http_text){ head, n });
	if (n < 2)
		return;
	r = (struct http_request){ .method = HTTP_GET,
				   .seen = (uint32_t)n,
				   .head_length = (uint32_t)n,
				   .repeated = repeated };
	for (unsigned i = 0; i < HTTP_FIELDS; i++)
		r.fields[i] = (struct http_field_span){ 1, (uint16_t)(n - 1) };
	demand(http_parse_is_sound(&r, n), "an unsound record");
	check_fields(&r, head, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t sizes[] = { 0, 1, 5, 100, 10000, UINT32_MAX, INT64_MAX, UINT64_MAX };
	char *exact;

	if (size < 1 || size > HTTP_HEAD_MOST)
		return 0;
	/* of that exact size, so that a sanitizer sees a read beyond it */
	exact = malloc(size > 1 ? size - 1 : 1);
	if (exact == NULL)
		abort();
	memcpy(exact, data + 1, size - 1);
	check_request(exact, size - 1, sizes[data[0] % 8],
		      data[0] & 8 ? (uint16_t)((1U << HTTP_FIELDS) - 1) : 0);
	free(exact);
	return 0;
}
