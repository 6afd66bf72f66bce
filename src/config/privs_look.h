/* SPDX-License-Identifier: MIT */
/*
 * Looks at the file system as the user that will use it: permissions of a path's folders, ACLs and
 * root's own rights make any other answer a guess.
 */
#ifndef CONFIG_PRIVS_LOOK_H
#define CONFIG_PRIVS_LOOK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "config/identity.h"

/*
 * Runs `look` in a child that has become that identity, and may change its directory: it reads
 * *asked and writes *found, `size` bytes that the caller has set. Returns false with err set when
 * that cannot be done. Any process that serves no client.
 */
bool privs_look(const struct identity *identity, void (*look)(const void *asked, void *found),
		const void *asked, void *found, size_t size, struct err *err);

/* Appends whom the error befell, when that is not the caller's own user. Returns false. */
bool privs_look_blame(const struct identity *identity, struct err *err);

#endif
