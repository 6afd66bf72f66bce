/* SPDX-License-Identifier: MIT */
/*
 * Checks and sets up what a configuration wants beside sockets. Must not fork and must not touch
 * the sockets. Called by start.c, reload.c, trial.c and spawn.c.
 */
#include "master/environment.h"

#include <string.h>

#include "base/log.h"
#include "base/sys.h"
#include "core/identity.h"
#include "worker/service.h"

/* A worker's own descriptors: its epoll, signalfd, log and the like, and some for the C library. */
enum { OWN_FILES = 128 };

static bool is_daemon; /* written once, by the master before it has any child */

void environment_detached(void)
{
	is_daemon = true;
}

static bool check_services(const struct conf *conf, struct err *err)
{
	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct listen_conf *listen = &conf->listeners[i];
		const struct service *service = service_find(listen->service);

		if (!service)
			return err_set(err, CODE_CONFIG, "%s: listen.service: \"%s\" is unknown",
				       listen->origin, listen->service);
		if (service->check && !service->check(listen, err))
			return err_prefix(err, "%s: ", listen->origin);
	}
	return true;
}

struct conf *environment_load(const struct conf_source *source, struct err *err)
{
	struct conf *conf = conf_load(source, err);

	if (!conf || check_services(conf, err))
		return conf;
	conf_free(conf);
	return NULL;
}

static bool check_directory(const char *option, const char *path, struct err *err)
{
	struct stat st;

	if (path[0] == '\0')
		return true;
	if (stat(path, &st) < 0)
		return err_errno(err, err_code(errno, CODE_CONFIG), "%s: \"%s\"", option, path);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, CODE_CONFIG, "%s: \"%s\" is not a directory", option, path);
	return true;
}

bool environment_check(const struct conf *conf, struct err *err)
{
	struct identity identity;

	return identity_find(conf, &identity, err) &&
	       check_directory("chroot", conf->chroot, err) &&
	       check_directory("working_directory", conf->working_directory, err);
}

bool environment_enter(const struct conf *conf, bool daemon, struct err *err)
{
	const char *directory = conf->working_directory;

	umask((mode_t)conf->umask);
	if (directory[0] == '\0' && daemon)
		directory = "/";
	if (directory[0] != '\0' && sys_chdir(directory) < 0)
		return err_errno(err, err_code(errno, CODE_CONFIG),
				 "working_directory: cannot change to \"%s\"", directory);
	return true;
}

/* The user who has to be able to reopen the log; -1: the one who runs. */
static uid_t log_owner(const struct conf *conf)
{
	struct identity identity;
	struct err err;

	if (!identity_find(conf, &identity, &err) || !identity.changes)
		return (uid_t)-1;
	return identity.user;
}

bool environment_log(const struct conf *conf, struct err *err)
{
	bool no_stderr = is_daemon && strcmp(conf->log_path, "stderr") == 0;

	if (log_open(no_stderr ? "syslog" : conf->log_path, (enum log_level)conf->log_level,
		     (enum log_format)conf->log_format, log_owner(conf), err))
		return true;
	if (no_stderr)
		err_prefix(err, "a daemon cannot log to stderr (log.path chooses a file): ");
	return false;
}

bool environment_same_log(const struct conf *a, const struct conf *b)
{
	return strcmp(a->log_path, b->log_path) == 0 && a->log_level == b->log_level &&
	       a->log_format == b->log_format && log_owner(a) == log_owner(b);
}

static rlim_t files_wanted(const struct conf *conf, const struct listener_set *listeners,
			   unsigned capacity)
{
	rlim_t wanted = (rlim_t)conf->worker_connections + capacity + OWN_FILES;

	if (conf->rlimit_nofile > 0)
		return (rlim_t)conf->rlimit_nofile;
	for (unsigned i = 0; i < listeners->count; i++)
		wanted += listeners->list[i].fd_count;
	return wanted;
}

void environment_raise(const struct conf *conf, const struct listener_set *listeners,
		       unsigned capacity)
{
	rlim_t wanted = files_wanted(conf, listeners, capacity);
	struct rlimit limit, higher;

	if (sys_getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	higher = limit;
	if (higher.rlim_max < wanted)
		higher.rlim_max = wanted;
	if (higher.rlim_cur < wanted)
		higher.rlim_cur = wanted;
	if (sys_setrlimit(RLIMIT_NOFILE, &higher) == 0)
		return;
	LOG(EVENT_environment_warned, LOG_STR("option", "rlimit_nofile"), LOG_NUM("wanted", wanted),
	    LOG_NUM("possible", limit.rlim_max),
	    LOG_STR("message", "a worker that runs out of descriptors pauses accepting (raise the "
			       "hard limit, or lower worker_connections)"));
	higher = limit;
	higher.rlim_cur = higher.rlim_max;
	sys_setrlimit(RLIMIT_NOFILE, &higher);
}

static void limit_files(rlim_t wanted)
{
	struct rlimit limit;

	if (sys_getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
	sys_setrlimit(RLIMIT_NOFILE, &limit);
}

bool environment_inherit(const struct conf *conf, const struct listener_set *listeners,
			 unsigned capacity, bool new_log, struct err *err)
{
	umask((mode_t)conf->umask);
	if (new_log && !environment_log(conf, err))
		return false;
	limit_files(files_wanted(conf, listeners, capacity));
	return true;
}
