/* SPDX-License-Identifier: MIT */
/*
 * -s status --watch: the status screen on the whole terminal, anew each second, until a key or a
 * signal ends it. Runs in the asking process.
 */
#ifndef CTL_WATCH_H
#define CTL_WATCH_H

#include "base/err.h"

/*
 * Watches the server of that pid file; it must be there to begin with, or have left a scoreboard,
 * and may go and come afterwards. CODE_OK after q and Ctrl-C; ends the process by any other signal
 * that ends processes, with the terminal restored. CODE_USAGE with err without a terminal,
 * CODE_FAILED with err when there is nothing to see.
 */
enum exit_code watch_run(const char *pid_file, struct err *err);

#endif
