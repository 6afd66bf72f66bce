/* SPDX-License-Identifier: MIT */
/* -s status: prints the status screen or the JSON of the server with that pid file. */
#ifndef CTL_STATUS_PRINT_H
#define CTL_STATUS_PRINT_H

#include <stdbool.h>

#include "base/err.h"

/*
 * Prints the status, of a dead server as well; quiet: nothing. Returns CODE_OK when the server
 * lives, otherwise a code with err.
 */
enum exit_code status_print(const char *path, bool quiet, bool json, struct err *err);

#endif
