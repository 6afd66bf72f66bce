/* SPDX-License-Identifier: MIT */
/*
 * Writes the server's announcements. Must not fail the server or make it wait for a reader.
 */
#include "master/announce.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/proctitle.h"
#include "base/sys.h"
#include "config/conf_program.h"
#include "master/program/programs.h"

static bool has_socket(const struct listener_set *set, const struct listener *listener)
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
		if (!has_socket(other, &set->list[i]))
			LOG(event, LOG_STR("address", addr_write(&set->list[i].bound, text)),
			    LOG_STR("service", set->list[i].conf->service),
			    LOG_STR("listen", set->list[i].conf->address));
}

void announce_listeners(const struct listener_set *fresh, const struct listener_set *old)
{
	log_missing(EVENT_listener_opened, fresh, old);
	log_missing(EVENT_listener_closed, old, fresh);
}

void announce_conf(struct scoreboard *board, const struct conf *conf)
{
	proctitle_set("prefork-srv: master %s", conf->origin);
	snprintf(board->origin, sizeof(board->origin), "%s", conf->origin);
}

static const char *name_processes(bool is_program, unsigned count)
{
	if (is_program)
		return count == 1 ? "copy" : "copies";
	return count == 1 ? "worker" : "workers";
}

void announce_greeting(const struct generation *generation)
{
	char address[ADDR_TEXT], line[ADDR_TEXT + 128];
	struct writer out = writer_open(STDOUT_FILENO);

	for (unsigned i = 0; i < generation->listeners->count; i++) {
		const struct listener *listener = &generation->listeners->list[i];
		bool is_program = conf_program_owns(listener->conf);
		unsigned count = is_program ? programs_wanted_of(generation->programs,
								 listener->conf->program) :
					      generation->wanted;
		int length =
			snprintf(line, sizeof(line), "serving %s on %s (%u %s)\n",
				 is_program ? listener->conf->program : listener->conf->service,
				 addr_write(&listener->bound, address), count,
				 name_processes(is_program, count));

		(void)writer_write(&out, line, (size_t)length);
	}
	if (isatty(STDOUT_FILENO))
		(void)writer_write(&out, "Ctrl-C stops the server\n", 24);
	writer_close(&out);
}

/* All addresses or none: a reader would take a part for the whole list. */
static bool format_lines(struct announce_ready *ready, const struct listener_set *listeners)
{
	char address[ADDR_TEXT];
	size_t room = listeners->count * (sizeof(address) + 1);

	ready->start = ready->end = 0;
	ready->text = malloc(room + 1);
	for (unsigned i = 0; ready->text && i < listeners->count; i++)
		ready->end += (size_t)snprintf(ready->text + ready->end, room + 1 - ready->end,
					       "%s\n",
					       addr_write(&listeners->list[i].bound, address));
	return ready->text != NULL;
}

/* Returns false when the writer takes no more now. */
static bool write_rest(struct announce_ready *ready)
{
	while (ready->start < ready->end) {
		ssize_t n = writer_write(&ready->writer, ready->text + ready->start,
					 ready->end - ready->start);

		if (n < 0 && errno != EINTR)
			return errno != EAGAIN;
		ready->start += n > 0 ? (size_t)n : 0;
	}
	return true;
}

static void handle_writable(void *owner, uint32_t events)
{
	struct announce_ready *ready = owner;

	/* an error of the writer comes out in the write, too */
	(void)events;
	if (write_rest(ready))
		announce_close(ready);
}

void announce_ready(struct announce_ready *ready, struct loop *loop,
		    const struct listener_set *listeners)
{
	if (ready->fd < 0)
		return;
	ready->writer = writer_open(ready->fd);
	ready->watch =
		(struct watch){ .fd = ready->writer.fd, .ready = handle_writable, .owner = ready };
	if (!format_lines(ready, listeners) || write_rest(ready) ||
	    !loop_watch(loop, &ready->watch, EPOLLOUT))
		announce_close(ready);
	else
		ready->loop = loop;
}

void announce_close(struct announce_ready *ready)
{
	if (ready->fd < 0)
		return;
	if (ready->loop)
		loop_unwatch(ready->loop, &ready->watch);
	writer_close(&ready->writer);
	sys_close(ready->fd);
	free(ready->text);
	*ready = (struct announce_ready){ .fd = -1 };
}
