/* SPDX-License-Identifier: MIT */
/*
 * The sample configuration, etc/prefork-srv.conf: every option with its default and its
 * sentence.
 */
#ifndef CONFIG_MANUAL_SAMPLE_H
#define CONFIG_MANUAL_SAMPLE_H

#include <stdio.h>

/*
 * Writes the sample. It loads as it is, and with each "#NAME = VALUE" made "NAME = VALUE" to
 * the same.
 */
void manual_sample_print(FILE *out);

#endif
