/* SPDX-License-Identifier: MIT */
/* A folder and the path of a pid file in it, which does not exist at first. */
#ifndef UNIT_PIDPLACE_H
#define UNIT_PIDPLACE_H

struct place {
	char folder[32], path[64];
};

/* cmocka's setup and teardown: *state is a struct place. */
int pidplace_make(void **state);
int pidplace_remove(void **state);
#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, pidplace_make, pidplace_remove)

void pidplace_write(const char *path, const char *text);

/* Asserts that the file holds exactly this text. */
void pidplace_expect(const char *path, const char *expected);

#endif
