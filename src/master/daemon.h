/* SPDX-License-Identifier: MIT */
/*
 * Leaving the terminal: the daemon goes on as a child of init in its own session, while the process
 * that was started stays until the daemon has told it how the start went. daemon(7).
 */
#ifndef MASTER_DAEMON_H
#define MASTER_DAEMON_H

#include <stdbool.h>

#include "base/err.h"

/*
 * Returns true in the daemon, with the descriptor for daemon_report in *report_fd; its standard
 * descriptors lead to /dev/null. In the starter it returns false when the daemon has
 * reported: err->code is CODE_OK when it serves, else err says why it does not.
 */
bool daemon_start(int *report_fd, struct err *err);

/* Tells the starter the outcome, closes the descriptor and sets it to -1; nothing when it is -1. */
void daemon_report(int *report_fd, const struct err *outcome);

#endif
