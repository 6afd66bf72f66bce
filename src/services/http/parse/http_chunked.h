/* SPDX-License-Identifier: MIT */
/*
 * Finds the end of a chunked request body (RFC 9112 7.1), as strictly as http_parse.h reads heads.
 * Chunk extensions and trailer fields are checked for their form and dropped. Pure; all state is
 * the caller's struct, zeroed before the first byte of a body. For HTTP services, in a worker.
 */
#ifndef SERVICES_HTTP_HTTP_CHUNKED_H
#define SERVICES_HTTP_HTTP_CHUNKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "services/http/parse/http_parse.h"

struct http_chunked {
	uint8_t at;      /* enum in http_chunked.c: the place in the body */
	uint16_t status; /* of a refusal: 400 or 413; else 0 */
	uint32_t left;   /* bytes of the chunk still to come; its size while that is read */
	uint32_t data;   /* bytes of data in all chunks so far, the current one counted whole */
	uint32_t frame;  /* bytes of the body so far that are not data */
};

/*
 * Reads the next n bytes of the body. *used is the number of bytes that belong to the body; n when
 * HTTP_PART. HTTP_WRONG: the body is not chunked (400) or has more than HTTP_BODY_MOST or
 * HTTP_FRAME_MOST bytes (413); chunked->status says which, and the call must not be repeated. After
 * HTTP_WHOLE it returns HTTP_WHOLE again and uses no byte.
 */
enum http_progress http_chunked_read(struct http_chunked *chunked, const char *bytes, size_t n,
				     size_t *used);

/*
 * The same for a request whose complete head stays at the front of `in`: drops the bytes of the
 * body behind it. HTTP_WHOLE: content_length is set to the body's length. HTTP_WRONG: the request
 * is refused.
 */
enum http_progress http_chunked_take(struct http_chunked *chunked, struct http_request *request,
				     struct buf *in);

/* True when http_chunked_read can have left it in this state. It may hold any bytes. */
bool http_chunked_is_sound(const struct http_chunked *chunked);

#endif
