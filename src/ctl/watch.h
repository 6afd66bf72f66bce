/* SPDX-License-Identifier: MIT */
/*
 * -s status --watch: the status screen on the whole terminal, refreshed each second, until a key or
 * a signal ends it. Runs in a process of its own.
 */
#ifndef CTL_WATCH_H
#define CTL_WATCH_H

#include "base/err.h"

/*
 * Watches the server of that pid file. At first it must run, or have left a scoreboard; afterwards
 * it may stop and start again. Returns CODE_OK after q and Ctrl-C. Any other signal whose default
 * action ends a process ends this one, once the terminal is restored. CODE_USAGE with err without a
 * terminal, CODE_FAILED with err when there is no scoreboard.
 */
enum exit_code watch_run(const char *pid_file, struct err *err);

#endif
