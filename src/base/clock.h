/* SPDX-License-Identifier: MIT */
/*
 * Monotonic time, the same in all processes; this process's CPU time (clock_gettime(2)); and
 * calendar dates in UTC. Dates are computed here because libc's gmtime_r may read files, which are
 * gone after a chroot. Any process.
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

/* The wall clock minus clock_us(): what turns a monotonic time into one since 1970. */
static inline int64_t clock_wall_offset_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 - clock_us();
}

static inline int64_t clock_ms(void)
{
	return clock_us() / 1000;
}

struct date {
	int year, month, day; /* month and day start at 1 */
	int weekday;          /* 0 is Sunday */
	int hour, minute, second;
};

/* The English names of the months, three letters each: as HTTP and logs write them. */
#define CLOCK_MONTHS "JanFebMarAprMayJunJulAugSepOctNovDec"

/* The Gregorian date of `seconds` since 1970; good for the year 0 and later. */
struct date clock_date(int64_t seconds);

/* The seconds since 1970 of a date; its weekday is not read. The inverse of clock_date. */
int64_t clock_seconds(const struct date *date);

#endif
