/* SPDX-License-Identifier: MIT */
/*
 * -t: examines the environment for a configuration that is in order by itself: would the server
 * start here? Disturbs nothing that runs. Called by main.
 */
#ifndef MASTER_PREFLIGHT_H
#define MASTER_PREFLIGHT_H

#include <stdbool.h>
#include <stdio.h>

#include "core/conf.h"

/*
 * Writes a line for each thing that is wrong (the server would not start) or short (it would
 * start with less) to out and returns the exit code the start would give: CODE_OK when nothing
 * is wrong.
 */
enum exit_code preflight_check(const struct conf *conf, FILE *out);

#endif
