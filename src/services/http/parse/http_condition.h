/* SPDX-License-Identifier: MIT */
/*
 * Conditional requests (RFC 9110 13): whether the client has the file already, or has another one
 * than it believes. Pure. For HTTP services, in a worker.
 */
#ifndef SERVICES_HTTP_HTTP_CONDITION_H
#define SERVICES_HTTP_HTTP_CONDITION_H

#include <stdbool.h>
#include <stdint.h>

#include "services/http/parse/http_field.h"

/* What the answer to a GET says of its content, which exists. */
struct http_validators {
	struct http_text tag; /* strong, with its quotes; at is NULL: the answer has no ETag */
	/*
	 * Last-Modified: the file's mtime. While that second lasts, the file may change in it
	 * again: the second before, so that no client has a date that stands for two states (RFC
	 * 9110 8.8.2.2).
	 */
	int64_t modified_s;
	int64_t now_s; /* the wall clock */
};

/*
 * Judges If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since in the order of 13.2.2.
 * Returns 200: answer as if there were none; 304: the client's copy is good; 412: a precondition is
 * false. A list that is no list of entity tags matches nothing, an invalid date is ignored, and so
 * is any date beside the field of tags that replaces it. head: as in http_field_value; the request
 * is complete. Call it only if the answer would be 2xx otherwise (13.2.1).
 */
unsigned http_condition_judge(const struct http_request *request, const char *head,
			      const struct http_validators *file);

/*
 * Judges If-Range (13.1.5): true when the request has none, or when the client's part and the file
 * belong together for sure: the same strong tag, or exactly the file's date, unless that is the
 * one that a file has which changes now. When false, ignore Range.
 */
bool http_condition_allows_range(const struct http_request *request, const char *head,
				 const struct http_validators *file);

#endif
