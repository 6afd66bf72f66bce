/* SPDX-License-Identifier: MIT */
/* Builds the list of programs and checks its references. It does not look for the commands. */
#include "config/conf_program.h"

#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "base/units.h"
#include "config/option.h"

enum { NAMES_MOST = 64 };

static bool is_title_good(const struct conf *conf, const char *title, struct err *err)
{
	const struct program_conf *other = conf_program_find(conf, title);

	if (title[0] == '\0' || strlen(title) > 63)
		return err_set(err, CODE_CONFIG, "the title has to be of 1 to 63 bytes");
	if (other != NULL)
		return err_set(err, CODE_CONFIG, "the title is given twice (first: %s)",
			       other->origin);
	return true;
}

struct program_conf *conf_program_add(struct conf *conf, const char *title, const char *origin,
				      struct err *err)
{
	struct program_conf *list, *added;

	if (!is_title_good(conf, title, err))
		return NULL;
	list = reallocarray(conf->programs, conf->program_count + 1, sizeof(*list));
	if (list == NULL) {
		err_errno(err, CODE_OSERR, "cannot keep a program");
		return NULL;
	}
	conf->programs = list;
	added = &list[conf->program_count++];
	memset(added, 0, sizeof(*added));
	added->title = strdup(title);
	added->origin = strdup(origin);
	if (added->title == NULL || added->origin == NULL) {
		err_errno(err, CODE_OSERR, "cannot keep a program");
		return NULL;
	}
	return option_defaults(SECTION_program, added, err) ? added : NULL;
}

static void free_program(struct program_conf *program)
{
	option_free(SECTION_program, program);
	free(program->title);
	free(program->origin);
}

void conf_program_drop_all(struct conf *conf)
{
	for (size_t i = 0; i < conf->program_count; i++)
		free_program(&conf->programs[i]);
	free(conf->programs);
	conf->programs = NULL;
	conf->program_count = 0;
}

const struct program_conf *conf_program_find(const struct conf *conf, const char *title)
{
	for (size_t i = 0; i < conf->program_count; i++)
		if (conf->programs[i].title && strcmp(conf->programs[i].title, title) == 0)
			return &conf->programs[i];
	return NULL;
}

bool conf_program_owns(const struct listen_conf *listen)
{
	return strcmp(listen->service, "program") == 0;
}

bool conf_program_has_listener(const struct conf *conf, const struct program_conf *program)
{
	for (size_t i = 0; i < conf->listener_count; i++)
		if (conf_program_owns(&conf->listeners[i]) &&
		    strcmp(conf->listeners[i].program, program->title) == 0)
			return true;
	return false;
}

void conf_program_drop_unused(struct conf *conf, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < conf->program_count; i++) {
		if (i >= count || conf_program_has_listener(conf, &conf->programs[i]))
			conf->programs[kept++] = conf->programs[i];
		else
			free_program(&conf->programs[i]);
	}
	conf->program_count = kept;
}

static bool refuse_reference(const struct conf *conf, const struct listen_conf *listen,
			     struct err *err)
{
	const char *names[NAMES_MOST], *nearest;
	char shown[QUOTE_TEXT];
	size_t count = 0;

	if (listen->program[0] == '\0')
		return err_set(err, CODE_CONFIG,
			       "%s: listen.program: is missing (the title of a section program)",
			       listen->origin);
	for (; count < conf->program_count && count < NAMES_MOST; count++)
		names[count] = conf->programs[count].title;
	nearest = units_nearest(listen->program, names, count);
	return err_set(err, CODE_CONFIG, "%s: listen.program: there is no program %s%s%s%s",
		       listen->origin, quote_show(listen->program, shown),
		       nearest ? " (did you mean " : "", nearest ? nearest : "",
		       nearest ? "?)" : "");
}

static bool check_program(const struct conf *conf, const struct program_conf *program,
			  struct err *err)
{
	char shown[QUOTE_TEXT];

	if (program->command.count == 0)
		return err_set(err, CODE_CONFIG,
			       "%s: program.command: is missing (command = {\"/path/to/program\"})",
			       program->origin);
	if (conf_program_has_listener(conf, program))
		return true;
	return err_set(err, CODE_CONFIG,
		       "%s: program %s: no listen belongs to it (listen \":8000\" { service = "
		       "program  program = %s })",
		       program->origin, quote_show(program->title, shown), shown);
}

bool conf_program_check(const struct conf *conf, struct err *err)
{
	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct listen_conf *listen = &conf->listeners[i];

		if (conf_program_owns(listen) && !conf_program_find(conf, listen->program))
			return refuse_reference(conf, listen, err);
	}
	for (size_t i = 0; i < conf->program_count; i++)
		if (!check_program(conf, &conf->programs[i], err))
			return false;
	return true;
}
