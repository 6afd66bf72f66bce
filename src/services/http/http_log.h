/* SPDX-License-Identifier: MIT */
/* The line of the access log for a request. For HTTP services, in a worker. */
#ifndef SERVICES_HTTP_HTTP_LOG_H
#define SERVICES_HTTP_HTTP_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "services/http/parse/http_request.h"
#include "services/http/parse/http_text.h"
#include "worker/conn_record.h"

/* What is told of an answer. */
struct http_logged {
	unsigned status;
	uint64_t bytes_out;    /* of the whole answer */
	uint64_t body_bytes;   /* of them, its body, without the frame of chunks */
	struct http_text user; /* that the request names; at is NULL: none was asked for */
	bool is_cut;           /* by the end of the connection */
};

/*
 * For http_session: logs a request that is answered, or was refused, and whose head is still at the
 * front of c->in. Does nothing without an access log.
 */
void http_log(const struct conn *c, const struct http_request *request,
	      const struct http_logged *logged);

#endif
