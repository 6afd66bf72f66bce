/* SPDX-License-Identifier: MIT */
/* Names the reasons for which connections end, and finds the one that an error stands for. */
#include "stats/close_reason.h"

#include <errno.h>

static const struct {
	const char *name;
	char who;
} rows[CLOSE_COUNT] = {
#define CLOSE_REASON(name, who, sentence) { #name, who },
#include "tables/close_reasons.def"
};

const char *close_reason_name(enum close_reason reason)
{
	return rows[reason].name;
}

char close_reason_who(enum close_reason reason)
{
	return rows[reason].who;
}

/* Most errors say that the other end is out of reach (tcp(7)). */
enum close_reason close_reason_of(int error)
{
	switch (error) {
	case EPIPE:
	case ECONNRESET:
	case ETIMEDOUT:
	case EHOSTUNREACH:
	case EHOSTDOWN:
	case ENETUNREACH:
	case ENETDOWN:
		return CLOSE_client_reset;
	default:
		return CLOSE_system_error;
	}
}
