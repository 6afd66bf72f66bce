/* SPDX-License-Identifier: MIT */
/* Checks the references to programs. It does not look for the commands. */
#include "config/conf_program.h"

#include <string.h>

#include "base/quote.h"
#include "config/conf_titled.h"

const struct program_conf *conf_program_find(const struct conf *conf, const char *title)
{
	return conf_titled_find(conf, SECTION_program, title);
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

static bool is_unused(const struct conf *conf, const void *object)
{
	return !conf_program_has_listener(conf, object);
}

void conf_program_drop_unused(struct conf *conf)
{
	conf_titled_drop(conf, SECTION_program, is_unused);
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
			return conf_titled_refuse(conf, SECTION_program, listen, listen->program,
						  err);
	}
	for (size_t i = 0; i < conf->program_count; i++)
		if (!check_program(conf, &conf->programs[i], err))
			return false;
	return true;
}
