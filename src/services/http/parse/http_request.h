/* SPDX-License-Identifier: MIT */
/*
 * A parsed request: its parts, the bytes that a part may have (RFC 9110, RFC 9112, RFC 3986: one
 * look-up for each byte), and its limits.
 */
#ifndef SERVICES_HTTP_HTTP_REQUEST_H
#define SERVICES_HTTP_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limits of a request, without the CRLF of a line: those of nginx and Apache, or a little lower. */
enum {
	HTTP_LINE_MOST = 8000,     /* bytes of the request line: beyond it 414, or 501 */
	HTTP_HEADER_MOST = 8000,   /* bytes of one header line: beyond it 431 */
	HTTP_HEAD_MOST = 16384,    /* bytes of the whole head: beyond it 431 */
	HTTP_HEADERS_MOST = 100,   /* header lines: beyond it 431 */
	HTTP_EMPTY_LINES_MOST = 4, /* before the request line: beyond it 400 */
	HTTP_BODY_MOST = 65536,    /* bytes of a body: beyond it 413 */
	HTTP_FRAME_MOST = 65536    /* bytes of a chunked body that are not data: likewise */
};

enum http_class {
	HTTP_TOKEN = 1,  /* a method, a header's name */
	HTTP_TARGET = 2, /* a target: visible ASCII but #, since browsers exceed RFC 3986 */
	HTTP_HOST = 4    /* a host's name: unreserved, sub-delims and % */
};

extern const uint8_t http_classes[256];

static inline bool http_is(char c, enum http_class class)
{
	return (http_classes[(unsigned char)c] & class) != 0;
}

/* The first byte from at on that is not of the class, or end. */
static inline const char *http_skip(const char *at, const char *end, enum http_class class)
{
	while (at < end && http_is(*at, class))
		at++;
	return at;
}

/*
 * The methods that a service handles; HTTP_OTHER: another one of RFC 9110 or RFC 5789;
 * HTTP_UNKNOWN: any other token. Records hold the numbers.
 */
enum http_method { HTTP_OTHER, HTTP_GET, HTTP_HEAD, HTTP_OPTIONS, HTTP_CONNECT, HTTP_UNKNOWN };

/* Part of the bytes given to http_parse. */
struct http_span {
	uint32_t at, length;
};

/* The fields whose values are kept. */
enum http_field {
#define HTTP_FIELD(id, name, turn, take) HTTP_FIELD_##id,
#define HTTP_FRAMING(id, name, turn, take)
#include "tables/http_fields.def"
	HTTP_FIELDS
};

/* A field's value in the head; at is 0 when there is none. */
struct http_field_span {
	uint16_t at, length;
};

struct http_request {
	/* the reader's own state between calls */
	uint32_t seen;  /* bytes that have been checked */
	uint32_t line;  /* start of the current line */
	uint16_t found; /* bits: the headers found */
	uint8_t headers, empty_lines;
	bool has_line; /* the request line has been read */

	/* the result: valid when HTTP_WHOLE; method and version as soon as they are read */
	uint8_t method;          /* enum http_method */
	uint8_t minor;           /* minor version: 1 or 0 */
	bool keep_alive;         /* the client wants another request; false when HTTP_WRONG */
	bool expect_continue;    /* the client waits for 100 before it sends the body */
	bool has_query;          /* there was a ?, even if nothing follows it */
	bool has_chunks;         /* the body is chunked: its length is not known yet */
	uint16_t status;         /* HTTP_WRONG: 400, 413, 414, 431, 501 or 505; else 0 */
	uint32_t head_length;    /* bytes of the head; the body or the next request follows */
	uint64_t content_length; /* bytes of the body behind it; has_chunks: set once it is read */
	struct http_span method_name;
	/* as sent, not decoded; path begins with /, or is * (OPTIONS) or "" (CONNECT) */
	struct http_span path, query;
	struct http_field_span fields[HTTP_FIELDS]; /* the first of each; for http_field_value */
	uint16_t repeated;                          /* bits: the fields that came again */
};

/* True when the n bytes are a host, not empty, with an optional port; any host is accepted. */
bool http_request_is_authority(const char *at, size_t n);
/* The same with a port, as CONNECT has it (RFC 9112 3.2.3). */
bool http_request_is_tunnel(const char *at, size_t n);

#endif
