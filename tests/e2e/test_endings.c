/* SPDX-License-Identifier: MIT */
/*
 * The list of prefork-srv.conf(5): what a server of an upstream does, what its client then sees,
 * and the ending that is logged. The rows of the manual are those of this test.
 */
#include "harness.h"

#include <poll.h>
#include <sys/socket.h>

#include "acts.h"
#include "client.h"

/* How the server is made, before the real server starts. */
enum kind { LISTENS, REFUSES, IS_FULL, RUNS, IS_DOWN, HAS_NO_ADDRESS };

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

static const struct row rows[] = {
	{ "refuses the connection", RESET, "upstream_refused", .kind = REFUSES },
	{ "does not accept the connection: its accept queue is full", RESET, "upstream_timeout",
	  .kind = IS_FULL, .lines = "connect_timeout = 200ms" },
	{ "resets the connection before it has read anything", RESET, "upstream_reset",
	  .kind = LISTENS, .act = act_reset_unread },
	{ "reads, and resets the connection before it answers", RESET, "upstream_reset",
	  .kind = LISTENS, .act = act_read_one_and_reset },
	{ "resets the connection in the middle of its answer", BYTES_AND_RESET, "upstream_reset",
	  .kind = LISTENS, .act = act_answer_and_reset },
	{ "is killed, and had read all", BYTES_AND_END, "client_closed", .kind = RUNS,
	  .act = act_kill_after_answer },
	{ "is killed, and had not read all", BYTES_AND_RESET, "upstream_reset", .kind = RUNS,
	  .act = act_kill_with_unread_bytes },
	{ "is stopped before it accepts the connection", END, "idle_timeout", .kind = RUNS,
	  .lines = "idle_timeout = 300ms", .before = act_stop_process },
	{ "is stopped after it has answered", BYTES_AND_END, "idle_timeout", .kind = RUNS,
	  .lines = "idle_timeout = 300ms", .act = act_stop_after_answer },
	{ "accepts, and is silent", END, "idle_timeout", .kind = LISTENS,
	  .lines = "idle_timeout = 300ms", .act = act_stay_silent },
	{ "answers slowly, but never pauses for idle_timeout", BYTES_AND_END, "client_closed",
	  .kind = LISTENS, .lines = "idle_timeout = 400ms", .act = act_answer_slowly },
	{ "answers, ends its stream, and reads on", BYTES_AND_END, "client_closed", .kind = LISTENS,
	  .act = act_end_early_and_read_on },
	{ "is silent after the client has ended its stream", END, "half_close_timeout",
	  .kind = LISTENS, .lines = "half_close_timeout = 300ms",
	  .act = act_stay_silent_after_the_end },
	{ "takes nothing of what the client sends", RESET, "upstream_stalled", .kind = LISTENS,
	  .listen = "message_timeout = 500ms", .act = act_take_nothing },
	{ "sends more than its client takes", BYTES_AND_RESET, "send_timeout", .kind = LISTENS,
	  .listen = "message_timeout = 500ms", .act = act_send_to_a_client_that_takes_nothing },
	{ "has no address (its name is unknown), without queue_timeout", RESET, "upstream_none",
	  .kind = HAS_NO_ADDRESS },
	{ "is down in the configuration, without queue_timeout", RESET, "upstream_none",
	  .kind = IS_DOWN },
	{ "is drained (-s drain), without queue_timeout", RESET, "upstream_none", .kind = LISTENS,
	  .before = act_drain },
	{ "is drained for longer than queue_timeout", RESET, "queue_timeout", .kind = LISTENS,
	  .before = act_drain, .lines = "queue_timeout = 500ms" },
	{ "fails its checks, without queue_timeout", RESET, "upstream_none", .kind = REFUSES,
	  .lines = "check = connect  check_interval = 100ms", .before = act_fail_checks },
	{ "has max_connections, without queue_timeout", RESET, "upstream_full", .kind = LISTENS,
	  .lines = "max_connections = 1", .before = act_take_the_place },
	{ "has max_connections for longer than queue_timeout", RESET, "queue_timeout",
	  .kind = LISTENS, .lines = "max_connections = 1  queue_timeout = 200ms",
	  .before = act_take_the_place },
	{ "has max_connections for less than queue_timeout", BYTES_AND_END, "client_closed",
	  .kind = LISTENS, .lines = "max_connections = 1  queue_timeout = 10s",
	  .before = act_take_the_place, .act = act_free_the_place },
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
	(void)state;
	for (unsigned i = 0; i < ROWS; i++)
		play(&rows[i]);
}

/* The next row of the manual's list. */
struct man_row {
	char server[256], sight[256], ending[256];
};

static void read_line(FILE *page, char line[static 256])
{
	assert_non_null(fgets(line, 256, page));
	line[strcspn(line, "\n")] = '\0';
}

static bool read_row(FILE *page, struct man_row *row)
{
	char line[256];

	read_line(page, line);
	if (sscanf(line, ".It %255[^\n]", row->server) != 1)
		return false;
	read_line(page, row->sight);
	read_line(page, line);
	return sscanf(line, ".Pq %255s", row->ending) == 1;
}

static FILE *open_list(void)
{
	char path[512], line[256];
	FILE *page;

	snprintf(path, sizeof(path), "%s/man/prefork-srv.conf.5", getenv("TOP_SRCDIR"));
	page = fopen(path, "re");
	assert_non_null(page);
	do
		assert_non_null(fgets(line, sizeof(line), page));
	while (strcmp(line, ".Ss Servers of upstreams\n") != 0);
	do
		assert_non_null(fgets(line, sizeof(line), page));
	while (strncmp(line, ".Bl ", 4) != 0);
	return page;
}

static void list__of_the_manual__has_these_rows(void **state)
{
	FILE *page = open_list();
	struct man_row said;
	unsigned i = 0;

	(void)state;
	for (; read_row(page, &said); i++) {
		assert_in_range(i, 0, ROWS - 1);
		assert_string_equal(said.server, rows[i].server);
		assert_string_equal(said.sight, sights[rows[i].sight]);
		assert_string_equal(said.ending, rows[i].ending);
	}
	assert_int_equal(i, ROWS);
	fclose(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(list__of_the_manual__has_these_rows),
		E2E(each_row__is_what_client_and_log_see),
	};

	return E2E_RUN(tests);
}
