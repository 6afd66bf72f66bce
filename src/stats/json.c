/* SPDX-License-Identifier: MIT */
/* The form of JSON and nothing of what it says. */
#include "stats/json.h"

void json_next(struct text *text)
{
	char last = text->used > 0 ? text->base[text->used - 1] : '{';

	if (last != '{' && last != '[')
		text_raw(text, ",");
}

void json_key(struct text *text, const char *name)
{
	json_next(text);
	text_raw(text, "\"");
	text_raw(text, name);
	text_raw(text, "\":");
}

/* Rubbish of control characters would grow sixfold: a bound keeps a piece as long as it may be. */
void json_string(struct text *text, const char *name, const char *value, size_t most)
{
	struct text window;
	size_t room;

	json_key(text, name);
	text_raw(text, "\"");
	room = text->size - text->used;
	window = text_on(text->base + text->used, room < 2 * most ? room : 2 * most);
	text_escaped(&window, TEXT_JSON, value, most);
	text->used += window.used;
	if (window.is_cut && window.size == room)
		text->is_cut = true;
	text_raw(text, "\"");
}

void json_u64(struct text *text, const char *name, uint64_t value)
{
	json_key(text, name);
	text_u64(text, value);
}

void json_i64(struct text *text, const char *name, int64_t value)
{
	json_key(text, name);
	text_i64(text, value);
}

void json_bool(struct text *text, const char *name, bool value)
{
	json_key(text, name);
	text_raw(text, value ? "true" : "false");
}

void json_seconds(struct text *text, const char *name, int64_t ms)
{
	json_key(text, name);
	if (ms < 0)
		text_raw(text, "null");
	else
		text_micros(text, (uint64_t)ms * 1000);
}
