/* SPDX-License-Identifier: MIT */
/*
 * Examines the environment, one line for each thing found. Must not change or disturb anything:
 * it binds without listening and lets go, connects to nothing but a unix path, unlinks nothing.
 * Called by main for -t and -T.
 */
#include "master/preflight.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/sys.h"
#include "base/units.h"
#include "core/identity.h"
#include "core/listener.h"
#include "master/holder.h"
#include "master/pidfile.h"

/* The descriptors that a worker needs beside those of its connections. */
enum { OWN_FILES = 128 };

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

static void check_identity(const struct conf *conf, struct report *report)
{
	struct identity identity;
	struct err err;
	bool is_group;

	if (identity_find(conf, &identity, &err))
		return;
	is_group = strncmp(err.text, "group:", 6) == 0;
	err_prefix(&err, "%s: ", conf_place(conf, is_group ? "group" : "user"));
	wrong(report, &err);
}

static void check_directory(const struct conf *conf, const char *option, const char *path,
			    struct report *report)
{
	const char *place = conf_place(conf, option);
	struct err err;
	struct stat st;

	if (path[0] == '\0')
		return;
	if (stat(path, &st) < 0)
		err_errno(&err, err_code(errno, CODE_CONFIG), "%s: %s: \"%s\" cannot be entered",
			  place, option, path);
	else if (!S_ISDIR(st.st_mode))
		err_set(&err, CODE_CONFIG, "%s: %s: \"%s\" is not a directory", place, option,
			path);
	else
		return;
	wrong(report, &err);
}

static void check_chroot(const struct conf *conf, struct report *report)
{
	struct err err;

	check_directory(conf, "chroot", conf->chroot, report);
	if (conf->chroot[0] == '\0' || geteuid() == 0)
		return;
	err_set(&err, CODE_NOPERM, "%s: chroot: only root may do it (leave it empty)",
		conf_place(conf, "chroot"));
	wrong(report, &err);
}

static void check_descriptors(const struct conf *conf, struct report *report)
{
	int64_t needed = conf->worker_connections + OWN_FILES + (int64_t)conf->listener_count;
	const char *option = "worker_connections";
	struct rlimit limit;

	if (conf->rlimit_nofile > 0) {
		needed = conf->rlimit_nofile;
		option = "rlimit_nofile";
	}
	if (sys_getrlimit(RLIMIT_NOFILE, &limit) < 0 || (int64_t)limit.rlim_max >= needed)
		return;
	/* root may raise it, unless a container forbids that */
	if (geteuid() == 0 &&
	    sys_setrlimit(RLIMIT_NOFILE, &(struct rlimit){ (rlim_t)needed, (rlim_t)needed }) == 0) {
		sys_setrlimit(RLIMIT_NOFILE, &limit);
		return;
	}
	scarce(report,
	       "%s: %s: %" PRId64 " descriptors are needed, and the hard limit is %" PRIu64
	       " (raise it by ulimit -Hn or LimitNOFILE=)",
	       conf_place(conf, option), option, needed, (uint64_t)limit.rlim_max);
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
	struct err err;

	if (!listener_check_clashes(conf, &err))
		wrong(report, &err);
	for (size_t i = 0; i < conf->listener_count; i++)
		if (!listener_probe(&conf->listeners[i], owner > 0 ? is_ours : NULL, &owner, &err))
			wrong(report, &err);
}

/* The folder that the path stands in. folder: size bytes. */
static void folder_of(const char *path, char *folder, size_t size)
{
	const char *slash = strrchr(path, '/');
	int len = slash == path ? 1 : slash ? (int)(slash - path) : 0;

	snprintf(folder, size, "%.*s", len, path);
}

/* True when this process may write the file, or make it where there is none; else errno. */
static bool can_write(const char *path)
{
	char folder[4096];

	if (faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) == 0)
		return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
	if (errno != ENOENT)
		return false;
	folder_of(path, folder, sizeof(folder));
	return faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == 0;
}

/* True when the workers' user may go through the folder to reopen what is in it. */
static bool can_search(const struct identity *identity, const char *folder)
{
	struct stat st;

	if (stat(folder, &st) < 0)
		return false;
	if (st.st_uid == identity->user)
		return (st.st_mode & S_IXUSR) != 0;
	return (st.st_mode & (st.st_gid == identity->group ? S_IXGRP : S_IXOTH)) != 0;
}

static void check_reopen(const struct conf *conf, struct report *report)
{
	struct identity identity;
	char folder[4096];
	struct err err;

	folder_of(conf->log_path, folder, sizeof(folder));
	if (!identity_find(conf, &identity, &err) || !identity.changes || identity.user == 0 ||
	    can_search(&identity, folder))
		return;
	scarce(report,
	       "%s: log.path: user \"%s\" may not enter \"%s\": workers cannot reopen the log",
	       conf_place(conf, "log.path"), conf->user, folder);
}

static void check_log(const struct conf *conf, struct report *report)
{
	struct stat st;
	struct err err;

	if (conf->log_path[0] != '/')
		return;
	if (!can_write(conf->log_path))
		err_errno(&err, err_code(errno, CODE_CONFIG),
			  "%s: log.path: \"%s\" cannot be written", conf_place(conf, "log.path"),
			  conf->log_path);
	else if (stat(conf->log_path, &st) == 0 && S_ISDIR(st.st_mode))
		err_set(&err, CODE_CONFIG, "%s: log.path: \"%s\" is a directory",
			conf_place(conf, "log.path"), conf->log_path);
	else {
		check_reopen(conf, report);
		return;
	}
	wrong(report, &err);
}

static void check_pid_file(const struct conf *conf, const char *path, struct report *report)
{
	char folder[4096];
	struct stat st;
	struct err err;

	folder_of(path, folder, sizeof(folder));
	/* the private folder of an unprivileged server is made at its start */
	if (conf->pid_file[0] == '\0' && geteuid() != 0 && stat(folder, &st) < 0 && errno == ENOENT)
		return;
	if (can_write(path))
		return;
	err_errno(&err, err_code(errno, CODE_CONFIG), "%s: pid_file: \"%s\" cannot be written",
		  conf_place(conf, "pid_file"), path);
	wrong(report, &err);
}

enum exit_code preflight_check(const struct conf *conf, FILE *out)
{
	struct report report = { .out = out, .code = CODE_OK };
	char pid_path[4096];
	pid_t owner = 0;
	struct err err;

	if (pidfile_path(conf, false, pid_path, sizeof(pid_path), &err)) {
		owner = pidfile_owner(pid_path);
		check_pid_file(conf, pid_path, &report);
	} else {
		wrong(&report, &err);
	}
	check_identity(conf, &report);
	check_directory(conf, "working_directory", conf->working_directory, &report);
	check_chroot(conf, &report);
	check_log(conf, &report);
	check_descriptors(conf, &report);
	check_backlogs(conf, &report);
	check_listeners(conf, owner, &report);
	return report.code;
}
