/* SPDX-License-Identifier: MIT */
/* Words what others read of the server. Must not fail the server when nobody reads it. */
#include "master/announce.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/proctitle.h"
#include "base/sys.h"
#include "base/writer.h"
#include "master/daemon.h"
#include "master/sd_notify.h"

static bool holds(const struct listener_set *set, const struct listener *listener)
{
	for (unsigned i = 0; set && i < set->count; i++)
		if (set->list[i].fds[0] == listener->fds[0])
			return true;
	return false;
}

static void log_missing(enum log_event event, const struct listener_set *set,
			const struct listener_set *other)
{
	char text[ADDR_TEXT];

	for (unsigned i = 0; set && i < set->count; i++)
		if (!holds(other, &set->list[i]))
			LOG(event, LOG_STR("address", addr_write(&set->list[i].bound, text)),
			    LOG_STR("service", set->list[i].conf->service),
			    LOG_STR("listen", set->list[i].conf->address));
}

void announce_listeners(const struct listener_set *fresh, const struct listener_set *old)
{
	log_missing(EVENT_listener_opened, fresh, old);
	log_missing(EVENT_listener_closed, old, fresh);
}

void announce_birth(struct scoreboard *board)
{
	board->started_ms = clock_ms();
	snprintf(board->program, sizeof(board->program), "%s", PACKAGE_VERSION);
	cell_set(&board->server.start_time_seconds, (uint64_t)time(NULL));
	cell_set(&board->server.last_reload_succeeded, 1);
}

void announce_conf(struct scoreboard *board, const struct conf *conf)
{
	proctitle_set("prefork-srv: master %s", conf->origin);
	snprintf(board->origin, sizeof(board->origin), "%s", conf->origin);
}

/* Who does not read it goes without. */
static void greet(const struct server *server)
{
	const struct generation *generation = server->procs.current;
	char address[ADDR_TEXT], line[ADDR_TEXT + 128];
	struct writer out;

	if (server->options->quiet || server->options->daemon)
		return;
	out = writer_open(STDOUT_FILENO);
	for (unsigned i = 0; i < generation->listeners->count; i++) {
		const struct listener *listener = &generation->listeners->list[i];
		int length = snprintf(line, sizeof(line), "serving %s on %s (%u worker%s)\n",
				      listener->conf->service,
				      addr_write(&listener->bound, address), generation->wanted,
				      generation->wanted == 1 ? "" : "s");

		(void)writer_write(&out, line, (size_t)length);
	}
	if (isatty(STDOUT_FILENO))
		(void)writer_write(&out, "Ctrl-C stops the server\n", 24);
	writer_close(&out);
}

void announce_started(struct server *server)
{
	struct err served = { .code = CODE_OK };

	LOG(EVENT_server_started, LOG_NUM("workers", server->procs.current->wanted),
	    LOG_STR("configuration", server->procs.current->conf->origin));
	greet(server);
	sd_notify_ready();
	readyfd_tell(&server->ready, &server->loop, server->procs.current->listeners);
	daemon_report(&server->report_fd, &served);
}
