/* SPDX-License-Identifier: MIT */
/* The stand-in for a worker with a status service and its one client. */
#include "unit/asked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

int asked_begin(void **state)
{
	struct asked *t = aligned_alloc(SCOREBOARD_PAGE, sizeof(*t));

	assert_non_null(t);
	memset(t, 0, sizeof(*t));
	t->board = aligned_alloc(SCOREBOARD_PAGE, sizeof(*t->board));
	t->answer = malloc(ANSWER);
	assert_non_null(t->board);
	assert_non_null(t->answer);
	memset(t->board, 0, sizeof(*t->board));
	scoreboard_use(t->board, SCOREBOARD_SLOTS, SCOREBOARD_WORKERS);
	served_start(&t->served, "status", NULL);
	t->heritage = (struct heritage){ .board = t->board, .peers = &t->served.slot };
	assert_true(service_find("status")->init(&t->heritage, &t->served.listen_conf));
	atomic_store(&t->served.slot.state, SLOT_READY);
	t->client = served_connect(&t->served);
	*state = t;
	return 0;
}

int asked_end(void **state)
{
	struct asked *t = *state;

	close(t->client);
	served_stop(&t->served);
	free(t->answer);
	free(t->board);
	free(t);
	return 0;
}

struct asked *asked_again(void **state)
{
	asked_end(state);
	asked_begin(state);
	return *state;
}

const char *asked_say(struct asked *t, const char *request, bool *ended)
{
	served_send(&t->served, t->client, request, strlen(request));
	served_read(&t->served, t->client, t->answer, ANSWER, ended);
	return t->answer;
}

void assert_begins(const char *text, const char *beginning)
{
	if (strncmp(text, beginning, strlen(beginning)) != 0)
		fail_msg("\"%.200s\" does not begin with \"%s\"", text, beginning);
}

void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%.1000s\" has no \"%s\"", text, part);
}

unsigned asked_count(const char *text, const char *part)
{
	unsigned n = 0;

	for (const char *at = text; (at = strstr(at, part)); at++)
		n++;
	return n;
}

const char *asked_body(const char *answer)
{
	const char *at = strstr(answer, "\r\n\r\n");

	assert_non_null(at);
	return at + 4;
}

enum close_reason asked_ending(const struct asked *t)
{
	for (int i = 0; i < CLOSE_COUNT; i++)
		if (cell_get(&t->served.slot.tally.connections_ended_total[i]) > 0)
			return i;
	return CLOSE_none;
}
