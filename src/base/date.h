/* SPDX-License-Identifier: MIT */
/*
 * A time as a date of the Gregorian calendar, in UTC: libc's gmtime_r may read files, which are
 * gone after a chroot. Pure; any process.
 */
#ifndef BASE_DATE_H
#define BASE_DATE_H

#include <stdint.h>

struct date {
	int year, month, day; /* month and day from 1 */
	int weekday;          /* 0 is Sunday */
	int hour, minute, second;
};

/* The date of so many seconds since 1970, from the year 0 on. */
struct date clock_date(int64_t seconds);

#endif
