/* SPDX-License-Identifier: MIT */
/*
 * Translates libconfuse's messages into the form FILE:LINE: NAME: what is wrong (what is allowed).
 * A message that is not in the table is passed on unchanged.
 */
#include "config/conf_error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "base/units.h"
#include "config/foreign.h"
#include "config/option.h"

/* libconfuse's format, and ours. Both take at most one string: a name, or the text found. */
static const struct {
	const char *theirs, *ours;
	bool is_quoted; /* the text found is shown in quotes */
} rows[] = {
	{ "missing equal sign after option '%s'", "%s: \"=\" is missing after it", false },
	{ "attempt to append to non-list option '%s'", "%s: is not a list (use \"=\")", false },
	{ "missing opening brace for section '%s'", "%s: \"{\" is missing", false },
	{ "missing parenthesis for function '%s'", "%s: the file is missing (include(\"FILE\"))",
	  false },
	{ "syntax error in call of function '%s'", "%s: write include(\"FILE\")", false },
	{ "unexpected token '%s'",
	  "%s is not expected here (NAME = VALUE is; quote a value that has blanks or any of = , ( "
	  ") { } in it)",
	  true },
	{ "invalid octal number '%s'", "%s is not a character (\\000 to \\377)", true },
	{ "bad escape sequence '%s'", "%s is not a character (\\000 to \\377)", true },
	{ "no sub-section title/index for '%s'", "%s: unknown option", false },
	{ "no sub-section '%s' in '%s'", "%s: unknown option", false },
	{ "found duplicate title '%s'", "%s: the title is given twice", true },
	{ "premature end of file", "the file ends in the middle of something", false },
	{ "unexpected closing brace", "\"}\" closes nothing", false },
	{ "unterminated string constant", "a string does not end", false },
};

/* Returns the section that has an option or a section of that name, or NULL. */
static const struct section_row *find_elsewhere(const char *name)
{
	for (int s = 0; s < SECTION_COUNT; s++)
		if (option_sections[s].form == SECTION_NESTED &&
		    strcmp(option_sections[s].name, name) == 0)
			return &option_sections[option_sections[s].options];
	for (size_t i = 0; i < option_count; i++)
		if (strcmp(options[i].name, name) == 0)
			return &option_sections[options[i].section];
	return NULL;
}

/* True when the section may stand in the other one. */
static bool is_inside(const struct section_row *row, enum option_section outer)
{
	if (row->form == SECTION_NESTED)
		return row->options == outer;
	return option_sections[outer].form == SECTION_TOP;
}

static const char *nearest_name(enum option_section section, const char *name)
{
	const char *all[128] = { "include" };
	size_t count = 1;

	for (int s = 0; s < SECTION_COUNT; s++) {
		const struct section_row *row = &option_sections[s];

		if (row->form != SECTION_TOP && is_inside(row, section))
			all[count++] = row->name;
	}
	for (size_t i = 0; i < option_count && count < sizeof(all) / sizeof(all[0]); i++)
		if (option_is_of(section, &options[i]))
			all[count++] = options[i].name;
	return units_nearest(name, all, count);
}

/*
 * Looks in the other sections when the name's own section has no near name: backlgo means listen's
 * backlog.
 */
static const char *nearest_anywhere(enum option_section section, const char *name)
{
	const char *near = nearest_name(section, name);

	for (int s = 0; near == NULL && s < SECTION_COUNT; s++)
		near = nearest_name((enum option_section)s, name);
	return near;
}

/* Writes how a file gives an option whose name was written as the command line does, with a dot. */
static bool write_form(enum option_section here, const char *name, char *text, size_t size)
{
	const struct option *meant = strchr(name, '.') ? option_find_meant(name) : NULL;
	const char *section;

	if (meant == NULL)
		return false;
	section = option_sections[meant->section].name;
	if (meant->section == here)
		snprintf(text, size, "%s = ...", meant->name);
	else if (option_sections[meant->section].form == SECTION_TOP)
		snprintf(text, size, "%s = ... outside of any section", meant->name);
	else if (option_sections[meant->section].form == SECTION_SINGLE)
		snprintf(text, size, "%s { %s = ... }", section, meant->name);
	else
		snprintf(text, size, "%s %s { %s = ... }", section,
			 option_sections[meant->section].sample, meant->name);
	return true;
}

static bool is_name(const char *word)
{
	return word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789_-.")] == '\0';
}

void conf_error_unknown(const char *section, const char *name, struct place place, struct err *err)
{
	const struct section_row *elsewhere = find_elsewhere(name);
	const char *hint = foreign_find(FOREIGN_option, name);
	const char *here = option_foreign(option_find_section(section), name);
	const char *near = nearest_anywhere(option_find_section(section), name);
	bool is_top = elsewhere != NULL && elsewhere->form == SECTION_TOP;
	char at[CONF_ERROR_PLACE], shown[QUOTE_TEXT], form[128];

	conf_error_place(place, at);
	quote_show(name, shown);
	/* a name has no quotes, as in every message */
	shown[strlen(shown) - 1] = '\0';
	if (here != NULL)
		err_set(err, CODE_CONFIG, "%s: %s: unknown option (%s)", at, shown + 1, here);
	else if (elsewhere != NULL)
		err_set(err, CODE_CONFIG, "%s: %s: does not belong here (it belongs to %s%s)", at,
			shown + 1, is_top ? "the top level" : "section ",
			is_top ? "" : elsewhere->name);
	else if (write_form(option_find_section(section), name, form, sizeof(form)))
		err_set(err, CODE_CONFIG, "%s: %s: unknown option (write %s)", at, shown + 1, form);
	else if (hint != NULL)
		err_set(err, CODE_CONFIG, "%s: %s: unknown option (%s)", at, shown + 1, hint);
	else if (near != NULL && strcmp(near, name) != 0)
		err_set(err, CODE_CONFIG, "%s: %s: unknown option (did you mean %s?)", at,
			shown + 1, near);
	else
		err_set(err, CODE_CONFIG, "%s: %s: unknown option%s", at, shown + 1,
			is_name(name) ? "" : " (quote a value that has blanks in it)");
}

static void translate_row(size_t row, va_list parameters, struct place place, struct err *err)
{
	const char *ours = rows[row].ours;
	const char *word = strstr(ours, "%s") ? va_arg(parameters, const char *) : NULL;
	char at[CONF_ERROR_PLACE], shown[QUOTE_TEXT] = "";

	if (word != NULL && rows[row].is_quoted)
		word = quote_show(word, shown);
	if (word == NULL)
		err_set(err, CODE_CONFIG, "%s: %s", conf_error_place(place, at), ours);
	else
		err_set(err, CODE_CONFIG, "%s: %s%s", conf_error_place(place, at), word,
			ours + strlen("%s"));
}

/* Each section has a title of its own. */
static void refuse_untitled(const char *name, struct place place, struct err *err)
{
	const struct section_row *section = &option_sections[option_find_section(name)];
	char at[CONF_ERROR_PLACE];

	err_set(err, CODE_CONFIG, "%s: %s: the %s is missing (%s %s { ... })",
		conf_error_place(place, at), name, section->title, name, section->sample);
}

void conf_error_translate(const char *section, const char *format, va_list parameters,
			  struct place place, struct err *err)
{
	char at[CONF_ERROR_PLACE];

	if (strcmp(format, "no such option '%s'") == 0) {
		conf_error_unknown(section, va_arg(parameters, const char *), place, err);
		return;
	}
	if (strcmp(format, "missing title for section '%s'") == 0) {
		refuse_untitled(va_arg(parameters, const char *), place, err);
		return;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].theirs, format) == 0) {
			translate_row(i, parameters, place, err);
			return;
		}
	err_set(err, CODE_CONFIG, "%s: %s", conf_error_place(place, at), format);
}

void conf_error_last_resort(struct place place, struct err *err)
{
	char at[CONF_ERROR_PLACE];

	if (err->text[0] == '\0')
		err_set(err, CODE_CONFIG,
			"%s: cannot be understood here (NAME = VALUE is expected)",
			conf_error_place(place, at));
}

const char *conf_error_place(struct place place, char *text)
{
	snprintf(text, CONF_ERROR_PLACE, "%s:%d", place.file, place.line);
	return text;
}

const char *conf_error_keep(struct conf_error_files *files, const char *name)
{
	char **more = reallocarray(files->names, files->count + 1, sizeof(*more));

	if (more == NULL)
		return NULL;
	files->names = more;
	more[files->count] = strdup(name);
	return more[files->count] ? more[files->count++] : NULL;
}

void conf_error_drop(struct conf_error_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		free(files->names[i]);
	free(files->names);
	*files = (struct conf_error_files){ 0 };
}
