/* SPDX-License-Identifier: MIT */
/*
 * Lesson: a connection ends in order, by FIN, or at once, by RST. A server that closes too early,
 * or wants to, sends RST; what the client loses by that, how a server lingers instead, and what a
 * client meets that sends to one who has gone.
 */
#include <string.h>

#include "base/sys.h"
#include "demo/kernel.h"
#include "demo/lesson.h"
#include "demo/process.h"
#include "demo/transfer.h"

enum { SOON_MS = 5000, MOST = 64, BACKLOG = 8 };

struct play {
	struct output *out;
	struct process client, server;
	int conn, client_fd; /* the number in the server; in the client */
	struct ends ends;
};

static struct call hears(struct play *p)
{
	return process_run_line(&p->client, call_recv(p->client_fd, MOST, SOON_MS));
}

static bool failed(const struct call *call, int error)
{
	return call->result == -1 && call->error == error;
}

/* True when it is so, what the wire has still to bring included. */
static bool states(struct play *p, int client, int server)
{
	return kernel_await_states(p->out, &p->ends, client, server);
}

/* A new connection, its buffers bounded (flood.h). */
static void begin(struct play *p, const char *heading)
{
	struct call dialled, accepted;
	struct addr bound;
	int listener;

	output_scene(p->out, heading);
	output_lifeline(p->out, OUTPUT_CLIENT, true);
	listener = process_listen(p->out, BACKLOG, &bound);
	process_run(&p->server, transfer_limit_buffers(listener));
	dialled = process_run(&p->client, call_try_connect(&bound, 0));
	errno = dialled.result < 0 ? dialled.error : dialled.option;
	if (errno != 0)
		output_skip_rest(p->out, "connect()");
	p->client_fd = (int)dialled.result;
	process_run(&p->client, transfer_limit_buffers(p->client_fd));
	output_cell(p->out, OUTPUT_CLIENT, "connect() = 0");
	output_arrow(p->out, TO_SERVER, "SYN");
	accepted = process_run_line(&p->server, call_accept(listener, SOON_MS));
	p->conn = (int)accepted.result;
	if (accepted.result < 0 || !kernel_ends(p->conn, &p->ends))
		output_skip_rest(p->out, "a connection on loopback");
	sys_close(listener);
}

static void hang_up(struct play *p)
{
	process_run(&p->client, call_close(p->client_fd));
}

/*
 * The client sends two words, of which the server reads the first. True when that left the second.
 */
static bool ask(struct play *p)
{
	struct call got;
	int unread = -1;

	output_arrow(p->out, TO_SERVER, "\"onetwo\"");
	process_run_line(&p->client, call_send(p->client_fd, "onetwo"));
	got = process_run_line(&p->server, call_recv(p->conn, strlen("one"), SOON_MS));
	sys_ioctl(p->conn, FIONREAD, &unread);
	output_kernel(p->out, "%d bytes lie unread at the server", unread);
	return call_received(&got, "one") && unread == (int)strlen("two");
}

/*
 * The server answers, and closes on what it has not read. True when the answer arrived and both
 * ends are gone.
 */
static bool answer_and_close(struct play *p, const char *heading)
{
	struct call waiting;
	bool is_unread;

	begin(p, heading);
	is_unread = ask(p);
	output_arrow(p->out, TO_CLIENT, "\"answer\"");
	process_run_line(&p->server, call_send(p->conn, "answer"));
	waiting = process_run(&p->server, call_await_ack(p->conn, SOON_MS));
	output_kernel(p->out, "%d bytes of the answer are not acknowledged by the client's kernel",
		      (int)waiting.result);
	output_arrow(p->out, TO_CLIENT, "RST");
	process_run_line(&p->server, call_close(p->conn));
	return states(p, TCP_CLOSE, TCP_CLOSE) && is_unread && waiting.result == 0;
}

/* (a) */
static void closing_early(struct play *p)
{
	struct call first, second;
	bool is_gone =
		answer_and_close(p, "(a) the server answers and closes; something is unread");

	output_claim(
		p->out, is_gone,
		"close() with unread bytes sends RST, not FIN: \"these bytes reached nobody\". "
		"Both ends are gone at once, without a TIME_WAIT");
	first = hears(p);
	second = hears(p);
	output_claim(
		p->out, call_received(&first, "answer") && failed(&second, ECONNRESET),
		"Linux still gives the client what had arrived before, then ECONNRESET in place "
		"of 0: it cannot know whether that was all");
	hang_up(p);
}

static void sending_on(struct play *p)
{
	bool is_gone = answer_and_close(p, "(b) the same, and the client sends once more first");
	struct call sent, first, second;

	sent = process_run_line(&p->client, call_send(p->client_fd, "three"));
	output_claim(
		p->out, is_gone && failed(&sent, ECONNRESET),
		"its send() fails with ECONNRESET; many a client gives up here, and never reads "
		"why the server had closed");
	first = hears(p);
	second = hears(p);
	output_claim(
		p->out, call_received(&first, "answer") && second.result == 0,
		"an error is told once: who reads on gets the answer, and then 0, as if nothing "
		"had happened");
	hang_up(p);
}

/* Bytes until the client has no room. False, and told, where it has room for all. */
static bool answer_much(struct play *p, int64_t *sent)
{
	struct call filled;

	output_arrow(p->out, TO_CLIENT, "bytes");
	filled = process_run_line(&p->server, transfer_fill(p->conn));
	*sent = filled.result;
	output_kernel(p->out, "%d of these bytes are still in the server's send buffer",
		      filled.option);
	if (filled.result > 0 && filled.option > 0)
		return true;
	output_skip_claim(p->out, "the client's buffer takes all that can be sent",
			  "what close() does to bytes that have not left yet");
	return false;
}

/* The client reads until nothing more comes: so many bytes; *why is what ended it. */
static int64_t hear_all(struct play *p, int *why)
{
	struct call drained = process_run_line(&p->client, transfer_drain(p->client_fd, SOON_MS));

	*why = drained.option;
	output_cell(p->out, OUTPUT_CLIENT, "recv() = %s", *why == 0 ? "0" : err_name(*why));
	output_line(p->out);
	return drained.result;
}

/* (c) */
static void losing(struct play *p)
{
	int64_t sent, got;
	bool is_unread;
	int why;

	begin(p, "(c) a longer answer, closed in the same way");
	is_unread = ask(p);
	if (answer_much(p, &sent)) {
		output_arrow(p->out, TO_CLIENT, "RST");
		process_run_line(&p->server, call_close(p->conn));
		is_unread &= states(p, TCP_CLOSE, TCP_CLOSE);
		got = hear_all(p, &why);
		output_claim(
			p->out, is_unread && got < sent && why == ECONNRESET,
			"send() had taken %lld bytes, %lld of them never come: the reset throws "
			"away what the server's kernel had not sent yet",
			(long long)sent, (long long)(sent - got));
	} else {
		sys_close(p->conn);
	}
	hang_up(p);
}

/* (d): the server reads what the client still sends, until the client has closed too. */
static void linger(struct play *p)
{
	struct call drained;

	output_arrow(p->out, TO_SERVER, "FIN");
	process_run_line(&p->client, call_close(p->client_fd));
	drained = process_run_line(&p->server, transfer_drain(p->conn, SOON_MS));
	output_cell(p->out, p->server.column, "recv() = %s",
		    drained.option == 0 ? "0" : err_name(drained.option));
	output_line(p->out);
	process_run_line(&p->server, call_close(p->conn));
	output_claim(p->out,
		     states(p, TCP_CLOSE, -1) && drained.option == 0 &&
			     drained.result == (int64_t)strlen("twothree"),
		     "it read the rest and threw it away, up to the client's own end: then close() "
		     "hurts nobody. This is lingering (prefork-srv: linger_timeout)");
}

static void lingering(struct play *p)
{
	bool is_unread;
	int64_t sent, got;
	int why;

	begin(p, "(d) the same answer, and the server lingers");
	is_unread = ask(p);
	if (!answer_much(p, &sent)) {
		sys_close(p->conn);
		hang_up(p);
		return;
	}
	process_run_line(&p->server, call_shutdown(p->conn, SHUT_WR));
	output_arrow(p->out, TO_SERVER, "\"three\"");
	process_run_line(&p->client, call_send(p->client_fd, "three"));
	output_arrow(p->out, TO_CLIENT, "bytes,FIN");
	got = hear_all(p, &why);
	output_claim(
		p->out, is_unread && got == sent && why == 0,
		"shutdown(WR) says \"that was all\" and keeps the connection: the client may even "
		"send on, gets every byte of the answer, and then the end");
	linger(p);
}

/* SO_LINGER with no time: close() is to abort. */
static void do_set_abort(struct call *call)
{
	struct linger abort = { .l_onoff = 1, .l_linger = 0 };

	call->result = sys_setsockopt(call->fd, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
}

/* (e) */
static void aborting(struct play *p)
{
	struct call set, got;
	bool is_gone;

	begin(p, "(e) a reset by wish: SO_LINGER with a time of 0");
	set = process_run(&p->server, (struct call){ .run = do_set_abort,
						     .name = "setsockopt()",
						     .fd = p->conn });
	output_cell(p->out, p->server.column, "SO_LINGER on, 0 s%s", set.result == 0 ? "" : " ?");
	output_line(p->out);
	output_arrow(p->out, TO_CLIENT, "RST");
	process_run_line(&p->server, call_close(p->conn));
	is_gone = states(p, TCP_CLOSE, TCP_CLOSE);
	got = hears(p);
	output_claim(p->out, is_gone && failed(&got, ECONNRESET),
		     "nothing was unread, and yet close() sends RST. It spares the server a "
		     "TIME_WAIT, and costs the client whatever is on its way");
	hang_up(p);
}

/*
 * The server has read all and closed; the client sends once. True when the reset for that has
 * come.
 */
static bool send_to_nobody(struct play *p)
{
	struct call sent;
	bool is_half;

	output_arrow(p->out, TO_CLIENT, "FIN");
	process_run_line(&p->server, call_close(p->conn));
	is_half = states(p, TCP_CLOSE_WAIT, TCP_FIN_WAIT2);
	output_arrow(p->out, TO_SERVER, "\"hello\"");
	sent = process_run_line(&p->client, call_send(p->client_fd, "hello"));
	output_arrow(p->out, TO_CLIENT, "RST");
	output_line(p->out);
	return states(p, TCP_CLOSE, TCP_CLOSE) && is_half &&
	       sent.result == (int64_t)strlen("hello");
}

/* (f) */
static void sending_late(struct play *p)
{
	struct call sent;

	begin(p, "(f) the client sends to one who has closed");
	output_claim(
		p->out, send_to_nobody(p),
		"the first send() succeeds: a FIN only says that no more will come, and send() "
		"only fills a buffer. The answer is a reset");
	sent = process_run_line(&p->client, call_send(p->client_fd, "hello"));
	output_claim(p->out, failed(&sent, EPIPE), "the second fails, with EPIPE");
	hang_up(p);
}

/* A send by a process that has done nothing about SIGPIPE. */
static void do_careless_send(struct call *call)
{
	signal(SIGPIPE, SIG_DFL);
	call->result = sys_send(call->fd, call->bytes, call->size, MSG_DONTWAIT);
}

/* Waits until the client has ended or answered; the signal that ended it, 0 when none did. */
static int await_death(struct play *p)
{
	struct pollfd answer = { .fd = p->client.channel, .events = POLLIN };
	int status = 0;
	char byte;

	if (sys_poll(&answer, 1, SOON_MS) <= 0 ||
	    sys_recv(p->client.channel, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
		return 0;
	while (sys_waitpid(p->client.pid, &status, 0) < 0 && errno == EINTR)
		;
	sys_close(p->client.channel);
	p->client.pid = 0;
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void dying_of_it(struct play *p)
{
	struct call careless;
	bool is_reset;
	int number;

	begin(p, "    and a client that has not seen to SIGPIPE");
	is_reset = send_to_nobody(p);
	careless = call_send(p->client_fd, "hello");
	careless.run = do_careless_send;
	process_start_call(&p->client, careless);
	number = await_death(p);
	if (number != 0)
		output_lifeline(p->out, OUTPUT_CLIENT, false);
	output_cell(p->out, OUTPUT_CLIENT, number == SIGPIPE ? "killed (SIGPIPE)" : "lives");
	output_line(p->out);
	output_claim(
		p->out, is_reset && number == SIGPIPE,
		"with EPIPE comes a signal, SIGPIPE, which ends the process in silence: ignore "
		"it, or send with MSG_NOSIGNAL, as the first client did");
}

void lesson_reset(struct output *out)
{
	static const char *const names[] = { "server", NULL };
	struct play p = { .out = out };

	output_paragraph(
		out,
		"A connection should end by FIN: \"I have sent all\", after the last byte. RST "
		"means \"this connection is void\", now, whatever is on its way. A server that "
		"answers before it has read everything, such as \"too long\" or \"not allowed\", "
		"resets its client if it simply closes. (A loop of calls is shown as one.)");
	output_columns(out, names);
	p.server = process_self(out, 1, names[0]);
	p.client = process_fork(out, OUTPUT_CLIENT, "client");
	closing_early(&p);
	sending_on(&p);
	losing(&p);
	lingering(&p);
	aborting(&p);
	sending_late(&p);
	dying_of_it(&p);
	if (p.client.pid != 0)
		process_stop(&p.client);
}
