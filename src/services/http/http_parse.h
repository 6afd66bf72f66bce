/* SPDX-License-Identifier: MIT */
/*
 * Reads the head of one HTTP/1.0 or 1.1 request, as strictly as RFC 9112 lets a server be: what
 * another program could read differently is refused. Pure: no input or output, no allocation, no
 * state but the caller's struct. Any service that speaks HTTP, in a worker.
 *
 *   http_parse_begin, then http_parse with all bytes from the request's first on, again whenever
 *   there are more of them: HTTP_PART ... until HTTP_WHOLE or HTTP_WRONG
 *
 * The same bytes give the same result however they are cut, and each is looked for the end of its
 * line once, so a client that sends byte by byte costs no more than its bytes.
 */
#ifndef SERVICES_HTTP_HTTP_PARSE_H
#define SERVICES_HTTP_HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a request may have, without the CRLF of a line: as nginx and Apache, or a little less. */
enum {
	HTTP_LINE_MOST = 8000,     /* bytes of the request line: beyond it 414 */
	HTTP_HEADER_MOST = 8000,   /* bytes of one header line: beyond it 431 */
	HTTP_HEAD_MOST = 16384,    /* bytes of the whole head: beyond it 431 */
	HTTP_HEADERS_MOST = 100,   /* header lines: beyond it 431 */
	HTTP_EMPTY_LINES_MOST = 4, /* before the request line: beyond it 400 */
	HTTP_BODY_MOST = 65536,    /* bytes of a body: beyond it 413 */
	HTTP_FRAME_MOST = 65536    /* and of a chunked one those that are no data: likewise */
};

enum http_progress {
	HTTP_PART,  /* more bytes are needed */
	HTTP_WHOLE, /* the head is there */
	HTTP_WRONG  /* it is to be answered with `status` and the connection closed */
};

/* Those that mean something to a service here; any other token is HTTP_OTHER. */
enum http_method { HTTP_OTHER, HTTP_GET, HTTP_HEAD, HTTP_OPTIONS, HTTP_CONNECT };

/* Part of the bytes given to http_parse. */
struct http_span {
	uint32_t at, length;
};

struct http_request {
	/* the reader's own, from one call to the next */
	uint32_t seen;  /* bytes that have been looked at */
	uint32_t line;  /* where the line in progress begins */
	uint16_t found; /* bits of what the headers have said */
	uint8_t headers, empty_lines;
	bool has_line; /* the request line is done */

	/* what it has found; true when HTTP_WHOLE, and the method and version as soon as read */
	uint8_t method;       /* enum http_method */
	uint8_t minor;        /* of the version: 1, or 0 */
	bool keep_alive;      /* the client wants another request; false when HTTP_WRONG */
	bool expect_continue; /* it waits for 100 before it sends the body */
	bool has_query;       /* there was a ?, even if nothing follows it */
	bool has_chunks;      /* the body is a chunked one: its length is not known yet */
	uint16_t status;      /* HTTP_WRONG: 400, 413, 414, 431, 501 or 505; else 0 */
	uint32_t head_length; /* bytes of the head; what follows is the body or the next request */
	uint64_t content_length; /* bytes of the body behind it; has_chunks: set once it is read */
	struct http_span method_name;
	/* as sent, not decoded; path begins with /, or is * (OPTIONS) or "" (CONNECT) */
	struct http_span path, query;
};

/* Before the first byte of a request. */
void http_parse_begin(struct http_request *request);

/*
 * Reads on. bytes: the first n of the stream from the request's first, those of earlier calls
 * included; they may have moved. Once it has said HTTP_WHOLE or HTTP_WRONG it says so again. A body
 * longer than HTTP_BODY_MOST is answered with 413; where a chunked one ends, http_chunked finds
 * out.
 */
enum http_progress http_parse(struct http_request *request, const char *bytes, size_t n);

/* What is behind the head is wrong: from here on http_parse says HTTP_WRONG, with this status. */
void http_parse_refuse(struct http_request *request, unsigned status);

/*
 * True when http_parse can have left request behind, and can go on with it, having seen no more
 * than n bytes. May be asked about any bytes: for a service's is_sound.
 */
bool http_parse_is_sound(const struct http_request *request, size_t n);

#endif
