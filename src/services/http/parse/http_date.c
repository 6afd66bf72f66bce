/* SPDX-License-Identifier: MIT */
/* The formats are patterns, of which each letter stands for a part of the date. */
#include "services/http/parse/http_date.h"

#include <string.h>

#include "base/clock.h"

static const char days[] = "SunMonTueWedThuFriSat";
static const char months[] = CLOCK_MONTHS;

/* Years 1 to 9999: others have no form. */
static const int64_t first_s = INT64_C(-62135596800), last_s = INT64_C(253402300799);

/*
 * a weekday, A the same in full, d day, e day whose first digit may be a blank, b month, Y year, y
 * its last two digits, H hour, m minute, s second. Any other byte stands for itself.
 */
static const char *const patterns[] = {
	"a, d b Y H:m:s GMT", /* IMF-fixdate */
	"A, d-b-y H:m:s GMT", /* rfc850-date */
	"a b e H:m:s Y",      /* asctime-date */
};

static char *write_digits(char *to, unsigned count, int value)
{
	for (unsigned i = count; i > 0; i--, value /= 10)
		to[i - 1] = (char)('0' + value % 10);
	return to + count;
}

static char *write_name(char *to, const char *names, int number)
{
	memcpy(to, names + (size_t)3 * (unsigned)number, 3);
	return to + 3;
}

/* The parts of IMF-fixdate. */
static char *write_part(char *to, char part, const struct date *date)
{
	switch (part) {
	case 'a':
		return write_name(to, days, date->weekday);
	case 'b':
		return write_name(to, months, date->month - 1);
	case 'd':
		return write_digits(to, 2, date->day);
	case 'Y':
		return write_digits(to, 4, date->year);
	case 'H':
		return write_digits(to, 2, date->hour);
	case 'm':
		return write_digits(to, 2, date->minute);
	case 's':
		return write_digits(to, 2, date->second);
	default:
		*to = part;
		return to + 1;
	}
}

const char *http_date(int64_t seconds, char *text)
{
	struct date date = clock_date(seconds < first_s ? first_s :
				      seconds > last_s  ? last_s :
							  seconds);
	char *to = text;

	for (const char *part = patterns[0]; *part != '\0'; part++)
		to = write_part(to, *part, &date);
	*to = '\0';
	return text;
}

static bool take_digits(struct http_text *text, size_t count, int *value)
{
	*value = 0;
	if (text->length < count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (text->at[i] < '0' || text->at[i] > '9')
			return false;
		*value = *value * 10 + (text->at[i] - '0');
	}
	text->at += count;
	text->length -= count;
	return true;
}

static bool take_word(struct http_text *text, const char *word, size_t length)
{
	if (text->length < length || memcmp(text->at, word, length) != 0)
		return false;
	text->at += length;
	text->length -= length;
	return true;
}

/* Takes one of the names, three letters each, which are counted from `first` on. */
static bool take_name(struct http_text *text, const char *names, int first, int *number)
{
	for (*number = first; *names != '\0'; names += 3, (*number)++)
		if (take_word(text, names, 3))
			return true;
	return false;
}

static bool take_long_weekday(struct http_text *text, int *weekday)
{
	static const char *const rests[] = {
		"day", "day", "sday", "nesday", "rsday", "day", "urday"
	};

	return take_name(text, days, 0, weekday) &&
	       take_word(text, rests[*weekday], strlen(rests[*weekday]));
}

static bool take_part(struct http_text *text, char part, struct date *date)
{
	switch (part) {
	case 'a':
		return take_name(text, days, 0, &date->weekday);
	case 'A':
		return take_long_weekday(text, &date->weekday);
	case 'd':
		return take_digits(text, 2, &date->day);
	case 'e':
		return take_digits(text, take_word(text, " ", 1) ? 1 : 2, &date->day);
	case 'b':
		return take_name(text, months, 1, &date->month);
	case 'Y':
		return take_digits(text, 4, &date->year);
	case 'y':
		return take_digits(text, 2, &date->year);
	case 'H':
		return take_digits(text, 2, &date->hour);
	case 'm':
		return take_digits(text, 2, &date->minute);
	case 's':
		return take_digits(text, 2, &date->second);
	default:
		return take_word(text, &part, 1);
	}
}

static bool take_pattern(struct http_text text, const char *pattern, struct date *date)
{
	*date = (struct date){ 0 };
	for (; *pattern != '\0'; pattern++)
		if (!take_part(&text, *pattern, date))
			return false;
	return text.length == 0;
}

/* The latest such year whose date is at most 50 years ahead of now. */
static void complete_year(struct date *date, int64_t now_s)
{
	struct date latest = clock_date(now_s);

	latest.year += 50;
	date->year = latest.year - (latest.year - date->year) % 100;
	if (clock_seconds(date) > clock_seconds(&latest))
		date->year -= 100;
}

/* There is such a day, with that weekday, and such a time; a leap second ends a minute. */
static bool convert_date(struct date date, int64_t *seconds)
{
	bool is_leap = date.second == 60;
	struct date same;

	date.second -= is_leap;
	*seconds = clock_seconds(&date);
	same = clock_date(*seconds);
	*seconds += is_leap;
	return date.year > 0 && memcmp(&same, &date, sizeof(date)) == 0;
}

bool http_date_parse(struct http_text text, int64_t now_s, int64_t *seconds)
{
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		struct date date;

		if (!take_pattern(text, patterns[i], &date))
			continue;
		if (strchr(patterns[i], 'y'))
			complete_year(&date, now_s);
		return convert_date(date, seconds);
	}
	return false;
}
