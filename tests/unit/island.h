/* SPDX-License-Identifier: MIT */
/*
 * A private network for a test, so that other processes' connections do not fill the kernel's
 * tables.
 */
#ifndef UNIT_ISLAND_H
#define UNIT_ISLAND_H

#include <stdbool.h>

/*
 * Moves this process into a new network namespace with loopback up. Returns false, with no change,
 * where that is forbidden. Call it first in main.
 */
bool island_enter(void);

#endif
