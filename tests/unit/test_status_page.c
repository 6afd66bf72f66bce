/* SPDX-License-Identifier: MIT */
/* status: answers longer than a buffer, the check of their state in a recovery, and the page. */
#include "unit/asked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"

/* Fills the board so that /metrics is far longer than a buffer and a socket hold. */
static void crowd(struct scoreboard *board)
{
	for (unsigned i = 0; i < METRIC_LISTENERS; i++)
		atomic_store(&board->listeners[i].life, LISTENER_OPEN);
	for (unsigned i = 0; i < 100; i++) {
		atomic_store(&board->slots[i].state, SLOT_READY);
		atomic_store(&board->infos[i].is_taken, 1);
		atomic_store(&board->infos[i].pid, 1 + i);
		atomic_store(&board->infos[i].number, i);
	}
}

static void long_answer__to_a_slow_reader__comes_whole(void **state)
{
	static const char request[] = "GET /metrics HTTP/1.0\r\n\r\n";
	struct asked *t = *state;
	bool ended;
	size_t n;

	crowd(t->board);
	served_send(&t->served, t->client, request, sizeof(request) - 1);
	served_settle(&t->served);
	assert_true(buf_used(&served_view(&t->served)->out) > 0);
	assert_true(served_view(&t->served)->service->is_sound(served_view(&t->served)));
	n = served_read(&t->served, t->client, t->answer, ANSWER, &ended);
	while (!ended && n > ANSWER / 2)
		n = served_read(&t->served, t->client, t->answer, ANSWER, &ended);
	assert_true(ended);
	assert_int_equal(t->answer[n - 1], '\n');
	assert_int_equal(served_metric(&t->served, METRIC_messages_total), 1);
}

static void long_answer__over_a_crash__goes_on(void **state)
{
	static const char request[] = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
	struct asked *t = *state;
	struct recovery recovery = { 0 };
	bool ended;
	size_t n;

	crowd(t->board);
	served_send(&t->served, t->client, request, sizeof(request) - 1);
	served_settle(&t->served);
	served_recover(&t->served, &recovery);
	do
		n = served_read(&t->served, t->client, t->answer, ANSWER, &ended);
	while (n == ANSWER - 1);
	assert_string_equal(t->answer + n - 5, "0\r\n\r\n");
	assert_begins(asked_say(t, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", &ended),
		      "HTTP/1.1 200 ");
}

static void state__of_any_bytes__is_not_believed(void **state)
{
	struct asked *t = *state;
	struct conn c;

	pool_view(&t->served.pool, served_only(&t->served), &c);
	assert_true(c.service->is_sound(&c));
	memset(conn_state(&c), 0xff, c.service->state_size);
	assert_false(c.service->is_sound(&c));
	memset(conn_state(&c), 0, c.service->state_size);
	assert_true(c.service->is_sound(&c));
}

static void page__has_names_and_clients_only_as_text(void **state)
{
	static const char evil[] = "<script>alert('1')</script>\"&";
	struct asked *t = *state;
	bool ended;

	snprintf(t->board->origin, sizeof(t->board->origin), "%s", evil);
	snprintf(t->board->listeners[0].address, 128, "%s", evil);
	atomic_store(&t->board->listeners[0].life, LISTENER_OPEN);
	snprintf(t->board->crash_notes[0].remote, 64, "%s", evil);
	atomic_store(&t->board->crash_count, 1);
	asked_say(t, "GET / HTTP/1.0\r\n\r\n", &ended);
	assert_int_equal(asked_count(t->answer, "<script>"), 1);
	assert_int_equal(asked_count(t->answer,
				     "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&amp;"),
			 3);
	assert_has(t->answer, "Content-Security-Policy: default-src 'none'; style-src 'sha256-");
	assert_has(t->answer, "</script>\n</body>\n</html>\n");
}

static void page__tells_what_moved_and_why_connections_stay(void **state)
{
	struct asked *t = *state;
	struct worker_tally *tally = &t->board->slots[5].tally;
	bool ended;

	scoreboard_use(t->board, 6, 6);
	atomic_store(&t->board->slots[5].state, SLOT_DRAINING);
	atomic_store(&t->board->infos[5].is_taken, 1);
	atomic_store(&t->board->infos[5].number, 5);
	cell_set(&tally->connections_moved_in_total[MOVE_rebalance], 7);
	cell_set(&tally->connections_moved_out_total[MOVE_rebalance], 1);
	cell_set(&tally->connections_moved_out_total[MOVE_reload], 9811);
	cell_set(&tally->connections_not_moved_total[STAY_too_large], 2);
	scoreboard_end_request(&t->board->reload, NULL, 12, 4, 9812, 2);
	asked_say(t, "GET / HTTP/1.0\r\n\r\n", &ended);
	assert_has(t->answer,
		   ">reload</td><td class=\"count\">0</td><td class=\"count\">9,811</td></tr>\n");
	assert_has(t->answer,
		   ">rebalance</td><td class=\"count\">7</td><td class=\"count\">1</td></tr>\n");
	assert_null(strstr(t->answer, ">retirement<"));
	assert_has(t->answer,
		   "<th scope=\"row\" class=\"id\">5</th><td class=\"word\">too_large</td><td "
		   "class=\"count\">2</td></tr>");
	assert_has(t->answer, "data-of=\"server.last_reload.moved\">9,812</dd>");
}

static void start_program(struct scoreboard *board, const char *title)
{
	struct program_row *program = &board->programs[0];
	struct copy_row *copies = board->copies;

	snprintf(program->title, sizeof(program->title), "%s", title);
	atomic_store(&program->life, PROGRAM_IN_FORCE);
	cell_set(&program->tally.program_copies, 2);
	cell_set(&program->tally.program_copies_ready, 1);
	cell_set(&program->tally.program_crashes_total, 1234);
	atomic_store(&program->exit_status, 9);
	atomic_store(&program->exited_s, time(NULL));
	for (unsigned i = 0; i < 2; i++) {
		atomic_store(&copies[i].number, i);
		atomic_store(&copies[i].starts, 4 - i);
		atomic_store(&copies[i].generation, 1);
		atomic_store(&copies[i].is_taken, 1);
	}
	atomic_store(&copies[0].state, COPY_READY);
	atomic_store(&copies[0].pid, 4321);
	atomic_store(&copies[0].started_ms, clock_ms() - 200000);
	atomic_store(&copies[0].cpu_us, 1500000);
	atomic_store(&copies[0].memory_bytes, 4096);
	atomic_store(&copies[1].exit_status, 7 << 8);
	atomic_store(&copies[1].exited_s, time(NULL));
	snprintf(copies[0].status, sizeof(copies[0].status), "%s", title);
}

static void page__shows_programs_and_their_copies(void **state)
{
	struct asked *t = *state;
	bool ended;

	start_program(t->board, "a<b>&");
	asked_say(t, "GET / HTTP/1.0\r\n\r\n", &ended);
	assert_has(t->answer,
		   "<th scope=\"row\" class=\"word\">a&lt;b&gt;&amp;</th>"
		   "<td class=\"state\"><span class=\"badge running\">running</span></td>"
		   "<td class=\"share\">1 of 2</td>");
	assert_has(t->answer, "<td class=\"count\">1,234</td>");
	assert_has(t->answer, "<td class=\"word\">signal 9 (KILL), ");
	assert_has(t->answer, "<td class=\"id\">0</td>"
			      "<td class=\"state\"><span class=\"badge ready\">ready</span></td>"
			      "<td class=\"id\">4321</td><td class=\"seconds\">3m 20s</td>"
			      "<td class=\"latency\">1.5 s</td><td class=\"bytes\">4.0 KiB</td>"
			      "<td class=\"count\">3</td><td class=\"word\">-</td>"
			      "<td class=\"count\">1</td>"
			      "<td class=\"word\">a&lt;b&gt;&amp;</td></tr>\n");
}

static void copy__that_waits__has_no_process_on_the_page(void **state)
{
	struct asked *t = *state;
	bool ended;

	start_program(t->board, "app");
	asked_say(t, "GET / HTTP/1.0\r\n\r\n", &ended);
	assert_has(t->answer,
		   "<td class=\"id\">1</td>"
		   "<td class=\"state\"><span class=\"badge waiting\">waiting</span></td>"
		   "<td class=\"id\">-</td><td class=\"seconds\">-</td>"
		   "<td class=\"latency\">-</td><td class=\"bytes\">-</td>"
		   "<td class=\"count\">2</td><td class=\"word\">exit code 7, ");
}

static void start_server(struct scoreboard *board, unsigned row, const char *address)
{
	struct server_row *server = &board->server_rows[row];

	snprintf(server->upstream, sizeof(server->upstream), "%s", "a<b>&");
	snprintf(server->address, sizeof(server->address), "%s", address);
	atomic_store(&server->weight, 1);
	atomic_store(&server->life, SERVER_IN_FORCE);
}

/* An upstream of four: up with a client, drained, a backup that failed, and one that is gone. */
static void start_servers(struct scoreboard *board)
{
	struct server_shared *first = &board->servers[0], *third = &board->servers[2];

	assert_true(scoreboard_use_servers(board, 4));
	for (unsigned i = 0; i < 4; i++)
		start_server(board, i, (const char *[]){ "s0", "s1", "s2", "s3" }[i]);
	atomic_store(&board->infos[0].is_taken, 1);
	atomic_store(&first->live[0], 3);
	atomic_store(&first->waiting[0], 2);
	cell_set(&first->tally.upstream_connections_total, 1234);
	cell_set(&first->tally.upstream_bytes_in_total, 4096);
	cell_set(&first->tally.upstream_connect_seconds.buckets[0], 1);
	atomic_store(&board->server_rows[1].is_drained, 1);
	atomic_store(&board->server_rows[2].is_backup, 1);
	cell_set(&third->tally.upstream_failures_total, 7);
	atomic_store(&third->last_failure, CLOSE_upstream_refused);
	atomic_store(&third->verdict,
		     server_verdict_word((struct server_verdict){
			     SERVER_FAILED, CLOSE_upstream_refused, clock_ms() - 200500 }));
	atomic_store(&board->server_rows[3].life, SERVER_GONE);
}

static void page__shows_the_servers_of_upstreams(void **state)
{
	struct asked *t = *state;
	bool ended;

	start_servers(t->board);
	asked_say(t, "GET / HTTP/1.0\r\n\r\n", &ended);
	assert_has(t->answer, "<th scope=\"row\" class=\"word\">a&lt;b&gt;&amp;</th>"
			      "<td class=\"word\">s0</td><td class=\"word\">active</td>"
			      "<td class=\"state\"><span class=\"badge up\">up</span></td>"
			      "<td class=\"seconds\">-</td><td class=\"word\">-</td>"
			      "<td class=\"count\">3</td><td class=\"count\">2</td>"
			      "<td class=\"count\">1,234</td><td class=\"count\">0</td>"
			      "<td class=\"count\">0</td><td class=\"latency\">");
	assert_has(t->answer,
		   "<td class=\"bytes\">4.0 KiB</td><td class=\"bytes\">0 B</td></tr>\n");
	assert_has(t->answer,
		   "<td class=\"word\">s1</td><td class=\"word\">active</td>"
		   "<td class=\"state\"><span class=\"badge drained\">drained</span></td>"
		   "<td class=\"seconds\">-</td>");
	assert_has(t->answer,
		   "<td class=\"word\">s2</td><td class=\"word\">backup</td>"
		   "<td class=\"state\"><span class=\"badge failed\">failed</span></td>"
		   "<td class=\"seconds\">3m 20s</td><td class=\"word\">upstream_refused</td>"
		   "<td class=\"count\">0</td><td class=\"count\">0</td>"
		   "<td class=\"count\">0</td><td class=\"count\">7</td>"
		   "<td class=\"count\">0</td>"
		   "<td class=\"latency\">-</td><td class=\"latency\">-</td>");
	assert_null(strstr(t->answer, ">s3<"));
}

static void server__that_is_gone__is_shown_while_it_has_connections(void **state)
{
	struct asked *t = *state;
	bool ended;

	start_servers(t->board);
	asked_say(t, "GET /metrics HTTP/1.0\r\n\r\n", &ended);
	assert_has(t->answer, "prefork_upstream_healthy{upstream=\"a<b>&\",server=\"s0\"} 1\n");
	assert_has(t->answer, "prefork_upstream_healthy{upstream=\"a<b>&\",server=\"s1\"} 0\n");
	assert_null(
		strstr(t->answer, "prefork_upstream_healthy{upstream=\"a<b>&\",server=\"s3\"}"));
	t = asked_again(state);
	start_servers(t->board);
	atomic_store(&t->board->servers[3].live[0], 1);
	asked_say(t, "GET / HTTP/1.0\r\n\r\n", &ended);
	assert_has(t->answer, "<td class=\"word\">s3</td><td class=\"word\">active</td>"
			      "<td class=\"state\"><span class=\"badge gone\">gone</span></td>"
			      "<td class=\"seconds\">-</td><td class=\"word\">-</td>"
			      "<td class=\"count\">1</td>");
}

/* How many of the table's columns name a member of the objects in that list of the JSON. */
static unsigned count_members(const char *page, const char *json, const char *table)
{
	char mark[64], key[80];
	const char *end, *at, *list, *last;
	unsigned found = 0;

	snprintf(mark, sizeof(mark), "data-rows=\"%s\"", table);
	end = at = strstr(page, mark);
	snprintf(mark, sizeof(mark), "\n\"%s\":[", table);
	list = strstr(json, mark);
	assert_non_null(at);
	assert_non_null(list);
	last = strchr(list, ']');
	while (strncmp(at, "<thead>", 7) != 0)
		at--;
	while ((at = strstr(at, "data-of=\"")) != NULL && at < end) {
		at += strlen("data-of=\"");
		snprintf(key, sizeof(key), "\"%.*s\":", (int)strcspn(at, "\" ."), at);
		found += strstr(list, key) != NULL && strstr(list, key) < last;
	}
	return found;
}

/* page.js finds each value under the name of its column; "life" and "role" it makes itself. */
static void columns_of_tables__are_members_of_the_json(void **state)
{
	struct asked *t = *state;
	char *page;
	bool ended;

	start_program(t->board, "app");
	start_servers(t->board);
	asked_say(t, "GET / HTTP/1.0\r\n\r\n", &ended);
	page = strdup(t->answer);
	assert_non_null(page);
	t = asked_again(state);
	start_program(t->board, "app");
	start_servers(t->board);
	asked_say(t, "GET /status.json HTTP/1.0\r\n\r\n", &ended);
	assert_int_equal(count_members(page, t->answer, "programs"), 8);
	assert_int_equal(count_members(page, t->answer, "copies"), 11);
	assert_int_equal(count_members(page, t->answer, "upstreams"), 14);
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ASKED(long_answer__to_a_slow_reader__comes_whole),
		ASKED(long_answer__over_a_crash__goes_on),
		ASKED(state__of_any_bytes__is_not_believed),
		ASKED(page__has_names_and_clients_only_as_text),
		ASKED(page__tells_what_moved_and_why_connections_stay),
		ASKED(page__shows_programs_and_their_copies),
		ASKED(copy__that_waits__has_no_process_on_the_page),
		ASKED(page__shows_the_servers_of_upstreams),
		ASKED(server__that_is_gone__is_shown_while_it_has_connections),
		ASKED(columns_of_tables__are_members_of_the_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
