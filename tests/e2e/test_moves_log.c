/* SPDX-License-Identifier: MIT */
/*
 * The access log of connections that move: their lines are those of the worker that accepted them.
 */
#include "harness.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "accessbook.h"
#include "client.h"
#include "process.h"

#define CONF(service) "workers = 2\nlisten \"127.0.0.1:0\" { service = " service " }\n"

enum { ROUNDS = 3, EACH = 20, LINES_MOST = ROUNDS * EACH };

/* What names a connection. */
struct triple {
	unsigned worker, generation, connection;
};

static void reload(struct server *s, unsigned nth)
{
	server_signal(s, SIGHUP);
	server_wait_count(s, nth, "reload_finished", NULL);
}

/* A worker that waits for the next event has nothing in hand. */
static void kill_workers(struct server *s, unsigned deaths)
{
	for (unsigned i = 0; i < 2; i++) {
		pid_t victim = server_worker(s, i);

		WAIT_UNTIL(s, process_sleeps(victim));
		kill(victim, SIGKILL);
		server_wait_count(s, deaths + i + 1, "connections_recovered", NULL);
	}
}

/* Reads the names in the lines of the log; returns how many lines there are. */
static unsigned read_triples(struct triple *list)
{
	unsigned count = 0;

	for (const char *at = accessbook_read(accessbook_path);
	     count < LINES_MOST && (at = strstr(at, " worker=")) != NULL; at++)
		if (sscanf(at, " worker=%u generation=%u connection=%u ", &list[count].worker,
			   &list[count].generation, &list[count].connection) == 3)
			count++;
	return count;
}

static bool is_same(const struct triple *a, const struct triple *b)
{
	return a->worker == b->worker && a->generation == b->generation &&
	       a->connection == b->connection;
}

/* The number of the worker that has accepted the connection, by the log. */
static unsigned accepted_by(struct server *s, int fd)
{
	struct sockaddr_in sa;
	socklen_t len = sizeof(sa);
	char field[64];
	int64_t pid;

	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	snprintf(field, sizeof(field), "remote=127.0.0.1:%u", ntohs(sa.sin_port));
	pid = line_number(server_wait_event(s, "connection_opened", field), "pid");
	return pid == server_worker(s, 1);
}

static void connection__that_moves_twice_and_outlives_a_crash__has_the_line_of_its_birth(
	void **state)
{
	struct server *s = accessbook_start((struct plan){ .conf = CONF("ack") });
	int fd = client_connect(FIRST(s));
	int64_t begun_ms;
	unsigned worker;
	char names[96];
	double seconds;

	(void)state;
	client_say(fd, "x");
	client_hear(fd, ACK);
	begun_ms = clock_ms();
	worker = accepted_by(s, fd);
	reload(s, 1);
	kill_workers(s, 0);
	reload(s, 2);
	client_say(fd, "y");
	client_hear(fd, ACK);
	seconds = (double)(clock_ms() - begun_ms) / 1000;
	close(fd);
	server_wait_event(s, "connection_ended", NULL);
	server_stop(s);
	snprintf(names, sizeof(names),
		 " what=connection worker=%u generation=1 connection=1 listen=127.0.0.1:0 ",
		 worker);
	accessbook_expect(s, names);
	accessbook_expect(s, " bytes_in=2 bytes_out=30 messages=2 ");
	assert_int_equal(accessbook_lines(), 1);
	/* the begin was cut to a whole millisecond */
	if (strtod(strstr(accessbook_read(accessbook_path), " seconds=") + 9, NULL) <
	    seconds - 0.001)
		server_fail(s, "the connection lived for %.3f s: %s", seconds,
			    accessbook_read(accessbook_path));
}

static void request(int fd)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\n";
	char text[4096];
	ssize_t n;

	client_say(fd, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
	client_hear(fd, answer);
	n = recv(fd, text, sizeof(text), 0); /* the rest: the server has sent it all at once */
	assert_true(n > 4);
}

static void requests__before_and_after_moves__name_the_same_connection(void **state)
{
	struct server *s = accessbook_start((struct plan){ .conf = CONF("status") });
	struct triple names[LINES_MOST];
	int fd = client_connect(FIRST(s));

	(void)state;
	request(fd);
	reload(s, 1);
	request(fd);
	kill_workers(s, 0);
	request(fd);
	reload(s, 2);
	request(fd);
	close(fd);
	server_wait_event(s, "connection_ended", NULL);
	server_stop(s);
	assert_int_equal(accessbook_count(accessbook_read(accessbook_path), " what=request "), 4);
	assert_int_equal(read_triples(names), 5);
	assert_int_equal(names[0].generation, 1);
	for (unsigned i = 1; i < 5; i++)
		assert_true(is_same(&names[i], &names[0]));
}

/* They end in workers that had connections of the same numbers. */
static void connections__of_several_generations__have_names_of_their_own(void **state)
{
	struct server *s = accessbook_start((struct plan){ .conf = CONF("ack") });
	struct triple names[LINES_MOST];
	int fds[LINES_MOST];
	unsigned count = 0;

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < EACH; i++) {
			fds[count] = client_connect(FIRST(s));
			client_say(fds[count], "x");
			client_hear(fds[count++], ACK);
		}
		reload(s, round + 1);
		kill_workers(s, 2 * round);
	}
	while (count > 0)
		close(fds[--count]);
	server_wait_count(s, LINES_MOST, "connection_ended", "ending=client_closed");
	server_stop(s);
	assert_int_equal(accessbook_lines(), LINES_MOST);
	assert_int_equal(read_triples(names), LINES_MOST);
	for (unsigned i = 0; i < LINES_MOST; i++)
		for (unsigned k = 0; k < i; k++)
			assert_false(is_same(&names[i], &names[k]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(connection__that_moves_twice_and_outlives_a_crash__has_the_line_of_its_birth),
		E2E(requests__before_and_after_moves__name_the_same_connection),
		E2E(connections__of_several_generations__have_names_of_their_own),
	};

	return E2E_RUN(tests);
}
