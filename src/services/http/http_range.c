/* SPDX-License-Identifier: MIT */
/*
 * Ranges that overlap would let a short request fetch many times the file's size, so they are
 * merged, and ignored when there are many. It reads no file.
 */
#include "services/http/http_range.h"

#include <string.h>

enum { FIELD_TEXT = 128 /* at least "Content-Range: bytes ", three numbers and CRLF */ };

/* Takes digits, at least one; a number that is too large becomes the largest. */
static bool take_number(struct http_text *text, uint64_t *number)
{
	size_t n;

	*number = 0;
	for (n = 0; n < text->length && text->at[n] >= '0' && text->at[n] <= '9'; n++) {
		if (__builtin_mul_overflow(*number, 10, number) ||
		    __builtin_add_overflow(*number, (uint64_t)(text->at[n] - '0'), number))
			*number = UINT64_MAX;
	}
	text->at += n;
	text->length -= n;
	return n > 0;
}

static bool take_dash(struct http_text *text)
{
	if (text->length == 0 || *text->at != '-')
		return false;
	text->at++;
	text->length--;
	return true;
}

/* first-last, first- or -length (14.1.1); range->length is 0 when the file has no such byte. */
static bool read_spec(struct http_text spec, uint64_t size, struct http_range *range)
{
	uint64_t first, last, suffix;
	bool has_first = take_number(&spec, &first);

	if (!take_dash(&spec))
		return false;
	if (!has_first) {
		if (!take_number(&spec, &suffix) || spec.length > 0)
			return false;
		*range = suffix < size ? (struct http_range){ size - suffix, suffix } :
					 (struct http_range){ 0, size };
		return true;
	}
	if (!take_number(&spec, &last))
		last = UINT64_MAX;
	else if (last < first)
		return false;
	if (last >= size)
		last = size - 1;
	*range = first < size ? (struct http_range){ first, last - first + 1 } :
				(struct http_range){ 0, 0 };
	return spec.length == 0;
}

static uint64_t end_of(const struct http_range *range)
{
	return range->offset + range->length;
}

static void remove_range(struct http_ranges *ranges, unsigned i)
{
	ranges->count--;
	memmove(&ranges->ranges[i], &ranges->ranges[i + 1],
		(ranges->count - i) * sizeof(ranges->ranges[0]));
}

/* Both are within the file. */
static struct http_range unite(const struct http_range *a, const struct http_range *b)
{
	uint64_t offset = a->offset < b->offset ? a->offset : b->offset;
	uint64_t end = end_of(a) > end_of(b) ? end_of(a) : end_of(b);

	return (struct http_range){ offset, end - offset };
}

/* The range takes in all that it overlaps or touches; returns how many it overlaps. */
static unsigned add_range(struct http_ranges *ranges, struct http_range range)
{
	unsigned overlaps = 0, at = ranges->count, i = 0;
	struct http_range all = range;

	while (i < ranges->count) {
		const struct http_range *other = &ranges->ranges[i];

		if (range.offset > end_of(other) || other->offset > end_of(&range)) {
			i++;
			continue;
		}
		overlaps += range.offset < end_of(other) && other->offset < end_of(&range);
		all = unite(&all, other);
		if (at > i)
			at = i;
		remove_range(ranges, i);
	}
	if (at > ranges->count)
		at = ranges->count;
	memmove(&ranges->ranges[at + 1], &ranges->ranges[at],
		(ranges->count - at) * sizeof(ranges->ranges[0]));
	ranges->ranges[at] = all;
	ranges->count++;
	return overlaps;
}

/* Reads a set of ranges; the size is not 0. */
static unsigned read_set(struct http_text set, uint64_t size, struct http_ranges *ranges)
{
	struct http_text spec;
	unsigned count = 0, overlaps = 0;

	while (http_text_next(&set, ',', &spec)) {
		struct http_range range;

		if (++count > HTTP_RANGES_MOST || !read_spec(spec, size, &range))
			return 200;
		if (range.length == 0)
			continue;
		overlaps += add_range(ranges, range);
		if (overlaps > HTTP_OVERLAPS_MOST)
			return 200;
	}
	if (count == 0)
		return 200;
	return ranges->count > 0 ? 206 : 416;
}

unsigned http_range_judge(const struct http_request *r, const char *head, uint64_t size,
			  struct http_ranges *ranges)
{
	struct http_text value = http_field_value(r, head, HTTP_FIELD_RANGE), unit = value;
	const char *equals;

	ranges->count = 0;
	if (value.at == NULL || r->method != HTTP_GET || size == 0 ||
	    http_field_is_repeated(r, HTTP_FIELD_RANGE))
		return 200;
	equals = memchr(value.at, '=', value.length);
	if (equals == NULL)
		return 200;
	unit.length = (size_t)(equals - value.at);
	if (!HTTP_TEXT_IS(unit, "bytes"))
		return 200;
	value.at = equals + 1;
	value.length -= unit.length + 1;
	return read_set(value, size, ranges);
}

void http_range_field(struct strbuf *text, const struct http_range *range, uint64_t size)
{
	strbuf_raw(text, "Content-Range: bytes ");
	if (range) {
		strbuf_u64(text, range->offset);
		strbuf_raw(text, "-");
		strbuf_u64(text, range->offset + range->length - 1);
	} else {
		strbuf_raw(text, "*");
	}
	strbuf_raw(text, "/");
	strbuf_u64(text, size);
	strbuf_raw(text, "\r\n");
}

/* The texts that a part's head or the end consists of; counted, or appended to text. */
struct sum {
	struct strbuf *text; /* NULL: only count */
	uint64_t length;
};

static void add_bytes(struct sum *sum, const char *bytes, size_t n)
{
	sum->length += n;
	if (sum->text)
		strbuf_put(sum->text, bytes, n);
}

static void add(struct sum *sum, const char *string)
{
	add_bytes(sum, string, strlen(string));
}

static void add_part_head(struct sum *sum, const struct http_range_body *body, unsigned i)
{
	char bytes[FIELD_TEXT];
	struct strbuf field = strbuf_on(bytes, sizeof(bytes));

	add(sum, i > 0 ? "\r\n--" : "--");
	add(sum, body->boundary);
	add(sum, "\r\n");
	if (body->type) {
		add(sum, "Content-Type: ");
		add(sum, body->type);
		add(sum, "\r\n");
	}
	http_range_field(&field, &body->ranges->ranges[i], body->size);
	add_bytes(sum, bytes, field.used);
	add(sum, "\r\n");
}

static void add_end(struct sum *sum, const struct http_range_body *body)
{
	add(sum, "\r\n--");
	add(sum, body->boundary);
	add(sum, "--\r\n");
}

void http_range_part_head(struct strbuf *text, const struct http_range_body *body, unsigned i)
{
	struct sum sum = { .text = text };

	add_part_head(&sum, body, i);
}

void http_range_end(struct strbuf *text, const struct http_range_body *body)
{
	struct sum sum = { .text = text };

	add_end(&sum, body);
}

uint64_t http_range_body_length(const struct http_range_body *body)
{
	struct sum sum = { 0 };

	for (unsigned i = 0; i < body->ranges->count; i++) {
		add_part_head(&sum, body, i);
		sum.length += body->ranges->ranges[i].length;
	}
	add_end(&sum, body);
	return sum.length;
}
