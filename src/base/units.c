/* SPDX-License-Identifier: MIT */
/*
 * Reads and writes numbers with units, and finds the nearest word. It knows no bounds and makes no
 * messages; both belong to the option.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

struct unit {
	const char *name;
	int64_t factor;
};

/* Larger units first: writing uses the first unit that leaves no remainder. */
static const struct unit duration_units[] = {
	{ "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 }, { NULL, 0 },
};

static const struct unit size_units[] = {
	{ "g", INT64_C(1) << 30 },
	{ "m", 1 << 20 },
	{ "k", 1 << 10 },
	{ NULL, 0 },
};

enum { WORD_MOST = 64 }; /* a longer word has no nearest word */

/*
 * Reads the digits at *text and moves *text behind them. Returns false for no digits or an
 * overflow.
 */
static bool read_digits(const char **text, int base, int64_t *value)
{
	const char *c = *text;
	int64_t sum = 0;

	for (; *c >= '0' && *c < '0' + base; c++) {
		if (__builtin_mul_overflow(sum, base, &sum) ||
		    __builtin_add_overflow(sum, *c - '0', &sum))
			return false;
	}
	if (c == *text)
		return false;
	*text = c;
	*value = sum;
	return true;
}

static bool read_unit(const char *text, const struct unit *units, int64_t bare, int64_t *value)
{
	int64_t factor = bare, number;

	if (!read_digits(&text, 10, &number))
		return false;
	if (*text) {
		while (units->name && strcmp(text, units->name) != 0)
			units++;
		factor = units->factor;
	}
	if (factor == 0 || __builtin_mul_overflow(number, factor, &number))
		return false;
	*value = number;
	return true;
}

static bool read_number(const char *text, int base, int64_t *value)
{
	int64_t number;

	if (!read_digits(&text, base, &number) || *text)
		return false;
	*value = number;
	return true;
}

bool units_read_count(const char *text, int64_t *value)
{
	return read_number(text, 10, value);
}

bool units_read_duration(const char *text, int64_t *value_ms)
{
	return read_unit(text, duration_units, 1000, value_ms);
}

/* Adds tenths, hundredths and thousandths to the seconds in `whole`. */
static bool read_fraction(const char *digits, int64_t whole, int64_t *value_ms)
{
	int64_t place_ms = 100;

	if (*digits < '0' || *digits > '9' || __builtin_mul_overflow(whole, 1000, &whole))
		return false;
	for (; *digits >= '0' && *digits <= '9' && place_ms > 0; digits++, place_ms /= 10)
		if (__builtin_add_overflow(whole, (*digits - '0') * place_ms, &whole))
			return false;
	if (strcmp(digits, "") != 0 && strcmp(digits, "s") != 0)
		return false;
	*value_ms = whole;
	return true;
}

bool units_read_seconds(const char *text, int64_t *value_ms)
{
	const char *after = text;
	int64_t whole;

	if (read_digits(&after, 10, &whole) && *after == '.')
		return read_fraction(after + 1, whole, value_ms);
	return units_read_duration(text, value_ms);
}

bool units_read_size(const char *text, int64_t *value_bytes)
{
	char lower[UNITS_TEXT];
	size_t length = strlen(text);

	if (length >= sizeof(lower))
		return false;
	for (size_t i = 0; i <= length; i++)
		lower[i] = (char)tolower((unsigned char)text[i]);
	return read_unit(lower, size_units, 1, value_bytes);
}

bool units_read_flag(const char *text, bool *value)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {
		{ "yes", true },  { "no", false },  { "on", true },
		{ "off", false }, { "true", true }, { "false", false },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i].word) == 0) {
			*value = words[i].value;
			return true;
		}
	}
	return false;
}

bool units_read_mode(const char *text, int64_t *value)
{
	return read_number(text, 8, value);
}

static const char *write_unit(int64_t value, const struct unit *units, char *text)
{
	while (units->name && (value == 0 || value % units->factor != 0))
		units++;
	if (units->name)
		snprintf(text, UNITS_TEXT, "%" PRId64 "%s", value / units->factor, units->name);
	else
		snprintf(text, UNITS_TEXT, "%" PRId64, value);
	return text;
}

const char *units_write_count(int64_t value, char *text)
{
	snprintf(text, UNITS_TEXT, "%" PRId64, value);
	return text;
}

const char *units_write_duration(int64_t value_ms, char *text)
{
	return write_unit(value_ms, duration_units, text);
}

const char *units_write_size(int64_t value_bytes, char *text)
{
	return write_unit(value_bytes, size_units, text);
}

const char *units_write_mode(int64_t value, char *text)
{
	snprintf(text, UNITS_TEXT, value == 0 ? "%" PRIo64 : "0%" PRIo64, (uint64_t)value);
	return text;
}

static bool same_letter(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static size_t lesser_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edit distance with swaps of neighbours, over three rows of the usual table; case is ignored. */
static size_t edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t rows[3][WORD_MOST + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];

	for (size_t j = 0; j <= b_length; j++)
		last[j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		size_t *oldest = before;

		row[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			size_t other = !same_letter(a[i - 1], b[j - 1]);

			row[j] = lesser_of(last[j - 1] + other, lesser_of(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) &&
			    same_letter(a[i - 2], b[j - 1]))
				row[j] = lesser_of(row[j], before[j - 2] + 1);
		}
		before = last;
		last = row;
		row = oldest;
	}
	return last[b_length];
}

const char *units_nearest(const char *text, const char *const *words, size_t count)
{
	const char *nearest = NULL;
	size_t length = strlen(text), nearest_distance = SIZE_MAX;

	if (length < 2 || length > WORD_MOST)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t word_length = strlen(words[i]);
		size_t longer = length > word_length ? length : word_length, far;

		if (word_length < 2 || word_length > WORD_MOST)
			continue;
		/*
		 * one error per three letters counts as a typing error; more make it another word
		 */
		far = edit_distance(text, length, words[i], word_length);
		if (far <= (longer < 6 ? 1 : longer / 3) && far < nearest_distance) {
			nearest = words[i];
			nearest_distance = far;
		}
	}
	return nearest;
}

bool units_has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = list; *(at += strspn(at, " ")) != '\0'; at += strcspn(at, " "))
		if (length > 0 && strcspn(at, " ") == length && strncmp(at, word, length) == 0)
			return true;
	return false;
}
