/* SPDX-License-Identifier: MIT */
/* Cuts the texts of flags, and makes the messages about them. It must not know any flag. */
#include "config/conf_cmdline_parts.h"

#include <stdio.h>
#include <string.h>

#include "base/quote.h"
#include "base/units.h"
#include "config/conf_error.h"
#include "config/foreign.h"
#include "config/option.h"

/* The value in the text that is none to show, up to its comma; NULL: there is none. */
static const char *find_hash(const char *text, size_t *length)
{
	for (size_t i = 0; i < option_count; i++) {
		const char *name = options[i].name, *at = text;
		size_t n = strlen(name);

		if (!option_is_hash(&options[i]))
			continue;
		while ((at = strstr(at, name)) != NULL) {
			at += n;
			if (*at != '=')
				continue;
			*length = strcspn(++at, ",");
			return at;
		}
	}
	return NULL;
}

const char *conf_cmdline_show(const char *text, char *shown, size_t size)
{
	const char *hash;
	size_t used = 0, length = 0;

	shown[0] = '\0';
	while (used < size && (hash = find_hash(text, &length)) != NULL) {
		used += (size_t)snprintf(shown + used, size - used, "%.*s...", (int)(hash - text),
					 text);
		text = hash + length;
	}
	if (used < size)
		snprintf(shown + used, size - used, "%s", text);
	return shown;
}

bool conf_cmdline_blame(struct err *err, const char *flag, const char *text)
{
	char shown[QUOTE_TEXT], safe[CONF_ERROR_PLACE];

	if (err->code != CODE_OSERR)
		err->code = CODE_USAGE;
	quote_show(conf_cmdline_show(text, safe, sizeof(safe)), shown);
	if (text[0] == '\0')
		return err_prefix(err, "%s %s: ", flag, shown);
	shown[strlen(shown) - 1] = '\0';
	return err_prefix(err, "%s %s: ", flag, shown + 1);
}

/* Writes how the command line gives an option that was written without its section, or with one. */
static bool write_form(const char *name, bool of_listener, char *text, size_t size)
{
	const struct option *meant = option_find_meant(name);
	char full[OPTION_NAME];

	if (meant == NULL)
		return false;
	option_full_name(meant, full);
	if (meant->section == SECTION_listen && of_listener)
		snprintf(text, size, "write %s=...", meant->name);
	else if (meant->section == SECTION_listen)
		snprintf(text, size,
			 "write %s=... for every listener, or -l ADDRESS=SERVICE,%s=... for one",
			 full, meant->name);
	else
		snprintf(text, size, "write %s%s=...", of_listener ? "-o " : "", full);
	return true;
}

/* The hint of the place where the name was given: after -l, or in the section before its dot. */
static const char *find_here(const char *name, bool of_listener)
{
	const char *dot = strrchr(name, '.');
	char section[OPTION_NAME];

	if (of_listener && foreign_find(FOREIGN_l, name) != NULL)
		return foreign_find(FOREIGN_l, name);
	if (of_listener)
		return option_foreign(SECTION_listen, name);
	snprintf(section, sizeof(section), "%.*s", dot ? (int)(dot - name) : 0, name);
	return option_foreign(option_find_section(section), dot ? dot + 1 : name);
}

bool conf_cmdline_refuse_name(const char *name, bool of_listener, const char *const *all,
			      size_t count, struct err *err)
{
	const char *dot = strrchr(name, '.');
	const char *hint = foreign_find(FOREIGN_option, dot ? dot + 1 : name);
	const char *near = units_nearest(name, all, count);
	const char *here = find_here(name, of_listener);
	char shown[QUOTE_TEXT], form[192];

	quote_show(name, shown);
	if (here != NULL && of_listener)
		return err_set(err, CODE_USAGE, "%s is an unknown option (%s)", shown, here);
	if (write_form(name, of_listener, form, sizeof(form)))
		return err_set(err, CODE_USAGE, "%s is an unknown option (%s)", shown, form);
	hint = here != NULL ? here : hint;
	if (hint != NULL)
		return err_set(err, CODE_USAGE, "%s is an unknown option (%s)", shown, hint);
	return err_set(err, CODE_USAGE, "%s is an unknown option%s%s%s", shown,
		       near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
}

size_t conf_cmdline_cut(char *text, const char **pieces, size_t most)
{
	size_t count = 0;

	for (char *at = text; at != NULL;) {
		char *comma = strchr(at, ',');

		if (count == most)
			return 0;
		if (comma != NULL)
			*comma++ = '\0';
		pieces[count++] = at;
		at = comma;
	}
	return count;
}
