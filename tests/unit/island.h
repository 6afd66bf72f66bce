/* SPDX-License-Identifier: MIT */
/* A network of the test's own, so that nobody else's connections fill the kernel's tables. */
#ifndef UNIT_ISLAND_H
#define UNIT_ISLAND_H

/*
 * Moves this process into a network namespace of its own with loopback up; where that is forbidden, all
 * stays as it is. The first thing in main.
 */
void island_enter(void);

#endif
