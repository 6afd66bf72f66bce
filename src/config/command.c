/* SPDX-License-Identifier: MIT */
/*
 * Checks and prepares a program. Must not run it, and must not change this process: what must be
 * seen with another user's eyes is seen by a child.
 */
#include "config/command.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "base/sys.h"
#include "config/privs_look.h"

#define CLEAR        "clear"
#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

/* What the service manager has given the server itself (sd_notify(3), sd_listen_fds(3)). */
static const char *const own_variables[] = { "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
					     "LISTEN_PID",    "LISTEN_FDS",    "LISTEN_FDNAMES" };

/* The length of the variable's name; 0: it has none. */
static size_t name_length(const char *variable)
{
	const char *end = strchr(variable, '=');

	return end ? (size_t)(end - variable) : 0;
}

static bool has_name(const char *variable, const char *name)
{
	size_t length = strlen(name);

	return name_length(variable) == length && strncmp(variable, name, length) == 0;
}

static bool is_own(const char *variable)
{
	for (size_t i = 0; i < sizeof(own_variables) / sizeof(*own_variables); i++)
		if (has_name(variable, own_variables[i]))
			return true;
	return false;
}

static bool is_cleared(const struct command_options *asked)
{
	for (size_t i = 0; i < asked->environment_count; i++)
		if (strcmp(asked->environment[i], CLEAR) == 0)
			return true;
	return false;
}

static bool find_identity(const struct command_options *asked, const struct identity *otherwise,
			  struct identity *identity, struct err *err)
{
	char shown[QUOTE_TEXT];

	*identity = *otherwise;
	if (asked->user[0] != '\0' &&
	    !identity_user(asked->user, &identity->user, &identity->group))
		return err_set(err, CODE_CONFIG, "user: there is no user %s on this system",
			       quote_show(asked->user, shown));
	if (asked->group[0] != '\0' && !identity_group(asked->group, &identity->group))
		return err_set(err, CODE_CONFIG, "group: there is no group %s on this system",
			       quote_show(asked->group, shown));
	if (identity->group == (gid_t)-1)
		return err_set(err, CODE_CONFIG,
			       "user: %s has no name and so no group of its own (set group)",
			       quote_show(asked->user, shown));
	if (asked->user[0] == '\0' && asked->group[0] == '\0')
		return true;
	identity->changes = identity->user != geteuid() || identity->group != getegid() ||
			    geteuid() == 0;
	if (identity->changes && geteuid() != 0)
		return err_set(err, CODE_NOPERM,
			       "%s: only root may run a program as another user (leave it empty)",
			       asked->user[0] != '\0' ? "user" : "group");
	return true;
}

/* An entry that does not fit is none. */
static void find_entry(struct command_found *found)
{
	const struct passwd *row = found->identity.changes ? getpwuid(found->identity.user) : NULL;

	found->user[0] = found->home[0] = '\0';
	if (!row || strlen(row->pw_name) >= sizeof(found->user) ||
	    strlen(row->pw_dir) >= sizeof(found->home))
		return;
	memcpy(found->user, row->pw_name, strlen(row->pw_name) + 1);
	memcpy(found->home, row->pw_dir, strlen(row->pw_dir) + 1);
}

const char *command_search_path(const struct command_options *asked)
{
	const char *path = is_cleared(asked) ? NULL : getenv("PATH");

	for (size_t i = 0; i < asked->environment_count; i++)
		if (has_name(asked->environment[i], "PATH"))
			path = asked->environment[i] + strlen("PATH=");
	return path && path[0] != '\0' ? path : DEFAULT_PATH;
}

/* True when this process could execute it. Otherwise errno is why not. */
static bool is_executable(const char *path)
{
	struct stat st;

	if (sys_stat(path, &st) < 0)
		return false;
	if (!S_ISREG(st.st_mode)) {
		errno = EACCES;
		return false;
	}
	return sys_faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0;
}

/*
 * As execvp(3): of several files the first that may be executed, and EACCES when there are only
 * others; but a folder that cannot be searched has none. Returns 0 with the path, or an errno.
 */
static int search_path(const char *name, const char *path, char *to)
{
	int error = ENOENT;
	struct stat st;

	for (const char *at = path; at; at = strchr(at, ':') ? strchr(at, ':') + 1 : NULL) {
		int length = (int)strcspn(at, ":");

		if (snprintf(to, PATH_MAX, "%.*s%s%s", length, at, length > 0 ? "/" : "", name) >=
		    PATH_MAX)
			continue;
		if (is_executable(to))
			return 0;
		if (errno == EACCES && sys_stat(to, &st) == 0)
			error = EACCES;
	}
	return error;
}

/* What the program's user finds. */
struct search {
	int directory_error, error; /* 0: it can be entered; it can be executed */
	char path[PATH_MAX];
};

/* Changes the directory of this process, so that relative paths mean what they will mean. */
static void search_here(const void *what, void *found)
{
	const struct command_options *asked = what;
	struct search *search = found;
	const char *name = asked->words[0];

	if (asked->directory[0] != '\0' && sys_chdir(asked->directory) < 0) {
		search->directory_error = errno;
		return;
	}
	if (!strchr(name, '/')) {
		search->error = search_path(name, command_search_path(asked), search->path);
		return;
	}
	snprintf(search->path, sizeof(search->path), "%s", name);
	search->error = is_executable(name) ? 0 : errno;
}

static bool judge_search(const struct command_options *asked, const struct identity *identity,
			 const struct search *search, struct err *err)
{
	char shown[QUOTE_TEXT];
	const char *name = quote_show(asked->words[0], shown);

	if (search->directory_error != 0) {
		errno = search->directory_error;
		err_errno(err, err_code(errno, CODE_CONFIG), "directory: %s cannot be entered",
			  quote_show(asked->directory, shown));
		return privs_look_blame(identity, err);
	}
	if (search->error == 0)
		return true;
	errno = search->error;
	if (errno == ENOENT && strchr(asked->words[0], '/'))
		return err_set(err, CODE_CONFIG, "command: %s does not exist", name);
	if (errno == ENOENT)
		err_set(err, CODE_CONFIG, "command: there is no %s in any folder of PATH", name);
	else
		err_errno(err, CODE_CONFIG, "command: %s cannot be executed", name);
	return privs_look_blame(identity, err);
}

bool command_check(const struct command_options *asked, const struct identity *otherwise,
		   struct command_found *found, struct err *err)
{
	struct search search = { 0 };
	char shown[QUOTE_TEXT];

	if (asked->word_count == 0 || asked->words[0][0] == '\0')
		return err_set(err, CODE_CONFIG, "command: names no program");
	if (strchr(asked->words[0], '/') && asked->words[0][0] != '/' &&
	    asked->directory[0] == '\0')
		return err_set(err, CODE_CONFIG,
			       "command: %s is a relative path (write an absolute one, or set "
			       "directory, where it starts)",
			       quote_show(asked->words[0], shown));
	if (!command_limits_check(&asked->limits, err) ||
	    !find_identity(asked, otherwise, &found->identity, err))
		return false;
	find_entry(found);
	if (!privs_look(&found->identity, search_here, asked, &search, sizeof(search), err))
		return err_prefix(err, "command: ");
	if (!judge_search(asked, &found->identity, &search, err))
		return false;
	memcpy(found->path, search.path, sizeof(found->path));
	return true;
}

void command_put_variable(char **list, size_t *count, char *variable)
{
	size_t length = name_length(variable);
	size_t i;

	for (i = 0; i < *count; i++)
		if (name_length(list[i]) == length && strncmp(list[i], variable, length) == 0)
			break;
	list[i] = variable;
	if (i == *count)
		++*count;
}

static void free_strings(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}

static bool add_copy(struct command *command, const char *variable)
{
	char *copy = strdup(variable);
	size_t at = command->environment_count;

	if (!copy)
		return false;
	for (size_t i = 0; i < at; i++)
		if (name_length(command->environment[i]) == name_length(copy) &&
		    strncmp(command->environment[i], copy, name_length(copy)) == 0) {
			free(command->environment[i]);
			command->environment[i] = copy;
			return true;
		}
	command->environment[command->environment_count++] = copy;
	return true;
}

static bool add_named(struct command *command, const char *name, const char *value)
{
	char *variable = NULL;
	bool is_added;

	if (value[0] == '\0')
		return true;
	if (asprintf(&variable, "%s=%s", name, value) < 0)
		return false;
	is_added = add_copy(command, variable);
	free(variable);
	return is_added;
}

static bool add_inherited(struct command *command)
{
	for (char **variable = environ; *variable; variable++)
		if (name_length(*variable) > 0 && !is_own(*variable) &&
		    !add_copy(command, *variable))
			return false;
	return true;
}

/* The server's, then the user's own names, then what the options say: the last one counts. */
static bool fill_environment(struct command *command, const struct command_options *asked)
{
	enum { OF_USER = 3 };
	size_t most = asked->environment_count + OF_USER + COMMAND_VARIABLES + 1;

	for (char **variable = environ; *variable; variable++)
		most++;
	command->environment = calloc(most, sizeof(*command->environment));
	if (!command->environment || (!is_cleared(asked) && !add_inherited(command)) ||
	    !add_named(command, "USER", command->found.user) ||
	    !add_named(command, "LOGNAME", command->found.user) ||
	    !add_named(command, "HOME", command->found.home))
		return false;
	for (size_t i = 0; i < asked->environment_count; i++)
		if (strcmp(asked->environment[i], CLEAR) != 0 &&
		    !add_copy(command, asked->environment[i]))
			return false;
	return true;
}

static bool fill_words(struct command *command, const struct command_options *asked)
{
	command->words = calloc(asked->word_count + 1, sizeof(*command->words));
	for (size_t i = 0; command->words && i < asked->word_count; i++) {
		command->words[i] = strdup(asked->words[i]);
		if (!command->words[i])
			return false;
	}
	return command->words;
}

struct command *command_new(const struct command_options *asked, const struct command_found *found,
			    struct err *err)
{
	struct command *command = calloc(1, sizeof(*command));

	if (command) {
		command->found = *found;
		command->nice = (int)asked->nice;
		command->limits = asked->limits;
		command->umask = asked->umask;
		command->directory = strdup(asked->directory);
		if (command->directory && fill_words(command, asked) &&
		    fill_environment(command, asked))
			return command;
	}
	command_free(command);
	err_set(err, CODE_OSERR, "command: no memory to prepare it");
	return NULL;
}

void command_free(struct command *command)
{
	if (!command)
		return;
	free_strings(command->words);
	free_strings(command->environment);
	free(command->directory);
	free(command);
}
