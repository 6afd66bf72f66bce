/* SPDX-License-Identifier: MIT */
/*
 * Finds the end of a chunked request body (RFC 9112 7.1), as strictly as http_parse.h reads heads.
 * Chunk extensions and trailer fields are checked for their form and dropped. Pure; all state is
 * the caller's struct, zeroed before the first byte of a body. Services that speak HTTP, in a
 * worker.
 */
#ifndef SERVICES_HTTP_HTTP_CHUNKED_H
#define SERVICES_HTTP_HTTP_CHUNKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "services/http/http_parse.h"

struct http_chunked {
	uint8_t at;      /* enum in http_chunked.c: what comes next */
	uint16_t status; /* of a refusal: 400 or 413; else 0 */
	uint32_t left;   /* bytes of the chunk that have not come; its size while that is read */
	uint32_t data;   /* bytes of all chunks so far, the one in progress as a whole */
	uint32_t frame;  /* bytes of the body so far that are no data */
};

/*
 * Reads on: bytes are the n that follow those of earlier calls. *used says how many of them belong
 * to the body; all n when HTTP_PART. HTTP_WRONG: the body is no chunked one (400) or has more than
 * HTTP_BODY_MOST or HTTP_FRAME_MOST bytes (413); chunked->status says which, and is not to be asked
 * again. HTTP_WHOLE is said again, with no byte used.
 */
enum http_progress http_chunked_read(struct http_chunked *chunked, const char *bytes, size_t n,
				     size_t *used);

/*
 * The same for a request whose head is whole and stays at the front of `in`: what has come of the
 * body behind it is dropped. HTTP_WHOLE: the body's length is the request's content_length.
 * HTTP_WRONG: the request is refused.
 */
enum http_progress http_chunked_take(struct http_chunked *chunked, struct http_request *request,
				     struct buf *in);

/* True when http_chunked_read can have left it so. May be asked about any bytes. */
bool http_chunked_is_sound(const struct http_chunked *chunked);

#endif
