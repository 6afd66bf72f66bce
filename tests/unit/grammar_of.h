/* SPDX-License-Identifier: MIT */
/*
 * Checks that a text follows the grammar of its format. For tests of the writers, and for fuzzers.
 */
#ifndef UNIT_GRAMMAR_OF_H
#define UNIT_GRAMMAR_OF_H

#include <stdbool.h>

/* One JSON value and blanks (RFC 8259), in UTF-8. *at: the place of the error. */
bool grammar_of_json(const char *text, const char **at);

/*
 * Prometheus' text format 0.0.4, as one server writes it: HELP and TYPE once for a family, before
 * its samples, which stand together; the last line ends too. *at: the place of the error.
 */
bool grammar_of_metrics(const char *text, const char **at);

#endif
