/* SPDX-License-Identifier: MIT */
/*
 * The headers that determine where a request ends and whether its connection goes on. Pure; for the
 * request reader's own files.
 */
#ifndef SERVICES_HTTP_HTTP_FIELD_H
#define SERVICES_HTTP_HTTP_FIELD_H

#include <stddef.h>

#include "services/http/http_request.h"

/* Reads a header; its name is a token. Returns 0, or the status of the refusal. */
unsigned http_field_take(struct http_request *request, const char *name, size_t name_length,
			 const char *value, size_t length);

/* After the last header: judges them together. Returns 0, or the status of the refusal. */
unsigned http_field_judge(struct http_request *request);

#endif
