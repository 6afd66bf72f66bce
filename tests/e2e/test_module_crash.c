/* SPDX-License-Identifier: MIT */
/*
 * A module crashes in every way that a C program can, and costs the connection in hand: the others
 * go on in order.
 */
#include "harness.h"

#include "client.h"
#include "modules.h"
#include "process.h"

enum { CROWD = 500 };

struct crowd {
	int fds[CROWD];
	unsigned lines; /* that each has had answered */
};

static void open_crowd(const struct server *s, struct crowd *crowd)
{
	crowd->lines = 0;
	for (int i = 0; i < CROWD; i++)
		crowd->fds[i] = client_connect(FIRST(s));
}

/* Each sends all it has to say before any answer is read. */
static void ask_crowd(struct crowd *crowd)
{
	char text[32];

	crowd->lines++;
	for (int i = 0; i < CROWD; i++) {
		snprintf(text, sizeof(text), "of %d\n", i);
		client_say(crowd->fds[i], text);
	}
	for (int i = 0; i < CROWD; i++) {
		snprintf(text, sizeof(text), "%u of %d\n", crowd->lines, i);
		client_hear(crowd->fds[i], text);
	}
}

static void close_crowd(const struct crowd *crowd)
{
	for (int i = 0; i < CROWD; i++)
		close(crowd->fds[i]);
}

/* Another client says the word while the crowd's messages are half sent. */
static void crash(struct server *s, const char *word, unsigned deaths)
{
	int fd = client_connect(FIRST(s));

	client_say(fd, "first\n");
	client_hear(fd, "1 first\n");
	client_say(fd, word);
	assert_true(client_ended(fd, WAIT_MS));
	close(fd);
	server_wait_count(s, deaths, "connections_recovered", "in_hand=1 damaged=0");
}

static void module__that_crashes_in_any_way__costs_one_connection_of_many(void **state)
{
	static const char *const words[] = { "null\n", "abort\n", "loop\n", "heap\n" };
	static struct crowd crowd;
	struct server *s;

	(void)state;
	modules_begin("faulty");
	s = server_start(&(struct plan){ .listen = { modules_listen("") },
					 .set = { "hang_timeout=300ms", "crash_limit=off" } });
	open_crowd(s, &crowd);
	for (unsigned i = 0; i < 4; i++) {
		ask_crowd(&crowd);
		for (int k = 0; k < CROWD; k++)
			client_say(crowd.fds[k], "ha");
		crash(s, words[i], i + 1);
		for (int k = 0; k < CROWD; k++)
			client_say(crowd.fds[k], "lf\n");
		crowd.lines++;
		for (int k = 0; k < CROWD; k++) {
			char text[32];

			snprintf(text, sizeof(text), "%u half\n", crowd.lines);
			client_hear(crowd.fds[k], text);
		}
	}
	ask_crowd(&crowd);
	assert_int_equal(server_count(s, "arena_emptied", NULL), 0);
	assert_int_equal(modules_ended(s, "worker_crash"), 4);
	assert_int_equal(server_count(s, "worker_hung", NULL), 1);
	close_crowd(&crowd);
	server_wait_count(s, CROWD, "connection_ended", "ending=client_closed");
	server_stop(s);
}

static void address__of_the_third_crash__is_refused(void **state)
{
	struct server *s;
	int witness;

	(void)state;
	modules_begin("faulty");
	s = server_start(&(struct plan){ .listen = { modules_listen("") } });
	witness = client_connect(FIRST(s));
	client_say(witness, "one\n");
	client_hear(witness, "1 one\n");
	for (unsigned i = 0; i < 3; i++)
		crash(s, "null\n", i + 1);
	server_wait_event(s, "address_penalized", "remote=127.0.0.1");
	client_say(witness, "two\n");
	client_hear(witness, "2 two\n");
	close(witness);
	client_expect_end(client_connect(FIRST(s)));
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(module__that_crashes_in_any_way__costs_one_connection_of_many),
		E2E(address__of_the_third_crash__is_refused),
	};

	return E2E_RUN(tests);
}
