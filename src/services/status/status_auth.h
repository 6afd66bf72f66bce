/* SPDX-License-Identifier: MIT */
/*
 * Basic authentication of the status service. The check of a password is slow by purpose, so a
 * worker remembers the credentials that were right (a keyed hash of them), and bounds the checks:
 *
 *   right and remembered       --> served
 *   its source has failed      --> 429 until it has waited: 1 s, then twice as long, up to 16 s
 *   the worker's time is spent --> 503; checks get a tenth of it, one second at once
 *   otherwise                  --> checked: served and remembered, or 401
 *
 * All of it is this worker's own memory, of fixed size, and lost with it. Worker only.
 */
#ifndef SERVICES_STATUS_STATUS_AUTH_H
#define SERVICES_STATUS_STATUS_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "services/http/parse/http_request.h"
#include "services/http/parse/http_text.h"
#include "worker/conn_record.h"

/* Once for each listener before the worker serves; false with errno set. */
bool status_auth_start(const struct listen_conf *conf);

/* A request whose head is in c->in. May compute a hash. */
struct status_auth {
	unsigned status;  /* 0: it may go on; 401, 429 or 503 */
	unsigned retry_s; /* with 429 and 503 */
};
struct status_auth status_auth_ask(const struct conn *c, const struct http_request *request);

/*
 * The user that the request names, for the log; at is NULL when it names none, or the listener has
 * no users. Valid until the next call.
 */
struct http_text status_auth_user(const struct conn *c, const struct http_request *request);

/* Writes the answer 401, 429 or 503; returns its status, or 0 when there is no room for it. */
unsigned status_auth_refuse(struct buf *out, struct http_request *request, struct status_auth auth);

#endif
