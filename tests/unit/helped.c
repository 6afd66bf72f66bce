/* SPDX-License-Identifier: MIT */
/* A helper of an exec listener in a process of its own, and the workers' ends of its links. */
#include "unit/helped.h"

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
#include "config/signals.h"
#include "services/exec/exec_helper.h"

static _Noreturn void run_helper(const struct helped *s, int report, pid_t master)
{
	const struct identity none = { .changes = false };
	const struct helper_heritage heritage = { .conf = s->conf,
						  .listen = &s->conf->listeners[0],
						  .identity = &none,
						  .links = s->links,
						  .link_count = HELPED_LINKS,
						  .master_pid = master,
						  .report_fd = report };

	for (unsigned i = 0; i < HELPED_LINKS; i++)
		close(s->links[i].worker);
	close(s->report);
	if (!signals_block())
		_exit(1);
	_exit(exec_helper_run(&heritage));
}

static void helped_await(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	assert_int_equal(poll(&p, 1, HELPED_WAIT_MS), 1);
}

void helped_start(struct helped *s, const char *program, unsigned most)
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
	for (unsigned i = 0; i < HELPED_LINKS; i++) {
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
	helped_await(s->report, POLLIN);
	assert_int_equal(recv(s->report, &byte, 1, 0), 1);
	assert_int_equal(byte, HELPER_IS_READY);
}

void helped_pause(const struct helped *s)
{
	int status;

	kill(s->pid, SIGSTOP);
	assert_int_equal(waitpid(s->pid, &status, WUNTRACED), s->pid);
	assert_true(WIFSTOPPED(status));
}

void helped_resume(const struct helped *s)
{
	kill(s->pid, SIGCONT);
}

/* It leaves as it was told to, with no program left. */
void helped_stop(struct helped *s)
{
	int status;

	kill(s->pid, SIGNAL_HELPER_LEAVE);
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	helped_close(s);
}

void helped_close(struct helped *s)
{
	for (unsigned i = 0; i < HELPED_LINKS; i++) {
		close(s->links[i].worker);
		close(s->links[i].helper);
	}
	close(s->report);
	conf_free(s->conf);
}

struct helped_client helped_client_new(void)
{
	struct helped_client c;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	c.own = pair[0];
	c.socket = pair[1];
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	c.control = pair[0];
	c.helpers = pair[1];
	return c;
}

struct exec_request helped_request(void)
{
	struct exec_request request;

	memset(&request, 0, sizeof(request));
	request.magic = EXEC_REQUEST_MAGIC;
	request.number = 1;
	request.generation = 1;
	request.remote.family = AF_UNIX;
	return request;
}

void helped_send(int link, const void *bytes, size_t size, const int *fds, unsigned count)
{
	struct iovec part = { .iov_base = (void *)bytes, .iov_len = size };

	assert_int_equal(rights_send(link, &part, 1, fds, count, 0), (ssize_t)size);
}

void helped_give(const struct helped *s, unsigned link, struct helped_client *c)
{
	const struct exec_request request = helped_request();
	const int fds[] = { [GIVE_SOCKET] = c->socket, [GIVE_CONTROL] = c->helpers };

	helped_send(s->links[link].worker, &request, sizeof(request), fds, GIVE_FDS);
	close(c->socket);
	close(c->helpers);
}

struct exec_report helped_hear(const struct helped_client *c)
{
	struct exec_report report;

	helped_await(c->control, POLLIN);
	assert_int_equal(recv(c->control, &report, sizeof(report), 0), sizeof(report));
	assert_true(exec_report_is_sound(&report, sizeof(report)));
	return report;
}

void helped_finish(const struct helped_client *c)
{
	assert_int_equal(shutdown(c->own, SHUT_WR), 0);
	assert_int_equal(helped_hear(c).outcome, EXEC_EXITED);
	helped_let_go(c->own);
	close(c->control);
}

void helped_serves_by(const struct helped *s, unsigned link)
{
	struct helped_client c = helped_client_new();
	char got[8];

	helped_give(s, link, &c);
	assert_int_equal(send(c.own, "hello", 5, 0), 5);
	helped_await(c.own, POLLIN);
	assert_int_equal(recv(c.own, got, sizeof(got), 0), 5);
	helped_finish(&c);
}

void helped_serves(const struct helped *s)
{
	helped_serves_by(s, HELPED_HONEST);
}

void helped_turn(const struct helped *s)
{
	const struct helper_order none = { .link = HELPED_LINKS };
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	helped_send(s->report, &none, sizeof(none), &pair[1], 1);
	close(pair[1]);
	helped_let_go(pair[0]);
}

/* The helper has closed what came: the other end of a pipe that was sent sees it. */
void helped_let_go(int reader)
{
	char byte;

	helped_await(reader, POLLIN | POLLHUP);
	assert_int_equal(read(reader, &byte, 1), 0);
	close(reader);
}
