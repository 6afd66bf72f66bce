/* SPDX-License-Identifier: MIT */
/* Clients that send and receive without pause, and others beside them. */
#include "harness.h"

#include <poll.h>
#include <sys/socket.h>

#include "client.h"
#include "process.h"

/* WORST_MS: a message's longest time on a loaded machine; it was longer without shares. */
enum { GREEDY = 600, MESSAGES = 20, WORST_MS = 3000 };

static const char request[] = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";

/*
 * Sends as many requests as the connection takes and reads answers as they come. Only whole
 * requests are sent.
 */
static void pump(const struct pollfd *p)
{
	static char many[sizeof(request) * 100], answers[65536];
	static size_t size;
	ssize_t n;

	for (; size + sizeof(request) < sizeof(many); size += sizeof(request) - 1)
		memcpy(many + size, request, sizeof(request) - 1);
	if (p->revents & POLLIN)
		(void)!recv(p->fd, answers, sizeof(answers), MSG_DONTWAIT);
	if (!(p->revents & POLLOUT))
		return;
	n = send(p->fd, many, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	/* the rest of a request that was cut */
	if (n > 0 && n % (ssize_t)(sizeof(request) - 1) != 0)
		(void)!send(p->fd, many + n,
			    sizeof(request) - 1 - (size_t)n % (sizeof(request) - 1), MSG_NOSIGNAL);
}

static _Noreturn void be_greedy(struct pollfd *all)
{
	for (;;) {
		if (poll(all, GREEDY, -1) < 0)
			_exit(1);
		for (unsigned i = 0; i < GREEDY; i++)
			pump(&all[i]);
	}
}

static pid_t start_greedy(const struct server *s, struct pollfd *all)
{
	pid_t pid;

	for (unsigned i = 0; i < GREEDY; i++)
		all[i] = (struct pollfd){ client_connect(FIRST(s)), POLLIN | POLLOUT, 0 };
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		be_greedy(all);
	return pid;
}

/* A busy worker is not taken for a hanging one, nor its clients for harmful ones. */
static void requests__without_end__leave_others_their_answers(void **state)
{
	static struct pollfd greedy[GREEDY];
	struct server *s = server_start(&(struct plan){
		.listen = { "127.0.0.1:0=status", "127.0.0.1:0=ack,framing=line,reply=ok" },
		.set = { "hang_timeout=3s", "log.level=info" },
		.quiet_log = true,
	});
	pid_t pid = start_greedy(s, greedy);
	int fd = client_connect(s->addresses[1]);

	(void)state;
	for (unsigned i = 0; i < MESSAGES; i++) {
		int64_t begun_ms = clock_ms();

		client_say(fd, "hello\n");
		client_hear(fd, "ok\n");
		assert_in_range(clock_ms() - begun_ms, 0, WORST_MS);
	}
	kill(pid, SIGKILL);
	process_reap(pid);
	for (unsigned i = 0; i < GREEDY; i++)
		close(greedy[i].fd);
	close(fd);
	assert_int_equal(server_count(s, "worker_hung", NULL), 0);
	assert_int_equal(server_count(s, "worker_crashed", NULL), 0);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(requests__without_end__leave_others_their_answers),
	};

	return E2E_RUN(tests);
}
