/* SPDX-License-Identifier: MIT */
/*
 * Loads a configuration from all its sources and answers what it means as a whole. Must not touch
 * the environment beyond reading files.
 */
#include "config/conf.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "base/sys.h"
#include "config/conf_build.h"
#include "config/conf_cmdline.h"
#include "config/conf_file.h"
#include "config/cpus.h"

#define DEFAULT_FILE SYSCONFDIR "/prefork-srv.conf"

static const char *const default_listeners[] = { "127.0.0.1:8080=status", "127.0.0.1:8081=ack" };

/* The file to read, or NULL for the built-in default. */
static const char *choose_file(const struct conf_source *source)
{
	struct stat st;

	if (source->file != NULL)
		return source->file;
	/* one that is there but cannot be reached must be an error, not silently left out */
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
		conf_build_truncate(conf, 0);
	for (size_t i = 0; i < source->listener_count; i++)
		if (!conf_cmdline_listen(conf, source->listeners[i], err))
			return false;
	return true;
}

static bool add_default_listener(struct conf *conf, const char *listener, struct err *err)
{
	char *origin = strdup("built-in default");
	struct listen_conf *added;

	if (origin == NULL || !conf_cmdline_listen(conf, listener, err)) {
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

static bool take_overrides(struct conf *conf, const struct conf_source *source, struct err *err)
{
	for (size_t i = 0; i < source->override_count; i++)
		if (!conf_cmdline_option(conf, source->overrides[i], err))
			return false;
	if (source->workers != NULL && !conf_cmdline_workers(conf, source->workers, err))
		return false;
	return source->pid_file == NULL ||
	       conf_cmdline_pid_file(conf, source->pid_file, source->directory, err);
}

static bool fill(struct conf *conf, const struct conf_source *source, struct err *err)
{
	const char *file = choose_file(source);
	const char *built_in = source->listener_count > 0 ? "command line" : "built-in default";

	if (!set_origin(conf, file ? file : built_in, err))
		return false;
	if (file != NULL && !conf_file_load(conf, file, source->directory, err))
		return false;
	if (!take_listeners(conf, source, err))
		return false;
	if (file == NULL && conf->listener_count == 0 && !add_default_listeners(conf, err))
		return false;
	if (conf->listener_count == 0)
		return err_set(
			err, CODE_CONFIG,
			"%s: listen: is missing (listen \"127.0.0.1:8081\" { service = ack })",
			conf->origin);
	return take_overrides(conf, source, err);
}

/* A worker must have a place for a listener that keeps none. */
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
	struct conf *conf = conf_build_new(err);

	if (conf != NULL && (!fill(conf, source, err) || !check_reserves(conf, err))) {
		conf_free(conf);
		conf = NULL;
	}
	/* what a search that went on after a miss may have left */
	if (conf != NULL)
		err->text[0] = '\0';
	return conf;
}

void conf_free(struct conf *conf)
{
	if (conf == NULL)
		return;
	conf_build_truncate(conf, 0);
	free(conf->listeners);
	free(conf->origin);
	for (size_t i = 0; conf->places != NULL && i < option_count; i++)
		free(conf->places[i]);
	free(conf->places);
	option_free(SECTION_main, conf);
	option_free(SECTION_log, conf);
	free(conf);
}

/* Port 0 may be there more than once, and is compared as text. */
static bool is_same_listen(const char *a, const char *b)
{
	return strcmp(a, b) == 0 || conf_build_same_address(a, b);
}

/* The nth listener of that written address. */
static const struct listen_conf *find_listener(const struct conf *conf, const char *address,
					       size_t nth)
{
	for (size_t i = 0; i < conf->listener_count; i++)
		if (is_same_listen(conf->listeners[i].address, address) && nth-- == 0)
			return &conf->listeners[i];
	return NULL;
}

static size_t earlier_ones(const struct conf *conf, size_t index)
{
	size_t count = 0;

	for (size_t i = 0; i < index; i++)
		count += is_same_listen(conf->listeners[i].address, conf->listeners[index].address);
	return count;
}

/* The first option of the section that differs and needs a restart, or NULL. */
static const struct option *find_fixed(enum option_section section, const void *from,
				       const void *to)
{
	for (size_t i = 0; i < option_count; i++)
		if (options[i].section == section && !options[i].live &&
		    !option_equal(&options[i], from, to))
			return &options[i];
	return NULL;
}

static bool refuse_change(const struct option *option, struct err *err)
{
	char name[OPTION_NAME];

	return err_set(err, CODE_CONFIG, "%s: cannot change at run time (restart the server)",
		       option_full_name(option, name));
}

bool conf_can_reload(const struct conf *from, const struct conf *to, struct err *err)
{
	const struct option *fixed = find_fixed(SECTION_main, from, to);
	char shown[QUOTE_TEXT], name[OPTION_NAME];

	if (fixed == NULL)
		fixed = find_fixed(SECTION_log, from, to);
	if (fixed != NULL) {
		refuse_change(fixed, err);
		return err_prefix(err, "%s: ", conf_place(to, option_full_name(fixed, name)));
	}
	for (size_t i = 0; i < to->listener_count; i++) {
		const struct listen_conf *now = &to->listeners[i];
		const struct listen_conf *was =
			find_listener(from, now->address, earlier_ones(to, i));

		fixed = was != NULL ? find_fixed(SECTION_listen, was, now) : NULL;
		if (fixed == NULL)
			continue;
		refuse_change(fixed, err);
		return err_prefix(err, "%s: listen %s: ", now->origin,
				  quote_show(now->address, shown));
	}
	return true;
}

const char *conf_place(const struct conf *conf, const char *full_name)
{
	char name[OPTION_NAME];

	for (size_t i = 0; i < option_count; i++)
		if (conf->places[i] != NULL &&
		    strcmp(option_full_name(&options[i], name), full_name) == 0)
			return conf->places[i];
	return conf->origin;
}

unsigned conf_workers(const struct conf *conf)
{
	unsigned most = 256, cpus = cpus_usable();

	if (conf->workers > 0)
		return (unsigned)conf->workers;
	return cpus < most ? cpus : most;
}

bool conf_drops_user(const struct conf *conf)
{
	return geteuid() == 0 && strcmp(conf->user, "root") != 0;
}
