/* SPDX-License-Identifier: MIT */
/*
 * What went wrong with an exchange, in words. Each ends what was shown, fills err (CODE_FAILED,
 * "NAME: which: why") and returns false. which: "" or "message 2 of 3: ". One process.
 */
#ifndef CLIENT_COMPLAIN_H
#define CLIENT_COMPLAIN_H

#include <stdbool.h>

#include "base/err.h"
#include "client/session.h"

bool complain_late(struct exchange *x, const char *which, struct err *err);  /* timeout_ms passed */
bool complain_ended(struct exchange *x, const char *which, struct err *err); /* by the peer */
bool complain_unended(struct exchange *x,
		      struct err *err);                   /* the peer has not, within timeout_ms */
bool complain_glued(struct exchange *x, struct err *err); /* more than was asked for */

#endif
