/* SPDX-License-Identifier: MIT */
/*
 * The headers that determine where a request ends and whether its connection goes on, and those
 * that a service may want. Pure; for HTTP services, in a worker.
 */
#ifndef SERVICES_HTTP_HTTP_FIELD_H
#define SERVICES_HTTP_HTTP_FIELD_H

#include <stdbool.h>
#include <stddef.h>

#include "services/http/parse/http_request.h"
#include "services/http/parse/http_text.h"

/*
 * Reads a header, whose name is a token, and keeps where its value is. bytes: of the request, from
 * its first on. Returns 0, or the status of the refusal.
 */
unsigned http_field_take(struct http_request *request, const char *bytes, struct http_span name,
			 struct http_span value);

/* After the last header: judges them together. Returns 0, or the status of the refusal. */
unsigned http_field_judge(struct http_request *request);

/*
 * The value of the field's first line, without the blanks around it; at is NULL when there is none.
 * head: the first byte of the request, whose head (seen bytes, if it was refused) is still there.
 */
struct http_text http_field_value(const struct http_request *request, const char *head,
				  enum http_field field);

static inline bool http_field_is_repeated(const struct http_request *request, enum http_field field)
{
	return request->repeated >> field & 1;
}

/*
 * Steps through the lines of a field that may come more than once, which together are one list
 * (RFC 9110 5.3): value->at is NULL before the first call. The head is complete. False when there
 * are no more.
 */
bool http_field_next(const struct http_request *request, const char *head, enum http_field field,
		     struct http_text *value);

#endif
