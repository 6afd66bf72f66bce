/* SPDX-License-Identifier: MIT */
/* Two small checkers of grammars. They do not check the contents. */
#include "unit/grammar_of.h"

#include <ctype.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum { DEPTH_MOST = 16, FAMILIES_MOST = 128, NAME_MOST = 96 };

static bool is_utf8(const char *text, const char **at)
{
	mbstate_t state = { 0 };

	setlocale(LC_CTYPE, "C.UTF-8");
	*at = text;
	while (**at) {
		size_t n = mbrtowc(NULL, *at, 4, &state);

		if (n == 0 || n > 4)
			return false;
		*at += n;
	}
	return true;
}

/*
 * Like strspn(3), whose check in the address sanitizer reads to the end of the text on each call; a
 * report is long.
 */
static size_t span(const char *text, const char *set)
{
	size_t n = 0;

	while (text[n] && strchr(set, text[n]))
		n++;
	return n;
}

static void blanks(const char **c)
{
	*c += span(*c, " \t\r\n");
}

static bool word(const char **c, const char *wanted)
{
	size_t n = strlen(wanted);

	if (strncmp(*c, wanted, n) != 0)
		return false;
	*c += n;
	return true;
}

static bool digits(const char **c)
{
	size_t n = span(*c, "0123456789");

	*c += n;
	return n > 0;
}

/* Rejects a zero before another digit, a point without digits, and infinity. */
static bool number(const char **c)
{
	word(c, "-");
	if (**c == '0' && isdigit((unsigned char)(*c)[1]))
		return false;
	if (!digits(c))
		return false;
	if (word(c, ".") && !digits(c))
		return false;
	if (**c == 'e' || **c == 'E') {
		(*c)++;
		*c += span(*c, "+-") > 0;
		return digits(c);
	}
	return true;
}

static bool string(const char **c)
{
	if (!word(c, "\""))
		return false;
	for (; **c != '"'; (*c)++) {
		if ((unsigned char)**c < ' ')
			return false;
		if (**c != '\\')
			continue;
		(*c)++;
		if (**c == 'u' && span(*c + 1, "0123456789abcdefABCDEF") < 4)
			return false;
		if (**c == '\0' || !strchr("\"\\/bfnrtu", **c))
			return false;
	}
	(*c)++;
	return true;
}

static bool value(const char **c, unsigned depth);

static bool member(const char **c, unsigned depth)
{
	blanks(c);
	if (!string(c))
		return false;
	blanks(c);
	return word(c, ":") && value(c, depth);
}

/* An object or an array. Its first character has been read. */
static bool list(const char **c, const char *end, bool (*item)(const char **c, unsigned depth),
		 unsigned depth)
{
	blanks(c);
	if (word(c, end))
		return true;
	do {
		if (!item(c, depth))
			return false;
		blanks(c);
	} while (word(c, ","));
	return word(c, end);
}

static bool value(const char **c, unsigned depth)
{
	bool is_right;

	if (depth > DEPTH_MOST)
		return false;
	blanks(c);
	if (word(c, "{"))
		is_right = list(c, "}", member, depth + 1);
	else if (word(c, "["))
		is_right = list(c, "]", value, depth + 1);
	else if (**c == '"')
		is_right = string(c);
	else if (**c == '-' || isdigit((unsigned char)**c))
		is_right = number(c);
	else
		is_right = word(c, "true") || word(c, "false") || word(c, "null");
	blanks(c);
	return is_right;
}

bool grammar_of_json(const char *text, const char **at)
{
	if (!is_utf8(text, at))
		return false;
	*at = text;
	return value(at, 0) && **at == '\0';
}

struct families {
	char names[FAMILIES_MOST][NAME_MOST];
	unsigned count;
	bool is_histogram; /* the last one */
	bool has_type;
};

static bool name(const char **c, char *to)
{
	size_t n = span(*c, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:0123456789");

	if (n == 0 || n >= NAME_MOST || isdigit((unsigned char)**c))
		return false;
	memcpy(to, *c, n);
	to[n] = '\0';
	*c += n;
	return true;
}

static bool line_end(const char **c)
{
	while (**c && **c != '\n')
		(*c)++;
	return word(c, "\n");
}

static bool help(const char **c, struct families *seen)
{
	char *fresh = seen->names[seen->count];

	if (seen->count == FAMILIES_MOST || !name(c, fresh) || !word(c, " ") || **c == '\n')
		return false;
	for (unsigned i = 0; i < seen->count; i++)
		if (strcmp(seen->names[i], fresh) == 0)
			return false;
	seen->count++;
	seen->has_type = false;
	return line_end(c);
}

static bool type(const char **c, struct families *seen)
{
	char of[NAME_MOST];

	if (seen->count == 0 || seen->has_type || !name(c, of) ||
	    strcmp(of, seen->names[seen->count - 1]) != 0 || !word(c, " "))
		return false;
	seen->has_type = true;
	seen->is_histogram = word(c, "histogram");
	return (seen->is_histogram || word(c, "counter") || word(c, "gauge")) && word(c, "\n");
}

static bool label_value(const char **c)
{
	if (!word(c, "\""))
		return false;
	for (; **c != '"'; (*c)++) {
		if (word(c, "\\")) {
			if (**c == '\0' || !strchr("\\\"n", **c))
				return false;
		} else if ((unsigned char)**c < ' ' || **c == 0x7f) {
			return false;
		}
	}
	(*c)++;
	return true;
}

static bool labels(const char **c)
{
	char label[NAME_MOST];

	do {
		if (!name(c, label) || !word(c, "=") || !label_value(c))
			return false;
	} while (word(c, ","));
	return word(c, "}");
}

static bool belongs(const struct families *seen, const char *sample)
{
	static const char *const endings[] = { "_bucket", "_sum", "_count" };
	const char *family = seen->names[seen->count - 1];
	size_t n = strlen(family);

	if (!seen->is_histogram)
		return strcmp(sample, family) == 0;
	for (unsigned i = 0; i < 3; i++)
		if (strncmp(sample, family, n) == 0 && strcmp(sample + n, endings[i]) == 0)
			return true;
	return false;
}

static bool sample(const char **c, const struct families *seen)
{
	char of[NAME_MOST];

	if (seen->count == 0 || !seen->has_type || !name(c, of) || !belongs(seen, of))
		return false;
	if (word(c, "{") && !labels(c))
		return false;
	return word(c, " ") && number(c) && word(c, "\n");
}

bool grammar_of_metrics(const char *text, const char **at)
{
	struct families *seen = calloc(1, sizeof(*seen));
	bool is_right = seen && is_utf8(text, at);

	if (is_right)
		*at = text;
	while (is_right && **at) {
		if (word(at, "# HELP "))
			is_right = help(at, seen);
		else if (word(at, "# TYPE "))
			is_right = type(at, seen);
		else
			is_right = sample(at, seen);
	}
	free(seen);
	return is_right;
}
