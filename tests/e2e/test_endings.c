/* SPDX-License-Identifier: MIT */
/*
 * The table of prefork-srv.conf(5): what a server of an upstream does, what its client then sees,
 * and the ending that is logged. The rows of the manual are those of this test.
 */
#include "harness.h"

#include <poll.h>
#include <sys/socket.h>

#include "client.h"
#include "process.h"
#include "upstream.h"

#define QUESTION "question"
#define ANSWER   "the whole answer"

/* How the server is made, before the real server starts. */
enum kind { LISTENS, REFUSES, IS_FULL, RUNS, IS_DOWN, HAS_NO_ADDRESS };

struct scene {
	struct server *s;
	struct upstream u;
	int client, other; /* other: what the server or a second client holds; -1: nothing */
	int send_error;
};

/* What a client sees. */
enum sight { RESET, BYTES_AND_RESET, END, BYTES_AND_END, SIGHTS };

static const char *const sights[] = {
	[RESET] = "a reset",
	[BYTES_AND_RESET] = "all bytes that came before, then a reset",
	[END] = "the end",
	[BYTES_AND_END] = "all bytes that came before, then the end",
};

struct row {
	const char *server; /* what it does */
	enum sight sight;
	const char *ending;
	enum kind kind;
	const char *lines, *listen;      /* options */
	void (*act)(struct scene *x);    /* once the client has sent its question; NULL: nothing */
	void (*before)(struct scene *x); /* before the client comes */
};

static int accept_question(struct scene *x)
{
	int fd = upstream_accept(&x->u);

	client_hear(fd, QUESTION);
	return fd;
}

static void answer_and_end(struct scene *x)
{
	int fd = accept_question(x);

	client_say(fd, ANSWER);
	close(fd);
}

/* Longer than idle_timeout in all. */
static void answer_slowly(struct scene *x)
{
	int fd = accept_question(x);

	for (const char *at = ANSWER; *at != '\0'; at++) {
		client_send(fd, at, 1);
		poll(NULL, 0, 50);
	}
	close(fd);
}

static void reset_unread(struct scene *x)
{
	client_reset(upstream_accept(&x->u));
}

static void read_one_and_reset(struct scene *x)
{
	int fd = upstream_accept(&x->u);

	client_expect(fd, QUESTION, 1);
	client_reset(fd);
}

/* The reset comes when the client's side has the bytes. */
static void answer_and_reset(struct scene *x)
{
	int fd = accept_question(x);

	client_say(fd, ANSWER);
	WAIT_UNTIL(x->s, recv(x->client, &(char[sizeof(ANSWER)]){ 0 }, sizeof(ANSWER),
			      MSG_PEEK | MSG_DONTWAIT) == sizeof(ANSWER) - 1);
	client_reset(fd);
}

static void end_early_and_read_on(struct scene *x)
{
	int fd = accept_question(x);

	client_say(fd, ANSWER);
	client_half_close(fd);
	WAIT_UNTIL(x->s, recv(x->client, &(char[sizeof(ANSWER)]){ 0 }, sizeof(ANSWER),
			      MSG_PEEK | MSG_DONTWAIT) == sizeof(ANSWER) - 1);
	client_say(x->client, "more");
	client_hear(fd, "more");
	client_half_close(x->client);
	client_expect_end(fd);
	close(fd);
}

static void stay_silent(struct scene *x)
{
	x->other = accept_question(x);
}

static void stay_silent_after_the_end(struct scene *x)
{
	x->other = accept_question(x);
	client_half_close(x->client);
	client_expect_end(x->other);
}

/* Its own process has the connection. */
static void stop_process(struct scene *x)
{
	kill(x->u.pid, SIGSTOP);
	WAIT_UNTIL(x->s, process_is_stopped(x->u.pid));
}

static void stop_after_answer(struct scene *x)
{
	WAIT_UNTIL(x->s, recv(x->client, &(char[sizeof(QUESTION)]){ 0 }, sizeof(QUESTION),
			      MSG_PEEK | MSG_DONTWAIT) == sizeof(QUESTION) - 1);
	stop_process(x);
}

static void kill_after_answer(struct scene *x)
{
	WAIT_UNTIL(x->s, recv(x->client, &(char[sizeof(QUESTION)]){ 0 }, sizeof(QUESTION),
			      MSG_PEEK | MSG_DONTWAIT) == sizeof(QUESTION) - 1);
	kill(x->u.pid, SIGKILL);
}

/* It has what it does not read: its kernel resets the connection. */
static void kill_with_unread_bytes(struct scene *x)
{
	WAIT_UNTIL(x->s, recv(x->client, &(char[sizeof(QUESTION)]){ 0 }, sizeof(QUESTION),
			      MSG_PEEK | MSG_DONTWAIT) == sizeof(QUESTION) - 1);
	stop_process(x);
	client_say(x->client, "unread");
	server_wait_event(x->s, "connection_opened", NULL);
	WAIT_UNTIL(x->s, upstream_figure(x->s, x->u.address, "upstream_bytes_out_total") ==
				 (int64_t)strlen(QUESTION "unread"));
	kill(x->u.pid, SIGKILL);
}

/* Until no more is taken. */
static void send_too_much(int from)
{
	static char bytes[65536];
	struct pollfd p = { .fd = from, .events = POLLOUT };

	while (poll(&p, 1, 200) == 1)
		if (send(from, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			break;
}

static void take_nothing(struct scene *x)
{
	x->other = upstream_accept(&x->u);
	send_too_much(x->client);
}

static void send_to_a_client_that_takes_nothing(struct scene *x)
{
	x->other = accept_question(x);
	send_too_much(x->other);
	server_wait_event(x->s, "connection_ended", NULL);
}

static void fail_checks(struct scene *x)
{
	server_wait_event(x->s, "upstream_failed", "reason=upstream_refused");
}

static void take_the_place(struct scene *x)
{
	x->other = client_connect(FIRST(x->s));
	close(upstream_accept(&x->u)); /* its connection counts while the client's side is open */
	server_wait_event(x->s, "connection_opened", NULL);
}

static void free_the_place(struct scene *x)
{
	WAIT_UNTIL(x->s, upstream_figure(x->s, x->u.address, "waiting") == 1);
	close(x->other);
	x->other = -1;
	answer_and_end(x);
}

static const struct row rows[] = {
	{ "refuses the connection", RESET, "upstream_refused", .kind = REFUSES },
	{ "does not accept the connection: its accept queue is full", RESET, "upstream_timeout",
	  .kind = IS_FULL, .lines = "connect_timeout = 200ms" },
	{ "resets the connection before it has read anything", RESET, "upstream_reset",
	  .kind = LISTENS, .act = reset_unread },
	{ "reads, and resets the connection before it answers", RESET, "upstream_reset",
	  .kind = LISTENS, .act = read_one_and_reset },
	{ "resets the connection in the middle of its answer", BYTES_AND_RESET, "upstream_reset",
	  .kind = LISTENS, .act = answer_and_reset },
	{ "is killed, and had read all", BYTES_AND_END, "client_closed", .kind = RUNS,
	  .act = kill_after_answer },
	{ "is killed, and had not read all", BYTES_AND_RESET, "upstream_reset", .kind = RUNS,
	  .act = kill_with_unread_bytes },
	{ "is stopped before it accepts the connection", END, "idle_timeout", .kind = RUNS,
	  .lines = "idle_timeout = 300ms", .before = stop_process },
	{ "is stopped after it has answered", BYTES_AND_END, "idle_timeout", .kind = RUNS,
	  .lines = "idle_timeout = 300ms", .act = stop_after_answer },
	{ "accepts, and is silent", END, "idle_timeout", .kind = LISTENS,
	  .lines = "idle_timeout = 300ms", .act = stay_silent },
	{ "answers slowly, but never pauses for idle_timeout", BYTES_AND_END, "client_closed",
	  .kind = LISTENS, .lines = "idle_timeout = 400ms", .act = answer_slowly },
	{ "answers, ends its stream, and reads on", BYTES_AND_END, "client_closed", .kind = LISTENS,
	  .act = end_early_and_read_on },
	{ "is silent after the client has ended its stream", END, "half_close_timeout",
	  .kind = LISTENS, .lines = "half_close_timeout = 300ms",
	  .act = stay_silent_after_the_end },
	{ "takes nothing of what the client sends", RESET, "upstream_stalled", .kind = LISTENS,
	  .listen = "message_timeout = 500ms", .act = take_nothing },
	{ "sends more than its client takes", BYTES_AND_RESET, "send_timeout", .kind = LISTENS,
	  .listen = "message_timeout = 500ms", .act = send_to_a_client_that_takes_nothing },
	{ "has no address: its name is unknown", RESET, "upstream_none", .kind = HAS_NO_ADDRESS },
	{ "is down in the configuration", RESET, "upstream_none", .kind = IS_DOWN },
	{ "fails its checks", RESET, "upstream_none", .kind = REFUSES,
	  .lines = "check = connect  check_interval = 100ms", .before = fail_checks },
	{ "has max_connections, without queue_timeout", RESET, "upstream_full", .kind = LISTENS,
	  .lines = "max_connections = 1", .before = take_the_place },
	{ "has max_connections for longer than queue_timeout", RESET, "queue_timeout",
	  .kind = LISTENS, .lines = "max_connections = 1  queue_timeout = 200ms",
	  .before = take_the_place },
	{ "has max_connections for less than queue_timeout", BYTES_AND_END, "client_closed",
	  .kind = LISTENS, .lines = "max_connections = 1  queue_timeout = 10s",
	  .before = take_the_place, .act = free_the_place },
};

enum { ROWS = sizeof(rows) / sizeof(*rows) };

static const char *conf_of(const struct row *row, const struct upstream *u)
{
	char servers[128];

	snprintf(servers, sizeof(servers), "\"%s%s\"",
		 row->kind == HAS_NO_ADDRESS ? "unknown.invalid:1" : u->address,
		 row->kind == IS_DOWN ? " down" : "");
	return upstream_conf_of(servers, row->lines ? row->lines : "",
				row->listen ? row->listen : "", "");
}

static void open_scene(struct scene *x, const struct row *row)
{
	static void (*const open[])(struct upstream * u) = {
		[LISTENS] = upstream_open, [REFUSES] = upstream_refuse,
		[IS_FULL] = upstream_fill, [RUNS] = upstream_spawn,
		[IS_DOWN] = upstream_open, [HAS_NO_ADDRESS] = upstream_refuse,
	};

	*x = (struct scene){ .client = -1, .other = -1 };
	open[row->kind](&x->u);
	x->s = server_start(&(struct plan){ .conf = conf_of(row, &x->u) });
	if (row->before)
		row->before(x);
	x->client = client_connect(FIRST(x->s));
	if (send(x->client, QUESTION, strlen(QUESTION), MSG_NOSIGNAL) < 0)
		x->send_error = errno; /* the reset came first, and is told once */
}

/* Receives to the end; returns the bytes, and the error of the end. */
static size_t see_end(struct scene *x, int *error)
{
	static char bytes[65536];
	size_t sum = 0;

	for (;;) {
		struct pollfd p = { .fd = x->client, .events = POLLIN };
		ssize_t n = poll(&p, 1, WAIT_MS) == 1 ? recv(x->client, bytes, sizeof(bytes), 0) :
							-2;

		if (n == -2)
			server_fail(x->s, "the client sees no end");
		if (n <= 0) {
			*error = n < 0 ? errno : x->send_error;
			return sum;
		}
		sum += (size_t)n;
	}
}

static void check_sight(struct scene *x, const struct row *row)
{
	int error;
	size_t bytes = see_end(x, &error);
	bool has_bytes = row->sight == BYTES_AND_RESET || row->sight == BYTES_AND_END;
	bool has_reset = row->sight == RESET || row->sight == BYTES_AND_RESET;

	if ((bytes > 0) != has_bytes || (error == ECONNRESET) != has_reset)
		server_fail(x->s, "%s: the client saw %zu bytes and \"%s\", not %s", row->server,
			    bytes, error ? strerror(error) : "the end", sights[row->sight]);
}

static void close_scene(struct scene *x)
{
	unsigned opened = server_count(x->s, "connection_opened", NULL);

	if (x->other >= 0)
		close(x->other);
	upstream_close(&x->u);
	server_wait_count(x->s, opened, "connection_ended", NULL);
	server_stop(x->s);
}

static void play(const struct row *row)
{
	char ending[64];
	struct scene x;

	open_scene(&x, row);
	if (row->act)
		row->act(&x);
	check_sight(&x, row);
	close(x.client);
	snprintf(ending, sizeof(ending), "ending=%s", row->ending);
	server_wait_event(x.s, "connection_ended", ending);
	close_scene(&x);
}

static void each_row__is_what_client_and_log_see(void **state)
{
	const char *only = getenv("ROW");

	(void)state;
	for (unsigned i = 0; i < ROWS; i++)
		if (!only || (unsigned)atoi(only) == i)
			play(&rows[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(each_row__is_what_client_and_log_see),
	};

	return E2E_RUN(tests);
}
