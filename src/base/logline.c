/* SPDX-License-Identifier: MIT */
/*
 * Makes one log line. It knows no event, no level and no descriptor, and what a client sent can
 * neither end a line nor send a terminal a command: control characters are always escaped. Called
 * by base/log.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/logline.h"

enum { TAIL = 4 }; /* always kept free: a closing quote, a closing brace, the newline */

static bool add(struct logline *line, const char *bytes, size_t n)
{
	if (line->full || line->length + n > sizeof(line->text) - TAIL) {
		line->full = true;
		return false;
	}
	memcpy(line->text + line->length, bytes, n);
	line->length += n;
	return true;
}

void logline_begin(struct logline *line, bool json)
{
	line->json = json;
	line->full = false;
	line->length = 0;
}

void logline_raw(struct logline *line, const char *text)
{
	add(line, text, strlen(text));
}

/* Bytes of the well-formed UTF-8 character at c (RFC 3629), 0 when there is none. */
static size_t utf8_length(const unsigned char *c)
{
	static const struct {
		unsigned char first, last, second_first, second_last, length;
	} rows[] = {
		{ 0x01, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (c[0] < rows[i].first || c[0] > rows[i].last)
			continue;
		if (rows[i].length > 1 &&
		    (c[1] < rows[i].second_first || c[1] > rows[i].second_last))
			return 0;
		for (size_t k = 2; k < rows[i].length; k++) {
			if ((c[k] & 0xc0) != 0x80)
				return 0;
		}
		return rows[i].length;
	}
	return 0;
}

/* C0, DEL and C1: the last are two bytes of UTF-8 that terminals obey all the same. */
static bool is_control(const unsigned char *c)
{
	return c[0] < ' ' || c[0] == 0x7f || (c[0] == 0xc2 && c[1] < 0xa0);
}

static size_t escape_control(const unsigned char *c, char *to, size_t size)
{
	static const char letters[] = "\bb\tt\nn\ff\rr";

	for (const char *l = letters; *l; l += 2) {
		if (*l == (char)c[0])
			return (size_t)snprintf(to, size, "\\%c", l[1]);
	}
	return (size_t)snprintf(to, size, "\\u%04x", c[0] == 0xc2 ? c[1] : c[0]);
}

/* Appends the characters of value, each whole or not at all. */
static void add_escaped(struct logline *line, const char *value)
{
	const unsigned char *c = (const unsigned char *)value;
	char escaped[8];

	while (*c) {
		size_t length = utf8_length(c), n;

		if (length == 0) {
			n = (size_t)snprintf(escaped, sizeof(escaped),
					     line->json ? "\\ufffd" : "\\x%02x", *c);
			length = 1;
		} else if (is_control(c)) {
			n = escape_control(c, escaped, sizeof(escaped));
		} else if (*c == '"' || *c == '\\') {
			n = (size_t)snprintf(escaped, sizeof(escaped), "\\%c", *c);
		} else {
			memcpy(escaped, c, length);
			n = length;
		}
		if (!add(line, escaped, n))
			return;
		c += length;
	}
}

static bool needs_quotes(const char *value)
{
	const unsigned char *c = (const unsigned char *)value;
	size_t length;

	if (!*c)
		return true;
	for (; *c; c += length) {
		length = utf8_length(c);
		if (length == 0 || is_control(c) || strchr(" \"=\\", *c))
			return true;
	}
	return false;
}

/* What comes before a value: all of it or nothing, so that a cut leaves no name without a value. */
static bool add_name(struct logline *line, const char *name, const char *quote)
{
	char before[128];
	const char *gap = line->json ? (line->length == 0 ? "{" : ",") :
				       (line->length == 0 ? "" : " ");
	int n = line->json ? snprintf(before, sizeof(before), "%s\"%s\":%s", gap, name, quote) :
			     snprintf(before, sizeof(before), "%s%s=%s", gap, name, quote);

	if (n >= (int)sizeof(before))
		line->full = true;
	return add(line, before, (size_t)n);
}

void logline_text(struct logline *line, const char *name, const char *value)
{
	bool quoted = line->json || needs_quotes(value);

	if (!add_name(line, name, quoted ? "\"" : ""))
		return;
	add_escaped(line, value);
	if (quoted)
		line->text[line->length++] = '"';
}

void logline_number(struct logline *line, const char *name, int64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRId64, value);
	/* a number is whole or absent: a cut one would be a wrong one */
	if (line->length + strlen(name) + strlen(digits) + 8 > sizeof(line->text) - TAIL)
		line->full = true;
	if (add_name(line, name, ""))
		add(line, digits, strlen(digits));
}

void logline_end(struct logline *line)
{
	if (line->json)
		line->text[line->length++] = '}';
	line->text[line->length++] = '\n';
}

/*
 * Days since 1970 to a date of the Gregorian calendar; libc's gmtime_r may read files, which are
 * gone after a chroot.
 */
static void civil(int64_t days, int *year, int *month, int *day)
{
	int64_t shifted = days + 719468; /* since 0000-03-01 */
	int64_t era = shifted / 146097, of_era = shifted % 146097;
	int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t from_march = (5 * of_year + 2) / 153;

	*day = (int)(of_year - (153 * from_march + 2) / 5 + 1);
	*month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
	*year = (int)(year_of_era + era * 400 + (*month <= 2));
}

const char *logline_time(int64_t seconds, int milliseconds, char *text)
{
	int year, month, day, of_day = (int)(seconds % 86400);

	civil(seconds / 86400, &year, &month, &day);
	snprintf(text, LOGLINE_TIME, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", year, month, day,
		 of_day / 3600, of_day / 60 % 60, of_day % 60, milliseconds);
	return text;
}
