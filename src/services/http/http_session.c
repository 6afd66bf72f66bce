/* SPDX-License-Identifier: MIT */
/*
 *   reading a head --answered--> dropping the body --> reading the next head
 *   reading a head --> reading chunks, each dropped --answered--> reading the next head
 *   reading a head --answer begun--> answering, as the client takes it --> dropping the body
 *   reading a head --answered by a file range--> sending it --has gone out--> dropping the body
 *   any --the answer announced the end of the connection--> FINISH
 *   The head stays in c->in until its answer is written.
 */
#include "services/http/http_session.h"

#include "services/http/http_log.h"

enum step { STEP_ON, STEP_WAIT, STEP_END };

/* The worker's heritage, set before the worker serves. */
static const struct heritage *heritage;

void http_session_start(const struct heritage *h)
{
	heritage = h;
}

bool http_session_is_leaving(void)
{
	return atomic_load_explicit(&heritage_own_slot(heritage)->state, memory_order_relaxed) >=
	       SLOT_DRAINING;
}

bool http_session_is_told_to_stop(void)
{
	return atomic_load_explicit(&heritage->board->stop_due_ms, memory_order_relaxed) != 0;
}

static bool is_ending(void)
{
	return http_session_is_leaving() || http_session_is_told_to_stop();
}

static void log_answer(const struct conn *c, const struct http_request *request,
		       const struct http_handler *handler, const struct http_sent *sent)
{
	struct http_text user = { NULL, 0 };

	/* a reload may have begun to log in the middle of the answer */
	if (!conn_logs() || sent->status == 0)
		return;
	if (handler->user)
		user = handler->user(c, request);
	http_log(c, request,
		 &(struct http_logged){ sent->status, sent->head + sent->body, sent->body, user });
}

/* before: what c->out held when the answer began. */
static struct http_sent measure_answer(const struct conn *c, unsigned status, size_t before)
{
	size_t made = buf_used(&c->out) - before, body;

	if (!conn_logs())
		return (struct http_sent){ .status = 0 };
	body = http_body_bytes(buf_head(&c->out) + before, made);
	return (struct http_sent){ .status = (uint16_t)status,
				   .head = (uint32_t)(made - body),
				   .body = body + conn_range_left(c) };
}

/* Drops the head of the request that is answered, and prepares for the next one. */
static void next_request(struct conn *c, struct http_session *s)
{
	buf_drop(&c->in, s->request.head_length);
	http_parse_begin(&s->request);
	s->chunked = (struct http_chunked){ 0 };
	conn_count_message(c);
}

static enum step end_answer(struct conn *c, struct http_session *s,
			    const struct http_handler *handler)
{
	s->is_sending = false;
	log_answer(c, &s->request, handler, &s->sent);
	next_request(c, s);
	return STEP_ON;
}

/* In lame_duck too: a client that learns of the end loses no request to it. */
static bool will_end(const struct conn *c, const struct http_request *request)
{
	uint64_t length = request->head_length;
	uint64_t most = (uint64_t)c->conf->keepalive_requests;
	bool is_last;

	if (!request->has_chunks)
		length += request->content_length;
	is_last = buf_used(&c->in) <= length;
	return request->expect_continue || (most > 0 && c->record->messages + 1 >= most) ||
	       (is_last && is_ending());
}

static enum step answer_request(struct conn *c, struct http_session *s,
				const struct http_handler *handler)
{
	size_t before = buf_used(&c->out);
	unsigned status;

	if (will_end(c, &s->request))
		s->request.keep_alive = false;
	status = handler->answer(c, s);
	if (status == 0)
		return STEP_WAIT;
	s->ends = !s->request.keep_alive;
	s->body_left = s->request.has_chunks ? 0 : (uint32_t)s->request.content_length;
	if (s->goes_on)
		return STEP_ON;
	s->sent = measure_answer(c, status, before);
	s->is_sending = conn_range_left(c) > 0;
	return s->is_sending ? STEP_WAIT : end_answer(c, s, handler);
}

static enum step refuse_request(struct conn *c, struct http_request *request,
				const struct http_handler *handler)
{
	bool is_long = request->status == 413 || request->status == 414 || request->status == 431;
	size_t before = buf_used(&c->out);
	struct http_sent sent;

	if (!http_error(&c->out, request, request->status, handler->headers(c)))
		return STEP_WAIT;
	sent = measure_answer(c, request->status, before);
	log_answer(c, request, handler, &sent);
	conn_count_message(c);
	conn_finish(c, is_long ? CLOSE_message_too_long : CLOSE_message_invalid);
	return STEP_END;
}

static enum step cut_off(struct conn *c, enum close_reason reason)
{
	if (!conn_in_ended(c))
		return STEP_WAIT;
	conn_finish(c, reason);
	return STEP_END;
}

/* Not one byte beyond max_header is looked at, however the bytes come. */
static enum http_progress parse_head(const struct conn *c, struct http_request *request)
{
	size_t most = (size_t)c->conf->max_header, used = buf_used(&c->in);
	enum http_progress progress;

	if (most < request->seen) /* a reload has changed it */
		most = request->seen;
	progress = http_parse(request, buf_head(&c->in), used < most ? used : most);
	if (progress != HTTP_PART || used < most)
		return progress;
	http_parse_refuse(request, request->has_line ? 431 : 414);
	return HTTP_WRONG;
}

static enum step read_head(struct conn *c, struct http_session *s,
			   const struct http_handler *handler)
{
	enum http_progress progress;

	if (buf_used(&c->in) == 0)
		return cut_off(c, CLOSE_client_closed);
	if (s->request.seen == 0)
		http_parse_begin(&s->request);
	progress = parse_head(c, &s->request);
	/* a client that waits for 100 is not asked for a body that the service would drop */
	if (progress == HTTP_WHOLE && s->request.has_chunks && !s->request.expect_continue)
		progress = http_chunked_take(&s->chunked, &s->request, &c->in);
	switch (progress) {
	case HTTP_WHOLE:
		return answer_request(c, s, handler);
	case HTTP_WRONG:
		return refuse_request(c, &s->request, handler);
	default:
		return cut_off(c, CLOSE_message_incomplete);
	}
}

static enum step drop_body(struct conn *c, struct http_session *s)
{
	size_t n = buf_used(&c->in) < s->body_left ? buf_used(&c->in) : s->body_left;

	buf_drop(&c->in, n);
	s->body_left -= (uint32_t)n;
	return s->body_left > 0 ? cut_off(c, CLOSE_message_incomplete) : STEP_ON;
}

static enum step answer_more(struct conn *c, struct http_session *s,
			     const struct http_handler *handler)
{
	if (!handler->go_on(c, s))
		return STEP_WAIT;
	s->goes_on = false;
	next_request(c, s);
	return STEP_ON;
}

static enum step next_step(struct conn *c, struct http_session *s,
			   const struct http_handler *handler)
{
	if (s->goes_on)
		return answer_more(c, s, handler);
	/* nothing may be written behind a file range that has not gone out */
	if (conn_range_left(c) > 0)
		return STEP_WAIT;
	if (s->is_sending)
		return end_answer(c, s, handler);
	if (s->ends) {
		conn_finish(c, is_ending() ? CLOSE_drained : CLOSE_service_finished);
		return STEP_END;
	}
	if (s->body_left > 0)
		return drop_body(c, s);
	return read_head(c, s, handler);
}

enum verdict http_session_serve(struct conn *c, struct http_session *s,
				const struct http_handler *handler)
{
	enum step step;

	do
		step = next_step(c, s, handler);
	while (step == STEP_ON);
	return step == STEP_END ? FINISH : MORE;
}

enum verdict http_session_time_out(struct conn *c, struct http_session *s,
				   const struct http_handler *handler)
{
	bool has_begun = buf_used(&c->in) > 0 && !s->goes_on && !s->is_sending && s->body_left == 0;

	if (has_begun) {
		http_parse_refuse(&s->request, 408);
		(void)refuse_request(c, &s->request, handler);
	}
	return FINISH;
}

void http_session_close(const struct conn *c, const struct http_session *s,
			const struct http_handler *handler)
{
	uint64_t unsent = buf_used(&c->out) + conn_range_left(c);
	struct http_sent sent = s->sent;

	if (!http_session_is_sound(c, s) || !s->is_sending)
		return;
	sent.body = unsent < sent.body ? sent.body - unsent : 0;
	log_answer(c, &s->request, handler, &sent);
}

bool http_session_is_in_head(const struct http_session *s)
{
	return !s->goes_on && s->body_left == 0 && s->request.head_length == 0;
}

bool http_session_is_idle(const struct conn *c, const struct http_session *s)
{
	return !s->goes_on && s->body_left == 0 && buf_used(&c->in) == 0 && !conn_has_output(c);
}

static bool is_flag(const bool *value)
{
	return *(const uint8_t *)value <= 1;
}

bool http_session_is_sound(const struct conn *c, const struct http_session *s)
{
	return is_flag(&s->goes_on) && is_flag(&s->ends) && is_flag(&s->is_sending) &&
	       (!s->is_sending || (s->request.head_length > 0 && !s->goes_on)) &&
	       s->body_left <= HTTP_BODY_MOST &&
	       http_parse_is_sound(&s->request, buf_used(&c->in)) &&
	       http_chunked_is_sound(&s->chunked);
}
