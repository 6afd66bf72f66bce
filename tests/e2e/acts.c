/* SPDX-License-Identifier: MIT */
/* Plays servers. It checks what the server sees; test_endings.c checks the client and the log. */
#include "acts.h"

#include <poll.h>
#include <sys/socket.h>

#include "client.h"
#include "process.h"

#define ANSWER "the whole answer"

static int accept_question(struct scene *x)
{
	int fd = upstream_accept(&x->u);

	client_hear(fd, QUESTION);
	return fd;
}

void act_answer_and_end(struct scene *x)
{
	int fd = accept_question(x);

	client_say(fd, ANSWER);
	close(fd);
}

/* Longer than idle_timeout in all. */
void act_answer_slowly(struct scene *x)
{
	int fd = accept_question(x);

	for (const char *at = ANSWER; *at != '\0'; at++) {
		client_send(fd, at, 1);
		poll(NULL, 0, 50);
	}
	close(fd);
}

void act_reset_unread(struct scene *x)
{
	client_reset(upstream_accept(&x->u));
}

void act_read_one_and_reset(struct scene *x)
{
	int fd = upstream_accept(&x->u);

	client_expect(fd, QUESTION, 1);
	client_reset(fd);
}

/* The reset comes when the client's side has the bytes. */
void act_answer_and_reset(struct scene *x)
{
	int fd = accept_question(x);

	client_say(fd, ANSWER);
	WAIT_UNTIL(x->s, recv(x->client, &(char[sizeof(ANSWER)]){ 0 }, sizeof(ANSWER),
			      MSG_PEEK | MSG_DONTWAIT) == sizeof(ANSWER) - 1);
	client_reset(fd);
}

void act_end_early_and_read_on(struct scene *x)
{
	int fd = accept_question(x);

	client_say(fd, ANSWER);
	client_half_close(fd);
	WAIT_UNTIL(x->s, recv(x->client, &(char[sizeof(ANSWER)]){ 0 }, sizeof(ANSWER),
			      MSG_PEEK | MSG_DONTWAIT) == sizeof(ANSWER) - 1);
	client_say(x->client, "more");
	client_hear(fd, "more");
	client_half_close(x->client);
	client_expect_end(fd);
	close(fd);
}

void act_stay_silent(struct scene *x)
{
	x->other = accept_question(x);
}

void act_stay_silent_after_the_end(struct scene *x)
{
	x->other = accept_question(x);
	client_half_close(x->client);
	client_expect_end(x->other);
}

/* Its own process has the connection. */
void act_stop_process(struct scene *x)
{
	kill(x->u.pid, SIGSTOP);
	WAIT_UNTIL(x->s, process_is_stopped(x->u.pid));
}

void act_stop_after_answer(struct scene *x)
{
	WAIT_UNTIL(x->s, recv(x->client, &(char[sizeof(QUESTION)]){ 0 }, sizeof(QUESTION),
			      MSG_PEEK | MSG_DONTWAIT) == sizeof(QUESTION) - 1);
	act_stop_process(x);
}

void act_kill_after_answer(struct scene *x)
{
	WAIT_UNTIL(x->s, recv(x->client, &(char[sizeof(QUESTION)]){ 0 }, sizeof(QUESTION),
			      MSG_PEEK | MSG_DONTWAIT) == sizeof(QUESTION) - 1);
	kill(x->u.pid, SIGKILL);
}

/* It has what it does not read: its kernel resets the connection. */
void act_kill_with_unread_bytes(struct scene *x)
{
	WAIT_UNTIL(x->s, recv(x->client, &(char[sizeof(QUESTION)]){ 0 }, sizeof(QUESTION),
			      MSG_PEEK | MSG_DONTWAIT) == sizeof(QUESTION) - 1);
	act_stop_process(x);
	client_say(x->client, "unread");
	server_wait_event(x->s, "connection_opened", NULL);
	WAIT_UNTIL(x->s, upstream_figure(x->s, x->u.address, "upstream_bytes_out_total") ==
				 (int64_t)strlen(QUESTION "unread"));
	kill(x->u.pid, SIGKILL);
}

/* Until no more is taken; returns the error that ends it earlier. */
static int send_too_much(int from)
{
	static char bytes[65536];
	struct pollfd p = { .fd = from, .events = POLLOUT };

	while (poll(&p, 1, 200) == 1)
		if (send(from, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
		    errno != EAGAIN)
			return errno;
	return 0;
}

void act_take_nothing(struct scene *x)
{
	x->other = upstream_accept(&x->u);
	x->send_error = send_too_much(x->client);
}

void act_send_to_a_client_that_takes_nothing(struct scene *x)
{
	x->other = accept_question(x);
	(void)send_too_much(x->other);
	server_wait_event(x->s, "connection_ended", NULL);
}

void act_fail_checks(struct scene *x)
{
	server_wait_event(x->s, "upstream_failed", "reason=upstream_refused");
}

void act_drain(struct scene *x)
{
	const char *const arguments[] = { "-p", x->s->pid_file, "-s", "drain", x->u.address, NULL };
	char said[512];

	if (harness_run(said, sizeof(said), arguments) != 0)
		server_fail(x->s, "-s drain: %s", said);
}

void act_take_the_place(struct scene *x)
{
	x->other = client_connect(FIRST(x->s));
	close(upstream_accept(&x->u)); /* its connection counts while the client's side is open */
	server_wait_event(x->s, "connection_opened", NULL);
}

void act_free_the_place(struct scene *x)
{
	WAIT_UNTIL(x->s, upstream_figure(x->s, x->u.address, "upstream_connections_waiting") == 1);
	close(x->other);
	x->other = -1;
	act_answer_and_end(x);
}
