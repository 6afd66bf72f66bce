/* SPDX-License-Identifier: MIT */
/*
 * Judges by what fstat(2) says of an open file, so that nothing changes between the look and the
 * use.
 */
#include "base/trust.h"

#include <inttypes.h>
#include <unistd.h>

static bool refuse_owner(uid_t user, uid_t owner, struct err *err)
{
	if (owner == (uid_t)-1 || owner == geteuid())
		return err_set(err, CODE_CONFIG,
			       "it belongs to user %u, and the server is user %u's (chown it to "
			       "user %u, or remove it)",
			       user, geteuid(), geteuid());
	return err_set(err, CODE_CONFIG,
		       "it belongs to user %u, who is neither the server's nor the workers' (chown "
		       "it to user %u, or remove it)",
		       user, owner);
}

bool file_check_owner(const struct stat *st, uid_t owner, struct err *err)
{
	if (st->st_nlink != 1)
		return err_set(err, CODE_CONFIG,
			       "it has %ju hard links and may be another's file (remove it)",
			       (uintmax_t)st->st_nlink);
	if (st->st_uid != 0 && st->st_uid != geteuid() && st->st_uid != owner)
		return refuse_owner(st->st_uid, owner, err);
	return true;
}

bool file_is_own_folder(const struct stat *st)
{
	return (st->st_uid == 0 || st->st_uid == geteuid()) && (st->st_mode & 022) == 0;
}
