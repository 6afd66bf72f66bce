/* SPDX-License-Identifier: MIT */
/*
 * Sends the messages of a bench, receives their responses, and checks these. Must not wait, except
 * in recv(2) for a lone connection, nor make more system calls than needed: a bench measures the
 * time of a good client.
 */
#include "base/sys.h"
#include "client/bench/bench_worker.h"

/* A response that stays incomplete for PART_NS may be all that the server sends. */
enum { PART_NS = 400000000, SIZE_CHECK_NS = 100000000 };

enum response_state { RESPONSE_PARTIAL, RESPONSE_COMPLETE, RESPONSE_WRONG };

int64_t bench_request_due_ns(const struct bench_schedule *schedule, int64_t connection,
			     int64_t round)
{
	int64_t k = round * schedule->connections + connection;

	if (schedule->count > 0 && k >= schedule->count)
		return BENCH_NEVER;
	return schedule->start_ns + k / schedule->rate * 1000000000 +
	       k % schedule->rate * 1000000000 / schedule->rate;
}

int64_t bench_request_count_due(const struct bench_schedule *schedule, int64_t connection,
				int64_t until_ns)
{
	int64_t low = 0, high;

	/* the last one due is before this round, as each takes connections / rate seconds */
	high = (until_ns - schedule->start_ns) / 1000000000 * schedule->rate /
		       schedule->connections +
	       schedule->rate / schedule->connections + 2;
	if (until_ns <= schedule->start_ns)
		return 0;
	while (low < high) {
		int64_t middle = low + (high - low) / 2;

		if (bench_request_due_ns(schedule, connection, middle) < until_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void start_response(struct bench_response *response, const struct bench_options *options,
			   uint64_t key)
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

static bool is_echo(struct bench_response *response, const struct bench_options *options,
		    const char *bytes, const struct piece *piece)
{
	uint64_t from = response->content;

	response->content += piece->content;
	return message_is_echo(&options->message, response->key, from, bytes + piece->content_at,
			       piece->content) &&
	       (!piece->is_whole || response->content == options->message.content);
}

/* Takes n bytes (n > 0). *used is the number of them that belong to the response. */
static enum response_state parse_response(struct bench_response *response,
					  const struct bench_options *options, const char *bytes,
					  size_t n, size_t *used)
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

/* True when the server's close makes the response complete. */
static bool is_complete_at_close(struct bench_response *response,
				 const struct bench_options *options)
{
	if (response->http != NULL)
		return http_response_close(response->http);
	return options->framing == FRAMING_RAW && options->response_size == UINT64_MAX &&
	       response->frame.got > 0;
}

/* False when the server takes no other message on this connection. */
static bool keeps_connection(const struct bench_response *response)
{
	return response->http == NULL || response->http->keep_alive;
}

/* True for an HTTP status that is neither 2xx nor 3xx. */
static bool is_http_error(const struct bench_response *response)
{
	return response->http != NULL &&
	       (response->http->status < 200 || response->http->status >= 400);
}

/*
 * True when all messages that are wanted have been sent. With -s 0, a connection counts as its
 * message.
 */
static bool has_enough_requests(const struct bench_worker *worker)
{
	uint64_t requests = worker->in_flight;

	if (worker->options->message.size == 0)
		requests += (uint64_t)worker->connecting;
	return worker->quota != UINT64_MAX &&
	       worker->stats->answers + bench_stats_errors(worker->stats) + requests >=
		       worker->quota;
}

static bool is_sending(const struct bench_worker *worker, const struct bench_connection *conn)
{
	return conn->state == BENCH_BUSY && conn->sent < worker->options->message.size;
}

static void watch_events(struct bench_worker *worker, struct bench_connection *conn)
{
	uint32_t events = bench_tls_receive_events(conn);

	if (is_sending(worker, conn))
		events |= bench_tls_send_events(conn);
	bench_connection_watch(worker, conn, events);
}

/* Sends the rest of the message. */
static void send_message(struct bench_worker *worker, struct bench_connection *conn)
{
	const struct message *message = &worker->options->message;

	while (conn->sent < message->size) {
		size_t n;
		const char *bytes = message_bytes(message, conn->response.key, conn->sent, &n);
		ssize_t sent = bench_connection_send(conn, bytes, n);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN) {
			watch_events(worker, conn);
			return;
		}
		if (sent < 0) {
			bench_connection_fail_errno(worker, conn, errno);
			return;
		}
		conn->sent += (size_t)sent;
		worker->stats->bytes_out += (uint64_t)sent;
	}
	watch_events(worker, conn);
}

/* With -s 0, the request started with connecting. */
static void start_request(struct bench_worker *worker, struct bench_connection *conn,
			  int64_t due_ns)
{
	int64_t start_ns = worker->options->message.size > 0 ? bench_stats_now_ns() :
							       conn->started_ns;

	worker->in_flight++;
	worker->stats->sent++;
	conn->state = BENCH_BUSY;
	conn->requests++;
	conn->started_ns = start_ns;
	conn->latency_from_ns = due_ns != BENCH_NEVER ? due_ns : start_ns;
	conn->sent = 0;
	start_response(&conn->response, worker->options,
		       message_key((uint64_t)conn->number, conn->total_requests++));
	if (!timer_is_set(&conn->timer))
		bench_connection_set_timer(worker, conn, worker->options->timeout_ms);
	send_message(worker, conn);
}

void bench_request_send_next(struct bench_worker *worker, struct bench_connection *conn)
{
	int64_t due_ns = BENCH_NEVER;

	if (!worker->is_running || has_enough_requests(worker))
		return;
	if (worker->options->rate > 0) {
		due_ns = bench_request_due_ns(&worker->schedule, conn->number, conn->round);
		if (due_ns >= worker->end_ns || due_ns > bench_stats_now_ns())
			return;
	}
	start_request(worker, conn, due_ns);
}

static void start_connection(struct bench_worker *worker, struct bench_connection *conn)
{
	if (conn->state == BENCH_HANDSHAKING && !bench_tls_start(worker, conn))
		return;
	bench_request_send_next(worker, conn);
	if (conn->state == BENCH_IDLE)
		bench_connection_watch(worker, conn, EPOLLIN);
}

void bench_request_open(struct bench_worker *worker, struct bench_connection *conn)
{
	if (bench_connection_open(worker, conn))
		start_connection(worker, conn);
}

/* With -s 0, a connection is made when a message is due, because the server sends at once. */
static bool may_open(const struct bench_worker *worker, const struct bench_connection *conn)
{
	if (has_enough_requests(worker))
		return false;
	return worker->options->message.size > 0 || worker->options->rate == 0 ||
	       bench_request_due_ns(&worker->schedule, conn->number, conn->round) <= worker->now_ns;
}

void bench_request_send_due(struct bench_worker *worker, struct bench_connection *conn)
{
	if (conn->state == BENCH_IDLE)
		bench_request_send_next(worker, conn);
	else if (conn->state == BENCH_CLOSED && !timer_is_set(&conn->timer) &&
		 may_open(worker, conn))
		bench_request_open(worker, conn);
}

static void finish_request(struct bench_worker *worker, struct bench_connection *conn)
{
	const struct bench_options *options = worker->options;
	struct bench_stats *stats = worker->stats;
	int64_t now_ns = bench_stats_now_ns();
	bool is_last = options->requests > 0 && conn->requests >= (uint64_t)options->requests;

	bench_stats_add_latency(&stats->answer, (uint64_t)(now_ns - conn->latency_from_ns));
	if (is_http_error(&conn->response))
		stats->errors[BENCH_ERROR_WRONG]++;
	else
		stats->answers++;
	conn->round++;
	conn->backoff_ms = 0;
	if (is_last || !keeps_connection(&conn->response)) {
		bench_connection_close(worker, conn);
		bench_connection_set_timer(worker, conn, 0);
		return;
	}
	worker->in_flight--;
	conn->state = BENCH_IDLE;
	bench_request_send_next(worker, conn);
}

/* A response to a message that is not sent whole is wrong: it would cut the message off. */
static void accept_response(struct bench_worker *worker, struct bench_connection *conn)
{
	if (conn->sent < worker->options->message.size)
		bench_connection_fail(worker, conn, BENCH_ERROR_WRONG, 0);
	else
		finish_request(worker, conn);
}

static bool needs_size_check(const struct bench_worker *worker)
{
	return worker->stats->answers == 0 && worker->stats->odd_size == 0 &&
	       bench_options_have_fixed_size(worker->options);
}

static void note_odd_size(struct bench_worker *worker, uint64_t size)
{
	/* the parent reads it at the same time */
	__atomic_store_n(&worker->stats->odd_size, size, __ATOMIC_RELAXED);
}

void bench_request_check_sizes(struct bench_worker *worker)
{
	if (worker->now_ns < worker->next_size_check_ns || !needs_size_check(worker))
		return;
	worker->next_size_check_ns = worker->now_ns + SIZE_CHECK_NS;
	for (int i = 0; i < worker->count; i++) {
		const struct bench_connection *conn = &worker->connections[i];

		if (conn->state != BENCH_BUSY || conn->sent < worker->options->message.size ||
		    conn->response.frame.got == 0 || worker->now_ns - conn->started_ns < PART_NS)
			continue;
		note_odd_size(worker, conn->response.frame.got);
		return;
	}
}

/* Bytes that answer no message are wrong. */
static void handle_bytes(struct bench_worker *worker, struct bench_connection *conn, size_t n)
{
	enum response_state state = RESPONSE_WRONG;
	size_t used = 0;

	worker->stats->bytes_in += n;
	if (conn->state == BENCH_BUSY)
		state = parse_response(&conn->response, worker->options, worker->buffer, n, &used);
	if (state == RESPONSE_COMPLETE && used < n) {
		if (needs_size_check(worker))
			note_odd_size(worker, conn->response.frame.got + n - used);
		state = RESPONSE_WRONG;
	}
	if (state == RESPONSE_WRONG)
		bench_connection_fail(worker, conn, BENCH_ERROR_WRONG, 0);
	else if (state == RESPONSE_COMPLETE)
		accept_response(worker, conn);
}

/* With TLS, an end without close_notify completes no response. */
static bool is_cut(const struct bench_connection *conn)
{
	return conn->tls != NULL && conn->tls->end == TLS_END_CUT;
}

/* A server may close a connection between two messages: that is no error. */
static void handle_close(struct bench_worker *worker, struct bench_connection *conn)
{
	if (conn->state != BENCH_BUSY)
		bench_connection_close_and_retry(worker, conn, 0);
	else if (!is_cut(conn) && is_complete_at_close(&conn->response, worker->options))
		accept_response(worker, conn);
	else
		bench_connection_fail(worker, conn, BENCH_ERROR_CLOSED, 0);
}

void bench_request_receive(struct bench_worker *worker, struct bench_connection *conn)
{
	ssize_t n = bench_connection_receive(worker, conn);

	if (n > 0)
		handle_bytes(worker, conn, (size_t)n);
	else if (n == 0)
		handle_close(worker, conn);
	else if ((errno == EAGAIN || errno == EINTR) && conn->tls != NULL)
		watch_events(worker, conn);
	else if (errno == EAGAIN || errno == EINTR)
		return;
	else if (conn->state == BENCH_BUSY)
		bench_connection_fail_errno(worker, conn, errno);
	else
		bench_connection_close_and_retry(worker, conn, 0);
}

void bench_request_handle_events(struct bench_worker *worker, struct bench_connection *conn,
				 uint32_t events)
{
	if (conn->state == BENCH_CONNECTING || conn->state == BENCH_HANDSHAKING) {
		if (conn->state == BENCH_CONNECTING ? bench_connection_check(worker, conn) :
						      bench_tls_handshake(worker, conn))
			start_connection(worker, conn);
		return;
	}
	if ((events & bench_tls_send_events(conn)) && is_sending(worker, conn))
		send_message(worker, conn);
	if ((events & (~(uint32_t)EPOLLOUT | bench_tls_receive_events(conn))) &&
	    conn->state >= BENCH_IDLE)
		bench_request_receive(worker, conn);
	/* an end that came with the bytes before it */
	if (conn->tls != NULL && conn->state >= BENCH_IDLE && tls_stream_is_ready(conn->tls))
		bench_request_receive(worker, conn);
}

void bench_request_handle_timer(struct bench_worker *worker, struct bench_connection *conn)
{
	int64_t left_ms =
		conn->started_ns / 1000000 + worker->options->timeout_ms - worker->now_ns / 1000000;

	if (conn->state == BENCH_IDLE)
		return;
	if (conn->state == BENCH_CLOSED) {
		if (may_open(worker, conn))
			bench_request_open(worker, conn);
	} else if (left_ms > 0) {
		bench_connection_set_timer(worker, conn, left_ms);
	} else if (conn->state == BENCH_CONNECTING) {
		if (bench_connection_try_next(worker, conn, ETIMEDOUT))
			start_connection(worker, conn);
	} else {
		bench_connection_fail(worker, conn, BENCH_ERROR_TIMED_OUT, 0);
	}
}
