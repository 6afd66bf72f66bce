/* SPDX-License-Identifier: MIT */
/*
 * The file-system side of a listening unix socket: stale paths, permissions, owner. unix(7). Master
 * only.
 */
#ifndef NET_UNIX_PATH_H
#define NET_UNIX_PATH_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/addr.h"
#include "base/err.h"
#include "config/conf.h"

/*
 * Binds fd to the path, never wider than conf's mode and then given to its owner, and lets it
 * listen; replaces a socket that nobody serves. Of two servers that start at once one waits, a
 * second at most over all its sockets. *made tells which file was made. False with err, which names
 * the address, and nothing made.
 */
bool unix_path_listen(int fd, const struct addr *addr, const struct listen_conf *conf,
		      struct stat *made, struct err *err);

/* From now on the process waits no longer than that for other servers, over all its sockets. */
void unix_path_limit_wait(int most_ms);

/*
 * Gives the file that was made conf's mode and owner; never another that stands at the path by now.
 * False with err.
 */
bool unix_path_apply(const struct addr *addr, const struct stat *made,
		     const struct listen_conf *conf, struct err *err);

/* False where the path is gone: nobody can connect. */
bool unix_path_is_there(const struct addr *addr);

/*
 * True when unix_path_listen would succeed, as far as looking and a connect can tell; changes
 * nothing.
 */
bool unix_path_check(const struct addr *addr, const struct listen_conf *conf, struct err *err);

/* Unlinks the path if it still leads to the file that was made. */
void unix_path_remove(const struct addr *addr, const struct stat *made);

#endif
