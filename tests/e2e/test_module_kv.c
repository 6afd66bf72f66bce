/* SPDX-License-Identifier: MIT */
/* The example kv: one table for all workers, which no death and no reload harms. */
#include "harness.h"

#include <poll.h>
#include <sys/socket.h>

#include "client.h"
#include "modules.h"
#include "process.h"

enum { CROWD = 40, KILLS = 30, WORKERS = 4, KILL_MS = 30 };

static struct server *start(void)
{
	char conf[256];

	modules_begin("kv");
	snprintf(conf, sizeof(conf),
		 "listen \"127.0.0.1:0\" { service = module\n module = \"%s\"\n"
		 " arguments = {\"size=1m\"} }\ncrash_limit = off\n",
		 modules_path);
	return server_start(&(struct plan){ .conf = conf, .workers = WORKERS, .quiet_log = true });
}

static void ask(int fd, const char *line, const char *answer)
{
	client_say(fd, line);
	client_hear(fd, answer);
}

static void command__is_answered_as_documented(void **state)
{
	struct server *s = start();
	int fd = client_connect(FIRST(s));

	(void)state;
	ask(fd, "get a\n", "none\n");
	ask(fd, "set a one two\nget a\n", "ok\n= one two\n");
	ask(fd, "incr a\n", "error\n");
	ask(fd, "incr n\nincr n\r\n", "= 1\n= 2\n");
	ask(fd, "set n -7\nincr n\n", "ok\n= -6\n");
	ask(fd, "set n 9223372036854775806\nincr n\n", "ok\n= 9223372036854775807\n");
	ask(fd, "incr n\nget n\n", "error\n= 9223372036854775807\n");
	ask(fd, "set n -9223372036854775808\nincr n\n", "ok\n= -9223372036854775807\n");
	ask(fd, "set n -9223372036854775809\nincr n\n", "ok\nerror\n");
	ask(fd, "del a\ndel a\nget a\n", "ok\nnone\nnone\n");
	ask(fd, "set a again\nget a\n", "ok\n= again\n");
	ask(fd, "set\nset a\nget\nget a b\ngrow a\n\n",
	    "error\nerror\nerror\nerror\nerror\nerror\n");
	ask(fd, "quit\n", "");
	client_expect_end(fd);
	close(fd);
	server_stop(s);
}

static void table__that_is_full__says_so(void **state)
{
	struct server *s = start();
	int fd = client_connect(FIRST(s));
	char line[64], answer[8];
	unsigned i = 0;

	(void)state;
	do {
		snprintf(line, sizeof(line), "set key%u v\n", i++);
		client_say(fd, line);
		assert_int_equal(recv(fd, answer, 2, MSG_WAITALL), 2);
		assert_int_equal(recv(fd, answer + 2, answer[0] == 'o' ? 1 : 3, MSG_WAITALL),
				 answer[0] == 'o' ? 1 : 3);
	} while (answer[0] == 'o' && i < 10000);
	assert_memory_equal(answer, "full\n", 5);
	assert_in_range(i, 3000, 5000);
	ask(fd, "del key7\nset other v\nget other\nget key8\n", "ok\nok\n= v\n= v\n");
	close(fd);
	server_stop(s);
}

/* Clients that count without pause, on all workers. */
struct counting {
	struct server *server;
	int fds[CROWD];
	unsigned open;
	uint64_t said; /* answers */
	uint64_t lost; /* commands whose worker died, and which may have been carried out */
	uint64_t last; /* the highest number that was answered */
};

static void say(struct counting *c, unsigned i)
{
	client_say(c->fds[i], "incr n\n");
}

static void open_one(struct counting *c, unsigned i)
{
	c->fds[i] = client_connect(FIRST(c->server));
	say(c, i);
}

static void hear(struct counting *c, unsigned i)
{
	unsigned long long number;
	char answer[64];
	ssize_t n = recv(c->fds[i], answer, sizeof(answer) - 1, 0);

	if (n <= 0) { /* it was in hand */
		c->lost++;
		close(c->fds[i]);
		open_one(c, i);
		return;
	}
	answer[n] = '\0';
	if (answer[n - 1] != '\n' || sscanf(answer, "= %llu", &number) != 1)
		server_fail(c->server, "answer: %s", answer);
	c->said++;
	if (number > c->last)
		c->last = number;
	say(c, i);
}

static void count_for(struct counting *c, int64_t ms)
{
	int64_t until_ms = clock_ms() + ms;
	struct pollfd polls[CROWD];

	for (unsigned i = 0; i < CROWD; i++)
		polls[i] = (struct pollfd){ .fd = c->fds[i], .events = POLLIN };
	while (clock_ms() < until_ms) {
		if (poll(polls, CROWD, 10) < 0)
			fail_msg("poll: %s", strerror(errno));
		for (unsigned i = 0; i < CROWD; i++)
			if (polls[i].revents != 0) {
				hear(c, i);
				polls[i].fd = c->fds[i];
			}
	}
}

/* No count is lost, and none is made twice, but those in hand may have been made or not. */
static void check_counts(struct counting *c)
{
	unsigned long long number = 0;
	char answer[64];
	int fd = client_connect(FIRST(c->server));
	ssize_t n;

	for (unsigned i = 0; i < CROWD; i++) {
		n = recv(c->fds[i], answer, sizeof(answer), 0);
		c->said += n > 0;
		c->lost += n <= 0;
		close(c->fds[i]);
	}
	client_say(fd, "get n\n");
	n = recv(fd, answer, sizeof(answer) - 1, 0);
	answer[n > 0 ? n : 0] = '\0';
	(void)sscanf(answer, "= %llu", &number);
	close(fd);
	if (number < c->said || number > c->said + c->lost)
		server_fail(c->server, "%llu counts, %llu answers, %llu lost", number,
			    (unsigned long long)c->said, (unsigned long long)c->lost);
}

static void workers__killed_in_the_middle_of_changes__lose_no_count(void **state)
{
	struct counting c = { .server = start() };

	(void)state;
	for (unsigned i = 0; i < CROWD; i++)
		open_one(&c, i);
	for (unsigned i = 0; i < KILLS; i++) {
		char said[1024];

		count_for(&c, KILL_MS);
		kill(server_worker(c.server, i % WORKERS), SIGKILL);
		if (i % 10 == 9)
			assert_int_equal(server_verb(c.server, "reload", said, sizeof(said)), 0);
	}
	count_for(&c, KILL_MS);
	check_counts(&c);
	assert_true(c.said > KILLS * 10);
	server_stop(c.server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(command__is_answered_as_documented),
		E2E(table__that_is_full__says_so),
		E2E(workers__killed_in_the_middle_of_changes__lose_no_count),
	};

	return E2E_RUN(tests);
}
