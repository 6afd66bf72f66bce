/* SPDX-License-Identifier: MIT */
/* Reads and shows the flags of a command line. It knows no flag by name. */
#include "base/flags.h"

#include <getopt.h>

#include "base/quote.h"

enum { FLAGS_MOST = 32, NO_LETTER_BELOW = 32 };

/*
 * Writes the table in getopt_long's two forms. The leading ":" makes a missing value
 * distinguishable; without "+", getopt moves the words that are no flags to the end.
 */
static void make_getopt(struct flags flags, char *letters, struct option *rows)
{
	BUG_ON(flags.count >= FLAGS_MOST);
	*letters++ = ':';
	for (size_t i = 0; i < flags.count; i++) {
		const struct flag *flag = &flags.rows[i];
		bool has_value = flag->argument[0] != '\0';

		rows[i] = (struct option){ flag->name, has_value, NULL, flag->letter };
		if (flag->letter < NO_LETTER_BELOW)
			continue;
		*letters++ = (char)flag->letter;
		if (has_value)
			*letters++ = ':';
	}
	*letters = '\0';
}

static const struct flag *find_flag(struct flags flags, int letter)
{
	for (size_t i = 0; i < flags.count; i++)
		if (flags.rows[i].letter == letter)
			return &flags.rows[i];
	return NULL;
}

static bool refuse_flag(struct flags flags, int result, char **argv, struct err *err)
{
	const struct flag *flag = optopt != 0 ? find_flag(flags, optopt) : NULL;
	char shown[QUOTE_TEXT], letter[] = { '-', (char)optopt, '\0' };

	if (result == ':' && flag != NULL)
		return err_set(err, CODE_USAGE, "--%s: a value is missing (%s)", flag->name,
			       flag->argument);
	if (flag != NULL)
		return err_set(err, CODE_USAGE, "--%s: takes no value", flag->name);
	return err_set(err, CODE_USAGE, "%s: unknown flag (-h lists them)",
		       quote_show(optopt != 0 ? letter : argv[optind - 1], shown));
}

int flags_read(struct flags flags, int argc, char **argv,
	       bool (*take)(void *owner, int letter, const char *value, struct err *err),
	       void *owner, struct err *err)
{
	struct option rows[FLAGS_MOST] = { 0 };
	char letters[2 * FLAGS_MOST + 2];
	int letter;

	make_getopt(flags, letters, rows);
	opterr = 0;
	optind = 0; /* glibc: start again, because a program reads more than one command line */
	while ((letter = getopt_long(argc, argv, letters, rows, NULL)) != -1) {
		if (letter == '?' || letter == ':') {
			refuse_flag(flags, letter, argv, err);
			return -1;
		}
		if (!take(owner, letter, optarg, err))
			return -1;
	}
	return optind;
}

void flags_help(struct flags flags, FILE *out)
{
	for (size_t i = 0; i < flags.count; i++) {
		const struct flag *flag = &flags.rows[i];
		char name[64];

		snprintf(name, sizeof(name), "--%s %s", flag->name, flag->argument);
		if (flag->letter < NO_LETTER_BELOW)
			fprintf(out, "      %-21s %s\n", name, flag->sentence);
		else
			fprintf(out, "  -%c, %-21s %s\n", flag->letter, name, flag->sentence);
	}
}
