/* SPDX-License-Identifier: MIT */
/* Names the reasons for which connections end, and finds the one that an error stands for. */
#include "stats/close_reason.h"

#include <errno.h>

static const struct {
	const char *name;
	char who;
} rows[ENDING_COUNT] = {
#define ENDING(name, who, sentence) { #name, who },
#include "tables/close_reasons.def"
};

const char *ending_name(enum ending ending)
{
	return rows[ending].name;
}

char ending_who(enum ending ending)
{
	return rows[ending].who;
}

/* Most errors say that the other end is out of reach (tcp(7)). */
enum ending ending_of(int error)
{
	switch (error) {
	case EPIPE:
	case ECONNRESET:
	case ETIMEDOUT:
	case EHOSTUNREACH:
	case EHOSTDOWN:
	case ENETUNREACH:
	case ENETDOWN:
		return ENDING_client_reset;
	default:
		return ENDING_system_error;
	}
}
