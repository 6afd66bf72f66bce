/* SPDX-License-Identifier: MIT */
/*
 * Numbers in short forms for a person: about three digits and a unit, rounded down. (base/units
 * writes forms that can be read back without a loss.) Pure functions; any process.
 */
#ifndef CTL_FORMAT_H
#define CTL_FORMAT_H

#include <stdint.h>

enum { FORMAT_TEXT = 32 }; /* bytes for any of these texts, with its NUL */

/* Each writes to text (FORMAT_TEXT bytes) and returns it. A negative number is shown as 0. */
const char *format_count(uint64_t value, char *text);   /* 9999 12.3k 4.5M */
const char *format_bytes(uint64_t bytes, char *text);   /* 512 4.5k 1.2G: powers of 1024 */
const char *format_age(int64_t seconds, char *text);    /* 45s 3m20s 2h15m 12d4h */
const char *format_span(int64_t us, char *text);        /* 30us 1.5ms 850ms 1.5s 3m20s */
const char *format_percent(int64_t tenths, char *text); /* 0.3 12.5 100 */

#endif
