/* SPDX-License-Identifier: MIT */
/* A network of the test's own, so that nobody else's connections fill the kernel's tables. */
#ifndef UNIT_ISLAND_H
#define UNIT_ISLAND_H

#include <stdbool.h>

/*
 * Moves this process into a network namespace of its own with loopback up; false where that is
 * forbidden, and all stays as it is. The first thing in main.
 */
bool island_enter(void);

#endif
