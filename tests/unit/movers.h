/* SPDX-License-Identifier: MIT */
/*
 * A worker whose connections move, and two that may take them. Shared by the tests of moving.
 */
#ifndef UNIT_MOVERS_H
#define UNIT_MOVERS_H

#include "unit/siblings.h"

enum {
	MOVERS_OLD = 3, /* generations */
	MOVERS_NEW = 4,
	MOVERS_MOST = 90,
	MOVERS_LATE_US = 200 * 1000,          /* beyond the wait for one receiver */
	MOVERS_PATIENCE_US = 3 * 1000 * 1000, /* beyond the wait for any */
	MOVERS_LOOK_MS = 5
};

/* Made anew for each test. */
struct movers {
	struct siblings all;
	struct sibling *from, *one, *two;
	int clients[MOVERS_MOST]; /* of `from` at first */
};
extern struct movers movers;

/* cmocka's setup and teardown. */
int movers_begin(void **state);
int movers_end(void **state);

/* Starts movers.from, of the old generation, and the two others. */
void movers_start(const char *service, unsigned generation_of_one, unsigned generation_of_two);

/* Opens connections to movers.from. */
void movers_connect(unsigned count);

/* Lets all workers turn; the batch on its way then seems late, and movers.from looks again. */
void movers_look_late(void);

/* Each of the connections works, in one worker. */
void movers_assert_work(unsigned count);

/* How many connections of movers.from have stayed for that reason. */
uint64_t movers_staying(enum stay_reason reason);

#define MOVERS(name) cmocka_unit_test_setup_teardown(name, movers_begin, movers_end)

#endif
