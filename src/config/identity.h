/* SPDX-License-Identifier: MIT */
/* The user and the group that the workers run as. passwd(5), group(5). */
#ifndef CONFIG_IDENTITY_H
#define CONFIG_IDENTITY_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "config/conf.h"

struct identity {
	bool changes; /* false: the workers keep the master's identity */
	uid_t user;
	gid_t group;
};

/*
 * Looks up a name or a number; a number needs no entry. *group (may be NULL) is set to the user's
 * own group, or to (gid_t)-1 for a number without an entry. Returns false when there is no such
 * user or group. Asks the name service.
 */
bool identity_user(const char *name, uid_t *user, gid_t *group);
bool identity_group(const char *name, gid_t *group);

/*
 * Looks up conf's user and group (names or numbers). A process that is not root cannot change its
 * user: then `changes` is false. Returns false with err (CODE_CONFIG) when there is no such user or
 * group, and when root names none. Master and -t; asks the name service, which allocates.
 */
bool identity_find(const struct conf *conf, struct identity *identity, struct err *err);

/* True when that user may search the folder, to reopen a file in it. */
bool identity_can_search(const struct identity *identity, const char *folder);

#endif
