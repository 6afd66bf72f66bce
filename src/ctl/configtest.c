/* SPDX-License-Identifier: MIT */
/*
 * The checks of the environment, in the order of the start. Must not change or disturb anything: it
 * binds without listening and closes the socket, connects only to unix paths, and unlinks nothing.
 */
#include "ctl/configtest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/sys.h"
#include "config/conf_program.h"
#include "config/fdlimit.h"
#include "config/pidfile.h"
#include "ctl/names.h"
#include "ctl/warnings.h"
#include "master/generation.h"
#include "master/modules.h"
#include "master/program/programs.h"
#include "master/trial/prestart.h"
#include "master/trial/prestart_files.h"
#include "master/trial/prestart_tls.h"
#include "master/trial/service_trial.h"
#include "net/socket_owner.h"
#include "net/systemd.h"
#include "stats/scoreboard.h"

/* One examination. */
struct check {
	const struct conf *conf;
	FILE *out;                    /* of -t; NULL: the first error ends the run */
	struct err first;             /* the first error; "": none */
	pid_t owner;                  /* of the pid file: its addresses count as free; 0: none */
	bool has_identity, has_names; /* these parts of found are complete */
	struct prestart_found found;
};

/* Notes an error that keeps the server from starting. */
static void note_error(struct check *check, const struct err *err)
{
	if (check->out != NULL)
		fprintf(check->out, "prefork-srv: %s\n", err->text);
	if (check->first.text[0] == '\0')
		check->first = *err;
}

/* True when the run has ended at an error. */
static bool is_over(const struct check *check)
{
	return check->out == NULL && check->first.text[0] != '\0';
}

static void check_identity(struct check *check)
{
	struct err err;

	check->has_identity = prestart_check_identity(check->conf, &check->found.identity, &err);
	if (!check->has_identity ||
	    !prestart_check_services(check->conf, &check->found.identity, &err))
		note_error(check, &err);
}

/* Only root's server changes its user: another one is one user altogether. */
static void warn_of_shared_user(struct check *check, const char *section, const char *origin)
{
	warnings_print(
		check->out,
		"%s: %s.user: without one, programs run as the workers' user \"%s\", and can "
		"kill workers and keepers",
		origin, section, check->conf->user);
}

/* False when programs serve all listeners. */
static bool has_workers(const struct conf *conf)
{
	for (size_t i = 0; i < conf->listener_count; i++)
		if (!conf_program_owns(&conf->listeners[i]))
			return true;
	return false;
}

static void check_users(struct check *check)
{
	const struct conf *conf = check->conf;

	if (!check->has_identity || !check->found.identity.changes)
		return;
	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct listen_conf *listen = &conf->listeners[i];

		if (listen->command.count > 0 && listen->user[0] == '\0')
			warn_of_shared_user(check, "listen", listen->origin);
	}
	for (size_t i = 0; has_workers(conf) && i < conf->program_count; i++)
		if (conf->programs[i].user[0] == '\0')
			warn_of_shared_user(check, "program", conf->programs[i].origin);
}

static void check_chroot(struct check *check)
{
	struct err err;

	if (!prestart_check_chroot(check->conf, &err))
		note_error(check, &err);
}

static void check_directory(struct check *check)
{
	struct err err;

	if (!prestart_check_directory(check->conf, "working_directory",
				      check->conf->working_directory, &err))
		note_error(check, &err);
}

static void check_programs(struct check *check)
{
	size_t count = check->conf->program_count;
	struct err err;

	if (count == 0 || !check->has_identity)
		return;
	check->found.programs = calloc(count, sizeof(*check->found.programs));
	if (check->found.programs == NULL)
		err_errno(&err, CODE_OSERR, "cannot keep what is found of %zu programs", count);
	else if (programs_check(check->conf, &check->found.identity, check->found.programs, &err))
		return;
	note_error(check, &err);
}

/* The place where the path was given, if it was, stands before the message. */
static void blame_pid_file(struct check *check, struct err *err)
{
	if (check->conf->pid_file[0] != '\0')
		err_prefix(err, "%s: ", conf_place(check->conf, "pid_file"));
	note_error(check, err);
}

/*
 * The scoreboard beside the pid file; the private folder of an unprivileged server may not exist
 * yet.
 */
static void check_scoreboard(struct check *check, const char *pid_file)
{
	char board[PIDFILE_PATH + 16], folder[PIDFILE_PATH];
	unsigned workers = prestart_workers(check->conf) + GENERATION_SPARE;
	struct stat st;
	struct err err;

	if (sys_stat(file_folder(pid_file, folder, sizeof(folder)), &st) < 0 && errno == ENOENT)
		return;
	if (!scoreboard_probe(scoreboard_path(pid_file, board, sizeof(board)), workers, &err))
		blame_pid_file(check, &err);
}

static void check_pid_file(struct check *check)
{
	char path[PIDFILE_PATH], warning[PIDFILE_WARNING];
	const struct conf *conf = check->conf;
	struct err err;

	if (!pidfile_path(conf, true, path, sizeof(path), &err)) {
		blame_pid_file(check, &err);
		return;
	}
	check->owner = pidfile_owner(path);
	if (check->owner == 0 && !pidfile_probe(path, &err)) {
		blame_pid_file(check, &err);
		return;
	}
	if (strcmp(conf->pid_file, "none") != 0 && pidfile_path_warns(conf, path, warning))
		warnings_print(check->out, "%s", warning);
	if (path[0] != '\0')
		check_scoreboard(check, path);
}

static void warn_of_reopen(const struct check *check, const char *option, const char *path)
{
	const struct identity *identity = &check->found.identity;
	char folder[4096];

	if (path[0] != '/' || !identity->changes || identity->user == 0)
		return;
	file_folder(path, folder, sizeof(folder));
	if (!identity_can_search(identity, folder))
		warnings_print(
			check->out,
			"%s: %s: user \"%s\" may not enter \"%s\": workers cannot reopen the %s",
			conf_place(check->conf, option), option, check->conf->user, folder,
			strcmp(option, "log.path") == 0 ? "log" : "access log");
}

/* The check needs the workers' user. */
static void check_logs(struct check *check)
{
	struct err err;

	if (!check->has_identity)
		return;
	if (!prestart_check_log(check->conf, &check->found.identity, &err)) {
		note_error(check, &err);
		return;
	}
	warn_of_reopen(check, "log.path", check->conf->log_path);
	warn_of_reopen(check, "log.access", check->conf->log_access);
}

static void find_names(struct check *check)
{
	struct err err;

	check->found.resolved = calloc(check->conf->listener_count, sizeof(*check->found.resolved));
	if (check->found.resolved == NULL)
		err_errno(&err, CODE_OSERR, "cannot keep the addresses");
	else
		check->has_names = listener_resolve(check->conf, check->found.resolved, &err);
	if (!check->has_names)
		note_error(check, &err);
}

static void warn_of_few_files(const struct check *check, unsigned sockets, unsigned capacity)
{
	const struct conf *conf = check->conf;
	rlim_t needed = prestart_files_needed(conf, sockets, capacity);
	const char *option = conf->rlimit_nofile > 0 ? "rlimit_nofile" : "worker_connections";
	struct rlimit limit;

	if ((int64_t)needed < conf->worker_connections)
		warnings_print(check->out,
			       "%s: rlimit_nofile: %" PRIu64
			       " descriptors are too few for worker_connections = %" PRId64
			       " (auto is enough)",
			       conf_place(conf, "rlimit_nofile"), (uint64_t)needed,
			       conf->worker_connections);
	if (!fdlimit_allowed(needed) && sys_getrlimit(RLIMIT_NOFILE, &limit) == 0)
		warnings_print(check->out,
			       "%s: %s: %" PRIu64
			       " descriptors are needed, and the hard limit is %" PRIu64
			       " (raise it by ulimit -Hn or LimitNOFILE=)",
			       conf_place(conf, option), option, (uint64_t)needed,
			       (uint64_t)limit.rlim_max);
}

static void check_files(struct check *check)
{
	unsigned workers = prestart_workers(check->conf), capacity = workers + GENERATION_SPARE;
	unsigned sockets, passed;
	struct err err;

	if (!check->has_names)
		return;
	sockets = listener_count_sockets(check->conf, check->found.resolved, workers);
	/* passed sockets are open already, and closed where no listener takes them */
	passed = systemd_count_listeners();
	if (!prestart_check_files(check->conf, sockets > passed ? sockets - passed : 0, capacity,
				  &err) ||
	    !prestart_check_rlimit(check->conf, sockets, capacity, &err))
		note_error(check, &err);
	else
		warn_of_few_files(check, sockets, capacity);
}

static void check_options(struct check *check)
{
	if (check->out != NULL)
		warnings_of_options(check->conf, check->out);
}

/* The keys are read with the rights of the start, as the server will read them. */
static void check_tls(struct check *check)
{
	struct err err;
	struct tls_sites *sites = prestart_try_tls(check->conf, &err);

	if (sites == NULL)
		note_error(check, &err);
	else if (check->out != NULL)
		warnings_of_tls(sites, check->out);
	tls_sites_free(sites);
}

static bool is_ours(const struct addr *addr, void *owner)
{
	return socket_owner_has(*(pid_t *)owner, addr);
}

static void check_listeners(struct check *check)
{
	struct err err;

	for (size_t i = 0; check->has_names && i < check->conf->listener_count && !is_over(check);
	     i++)
		if (!listener_probe(&check->conf->listeners[i], &check->found.resolved[i],
				    check->owner > 0 ? is_ours : NULL, &check->owner, &err))
			note_error(check, &err);
}

/*
 * In a child: a container may deny root the calls by which a worker drops its privileges, and the
 * workers may load files that crash.
 */
static void check_worker(struct check *check)
{
	const struct conf *conf = check->conf;
	struct err err;

	if (!check->has_identity || check->first.text[0] != '\0' ||
	    (!check->found.identity.changes && conf->chroot[0] == '\0' && !modules_has_any(conf)))
		return;
	check->found.facts = calloc(conf->listener_count, sizeof(*check->found.facts));
	if (check->found.facts == NULL)
		err_errno(&err, CODE_OSERR, "cannot try to become a worker");
	else if (service_trial_run(conf, &check->found.identity, check->found.facts, &err))
		return;
	note_error(check, &err);
}

/*
 * The cheap checks come first, and the names, which may have to be waited for, late; the check in a
 * child runs only if there is no error so far.
 */
static void (*const checks[])(struct check *check) = {
	check_identity, check_users,     check_chroot, check_directory, check_programs,
	check_pid_file, check_logs,      find_names,   check_files,     check_options,
	check_tls,      check_listeners, check_worker,
};

static void run_checks(struct check *check)
{
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]) && !is_over(check); i++)
		checks[i](check);
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
	struct check check = { .conf = conf };

	if (conf == NULL)
		return NULL;
	run_checks(&check);
	*found = check.found;
	if (check.first.text[0] == '\0')
		return conf;
	*err = check.first;
	prestart_forget(&check.found);
	conf_free(conf);
	return NULL;
}

enum exit_code configtest_run(const struct conf_source *source,
			      const struct configtest_options *wish, struct err *err)
{
	struct conf *conf = load_conf(source, wish->daemon, err);
	struct check check = { .conf = conf, .out = stderr, .first = { .code = CODE_OK } };

	if (conf == NULL)
		return err->code;
	if (wish->print)
		conf_print(conf, stdout);
	run_checks(&check);
	names_warn(conf, stderr); /* the start does not wait for them */
	if (check.first.code == CODE_OK && !wish->print && !wish->quiet)
		printf("prefork-srv: configuration %s is in order\n", conf->origin);
	prestart_forget(&check.found);
	conf_free(conf);
	return check.first.code;
}
