/* SPDX-License-Identifier: MIT */
/*
 * Leaving the terminal (daemon(7)): the daemon goes on as a child of init in its own session. The
 * process that was started waits until the daemon has reported the outcome of the start.
 */
#ifndef MASTER_DAEMON_H
#define MASTER_DAEMON_H

#include <stdbool.h>

#include "base/err.h"

/*
 * Returns true in the daemon, with the descriptor for daemon_report in *report_fd; its standard
 * descriptors lead to /dev/null. Returns false in the starter when the daemon has reported:
 * err->code is CODE_OK when it serves, else err has the reason.
 */
bool daemon_start(int *report_fd, struct err *err);

/* Reports the outcome to the starter, closes the descriptor and sets it to -1. No effect on -1. */
void daemon_report(int *report_fd, const struct err *outcome);

#endif
