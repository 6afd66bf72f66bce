/* SPDX-License-Identifier: MIT */
/* The kinds of options that are lists: NETS and LIST. It must not know any option by name. */
#include "config/option_type.h"

#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "base/units.h"
#include "config/conf_server.h"
#include "config/foreign.h"

enum { NAME_VALUE = 128 }; /* of a row of foreign.def */

/* Writes the texts in braces, as the configuration file has a list. */
static void write_texts(char *const *texts, size_t count, FILE *out)
{
	fputc('{', out);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			fputs(", ", out);
		quote_write(texts[i], out);
	}
	fputc('}', out);
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

static bool nets_copy(void *to, const void *from)
{
	const struct net_list *list = from;
	struct err ignored;

	return nets_read(NULL, to, (const char *const *)list->texts, list->count, &ignored);
}

static void nets_write(const struct option *option, const void *field, FILE *out)
{
	const struct net_list *list = field;

	(void)option;
	write_texts(list->texts, list->count, out);
}

static bool nets_equal(const void *a, const void *b)
{
	const struct net_list *x = a, *y = b;

	if (x->count != y->count)
		return false;
	for (size_t i = 0; i < x->count; i++)
		if (!net_equal(&x->nets[i], &y->nets[i]))
			return false;
	return true;
}

const struct option_type option_list_of_nets = { sizeof(struct net_list),
						 nets_read,
						 nets_write,
						 nets_equal,
						 nets_free,
						 nets_copy,
						 nets_allowed };

/* A LIST row whose first word is NAME=VALUE takes assignments, and its other words. */
static bool takes_assignments(const struct option *option)
{
	return strncmp(option->words, "NAME=VALUE", strlen("NAME=VALUE")) == 0;
}

/* True for one of the row's words after the first. */
static bool is_word(const struct option *option, const char *text)
{
	return units_has_word(option->words + strlen("NAME=VALUE"), text);
}

/* A LIST row of the word SERVER takes servers. */
static bool takes_servers(const struct option *option)
{
	return strcmp(option->words, "SERVER") == 0;
}

/* A LIST row of the word PATH takes absolute paths. */
static bool takes_paths(const struct option *option)
{
	return strcmp(option->words, "PATH") == 0;
}

/* A LIST row whose first word is WORD takes its other words alone; NULL: it is another one. */
static const char *words_taken(const struct option *option)
{
	static const char mark[] = "WORD ";

	return strncmp(option->words, mark, strlen(mark)) == 0 ? option->words + strlen(mark) :
								 NULL;
}

static const char *list_allowed(const struct option *option, char *text)
{
	if (takes_assignments(option))
		snprintf(text, OPTION_TYPE_ALLOWED, "a list of NAME=VALUE, or %s",
			 strchr(option->words, ' ') + 1);
	else if (takes_servers(option))
		snprintf(text, OPTION_TYPE_ALLOWED,
			 "a list of servers such as \"10.0.0.1:5432 weight=2\"");
	else if (takes_paths(option))
		snprintf(text, OPTION_TYPE_ALLOWED, "a list of paths that begin with /");
	else if (words_taken(option))
		snprintf(text, OPTION_TYPE_ALLOWED, "a list of the words %s", words_taken(option));
	else
		snprintf(text, OPTION_TYPE_ALLOWED, "a list of texts of %s to %s bytes",
			 option->min, option->max);
	return text;
}

static bool refuse_word(const struct option *option, const char *text, struct err *err)
{
	char shown[QUOTE_TEXT], allowed[OPTION_TYPE_ALLOWED], pair[NAME_VALUE];
	const char *hint;

	snprintf(pair, sizeof(pair), "%s=%s", option->name, text);
	hint = foreign_find(FOREIGN_value, pair);
	return err_set(err, CODE_CONFIG, "%s is unknown (%s%s%s)", quote_show(text, shown),
		       list_allowed(option, allowed), hint ? "; " : "", hint ? hint : "");
}

static bool check_text(const struct option *option, const char *text, struct err *err)
{
	char shown[QUOTE_TEXT], allowed[OPTION_TYPE_ALLOWED];
	int64_t min = 0, max = 0, length = (int64_t)strlen(text);
	struct upstream_server server;

	BUG_ON(!units_read_count(option->min, &min) || !units_read_count(option->max, &max));
	if (length < min || length > max)
		return err_set(err, CODE_CONFIG, "%s is %lld bytes long (%s to %s bytes)",
			       quote_show(text, shown), (long long)length, option->min,
			       option->max);
	if (takes_assignments(option) && strchr(text, '=') <= text && !is_word(option, text))
		return err_set(err, CODE_CONFIG, "%s is not an assignment (%s)",
			       quote_show(text, shown), list_allowed(option, allowed));
	if (takes_paths(option) && text[0] != '/')
		return err_set(err, CODE_CONFIG, "%s is not an absolute path (%s)",
			       quote_show(text, shown), list_allowed(option, allowed));
	if (words_taken(option) && !units_has_word(words_taken(option), text))
		return refuse_word(option, text, err);
	return !takes_servers(option) || conf_server_read(text, &server, err);
}

static void list_free(void *field)
{
	struct text_list *list = field;

	for (size_t i = 0; i < list->count; i++)
		free(list->texts[i]);
	free(list->texts);
	*list = (struct text_list){ 0 };
}

static bool list_copy(void *to, const void *from)
{
	const struct text_list *list = from;
	struct text_list *copy = to;

	if (list->count == 0)
		return true;
	copy->texts = calloc(list->count + 1, sizeof(*copy->texts));
	for (; copy->texts != NULL && copy->count < list->count; copy->count++) {
		copy->texts[copy->count] = strdup(list->texts[copy->count]);
		if (copy->texts[copy->count] == NULL)
			break;
	}
	if (copy->count == list->count)
		return true;
	list_free(copy);
	return false;
}

static bool add_text(const struct option *option, struct text_list *list, const char *text,
		     struct err *err)
{
	if (!check_text(option, text, err))
		return false;
	list->texts[list->count] = strdup(text);
	if (list->texts[list->count] == NULL)
		return err_errno(err, CODE_OSERR, "cannot keep a value");
	list->count++;
	return true;
}

static bool list_read(const struct option *option, void *field, const char *const *words,
		      size_t count, struct err *err)
{
	struct text_list *list = field;

	if (count == 0)
		return true;
	list->texts = calloc(count + 1, sizeof(*list->texts));
	if (list->texts == NULL)
		return err_errno(err, CODE_OSERR, "cannot keep a list");
	for (size_t i = 0; i < count; i++)
		if (!add_text(option, list, words[i], err)) {
			list_free(list);
			return false;
		}
	return true;
}

static void list_write(const struct option *option, const void *field, FILE *out)
{
	const struct text_list *list = field;

	(void)option;
	write_texts(list->texts, list->count, out);
}

static bool list_equal(const void *a, const void *b)
{
	const struct text_list *x = a, *y = b;

	if (x->count != y->count)
		return false;
	for (size_t i = 0; i < x->count; i++)
		if (strcmp(x->texts[i], y->texts[i]) != 0)
			return false;
	return true;
}

const struct option_type option_list_of_texts = { sizeof(struct text_list),
						  list_read,
						  list_write,
						  list_equal,
						  list_free,
						  list_copy,
						  list_allowed };
