/* SPDX-License-Identifier: MIT */
/* The file of a listening unix socket: stale paths, permissions, owner. unix(7). Master only. */
#ifndef NET_UNIX_PATH_H
#define NET_UNIX_PATH_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/addr.h"
#include "base/err.h"
#include "config/conf.h"

/*
 * Binds fd to the path, never with a wider mode than conf's, gives the file to its owner, and
 * listens. Replaces a socket that no process serves. When two servers start at once one waits, at
 * most a second over all its sockets. *made is set to the new file. Returns false with err, which
 * names the address, and no file is left.
 */
bool unix_path_listen(int fd, const struct addr *addr, const struct listen_conf *conf,
		      struct stat *made, struct err *err);

/* Limits the process's further waits for other servers, over all its sockets. */
void unix_path_limit_wait(int most_ms);

/*
 * Gives the file of `made` conf's mode and owner, never another file that is at the path by now.
 * Returns false with err.
 */
bool unix_path_apply(const struct addr *addr, const struct stat *made,
		     const struct listen_conf *conf, struct err *err);

/* False when the path is gone, so that no client can connect. */
bool unix_path_is_there(const struct addr *addr);

/*
 * True when unix_path_listen would succeed, according to stat and a test connect. Changes nothing.
 */
bool unix_path_check(const struct addr *addr, const struct listen_conf *conf, struct err *err);

/* Unlinks the path if it still leads to the file of `made`. */
void unix_path_remove(const struct addr *addr, const struct stat *made);

#endif
