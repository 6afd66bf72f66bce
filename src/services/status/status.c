/* SPDX-License-Identifier: MIT */
/*
 * status: reports the server's state over HTTP/1.1. It reads only the scoreboard and changes only
 * the count of scrapes. status_page.c and stats/report make the pages.
 */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "config/auth_users.h"
#include "services/http/http_session.h"
#include "services/services.h"
#include "services/status/status_auth.h"
#include "services/status/status_health.h"
#include "services/status/status_page.h"

#define ALLOW PAGE_GUARDS "Allow: GET, HEAD\r\n"

enum {
	PIECE_ROOM = 16 * 1024,
	REFUSAL_ROOM = 1024, /* more than a refusal needs */
	CHECK_MOST_MS = 250  /* of a password: the longest that a worker may stand still */
};

struct status {
	struct http_session session;
	struct piece_cursor at; /* position in the long answer */
	uint8_t streaming;      /* 1 + row of routes; 0: no long answer is in progress */
};

/* The worker's heritage, set once by init before the worker serves. */
static const struct heritage *heritage;

static bool remember_heritage(const struct heritage *h, const struct listen_conf *conf)
{
	heritage = h;
	http_session_start(h);
	return status_auth_start(conf);
}

/* A worker must not count as hung while it checks a password. */
static bool check_cost(const struct conf *conf, const struct listen_conf *listen,
		       const struct identity *identity, struct err *err)
{
	int64_t most_ms = CHECK_MOST_MS, hang_ms = conf->hang_timeout;

	(void)identity;
	if (hang_ms > 0 && hang_ms / 2 < most_ms)
		most_ms = hang_ms / 2;
	return auth_users_check_cost(listen, most_ms, err);
}

/* A worker that leaves after a reload has a successor: the server stays up. */
static bool is_server_leaving(void)
{
	const struct scoreboard *board = heritage->board;

	return http_session_is_told_to_stop() ||
	       (http_session_is_leaving() &&
		(cell_get(&board->server.workers_ready) == 0 || getppid() != heritage->master_pid));
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

/* Writes as much of the answer as fits. */
static bool stream_answer(struct conn *c, struct http_session *session)
{
	struct status *s = conn_state(c);
	const struct route *route = &routes[s->streaming - 1];
	struct report report = make_report();
	struct strbuf text;
	bool is_done;

	if (buf_room(&c->out) < PIECE_ROOM)
		return false;
	text = http_session_open_body(c, session);
	is_done = report_pieces(&report, route->pieces, *route->piece_count, &s->at, &text);
	http_session_close_body(c, session, &text, is_done);
	if (!is_done)
		return false;
	s->streaming = 0;
	return true;
}

static bool begin_long(struct conn *c, struct status *s, const struct route *route)
{
	const struct http_answer answer = {
		.status = 200,
		.type = route->type,
		.headers = route->headers,
		.length = HTTP_LENGTH_UNKNOWN,
	};

	if (!http_head(&c->out, &s->session.request, &answer))
		return false;
	if (!http_wants_body(&s->session.request))
		return true;
	http_session_go_on(&s->session, false);
	s->streaming = (uint8_t)(route - routes + 1);
	s->at = (struct piece_cursor){ 0 };
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

static unsigned route_request(struct conn *c, struct http_session *session)
{
	struct http_request *request = &session->request;
	bool is_read = request->method == HTTP_GET || request->method == HTTP_HEAD;
	struct status_auth auth;

	if (is_read && is_path(c, request, "/healthz"))
		return status_health(&c->out, request, find_health());
	/* a password is checked once, so there must be room for what follows */
	if (c->conf->users && buf_room(&c->out) < REFUSAL_ROOM)
		return 0;
	auth = status_auth_ask(c, request);
	if (auth.status != 0)
		return status_auth_refuse(&c->out, request, auth);
	if (!is_read)
		return answer_error(c, request, http_method_status(request));
	for (unsigned i = 0; i < ROUTES; i++)
		if (is_path(c, request, routes[i].path))
			return begin_long(c, conn_state(c), &routes[i]) ? 200 : 0;
	return answer_error(c, request, 404);
}

static const char *refusal_headers(const struct conn *c)
{
	(void)c;
	return PAGE_GUARDS;
}

static const struct http_handler handler = {
	.answer = route_request,
	.go_on = stream_answer,
	.user = status_auth_user,
	.headers = refusal_headers,
};

static enum verdict read_requests(struct conn *c)
{
	struct status *s = conn_state(c);

	return http_session_serve(c, &s->session, &handler);
}

static enum verdict end_late(struct conn *c)
{
	struct status *s = conn_state(c);

	return http_session_time_out(c, &s->session, &handler);
}

static void end_request(struct conn *c, enum close_reason reason)
{
	const struct status *s = conn_state_const(c);

	(void)reason;
	http_session_close(c, &s->session, &handler);
}

static bool looks_whole(const struct conn *c)
{
	const struct status *s = conn_state_const(c);

	return http_session_looks_whole(c, &s->session);
}

static bool is_in_head(const void *state)
{
	const struct status *s = state;

	return http_session_is_in_head(&s->session);
}

static bool is_idle(const struct conn *c)
{
	const struct status *s = conn_state_const(c);

	return http_session_is_idle(c, &s->session);
}

static bool is_cursor_sound(const struct status *s)
{
	const struct route *route = &routes[s->streaming - 1];

	return *(const uint8_t *)&s->at.has_before <= 1 && s->at.part <= *route->piece_count &&
	       (s->at.part == *route->piece_count || s->at.index <= route->pieces[s->at.part].most);
}

static bool is_sound(const struct conn *c)
{
	const struct status *s = conn_state_const(c);
	bool is_streaming = s->streaming > 0;

	if (c->record->state > CONN_OPEN)
		return true;
	return s->streaming <= ROUTES && http_session_is_sound(c, &s->session) &&
	       http_session_goes_on(&s->session) == is_streaming &&
	       (!is_streaming || (s->session.request.method == HTTP_GET && is_cursor_sound(s)));
}

const struct service service_status = {
	.name = "status",
	.state_version = 6,
	.state_size = sizeof(struct status),
	.check_system = check_cost,
	.init = remember_heritage,
	.input = read_requests,
	.close = end_request,
	.looks_whole = looks_whole,
	.drain_ms = HTTP_DRAIN_MS,
	.timed_out = end_late,
	.is_in_head = is_in_head,
	.idle = is_idle,
	.is_sound = is_sound,
};
