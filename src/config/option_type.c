/* SPDX-License-Identifier: MIT */
/*
 * The kinds of options. A word of text becomes a value; the row's bounds are read by the same
 * reader and checked. It must not know any option by name.
 */
#include "config/option_type.h"

#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "base/units.h"
#include "config/auth_hash.h"
#include "config/foreign.h"

/* The blank-separated words of a row. */
enum { WORDS_MOST = 32, WORDS_BYTES = 512, NAME_VALUE = 64 };

struct words {
	const char *list[WORDS_MOST]; /* pointers into bytes */
	size_t count;
	char bytes[WORDS_BYTES];
};

/* Splits text from one of this program's tables, which always fits. */
static void split_words(struct words *words, const char *text)
{
	size_t len = strlen(text);
	char *at = words->bytes;

	BUG_ON(len >= sizeof(words->bytes));
	memcpy(words->bytes, text, len + 1);
	words->count = 0;
	while (*(at += strspn(at, " ")) != '\0') {
		char *end = at + strcspn(at, " ");

		BUG_ON(words->count == WORDS_MOST);
		words->list[words->count++] = at;
		at = end;
		if (*end != '\0') {
			*end = '\0';
			at++;
		}
	}
}

/* The four numeric kinds differ only in reading and writing. */
struct number {
	bool (*read)(const char *text, int64_t *value);
	const char *(*write)(int64_t value, char *text);
	const char *noun, *hint;
};

static const struct number numbers[] = {
	[KIND_COUNT] = { units_read_count, units_write_count, "a number", "" },
	[KIND_DURATION] = { units_read_duration, units_write_duration, "a duration",
			    "a duration such as 30s, " },
	[KIND_SIZE] = { units_read_size, units_write_size, "a size", "a size such as 64k, " },
	[KIND_MODE] = { units_read_mode, units_write_mode, "an octal number", "octal, " },
};

static const char *number_allowed(const struct option *option, char *text)
{
	const struct number *number = &numbers[option->kind];

	snprintf(text, OPTION_TYPE_ALLOWED, "%s%s to %s%s%s", number->hint, option->min,
		 option->max, option->words[0] ? ", or " : "", option->words);
	return text;
}

static bool number_read(const struct option *option, void *field, const char *const *words,
			size_t count, struct err *err)
{
	const struct number *number = &numbers[option->kind];
	char shown[QUOTE_TEXT], allowed[OPTION_TYPE_ALLOWED];
	int64_t value = 0, min = 0, max = 0;

	(void)count;
	if (option->words[0] != '\0' && strcmp(words[0], option->words) == 0) {
		*(int64_t *)field = 0;
		return true;
	}
	if (!number->read(words[0], &value))
		return err_set(err, CODE_CONFIG, "%s is not %s (%s)", quote_show(words[0], shown),
			       number->noun, number_allowed(option, allowed));
	BUG_ON(!number->read(option->min, &min) || !number->read(option->max, &max));
	if (value < min || value > max)
		return err_set(err, CODE_CONFIG, "%s is out of range (%s)",
			       quote_show(words[0], shown), number_allowed(option, allowed));
	*(int64_t *)field = value;
	return true;
}

static void number_write(const struct option *option, const void *field, FILE *out)
{
	int64_t value = *(const int64_t *)field;
	char text[UNITS_TEXT];

	if (value == 0 && option->words[0] != '\0')
		fputs(option->words, out);
	else
		fputs(numbers[option->kind].write(value, text), out);
}

static bool number_equal(const void *a, const void *b)
{
	return *(const int64_t *)a == *(const int64_t *)b;
}

static void nothing_free(void *field)
{
	(void)field;
}

static bool number_copy(void *to, const void *from)
{
	*(int64_t *)to = *(const int64_t *)from;
	return true;
}

static const char *flag_allowed(const struct option *option, char *text)
{
	(void)option;
	snprintf(text, OPTION_TYPE_ALLOWED, "yes or no");
	return text;
}

static bool flag_read(const struct option *option, void *field, const char *const *words,
		      size_t count, struct err *err)
{
	char shown[QUOTE_TEXT];

	(void)option;
	(void)count;
	if (!units_read_flag(words[0], field))
		return err_set(err, CODE_CONFIG, "%s is not a switch (yes or no)",
			       quote_show(words[0], shown));
	return true;
}

static void flag_write(const struct option *option, const void *field, FILE *out)
{
	(void)option;
	fputs(*(const bool *)field ? "yes" : "no", out);
}

static bool flag_copy(void *to, const void *from)
{
	*(bool *)to = *(const bool *)from;
	return true;
}

static bool flag_equal(const void *a, const void *b)
{
	return *(const bool *)a == *(const bool *)b;
}

static const char *choice_allowed(const struct option *option, char *text)
{
	struct words words;

	split_words(&words, option->words);
	quote_list(words.list, words.count, text, OPTION_TYPE_ALLOWED);
	return text;
}

static bool choice_read(const struct option *option, void *field, const char *const *given,
			size_t count, struct err *err)
{
	char shown[QUOTE_TEXT], allowed[OPTION_TYPE_ALLOWED];
	char pair[NAME_VALUE];
	const char *nearest, *hint;
	struct words words;

	(void)count;
	split_words(&words, option->words);
	for (size_t i = 0; i < words.count; i++)
		if (strcmp(words.list[i], given[0]) == 0) {
			*(int *)field = (int)i;
			return true;
		}
	snprintf(pair, sizeof(pair), "%s=%s", option->name, given[0]);
	hint = foreign_find(FOREIGN_value, pair);
	if (hint != NULL)
		return err_set(err, CODE_CONFIG, "%s is unknown (%s; %s)",
			       quote_show(given[0], shown), choice_allowed(option, allowed), hint);
	nearest = units_nearest(given[0], words.list, words.count);
	return err_set(err, CODE_CONFIG, "%s is unknown (%s%s%s%s)", quote_show(given[0], shown),
		       choice_allowed(option, allowed), nearest ? "; did you mean " : "",
		       nearest ? nearest : "", nearest ? "?" : "");
}

static void choice_write(const struct option *option, const void *field, FILE *out)
{
	struct words words;

	split_words(&words, option->words);
	fputs(words.list[*(const int *)field], out);
}

static bool choice_copy(void *to, const void *from)
{
	*(int *)to = *(const int *)from;
	return true;
}

static bool choice_equal(const void *a, const void *b)
{
	return *(const int *)a == *(const int *)b;
}

/* A TEXT row whose first word is "path" holds a path: absolute, or one of its other words. */
bool option_is_program(const struct option *option)
{
	return option->kind == KIND_LIST && strcmp(option->words, "PROGRAM") == 0;
}

bool option_is_path(const struct option *option)
{
	return option->kind == KIND_TEXT && strncmp(option->words, "path", 4) == 0;
}

bool option_is_hash(const struct option *option)
{
	return option->kind == KIND_TEXT && strcmp(option->words, "HASH") == 0;
}

static bool path_fits(const struct words *words, const char *text)
{
	if (text[0] == '/' || text[0] == '\0')
		return true;
	for (size_t i = 1; i < words->count; i++)
		if (strcmp(words->list[i], text) == 0)
			return true;
	return false;
}

static const char *text_allowed(const struct option *option, char *text)
{
	struct words words;

	split_words(&words, option->words);
	if (option_is_path(option)) {
		words.list[0] = "a path that begins with /";
		if (option->fallback[0] == '\0')
			words.list[words.count++] = "empty";
		quote_list(words.list, words.count, text, OPTION_TYPE_ALLOWED);
	} else if (option_is_hash(option)) {
		snprintf(text, OPTION_TYPE_ALLOWED, "a hash of crypt(5)");
	} else if (strcmp(option->min, "0") == 0) {
		snprintf(text, OPTION_TYPE_ALLOWED, "at most %s bytes", option->max);
	} else {
		snprintf(text, OPTION_TYPE_ALLOWED, "%s to %s bytes", option->min, option->max);
	}
	return text;
}

static bool text_read(const struct option *option, void *field, const char *const *given,
		      size_t count, struct err *err)
{
	char shown[QUOTE_TEXT], allowed[OPTION_TYPE_ALLOWED];
	int64_t min = 0, max = 0, len = (int64_t)strlen(given[0]);
	struct words words;

	(void)count;
	BUG_ON(!units_read_count(option->min, &min) || !units_read_count(option->max, &max));
	if (option_is_hash(option) && given[0][0] != '\0' && !auth_hash_check(given[0], err))
		return false;
	split_words(&words, option->words);
	if (option_is_path(option) && !path_fits(&words, given[0]))
		return err_set(err, CODE_CONFIG, "%s is not an absolute path (%s)",
			       quote_show(given[0], shown), text_allowed(option, allowed));
	if (len < min || len > max)
		return err_set(err, CODE_CONFIG, "%s is %lld bytes long (%s to %s bytes)",
			       quote_show(given[0], shown), (long long)len, option->min,
			       option->max);
	*(char **)field = strdup(given[0]);
	if (*(char **)field == NULL)
		return err_errno(err, CODE_OSERR, "cannot keep a value");
	return true;
}

static void text_write(const struct option *option, const void *field, FILE *out)
{
	(void)option;
	quote_write(*(char *const *)field, out);
}

static bool text_equal(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b) == 0;
}

static void text_free(void *field)
{
	free(*(char **)field);
	*(char **)field = NULL;
}

static bool text_copy(void *to, const void *from)
{
	*(char **)to = strdup(*(char *const *)from);
	return *(char **)to != NULL;
}

static const struct option_type number_type = { sizeof(int64_t), number_read,  number_write,
						number_equal,    nothing_free, number_copy,
						number_allowed };
static const struct option_type flag_type = { sizeof(bool), flag_read, flag_write,  flag_equal,
					      nothing_free, flag_copy, flag_allowed };
static const struct option_type choice_type = { sizeof(int),   choice_read,  choice_write,
						choice_equal,  nothing_free, choice_copy,
						choice_allowed };
static const struct option_type text_type = { sizeof(char *), text_read, text_write,  text_equal,
					      text_free,      text_copy, text_allowed };

const struct option_type *const option_types[] = {
	[KIND_COUNT] = &number_type,
	[KIND_DURATION] = &number_type,
	[KIND_SIZE] = &number_type,
	[KIND_MODE] = &number_type,
	[KIND_FLAG] = &flag_type,
	[KIND_CHOICE] = &choice_type,
	[KIND_TEXT] = &text_type,
	[KIND_NETS] = &option_list_of_nets,
	[KIND_LIST] = &option_list_of_texts,
};
