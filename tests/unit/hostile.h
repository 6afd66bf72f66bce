/* SPDX-License-Identifier: MIT */
/*
 * A worker with a connection of its own, and a message that a worker in an attacker's hands passes
 * through its door. Beside the message a test may change anything.
 */
#ifndef UNIT_HOSTILE_H
#define UNIT_HOSTILE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "unit/siblings.h"

enum { HOSTILE_OLD = 3 }; /* the generation of both workers */

struct hostile {
	struct siblings all;
	struct sibling *from, *to;
	int client; /* of the receiver's own connection */
	_Alignas(8) char message[sizeof(struct door_head) + sizeof(struct record)];
	struct door_head *head; /* in the message */
	struct record *first;
};
extern struct hostile hostile;

int hostile_set_up(void **state);
int hostile_tear_down(void **state);

/* Writes a message in which all is right. */
void hostile_write(void);
/* Passes the first bytes of the message with these descriptors. */
void hostile_pass(size_t size, const int *fds, unsigned count);
/* Asserts that the client of the receiver's own connection is answered, and nothing has come in. */
void hostile_assert_unmoved(void);

#define HOSTILE_CASE(name) cmocka_unit_test_setup_teardown(name, hostile_set_up, hostile_tear_down)

#endif
