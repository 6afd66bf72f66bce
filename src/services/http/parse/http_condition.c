/* SPDX-License-Identifier: MIT */
/* Compares entity tags and dates. It reads no file. */
#include "services/http/parse/http_condition.h"

#include <string.h>

#include "services/http/parse/http_date.h"

struct entity_tag {
	struct http_text opaque; /* with its quotes */
	bool is_weak;
};

static bool is_same(struct http_text a, struct http_text b)
{
	return a.length == b.length && memcmp(a.at, b.at, a.length) == 0;
}

static void skip(struct http_text *text, size_t n)
{
	text->at += n;
	text->length -= n;
}

/* The length of a quoted tag at the front, or 0. Within it \ is a byte like any other (8.8.3). */
static size_t measure_opaque(struct http_text text)
{
	size_t n = 1;

	if (text.length == 0 || *text.at != '"')
		return 0;
	while (n < text.length && (unsigned char)text.at[n] > ' ' && text.at[n] != 0x7f &&
	       text.at[n] != '"')
		n++;
	return n < text.length && text.at[n] == '"' ? n + 1 : 0;
}

static bool take_tag(struct http_text *text, struct entity_tag *tag)
{
	size_t n;

	tag->is_weak = text->length > 2 && memcmp(text->at, "W/", 2) == 0;
	if (tag->is_weak)
		skip(text, 2);
	n = measure_opaque(*text);
	tag->opaque = (struct http_text){ text->at, n };
	skip(text, n);
	return n > 0;
}

/* Takes what is between two tags: blanks and at least one comma, unless it is the end. */
static bool take_separator(struct http_text *text)
{
	bool has_comma = false;

	for (; text->length > 0 && memchr(" \t,", *text->at, 3); skip(text, 1))
		has_comma = has_comma || *text->at == ',';
	return has_comma || text->length == 0;
}

struct wanted {
	struct http_text tag;
	bool is_strong; /* 8.8.3.2: which comparison */
};

/* Sets *matches if the line has the tag; false when it is no list of tags. */
static bool search_line(struct http_text line, const struct wanted *wanted, bool *matches)
{
	struct entity_tag tag;

	take_separator(&line);
	while (line.length > 0) {
		if (!take_tag(&line, &tag) || !take_separator(&line))
			return false;
		if (wanted->tag.at != NULL && is_same(tag.opaque, wanted->tag) &&
		    !(wanted->is_strong && tag.is_weak))
			*matches = true;
	}
	return true;
}

/* True when the field is * or has the tag. */
static bool has_tag(const struct http_request *r, const char *head, enum http_field field,
		    struct wanted wanted)
{
	struct http_text line = { 0 };
	bool matches = false;

	if (!http_field_is_repeated(r, field) &&
	    HTTP_TEXT_IS(http_field_value(r, head, field), "*"))
		return true;
	while (http_field_next(r, head, field, &line))
		if (!search_line(line, &wanted, &matches))
			return false;
	return matches;
}

static bool has_field(const struct http_request *r, enum http_field field)
{
	return r->fields[field].at != 0;
}

/* True when the field is one valid date. */
static bool read_date(const struct http_request *r, const char *head, enum http_field field,
		      int64_t now_s, int64_t *seconds)
{
	return has_field(r, field) && !http_field_is_repeated(r, field) &&
	       http_date_parse(http_field_value(r, head, field), now_s, seconds);
}

static bool is_get_or_head(const struct http_request *r)
{
	return r->method == HTTP_GET || r->method == HTTP_HEAD;
}

/* Steps 1 and 2 of 13.2.2. */
static bool is_still_the_same(const struct http_request *r, const char *head,
			      const struct http_validators *file)
{
	int64_t date_s;

	if (has_field(r, HTTP_FIELD_IF_MATCH))
		return has_tag(r, head, HTTP_FIELD_IF_MATCH, (struct wanted){ file->tag, true });
	return !read_date(r, head, HTTP_FIELD_IF_UNMODIFIED_SINCE, file->now_s, &date_s) ||
	       file->modified_s <= date_s;
}

/* Steps 3 and 4. */
static bool is_known(const struct http_request *r, const char *head,
		     const struct http_validators *file)
{
	int64_t date_s;

	if (has_field(r, HTTP_FIELD_IF_NONE_MATCH))
		return has_tag(r, head, HTTP_FIELD_IF_NONE_MATCH,
			       (struct wanted){ file->tag, false });
	return is_get_or_head(r) &&
	       read_date(r, head, HTTP_FIELD_IF_MODIFIED_SINCE, file->now_s, &date_s) &&
	       file->modified_s <= date_s;
}

unsigned http_condition_judge(const struct http_request *r, const char *head,
			      const struct http_validators *file)
{
	if (!is_still_the_same(r, head, file))
		return 412;
	if (!is_known(r, head, file))
		return 200;
	return is_get_or_head(r) ? 304 : 412;
}

bool http_condition_allows_range(const struct http_request *r, const char *head,
				 const struct http_validators *file)
{
	struct http_text value = http_field_value(r, head, HTTP_FIELD_IF_RANGE);
	int64_t date_s;

	if (value.at == NULL)
		return true;
	if (http_field_is_repeated(r, HTTP_FIELD_IF_RANGE))
		return false;
	if (file->tag.at != NULL && is_same(value, file->tag))
		return true;
	return http_date_parse(value, file->now_s, &date_s) && date_s == file->modified_s &&
	       file->modified_s < file->now_s - 1;
}
