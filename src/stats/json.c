/* SPDX-License-Identifier: MIT */
/* Writes the syntax of JSON. Must not depend on the meaning of the members. */
#include "stats/json.h"

void json_next(struct strbuf *text)
{
	char last = text->used > 0 ? text->base[text->used - 1] : '{';

	if (last != '{' && last != '[')
		strbuf_raw(text, ",");
}

void json_key(struct strbuf *text, const char *name)
{
	json_next(text);
	strbuf_raw(text, "\"");
	strbuf_raw(text, name);
	strbuf_raw(text, "\":");
}

/*
 * A text of control characters alone would grow sixfold: the bound keeps the piece within its
 * maximum length.
 */
void json_string(struct strbuf *text, const char *name, const char *value, size_t most)
{
	struct strbuf window;
	size_t room;

	json_key(text, name);
	strbuf_raw(text, "\"");
	room = text->size - text->used;
	window = strbuf_on(text->base + text->used, room < 2 * most ? room : 2 * most);
	strbuf_escaped(&window, STRBUF_JSON, value, most);
	text->used += window.used;
	if (window.is_cut && window.size == room)
		text->is_cut = true;
	strbuf_raw(text, "\"");
}

void json_u64(struct strbuf *text, const char *name, uint64_t value)
{
	json_key(text, name);
	strbuf_u64(text, value);
}

void json_i64(struct strbuf *text, const char *name, int64_t value)
{
	json_key(text, name);
	strbuf_i64(text, value);
}

void json_bool(struct strbuf *text, const char *name, bool value)
{
	json_key(text, name);
	strbuf_raw(text, value ? "true" : "false");
}

void json_seconds(struct strbuf *text, const char *name, int64_t ms)
{
	json_key(text, name);
	if (ms < 0)
		strbuf_raw(text, "null");
	else
		strbuf_micros(text, (uint64_t)ms * 1000);
}
