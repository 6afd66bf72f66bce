/* SPDX-License-Identifier: MIT */
/*
 * Basic authentication of the status service: who is served, how often a hash is computed, and who
 * must wait. crypt_r here computes nothing, and can take long.
 */
#include "unit/asked.h"

#include <crypt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "config/auth_users.h"

#define ANN  "Authorization: Basic YW5uOnNlY3JldA==\r\n" /* ann:secret */
#define BOB  "Authorization: Basic Ym9iOnNlY3JldA==\r\n" /* bob:secret */
#define EVE  "Authorization: Basic ZXZlOnNlY3JldA==\r\n" /* eve:secret */
#define BAD  "Authorization: Basic YW5uOndyb25n\r\n"     /* ann:wrong */
#define HOST " HTTP/1.1\r\nHost: x\r\n"

static unsigned computed;
static int64_t takes_us;
static bool fails;

/* In the place of libcrypt's: the hash is right for "secret". */
char *crypt_r(const char *password, const char *hash, struct crypt_data *room)
{
	int64_t until_us = clock_us() + takes_us;

	computed++;
	while (clock_us() < until_us)
		;
	if (fails)
		return NULL;
	snprintf(room->output, sizeof(room->output), "%s%s", hash,
		 strcmp(password, "secret") == 0 ? "" : "x");
	return room->output;
}

static struct auth_users users = { 2, { { "ann", "$5$a$one" }, { "bob", "$5$a$two" } } };

/* Each test is a worker of its own towards the sources that have failed: it has another block. */
static struct asked *begin(void **state, unsigned char third)
{
	struct asked *t = *state;
	struct net *remote = &served_view(&t->served)->record->remote;

	t->served.listen_conf.users = &users;
	assert_true(service_find("status")->init(&t->heritage, &t->served.listen_conf));
	*remote = (struct net){ .family = AF_INET, .bits = 32, .bytes = { 10, 0, third, 1 } };
	computed = 0;
	takes_us = 0;
	fails = false;
	return t;
}

static const char *ask(struct asked *t, const char *field)
{
	char request[512];
	bool ended;

	snprintf(request, sizeof(request), "GET /nothing" HOST "%s\r\n", field);
	asked_say(t, request, &ended);
	assert_false(ended);
	return t->answer;
}

static void request__without_credentials__is_asked_for_them(void **state)
{
	static const char *const fields[] = { "", "Authorization: Bearer x\r\n", ANN ANN,
					      "Authorization: Basic ?\r\n",
					      "Authorization: Basic YW5u\r\n" };
	struct asked *t = begin(state, 1);

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		assert_begins(ask(t, fields[i]), "HTTP/1.1 401 Unauthorized\r\n");
		assert_has(t->answer, "\r\nWWW-Authenticate: Basic realm=\"prefork-srv\", "
				      "charset=\"UTF-8\"\r\n");
		assert_has(t->answer, "\r\nCache-Control: no-store\r\n");
	}
	assert_int_equal(computed, 0);
}

static void health__is_open(void **state)
{
	struct asked *t = begin(state, 2);
	bool ended;

	assert_begins(asked_say(t, "GET /healthz" HOST "\r\n", &ended), "HTTP/1.1 200 ");
	assert_begins(asked_say(t, "HEAD /healthz" HOST "\r\n", &ended), "HTTP/1.1 200 ");
	assert_begins(asked_say(t, "GET /healthz" HOST BAD "\r\n", &ended), "HTTP/1.1 200 ");
	assert_begins(asked_say(t, "POST /healthz" HOST "\r\n", &ended), "HTTP/1.1 401 ");
	assert_begins(asked_say(t, "GET /healthz/" HOST "\r\n", &ended), "HTTP/1.1 401 ");
	assert_int_equal(computed, 0);
}

static void every_path__needs_credentials__and_is_as_before_with_them(void **state)
{
	static const struct {
		const char *line, *answer;
	} rows[] = { { "GET /", "HTTP/1.1 200 " },        { "GET /status.json", "HTTP/1.1 200 " },
		     { "GET /metrics", "HTTP/1.1 200 " }, { "HEAD /metrics", "HTTP/1.1 200 " },
		     { "GET /nothing", "HTTP/1.1 404 " }, { "DELETE /", "HTTP/1.1 405 " } };
	struct asked *t = begin(state, 3);
	char request[512];
	bool ended;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(request, sizeof(request), "%s" HOST "\r\n", rows[i].line);
		assert_begins(asked_say(t, request, &ended), "HTTP/1.1 401 ");
		snprintf(request, sizeof(request), "%s" HOST ANN "\r\n", rows[i].line);
		assert_begins(asked_say(t, request, &ended), rows[i].answer);
	}
}

static void credentials__that_are_right__are_computed_once(void **state)
{
	struct asked *t = begin(state, 4);
	unsigned before;

	assert_begins(ask(t, BOB), "HTTP/1.1 404 ");
	before = computed;
	for (unsigned i = 0; i < 20; i++)
		assert_begins(ask(t, BOB), "HTTP/1.1 404 ");
	assert_int_equal(computed, before);
	/* another hash of the same user makes other credentials */
	memcpy(users.list[1].hash, "$5$a$six", 8);
	assert_begins(ask(t, BOB), "HTTP/1.1 404 ");
	assert_int_equal(computed, before + 1);
}

static void password__that_is_wrong__makes_its_source_wait(void **state)
{
	struct asked *t = begin(state, 5);
	struct net *remote = &served_view(&t->served)->record->remote;

	assert_begins(ask(t, ANN), "HTTP/1.1 404 ");
	computed = 0;
	assert_begins(ask(t, BAD), "HTTP/1.1 401 ");
	assert_has(t->answer, "WWW-Authenticate");
	assert_int_equal(computed, 1);
	assert_begins(ask(t, BAD), "HTTP/1.1 429 Too Many Requests\r\n");
	assert_has(t->answer, "\r\nRetry-After: 1\r\n");
	assert_null(strstr(t->answer, "WWW-Authenticate"));
	assert_begins(ask(t, EVE), "HTTP/1.1 429 ");
	assert_int_equal(computed, 1);
	/* what is remembered goes on, and so does another source */
	assert_begins(ask(t, ANN), "HTTP/1.1 404 ");
	remote->bytes[3] = 2;
	assert_begins(ask(t, EVE), "HTTP/1.1 401 ");
	assert_int_equal(computed, 2);
	assert_begins(ask(t, ""), "HTTP/1.1 401 ");
}

static void source__that_fails_again__waits_twice_as_long(void **state)
{
	struct asked *t = begin(state, 6);
	int64_t until_ms = clock_ms() + 900;

	assert_begins(ask(t, BAD), "HTTP/1.1 401 ");
	while (strncmp(ask(t, BAD), "HTTP/1.1 401 ", 13) != 0)
		assert_has(t->answer, "\r\nRetry-After: 1\r\n");
	assert_true(clock_ms() > until_ms);
	assert_int_equal(computed, 2);
	assert_begins(ask(t, BAD), "HTTP/1.1 429 ");
	assert_has(t->answer, "\r\nRetry-After: 2\r\n");
}

static void user__that_there_is_not__takes_as_long_and_is_refused(void **state)
{
	struct asked *t = begin(state, 7);

	/* the hash that is computed in its place may match */
	assert_begins(ask(t, EVE), "HTTP/1.1 401 ");
	assert_int_equal(computed, 1);
}

static void checks__that_take_long__are_bounded(void **state)
{
	struct asked *t = begin(state, 8);
	struct net *remote = &served_view(&t->served)->record->remote;
	unsigned refused = 0;

	assert_begins(ask(t, ANN), "HTTP/1.1 404 ");
	computed = 0;
	takes_us = 250 * 1000;
	for (unsigned i = 0; i < 20; i++) {
		remote->bytes[3] = (uint8_t)(10 + i);
		ask(t, EVE);
		if (strncmp(t->answer, "HTTP/1.1 503 ", 13) == 0)
			refused++;
	}
	/* a second at once, and a tenth of the time that passes */
	assert_true(computed <= 5);
	assert_int_equal(refused, 20 - computed);
	assert_has(t->answer, "\r\nRetry-After: ");
	assert_begins(ask(t, ANN), "HTTP/1.1 404 ");
}

static void hash__that_cannot_be_computed_now__is_no_failure(void **state)
{
	struct asked *t = begin(state, 9);

	fails = true;
	assert_begins(ask(t, BAD), "HTTP/1.1 503 ");
	assert_has(t->answer, "\r\nRetry-After: 1\r\n");
	fails = false;
	assert_begins(ask(t, BAD), "HTTP/1.1 401 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ASKED(request__without_credentials__is_asked_for_them),
		ASKED(health__is_open),
		ASKED(every_path__needs_credentials__and_is_as_before_with_them),
		ASKED(credentials__that_are_right__are_computed_once),
		ASKED(password__that_is_wrong__makes_its_source_wait),
		ASKED(source__that_fails_again__waits_twice_as_long),
		ASKED(user__that_there_is_not__takes_as_long_and_is_refused),
		ASKED(hash__that_cannot_be_computed_now__is_no_failure),
		ASKED(checks__that_take_long__are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
