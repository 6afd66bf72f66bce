/* SPDX-License-Identifier: MIT */
/* Gathers what the access log tells of a request from its head. It writes no line itself. */
#include "services/http/http_log.h"

#include <string.h>

#include "services/http/parse/http_field.h"

static struct access_text text_of(struct http_text text)
{
	return (struct access_text){ text.at, text.length };
}

static struct access_text part_of(const char *head, struct http_span span)
{
	return (struct access_text){ span.length > 0 ? head + span.at : NULL, span.length };
}

static size_t length_before(const char *at, size_t n, char mark)
{
	const char *found = memchr(at, mark, n);

	return found ? (size_t)(found - at) : n;
}

/* The first line that is not empty, or what has come of it; of a refused request any bytes. */
static struct access_text find_line(const struct conn *c, const struct http_request *request)
{
	const char *at = buf_head(&c->in);
	size_t left = request->status != 0 ? buf_used(&c->in) : request->head_length;

	for (; left > 0 && (*at == '\r' || *at == '\n'); at++)
		left--;
	if (left > HTTP_LINE_MOST)
		left = HTTP_LINE_MOST;
	left = length_before(at, left, '\r');
	return (struct access_text){ at, length_before(at, left, '\n') };
}

void http_log(const struct conn *c, const struct http_request *request,
	      const struct http_logged *logged)
{
	const char *head = buf_head(&c->in);
	bool has_body = request->status == 0 && !request->expect_continue;
	uint64_t head_length = request->status != 0 ? request->seen : request->head_length;

	if (!conn_logs())
		return;
	conn_log_request(
		c, &(struct conn_request){
			   .line = find_line(c, request),
			   .method = part_of(head, request->method_name),
			   .path = part_of(head, request->path),
			   .user = text_of(logged->user),
			   .referer = text_of(http_field_value(request, head, HTTP_FIELD_REFERER)),
			   .user_agent =
				   text_of(http_field_value(request, head, HTTP_FIELD_USER_AGENT)),
			   .status = logged->status,
			   .bytes_in = head_length + (has_body ? request->content_length : 0),
			   .bytes_out = logged->bytes_out,
			   .body_bytes = logged->body_bytes,
			   .is_cut = logged->is_cut,
		   });
}
