/* SPDX-License-Identifier: MIT */
/* Adds up descriptors. It opens none. */
#include "master/trial/prestart_files.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "config/fdlimit.h"
#include "master/helper/helper.h"
#include "master/trial/prestart.h"
#include "worker/heritage.h"
#include "worker/service.h"

/*
 * OWN_FILES: a worker's own descriptors, such as its epoll, signalfd and log, and some for the C
 * library. LEAST_FILES: those without which a worker could not have a single connection.
 * MASTER_FILES: the master's, which cannot start with less: its pid file, scoreboard, logs, epoll
 * and the like.
 */
enum { OWN_FILES = 128, LEAST_FILES = 16, MASTER_FILES = 16 };

static unsigned files_of_conn(const struct service *service, bool most)
{
	unsigned needed = service->conn_files > 0 ? service->conn_files : 1;

	return needed + (most && service->sends_files);
}

/*
 * Descriptors of all connections, of the service that has the most for each, and what services keep
 * beside them: a location keeps one if its root is not its listener's. most: while each of them
 * sends a file.
 */
static rlim_t count_files(const struct conf *conf, bool most)
{
	unsigned of_conn = 1;
	rlim_t own = 0;

	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct service *service = service_find(conf->listeners[i].service);

		if (!service)
			continue;
		if (files_of_conn(service, most) > of_conn)
			of_conn = files_of_conn(service, most);
		own += service->own_files + conf->listeners[i].location_count;
	}
	return (rlim_t)conf->worker_connections * of_conn + own;
}

static rlim_t worker_files(const struct conf *conf, unsigned sockets, unsigned capacity, bool most)
{
	if (conf->rlimit_nofile > 0)
		return (rlim_t)conf->rlimit_nofile;
	return count_files(conf, most) + sockets + HERITAGE_WIRES * capacity + helper_count(conf) +
	       OWN_FILES;
}

rlim_t prestart_files_needed(const struct conf *conf, unsigned sockets, unsigned capacity)
{
	return worker_files(conf, sockets, capacity, false);
}

rlim_t prestart_files_wanted(const struct conf *conf, unsigned sockets, unsigned capacity)
{
	return worker_files(conf, sockets, capacity, true);
}

/* Descriptors that are open, and those to come. */
static rlim_t master_files(const struct conf *conf, unsigned sockets, unsigned capacity)
{
	return (rlim_t)fdlimit_open() + sockets + (rlim_t)(WIRE_FDS + 2) * capacity +
	       helper_files(conf, capacity) + MASTER_FILES;
}

enum { WHY_TEXT = 128 };

static const char *tell_needs(const struct conf *conf, unsigned sockets, unsigned capacity,
			      char *why)
{
	snprintf(why, WHY_TEXT, "for %u worker%s, room for %u more, and %u listening socket%s",
		 prestart_workers(conf), prestart_workers(conf) == 1 ? "" : "s",
		 capacity - prestart_workers(conf), sockets, sockets == 1 ? "" : "s");
	return why;
}

bool prestart_check_files(const struct conf *conf, unsigned sockets, unsigned capacity,
			  struct err *err)
{
	rlim_t needed = master_files(conf, sockets, capacity);
	char why[WHY_TEXT];

	if (fdlimit_allowed(needed))
		return true;
	fdlimit_refuse(needed, tell_needs(conf, sockets, capacity, why), err);
	return err_prefix(err, "%s: workers: ", conf_place(conf, "workers"));
}

bool prestart_check_rlimit(const struct conf *conf, unsigned sockets, unsigned capacity,
			   struct err *err)
{
	rlim_t of_worker =
		(rlim_t)sockets + HERITAGE_WIRES * capacity + helper_count(conf) + LEAST_FILES;
	char why[WHY_TEXT];

	if (conf->rlimit_nofile == 0 || (rlim_t)conf->rlimit_nofile >= of_worker)
		return true;
	err_set(err, CODE_CONFIG, "%s: a worker needs %" PRIu64 " descriptors (auto is enough)",
		tell_needs(conf, sockets, capacity, why), (uint64_t)of_worker);
	return err_prefix(err, "%s: rlimit_nofile: ", conf_place(conf, "rlimit_nofile"));
}

/* Not all send files at once: less than wanted is worth a word only below what is needed. */
void prestart_raise(const struct conf *conf, unsigned sockets, unsigned capacity)
{
	rlim_t wanted = prestart_files_wanted(conf, sockets, capacity);
	rlim_t needed = prestart_files_needed(conf, sockets, capacity);
	rlim_t of_master = master_files(conf, sockets, capacity), possible;

	if (of_master > needed)
		needed = of_master;
	if (fdlimit_raise(wanted > needed ? wanted : needed, &possible) || possible >= needed)
		return;
	LOG(EVENT_environment_warned, LOG_STR("option", "rlimit_nofile"), LOG_NUM("wanted", needed),
	    LOG_NUM("possible", possible),
	    LOG_STR("message", "a worker that runs out of descriptors pauses accepting (raise the "
			       "hard limit, or lower worker_connections)"));
}
