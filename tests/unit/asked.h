/* SPDX-License-Identifier: MIT */
/*
 * A client of the status service, in a worker with its own scoreboard. For the tests of that
 * service.
 */
#ifndef UNIT_ASKED_H
#define UNIT_ASKED_H

#include "unit/served.h"
#include "worker/heritage.h"

enum { ANSWER = 1 << 20 };

struct asked {
	struct served served;
	struct scoreboard *board; /* zeroed; its only worker is ready */
	struct heritage heritage;
	int client;
	char *answer; /* room for ANSWER bytes */
};

/* cmocka's setup and teardown: *state is a struct asked. */
int asked_begin(void **state);
int asked_end(void **state);
/* Tears down and sets up anew. */
struct asked *asked_again(void **state);

/*
 * Sends the request and returns the whole answer; *ended is true if the connection ended after it.
 */
const char *asked_say(struct asked *asked, const char *request, bool *ended);

/* The answer behind its head. */
const char *asked_body(const char *answer);

/* The reason of the only connection that has ended. */
enum close_reason asked_ending(const struct asked *asked);

/* How many times part occurs in text. */
unsigned asked_count(const char *text, const char *part);

void assert_begins(const char *text, const char *beginning);
void assert_has(const char *text, const char *part);

#define ASKED(name) cmocka_unit_test_setup_teardown(name, asked_begin, asked_end)

#endif
