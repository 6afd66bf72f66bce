/* SPDX-License-Identifier: MIT */
/* Servers that are not asked: several workers take the last place of one, or none may connect. */
#include "harness.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/addr.h"
#include "client.h"
#include "upstream.h"

enum { ROUNDS = 1000, CLIENTS = 12 };

/* All come at once, and leave at once, whether they were served or reset. */
static void run_round(const struct addr *to)
{
	int fds[CLIENTS];

	for (unsigned i = 0; i < CLIENTS; i++) {
		fds[i] = socket(to->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		assert_true(fds[i] >= 0);
		(void)!connect(fds[i], &to->sa, to->len);
	}
	for (unsigned i = 0; i < CLIENTS; i++)
		close(fds[i]);
}

/* It is healthy all the time: that another worker was faster does not hide it. */
static void server__whose_last_place_many_want__is_full_and_no_more(void **state)
{
	struct upstream u;
	struct server *s;
	struct addr to;
	struct err err;

	(void)state;
	upstream_open(&u);
	s = server_start(&(struct plan){
		.conf = upstream_conf(&u, "max_connections = 3", "", "workers = 8") });
	assert_int_equal(addr_resolve(FIRST(s), &to, 1, &err), 1);
	for (unsigned i = 0; i < ROUNDS; i++) {
		run_round(&to);
		while (upstream_has(&u, 0))
			close(upstream_accept(&u));
	}
	upstream_close(&u);
	server_wait_count(s, ROUNDS * CLIENTS, "connection_ended", NULL);
	assert_true(server_count(s, "connection_ended", "ending=upstream_full") > 0);
	assert_int_equal(server_count(s, "connection_ended", "ending=upstream_none"), 0);
	server_stop(s);
}

static pid_t start_reloads(const struct server *s, unsigned count)
{
	const char *const arguments[] = { "-p", s->pid_file, "-s", "reload", NULL };
	pid_t pid = fork();
	char said[512];

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	while (count > 0 && harness_run(said, sizeof(said), arguments) == 0)
		count--;
	_exit(count > 0);
}

/* A connection that moves counts in both workers for a moment: others are not refused for that. */
static void reloads__while_a_server_has_places_left__refuse_nobody(void **state)
{
	enum { HELD = 60, RELOADS = 15 };
	int clients[HELD], servers[HELD], status;
	struct upstream u;
	struct server *s;
	pid_t reloads;

	(void)state;
	upstream_open(&u);
	s = server_start(&(struct plan){
		.conf = upstream_conf(&u, "max_connections = 70", "", "workers = 2") });
	for (unsigned i = 0; i < HELD; i++) {
		clients[i] = client_connect(FIRST(s));
		servers[i] = upstream_accept(&u);
	}
	reloads = start_reloads(s, RELOADS);
	while (waitpid(reloads, &status, WNOHANG) == 0)
		upstream_use(s, &u);
	assert_int_equal(status, 0);
	assert_int_equal(server_count(s, "connection_ended", "ending=upstream_full"), 0);
	for (unsigned i = 0; i < HELD; i++) {
		close(clients[i]);
		client_expect_end(servers[i]);
		close(servers[i]);
	}
	upstream_close(&u);
	server_stop(s);
}

/* Without queue_timeout there is nothing to wait for. The log says why, once. */
static void server__that_no_worker_may_connect_to__ends_its_client_at_once(void **state)
{
	struct upstream u;
	struct server *s;

	(void)state;
	upstream_open_path(&u);
	assert_int_equal(chmod(u.address + strlen("unix:"), 0), 0);
	s = server_start(
		&(struct plan){ .conf = upstream_conf(&u, "connect_timeout = 1h", "", "") });
	for (unsigned i = 1; i <= 3; i++) {
		int client = client_connect(FIRST(s));

		assert_true(client_ended(client, WAIT_MS));
		close(client);
		server_wait_count(s, i, "connection_ended", "ending=system_error error=EACCES");
	}
	assert_int_equal(server_count(s, "upstream_prevented", NULL), 1);
	assert_int_equal(server_count(s, "upstream_prevented", "message=\"Permission denied\""), 1);
	upstream_close(&u);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(server__whose_last_place_many_want__is_full_and_no_more),
		E2E(reloads__while_a_server_has_places_left__refuse_nobody),
		E2E(server__that_no_worker_may_connect_to__ends_its_client_at_once),
	};

	return E2E_RUN(tests);
}
