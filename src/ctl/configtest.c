/* SPDX-License-Identifier: MIT */
/*
 * The checks of the environment, in the order of the start. Must not change or disturb anything: it
 * binds without listening and closes the socket, connects only to unix paths, and unlinks nothing.
 */
#include "ctl/configtest.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/sys.h"
#include "base/units.h"
#include "config/fdlimit.h"
#include "master/generation.h"
#include "master/pidfile.h"
#include "master/prestart.h"
#include "net/netstat.h"
#include "net/socket_owner.h"
#include "net/systemd.h"
#include "stats/scoreboard.h"
#include "worker/privs.h"

/* One examination. */
struct snapshot {
	const struct conf *conf;
	FILE *out;                    /* of -t; NULL: the first error ends the run */
	struct err first;             /* the first error; "": none */
	pid_t owner;                  /* of the pid file: its addresses count as free; 0: none */
	bool has_identity, has_names; /* these parts of found are complete */
	struct prestart_found found;
};

/* Notes an error that keeps the server from starting. */
static void wrong(struct snapshot *look, const struct err *err)
{
	if (look->out != NULL)
		fprintf(look->out, "prefork-srv: %s\n", err->text);
	if (look->first.text[0] == '\0')
		look->first = *err;
}

/* Prints a warning, which -t alone does: the server can start all the same. */
static void scarce(const struct snapshot *look, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void scarce(const struct snapshot *look, const char *format, ...)
{
	va_list parameters;

	if (look->out == NULL)
		return;
	fputs("prefork-srv: ", look->out);
	va_start(parameters, format);
	vfprintf(look->out, format, parameters);
	va_end(parameters);
	fputs(" (a warning)\n", look->out);
}

/* True when the run has ended at an error. */
static bool is_over(const struct snapshot *look)
{
	return look->out == NULL && look->first.text[0] != '\0';
}

static void check_identity(struct snapshot *look)
{
	struct err err;

	look->has_identity = prestart_check_identity(look->conf, &look->found.identity, &err);
	if (!look->has_identity)
		wrong(look, &err);
}

static void check_chroot(struct snapshot *look)
{
	struct err err;

	if (!prestart_check_chroot(look->conf, &err))
		wrong(look, &err);
}

static void check_directory(struct snapshot *look)
{
	struct err err;

	if (!prestart_check_directory(look->conf, "working_directory",
				      look->conf->working_directory, &err))
		wrong(look, &err);
}

/* The place where the path was given, if it was, stands before the message. */
static void blame_pid_file(struct snapshot *look, struct err *err)
{
	if (look->conf->pid_file[0] != '\0')
		err_prefix(err, "%s: ", conf_place(look->conf, "pid_file"));
	wrong(look, err);
}

/*
 * The scoreboard beside the pid file; the private folder of an unprivileged server may not exist
 * yet.
 */
static void check_scoreboard(struct snapshot *look, const char *pid_file)
{
	char board[PIDFILE_PATH + 16], folder[PIDFILE_PATH];
	unsigned slots = conf_workers(look->conf) + GENERATION_SPARE;
	struct stat st;
	struct err err;

	if (sys_stat(file_folder(pid_file, folder, sizeof(folder)), &st) < 0 && errno == ENOENT)
		return;
	if (!scoreboard_probe(scoreboard_path(pid_file, board, sizeof(board)), slots, &err))
		blame_pid_file(look, &err);
}

static void check_pid_file(struct snapshot *look)
{
	char path[PIDFILE_PATH], warning[PIDFILE_WARNING];
	const struct conf *conf = look->conf;
	struct err err;

	if (!pidfile_path(conf, true, path, sizeof(path), &err)) {
		blame_pid_file(look, &err);
		return;
	}
	look->owner = pidfile_owner(path);
	if (look->owner == 0 && !pidfile_probe(path, &err)) {
		blame_pid_file(look, &err);
		return;
	}
	if (strcmp(conf->pid_file, "none") != 0 && pidfile_path_warns(conf, path, warning))
		scarce(look, "%s", warning);
	if (path[0] != '\0')
		check_scoreboard(look, path);
}

/* True when the workers' user may search the folder to reopen a file in it. */
static bool can_search(const struct identity *identity, const char *folder)
{
	struct stat st;

	if (sys_stat(folder, &st) < 0)
		return false;
	if (st.st_uid == identity->user)
		return (st.st_mode & S_IXUSR) != 0;
	return (st.st_mode & (st.st_gid == identity->group ? S_IXGRP : S_IXOTH)) != 0;
}

static void warn_of_reopen(const struct snapshot *look, const char *option, const char *path)
{
	const struct identity *identity = &look->found.identity;
	char folder[4096];

	if (path[0] != '/' || !identity->changes || identity->user == 0)
		return;
	file_folder(path, folder, sizeof(folder));
	if (!can_search(identity, folder))
		scarce(look,
		       "%s: %s: user \"%s\" may not enter \"%s\": workers cannot reopen the %s",
		       conf_place(look->conf, option), option, look->conf->user, folder,
		       strcmp(option, "log.path") == 0 ? "log" : "access log");
}

/* The check needs the workers' user. */
static void check_logs(struct snapshot *look)
{
	struct err err;

	if (!look->has_identity)
		return;
	if (!prestart_check_log(look->conf, &look->found.identity, &err)) {
		wrong(look, &err);
		return;
	}
	warn_of_reopen(look, "log.path", look->conf->log_path);
	warn_of_reopen(look, "log.access", look->conf->log_access);
}

static void find_names(struct snapshot *look)
{
	struct err err;

	look->found.resolved = calloc(look->conf->listener_count, sizeof(*look->found.resolved));
	if (look->found.resolved == NULL)
		err_errno(&err, CODE_OSERR, "cannot keep the addresses");
	else
		look->has_names = listener_resolve(look->conf, look->found.resolved, &err);
	if (!look->has_names)
		wrong(look, &err);
}

static void warn_of_few_files(const struct snapshot *look, unsigned sockets, unsigned capacity)
{
	const struct conf *conf = look->conf;
	rlim_t needed = prestart_files_wanted(conf, sockets, capacity);
	const char *option = conf->rlimit_nofile > 0 ? "rlimit_nofile" : "worker_connections";
	struct rlimit limit;

	if ((int64_t)needed < conf->worker_connections)
		scarce(look,
		       "%s: rlimit_nofile: %" PRIu64
		       " descriptors are too few for worker_connections = %" PRId64
		       " (auto is enough)",
		       conf_place(conf, "rlimit_nofile"), (uint64_t)needed,
		       conf->worker_connections);
	if (!fdlimit_allowed(needed) && sys_getrlimit(RLIMIT_NOFILE, &limit) == 0)
		scarce(look,
		       "%s: %s: %" PRIu64 " descriptors are needed, and the hard limit is %" PRIu64
		       " (raise it by ulimit -Hn or LimitNOFILE=)",
		       conf_place(conf, option), option, (uint64_t)needed,
		       (uint64_t)limit.rlim_max);
}

static void check_files(struct snapshot *look)
{
	unsigned workers = conf_workers(look->conf), capacity = workers + GENERATION_SPARE;
	unsigned sockets, passed;
	struct err err;

	if (!look->has_names)
		return;
	sockets = listener_count_sockets(look->conf, look->found.resolved, workers);
	/* passed sockets are open already, and closed where no listener takes them */
	passed = systemd_count_listeners();
	if (!prestart_check_files(look->conf, sockets > passed ? sockets - passed : 0, capacity,
				  &err))
		wrong(look, &err);
	else
		warn_of_few_files(look, sockets, capacity);
}

static void check_backlogs(struct snapshot *look)
{
	const struct conf *conf = look->conf;
	int64_t most = look->out != NULL ? netstat_somaxconn() : 0;

	for (size_t i = 0; i < conf->listener_count; i++)
		if (most > 0 && conf->listeners[i].backlog > most)
			scarce(look,
			       "%s: listen.backlog: %" PRId64
			       " is more than net.core.somaxconn allows (at most %" PRId64 ")",
			       conf->listeners[i].origin, conf->listeners[i].backlog, most);
}

static bool is_ours(const struct addr *addr, void *owner)
{
	return socket_owner_has(*(pid_t *)owner, addr);
}

static void check_listeners(struct snapshot *look)
{
	struct err err;

	for (size_t i = 0; look->has_names && i < look->conf->listener_count && !is_over(look); i++)
		if (!listener_probe(&look->conf->listeners[i], &look->found.resolved[i],
				    look->owner > 0 ? is_ours : NULL, &look->owner, &err))
			wrong(look, &err);
}

/* In the child: a call that the system refuses here, it refuses to every worker. */
static _Noreturn void try_privileges(const struct snapshot *look, int told)
{
	struct err err;

	if (privs_drop(look->conf, &look->found.identity, &err) && privs_confine(&err))
		sys_leave(CODE_OK);
	err.code = CODE_NOPERM;
	(void)!sys_write(told, &err, sizeof(err));
	sys_leave(CODE_FAILED);
}

static bool has_succeeded(pid_t pid)
{
	int status = 0;

	while (sys_waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return true;
	return WIFEXITED(status) && WEXITSTATUS(status) == CODE_OK;
}

static bool can_drop(const struct snapshot *look, struct err *err)
{
	int pipe[2];
	bool done;
	pid_t pid;

	if (sys_pipe2(pipe, O_CLOEXEC) < 0)
		return err_errno(err, CODE_OSERR, "cannot try to become the workers' user");
	pid = sys_fork();
	if (pid == 0)
		try_privileges(look, pipe[1]);
	err_errno(err, CODE_OSERR, "cannot try in a child to become the workers' user");
	sys_close(pipe[1]);
	done = pid > 0 && has_succeeded(pid);
	if (pid > 0 && !done)
		(void)!sys_read(pipe[0], err, sizeof(*err));
	sys_close(pipe[0]);
	return done;
}

/* A container may deny root the calls by which a worker drops its privileges. */
static void check_privileges(struct snapshot *look)
{
	struct err err;

	if (look->has_identity && (look->found.identity.changes || look->conf->chroot[0] != '\0') &&
	    look->first.text[0] == '\0' && !can_drop(look, &err))
		wrong(look, &err);
}

/*
 * The cheap checks come first, and the names, which may have to be waited for, late; the check in a
 * child runs only if there is no error so far.
 */
static void (*const checks[])(struct snapshot *look) = {
	check_identity, check_chroot, check_directory, check_pid_file,  check_logs,
	find_names,     check_files,  check_backlogs,  check_listeners, check_privileges,
};

static void run_checks(struct snapshot *look)
{
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]) && !is_over(look); i++)
		checks[i](look);
}

static struct conf *load_conf(const struct conf_source *source, bool daemon, struct err *err)
{
	struct conf *conf = prestart_load(source, err);

	if (conf != NULL && daemon)
		prestart_detached();
	return conf;
}

struct conf *configtest_pass(const struct conf_source *source, bool daemon,
			     struct prestart_found *found, struct err *err)
{
	struct conf *conf = load_conf(source, daemon, err);
	struct snapshot look = { .conf = conf };

	if (conf == NULL)
		return NULL;
	run_checks(&look);
	*found = look.found;
	if (look.first.text[0] == '\0')
		return conf;
	*err = look.first;
	free(look.found.resolved);
	conf_free(conf);
	return NULL;
}

enum exit_code configtest_run(const struct conf_source *source,
			      const struct configtest_options *wish, struct err *err)
{
	struct conf *conf = load_conf(source, wish->daemon, err);
	struct snapshot look = { .conf = conf, .out = stderr, .first = { .code = CODE_OK } };

	if (conf == NULL)
		return err->code;
	if (wish->print)
		conf_print(conf, stdout);
	run_checks(&look);
	if (look.first.code == CODE_OK && !wish->print && !wish->quiet)
		printf("prefork-srv: configuration %s is in order\n", conf->origin);
	free(look.found.resolved);
	conf_free(conf);
	return look.first.code;
}
