/* SPDX-License-Identifier: MIT */
/*
 * Reads the options given on the command line. Each option checks its own value. It must not read
 * files.
 */
#include "config/conf_cmdline.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/sys.h"
#include "config/conf.h"
#include "config/conf_cmdline_parts.h"
#include "config/conf_error.h"
#include "config/conf_titled.h"
#include "config/conf_upstream.h"
#include "config/option.h"

enum { OPTIONS_MOST = 256 };

static size_t nearest_candidates(const char **all, char (*names)[OPTION_NAME], size_t most)
{
	size_t count = 0;

	for (; count < option_count && count < most; count++)
		all[count] = option_full_name(&options[count], names[count]);
	return count;
}

static const struct option *find_full(const char *name, struct err *err)
{
	char names[OPTIONS_MOST][OPTION_NAME];
	const char *all[OPTIONS_MOST];
	size_t count = nearest_candidates(all, names, OPTIONS_MOST);

	BUG_ON(count < option_count);

	for (size_t i = 0; i < count; i++)
		if (strcmp(all[i], name) == 0)
			return &options[i];
	conf_cmdline_refuse_name(name, false, all, count, err);
	return NULL;
}

static bool read_value(const struct option *option, void *object, char *value, struct err *err)
{
	const char *words[CONF_CMDLINE_VALUES] = { value };
	size_t count = 1;

	if (option_is_list(option)) {
		count = value[0] == '\0' ? 0 : conf_cmdline_cut(value, words, CONF_CMDLINE_VALUES);
		if (count == 0 && value[0] != '\0')
			return err_set(err, CODE_USAGE, "more than %d values", CONF_CMDLINE_VALUES);
	}
	return option_read(option, object, words, count, err);
}

/* Reads the value of a flag into section main or log, and records the flag as its place. */
static bool set_option(struct conf *conf, const struct option *option, const char *flag,
		       const char *text, const char *value, struct err *err)
{
	char place[CONF_ERROR_PLACE], *copy = strdup(value);
	bool is_good;

	if (copy == NULL)
		return err_errno(err, CODE_OSERR, "cannot keep a value");
	snprintf(place, sizeof(place), "%s %s", flag, text);
	is_good = read_value(option, conf, copy, err) && conf_set_place(conf, option, place, err);
	free(copy);
	return is_good;
}

/* -o listen.service=... and the like may leave options set that have no effect any more. */
static bool check_effects(const struct conf *conf, struct err *err)
{
	for (size_t n = 0; n < conf->listener_count; n++)
		for (size_t i = 0; i < option_count; i++)
			if (options[i].section == SECTION_listen &&
			    !option_is_default(&options[i], &conf->listeners[n]) &&
			    !conf_check_effect_of(&options[i], &conf->listeners[n], err))
				return err_prefix(err, "%s: ", conf->listeners[n].origin);
	return true;
}

/* An object of a titled section; text is the argument of -o. read_value cuts its text in place. */
static bool set_on_object(const struct option *option, void *object, const char *text,
			  const char *value, struct err *err)
{
	char place[CONF_ERROR_PLACE] = "-o ", *copy = strdup(value);
	bool is_good;

	if (copy == NULL)
		return err_errno(err, CODE_OSERR, "cannot keep a value");
	conf_cmdline_show(text, place + 3, sizeof(place) - 3);
	is_good = read_value(option, object, copy, err) &&
		  conf_titled_set_place(object, option, place, err);
	free(copy);
	return is_good;
}

/* text: the argument of -o. */
static bool set_on_listeners(struct conf *conf, const struct option *option, const char *text,
			     const char *value, struct err *err)
{
	bool is_service = strcmp(option->name, "service") == 0;
	bool has_others = is_service || strcmp(option->name, "accept_proxy") == 0;
	size_t known = 0;

	if (is_service && !conf_is_service(value, err))
		return false;
	for (size_t i = 0; i < conf->listener_count; i++) {
		if (!conf_check_effect_of(option, &conf->listeners[i], err))
			continue;
		known++;
		if (!set_on_object(option, &conf->listeners[i], text, value, err))
			return false;
	}
	/* err says why of the last listener */
	return known > 0 && (!has_others || check_effects(conf, err));
}

/* text: the argument of -o. */
static bool set_on_titled(struct conf *conf, const struct option *option, const char *text,
			  const char *value, struct err *err)
{
	size_t count = conf_titled_count(conf, option->section), known = 0;

	for (size_t i = 0; i < count; i++) {
		void *object = conf_titled_get(conf, option->section, i);

		if (!conf_upstream_takes(option, object))
			continue;
		known++;
		if (!set_on_object(option, object, text, value, err))
			return false;
	}
	if (known == 0)
		err_set(err, CODE_USAGE, "there is no %s%s", option_sections[option->section].name,
			option->section == SECTION_upstream ?
				" (the servers of a listener are given by to=)" :
				"");
	return known > 0;
}

static bool apply_option(struct conf *conf, const char *text, char *name, char *value,
			 struct err *err)
{
	const struct option *option = find_full(name, err);

	if (option == NULL)
		return false;
	if (option->section == SECTION_listen)
		return set_on_listeners(conf, option, text, value, err);
	if (conf_titled_has(option->section))
		return set_on_titled(conf, option, text, value, err);
	return set_option(conf, option, "-o", text, value, err);
}

bool conf_cmdline_is_of_listeners(const char *text)
{
	const char *section = option_sections[SECTION_listen].name;

	return strncmp(text, section, strlen(section)) == 0 && text[strlen(section)] == '.';
}

bool conf_cmdline_option(struct conf *conf, const char *text, struct err *err)
{
	char *copy = strdup(text);
	char *equals = copy ? strchr(copy, '=') : NULL;
	bool is_good;

	if (copy == NULL) {
		is_good = err_errno(err, CODE_OSERR, "cannot keep a value");
	} else if (equals == NULL) {
		is_good = err_set(err, CODE_USAGE, "\"=\" is missing (NAME=VALUE)");
	} else {
		*equals = '\0';
		is_good = apply_option(conf, text, copy, equals + 1, err);
	}
	free(copy);
	return is_good || conf_cmdline_blame(err, "-o", text);
}

bool conf_cmdline_workers(struct conf *conf, const char *text, struct err *err)
{
	return set_option(conf, option_find(SECTION_main, "workers"), "-w", text, text, err) ||
	       conf_cmdline_blame(err, "-w", text);
}

bool conf_cmdline_pid_file(struct conf *conf, const char *text, const char *directory,
			   struct err *err)
{
	const struct option *option = option_find(SECTION_main, "pid_file");
	char path[FILE_PATH], here[FILE_PATH];

	if (text[0] == '\0') {
		err_set(err, CODE_USAGE, "a path is needed");
		return conf_cmdline_blame(err, "-p", text);
	}
	if (strcmp(text, "none") == 0)
		return set_option(conf, option, "-p", text, text, err);
	if (directory == NULL && text[0] != '/')
		directory = getcwd(here, sizeof(here));
	if (directory == NULL && text[0] != '/') {
		err_errno(err, CODE_USAGE, "the current directory cannot be found");
		return conf_cmdline_blame(err, "-p", text);
	}
	if (!file_join(directory, text, path)) {
		err_set(err, CODE_USAGE, "the path is too long");
		return conf_cmdline_blame(err, "-p", text);
	}
	return set_option(conf, option, "-p", text, path, err) ||
	       conf_cmdline_blame(err, "-p", text);
}

static const struct flag flag_rows[] = {
#define FLAG_ROW(letter, name, argument, sentence) { letter, name, argument, sentence },
#include "tables/flags.def"
};
const struct flags flags_of_server = { flag_rows, sizeof(flag_rows) / sizeof(flag_rows[0]) };
