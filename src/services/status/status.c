/* SPDX-License-Identifier: MIT */
/*
 * status: reports the server's state over HTTP/1.1. It reads only the scoreboard and changes only
 * the count of scrapes. status_page.c and stats/report make the pages.
 *
 *   reading a head --answered--> dropping the body --> reading the next head
 *   reading a head --> reading chunks, each dropped --answered--> reading the next head
 *   reading a head --long answer begun--> streaming, as the client takes it --> dropping the body
 *   any --the answer announced the end of the connection--> FINISH
 */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "services/http/http.h"
#include "services/http/http_chunked.h"
#include "services/services.h"
#include "services/status/status_health.h"
#include "services/status/status_page.h"
#include "worker/conn_record.h"
#include "worker/heritage.h"

#define ALLOW PAGE_GUARDS "Allow: GET, HEAD\r\n"

enum { PIECE_ROOM = 16 * 1024 };

struct status {
	struct http_request request; /* the request being read or answered */
	struct http_chunked chunked; /* how much of its body is read */
	struct piece_cursor at;      /* position in the long answer */
	uint64_t made;               /* bytes of the long answer so far */
	uint32_t body_left;          /* bytes of the request's body still to drop */
	uint8_t streaming;           /* 1 + row of routes; 0: no long answer is in progress */
	bool ends;                   /* the connection ends after this answer */
};

enum step { STEP_ON, STEP_WAIT, STEP_END };

/* The worker's heritage, set once by init before the worker serves. */
static const struct heritage *heritage;

static bool remember_heritage(const struct heritage *h, const struct listen_conf *conf)
{
	(void)conf;
	heritage = h;
	return true;
}

static bool is_leaving(void)
{
	return atomic_load_explicit(&heritage_own_slot(heritage)->state, memory_order_relaxed) >=
	       SLOT_DRAINING;
}

/* True from the beginning of lame_duck on. */
static bool is_told_to_stop(void)
{
	return atomic_load_explicit(&heritage->board->stop_due_ms, memory_order_relaxed) != 0;
}

/* A worker that leaves after a reload has a successor: the server stays up. */
static bool is_server_leaving(void)
{
	const struct scoreboard *board = heritage->board;

	return is_told_to_stop() || (is_leaving() && (cell_get(&board->server.workers_ready) == 0 ||
						      getppid() != heritage->master_pid));
}

/* --- Long answers --- */

struct route {
	const char *path, *type, *headers;
	const struct piece *pieces;
	const unsigned *piece_count;
	bool is_scrape;
};

static const struct route routes[] = {
	{ "/", "text/html; charset=utf-8", page_headers, status_page, &status_page_count, false },
	{ "/status.json", "application/json", PAGE_GUARDS, report_json, &report_json_count, false },
	{ "/metrics", "text/plain; version=0.0.4; charset=utf-8", PAGE_GUARDS, report_metrics,
	  &report_metrics_count, true },
};
enum { ROUTES = sizeof(routes) / sizeof(routes[0]) };

static struct report make_report(void)
{
	return (struct report){ .board = heritage->board,
				.now_ms = clock_ms(),
				.now_s = time(NULL),
				.is_alive = true };
}

/* The answer is complete: `made` is its length. */
static void log_request(const struct conn *c, const struct http_request *request, const char *path,
			size_t path_length, unsigned status, uint64_t made)
{
	const char *head = buf_head(&c->in);
	uint64_t head_length = request->status != 0 ? request->seen : request->head_length;

	conn_log_request(c, &(struct conn_request){
				    .method = request->method == HTTP_GET ?
						      "GET" :
						      head + request->method_name.at,
				    .method_length = request->method_name.length,
				    .path = path,
				    .path_length = path_length,
				    .status = status,
				    .bytes_in = head_length + request->content_length,
				    .bytes_out = made,
			    });
}

/* Prepares for the next request. */
static void next_request(struct conn *c, struct status *s)
{
	http_parse_begin(&s->request);
	s->chunked = (struct http_chunked){ 0 };
	conn_count_message(c);
}

/* Writes as much of the answer as fits. */
static enum step stream_answer(struct conn *c, struct status *s)
{
	const struct route *route = &routes[s->streaming - 1];
	bool is_chunked = http_is_chunked(&s->request), is_done;
	struct report report = make_report();
	size_t before = buf_used(&c->out);
	struct strbuf text;

	if (buf_room(&c->out) < PIECE_ROOM)
		return STEP_WAIT;
	text = http_body_open(&c->out, is_chunked);
	is_done = report_pieces(&report, route->pieces, *route->piece_count, &s->at, &text);
	http_body_close(&c->out, &text, is_chunked);
	is_done = is_done && http_body_end(&c->out, is_chunked);
	s->made += buf_used(&c->out) - before;
	if (!is_done)
		return STEP_WAIT;
	if (conn_logs())
		log_request(c, &s->request, route->path, strlen(route->path), 200, s->made);
	s->streaming = 0;
	next_request(c, s);
	return STEP_ON;
}

static bool begin_long(struct conn *c, struct status *s, const struct route *route)
{
	const struct http_answer answer = {
		.status = 200,
		.type = route->type,
		.headers = route->headers,
		.length = HTTP_LENGTH_UNKNOWN,
	};
	size_t before = buf_used(&c->out);

	if (!http_head(&c->out, &s->request, &answer))
		return false;
	if (!http_wants_body(&s->request))
		return true;
	s->streaming = (uint8_t)(route - routes + 1);
	s->at = (struct piece_cursor){ 0 };
	s->made = buf_used(&c->out) - before;
	if (route->is_scrape)
		cell_add(&heritage_own_slot(heritage)->tally.scrapes_total, 1);
	return true;
}

/* --- Short answers --- */

static enum health find_health(void)
{
	const struct scoreboard *board = heritage->board;

	if (atomic_load_explicit(&board->lame_duck_until_ms, memory_order_relaxed) != 0)
		return HEALTH_LAME_DUCK;
	return is_server_leaving() ? HEALTH_DRAINING : HEALTH_OK;
}

/* Returns the status, or 0 when there is no room for the answer now; so do all answer functions. */
static unsigned answer_error(struct conn *c, struct http_request *request, unsigned status)
{
	const char *headers = status == 405 ? ALLOW : PAGE_GUARDS;

	return http_error(&c->out, request, status, headers) ? status : 0;
}

/* --- Requests --- */

static bool is_path(const struct conn *c, const struct http_request *request, const char *path)
{
	size_t n = strlen(path);

	return request->path.length == n &&
	       memcmp(buf_head(&c->in) + request->path.at, path, n) == 0;
}

static unsigned route_request(struct conn *c, struct status *s)
{
	struct http_request *request = &s->request;

	if (request->method != HTTP_GET && request->method != HTTP_HEAD)
		return answer_error(c, request, 405);
	if (is_path(c, request, "/healthz"))
		return status_health(&c->out, request, find_health());
	for (unsigned i = 0; i < ROUTES; i++)
		if (is_path(c, request, routes[i].path))
			return begin_long(c, s, &routes[i]) ? 200 : 0;
	return answer_error(c, request, 404);
}

/* In lame_duck too: a client that learns of the end loses no request to it. */
static bool will_end(const struct conn *c, const struct http_request *request)
{
	bool is_last = buf_used(&c->in) <= request->head_length;

	return request->expect_continue || (is_last && (is_leaving() || is_told_to_stop()));
}

static void answer_short(const struct conn *c, const struct http_request *request, unsigned status,
			 size_t before)
{
	if (conn_logs())
		log_request(c, request, buf_head(&c->in) + request->path.at, request->path.length,
			    status, buf_used(&c->out) - before);
}

static enum step answer_request(struct conn *c, struct status *s)
{
	size_t before = buf_used(&c->out);
	unsigned status;

	if (will_end(c, &s->request))
		s->request.keep_alive = false;
	status = route_request(c, s);
	if (status == 0)
		return STEP_WAIT;
	if (s->streaming == 0)
		answer_short(c, &s->request, status, before);
	s->ends = !s->request.keep_alive;
	s->body_left = s->request.has_chunks ? 0 : (uint32_t)s->request.content_length;
	buf_drop(&c->in, s->request.head_length);
	if (s->streaming == 0)
		next_request(c, s);
	return STEP_ON;
}

static enum step refuse_request(struct conn *c, struct http_request *request)
{
	bool is_long = request->status == 413 || request->status == 414 || request->status == 431;
	size_t before = buf_used(&c->out);

	if (answer_error(c, request, request->status) == 0)
		return STEP_WAIT;
	answer_short(c, request, request->status, before);
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

static enum step read_head(struct conn *c, struct status *s)
{
	enum http_progress progress;

	if (buf_used(&c->in) == 0)
		return cut_off(c, CLOSE_client_closed);
	if (s->request.seen == 0)
		http_parse_begin(&s->request);
	progress = http_parse(&s->request, buf_head(&c->in), buf_used(&c->in));
	/* a client that waits for 100 is not asked for a body that the service would drop */
	if (progress == HTTP_WHOLE && s->request.has_chunks && !s->request.expect_continue)
		progress = http_chunked_take(&s->chunked, &s->request, &c->in);
	switch (progress) {
	case HTTP_WHOLE:
		return answer_request(c, s);
	case HTTP_WRONG:
		return refuse_request(c, &s->request);
	default:
		return cut_off(c, CLOSE_message_incomplete);
	}
}

static enum step drop_body(struct conn *c, struct status *s)
{
	size_t n = buf_used(&c->in) < s->body_left ? buf_used(&c->in) : s->body_left;

	buf_drop(&c->in, n);
	s->body_left -= (uint32_t)n;
	return s->body_left > 0 ? cut_off(c, CLOSE_message_incomplete) : STEP_ON;
}

static enum step next_step(struct conn *c, struct status *s)
{
	if (s->streaming > 0)
		return stream_answer(c, s);
	if (s->ends) {
		conn_finish(c, is_leaving() || is_told_to_stop() ? CLOSE_drained :
								   CLOSE_service_finished);
		return STEP_END;
	}
	return s->body_left > 0 ? drop_body(c, s) : read_head(c, s);
}

/* Called with new bytes, or with room for more of the answer. */
static enum verdict read_requests(struct conn *c)
{
	struct status *s = conn_state(c);
	enum step step;

	do
		step = next_step(c, s);
	while (step == STEP_ON);
	return step == STEP_END ? FINISH : MORE;
}

static bool is_idle(const struct conn *c)
{
	const struct status *s = conn_state_const(c);

	return s->streaming == 0 && s->body_left == 0 && buf_used(&c->in) == 0 &&
	       buf_used(&c->out) == 0;
}

static bool is_flag(const bool *value)
{
	return *(const uint8_t *)value <= 1;
}

static bool is_cursor_sound(const struct status *s)
{
	const struct route *route = &routes[s->streaming - 1];

	return is_flag(&s->at.has_before) && s->at.part <= *route->piece_count &&
	       (s->at.part == *route->piece_count || s->at.index <= route->pieces[s->at.part].most);
}

static bool is_sound(const struct conn *c)
{
	const struct status *s = conn_state_const(c);
	/* the head of a request that is being answered is already dropped */
	size_t seen_most = s->streaming > 0 ? HTTP_HEAD_MOST : buf_used(&c->in);

	return s->streaming <= ROUTES && is_flag(&s->ends) && s->body_left <= HTTP_BODY_MOST &&
	       http_parse_is_sound(&s->request, seen_most) && http_chunked_is_sound(&s->chunked) &&
	       (s->streaming == 0 || (s->request.method == HTTP_GET && is_cursor_sound(s)));
}

const struct service service_status = {
	.name = "status",
	.state_version = 2,
	.state_size = sizeof(struct status),
	.init = remember_heritage,
	.input = read_requests,
	.idle = is_idle,
	.is_sound = is_sound,
};
