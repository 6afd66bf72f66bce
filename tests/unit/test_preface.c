/* SPDX-License-Identifier: MIT */
/* The preface of a connection: what must come before it is admitted and opened. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/sys.h"
#include "unit/aftermath.h"
#include "unit/logbook.h"
#include "unit/own_service.h"

enum { HOUR_MS = 3600 * 1000 };

/* "from ADDRESS\n"; "bad" is invalid. Then all that comes is returned. */
static const char preface_word[] = "from ";

static enum verdict read_preface(struct conn *c)
{
	const char *head = buf_head(&c->in);
	size_t used = buf_used(&c->in), word = sizeof(preface_word) - 1;
	const char *lf = memchr(head, '\n', used);
	struct err err;
	char text[64];

	if (memcmp(head, preface_word, used < word ? used : word) != 0)
		return ABORT;
	if (!lf)
		return MORE;
	snprintf(text, sizeof(text), "%.*s", (int)(lf - head - (int)word), head + word);
	if (!net_read(text, &c->record->remote, &err))
		return ABORT;
	buf_drop(&c->in, (size_t)(lf - head) + 1);
	return FINISH;
}

static enum verdict return_input(struct conn *c)
{
	buf_put(&c->out, buf_head(&c->in), buf_used(&c->in));
	buf_drop(&c->in, buf_used(&c->in));
	return conn_in_ended(c) ? FINISH : MORE;
}

static enum verdict greet(struct conn *c)
{
	buf_put(&c->out, "hi ", 3);
	return MORE;
}

static enum verdict say_nothing(struct conn *c)
{
	(void)c;
	return MORE;
}

static enum verdict wait_on(struct conn *c)
{
	(void)c;
	return MORE;
}

static const struct service plain = { .name = "prefaced",
				      .preface_ms = 2 * HOUR_MS,
				      .preface = read_preface,
				      .input = return_input };

static void start(struct served *s, const struct service *service)
{
	own_service(service);
	served_start(s, "prefaced", "idle_timeout", "20h", "linger_timeout", "0", "deny",
		     "10.0.0.0/8", NULL);
}

static const char preface[] = "from 192.0.2.1\n";

static void preface__byte_by_byte__opens_after_its_last(void **state)
{
	struct served s;
	int client;

	(void)state;
	start(&s, &plain);
	client = served_connect(&s);
	for (size_t i = 0; i < sizeof(preface) - 1; i++) {
		assert_int_equal(record(&s, 0)->state, CONN_PREFACE);
		served_send(&s, client, preface + i, 1);
		served_expect(&s, client, "", false);
	}
	assert_int_equal(record(&s, 0)->state, CONN_OPEN);
	served_send(&s, client, "hello", 5);
	served_expect(&s, client, "hello", false);
	close(client);
	served_settle(&s);
	assert_ended(&s, CLOSE_client_closed);
	served_stop(&s);
}

/* Services that open with words of their own, without, and with a hook for what has gone out. */
static void input__behind_the_preface__is_served_at_once(void **state)
{
	static const struct {
		struct service service;
		const char *answer;
	} rows[] = {
		{ { .input = return_input }, "first" },
		{ { .open = greet, .input = return_input }, "hi first" },
		{ { .open = say_nothing, .input = return_input }, "first" },
		{ { .open = greet, .input = return_input, .drained = wait_on }, "hi first" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct service service = rows[i].service;
		struct served s;
		int client;

		service.name = plain.name;
		service.preface = plain.preface;
		start(&s, &service);
		client = served_connect(&s);
		served_send(&s, client, "from 192.0.2.1\nfirst", 20);
		served_expect(&s, client, rows[i].answer, false);
		served_send(&s, client, "second", 6);
		served_expect(&s, client, "second", false);
		close(client);
		served_settle(&s);
		assert_ended(&s, CLOSE_client_closed);
		served_stop(&s);
	}
}

static void input_and_end__behind_the_preface__are_served_at_once(void **state)
{
	struct served s;
	int client;

	(void)state;
	start(&s, &plain);
	client = served_connect(&s);
	assert_int_equal(send(client, "from 192.0.2.1\nall", 18, 0), 18);
	shutdown(client, SHUT_WR);
	served_expect(&s, client, "all", true);
	assert_ended(&s, CLOSE_client_closed);
	close(client);
	served_stop(&s);
}

static void preface__too_late__ends_it(void **state)
{
	struct served s;
	int client;

	(void)state;
	start(&s, &plain);
	client = served_connect(&s);
	served_send(&s, client, "fr", 2);
	served_pass(&s, 1);
	served_send(&s, client, "om", 2);
	served_expect(&s, client, "", false);
	served_pass(&s, 1);
	served_expect(&s, client, "", true);
	assert_ended(&s, CLOSE_message_timeout);
	close(client);
	served_stop(&s);
}

/* The time of the preface does not go on in the open connection. */
static void preface__in_time__leaves_its_deadline_behind(void **state)
{
	struct served s;
	int client;

	(void)state;
	start(&s, &plain);
	client = served_connect(&s);
	served_pass(&s, 1);
	served_send(&s, client, preface, sizeof(preface) - 1);
	served_pass(&s, 18);
	assert_int_equal(s.pool.limit.total, 1);
	served_pass(&s, 2);
	assert_ended(&s, CLOSE_idle_timeout);
	close(client);
	served_stop(&s);
}

static void preface__invalid_incomplete_or_endless__ends_it(void **state)
{
	static char endless[ARENA_BUF_SIZE];
	static const struct {
		const char *bytes;
		size_t size;
		bool ends;
		enum close_reason reason;
	} rows[] = {
		{ "bad", 3, false, CLOSE_message_invalid },
		{ "from nowhere\n", 13, false, CLOSE_message_invalid },
		{ endless, sizeof(endless), false, CLOSE_message_invalid },
		{ "from 192", 8, true, CLOSE_message_incomplete },
		{ "", 0, true, CLOSE_message_incomplete },
	};

	(void)state;
	memset(endless, ' ', sizeof(endless));
	memcpy(endless, preface_word, sizeof(preface_word) - 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct served s;
		char text[8];
		bool ended;
		int client;

		start(&s, &plain);
		client = served_connect(&s);
		served_send(&s, client, rows[i].bytes, rows[i].size);
		if (rows[i].ends)
			shutdown(client, SHUT_WR);
		assert_int_equal(served_read(&s, client, text, sizeof(text), &ended), 0);
		assert_ended(&s, rows[i].reason);
		close(client);
		served_stop(&s);
	}
}

static void reset__during_the_preface__is_client_reset(void **state)
{
	struct served s;
	char byte;
	int client;

	(void)state;
	start(&s, &plain);
	client = served_connect(&s);
	/* a socketpair resets when it is closed with bytes unread */
	assert_int_equal(send(record(&s, 0)->fd, "x", 1, 0), 1);
	assert_int_equal(recv(client, &byte, 1, MSG_PEEK), 1);
	close(client);
	served_settle(&s);
	assert_ended(&s, CLOSE_client_reset);
	served_stop(&s);
}

static void address__that_the_preface_tells__is_asked_against_the_access_list(void **state)
{
	struct served s;

	(void)state;
	logbook_set_up(state);
	logbook_open(logbook_path, LOG_TEXT);
	start(&s, &plain);
	assert_refused(&s, "from 10.1.2.3\nfirst");
	logbook_expect(&s, " remote=10.1.2.3:0 ", " ending=refused state=P", NULL);
	served_stop(&s);
	logbook_tear_down(state);
}

static void address__that_the_preface_tells__is_asked_against_the_bans(void **state)
{
	struct served s;

	(void)state;
	start(&s, &plain);
	assert_refused_when_banned(&s, "192.0.2.7", "from 192.0.2.7\nfirst");
	served_stop(&s);
}

static void crash__in_the_middle_of_the_preface__costs_nothing(void **state)
{
	struct recovery r;
	struct served s;
	int client;

	(void)state;
	for (size_t cut = 0; cut < sizeof(preface); cut++) {
		start(&s, &plain);
		client = served_connect(&s);
		served_send(&s, client, preface, cut);
		served_recover(&s, &r);
		assert_counts(&r, 1, 0, 0);
		served_send(&s, client, preface + cut, sizeof(preface) - 1 - cut);
		served_send(&s, client, "on", 2);
		served_expect(&s, client, "on", false);
		close(client);
		served_settle(&s);
		assert_ended(&s, CLOSE_client_closed);
		served_stop(&s);
	}
}

static void deadline__of_the_preface__goes_on_after_a_crash(void **state)
{
	struct recovery r;
	struct served s;
	int client;

	(void)state;
	start(&s, &plain);
	client = served_connect(&s);
	served_pass(&s, 1);
	served_recover(&s, &r);
	served_pass(&s, 1);
	assert_ended(&s, CLOSE_message_timeout);
	close(client);
	served_stop(&s);
}

static void drain__during_the_preface__answers_what_comes_behind_it(void **state)
{
	struct served s;
	int client;

	(void)state;
	start(&s, &plain);
	client = served_connect(&s);
	served_send(&s, client, preface, 5);
	dispatch_drain(&s.pool);
	served_expect(&s, client, "", false);
	assert_int_equal(send(client, "192.0.2.1\nlast", 14, 0), 14);
	served_expect(&s, client, "last", true);
	assert_ended(&s, CLOSE_drained);
	close(client);
	served_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(preface__byte_by_byte__opens_after_its_last),
		cmocka_unit_test(input__behind_the_preface__is_served_at_once),
		cmocka_unit_test(input_and_end__behind_the_preface__are_served_at_once),
		cmocka_unit_test(preface__too_late__ends_it),
		cmocka_unit_test(preface__in_time__leaves_its_deadline_behind),
		cmocka_unit_test(preface__invalid_incomplete_or_endless__ends_it),
		cmocka_unit_test(reset__during_the_preface__is_client_reset),
		cmocka_unit_test(address__that_the_preface_tells__is_asked_against_the_access_list),
		cmocka_unit_test(address__that_the_preface_tells__is_asked_against_the_bans),
		cmocka_unit_test(crash__in_the_middle_of_the_preface__costs_nothing),
		cmocka_unit_test(deadline__of_the_preface__goes_on_after_a_crash),
		cmocka_unit_test(drain__during_the_preface__answers_what_comes_behind_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
