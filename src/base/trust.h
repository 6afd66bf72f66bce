/* SPDX-License-Identifier: MIT */
/*
 * Whether a file that was there already may be written to: another user may have laid it there, or
 * have given another's file a second name. For the log, the access log and the pid file.
 */
#ifndef BASE_TRUST_H
#define BASE_TRUST_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/err.h"

/*
 * True for a file with one name that is root's, the process's user's or owner's ((uid_t)-1: nobody
 * else's). Otherwise false with err (CODE_CONFIG), which says only why, and what to do. Pure.
 */
bool file_check_owner(const struct stat *st, uid_t owner, struct err *err);

/*
 * True when nobody but the folder's owner, who is root or the process's user, decides what is in
 * it.
 */
bool file_is_own_folder(const struct stat *st);

#endif
