/* SPDX-License-Identifier: MIT */
/*
 * Formats one log line: names, separators and quotes. It knows no event, no level and no
 * descriptor. Text from a client is escaped by base/strbuf.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/logline.h"
#include "base/strbuf.h"

enum { TAIL = 4 }; /* reserved room: a closing quote, a closing brace, the newline */

/* The line as a strbuf, without the reserved tail, and back. */
static struct strbuf open_line(struct logline *line)
{
	return (struct strbuf){ .base = line->text,
				.used = line->length,
				.size = line->most - TAIL,
				.is_cut = line->full };
}

static void close_line(struct logline *line, const struct strbuf *text)
{
	line->length = text->used;
	line->full = text->is_cut;
}

void logline_begin(struct logline *line, bool json, size_t most)
{
	line->json = json;
	line->most = most;
	line->full = false;
	line->length = 0;
}

void logline_raw(struct logline *line, const char *text)
{
	struct strbuf to = open_line(line);

	strbuf_raw(&to, text);
	close_line(line, &to);
}

/* Writes everything before a value. The caller removes it when the text was cut in it. */
static void put_name(struct strbuf *to, bool json, const char *name, const char *quote)
{
	if (json)
		strbuf_raw(to, to->used == 0 ? "{\"" : ",\"");
	else if (to->used > 0)
		strbuf_raw(to, " ");
	strbuf_raw(to, name);
	strbuf_raw(to, json ? "\":" : "=");
	strbuf_raw(to, quote);
}

void logline_text(struct logline *line, const char *name, const char *value)
{
	bool quoted = line->json || !strbuf_is_bare(value), is_named;
	struct strbuf to = open_line(line);
	size_t before = to.used;

	put_name(&to, line->json, name, quoted ? "\"" : "");
	is_named = !to.is_cut;
	/* after a cut no name is left without a value */
	if (is_named)
		strbuf_escaped(&to, line->json ? STRBUF_JSON : STRBUF_LOGFMT, value, SIZE_MAX);
	else
		to.used = before;
	close_line(line, &to);
	if (is_named && quoted)
		line->text[line->length++] = '"';
}

void logline_number(struct logline *line, const char *name, int64_t value)
{
	struct strbuf to = open_line(line);
	size_t before = to.used;

	put_name(&to, line->json, name, "");
	strbuf_i64(&to, value);
	/* a number is whole or absent: a cut number would be a wrong number */
	if (to.is_cut)
		to.used = before;
	close_line(line, &to);
}

void logline_end(struct logline *line)
{
	if (line->json)
		line->text[line->length++] = '}';
	line->text[line->length++] = '\n';
}

const char *logline_time(int64_t seconds, int milliseconds, char *text)
{
	struct date date = clock_date(seconds);

	snprintf(text, LOGLINE_TIME, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", date.year, date.month,
		 date.day, date.hour, date.minute, date.second, milliseconds);
	return text;
}
