/* SPDX-License-Identifier: MIT */
/*
 * Monotonic time since some start, the same in all processes; the processor time of this process
 * (clock_gettime(2)); and a time as a date of the Gregorian calendar, in UTC: libc's gmtime_r may
 * read files, which are gone after a chroot. Any process.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static inline int64_t clock_cpu_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static inline int64_t clock_ms(void)
{
	return clock_us() / 1000;
}

struct date {
	int year, month, day; /* month and day from 1 */
	int weekday;          /* 0 is Sunday */
	int hour, minute, second;
};

/* The date of so many seconds since 1970, from the year 0 on. */
struct date clock_date(int64_t seconds);

#endif
