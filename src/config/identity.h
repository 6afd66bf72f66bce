/* SPDX-License-Identifier: MIT */
/* The user and the group that the workers run as. passwd(5), group(5). */
#ifndef CONFIG_IDENTITY_H
#define CONFIG_IDENTITY_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "config/conf.h"

struct identity {
	bool changes; /* false: the workers stay who the master is */
	uid_t user;
	gid_t group;
};

/*
 * A name, or a number, which needs no name. *group (NULL: not asked) is the user's own, (gid_t)-1
 * for a number without a name. False when there is no such user or group. Asks the name service.
 */
bool identity_user(const char *name, uid_t *user, gid_t *group);
bool identity_group(const char *name, gid_t *group);

/*
 * Looks up conf's user and group (names or numbers). A process that is not root cannot become
 * another: then `changes` is false. False with err (CODE_CONFIG) when there is no such user or
 * group, and when root names none. Master and -t; asks the name service, which allocates.
 */
bool identity_find(const struct conf *conf, struct identity *identity, struct err *err);

#endif
