/* SPDX-License-Identifier: MIT */
/*
 * Moves and descriptors: many reloads leave none behind, and new workers that have few of them, or
 * few places, leave the other connections to the old ones.
 */
#include "harness.h"

#include "base/rights.h"
#include "client.h"
#include "figures.h"
#include "process.h"

enum {
	WORKERS = 2,
	RELOADS = 30,
	LIVE = 50,
	CROWD = 200,
	IN_FLIGHT = 200,
	TIME_WAIT = 6,
	LISTEN = 10 /* TCP states */
};

#define CONF(options)                                                                       \
	"workers = 2\n" options "listen \"127.0.0.1:0\" { service = ack\n framing = line\n" \
	" reply = ok\n}\n"

static void ask(int fd, const char *question)
{
	client_say(fd, question);
	client_hear(fd, "ok\n");
}

static void open_all(struct server *s, int *fds, unsigned count, const char *question)
{
	for (unsigned i = 0; i < count; i++) {
		fds[i] = client_connect(FIRST(s));
		ask(fds[i], question);
	}
}

static void close_all(const int *fds, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		close(fds[i]);
}

static void reload(struct server *s)
{
	char said[512];

	if (server_verb(s, "reload", said, sizeof(said)) != 0)
		server_fail(s, "-s reload: %s", said);
}

/* The open descriptors of the master, and of all workers, whose keepers have the same. */
struct descriptors {
	unsigned master, workers, keepers;
};

static struct descriptors count_descriptors(struct server *s)
{
	struct descriptors count = { .master = process_descriptors(s->master) };

	for (unsigned i = 0; i < WORKERS; i++) {
		count.workers += process_descriptors(server_worker(s, i));
		count.keepers += process_descriptors(server_keeper(s, i));
	}
	return count;
}

static bool is_same(const struct descriptors *wanted, struct server *s)
{
	struct descriptors now = count_descriptors(s);

	return now.master == wanted->master && now.workers == wanted->workers &&
	       now.keepers == wanted->keepers;
}

/*
 * The connections with that local port that any process has (proc_net_tcp(5)), each counted once: a
 * file that changes while it is read may list one twice.
 */
static unsigned count_sockets(unsigned port)
{
	static bool is_seen[1 << 16]; /* by the port of the client */
	FILE *file = fopen("/proc/net/tcp", "re");
	unsigned count = 0, local, remote, state;
	char line[256];

	assert_non_null(file);
	memset(is_seen, 0, sizeof(is_seen));
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, " %*u: %*x:%x %*x:%x %x", &local, &remote, &state) != 3 ||
		    local != port || state == LISTEN || state == TIME_WAIT)
			continue;
		count += !is_seen[remote & 0xffff];
		is_seen[remote & 0xffff] = true;
	}
	fclose(file);
	return count;
}

static void reloads__many__leave_no_descriptor_behind(void **state)
{
	struct server *s = server_start(&(struct plan){ .conf = CONF("") });
	unsigned port = (unsigned)strtoul(strrchr(FIRST(s), ':') + 1, NULL, 10);
	unsigned master = process_descriptors(s->master);
	struct descriptors wanted;
	int fds[LIVE];

	(void)state;
	open_all(s, fds, LIVE, "x\n");
	for (unsigned i = 0; i < RELOADS; i++) {
		reload(s);
		WAIT_UNTIL(s, figures_has_only_new(s));
		WAIT_UNTIL(s, process_descriptors(s->master) == master);
		if (i == 0) /* from then on each generation has one before it */
			wanted = count_descriptors(s);
		WAIT_UNTIL(s, is_same(&wanted, s));
	}
	for (unsigned i = 0; i < LIVE; i++)
		ask(fds[i], "y\n");
	assert_int_equal(count_sockets(port), LIVE);
	close_all(fds, LIVE);
	WAIT_UNTIL(s, count_sockets(port) == 0);
	assert_int_equal(server_count(s, "connection_opened", NULL), LIVE);
	server_stop(s);
}

/* The connections that could not move; all of them for lack of places or descriptors. */
static uint64_t count_stayed(struct server *s)
{
	struct worker_tally tally;
	uint64_t all = 0;

	figures_tally(s, &tally);
	for (unsigned i = 0; i < STAY_REASONS; i++) {
		uint64_t count = cell_get(&tally.connections_not_moved_total[i]);

		if (count > 0 && i != STAY_no_room && i != STAY_no_descriptors)
			server_fail(s, "%u connections stay: %s", (unsigned)count,
				    stay_reason_name(i));
		all += count;
	}
	return all;
}

/* Closes the connections that the server has ended meanwhile; returns how many. */
static unsigned close_ended(int *fds)
{
	unsigned ended = 0;

	for (unsigned i = 0; i < CROWD; i++) {
		if (fds[i] < 0 || !client_ended(fds[i], 0))
			continue;
		close(fds[i]);
		fds[i] = -1;
		ended++;
	}
	return ended;
}

/* Reloads to workers that cannot take all connections: each message is answered all the same. */
static void check_crowd(const char *conf)
{
	struct server *s = server_start(&(struct plan){ .conf = CONF("") });
	int fds[CROWD];
	uint64_t stayed, ended = 0;

	open_all(s, fds, CROWD, "the first\nthe sec");
	server_configure(s, conf);
	reload(s);
	stayed = count_stayed(s);
	assert_in_range(stayed, 1, CROWD - 1);
	for (unsigned i = 0; i < CROWD; i++)
		ask(fds[i], "ond message\n");
	WAIT_UNTIL(s, (ended += close_ended(fds)) >= stayed);
	for (unsigned i = 0; i < CROWD; i++) {
		if (fds[i] < 0)
			continue;
		ask(fds[i], "and one more\n");
		close(fds[i]);
	}
	WAIT_UNTIL(s, figures_has_only_new(s));
	server_stop(s);
}

static void workers__with_few_descriptors__leave_the_rest_to_the_old_ones(void **state)
{
	(void)state;
	check_crowd(CONF("rlimit_nofile = 90\n"));
}

static void workers__with_few_places__leave_the_rest_to_the_old_ones(void **state)
{
	(void)state;
	check_crowd(CONF("worker_connections = 20\n"));
}

/* The kernel counts for each user. Where it can be, no other test is of this one. */
enum { OWN_USER = 64123 };

static void become_workers_user(void)
{
	if (geteuid() == 0)
		assert_true(setgid(OWN_USER) == 0 && setuid(OWN_USER) == 0);
}

/* Sends descriptors that nobody receives, and waits until it is killed. */
static _Noreturn void hold_in_flight(int tell)
{
	const struct iovec part = { "x", 1 };
	int pair[2], fds[IN_FLIGHT];

	become_workers_user();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	for (unsigned i = 0; i < IN_FLIGHT; i++)
		fds[i] = tell;
	assert_int_equal(rights_send(pair[0], &part, 1, fds, IN_FLIGHT, 0), 1);
	assert_int_equal(write(tell, "x", 1), 1);
	for (;;)
		pause();
}

static pid_t begin_in_flight(void)
{
	int fds[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0)
		hold_in_flight(fds[1]);
	close(fds[1]);
	assert_int_equal(read(fds[0], &byte, 1), 1);
	close(fds[0]);
	return pid;
}

static void expect_said(struct server *s, const char *verb, const char *part)
{
	char said[1 << 14];

	assert_int_equal(server_verb(s, verb, said, sizeof(said)), 0);
	if (!strstr(said, part))
		server_fail(s, "-s %s does not say \"%s\": %s", verb, part, said);
}

static void descriptors__of_another_process_in_flight__keep_connections_where_they_are(void **state)
{
	char user[64] = "", conf[512];
	struct server *s;
	pid_t other = begin_in_flight();
	int fd, next;

	(void)state;
	if (geteuid() == 0)
		snprintf(user, sizeof(user), "user = %d\ngroup = %d\n", OWN_USER, OWN_USER);
	snprintf(conf, sizeof(conf), "%s" CONF("rlimit_nofile = 100\n"), user);
	s = server_start(&(struct plan){ .conf = conf });
	fd = client_connect(FIRST(s));
	ask(fd, "one\ntw");
	expect_said(s, "reload", ", 0 connections moved, 1 finishes in an old worker");
	expect_said(s, "status", "in_flight_limit");
	next = client_connect(FIRST(s));
	ask(next, "one\ntw");
	kill(other, SIGKILL);
	process_reap(other);
	expect_said(s, "reload", ", 1 connection moved");
	ask(next, "o\n");
	ask(fd, "o\n");
	client_expect_end(fd);
	close(fd);
	ask(next, "three\n");
	close(next);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(reloads__many__leave_no_descriptor_behind),
		E2E(workers__with_few_descriptors__leave_the_rest_to_the_old_ones),
		E2E(workers__with_few_places__leave_the_rest_to_the_old_ones),
		E2E(descriptors__of_another_process_in_flight__keep_connections_where_they_are),
	};

	return E2E_RUN(tests);
}
