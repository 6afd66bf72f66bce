/* SPDX-License-Identifier: MIT */
/*
 * -s status: shows once what there is to see of a server, for a person or as JSON. Runs in the
 * asking process.
 */
#ifndef CTL_STATUS_H
#define CTL_STATUS_H

#include <stdbool.h>

#include "base/err.h"

/*
 * Prints the state of the server of that pid file on stdout, unless `quiet`. CODE_OK when one runs,
 * or CODE_FAILED with err; what a dead one has left is printed all the same, as such.
 */
enum exit_code status_run(const char *pid_file, bool json, bool quiet, struct err *err);

#endif
