/* SPDX-License-Identifier: MIT */
/* Calendar arithmetic. It formats no date. */
#include "base/clock.h"

enum { DAY_S = 86400, ERA_DAYS = 146097 /* of 400 years */ };

struct date clock_date(int64_t seconds)
{
	int64_t shifted = seconds + INT64_C(719468) * DAY_S; /* since 0000-03-01 */
	int64_t days = shifted / DAY_S, of_day = shifted % DAY_S;
	int64_t era = days / ERA_DAYS, of_era = days % ERA_DAYS;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153; /* 0 is March */

	return (struct date){
		.year = (int)(year + era * 400 + (month >= 10)),
		.month = (int)(month < 10 ? month + 3 : month - 9),
		.day = (int)(of_year - (153 * month + 2) / 5 + 1),
		.weekday = (int)((days + 3) % 7), /* 0000-03-01 was a Wednesday */
		.hour = (int)(of_day / 3600),
		.minute = (int)(of_day / 60 % 60),
		.second = (int)(of_day % 60),
	};
}

int64_t clock_seconds(const struct date *date)
{
	int64_t year = date->year + 400 - (date->month < 3); /* begins in March */
	int64_t month = date->month + (date->month < 3 ? 9 : -3), of_era = year % 400;
	int64_t of_year = (153 * month + 2) / 5 + date->day - 1;
	int64_t days = (year / 400 - 1) * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 +
		       of_year - INT64_C(719468);

	return days * DAY_S + date->hour * INT64_C(3600) + date->minute * INT64_C(60) +
	       date->second;
}
