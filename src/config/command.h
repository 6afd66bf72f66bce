/* SPDX-License-Identifier: MIT */
/*
 * A program that the server runs: what it is run with, checked and prepared before the fork, so
 * that the child has nothing left to look up. config/command_exec does the child's part. The checks
 * query the name service, which may wait: -t, the start before it detaches, and the child that
 * tries a reload make them.
 */
#ifndef CONFIG_COMMAND_H
#define CONFIG_COMMAND_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "config/command_limits.h"
#include "config/identity.h"

/* The options of a program, borrowed from the section that has them. */
struct command_options {
	char *const *words; /* the command: the program and its arguments */
	size_t word_count;
	char *const *environment; /* NAME=VALUE; the word `clear` empties what is inherited */
	size_t environment_count;
	const char *user, *group, *directory; /* "": of the server's workers; as the server's */
	int64_t nice;                         /* added to the server's */
	struct command_limits limits;
	mode_t umask;
};

/* Those of a struct listen_conf or struct program_conf: their options have the same names. */
#define COMMAND_OPTIONS(conf, section)                                 \
	((struct command_options){                                     \
		.words = (section)->command.texts,                     \
		.word_count = (section)->command.count,                \
		.environment = (section)->environment.texts,           \
		.environment_count = (section)->environment.count,     \
		.user = (section)->user,                               \
		.group = (section)->group,                             \
		.directory = (section)->directory,                     \
		.nice = (section)->nice,                               \
		.limits = { .memory = (section)->limit_memory,         \
			    .core = (section)->limit_core,             \
			    .files = (section)->limit_files,           \
			    .processes = (section)->limit_processes }, \
		.umask = (mode_t)(conf)->umask,                        \
	})

/* The results of command_check, plain bytes. */
struct command_found {
	struct identity identity;
	char path[PATH_MAX];           /* of the executable file */
	char user[64], home[PATH_MAX]; /* of another user's passwd(5) entry; "": none */
};

/*
 * Looks up user and group (`otherwise` when the options name none), and checks, as that user, that
 * the directory can be entered and that the executable exists: a bare name is searched for in PATH,
 * as execvp(3) does, a relative path starts at the directory, which must be given; and that this
 * process may give the program its limits. Returns false with err, which starts with the option's
 * name (`command: "/no/such" does not exist`): CODE_CONFIG, CODE_NOPERM, or CODE_OSERR. For
 * another user it forks a child and waits for it.
 */
bool command_check(const struct command_options *asked, const struct identity *otherwise,
		   struct command_found *found, struct err *err);

/* Returns the PATH that the program will have: it decides which file a bare name means. */
const char *command_search_path(const struct command_options *asked);

/* Variables that a start may add, beside those of the command. */
enum { COMMAND_VARIABLES = 32 };

/* A program ready to be run. Owns all that it points to. */
struct command {
	char **words;       /* argv, with NULL at its end */
	char **environment; /* NAME=VALUE, NULL at its end; with room for COMMAND_VARIABLES */
	size_t environment_count;
	char *directory; /* "": as the server's */
	struct command_found found;
	int nice;
	struct command_limits limits;
	mode_t umask;
};

/*
 * Copies asked and found, which command_check filled, and the environment of this process without
 * what a service manager gave the server itself (NOTIFY_SOCKET, WATCHDOG_*, LISTEN_*). Returns NULL
 * with err. command_free frees it; it has no effect on NULL.
 */
struct command *command_new(const struct command_options *asked, const struct command_found *found,
			    struct err *err);
void command_free(struct command *command);

/*
 * Puts "NAME=VALUE" into the list of *count variables, in the place of one of the same name, or at
 * its end, which has room for it. Keeps the pointer.
 */
void command_put_variable(char **list, size_t *count, char *variable);

#endif
