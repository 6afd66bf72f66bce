/* SPDX-License-Identifier: MIT */
/* Picks how an answer's end is found. */
#include "client/bench/answer.h"

#include "client/bench/message.h"

void start_response(struct response *response, const struct bench_options *options, uint64_t key)
{
	response->frame =
		(struct frame){ .framing = options->framing, .expected = options->response_size };
	response->key = key;
	response->content = 0;
	if (response->http != NULL)
		http_response_init(response->http);
}

static enum response_state parse_http(struct http_response *http, const char *bytes, size_t n,
				      size_t *used)
{
	*used = http_response_parse(http, bytes, n);
	if (http->state == HTTP_RESPONSE_COMPLETE)
		return RESPONSE_COMPLETE;
	return http->state == HTTP_RESPONSE_INVALID ? RESPONSE_WRONG : RESPONSE_PARTIAL;
}

static bool is_echo(struct response *response, const struct bench_options *options,
		    const char *bytes, const struct piece *piece)
{
	uint64_t from = response->content;

	response->content += piece->content;
	return message_is_echo(&options->message, response->key, from, bytes + piece->content_at,
			       piece->content) &&
	       (!piece->is_whole || response->content == options->message.content);
}

enum response_state parse_response(struct response *response, const struct bench_options *options,
				   const char *bytes, size_t n, size_t *used)
{
	struct piece piece;

	if (response->http != NULL)
		return parse_http(response->http, bytes, n, used);
	piece = framing_take(&response->frame, bytes, n);
	*used = piece.used;
	if (piece.is_wrong || (options->verifies && !is_echo(response, options, bytes, &piece)))
		return RESPONSE_WRONG;
	return piece.is_whole ? RESPONSE_COMPLETE : RESPONSE_PARTIAL;
}

enum response_state end_response(struct response *response, const struct bench_options *options)
{
	if (response->http != NULL)
		return http_response_close(response->http) ? RESPONSE_COMPLETE : RESPONSE_PARTIAL;
	return options->framing == FRAMING_RAW && options->response_size == UINT64_MAX &&
			       response->frame.got > 0 ?
		       RESPONSE_COMPLETE :
		       RESPONSE_PARTIAL;
}
