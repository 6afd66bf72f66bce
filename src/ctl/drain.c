/* SPDX-License-Identifier: MIT */
/*
 * Sends the orders, as signals with a value (sigqueue(3)), and reads in the scoreboard whether they
 * were carried out.
 */
#include "ctl/drain.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/quote.h"
#include "base/sys.h"
#include "base/units.h"
#include "config/signals.h"
#include "stats/report.h"
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

enum { FORM = sizeof(((struct server_row *)NULL)->upstream) + ADDR_TEXT };

/* True for UPSTREAM/ADDRESS; an address may have slashes too. */
static bool has_upstream(const char *name)
{
	return strchr(name, '/') != NULL && strncmp(name, "unix:", strlen("unix:")) != 0;
}

/* What was asked of one upstream must not be offered for all. */
static const char *nearest_form(const struct drain *drain, char (*forms)[FORM])
{
	const char *names[SCOREBOARD_SERVERS];
	size_t count = 0;

	for (unsigned i = 0; i < scoreboard_servers(drain->board); i++) {
		const struct server_row *row = &drain->board->server_rows[i];

		if (LOAD(row->life) != SERVER_IN_FORCE)
			continue;
		if (has_upstream(drain->server))
			snprintf(forms[count], FORM, "%s/%s", row->upstream, row->address);
		else
			snprintf(forms[count], FORM, "%s", row->address);
		names[count] = forms[count];
		count++;
	}
	return units_nearest(drain->server, names, count);
}

/* NULL: there is no upstream of that name. */
static const struct server_row *first_of(const struct drain *drain)
{
	for (unsigned i = 0; i < scoreboard_servers(drain->board); i++) {
		const struct server_row *row = &drain->board->server_rows[i];

		if (LOAD(row->life) == SERVER_IN_FORCE && strcmp(row->upstream, drain->server) == 0)
			return row;
	}
	return NULL;
}

static bool refuse_name(const struct drain *drain, struct err *err)
{
	char shown[QUOTE_TEXT], forms[SCOREBOARD_SERVERS][FORM];
	const char *nearest = nearest_form(drain, forms);
	const struct server_row *first = first_of(drain);

	quote_show(drain->server, shown);
	if (first)
		return err_set(err, CODE_FAILED,
			       "%s: %s is an upstream (name one of its servers, such as %s/%s)",
			       drain->verb, shown, first->upstream, first->address);
	return err_set(err, CODE_FAILED, "%s: no upstream has a server %s%s%s%s", drain->verb,
		       shown, nearest ? " (did you mean " : "", nearest ? nearest : "",
		       nearest ? "?)" : "");
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
		       ended ? "died before it was done" :
			       "has not answered (it may still carry out the order)");
}

/* What else keeps connections from it is said. */
static void print_done(const struct drain *drain, unsigned row)
{
	const struct report report = { .board = drain->board,
				       .now_ms = clock_ms(),
				       .now_s = time(NULL) };
	uint32_t live = server_live(drain->board, row);
	struct report_server server;

	if (drain->quiet || !report_server(&report, row, &server))
		return;
	printf("%s: ok, %s of %s ", drain->verb, server.address, server.upstream);
	if (drain->is_drain)
		printf("gets no new connections, %u %s\n", live,
		       live == 1 ? "is left" : "are left");
	else if (strcmp(server.state, "up") == 0)
		puts("gets new connections");
	else
		printf("is no longer drained; still %s\n", server.state);
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
