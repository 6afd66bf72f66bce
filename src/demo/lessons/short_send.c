/* SPDX-License-Identifier: MIT */
/*
 * Lesson: send() puts bytes into the send buffer and returns how many found room. A client sends 8
 * MiB to a server that does not read: without blocking, in the loop that sends the rest, blocking,
 * interrupted by a signal; last, the loss of bytes that were "sent" to a process that dies.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/sys.h"
#include "demo/lesson.h"
#include "demo/process.h"
#include "demo/transfer.h"

enum {
	SIZE = 8 << 20,
	LAST_WORDS = 1000,
	SOON_MS = 5000,
	AGAIN_MS = 10,
	CALLS_MOST = 10000,
	SMALL = 65536
};

static const char in_one[] = "send(8 MiB)";

/*
 * The third number of net.ipv4.tcp_wmem or tcp_rmem: the maximum size of such a buffer. SIZE where
 * it cannot be read.
 */
static int64_t read_largest_buffer(const char *path)
{
	char text[128], *next = text;
	int64_t most = 0;

	if (!file_read_path(path, text, sizeof(text)))
		return SIZE;
	for (int i = 0; i < 3; i++)
		most = strtoll(next, &next, 10);
	return most;
}

/* A claim that needs full buffers. It is skipped where the buffers may hold all bytes, and did. */
static void claim_buffers_full(struct process_pair *p, bool holds, const struct call *sent,
			       const char *claim)
{
	int64_t room = read_largest_buffer("/proc/sys/net/ipv4/tcp_wmem") +
		       read_largest_buffer("/proc/sys/net/ipv4/tcp_rmem");

	if (sent->result == SIZE && room >= SIZE)
		output_skip_claim(p->out, "the buffers of this system took all 8 MiB at once", "%s",
				  claim);
	else
		output_claim(p->out, holds, "%s", claim);
}

/* Sends the rest until there is no room; adds the bytes to *sent and counts the calls. */
static struct call fill_buffers(struct process_pair *p, int64_t *sent, unsigned *calls)
{
	struct call more;

	do {
		more = process_run(&p->client, transfer_send("send(rest)", p->client_fd, *sent,
							     (size_t)(SIZE - *sent), MSG_DONTWAIT));
		*sent += more.result > 0 ? more.result : 0;
	} while (more.result > 0 && *sent < SIZE && ++*calls < CALLS_MOST);
	return more;
}

/* Waits until no byte is on its way. True when each is in one of the two buffers. */
static bool locate_bytes(struct process_pair *p, int64_t sent)
{
	int64_t until_ms = clock_ms() + SOON_MS;
	struct call theirs, ours;

	do {
		theirs = process_run(&p->client, call_unacknowledged(p->client_fd));
		ours = process_run(&p->server, call_unread(p->conn, 0, 0));
	} while (theirs.result + ours.result != sent && clock_ms() < until_ms &&
		 sys_poll(NULL, 0, 1) >= 0);
	output_kernel(p->out,
		      "%lld bytes wait in the client's send buffer (SIOCOUTQ), %lld in the "
		      "server's receive buffer (SIOCINQ)",
		      (long long)theirs.result, (long long)ours.result);
	return theirs.result >= 0 && ours.result > 0 && theirs.result + ours.result == sent;
}

/* (a); returns the number of bytes sent. */
static int64_t show_one_send(struct process_pair *p)
{
	struct call first, last;
	unsigned calls = 0;
	int64_t sent;

	process_pair_open(p, "(a) one send(), without blocking, and nobody reads");
	first = process_run_line(&p->client,
				 transfer_send(in_one, p->client_fd, 0, SIZE, MSG_DONTWAIT));
	claim_buffers_full(
		p, first.result > 0 && first.result < SIZE, &first,
		"one send() of 8,388,608 bytes took less: what it returns is what counts");
	sent = first.result > 0 ? first.result : 0;
	last = first;
	if (sent < SIZE)
		last = fill_buffers(p, &sent, &calls);
	if (calls > 0) {
		output_cell(p->out, OUTPUT_CLIENT, "%u more, %lld in all", calls, (long long)sent);
		output_line(p->out);
	}
	if (last.result < 0) {
		output_cell(p->out, OUTPUT_CLIENT, "send(rest) = %s", err_name(last.error));
		output_line(p->out);
	}
	claim_buffers_full(
		p, last.result == -1 && last.error == EAGAIN, &first,
		"with the buffers full it is -1 and EAGAIN: no error, but \"no room now\"");
	output_claim(p->out, locate_bytes(p, sent),
		     "the server has not called recv() once: every byte that was \"sent\" lies in "
		     "one of two buffers");
	return sent;
}

/* A small send buffer: the loop below has to go round more than once. */
static void run_set_send_buffer(struct call *call)
{
	call->result = sys_setsockopt(call->fd, SOL_SOCKET, SO_SNDBUF, &call->option,
				      sizeof(call->option));
}

static struct call make_set_send_buffer(int fd, int size)
{
	return (struct call){
		.run = run_set_send_buffer, .name = "setsockopt(SNDBUF)", .fd = fd, .option = size
	};
}

static const char *format_times(int count, char *text)
{
	if (count == 1)
		return "once";
	snprintf(text, CALL_TEXT, "%d times", count);
	return text;
}

/* (b) */
static void show_send_loop(struct process_pair *p, int64_t sent)
{
	struct call rest, got, set;
	char text[CALL_TEXT];

	output_scene(p->out, "(b) the loop: poll() until there is room, then send the rest");
	set = process_run(&p->client, make_set_send_buffer(p->client_fd, SMALL));
	output_cell(p->out, OUTPUT_CLIENT, "SO_SNDBUF: 64 KiB%s", set.result == 0 ? "" : " ?");
	output_line(p->out);
	process_start_call(&p->client,
			   transfer_send_all(p->client_fd, sent, (size_t)(SIZE - sent)));
	got = process_run(&p->server, transfer_recv_all(p->conn, 0, SIZE, SOON_MS));
	if (!process_await_result(&p->client, &rest, SOON_MS))
		rest = (struct call){ .result = -1, .error = ETIMEDOUT };
	output_cell(p->out, OUTPUT_CLIENT, "send(rest) %s", format_times(rest.option, text));
	output_arrow(p->out, TO_SERVER, "bytes");
	output_cell(p->out, p->server.column, "recv() %s", format_times(got.option, text));
	output_line(p->out);
	output_cell(p->out, OUTPUT_CLIENT, "sum: %lld", (long long)(sent + rest.result));
	output_cell(p->out, p->server.column, "sum: %lld", (long long)got.result);
	output_line(p->out);
	output_claim(p->out, sent + rest.result == SIZE && got.result == SIZE,
		     "all 8,388,608 bytes arrived, in order, each compared with what was sent");
}

/* Starts a send that blocks; returns when the client sleeps in it, or has returned from it. */
static void start_blocking_send(struct process_pair *p, struct call call)
{
	process_start_call(&p->client, call);
	process_await_sleep(&p->client);
	output_cell(p->out, OUTPUT_CLIENT, "%s ...", in_one);
	output_line(p->out);
}

/* (c) */
static void show_blocking_send(struct process_pair *p)
{
	struct call sent = { .result = 0 }, got;
	char text[CALL_TEXT];
	bool is_back;

	output_scene(p->out, "(c) the same with a socket that blocks");
	start_blocking_send(p, transfer_send(in_one, p->client_fd, SIZE, SIZE, 0));
	is_back = process_await_result(&p->client, &sent, 0);
	output_kernel(p->out, "the client %s", is_back ? "has returned" : "sleeps in send()");
	claim_buffers_full(p, !is_back, &sent,
			   "a blocking send() does not return while there is no room for the rest");
	got = process_run(&p->server, transfer_recv_all(p->conn, SIZE, SIZE, SOON_MS));
	output_cell(p->out, p->server.column, "recv() %s = %lld", format_times(got.option, text),
		    (long long)got.result);
	output_arrow(p->out, TO_SERVER, "bytes");
	output_line(p->out);
	if (!is_back && !process_await_result(&p->client, &sent, SOON_MS))
		sent = (struct call){ .result = -1, .error = ETIMEDOUT };
	output_cell(p->out, OUTPUT_CLIENT, "... = %lld", (long long)sent.result);
	output_line(p->out);
	output_claim(p->out, sent.result == SIZE && got.result == SIZE,
		     "when the server had read enough it came back, with everything in one call");
}

static void ignore_signal(int number)
{
	(void)number;
}

/* SIGUSR1 is blocked after the call: it must not interrupt the wait for the next call. */
static void run_interruptible_send(struct call *call)
{
	struct sigaction action = { .sa_handler = ignore_signal };
	struct call send = transfer_send(in_one, call->fd, 0, SIZE, 0);
	sigset_t usr1;

	sigemptyset(&action.sa_mask);
	sigaction(SIGUSR1, &action, NULL);
	call_run(&send);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sys_sigprocmask(SIG_BLOCK, &usr1, NULL);
	call->result = send.result;
	errno = send.error;
}

/* Signals until the call has returned: the first may come just before the client sleeps again. */
static struct call interrupt_send(struct process_pair *p)
{
	int64_t until_ms = clock_ms() + SOON_MS;
	struct call sent;
	bool is_back;

	do {
		if (sys_kill(p->client.pid, SIGUSR1) < 0)
			output_skip_rest(p->out, "kill()");
		is_back = process_await_result(&p->client, &sent, AGAIN_MS);
	} while (!is_back && clock_ms() < until_ms);
	return is_back ? sent : (struct call){ .result = -1, .error = ETIMEDOUT };
}

/* (d) */
static void show_interrupted_send(struct process_pair *p)
{
	struct call sent, got;
	char text[CALL_TEXT];

	process_pair_open(p, "(d) a signal comes while it blocks");
	start_blocking_send(p, (struct call){ .run = run_interruptible_send,
					      .name = in_one,
					      .fd = p->client_fd });
	sent = interrupt_send(p);
	output_cell(p->out, OUTPUT_CLIENT, "SIGUSR1: ... = %lld", (long long)sent.result);
	output_line(p->out);
	claim_buffers_full(
		p, sent.result > 0 && sent.result < SIZE, &sent,
		"the blocking send() took less too: there is no send() without the loop");
	got = process_run(&p->server,
			  transfer_recv_all(p->conn, 0, (size_t)(sent.result > 0 ? sent.result : 1),
					    SOON_MS));
	output_cell(p->out, p->server.column, "recv() %s = %lld", format_times(got.option, text),
		    (long long)got.result);
	output_arrow(p->out, TO_SERVER, "bytes");
	output_line(p->out);
	output_claim(p->out, got.result == sent.result,
		     "what it returned is exact: the server got so many bytes, and the rest is "
		     "still to be sent");
	process_pair_close(p);
}

/* The server becomes a process that can be killed; it alone holds the connection. */
static void fork_server(struct process_pair *p)
{
	p->server = process_fork(p->out, p->server.column, "server");
	sys_close(p->conn);
}

/* (e) */
static void show_lost_bytes(struct process_pair *p)
{
	static const char acknowledged[] = "the server's kernel has acknowledged every byte, its "
					   "process has read none";
	struct call sent, left, unread, late, later;
	bool is_over;

	process_pair_open(p, "(e) \"sent\" is not \"received\": the server dies before it reads");
	fork_server(p);
	output_arrow(p->out, TO_SERVER, "bytes");
	sent = process_run_line(&p->client,
				transfer_send("send(1000)", p->client_fd, 0, LAST_WORDS, 0));
	left = process_run(&p->client, call_await_ack(p->client_fd, SOON_MS));
	unread = process_run(&p->server, call_unread(p->conn, LAST_WORDS, SOON_MS));
	output_kernel(p->out,
		      "%lld bytes wait in the send buffer, %lld in the server's receive buffer",
		      (long long)left.result, (long long)unread.result);
	if (sent.result == LAST_WORDS && left.result > 0 && unread.result < LAST_WORDS)
		output_skip_claim(p->out,
				  "the receive buffer is smaller than 1,000 bytes "
				  "(net.ipv4.tcp_rmem)",
				  "%s", acknowledged);
	else
		output_claim(p->out,
			     sent.result == LAST_WORDS && left.result == 0 &&
				     unread.result == LAST_WORDS,
			     "%s", acknowledged);
	process_kill(&p->server);
	p->conn = -1;
	output_cell(p->out, p->server.column, "killed (SIGKILL)");
	output_arrow(p->out, TO_CLIENT, "RST");
	output_line(p->out);
	is_over = kernel_await_states(p->out, &p->ends, TCP_CLOSE, TCP_CLOSE);
	late = process_run_line(&p->client, transfer_send("send(1)", p->client_fd, LAST_WORDS, 1,
							  MSG_DONTWAIT));
	later = process_run_line(&p->client, transfer_send("send(1)", p->client_fd, LAST_WORDS, 1,
							   MSG_DONTWAIT));
	output_claim(p->out,
		     is_over && late.result == -1 && late.error == ECONNRESET &&
			     later.error == EPIPE,
		     "the send() that lost them had said 1000: only a later call tells of it, so "
		     "what matters needs an answer from the other program");
	process_pair_close(p);
}

void lesson_short_send(struct output *out)
{
	struct process_pair p = { .out = out };
	int64_t sent;

	output_paragraph(
		out,
		"send() copies bytes into the send buffer of its own kernel, as many as there is "
		"room for, and returns how many that were. TCP carries them to the receive "
		"buffer of the other kernel, where they lie until a process calls recv(). A "
		"client here sends 8 MiB to a server that does not read.");
	sent = show_one_send(&p);
	show_send_loop(&p, sent);
	show_blocking_send(&p);
	process_pair_close(&p);
	show_interrupted_send(&p);
	show_lost_bytes(&p);
}
