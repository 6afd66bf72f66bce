/* SPDX-License-Identifier: MIT */
/* An environment variable in a configuration file: ${NAME} or ${NAME:-TEXT}. */
#ifndef CONFIG_CONF_VARIABLE_H
#define CONFIG_CONF_VARIABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"

/*
 * Writes the replacement of the variable of `length` bytes at text, from "$" to "}", as part of a
 * double-quoted string: its value, or TEXT when it is unset or empty. Returns false with err
 * (CODE_CONFIG) when it is unset and has no TEXT, or when it is malformed.
 */
bool conf_variable_write(const char *text, size_t length, FILE *out, struct err *err);

#endif
