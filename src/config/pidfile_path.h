/* SPDX-License-Identifier: MIT */
/* Where the pid file is. Makes and opens nothing. Any process. */
#ifndef CONFIG_PIDFILE_PATH_H
#define CONFIG_PIDFILE_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "config/conf.h"

enum { PIDFILE_PATH = 4096, PIDFILE_WARNING = 4096 + 512, PIDFILE_FOLDER = 64 };

/*
 * Where the pid file of conf is: pid_file, or RUNSTATEDIR/prefork-srv.pid for root, else
 * $XDG_RUNTIME_DIR/prefork-srv.pid where that folder is the user's own, else
 * /tmp/prefork-srv-UID/prefork-srv.pid, whose folder must be ours and 0700. Writes the absolute
 * path to text, or "": there is to be no pid file, because pid_file is none or, for_start, because
 * the default place cannot be written. False with err (the folder is another's, the path
 * is too long). Makes nothing.
 */
bool pidfile_path(const struct conf *conf, bool for_start, char *text, size_t size,
		  struct err *err);

/*
 * Writes the warning about the path that pidfile_path gave a start to text (PIDFILE_WARNING bytes);
 * false when there is none.
 */
bool pidfile_path_warns(const struct conf *conf, const char *path, char *text);

/* True for the file in the private folder in /tmp; folder: PIDFILE_FOLDER bytes. */
bool pidfile_path_is_private(const char *path, char *folder);

/* False with err when the private folder is there, but is not private or not a folder. */
bool pidfile_path_check_private(const char *folder, struct err *err);

#endif
