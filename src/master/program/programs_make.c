/* SPDX-License-Identifier: MIT */
/* Checks, makes and frees the programs of a configuration. Must not start or end a copy. */
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "config/command_exec.h"
#include "config/conf_program.h"
#include "master/program/copy.h"
#include "master/program/program_board.h"
#include "master/program/programs.h"

bool programs_check(const struct conf *conf, const struct identity *identity,
		    struct command_found *found, struct err *err)
{
	for (size_t i = 0; i < conf->program_count; i++) {
		struct command_options wanted = COMMAND_OPTIONS(conf, &conf->programs[i]);

		if (!command_check(&wanted, identity, &found[i], err))
			return err_prefix(err, "%s: program.", conf->programs[i].origin);
	}
	return true;
}

static bool is_of(const struct listener *listener, const struct program_conf *program)
{
	return conf_program_owns(listener->conf) &&
	       strcmp(listener->conf->program, program->title) == 0;
}

static unsigned count_sockets(const struct listener_set *set, const struct program_conf *program)
{
	unsigned count = 0;

	for (unsigned i = 0; i < set->count; i++)
		count += is_of(&set->list[i], program) ? set->list[i].fd_count : 0;
	return count;
}

static const char *name_socket(const struct listener *listener, const struct program_conf *program)
{
	return listener->conf->fd_name[0] != '\0' ? listener->conf->fd_name : program->title;
}

/* A colon separates names, and systemd takes no control characters (sd_listen_fds(3)). */
static char *add_name(char *to, const char *name, bool is_first)
{
	if (!is_first)
		*to++ = ':';
	for (; *name; name++)
		*to++ = *name == ':' || (unsigned char)*name < ' ' || *name == 0x7f ? '_' : *name;
	*to = '\0';
	return to;
}

static bool find_sockets(struct program *program, const struct listener_set *set)
{
	unsigned most = count_sockets(set, program->conf);
	size_t room = 1;
	char *end;

	for (unsigned i = 0; i < set->count; i++)
		if (is_of(&set->list[i], program->conf))
			room += set->list[i].fd_count *
				(1 + strlen(name_socket(&set->list[i], program->conf)));
	program->fds = calloc(most + 1, sizeof(*program->fds));
	program->fd_names = end = calloc(1, room);
	if (!program->fds || !program->fd_names)
		return false;
	for (unsigned i = 0; i < set->count; i++) {
		const struct listener *listener = &set->list[i];

		for (unsigned s = 0; is_of(listener, program->conf) && s < listener->fd_count;
		     s++) {
			end = add_name(end, name_socket(listener, program->conf),
				       program->fd_count == 0);
			program->fds[program->fd_count++] = listener->fds[s];
		}
	}
	return true;
}

static bool names_socket(const char *word, unsigned sockets)
{
	static const char scheme[] = "fd://";

	while ((word = strstr(word, scheme))) {
		unsigned long fd;

		word += sizeof(scheme) - 1;
		fd = *word >= '0' && *word <= '9' ? strtoul(word, NULL, 10) : 0;
		if (fd > STDERR_FILENO && fd - STDERR_FILENO <= sockets)
			return true;
	}
	return false;
}

/*
 * Returns the word by which a command is told a socket, as gunicorn is (fd://3): with LISTEN_FDS it
 * would take the same descriptor twice, and fail. NULL: there is none.
 */
static const char *find_told(const struct text_list *command, unsigned sockets)
{
	for (size_t i = 1; i < command->count; i++)
		if (names_socket(command->texts[i], sockets))
			return command->texts[i];
	return NULL;
}

static bool make_copies(struct program *program)
{
	program->capacity = program->wanted + PROGRAM_SPARE;
	program->copies = calloc(program->capacity, sizeof(*program->copies));
	for (unsigned i = 0; program->copies && i < program->capacity; i++)
		copy_init(&program->copies[i], program, i);
	return program->copies;
}

static bool make_program(struct program *program, const struct conf *conf,
			 const struct command_found *found, const struct listener_set *set,
			 struct err *err)
{
	struct command_options wanted = COMMAND_OPTIONS(conf, program->conf);

	program->wanted = conf_copies(conf, program->conf);
	program->shutdown_ms = conf->shutdown_timeout;
	if (count_sockets(set, program->conf) > COMMAND_FDS - STDERR_FILENO - 1)
		return err_set(err, CODE_CONFIG, "%s: program: more than %d listening sockets",
			       program->conf->origin, COMMAND_FDS - STDERR_FILENO - 1);
	program->command = command_new(&wanted, found, err);
	if (!program->command)
		return false;
	if (!find_sockets(program, set) || !make_copies(program))
		return err_set(err, CODE_OSERR, "no memory for program \"%s\"",
			       program->conf->title);
	program->told = find_told(&program->conf->command, program->fd_count);
	return true;
}

bool programs_new(const struct conf *conf, const struct command_found *found,
		  const struct listener_set *listeners, struct programs **made, struct err *err)
{
	struct programs *programs;

	*made = NULL;
	if (conf->program_count == 0)
		return true;
	programs = calloc(1, sizeof(*programs));
	if (programs)
		programs->list = calloc(conf->program_count, sizeof(*programs->list));
	if (!programs || !programs->list) {
		free(programs);
		return err_set(err, CODE_OSERR, "no memory for %zu programs", conf->program_count);
	}
	for (size_t i = 0; i < conf->program_count; i++) {
		struct program *program = &programs->list[programs->count++];

		program->conf = &conf->programs[i];
		if (make_program(program, conf, &found[i], listeners, err))
			continue;
		programs_free(programs);
		return false;
	}
	*made = programs;
	return true;
}

void programs_free(struct programs *programs)
{
	for (unsigned i = 0; programs && i < programs->count; i++) {
		struct program *program = &programs->list[i];

		for (unsigned c = 0; program->copies && c < program->capacity; c++)
			BUG_ON(program->copies[c].member.pid > 0);
		program_board_leave(program);
		command_free(program->command);
		free(program->fds);
		free(program->fd_names);
		free(program->copies);
	}
	if (programs)
		free(programs->list);
	free(programs);
}
