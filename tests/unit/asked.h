/* SPDX-License-Identifier: MIT */
/* A client of the status service of a worker that has a scoreboard of its own. For its tests. */
#ifndef UNIT_ASKED_H
#define UNIT_ASKED_H

#include "unit/served.h"
#include "worker/heritage.h"

enum { ANSWER = 1 << 20 };

struct asked {
	struct served served;
	struct scoreboard *board; /* zeros; its only worker is ready */
	struct heritage heritage;
	int client;
	char *answer; /* room for ANSWER bytes */
};

/* cmocka's set-up and tear-down: *state is a struct asked. */
int asked_begin(void **state);
int asked_end(void **state);
/* The same anew. */
struct asked *asked_again(void **state);

/* All that comes back for the request; *ended: and then the end. */
const char *asked_say(struct asked *asked, const char *request, bool *ended);

/* What is behind the head of an answer. */
const char *asked_body(const char *answer);

/* How the only connection that has ended did so. */
enum close_reason asked_ending(const struct asked *asked);

/* How often part is in text. */
unsigned asked_count(const char *text, const char *part);

void assert_begins(const char *text, const char *beginning);
void assert_has(const char *text, const char *part);

#define ASKED(name) cmocka_unit_test_setup_teardown(name, asked_begin, asked_end)

#endif
