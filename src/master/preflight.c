/* SPDX-License-Identifier: MIT */
/*
 * Examines the environment, one line for each thing found. Must not change or disturb anything:
 * it binds without listening and lets go, connects to nothing but a unix path, unlinks nothing.
 * Called by main for -t and -T.
 */
#include "master/preflight.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "base/units.h"
#include "core/holder.h"
#include "core/listener.h"
#include "master/environment.h"
#include "master/generation.h"
#include "master/pidfile.h"

struct report {
	FILE *out;
	enum exit_code code; /* of the first thing that is wrong */
};

/* Something that keeps the server from starting. */
static void wrong(struct report *report, const struct err *err)
{
	fprintf(report->out, "prefork-srv: %s\n", err->text);
	if (report->code == CODE_OK)
		report->code = err->code;
}

/* Something that the server can start without. */
static void scarce(struct report *report, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void scarce(struct report *report, const char *format, ...)
{
	va_list parameters;

	fputs("prefork-srv: ", report->out);
	va_start(parameters, format);
	vfprintf(report->out, format, parameters);
	va_end(parameters);
	fputs(" (a warning)\n", report->out);
}

/* How many listening sockets a worker of conf inherits, as far as its names resolve. */
static unsigned count_sockets(const struct conf *conf, const struct listener_addresses *resolved)
{
	unsigned count = 0;

	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct listener_addresses *addresses = &resolved[i];
		bool is_each = conf->listeners[i].reuse_port &&
			       addresses->found[0].sa.sa_family != AF_UNIX;

		count += (addresses->count > 0 ? addresses->count : 1) *
			 (is_each ? conf_workers(conf) : 1);
	}
	return count;
}

static void check_descriptors(const struct conf *conf, unsigned sockets, struct report *report)
{
	rlim_t needed =
		environment_files_wanted(conf, sockets, conf_workers(conf) + GENERATION_SPARE);
	const char *option = conf->rlimit_nofile > 0 ? "rlimit_nofile" : "worker_connections";
	struct rlimit limit;

	if ((int64_t)needed < conf->worker_connections)
		scarce(report,
		       "%s: rlimit_nofile: %" PRIu64
		       " descriptors are too few for worker_connections = %" PRId64
		       " (auto is enough)",
		       conf_place(conf, "rlimit_nofile"), (uint64_t)needed,
		       conf->worker_connections);
	if (sys_getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_max >= needed)
		return;
	/* root may raise it, unless a container forbids that */
	if (geteuid() == 0 &&
	    sys_setrlimit(RLIMIT_NOFILE, &(struct rlimit){ needed, needed }) == 0) {
		sys_setrlimit(RLIMIT_NOFILE, &limit);
		return;
	}
	scarce(report,
	       "%s: %s: %" PRIu64 " descriptors are needed, and the hard limit is %" PRIu64
	       " (raise it by ulimit -Hn or LimitNOFILE=)",
	       conf_place(conf, option), option, (uint64_t)needed, (uint64_t)limit.rlim_max);
}

static int64_t read_somaxconn(void)
{
	FILE *file = fopen("/proc/sys/net/core/somaxconn", "re");
	char line[32] = "";
	int64_t most = INT64_MAX;

	if (file == NULL)
		return most;
	if (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		units_read_count(line, &most);
	}
	fclose(file);
	return most;
}

static void check_backlogs(const struct conf *conf, struct report *report)
{
	int64_t most = read_somaxconn();

	for (size_t i = 0; i < conf->listener_count; i++)
		if (conf->listeners[i].backlog > most)
			scarce(report,
			       "%s: listen.backlog: %" PRId64
			       " is more than net.core.somaxconn allows (at most %" PRId64 ")",
			       conf->listeners[i].origin, conf->listeners[i].backlog, most);
}

static bool is_ours(const struct addr *addr, void *owner)
{
	return holder_has(*(pid_t *)owner, addr);
}

static void check_listeners(const struct conf *conf, pid_t owner, struct report *report)
{
	struct listener_addresses *resolved = calloc(conf->listener_count, sizeof(*resolved));
	struct err err;

	if (!resolved) {
		err_errno(&err, CODE_OSERR, "cannot keep the addresses");
		wrong(report, &err);
		return;
	}
	if (!listener_resolve(conf, resolved, &err))
		wrong(report, &err);
	check_descriptors(conf, count_sockets(conf, resolved), report);
	for (size_t i = 0; i < conf->listener_count; i++)
		if (!listener_probe(&conf->listeners[i], owner > 0 ? is_ours : NULL, &owner, &err))
			wrong(report, &err);
	free(resolved);
}

/* The folder that the path stands in. folder: size bytes. */
static void folder_of(const char *path, char *folder, size_t size)
{
	const char *slash = strrchr(path, '/');

	snprintf(folder, size, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

/* True when the workers' user may go through the folder to reopen what is in it. */
static bool can_search(const struct identity *identity, const char *folder)
{
	struct stat st;

	if (sys_stat(folder, &st) < 0)
		return false;
	if (st.st_uid == identity->user)
		return (st.st_mode & S_IXUSR) != 0;
	return (st.st_mode & (st.st_gid == identity->group ? S_IXGRP : S_IXOTH)) != 0;
}

static void check_reopen(const struct conf *conf, const struct identity *identity,
			 const char *option, const char *path, struct report *report)
{
	char folder[4096];

	if (path[0] != '/' || !identity->changes || identity->user == 0)
		return;
	folder_of(path, folder, sizeof(folder));
	if (!can_search(identity, folder))
		scarce(report,
		       "%s: %s: user \"%s\" may not enter \"%s\": workers cannot reopen the %s",
		       conf_place(conf, option), option, conf->user, folder,
		       strcmp(option, "log.path") == 0 ? "log" : "access log");
}

/* Returns the server that holds it, or 0: that one's addresses are no other's. */
static pid_t check_pid_file(const struct conf *conf, struct report *report)
{
	char path[PIDFILE_PATH], warning[PIDFILE_WARNING];
	struct err err;
	pid_t owner;

	if (!pidfile_path(conf, true, path, sizeof(path), &err)) {
		wrong(report, &err);
		return 0;
	}
	owner = pidfile_owner(path);
	if (owner == 0 && !pidfile_probe(path, &err)) {
		if (conf->pid_file[0] != '\0')
			err_prefix(&err, "%s: ", conf_place(conf, "pid_file"));
		wrong(report, &err);
	}
	if (strcmp(conf->pid_file, "none") != 0 && pidfile_warns(conf, path, warning))
		scarce(report, "%s", warning);
	return owner;
}

/* Who may write to the log is known once the workers' user is. */
static void check_log(const struct conf *conf, struct report *report)
{
	struct identity identity;
	struct err err;

	if (!environment_check_identity(conf, &identity, &err) ||
	    !environment_check_log(conf, &identity, &err)) {
		wrong(report, &err);
		return;
	}
	check_reopen(conf, &identity, "log.path", conf->log_path, report);
	check_reopen(conf, &identity, "log.access", conf->log_access, report);
}

static void check_environment(const struct conf *conf, struct report *report)
{
	struct err err;

	if (!environment_check_directory(conf, "working_directory", conf->working_directory, &err))
		wrong(report, &err);
	if (!environment_check_chroot(conf, &err))
		wrong(report, &err);
	check_log(conf, report);
}

enum exit_code preflight_check(const struct conf *conf, FILE *out)
{
	struct report report = { .out = out, .code = CODE_OK };
	pid_t owner = check_pid_file(conf, &report);

	check_environment(conf, &report);
	check_backlogs(conf, &report);
	check_listeners(conf, owner, &report);
	return report.code;
}
