/* SPDX-License-Identifier: MIT */
/*
 * Parses the heads of HTTP responses and counts the bytes of their bodies. Must not store a head or
 * read a body.
 */
#include "client/bench/http_response.h"

#include <string.h>
#include <strings.h>

#include "base/hex.h"

void http_response_init(struct http_response *response)
{
	/* the line is not cleared, to save time: this runs for each message */
	response->state = HTTP_RESPONSE_STATUS;
	response->is_chunked = response->has_length = false;
	response->keep_alive = true;
	response->line_used = 0;
	response->status = 0;
	response->head_size = 0;
	response->left = 0;
}

static void set_state(struct http_response *response, enum http_response_state state)
{
	response->state = (uint8_t)state;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Parses "HTTP/1.1 200 OK". */
static void parse_status(struct http_response *response, const char *line, size_t n)
{
	if (n < 12 || memcmp(line, "HTTP/1.", 7) != 0 || line[8] != ' ' || !is_digit(line[9]) ||
	    !is_digit(line[10]) || !is_digit(line[11])) {
		set_state(response, HTTP_RESPONSE_INVALID);
		return;
	}
	response->keep_alive = line[7] != '0';
	response->status =
		(uint16_t)((line[9] - '0') * 100 + (line[10] - '0') * 10 + line[11] - '0');
	/* the request named no other protocol, so 101 is wrong: its end is unknown */
	set_state(response, response->status < 100 || response->status == 101 ?
				    HTTP_RESPONSE_INVALID :
				    HTTP_RESPONSE_HEADERS);
}

static void parse_length(struct http_response *response, const char *value, size_t n)
{
	uint64_t length = 0;

	if (n == 0 || n > 18)
		set_state(response, HTTP_RESPONSE_INVALID);
	for (size_t i = 0; i < n; i++) {
		if (!is_digit(value[i])) {
			set_state(response, HTTP_RESPONSE_INVALID);
			return;
		}
		length = length * 10 + (uint64_t)(value[i] - '0');
	}
	if (response->has_length && length != response->left)
		set_state(response, HTTP_RESPONSE_INVALID);
	response->has_length = true;
	response->left = length;
}

/* True when the comma-separated list contains the token. */
static bool has_token(const char *list, size_t n, const char *word)
{
	size_t length = strlen(word);

	for (size_t i = 0; i + length <= n; i++) {
		bool begins = i == 0 || list[i - 1] == ',' || list[i - 1] == ' ';
		bool ends = i + length == n || list[i + length] == ',' || list[i + length] == ' ' ||
			    list[i + length] == ';';

		if (begins && ends && strncasecmp(list + i, word, length) == 0)
			return true;
	}
	return false;
}

/* Returns the header's value without blanks around it; NULL when the line is another header. */
static const char *header_value(const char *line, size_t n, const char *name, size_t *size)
{
	size_t length = strlen(name);

	if (n <= length || line[length] != ':' || strncasecmp(line, name, length) != 0)
		return NULL;
	line += length + 1;
	n -= length + 1;
	while (n > 0 && (*line == ' ' || *line == '\t'))
		line++, n--;
	while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t'))
		n--;
	*size = n;
	return line;
}

static void parse_header(struct http_response *response, const char *line, size_t n)
{
	const char *value;
	size_t size;

	/* most headers are none of the three, which shows in their first letter */
	if ((line[0] | 0x20) != 'c' && (line[0] | 0x20) != 't')
		return;
	if ((value = header_value(line, n, "content-length", &size)) != NULL) {
		parse_length(response, value, size);
	} else if ((value = header_value(line, n, "transfer-encoding", &size)) != NULL) {
		response->is_chunked = has_token(value, size, "chunked");
	} else if ((value = header_value(line, n, "connection", &size)) != NULL) {
		if (has_token(value, size, "close"))
			response->keep_alive = false;
		else if (has_token(value, size, "keep-alive"))
			response->keep_alive = true;
	}
}

/* At the empty line: the status and the headers define the body. */
static void end_headers(struct http_response *response)
{
	if (response->status < 200) {
		http_response_init(response); /* an interim response */
	} else if (response->status == 204 || response->status == 304) {
		set_state(response, HTTP_RESPONSE_COMPLETE);
	} else if (response->is_chunked) {
		set_state(response, HTTP_RESPONSE_CHUNK_SIZE);
	} else if (response->has_length) {
		set_state(response,
			  response->left > 0 ? HTTP_RESPONSE_BODY : HTTP_RESPONSE_COMPLETE);
	} else {
		response->keep_alive = false;
		set_state(response, HTTP_RESPONSE_UNTIL_CLOSE);
	}
}

static void parse_chunk_size(struct http_response *response, const char *line, size_t n)
{
	uint64_t size = 0;
	size_t i = 0;

	for (; i < n && hex_value(line[i]) >= 0 && i < 15; i++)
		size = size * 16 + (uint64_t)hex_value(line[i]);
	if (i == 0 || (i < n && line[i] != ';' && line[i] != ' ' && line[i] != '\t')) {
		set_state(response, HTTP_RESPONSE_INVALID);
		return;
	}
	response->left = size;
	set_state(response, size > 0 ? HTTP_RESPONSE_CHUNK : HTTP_RESPONSE_TRAILER);
}

static void parse_line(struct http_response *response, const char *line, size_t n)
{
	if (n > 0 && line[n - 1] == '\r')
		n--;
	switch ((enum http_response_state)response->state) {
	case HTTP_RESPONSE_STATUS:
		parse_status(response, line, n);
		break;
	case HTTP_RESPONSE_HEADERS:
		if (n > 0)
			parse_header(response, line, n);
		else
			end_headers(response);
		break;
	case HTTP_RESPONSE_CHUNK_SIZE:
		parse_chunk_size(response, line, n);
		break;
	case HTTP_RESPONSE_CHUNK_END:
		set_state(response, n == 0 ? HTTP_RESPONSE_CHUNK_SIZE : HTTP_RESPONSE_INVALID);
		break;
	case HTTP_RESPONSE_TRAILER:
		if (n == 0)
			set_state(response, HTTP_RESPONSE_COMPLETE);
		break;
	default:
		break;
	}
}

/* Stores the start of a line whose end has not come yet. */
static void keep_line_start(struct http_response *response, const char *bytes, size_t n)
{
	size_t room = HTTP_RESPONSE_LINE - response->line_used, fits = n < room ? n : room;

	memcpy(response->line + response->line_used, bytes, fits);
	response->line_used = (uint16_t)(response->line_used + fits);
}

/* Consumes at most one line. */
static size_t parse_text(struct http_response *response, const char *bytes, size_t n)
{
	const char *lf = memchr(bytes, '\n', n);
	size_t used = lf != NULL ? (size_t)(lf - bytes) + 1 : n;

	response->head_size += (uint32_t)used;
	if (response->head_size > HTTP_RESPONSE_HEAD_MAX) {
		set_state(response, HTTP_RESPONSE_INVALID);
		return used;
	}
	if (lf == NULL) {
		keep_line_start(response, bytes, n);
	} else if (response->line_used == 0) {
		parse_line(response, bytes, used - 1);
	} else {
		size_t line_used;

		keep_line_start(response, bytes, used - 1);
		line_used = response->line_used;
		response->line_used = 0;
		parse_line(response, response->line, line_used);
	}
	return used;
}

/* Consumes bytes of a body or a chunk. */
static size_t consume_body(struct http_response *response, size_t n)
{
	size_t used = n < response->left ? n : (size_t)response->left;

	response->left -= used;
	if (response->left == 0 && response->state == HTTP_RESPONSE_BODY) {
		set_state(response, HTTP_RESPONSE_COMPLETE);
	} else if (response->left == 0) {
		response->head_size = 0; /* the limit is for the lines between two chunks */
		set_state(response, HTTP_RESPONSE_CHUNK_END);
	}
	return used;
}

size_t http_response_parse(struct http_response *response, const char *bytes, size_t n)
{
	size_t used = 0;

	while (used < n && response->state < HTTP_RESPONSE_COMPLETE) {
		if (response->state == HTTP_RESPONSE_BODY || response->state == HTTP_RESPONSE_CHUNK)
			used += consume_body(response, n - used);
		else if (response->state == HTTP_RESPONSE_UNTIL_CLOSE)
			used = n;
		else
			used += parse_text(response, bytes + used, n - used);
	}
	return used;
}

bool http_response_close(struct http_response *response)
{
	if (response->state == HTTP_RESPONSE_UNTIL_CLOSE)
		set_state(response, HTTP_RESPONSE_COMPLETE);
	return response->state == HTTP_RESPONSE_COMPLETE;
}
