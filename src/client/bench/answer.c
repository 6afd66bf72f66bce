/* SPDX-License-Identifier: MIT */
/* Picks how an answer's end is found. */
#include "client/bench/answer.h"

#include "client/bench/message.h"

void answer_begin(struct answer *answer, const struct plan *plan, uint64_t key)
{
	answer->frame = (struct frame){ .framing = plan->framing, .expected = plan->answer_size };
	answer->key = key;
	answer->content = 0;
	if (answer->http != NULL)
		httpanswer_begin(answer->http);
}

static enum answer_state take_http(struct httpanswer *http, const char *bytes, size_t n,
				   size_t *used)
{
	*used = httpanswer_take(http, bytes, n);
	if (http->place == HTTPANSWER_WHOLE)
		return ANSWER_WHOLE;
	return http->place == HTTPANSWER_WRONG ? ANSWER_WRONG : ANSWER_PART;
}

static bool is_echo(struct answer *answer, const struct plan *plan, const char *bytes,
		    const struct piece *piece)
{
	uint64_t from = answer->content;

	answer->content += piece->content;
	return message_is_echo(&plan->message, answer->key, from, bytes + piece->content_at,
			       piece->content) &&
	       (!piece->is_whole || answer->content == plan->message.content);
}

enum answer_state answer_take(struct answer *answer, const struct plan *plan, const char *bytes,
			      size_t n, size_t *used)
{
	struct piece piece;

	if (answer->http != NULL)
		return take_http(answer->http, bytes, n, used);
	piece = framing_take(&answer->frame, bytes, n);
	*used = piece.used;
	if (piece.is_wrong || (plan->verifies && !is_echo(answer, plan, bytes, &piece)))
		return ANSWER_WRONG;
	return piece.is_whole ? ANSWER_WHOLE : ANSWER_PART;
}

enum answer_state answer_end(struct answer *answer, const struct plan *plan)
{
	if (answer->http != NULL)
		return httpanswer_end(answer->http) ? ANSWER_WHOLE : ANSWER_PART;
	return plan->framing == FRAMING_RAW && plan->answer_size == UINT64_MAX &&
			       answer->frame.got > 0 ?
		       ANSWER_WHOLE :
		       ANSWER_PART;
}
