/* SPDX-License-Identifier: MIT */
/* Configurations of texts, for tests of what is read from files. */
#ifndef UNIT_CONFIGURED_H
#define UNIT_CONFIGURED_H

#include "config/conf.h"

/*
 * Writes the text to x.conf in the folder (unit/folder.h) and loads it. NULL with err when it is
 * wrong; configured_load_good then fails the test. conf_free frees.
 */
struct conf *configured_load(const char *folder, const char *text, struct err *err);
struct conf *configured_load_good(const char *folder, const char *text);

/* The configuration printed. free(3) frees. */
char *configured_print(const struct conf *conf);

#endif
