/* SPDX-License-Identifier: MIT */
/*
 * What a client prefers: content codings and media types (RFC 9110 12.4.2, 12.5.1, 12.5.3). Pure.
 * head: as in http_field_value; the request is complete. For HTTP services, in a worker.
 */
#ifndef SERVICES_HTTP_HTTP_ACCEPT_H
#define SERVICES_HTTP_HTTP_ACCEPT_H

#include <stdbool.h>

#include "services/http/parse/http_field.h"

enum { HTTP_WEIGHT_MOST = 1000 };

/*
 * The weight of a coding, in lower case, such as gzip, br or zstd: thousandths, 0 if it must not be
 * sent. identity, that is no coding, weighs at least 1 unless the client excludes it; without the
 * field it is the only one. Send the heaviest that there is.
 */
unsigned http_accept_coding(const struct http_request *request, const char *head,
			    const char *coding);

/*
 * True when the client would rather have the first than the second type, both in lower case, such
 * as application/json: it has the greater weight, or the same and is named more exactly.
 */
bool http_accept_prefers(const struct http_request *request, const char *head, const char *first,
			 const char *second);

#endif
