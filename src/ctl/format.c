/* SPDX-License-Identifier: MIT */
/* Formats numbers. Must not depend on the things that they count. */
#include "ctl/format.h"

#include <inttypes.h>
#include <stdio.h>

enum { MINUTE_S = 60, HOUR_S = 60 * MINUTE_S, DAY_S = 24 * HOUR_S };

/* In the largest unit that leaves a number of at least 1; with one decimal below 100. */
static const char *format_scaled(uint64_t value, uint64_t base, char *text)
{
	static const char letters[] = "kMGTPE";
	uint64_t unit = base;
	unsigned i = 0;

	while (letters[i + 1] != '\0' && value / base >= unit) {
		unit *= base;
		i++;
	}
	if (value / unit < 100)
		snprintf(text, FORMAT_TEXT, "%" PRIu64 ".%u%c", value / unit,
			 (unsigned)(value % unit * 10 / unit), letters[i]);
	else
		snprintf(text, FORMAT_TEXT, "%" PRIu64 "%c", value / unit, letters[i]);
	return text;
}

const char *format_count(uint64_t value, char *text)
{
	if (value >= 10000)
		return format_scaled(value, 1000, text);
	snprintf(text, FORMAT_TEXT, "%" PRIu64, value);
	return text;
}

const char *format_bytes(uint64_t bytes, char *text)
{
	if (bytes >= 1024)
		return format_scaled(bytes, 1024, text);
	snprintf(text, FORMAT_TEXT, "%" PRIu64, bytes);
	return text;
}

const char *format_age(int64_t seconds, char *text)
{
	static const struct {
		int64_t unit, part;
		char letter, part_letter;
	} rows[] = { { DAY_S, HOUR_S, 'd', 'h' },
		     { HOUR_S, MINUTE_S, 'h', 'm' },
		     { MINUTE_S, 1, 'm', 's' } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (seconds < rows[i].unit)
			continue;
		snprintf(text, FORMAT_TEXT, "%" PRId64 "%c%" PRId64 "%c", seconds / rows[i].unit,
			 rows[i].letter, seconds % rows[i].unit / rows[i].part,
			 rows[i].part_letter);
		return text;
	}
	snprintf(text, FORMAT_TEXT, "%" PRId64 "s", seconds < 0 ? 0 : seconds);
	return text;
}

const char *format_span(int64_t us, char *text)
{
	if (us < 0)
		us = 0;
	if (us < 1000)
		snprintf(text, FORMAT_TEXT, "%" PRId64 "us", us);
	else if (us < 10000)
		snprintf(text, FORMAT_TEXT, "%" PRId64 ".%" PRId64 "ms", us / 1000, us / 100 % 10);
	else if (us < 1000000)
		snprintf(text, FORMAT_TEXT, "%" PRId64 "ms", us / 1000);
	else if (us < (int64_t)MINUTE_S * 1000000)
		snprintf(text, FORMAT_TEXT, "%" PRId64 ".%" PRId64 "s", us / 1000000,
			 us / 100000 % 10);
	else
		return format_age(us / 1000000, text);
	return text;
}

const char *format_percent(int64_t tenths, char *text)
{
	if (tenths < 0)
		tenths = 0;
	if (tenths < 1000)
		snprintf(text, FORMAT_TEXT, "%" PRId64 ".%" PRId64, tenths / 10, tenths % 10);
	else
		snprintf(text, FORMAT_TEXT, "%" PRId64, tenths / 10);
	return text;
}
