/* SPDX-License-Identifier: MIT */
/*
 * The helper of an exec listener against workers that were taken over: whatever comes on one link,
 * the other one is served.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rights.h"
#include "config/conf.h"
#include "config/signals.h"
#include "services/exec/exec_helper.h"
#include "services/exec/exec_message.h"
#include "worker/give.h"

enum { LINKS = 2, EVIL = 0, HONEST = 1, WAIT_MS = 20000 };

struct scene {
	struct conf *conf;
	struct helper_link links[LINKS];
	int report;
	pid_t pid;
};

static _Noreturn void run_helper(const struct scene *s, int report, pid_t master)
{
	const struct identity none = { .changes = false };
	const struct helper_heritage heritage = { .conf = s->conf,
						  .listen = &s->conf->listeners[0],
						  .identity = &none,
						  .links = s->links,
						  .link_count = LINKS,
						  .master_pid = master,
						  .report_fd = report };

	for (unsigned i = 0; i < LINKS; i++)
		close(s->links[i].worker);
	close(s->report);
	if (!signals_block())
		_exit(1);
	_exit(exec_helper_run(&heritage));
}

static void await(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
}

static void start(struct scene *s, const char *program, unsigned most)
{
	int pair[2];
	struct listen_conf *listen;
	struct err err;
	char byte;

	s->conf = conf_new(&err);
	assert_non_null(s->conf);
	listen = conf_add_listener(s->conf, "127.0.0.1:0", "test", &err);
	assert_non_null(listen);
	listen->command.texts = calloc(2, sizeof(char *));
	listen->command.texts[0] = strdup(program);
	listen->command.count = 1;
	listen->max_processes = most;
	for (unsigned i = 0; i < LINKS; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
		s->links[i] = (struct helper_link){ pair[0], pair[1] };
	}
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	s->report = pair[0];
	s->pid = fork();
	if (s->pid == 0)
		run_helper(s, pair[1], getppid());
	assert_true(s->pid > 0);
	close(pair[1]);
	await(s->report, POLLIN);
	assert_int_equal(recv(s->report, &byte, 1, 0), 1);
	assert_int_equal(byte, HELPER_IS_READY);
}

/* It leaves as it was told to, with no program left. */
static void stop(struct scene *s)
{
	int status;

	kill(s->pid, SIGTERM);
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	for (unsigned i = 0; i < LINKS; i++) {
		close(s->links[i].worker);
		close(s->links[i].helper);
	}
	close(s->report);
	conf_free(s->conf);
}

/* A client, as a worker sees it after the accept. */
struct client {
	int own, socket;      /* the client's end, and the server's */
	int control, helpers; /* the worker's end, and the helper's */
};

static struct client new_client(void)
{
	struct client c;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	c.own = pair[0];
	c.socket = pair[1];
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	c.control = pair[0];
	c.helpers = pair[1];
	return c;
}

static struct exec_request good_request(void)
{
	struct exec_request request;

	memset(&request, 0, sizeof(request));
	request.magic = EXEC_REQUEST_MAGIC;
	request.number = 1;
	request.generation = 1;
	request.remote.family = AF_UNIX;
	return request;
}

static void send_request(int link, const void *bytes, size_t size, const int *fds, unsigned count)
{
	struct iovec part = { .iov_base = (void *)bytes, .iov_len = size };

	assert_int_equal(rights_send(link, &part, 1, fds, count, 0), (ssize_t)size);
}

static void give(const struct scene *s, unsigned link, struct client *c)
{
	const struct exec_request request = good_request();
	const int fds[] = { [GIVE_SOCKET] = c->socket, [GIVE_CONTROL] = c->helpers };

	send_request(s->links[link].worker, &request, sizeof(request), fds, GIVE_FDS);
	close(c->socket);
	close(c->helpers);
}

static struct exec_report hear_report(const struct client *c)
{
	struct exec_report report;

	await(c->control, POLLIN);
	assert_int_equal(recv(c->control, &report, sizeof(report), 0), sizeof(report));
	assert_true(exec_report_is_sound(&report, sizeof(report)));
	return report;
}

/* An honest worker's client is served from its first byte to its end. */
static void assert_serves(const struct scene *s)
{
	struct client c = new_client();
	char got[8];

	give(s, HONEST, &c);
	assert_int_equal(send(c.own, "hello", 5, 0), 5);
	await(c.own, POLLIN);
	assert_int_equal(recv(c.own, got, sizeof(got), 0), 5);
	assert_int_equal(shutdown(c.own, SHUT_WR), 0);
	assert_int_equal(hear_report(&c).outcome, EXEC_EXITED);
	await(c.own, POLLIN);
	assert_int_equal(recv(c.own, got, sizeof(got), 0), 0);
	close(c.own);
	close(c.control);
}

/* The helper has closed what came: the other end of a pipe that was sent sees it. */
static void assert_let_go(int reader)
{
	char byte;

	await(reader, POLLIN | POLLHUP);
	assert_int_equal(read(reader, &byte, 1), 0);
	close(reader);
}

static void request__with_damaged_bytes__is_refused_and_its_descriptors_are_closed(void **state)
{
	struct exec_request bad[5];
	struct scene s;
	int pipes[2];

	(void)state;
	start(&s, "/bin/cat", 4);
	for (unsigned i = 0; i < 5; i++)
		bad[i] = good_request();
	bad[0].magic++;
	bad[1].number = UINT64_MAX;
	bad[2].generation = UINT32_MAX;
	bad[3].worker = UINT32_MAX;
	bad[4].remote.family = AF_NETLINK;
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(pipe(pipes), 0);
		send_request(s.links[EVIL].worker, &bad[i], sizeof(bad[i]), &pipes[1], 1);
		close(pipes[1]);
		assert_let_go(pipes[0]);
		assert_serves(&s);
	}
	stop(&s);
}

static void request__of_another_size__is_refused(void **state)
{
	char bytes[2 * sizeof(struct exec_request)] = { 0 };
	const struct exec_request good = good_request();
	struct scene s;
	int pipes[2];

	(void)state;
	start(&s, "/bin/cat", 4);
	memcpy(bytes, &good, sizeof(good));
	for (size_t size = 1; size <= sizeof(bytes); size += 7) {
		struct client c = new_client();
		int fds[] = { c.socket, c.helpers };

		if (size == sizeof(good))
			continue;
		send_request(s.links[EVIL].worker, bytes, size, fds, 2);
		close(c.socket);
		close(c.helpers);
		assert_let_go(c.control);
		close(c.own);
	}
	assert_int_equal(pipe(pipes), 0);
	close(pipes[0]);
	send_request(s.links[EVIL].worker, "", 1, NULL, 0);
	close(pipes[1]);
	assert_serves(&s);
	stop(&s);
}

enum { KINDS = 5 };

static void open_kinds(int *fds, int *extra)
{
	int pair[2];

	assert_int_equal(pipe(pair), 0);
	fds[0] = pair[0];
	*extra = pair[1];
	fds[1] = socket(AF_UNIX, SOCK_DGRAM, 0);
	fds[2] = socket(AF_INET, SOCK_STREAM, 0);
	fds[3] = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(
		bind(fds[3], &(struct sockaddr){ .sa_family = AF_UNIX }, sizeof(sa_family_t)), 0);
	assert_int_equal(listen(fds[3], 1), 0);
	fds[4] = dup(STDIN_FILENO);
}

/* Each in the place of the client's socket, then in that of the control socket. */
static void request__with_descriptors_of_another_kind__is_refused(void **state)
{
	int kinds[KINDS], extra;
	struct scene s;

	(void)state;
	start(&s, "/bin/cat", 4);
	open_kinds(kinds, &extra);
	for (unsigned i = 0; i < 2 * KINDS; i++) {
		const struct exec_request request = good_request();
		struct client c = new_client();
		int fds[] = { c.socket, c.helpers };

		fds[i % 2] = kinds[i / 2];
		send_request(s.links[EVIL].worker, &request, sizeof(request), fds, 2);
		close(c.socket);
		close(c.helpers);
		assert_let_go(i % 2 == 0 ? c.control : c.own);
		close(i % 2 == 0 ? c.own : c.control);
	}
	for (unsigned i = 0; i < KINDS; i++)
		close(kinds[i]);
	close(extra);
	assert_serves(&s);
	stop(&s);
}

static void request__with_too_few_or_many_descriptors__is_refused(void **state)
{
	static const unsigned counts[] = { 0, 1, 3, RIGHTS_MOST };
	struct scene s;

	(void)state;
	start(&s, "/bin/cat", 4);
	for (unsigned i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		const struct exec_request request = good_request();
		struct client c = new_client();
		int fds[RIGHTS_MOST];

		for (unsigned k = 0; k < RIGHTS_MOST; k++)
			fds[k] = k % 2 == 0 ? c.socket : c.helpers;
		send_request(s.links[EVIL].worker, &request, sizeof(request), fds, counts[i]);
		close(c.socket);
		close(c.helpers);
		assert_let_go(c.control);
		close(c.own);
	}
	assert_serves(&s);
	stop(&s);
}

static void link__that_is_shut__is_left_alone(void **state)
{
	struct scene s;

	(void)state;
	start(&s, "/bin/cat", 4);
	assert_int_equal(shutdown(s.links[EVIL].worker, SHUT_RDWR), 0);
	assert_serves(&s);
	assert_serves(&s);
	stop(&s);
}

/* However much one worker sends, each of its messages comes between two of the others'. */
static void flood__of_one_link__does_not_keep_the_other_waiting(void **state)
{
	struct scene s;
	pid_t flooder;

	(void)state;
	start(&s, "/bin/cat", 4);
	flooder = fork();
	if (flooder == 0) {
		for (;;)
			(void)!send(s.links[EVIL].worker, "junk", 4, MSG_NOSIGNAL);
	}
	for (unsigned i = 0; i < 5; i++)
		assert_serves(&s);
	kill(flooder, SIGKILL);
	assert_int_equal(waitpid(flooder, NULL, 0), flooder);
	assert_serves(&s);
	stop(&s);
}

/* A worker that does not read its reports, and one that writes to its control sockets. */
static void control_socket__misused__harms_its_own_program_alone(void **state)
{
	struct client full, loud;
	struct scene s;

	(void)state;
	start(&s, "/bin/cat", 4);
	full = new_client();
	loud = new_client();
	while (send(full.helpers, "x", 1, MSG_DONTWAIT) == 1)
		;
	give(&s, EVIL, &full);
	assert_int_equal(shutdown(full.own, SHUT_WR), 0);
	give(&s, EVIL, &loud);
	assert_int_equal(send(loud.control, "x", 1, 0), 1);
	assert_let_go(loud.own);
	assert_let_go(full.own);
	assert_serves(&s);
	close(full.control);
	close(loud.control);
	stop(&s);
}

static void end_of_the_control_socket__ends_the_program(void **state)
{
	struct client c;
	struct scene s;

	(void)state;
	start(&s, "/bin/cat", 4);
	c = new_client();
	give(&s, HONEST, &c);
	assert_int_equal(shutdown(c.control, SHUT_WR), 0);
	assert_int_equal(hear_report(&c).code, SIGTERM);
	assert_let_go(c.own);
	close(c.control);
	stop(&s);
}

static void limit__holds_over_all_links__and_each_has_its_turn(void **state)
{
	struct client first, others[LINKS];
	struct pollfd p;
	struct scene s;

	(void)state;
	start(&s, "/bin/cat", 1);
	first = new_client();
	give(&s, HONEST, &first);
	for (unsigned i = 0; i < LINKS; i++) {
		others[i] = new_client();
		give(&s, i, &others[i]);
		assert_int_equal(shutdown(others[i].own, SHUT_WR), 0);
	}
	p = (struct pollfd){ .fd = others[0].own, .events = POLLIN };
	assert_int_equal(poll(&p, 1, 200), 0);
	assert_int_equal(shutdown(first.own, SHUT_WR), 0);
	for (unsigned i = 0; i < LINKS; i++) {
		assert_int_equal(hear_report(&others[i]).outcome, EXEC_EXITED);
		assert_let_go(others[i].own);
		close(others[i].control);
	}
	close(first.own);
	close(first.control);
	stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			request__with_damaged_bytes__is_refused_and_its_descriptors_are_closed),
		cmocka_unit_test(request__of_another_size__is_refused),
		cmocka_unit_test(request__with_descriptors_of_another_kind__is_refused),
		cmocka_unit_test(request__with_too_few_or_many_descriptors__is_refused),
		cmocka_unit_test(link__that_is_shut__is_left_alone),
		cmocka_unit_test(flood__of_one_link__does_not_keep_the_other_waiting),
		cmocka_unit_test(control_socket__misused__harms_its_own_program_alone),
		cmocka_unit_test(end_of_the_control_socket__ends_the_program),
		cmocka_unit_test(limit__holds_over_all_links__and_each_has_its_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
