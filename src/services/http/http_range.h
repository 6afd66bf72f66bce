/* SPDX-License-Identifier: MIT */
/*
 * Requests for parts of a file, and the texts of their answers (RFC 9110 14, 15.3.7). Pure. For
 * HTTP services, in a worker.
 *
 *   200             the whole file
 *   206, one range  http_range_field among the headers, then the range's bytes
 *   206, several    Content-Type HTTP_RANGE_TYPE and the boundary, no Content-Range; then for each
 *                   range http_range_part_head and its bytes, then http_range_end
 *   416             http_range_field for no range among the headers
 */
#ifndef SERVICES_HTTP_HTTP_RANGE_H
#define SERVICES_HTTP_HTTP_RANGE_H

#include <stdint.h>

#include "base/strbuf.h"
#include "services/http/parse/http_field.h"

/* A request for more ranges gets the whole file; so does one of which more than two overlap. */
enum { HTTP_RANGES_MOST = 64, HTTP_OVERLAPS_MOST = 2 };

#define HTTP_RANGE_TYPE "multipart/byteranges; boundary="

struct http_range {
	uint64_t offset, length; /* in bytes; length > 0 */
};

struct http_ranges {
	unsigned count;
	struct http_range ranges[HTTP_RANGES_MOST]; /* within the file, apart, as requested */
};

/*
 * Reads the Range field of a request for a file of `size` bytes. Returns 206 with 1 or more ranges;
 * 416 when the file has none of the bytes; or 200: there is no such field, it is invalid or
 * repeated or has another unit, the method is not GET, there are too many ranges or overlaps, or
 * the file is empty (14.2). Ranges that overlap or touch become one, in the place of the first
 * (15.3.7.2). Call it if http_condition_judge returns 200 and http_condition_allows_range is
 * true. head: as in http_field_value.
 */
unsigned http_range_judge(const struct http_request *request, const char *head, uint64_t size,
			  struct http_ranges *ranges);

/* Appends the line Content-Range for the range, or for 416 if it is NULL, with its CRLF. */
void http_range_field(struct strbuf *text, const struct http_range *range, uint64_t size);

/* The parts of a multipart body; the strings are the caller's. */
struct http_range_body {
	const struct http_ranges *ranges;
	const char *type;     /* of the file; NULL: none */
	const char *boundary; /* 1 to 70 letters and digits that are not in the file (RFC 2046) */
	uint64_t size;        /* of the file */
};

/* Appends what comes before the bytes of range `i`: delimiter and head. */
void http_range_part_head(struct strbuf *text, const struct http_range_body *body, unsigned i);

/* Appends what comes after the last range. */
void http_range_end(struct strbuf *text, const struct http_range_body *body);

/* Bytes of the body: of all heads, all ranges and the end. */
uint64_t http_range_body_length(const struct http_range_body *body);

#endif
