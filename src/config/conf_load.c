/* SPDX-License-Identifier: MIT */
/*
 * Reads a configuration's values from all its sources, in order. It reads files and touches nothing
 * else of the environment.
 */
#include "config/conf_load.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "config/auth_users.h"
#include "config/conf_file.h"
#include "config/conf_limit.h"
#include "config/conf_location.h"
#include "config/conf_program.h"
#include "config/conf_tls.h"
#include "config/conf_trusted.h"
#include "config/conf_upstream.h"

#define DEFAULT_FILE SYSCONFDIR "/prefork-srv.conf"

static const char *const default_listeners[] = { "127.0.0.1:8080=status", "127.0.0.1:8081=ack" };

/* The file to read, or NULL for the built-in default. */
static const char *choose_file(const struct conf_source *source)
{
	struct stat st;

	if (source->file != NULL)
		return source->file;
	/* a file that exists but cannot be reached must be an error, not silently omitted */
	return sys_lstat(DEFAULT_FILE, &st) == 0 || errno != ENOENT ? DEFAULT_FILE : NULL;
}

static bool set_origin(struct conf *conf, const char *origin, struct err *err)
{
	conf->origin = strdup(origin);
	return conf->origin != NULL || err_errno(err, CODE_OSERR, "cannot keep the configuration");
}

static bool take_listeners(struct conf *conf, const struct conf_source *source, struct err *err)
{
	if (source->listener_count > 0)
		conf_drop_listeners(conf, 0);
	for (size_t i = 0; i < source->listener_count; i++)
		if (!conf_cmdline_listen(conf, source->listeners[i], source, err))
			return false;
	if (source->listener_count > 0) {
		conf_program_drop_unused(conf);
		conf_upstream_drop_unused(conf);
		conf_tls_drop_unused(conf);
	}
	return conf_cmdline_program(conf, source, err);
}

static bool add_default_listener(struct conf *conf, const char *listener, struct err *err)
{
	static const struct conf_source none;
	char *origin = strdup("built-in default");
	struct listen_conf *added;

	if (origin == NULL || !conf_cmdline_listen(conf, listener, &none, err)) {
		free(origin);
		return false;
	}
	added = &conf->listeners[conf->listener_count - 1];
	free(added->origin);
	added->origin = origin;
	return true;
}

static bool add_default_listeners(struct conf *conf, struct err *err)
{
	for (size_t i = 0; i < sizeof(default_listeners) / sizeof(default_listeners[0]); i++)
		if (!add_default_listener(conf, default_listeners[i], err))
			return false;
	return true;
}

/* Those of listeners come first: what they set makes upstreams, whose options -o sets as well. */
static bool take_options(struct conf *conf, const struct conf_source *source, bool of_listeners,
			 struct err *err)
{
	for (size_t i = 0; i < source->override_count; i++)
		if (conf_cmdline_is_of_listeners(source->overrides[i]) == of_listeners &&
		    !conf_cmdline_option(conf, source->overrides[i], err))
			return false;
	return true;
}

static bool take_overrides(struct conf *conf, const struct conf_source *source, struct err *err)
{
	if (!take_options(conf, source, true, err) || !conf_upstream_make(conf, err) ||
	    !take_options(conf, source, false, err))
		return false;
	if (source->workers != NULL && !conf_cmdline_workers(conf, source->workers, err))
		return false;
	return source->pid_file == NULL ||
	       conf_cmdline_pid_file(conf, source->pid_file, source->directory, err);
}

static bool fill_conf(struct conf *conf, const struct conf_source *source, struct err *err)
{
	const char *file = choose_file(source);
	const char *built_in = source->listener_count > 0 ? "command line" : "built-in default";

	if (file != NULL && file[0] == '\0')
		return err_set(err, CODE_USAGE, "-c \"\": a path is needed");
	if (!set_origin(conf, file ? file : built_in, err))
		return false;
	if (file != NULL && !conf_file_load(conf, file, source->directory, err))
		return false;
	if (!take_listeners(conf, source, err))
		return false;
	if (file == NULL && conf->listener_count == 0 && source->program == NULL &&
	    !add_default_listeners(conf, err))
		return false;
	if (source->program != NULL &&
	    !conf_program_has_listener(conf, &conf->programs[conf->program_count - 1]))
		return err_set(
			err, CODE_USAGE,
			"-- %s: a listener without a service is missing (-l ADDRESS before the --)",
			source->program[0]);
	if (conf->listener_count == 0)
		return err_set(
			err, CODE_CONFIG,
			"%s: listen: is missing (listen \"127.0.0.1:8081\" { service = ack })",
			conf->origin);
	return take_overrides(conf, source, err);
}

/* A worker must have a place for a listener that reserves none. */
static bool check_reserves(const struct conf *conf, struct err *err)
{
	int64_t left = conf->worker_connections;

	for (size_t i = 0; i < conf->listener_count; i++) {
		left -= conf->listeners[i].reserve;
		if (left <= 0)
			return err_set(
				err, CODE_CONFIG,
				"%s: listen.reserve: the listeners up to this one keep all of "
				"worker_connections = %" PRId64 " (raise that, or keep fewer)",
				conf->listeners[i].origin, conf->worker_connections);
	}
	return true;
}

struct conf *conf_load(const struct conf_source *source, struct err *err)
{
	struct conf *conf = conf_new(err);

	if (conf != NULL && (!fill_conf(conf, source, err) || !conf_location_inherit(conf, err) ||
			     !check_reserves(conf, err) || !conf_program_check(conf, err) ||
			     !conf_upstream_check(conf, err) || !conf_tls_check(conf, err) ||
			     !conf_limit_check(conf, err) || !conf_trusted_check(conf, err) ||
			     !auth_users_check(conf, err))) {
		conf_free(conf);
		conf = NULL;
	}
	/* a search that succeeded later may have left an error */
	if (conf != NULL)
		err->text[0] = '\0';
	return conf;
}
