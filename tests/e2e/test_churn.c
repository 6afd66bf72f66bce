/* SPDX-License-Identifier: MIT */
/*
 * Clients that connect, ask, read and close without pause while the server is reloaded, its log is
 * reopened and its workers are killed: no connection is refused, and only a kill breaks one.
 */
#include "harness.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "client.h"
#include "process.h"

enum { CLIENTS = 8 };

/* The clients' counts, in memory shared with the test. */
struct counts {
	_Atomic bool stop;
	_Atomic unsigned answered, refused, broken;
	_Atomic unsigned rounds[CLIENTS]; /* of each client */
};

static bool ask(int fd)
{
	char answer[sizeof(ACK)];
	size_t got = 0;

	if (send(fd, "x", 1, MSG_NOSIGNAL) != 1)
		return false;
	while (got < sizeof(ACK) - 1) {
		ssize_t n = recv(fd, answer + got, sizeof(ACK) - 1 - got, 0);

		if (n <= 0)
			return false;
		got += (size_t)n;
	}
	return memcmp(answer, ACK, got) == 0;
}

_Noreturn static void be_client(const struct server *s, struct counts *counts, unsigned number)
{
	while (!counts->stop) {
		int fd = client_try(FIRST(s));

		/*
		 * Closed connections keep their ports for a while (TIME_WAIT): a lack of ports is
		 * no refusal.
		 */
		if (fd < 0 && errno == EADDRNOTAVAIL)
			harness_tick();
		else if (fd < 0)
			counts->refused++;
		else if (ask(fd))
			counts->answered++;
		else
			counts->broken++;
		if (fd >= 0)
			close(fd);
		counts->rounds[number]++;
	}
	_exit(0);
}

static struct counts *begin(const struct server *s, pid_t *clients)
{
	struct counts *counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(counts, MAP_FAILED);
	for (unsigned i = 0; i < CLIENTS; i++) {
		clients[i] = fork();
		assert_true(clients[i] >= 0);
		if (clients[i] == 0)
			be_client(s, counts, i);
	}
	return counts;
}

/* Waits until every client has done some more rounds. */
static void wait_rounds(struct server *s, struct counts *counts)
{
	for (unsigned i = 0; i < CLIENTS; i++) {
		unsigned from = counts->rounds[i];

		WAIT_UNTIL(s, counts->rounds[i] >= from + 3);
	}
}

static void finish(struct server *s, struct counts *counts, const pid_t *clients)
{
	wait_rounds(s, counts);
	counts->stop = true;
	for (unsigned i = 0; i < CLIENTS; i++)
		process_reap(clients[i]);
	if (counts->refused > 0)
		server_fail(s, "%u connections were refused", counts->refused);
	assert_true(counts->answered > 0);
}

static struct server *start(void)
{
	return server_start(&(struct plan){ .log_file = true, .quiet_log = true, .workers = 3 });
}

static void clients__during_reloads_and_reopens__are_all_answered(void **state)
{
	struct server *s = start();
	pid_t clients[CLIENTS];
	struct counts *counts = begin(s, clients);
	char out[1024];

	(void)state;
	for (int i = 0; i < 10; i++) {
		wait_rounds(s, counts);
		if (server_verb(s, "reload", out, sizeof(out)) != 0)
			server_fail(s, "-s reload: %s", out);
		if (server_verb(s, "reopen", out, sizeof(out)) != 0)
			server_fail(s, "-s reopen: %s", out);
	}
	finish(s, counts, clients);
	if (counts->broken > 0)
		server_fail(s, "%u connections were broken", counts->broken);
	munmap(counts, sizeof(*counts));
	server_stop(s);
}

static void clients__during_kills__lose_one_for_each_at_most(void **state)
{
	enum { KILLS = 6 };
	struct server *s = start();
	pid_t clients[CLIENTS];
	struct counts *counts = begin(s, clients);

	(void)state;
	for (unsigned i = 0; i < KILLS; i++) {
		wait_rounds(s, counts);
		kill(server_worker(s, i % 3), SIGKILL);
		server_wait_count(s, i + 1, "worker_crashed", NULL);
	}
	finish(s, counts, clients);
	if (counts->broken > KILLS)
		server_fail(s, "%u connections were broken", counts->broken);
	munmap(counts, sizeof(*counts));
	server_stop(s);
}

static void clients__during_changes_of_the_number__are_all_answered(void **state)
{
	struct server *s = start();
	pid_t clients[CLIENTS];
	struct counts *counts = begin(s, clients);

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		server_signal(s, SIGTTIN);
		server_wait_count(s, 2 * i + 1, "workers_changed", NULL);
		wait_rounds(s, counts);
		server_signal(s, SIGTTOU);
		server_wait_count(s, 2 * i + 2, "workers_changed", NULL);
		wait_rounds(s, counts);
	}
	finish(s, counts, clients);
	if (counts->broken > 0)
		server_fail(s, "%u connections were broken", counts->broken);
	munmap(counts, sizeof(*counts));
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(clients__during_reloads_and_reopens__are_all_answered),
		E2E(clients__during_kills__lose_one_for_each_at_most),
		E2E(clients__during_changes_of_the_number__are_all_answered),
	};

	return E2E_RUN(tests);
}
