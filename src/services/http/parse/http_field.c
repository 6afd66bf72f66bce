/* SPDX-License-Identifier: MIT */
/*
 * Reads the headers of tables/http_fields.def and keeps where their values are. Request smuggling
 * needs two parties that disagree about a request's end, so anything doubtful is refused.
 */
#include <stdbool.h>
#include <string.h>

#include "services/http/parse/http_field.h"
#include "services/http/parse/http_text.h"

/* Bits of http_request.found. */
enum {
	FOUND_HOST = 1,
	FOUND_LENGTH = 2,
	FOUND_CODING = 4,
	FOUND_CHUNKED = 8,
	FOUND_OTHER_CODING = 16,
	FOUND_CLOSE = 32,
	FOUND_KEEP_ALIVE = 64,
	FOUND_CONTINUE = 128
};

static unsigned take_host(struct http_request *r, struct http_text value)
{
	if (r->found & FOUND_HOST)
		return 400;
	r->found |= FOUND_HOST;
	return value.length == 0 || http_request_is_authority(value.at, value.length) ? 0 : 400;
}

static unsigned take_length(struct http_request *r, struct http_text value)
{
	uint64_t sum = 0;

	if (value.length == 0)
		return 400;
	for (size_t i = 0; i < value.length; i++) {
		if (value.at[i] < '0' || value.at[i] > '9' ||
		    __builtin_mul_overflow(sum, 10, &sum) ||
		    __builtin_add_overflow(sum, (uint64_t)(value.at[i] - '0'), &sum))
			return 400;
	}
	/* twice, even with the same value: a proxy in between might have used the other one */
	if (r->found & FOUND_LENGTH)
		return 400;
	r->found |= FOUND_LENGTH;
	r->content_length = sum;
	return 0;
}

static unsigned take_coding(struct http_request *r, struct http_text value)
{
	struct http_text coding;

	r->found |= FOUND_CODING;
	while (http_text_next(&value, ',', &coding)) {
		/* chunked must come last: behind another coding the end of the body is unknown */
		if (r->found & FOUND_CHUNKED)
			return 400;
		r->found |= HTTP_TEXT_IS(coding, "chunked") ? FOUND_CHUNKED : FOUND_OTHER_CODING;
	}
	return r->found & (FOUND_CHUNKED | FOUND_OTHER_CODING) ? 0 : 400;
}

static unsigned take_connection(struct http_request *r, struct http_text value)
{
	struct http_text option;

	while (http_text_next(&value, ',', &option)) {
		if (HTTP_TEXT_IS(option, "close"))
			r->found |= FOUND_CLOSE;
		else if (HTTP_TEXT_IS(option, "keep-alive"))
			r->found |= FOUND_KEEP_ALIVE;
	}
	return 0;
}

static unsigned take_expect(struct http_request *r, struct http_text value)
{
	struct http_text expectation;

	while (http_text_next(&value, ',', &expectation)) {
		if (HTTP_TEXT_IS(expectation, "100-continue"))
			r->found |= FOUND_CONTINUE;
	}
	return 0;
}

static unsigned take_keep(struct http_request *r, struct http_text value)
{
	(void)r;
	(void)value;
	return 0;
}

/* Rows of the table: first those that are kept. */
enum {
	FIRST_FRAMING = HTTP_FIELDS - 1,
#define HTTP_FIELD(id, name, turn, take)
#define HTTP_FRAMING(id, name, turn, take) FRAMING_##id,
#include "tables/http_fields.def"
	ROWS,

	NAME_MOST = sizeof("if-unmodified-since") - 1,
	TURNS = 3
};

static const struct {
	const char *name;
	unsigned (*take)(struct http_request *r, struct http_text value);
} rows[ROWS] = {
#define HTTP_FIELD(id, name, turn, take)   [HTTP_FIELD_##id] = { name, take_##take },
#define HTTP_FRAMING(id, name, turn, take) [FRAMING_##id] = { name, take_##take },
#include "tables/http_fields.def"
};

/* By the length of a name and its turn: 1 + row, or 0. */
static const uint8_t rows_by_length[NAME_MOST + 1][TURNS] = {
#define HTTP_FIELD(id, name, turn, take)   [sizeof(name) - 1][turn] = 1 + HTTP_FIELD_##id,
#define HTTP_FRAMING(id, name, turn, take) [sizeof(name) - 1][turn] = 1 + FRAMING_##id,
#include "tables/http_fields.def"
};

static uint64_t load_lower(const char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word | UINT64_MAX / 255 * 0x20;
}

/* A token is compared eight bytes at a time; the last eight may overlap those before. */
static bool is_name(const char *token, const char *name, size_t length)
{
	size_t at = 0;

	if (length < sizeof(uint64_t))
		return http_text_is((struct http_text){ token, length }, name, length);
	for (; length - at > sizeof(uint64_t); at += sizeof(uint64_t))
		if (load_lower(token + at) != load_lower(name + at))
			return false;
	at = length - sizeof(uint64_t);
	return load_lower(token + at) == load_lower(name + at);
}

/* The row of the name, or ROWS. */
static unsigned find_row(struct http_text name)
{
	if (name.length > NAME_MOST)
		return ROWS;
	for (unsigned turn = 0; turn < TURNS && rows_by_length[name.length][turn] != 0; turn++) {
		unsigned row = rows_by_length[name.length][turn] - 1;

		if (is_name(name.at, rows[row].name, name.length))
			return row;
	}
	return ROWS;
}

unsigned http_field_take(struct http_request *r, const char *bytes, struct http_span name,
			 struct http_span value)
{
	unsigned row = find_row((struct http_text){ bytes + name.at, name.length });
	struct http_text text;

	if (row == ROWS)
		return 0;
	text = http_text_trim((struct http_text){ bytes + value.at, value.length });
	if (row < HTTP_FIELDS && r->fields[row].at == 0)
		r->fields[row] = (struct http_field_span){ (uint16_t)(text.at - bytes),
							   (uint16_t)text.length };
	else if (row < HTTP_FIELDS)
		r->repeated |= (uint16_t)(1U << row);
	return rows[row].take(r, text);
}

unsigned http_field_judge(struct http_request *r)
{
	bool has_coding = r->found & FOUND_CODING;

	if (r->minor == 1 && !(r->found & FOUND_HOST))
		return 400;
	if (has_coding && (r->found & FOUND_LENGTH || r->minor == 0))
		return 400;
	if (r->found & FOUND_OTHER_CODING)
		return 501;
	if (r->content_length > HTTP_BODY_MOST)
		return 413;
	r->has_chunks = has_coding;
	/* behind CONNECT there may be bytes for the tunnel already, which is not opened */
	r->keep_alive = r->method != HTTP_CONNECT && !(r->found & FOUND_CLOSE) &&
			(r->minor == 1 || r->found & FOUND_KEEP_ALIVE);
	r->expect_continue = r->found & FOUND_CONTINUE && r->minor == 1 &&
			     (r->has_chunks || r->content_length > 0);
	return 0;
}

_Static_assert(HTTP_FIELDS <= 16, "http_request.repeated has a bit for each");

struct http_text http_field_value(const struct http_request *r, const char *head,
				  enum http_field field)
{
	struct http_field_span span = r->fields[field];

	return (struct http_text){ span.at != 0 ? head + span.at : NULL, span.length };
}

/* The line behind the first LF, without its end; false when there is none. */
static bool find_next_line(const char *at, const char *end, struct http_text *line)
{
	const char *lf = memchr(at, '\n', (size_t)(end - at)), *cr;

	if (lf == NULL)
		return false;
	lf++;
	cr = memchr(lf, '\r', (size_t)(end - lf));
	if (cr == NULL || cr == lf)
		return false;
	*line = (struct http_text){ lf, (size_t)(cr - lf) };
	return true;
}

bool http_field_next(const struct http_request *r, const char *head, enum http_field field,
		     struct http_text *value)
{
	const char *end = head + (r->head_length != 0 ? r->head_length : r->seen);
	struct http_text line;

	if (value->at == NULL) {
		*value = http_field_value(r, head, field);
		return value->at != NULL;
	}
	if (!http_field_is_repeated(r, field))
		return false;
	line = *value;
	while (find_next_line(line.at + line.length, end, &line)) {
		const char *colon = memchr(line.at, ':', line.length);
		size_t n = colon ? (size_t)(colon - line.at) : line.length;

		if (colon == NULL || find_row((struct http_text){ line.at, n }) != field)
			continue;
		*value = http_text_trim((struct http_text){ colon + 1, line.length - n - 1 });
		return true;
	}
	return false;
}
