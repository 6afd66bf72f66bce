/* SPDX-License-Identifier: MIT */
/*
 * Checks and sets up all that a configuration needs beside sockets. Must not fork and must not
 * touch the sockets.
 */
#include "master/trial/prestart.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accesslog/accesslog.h"
#include "base/log.h"
#include "base/logfile.h"
#include "base/logsink.h"
#include "base/sys.h"
#include "config/auth_users.h"
#include "config/conf_program.h"
#include "config/conf_upstream.h"
#include "master/trial/path_conflict.h"
#include "net/listen_socket.h"
#include "worker/service.h"

static bool is_daemon; /* written once, by the master before it has any child */

void prestart_detached(void)
{
	is_daemon = true;
}

/*
 * Puts the place of the option that the message begins with, and the name of its section, before
 * it; returns false.
 */
static bool blame_listen(const struct listen_conf *listen, enum option_section section,
			 struct err *err)
{
	char name[OPTION_NAME];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(err->text, ":"), err->text);
	if (option_find(SECTION_listen, name) == NULL)
		return err_prefix(err, "%s: ", listen->origin);
	return err_prefix(err, "%s: %s.", conf_listen_place(listen, name),
			  option_sections[section].name);
}

/* A location is checked as a listen of its own. */
static bool check_listen(const struct service *service, const struct listen_conf *listen,
			 struct err *err)
{
	if (!service->check(listen, err))
		return blame_listen(listen, SECTION_listen, err);
	for (size_t i = 0; i < listen->location_count; i++)
		if (!service->check(&listen->locations[i], err))
			return blame_listen(&listen->locations[i], SECTION_location, err);
	return true;
}

static bool check_services(const struct conf *conf, struct err *err)
{
	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct listen_conf *listen = &conf->listeners[i];
		const struct service *service = service_find(listen->service);

		if (!service)
			return err_set(err, CODE_CONFIG, "%s: listen.service: \"%s\" is unknown",
				       listen->origin, listen->service);
		if (service->check && !check_listen(service, listen, err))
			return false;
	}
	return true;
}

void prestart_forget(struct prestart_found *found)
{
	free(found->resolved);
	free(found->facts);
	free(found->programs);
	found->resolved = NULL;
	found->facts = NULL;
	found->programs = NULL;
}

struct conf *prestart_load(const struct conf_source *source, struct err *err)
{
	struct conf *conf = conf_load(source, err);

	if (!conf || (check_services(conf, err) && auth_users_load(conf, err)))
		return conf;
	conf_free(conf);
	return NULL;
}

/* Puts the option's place before the message; returns false. */
static bool blame_option(const struct conf *conf, const char *option, struct err *err)
{
	return err_prefix(err, "%s: %s: ", conf_place(conf, option), option);
}

bool prestart_check_identity(const struct conf *conf, struct identity *identity, struct err *err)
{
	bool is_group;

	if (identity_find(conf, identity, err))
		return true;
	is_group = strncmp(err->text, "group:", 6) == 0;
	return err_prefix(err, "%s: ", conf_place(conf, is_group ? "group" : "user"));
}

/* The address from which servers are connected to. Its text was checked with the configuration. */
static bool check_source(const struct upstream_conf *upstream, struct err *err)
{
	struct addr addr;
	struct net net;

	if (upstream->bind_source[0] == '\0' || !net_read(upstream->bind_source, &net, err))
		return true;
	addr = net_to_addr(&net, 0);
	return listen_socket_check_source(&addr, err) ||
	       conf_upstream_blame(upstream, "bind_source", err);
}

static bool check_sources(const struct conf *conf, struct err *err)
{
	for (size_t i = 0; i < conf->upstream_count; i++)
		if (conf_upstream_has_listener(conf, &conf->upstreams[i]) &&
		    !check_source(&conf->upstreams[i], err))
			return false;
	return true;
}

static bool check_listen_system(const struct service *service, const struct conf *conf,
				const struct listen_conf *listen, const struct identity *identity,
				struct err *err)
{
	if (!service->check_system(conf, listen, identity, err))
		return blame_listen(listen, SECTION_listen, err);
	for (size_t i = 0; i < listen->location_count; i++)
		if (!service->check_system(conf, &listen->locations[i], identity, err))
			return blame_listen(&listen->locations[i], SECTION_location, err);
	return true;
}

bool prestart_check_services(const struct conf *conf, const struct identity *identity,
			     struct err *err)
{
	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct listen_conf *listen = &conf->listeners[i];
		const struct service *service = service_find(listen->service);

		if (service->check_system &&
		    !check_listen_system(service, conf, listen, identity, err))
			return false;
	}
	return check_sources(conf, err);
}

bool prestart_check_directory(const struct conf *conf, const char *option, const char *path,
			      struct err *err)
{
	struct stat st;

	if (path[0] == '\0')
		return true;
	if (sys_stat(path, &st) < 0)
		err_errno(err, err_code(errno, CODE_CONFIG), "\"%s\" cannot be entered", path);
	else if (!S_ISDIR(st.st_mode))
		err_set(err, CODE_CONFIG, "\"%s\" is not a directory", path);
	else if (sys_faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0)
		err_errno(err, err_code(errno, CODE_CONFIG), "\"%s\" cannot be entered", path);
	else
		return true;
	return blame_option(conf, option, err);
}

bool prestart_check_chroot(const struct conf *conf, struct err *err)
{
	if (!prestart_check_directory(conf, "chroot", conf->chroot, err))
		return false;
	if (conf->chroot[0] == '\0' || geteuid() == 0)
		return true;
	err_set(err, CODE_NOPERM, "only root may do it (leave it empty)");
	return blame_option(conf, "chroot", err);
}

bool prestart_enter(const struct conf *conf, bool daemon, struct err *err)
{
	const char *directory = conf->working_directory;

	umask((mode_t)conf->umask);
	if (directory[0] == '\0' && daemon)
		directory = "/";
	if (directory[0] == '\0' || sys_chdir(directory) == 0)
		return true;
	err_errno(err, err_code(errno, CODE_CONFIG), "cannot change to \"%s\"", directory);
	return blame_option(conf, "working_directory", err);
}

uid_t prestart_log_owner(const struct identity *identity)
{
	return identity->changes ? identity->user : (uid_t)-1;
}

static const char *log_target(const struct conf *conf)
{
	return is_daemon && strcmp(conf->log_path, "stderr") == 0 ? "syslog" : conf->log_path;
}

/* Adds to err why the log was to be opened. */
static bool blame_log(const struct conf *conf, struct err *err)
{
	if (log_target(conf) != conf->log_path)
		err_prefix(err, "a daemon cannot log to stderr (log.path chooses a file): ");
	return blame_option(conf, "log.path", err);
}

static bool check_access(const struct conf *conf, const struct identity *identity, struct err *err)
{
	const char *target = conf->log_access;

	if (target[0] == '/' && !logfile_probe(target, prestart_log_owner(identity), err))
		return blame_option(conf, "log.access", err);
	if (!is_daemon || strcmp(target, "stderr") != 0)
		return true;
	err_set(err, CODE_CONFIG, "a daemon has no stderr (name a file, or off)");
	return blame_option(conf, "log.access", err);
}

static bool check_path(const struct conf *conf, const struct identity *identity, struct err *err)
{
	int fd;

	if (conf->log_path[0] == '/')
		return logfile_probe(conf->log_path, prestart_log_owner(identity), err) ||
		       blame_log(conf, err);
	if (strcmp(log_target(conf), "syslog") != 0)
		return true;
	fd = logsink_syslog_open(LOGSINK_SYSLOG_PATH);
	if (fd >= 0) {
		sys_close(fd);
		return true;
	}
	err_errno(err, err_code(errno, CODE_OSERR), "cannot reach syslog at " LOGSINK_SYSLOG_PATH);
	return blame_log(conf, err);
}

bool prestart_check_log(const struct conf *conf, const struct identity *identity, struct err *err)
{
	return path_conflict_check(conf, err) && check_path(conf, identity, err) &&
	       check_access(conf, identity, err);
}

/* As base/log does for its own file. */
static void warn_of_access(const struct conf *conf)
{
	char text[LOGFILE_WARNING];

	if (logfile_warns(&accesslog_file()->file, conf->log_access, text))
		LOG(EVENT_environment_warned, LOG_STR("message", text));
}

/* The access log comes first: the log reports on it, and stays as it was when it fails. */
bool prestart_log(const struct conf *conf, const struct identity *identity, struct err *err)
{
	bool had_file = accesslog_file()->file.fd >= 0;
	uid_t owner = prestart_log_owner(identity);

	if (!path_conflict_check(conf, err))
		return false;
	if (is_daemon && !check_access(conf, identity, err))
		return false;
	if (!accesslog_open(conf, owner, err))
		return blame_option(conf, "log.access", err);
	if (!log_open(log_target(conf), (enum log_level)conf->log_level,
		      (enum log_format)conf->log_format, owner, err))
		return blame_log(conf, err);
	if (!had_file && accesslog_file()->file.fd >= 0)
		warn_of_access(conf);
	return true;
}

bool prestart_same_log(const struct conf *a, const struct identity *of_a, const struct conf *b,
		       const struct identity *of_b)
{
	return strcmp(a->log_path, b->log_path) == 0 && a->log_level == b->log_level &&
	       a->log_format == b->log_format && a->log_access_format == b->log_access_format &&
	       strcmp(a->log_access, b->log_access) == 0 &&
	       prestart_log_owner(of_a) == prestart_log_owner(of_b);
}

unsigned prestart_workers(const struct conf *conf)
{
	for (size_t i = 0; i < conf->listener_count; i++)
		if (!conf_program_owns(&conf->listeners[i]))
			return conf_workers(conf);
	return conf->program_count > 0 ? 0 : conf_workers(conf);
}
