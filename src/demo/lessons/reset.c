/* SPDX-License-Identifier: MIT */
/*
 * Lesson: a connection ends in order, by FIN, or at once, by RST. A server that closes too early
 * sends RST; the client's loss by that, how a server lingers instead, SO_LINGER, and the errors of
 * a client that sends to a closed connection.
 */
#include <string.h>

#include "base/sys.h"
#include "demo/kernel.h"
#include "demo/lesson.h"
#include "demo/process.h"
#include "demo/transfer.h"

enum { SOON_MS = 5000, MOST = 64, BACKLOG = 8 };

struct fixture {
	struct diagram *out;
	struct process client, server;
	int conn, client_fd; /* the number in the server; in the client */
	struct ends ends;
};

static struct call receive_at_client(struct fixture *f)
{
	return process_run_line(&f->client, call_recv(f->client_fd, MOST, SOON_MS));
}

static bool failed_with(const struct call *call, int error)
{
	return call->result == -1 && call->error == error;
}

/* True when both ends come to be in these states. */
static bool await_states(struct fixture *f, int client, int server)
{
	return kernel_await_states(f->out, &f->ends, client, server);
}

/* A new connection with limited buffers (transfer.h). */
static void open_connection(struct fixture *f, const char *heading)
{
	struct call connected, accepted;
	struct addr bound;
	int listener;

	diagram_scene(f->out, heading);
	diagram_lifeline(f->out, DIAGRAM_CLIENT, true);
	listener = process_listen(f->out, BACKLOG, &bound);
	process_run(&f->server, transfer_limit_buffers(listener));
	connected = process_run(&f->client, call_try_connect(&bound, 0));
	errno = connected.result < 0 ? connected.error : connected.option;
	if (errno != 0)
		diagram_skip_rest(f->out, "connect()");
	f->client_fd = (int)connected.result;
	process_run(&f->client, transfer_limit_buffers(f->client_fd));
	diagram_cell(f->out, DIAGRAM_CLIENT, "connect() = 0");
	diagram_arrow(f->out, TO_SERVER, "SYN");
	accepted = process_run_line(&f->server, call_accept(listener, SOON_MS));
	f->conn = (int)accepted.result;
	if (accepted.result < 0 || !kernel_ends(f->conn, &f->ends))
		diagram_skip_rest(f->out, "a connection on loopback");
	sys_close(listener);
}

static void close_client(struct fixture *f)
{
	process_run(&f->client, call_close(f->client_fd));
}

/*
 * The client sends two words, of which the server reads the first. True when the second is unread.
 */
static bool send_request(struct fixture *f)
{
	struct call got;
	int unread = -1;

	diagram_arrow(f->out, TO_SERVER, "\"onetwo\"");
	process_run_line(&f->client, call_send(f->client_fd, "onetwo"));
	got = process_run_line(&f->server, call_recv(f->conn, strlen("one"), SOON_MS));
	sys_ioctl(f->conn, FIONREAD, &unread);
	diagram_kernel(f->out, "%d bytes lie unread at the server", unread);
	return call_received(&got, "one") && unread == (int)strlen("two");
}

/*
 * The server answers, and closes with unread bytes. True when the answer arrived and both ends are
 * gone.
 */
static bool answer_and_close(struct fixture *f, const char *heading)
{
	struct call waiting;
	bool is_unread;

	open_connection(f, heading);
	is_unread = send_request(f);
	diagram_arrow(f->out, TO_CLIENT, "\"answer\"");
	process_run_line(&f->server, call_send(f->conn, "answer"));
	waiting = process_run(&f->server, call_await_ack(f->conn, SOON_MS));
	diagram_kernel(f->out, "%d bytes of the answer are not acknowledged by the client's kernel",
		       (int)waiting.result);
	diagram_arrow(f->out, TO_CLIENT, "RST");
	process_run_line(&f->server, call_close(f->conn));
	return await_states(f, TCP_CLOSE, TCP_CLOSE) && is_unread && waiting.result == 0;
}

/* (a) */
static void show_early_close(struct fixture *f)
{
	struct call first, second;
	bool is_gone =
		answer_and_close(f, "(a) the server answers and closes; something is unread");

	diagram_claim(
		f->out, is_gone,
		"close() with unread bytes sends RST, not FIN: \"these bytes reached nobody\". "
		"Both ends are gone at once, without a TIME_WAIT");
	first = receive_at_client(f);
	second = receive_at_client(f);
	diagram_claim(
		f->out, call_received(&first, "answer") && failed_with(&second, ECONNRESET),
		"Linux still gives the client what had arrived before, then ECONNRESET in place "
		"of 0: it cannot know whether that was all");
	close_client(f);
}

static void show_send_after_reset(struct fixture *f)
{
	bool is_gone = answer_and_close(f, "(b) the same, and the client sends once more first");
	struct call sent, first, second;

	sent = process_run_line(&f->client, call_send(f->client_fd, "three"));
	diagram_claim(
		f->out, is_gone && failed_with(&sent, ECONNRESET),
		"its send() fails with ECONNRESET; many a client gives up here, and never reads "
		"why the server had closed");
	first = receive_at_client(f);
	second = receive_at_client(f);
	diagram_claim(
		f->out, call_received(&first, "answer") && second.result == 0,
		"an error is told once: who reads on gets the answer, and then 0, as if nothing "
		"had happened");
	close_client(f);
}

/* Sends until the client has no room. False, and the claim skipped, where it has room for all. */
static bool send_long_answer(struct fixture *f, int64_t *sent)
{
	struct call filled;

	diagram_arrow(f->out, TO_CLIENT, "bytes");
	filled = process_run_line(&f->server, transfer_fill(f->conn));
	*sent = filled.result;
	diagram_kernel(f->out, "%d of these bytes are still in the server's send buffer",
		       filled.option);
	if (filled.result > 0 && filled.option > 0)
		return true;
	diagram_skip_claim(f->out, "the client's buffer takes all that can be sent",
			   "what close() does to bytes that have not left yet");
	return false;
}

/* The client reads to the end or an error, *why; returns the number of bytes. */
static int64_t read_to_end(struct fixture *f, int *why)
{
	struct call drained = process_run_line(&f->client, transfer_drain(f->client_fd, SOON_MS));

	*why = drained.option;
	diagram_cell(f->out, DIAGRAM_CLIENT, "recv() = %s", *why == 0 ? "0" : err_name(*why));
	diagram_line(f->out);
	return drained.result;
}

/* (c) */
static void show_lost_answer(struct fixture *f)
{
	int64_t sent, got;
	bool is_unread;
	int why;

	open_connection(f, "(c) a longer answer, closed in the same way");
	is_unread = send_request(f);
	if (send_long_answer(f, &sent)) {
		diagram_arrow(f->out, TO_CLIENT, "RST");
		process_run_line(&f->server, call_close(f->conn));
		is_unread &= await_states(f, TCP_CLOSE, TCP_CLOSE);
		got = read_to_end(f, &why);
		diagram_claim(
			f->out, is_unread && got < sent && why == ECONNRESET,
			"send() had taken %lld bytes, %lld of them never come: the reset throws "
			"away what the server's kernel had not sent yet",
			(long long)sent, (long long)(sent - got));
	} else {
		sys_close(f->conn);
	}
	close_client(f);
}

/* (d): the server reads the client's bytes until the client has closed too. */
static void linger_until_end(struct fixture *f)
{
	struct call drained;

	diagram_arrow(f->out, TO_SERVER, "FIN");
	process_run_line(&f->client, call_close(f->client_fd));
	drained = process_run_line(&f->server, transfer_drain(f->conn, SOON_MS));
	diagram_cell(f->out, f->server.column, "recv() = %s",
		     drained.option == 0 ? "0" : err_name(drained.option));
	diagram_line(f->out);
	process_run_line(&f->server, call_close(f->conn));
	diagram_claim(
		f->out,
		await_states(f, TCP_CLOSE, -1) && drained.option == 0 &&
			drained.result == (int64_t)strlen("twothree"),
		"it read the rest and threw it away, up to the client's own end: then close() "
		"hurts nobody. This is lingering (prefork-srv: linger_timeout)");
}

static void show_lingering(struct fixture *f)
{
	bool is_unread;
	int64_t sent, got;
	int why;

	open_connection(f, "(d) the same answer, and the server lingers");
	is_unread = send_request(f);
	if (!send_long_answer(f, &sent)) {
		sys_close(f->conn);
		close_client(f);
		return;
	}
	process_run_line(&f->server, call_shutdown(f->conn, SHUT_WR));
	diagram_arrow(f->out, TO_SERVER, "\"three\"");
	process_run_line(&f->client, call_send(f->client_fd, "three"));
	diagram_arrow(f->out, TO_CLIENT, "bytes,FIN");
	got = read_to_end(f, &why);
	diagram_claim(
		f->out, is_unread && got == sent && why == 0,
		"shutdown(WR) says \"that was all\" and keeps the connection: the client may even "
		"send on, gets every byte of the answer, and then the end");
	linger_until_end(f);
}

/* (e) */
static void show_abort(struct fixture *f)
{
	struct call set, got;
	bool is_gone;

	open_connection(f, "(e) a reset by wish: SO_LINGER with a time of 0");
	set = process_run(&f->server, call_set_abort(f->conn));
	diagram_cell(f->out, f->server.column, "SO_LINGER on, 0 s%s", set.result == 0 ? "" : " ?");
	diagram_line(f->out);
	diagram_arrow(f->out, TO_CLIENT, "RST");
	process_run_line(&f->server, call_close(f->conn));
	is_gone = await_states(f, TCP_CLOSE, TCP_CLOSE);
	got = receive_at_client(f);
	diagram_claim(f->out, is_gone && failed_with(&got, ECONNRESET),
		      "nothing was unread, and yet close() sends RST. It spares the server a "
		      "TIME_WAIT, and costs the client whatever is on its way");
	close_client(f);
}

/*
 * The server has read all and closed; the client sends once. True when the reset has come back.
 */
static bool send_after_close(struct fixture *f)
{
	struct call sent;
	bool is_half;

	diagram_arrow(f->out, TO_CLIENT, "FIN");
	process_run_line(&f->server, call_close(f->conn));
	is_half = await_states(f, TCP_CLOSE_WAIT, TCP_FIN_WAIT2);
	diagram_arrow(f->out, TO_SERVER, "\"hello\"");
	sent = process_run_line(&f->client, call_send(f->client_fd, "hello"));
	diagram_arrow(f->out, TO_CLIENT, "RST");
	diagram_line(f->out);
	return await_states(f, TCP_CLOSE, TCP_CLOSE) && is_half &&
	       sent.result == (int64_t)strlen("hello");
}

/* (f) */
static void show_send_after_close(struct fixture *f)
{
	struct call sent;

	open_connection(f, "(f) the client sends to one who has closed");
	diagram_claim(
		f->out, send_after_close(f),
		"the first send() succeeds: a FIN only says that no more will come, and send() "
		"only fills a buffer. The answer is a reset");
	sent = process_run_line(&f->client, call_send(f->client_fd, "hello"));
	diagram_claim(f->out, failed_with(&sent, EPIPE), "the second fails, with EPIPE");
	close_client(f);
}

/* A send with SIGPIPE at its default. */
static void run_send_with_sigpipe(struct call *call)
{
	signal(SIGPIPE, SIG_DFL);
	call->result = sys_send(call->fd, call->bytes, call->size, MSG_DONTWAIT);
}

/* Waits until the client has ended or answered; returns the signal that ended it, or 0. */
static int await_client_death(struct fixture *f)
{
	struct pollfd answer = { .fd = f->client.channel, .events = POLLIN };
	int status = 0;
	char byte;

	if (sys_poll(&answer, 1, SOON_MS) <= 0 ||
	    sys_recv(f->client.channel, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
		return 0;
	while (sys_waitpid(f->client.pid, &status, 0) < 0 && errno == EINTR)
		;
	sys_close(f->client.channel);
	f->client.pid = 0;
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void show_sigpipe(struct fixture *f)
{
	struct call careless;
	bool is_reset;
	int number;

	open_connection(f, "    and a client that has not seen to SIGPIPE");
	is_reset = send_after_close(f);
	careless = call_send(f->client_fd, "hello");
	careless.run = run_send_with_sigpipe;
	process_start_call(&f->client, careless);
	number = await_client_death(f);
	if (number != 0)
		diagram_lifeline(f->out, DIAGRAM_CLIENT, false);
	diagram_cell(f->out, DIAGRAM_CLIENT, number == SIGPIPE ? "killed (SIGPIPE)" : "lives");
	diagram_line(f->out);
	diagram_claim(
		f->out, is_reset && number == SIGPIPE,
		"with EPIPE comes a signal, SIGPIPE, which ends the process in silence: ignore "
		"it, or send with MSG_NOSIGNAL, as the first client did");
}

void lesson_reset(struct diagram *out)
{
	static const char *const names[] = { "server", NULL };
	struct fixture f = { .out = out };

	diagram_paragraph(
		out,
		"A connection should end by FIN: \"I have sent all\", after the last byte. RST "
		"means \"this connection is void\", now, whatever is on its way. A server that "
		"answers before it has read everything, such as \"too long\" or \"not allowed\", "
		"resets its client if it simply closes. (A loop of calls is shown as one.)");
	diagram_columns(out, names);
	f.server = process_self(out, 1, names[0]);
	f.client = process_fork(out, DIAGRAM_CLIENT, "client");
	show_early_close(&f);
	show_send_after_reset(&f);
	show_lost_answer(&f);
	show_lingering(&f);
	show_abort(&f);
	show_send_after_close(&f);
	show_sigpipe(&f);
	if (f.client.pid != 0)
		process_stop(&f.client);
}
