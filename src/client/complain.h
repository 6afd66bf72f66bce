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

bool fail_timeout(struct session *session, const char *which,
		  struct err *err); /* timeout_ms passed */
bool fail_closed(struct session *session, const char *which, struct err *err); /* by the peer */
bool fail_open(struct session *session, struct err *err); /* the peer has not, within timeout_ms */
bool fail_excess(struct session *session, struct err *err); /* more than was asked for */

#endif
