/* SPDX-License-Identifier: MIT */
/*
 * Closes, and looks at what is left: whoever ends first keeps the connection in TIME_WAIT for a
 * minute (RFC 9293, 3.6).
 */
#include "client/farewell.h"

#include <string.h>

#include "base/clock.h"
#include "base/sockdiag.h"
#include "base/sys.h"

enum { SETTLE_MS = 500, LOOK_MS = 2 };

static bool is_settled(int state)
{
	return state == TCP_TIME_WAIT || state == TCP_CLOSE;
}

/* Looks until the state changes no more: at once, where the peer ends too. */
static enum sockdiag_answer settle(struct sockdiag *diag, const struct link *link, int *state)
{
	int64_t until_ms = clock_ms() + SETTLE_MS;
	enum sockdiag_answer answer;

	for (;;) {
		answer = sockdiag_tcp(diag, &link->local, &link->remote, state);
		if (answer != SOCKDIAG_FOUND || is_settled(*state) || clock_ms() >= until_ms)
			return answer;
		sys_poll(NULL, 0, LOOK_MS);
	}
}

static const char *meaning(const struct link *link, int state)
{
	switch (state) {
	case TCP_TIME_WAIT:
		return "TIME_WAIT: this side closed first, and so keeps the two addresses for a "
		       "minute";
	case TCP_CLOSE:
		if (link->is_first)
			return "no socket left: the connection was reset, or this system keeps no "
			       "more in TIME_WAIT";
		if (link->is_reset)
			return "no socket left: the connection was reset";
		return "no socket left: the peer closed first, and keeps TIME_WAIT";
	case TCP_FIN_WAIT1:
		return "FIN_WAIT1: the peer has not confirmed the end yet";
	case TCP_FIN_WAIT2:
		return "FIN_WAIT2: the peer has not closed its side yet";
	default:
		return sockdiag_state_name(state);
	}
}

static void tell_state(const struct link *link, const struct story *story)
{
	struct sockdiag diag;
	enum sockdiag_answer answer = SOCKDIAG_REFUSED;
	int state = TCP_CLOSE;

	if (sockdiag_open(&diag)) {
		answer = settle(&diag, link, &state);
		sockdiag_close(&diag);
	}
	if (answer == SOCKDIAG_FOUND)
		story_tell(story, "state afterwards: %s", meaning(link, state));
	else
		story_tell(story, "state afterwards: not to be seen here: sock_diag: %s",
			   strerror(errno));
}

static const char *who(const struct link *link)
{
	if (link->is_reset)
		return "the connection was reset";
	return link->is_first ? "this side closed first" : "the peer closed first";
}

void farewell(struct link *link, const struct story *story)
{
	if (!link->is_shut)
		link->is_first = !link->peer_ended;
	sys_close(link->fd);
	story_tell(story, "close(): %s", who(link));
	if (story->is_told && link->remote.sa.sa_family != AF_UNIX)
		tell_state(link, story);
}
