/* SPDX-License-Identifier: MIT */
/* The request target (RFC 9112 3.2). Pure; for the request reader's own files. */
#ifndef SERVICES_HTTP_HTTP_TARGET_H
#define SERVICES_HTTP_HTTP_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "services/http/http_request.h"

/*
 * Finds path and query in the target, which is bytes[at] up to bytes[end]; all of them are
 * HTTP_TARGET bytes. Returns false when it has none of the forms that the request's method may
 * have.
 */
bool http_target_take(struct http_request *request, const char *bytes, uint32_t at, uint32_t end);

/* True when the n bytes are a host, not empty, with an optional port; any host is accepted. */
bool http_target_is_authority(const char *at, size_t n);

#endif
