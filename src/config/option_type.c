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

/* The blank-separated words of a row. */
enum { WORDS_MOST = 32, WORDS_BYTES = 512 };

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
	const char *nearest;
	struct words words;

	(void)count;
	split_words(&words, option->words);
	for (size_t i = 0; i < words.count; i++)
		if (strcmp(words.list[i], given[0]) == 0) {
			*(int *)field = (int)i;
			return true;
		}
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

static bool choice_equal(const void *a, const void *b)
{
	return *(const int *)a == *(const int *)b;
}

/* A TEXT row whose first word is "path" holds a path: absolute, or one of its other words. */
static bool is_path(const struct option *option, const struct words *words)
{
	return option->words[0] != '\0' && strcmp(words->list[0], "path") == 0;
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
	if (is_path(option, &words)) {
		words.list[0] = "a path that begins with /";
		if (option->fallback[0] == '\0')
			words.list[words.count++] = "empty";
		quote_list(words.list, words.count, text, OPTION_TYPE_ALLOWED);
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
	split_words(&words, option->words);
	if (is_path(option, &words) && !path_fits(&words, given[0]))
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

static const char *nets_allowed(const struct option *option, char *text)
{
	(void)option;
	snprintf(text, OPTION_TYPE_ALLOWED,
		 "a list of addresses and blocks such as 10.0.0.0/8, or unix");
	return text;
}

static void nets_free(void *field)
{
	struct net_list *list = field;

	for (size_t i = 0; i < list->count; i++)
		free(list->texts[i]);
	free(list->texts);
	free(list->nets);
	*list = (struct net_list){ 0 };
}

static bool nets_read(const struct option *option, void *field, const char *const *words,
		      size_t count, struct err *err)
{
	struct net_list *list = field;

	(void)option;
	if (count == 0)
		return true;
	list->nets = calloc(count, sizeof(*list->nets));
	list->texts = calloc(count, sizeof(*list->texts));
	for (size_t i = 0; i < count; i++) {
		if (list->nets == NULL || list->texts == NULL)
			err_set(err, CODE_OSERR, "no memory for %zu addresses", count);
		else if (!net_read(words[i], &list->nets[i], err))
			;
		else if ((list->texts[i] = strdup(words[i])) == NULL)
			err_errno(err, CODE_OSERR, "cannot keep a value");
		else
			list->count++;
		if (list->count != i + 1) {
			nets_free(list);
			return false;
		}
	}
	return true;
}

static void nets_write(const struct option *option, const void *field, FILE *out)
{
	const struct net_list *list = field;

	(void)option;
	fputc('{', out);
	for (size_t i = 0; i < list->count; i++) {
		if (i > 0)
			fputs(", ", out);
		quote_write(list->texts[i], out);
	}
	fputc('}', out);
}

static bool nets_equal(const void *a, const void *b)
{
	const struct net_list *x = a, *y = b;

	if (x->count != y->count)
		return false;
	for (size_t i = 0; i < x->count; i++)
		if (x->nets[i].family != y->nets[i].family || x->nets[i].bits != y->nets[i].bits ||
		    memcmp(x->nets[i].bytes, y->nets[i].bytes, sizeof(x->nets[i].bytes)) != 0)
			return false;
	return true;
}

#define NUMBER_KIND                                                                     \
	{                                                                               \
		sizeof(int64_t), number_read, number_write, number_equal, nothing_free, \
			number_allowed                                                  \
	}

const struct option_type option_types[] = {
	[KIND_COUNT] = NUMBER_KIND,
	[KIND_DURATION] = NUMBER_KIND,
	[KIND_SIZE] = NUMBER_KIND,
	[KIND_MODE] = NUMBER_KIND,
	[KIND_FLAG] = { sizeof(bool), flag_read, flag_write, flag_equal, nothing_free,
			flag_allowed },
	[KIND_CHOICE] = { sizeof(int), choice_read, choice_write, choice_equal, nothing_free,
			  choice_allowed },
	[KIND_TEXT] = { sizeof(char *), text_read, text_write, text_equal, text_free,
			text_allowed },
	[KIND_NETS] = { sizeof(struct net_list), nets_read, nets_write, nets_equal, nets_free,
			nets_allowed },
};
