/* SPDX-License-Identifier: MIT */
/*
 * Sends the orders, as signals with a value (sigqueue(3)), and reads in the scoreboard whether they
 * were carried out.
 */
#include "ctl/drain.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/quote.h"
#include "base/sys.h"
#include "base/units.h"
#include "config/signals.h"
#include "stats/servers.h"

enum { ANSWER_MS = 5000, POLL_MS = 5 };

#define LOAD(field) atomic_load_explicit(&(field), memory_order_relaxed)

static bool is_meant(const struct server_row *row, const char *name)
{
	size_t title = strlen(row->upstream);

	if (LOAD(row->life) != SERVER_IN_FORCE)
		return false;
	return strcmp(row->address, name) == 0 ||
	       (strncmp(row->upstream, name, title) == 0 && name[title] == '/' &&
		strcmp(row->address, name + title + 1) == 0);
}

static bool refuse_name(const struct drain *drain, struct err *err)
{
	const char *names[SCOREBOARD_SERVERS], *nearest;
	char shown[QUOTE_TEXT];
	size_t count = 0;

	for (unsigned i = 0; i < scoreboard_servers(drain->board); i++)
		if (LOAD(drain->board->server_rows[i].life) == SERVER_IN_FORCE)
			names[count++] = drain->board->server_rows[i].address;
	nearest = units_nearest(drain->server, names, count);
	return err_set(err, CODE_FAILED, "%s: no upstream has a server %s%s%s%s", drain->verb,
		       quote_show(drain->server, shown), nearest ? " (did you mean " : "",
		       nearest ? nearest : "", nearest ? "?)" : "");
}

static bool send_order(const struct drain *drain, unsigned row, struct err *err)
{
	siginfo_t info = { .si_signo = SIGNAL_SERVER_DRAIN, .si_code = SI_QUEUE };

	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value.sival_int = server_order(drain->board, row, drain->is_drain);
	if (sys_pidfd_send_signal(drain->pidfd, SIGNAL_SERVER_DRAIN, &info) == 0)
		return true;
	return err_errno(err, CODE_FAILED, "%s: the server cannot be signalled", drain->verb);
}

static bool is_done(const struct drain *drain, unsigned row)
{
	return (LOAD(drain->board->server_rows[row].is_drained) != 0) == drain->is_drain;
}

static bool await_order(const struct drain *drain, unsigned row, struct err *err)
{
	int64_t due_ms = clock_ms() + ANSWER_MS;
	struct pollfd fd = { .fd = drain->pidfd, .events = POLLIN };
	int ended = 0;

	while (!is_done(drain, row) && ended == 0 && clock_ms() < due_ms)
		ended = sys_poll(&fd, 1, POLL_MS) > 0;
	return is_done(drain, row) ||
	       err_set(err, CODE_FAILED, "%s: the server %s", drain->verb,
		       ended ? "died before it was done" : "has not answered");
}

static void print_done(const struct drain *drain, unsigned row)
{
	const struct server_row *server = &drain->board->server_rows[row];
	uint32_t live = server_live(drain->board, row);

	if (drain->quiet)
		return;
	printf("%s: ok, %s of %s gets %s connections", drain->verb, server->address,
	       server->upstream, drain->is_drain ? "no new" : "new");
	if (drain->is_drain)
		printf(", %u %s", live, live == 1 ? "is left" : "are left");
	putchar('\n');
}

bool drain_run(const struct drain *drain, struct err *err)
{
	unsigned found = 0;

	for (unsigned i = 0; i < scoreboard_servers(drain->board); i++) {
		if (!is_meant(&drain->board->server_rows[i], drain->server))
			continue;
		if (!send_order(drain, i, err) || !await_order(drain, i, err))
			return false;
		print_done(drain, i);
		found++;
	}
	return found > 0 || refuse_name(drain, err);
}
