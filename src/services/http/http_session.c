/* SPDX-License-Identifier: MIT */
/* The session's stages, and what is logged of a request. */
#include "services/http/http_session.h"

#include "services/http/http_log.h"
#include "worker/pool.h"

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

#define BIT(stage) (1U << HTTP_##stage)

/* The picture of http_session.h: the stages that may follow each stage. */
static const uint8_t next_stages[HTTP_STAGES] = {
	[HTTP_READING] = BIT(READING) | BIT(ANSWERING) | BIT(SENDING) | BIT(DROPPING) | BIT(ENDING),
	[HTTP_ANSWERING] = BIT(SENDING),
	[HTTP_SENDING] = BIT(READING) | BIT(DROPPING) | BIT(ENDING),
	[HTTP_DROPPING] = BIT(READING),
	[HTTP_ENDING] = 0,
};

/* The only function that changes the stage. */
static void move_to(struct http_session *s, enum http_stage next)
{
	BUG_ON((next_stages[s->stage] & 1U << next) == 0);
	s->stage = (uint8_t)next;
}

void http_session_go_on(struct http_session *s, bool has_length)
{
	s->ends_by_close = !has_length && !http_is_chunked(&s->request);
	move_to(s, HTTP_ANSWERING);
}

/* True while an answer is written or goes out, so that its request's head is still in c->in. */
static bool is_answering(const struct http_session *s)
{
	return s->stage == HTTP_ANSWERING || s->stage == HTTP_SENDING;
}

/* True when bytes of an answer are still to be written, or to go out. */
static bool is_unsent(const struct conn *c, const struct http_session *s)
{
	return s->stage == HTTP_ANSWERING || (s->stage == HTTP_SENDING && conn_has_output(c));
}

/* --- The log and the metrics --- */

static uint64_t count_written(const struct conn *c)
{
	return buf_used(&c->out) + conn_range_left(c);
}

static void count_answer(const struct conn *c, unsigned status)
{
	metric_cell *cells = pool_tally(c->pool, c->record)->http_responses_total;

	cell_add(&cells[RESPONSE_2xx + status / 100 - 2], 1);
}

/*
 * Once for each answer. is_cut: by the end of the connection, where what c->out and the file range
 * have left is unsent. Chunks that are cut lose their frame as well.
 */
static void note_answer(const struct conn *c, const struct http_session *s,
			const struct http_handler *handler, bool is_cut)
{
	const struct http_sent *sent = &s->sent;
	uint64_t unsent = is_cut ? count_written(c) : 0;
	uint64_t out = sent->made > unsent ? sent->made - unsent : 0;
	uint64_t around = sent->head + sent->frame;
	struct http_logged logged = { .status = sent->status,
				      .bytes_out = out,
				      .body_bytes = out > around ? out - around : 0,
				      .is_cut = is_cut };

	count_answer(c, sent->status);
	/* a reload may have begun to log in the middle of the answer */
	if (!conn_logs() || sent->head == 0)
		return;
	if (handler->user)
		logged.user = handler->user(c, &s->request);
	http_log(c, &s->request, &logged);
}

/* before: what c->out held when the answer began. */
static struct http_sent measure_answer(const struct conn *c, unsigned status, size_t before)
{
	size_t made = buf_used(&c->out) - before, body;

	if (!conn_logs())
		return (struct http_sent){ .status = (uint16_t)status };
	body = http_body_bytes(buf_head(&c->out) + before, made);
	return (struct http_sent){ .made = made + conn_range_left(c),
				   .head = (uint32_t)(made - body),
				   .status = (uint16_t)status };
}

/* --- A request --- */

/* Drops the head of the request that is answered, and prepares for what follows it. */
static enum step end_answer(struct conn *c, struct http_session *s,
			    const struct http_handler *handler)
{
	bool goes_on = s->request.keep_alive;

	note_answer(c, s, handler, false);
	s->ends_by_close = false;
	s->body_left = goes_on && !s->request.has_chunks ? (uint32_t)s->request.content_length : 0;
	move_to(s, !goes_on ? HTTP_ENDING : s->body_left > 0 ? HTTP_DROPPING : HTTP_READING);
	buf_drop(&c->in, s->request.head_length);
	http_parse_begin(&s->request);
	s->chunked = (struct http_chunked){ 0 };
	conn_count_message(c);
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
	s->sent = measure_answer(c, status, before);
	if (s->stage == HTTP_ANSWERING)
		return STEP_ON;
	if (conn_range_left(c) == 0)
		return end_answer(c, s, handler);
	move_to(s, HTTP_SENDING);
	return STEP_WAIT;
}

static enum step refuse_request(struct conn *c, struct http_session *s,
				const struct http_handler *handler)
{
	unsigned status = s->request.status;
	bool is_long = status == 413 || status == 414 || status == 431;
	size_t before = buf_used(&c->out);

	if (!http_error(&c->out, &s->request, status, handler->headers(c)))
		return STEP_WAIT;
	s->sent = measure_answer(c, status, before);
	note_answer(c, s, handler, false);
	move_to(s, HTTP_ENDING);
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
		return refuse_request(c, s, handler);
	default:
		return cut_off(c, CLOSE_message_incomplete);
	}
}

static enum step drop_body(struct conn *c, struct http_session *s)
{
	size_t n = buf_used(&c->in) < s->body_left ? buf_used(&c->in) : s->body_left;

	buf_drop(&c->in, n);
	s->body_left -= (uint32_t)n;
	if (s->body_left > 0)
		return cut_off(c, CLOSE_message_incomplete);
	move_to(s, HTTP_READING);
	return STEP_ON;
}

static enum step answer_more(struct conn *c, struct http_session *s,
			     const struct http_handler *handler)
{
	uint64_t before = count_written(c);
	bool is_done = handler->go_on(c, s);

	s->sent.made += count_written(c) - before;
	if (!is_done)
		return STEP_WAIT;
	move_to(s, HTTP_SENDING);
	return STEP_ON;
}

/* Nothing may be written behind a file range that has not gone out. */
static enum step end_sending(struct conn *c, struct http_session *s,
			     const struct http_handler *handler)
{
	return conn_has_output(c) ? STEP_WAIT : end_answer(c, s, handler);
}

static enum step next_step(struct conn *c, struct http_session *s,
			   const struct http_handler *handler)
{
	switch (s->stage) {
	case HTTP_ANSWERING:
		return answer_more(c, s, handler);
	case HTTP_SENDING:
		return end_sending(c, s, handler);
	case HTTP_DROPPING:
		return drop_body(c, s);
	case HTTP_ENDING:
		conn_finish(c, is_ending() ? CLOSE_drained : CLOSE_service_finished);
		return STEP_END;
	default:
		return read_head(c, s, handler);
	}
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
	if (is_unsent(c, s))
		return ABORT; /* the hook close logs what was sent */
	if (s->stage == HTTP_READING && buf_used(&c->in) > 0) {
		http_parse_refuse(&s->request, 408);
		(void)refuse_request(c, s, handler);
	} else if (s->stage == HTTP_SENDING) {
		/* the bytes of the request may go before the hook close */
		note_answer(c, s, handler, false);
		s->ends_by_close = false;
		move_to(s, HTTP_ENDING);
	}
	return FINISH;
}

struct strbuf http_session_open_body(const struct conn *c, const struct http_session *s)
{
	return http_body_open(&c->out, http_is_chunked(&s->request));
}

void http_session_close_body(struct conn *c, struct http_session *s, const struct strbuf *text,
			     bool is_last)
{
	bool is_chunked = http_is_chunked(&s->request);
	size_t before = buf_used(&c->out);

	http_body_close(&c->out, text, is_chunked);
	if (is_last)
		(void)http_body_end(&c->out, is_chunked);
	s->sent.frame += buf_used(&c->out) - before - text->used;
}

/*
 * Neither a length nor chunks tell that more was to come, or the client would have the end and not
 * what is before.
 */
bool http_session_looks_whole(const struct conn *c, const struct http_session *s)
{
	if (!http_session_is_sound(c, s))
		return false;
	if (c->record->state > CONN_OPEN)
		return conn_has_output(c);
	return s->ends_by_close && is_unsent(c, s);
}

void http_session_close(struct conn *c, const struct http_session *s,
			const struct http_handler *handler)
{
	if (http_session_looks_whole(c, s))
		conn_set_reset(c);
	if (http_session_is_sound(c, s) && is_answering(s))
		note_answer(c, s, handler, true);
}

bool http_session_is_in_head(const struct http_session *s)
{
	return s->stage == HTTP_READING && s->request.head_length == 0;
}

bool http_session_is_idle(const struct conn *c, const struct http_session *s)
{
	return s->stage == HTTP_READING && buf_used(&c->in) == 0 && !conn_has_output(c);
}

bool http_session_is_sound(const struct conn *c, const struct http_session *s)
{
	return s->stage < HTTP_STAGES && *(const uint8_t *)&s->ends_by_close <= 1 &&
	       (!s->ends_by_close || is_answering(s)) &&
	       (!is_answering(s) || (s->request.head_length > 0 && http_knows(s->sent.status))) &&
	       (s->stage == HTTP_DROPPING ? s->body_left > 0 : s->body_left == 0) &&
	       s->body_left <= HTTP_BODY_MOST &&
	       http_parse_is_sound(&s->request, buf_used(&c->in)) &&
	       http_chunked_is_sound(&s->chunked);
}
