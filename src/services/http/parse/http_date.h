/* SPDX-License-Identifier: MIT */
/* Dates as HTTP writes them (RFC 9110 5.6.7). Pure. For HTTP services, in a worker. */
#ifndef SERVICES_HTTP_HTTP_DATE_H
#define SERVICES_HTTP_HTTP_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "services/http/parse/http_text.h"

enum { HTTP_DATE = 64 };

/*
 * Writes the date, such as Sun, 22 Nov 2026 10:00:00 GMT, to text (HTTP_DATE bytes) and returns it;
 * one before the year 1 or beyond 9999, which has no form, as the first or the last one that has.
 */
const char *http_date(int64_t seconds, char *text);

/*
 * Reads a date in one of the three formats, whose letter case, blanks and weekday must be exact.
 * Seconds are those since 1970. now_s: of the server; it gives a year of two digits its century.
 * False when the text is no date.
 */
bool http_date_parse(struct http_text text, int64_t now_s, int64_t *seconds);

#endif
