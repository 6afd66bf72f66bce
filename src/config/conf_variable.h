/* SPDX-License-Identifier: MIT */
/* A variable of the environment that a configuration file names: ${NAME} or ${NAME:-TEXT}. */
#ifndef CONFIG_CONF_VARIABLE_H
#define CONFIG_CONF_VARIABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"

/*
 * Writes what the variable of `length` bytes at text, from "$" to "}", stands for, as a part of a
 * string in double quotes: its value, or TEXT where it is not set or empty. False with err
 * (CODE_CONFIG) when it is not set and there is no TEXT, or when it is written wrongly.
 */
bool conf_variable_write(const char *text, size_t length, FILE *out, struct err *err);

#endif
