/* SPDX-License-Identifier: MIT */
/*
 * Lesson: the states of both ends of a connection, from the three segments that open it to the
 * four that close it. Moments that are over at once are held still: by a full accept queue, by
 * TCP_DEFER_ACCEPT, and by bytes that nobody reads, behind which a FIN has to wait.
 */
#include <string.h>

#include "base/sys.h"
#include "demo/kernel.h"
#include "demo/lesson.h"
#include "demo/process.h"
#include "demo/transfer.h"

enum { SOON_MS = 5000, MOST = 64, BACKLOG = 8, KERNEL = 1, DEFER_S = 5 };

struct play {
	struct output *out;
	struct process client, server;
	struct addr bound;
	int listener;
	int conn, client_fd; /* the number in the server; in the client */
	struct ends ends;
};

/* A line with nothing but a segment on the wire, and what the server's kernel makes of it. */
static void segment(struct play *p, enum direction direction, const char *label)
{
	output_arrow(p->out, direction, label);
	output_line(p->out);
}

static bool states(struct play *p, int client, int server)
{
	return kernel_await_states(p->out, &p->ends, client, server);
}

/*
 * Has the client connect and notes its socket and both addresses; returns the errno of connect(2).
 */
static int dial(struct play *p, int flags)
{
	struct call dialled = process_run(&p->client, call_try_connect(&p->bound, flags));

	errno = dialled.error;
	if (dialled.result < 0)
		output_skip_rest(p->out, "socket()");
	p->client_fd = (int)dialled.result;
	p->ends = (struct ends){ .client = dialled.addr, .server = p->bound };
	return dialled.option;
}

static void hang_up(struct play *p, int client_fd)
{
	process_run(&p->client, call_close(client_fd));
}

/* (a) */
static void opening(struct play *p)
{
	struct call sent, unacknowledged, accepted, got;
	unsigned waiting;
	int error;

	output_scene(p->out, "(a) three segments open a connection; accept() is none of them");
	p->listener = process_listen(p->out, BACKLOG, &p->bound);
	output_cell(p->out, p->server.column, "listen() = 0");
	output_line(p->out);
	error = dial(p, 0);
	output_cell(p->out, OUTPUT_CLIENT, "connect() ...");
	segment(p, TO_SERVER, "SYN");
	segment(p, TO_CLIENT, "SYN+ACK");
	output_cell(p->out, OUTPUT_CLIENT, "... = %s", error == 0 ? "0" : err_name(error));
	output_cell(p->out, KERNEL, "queued");
	segment(p, TO_SERVER, "ACK");
	waiting = kernel_await_queue(p->out, p->listener, 1, 0).length;
	output_kernel(p->out, "the listening socket is %s; in its accept queue: %u",
		      sockdiag_state_name(sockdiag_tcp_state(p->listener)), waiting);
	output_claim(p->out,
		     states(p, TCP_ESTABLISHED, TCP_ESTABLISHED) && error == 0 && waiting == 1,
		     "both ends are ESTABLISHED, and nobody has called accept(): the kernel shook "
		     "hands alone");

	output_arrow(p->out, TO_SERVER, "\"hello\"");
	sent = process_run_line(&p->client, call_send(p->client_fd, "hello"));
	segment(p, TO_CLIENT, "ACK");
	unacknowledged = process_run(&p->client, call_await_ack(p->client_fd, SOON_MS));
	output_kernel(p->out, "of the client's 5 bytes %d are not acknowledged",
		      (int)unacknowledged.result);
	output_claim(
		p->out, sent.result == 5 && unacknowledged.result == 0,
		"the client can send at once, and its bytes are acknowledged by the kernel too");

	accepted = process_run_line(&p->server, call_accept(p->listener, SOON_MS));
	got = process_run_line(&p->server, call_recv((int)accepted.result, MOST, SOON_MS));
	output_claim(p->out, call_received(&got, "hello"),
		     "accept() only hands over what was ready, with what has arrived since");
	hang_up(p, p->client_fd);
	sys_close((int)accepted.result);
	sys_close(p->listener);
}

/* (b), the client's side: a queue with room for one, which is taken. */
static void holding_syn_sent(struct play *p)
{
	struct accept_queue queue;
	int first, error;

	output_scene(p->out, "(b) held still: a SYN that nobody answers");
	p->listener = process_listen(p->out, 0, &p->bound);
	output_cell(p->out, p->server.column, "listen(0) = 0");
	output_line(p->out);
	error = dial(p, 0);
	if (error == 0)
		kernel_await_queue(p->out, p->listener, 1, 0);
	first = p->client_fd;
	output_cell(p->out, OUTPUT_CLIENT, "connect() = %s", error == 0 ? "0" : err_name(error));
	output_cell(p->out, KERNEL, "queued");
	segment(p, TO_SERVER, "SYN");
	error = dial(p, SOCK_NONBLOCK);
	queue = kernel_await_queue(p->out, p->listener, 1, 1);
	output_cell(p->out, OUTPUT_CLIENT, "connect() = %s", err_name(error));
	output_cell(p->out, KERNEL, "dropped");
	segment(p, TO_SERVER, "SYN");
	output_kernel(p->out, "in the accept queue: %u, its limit: %u, dropped: %u", queue.length,
		      queue.limit, queue.drops);
	output_claim(
		p->out,
		states(p, TCP_SYN_SENT, TCP_CLOSE) && error == EINPROGRESS && queue.length == 1 &&
			queue.drops > 0,
		"the queue is full (it holds one more than its limit), so the SYN is dropped: the "
		"client stays in SYN_SENT, and the server's kernel keeps nothing of it (lesson "
		"backlog)");
	hang_up(p, p->client_fd);
	hang_up(p, first);
	sys_close(p->listener);
}

/* (b), the server's side. False, and told, where this kernel does not hold it. */
static bool can_defer(struct play *p)
{
	static const char claim[] = "the server's end waits in SYN_RECV";
	int seconds = DEFER_S;

	if (kernel_sysctl("net/ipv4/tcp_syncookies", 1) == 2) {
		output_skip_claim(
			p->out,
			"net.ipv4.tcp_syncookies is 2, so the kernel notes nothing of a SYN",
			claim);
		return false;
	}
	if (sys_setsockopt(p->listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds)) <
	    0) {
		output_skip_claim(p->out, "the system has no TCP_DEFER_ACCEPT", claim);
		return false;
	}
	return true;
}

static void holding_syn_recv(struct play *p)
{
	struct call accepted, got;
	bool is_so;

	output_scene(p->out, "    and an ACK that is overlooked (TCP_DEFER_ACCEPT)");
	p->listener = process_listen(p->out, BACKLOG, &p->bound);
	if (can_defer(p)) {
		output_cell(p->out, p->server.column, "listen() = 0");
		output_line(p->out);
		output_cell(p->out, p->server.column, "DEFER_ACCEPT on");
		output_line(p->out);
		is_so = dial(p, 0) == 0;
		output_cell(p->out, OUTPUT_CLIENT, "connect() ...");
		segment(p, TO_SERVER, "SYN");
		segment(p, TO_CLIENT, "SYN+ACK");
		output_cell(p->out, OUTPUT_CLIENT, "... = %s", is_so ? "0" : "-1");
		output_cell(p->out, KERNEL, "waits for bytes");
		segment(p, TO_SERVER, "ACK");
		output_claim(p->out, states(p, TCP_ESTABLISHED, TCP_SYN_RECV) && is_so,
			     "the client is a step ahead: it is ESTABLISHED with the answer, the "
			     "server's end is in SYN_RECV until the third segment counts");
		output_arrow(p->out, TO_SERVER, "\"now\"");
		process_run_line(&p->client, call_send(p->client_fd, "now"));
		accepted = process_run_line(&p->server, call_accept(p->listener, SOON_MS));
		got = process_run_line(&p->server, call_recv((int)accepted.result, MOST, SOON_MS));
		output_claim(p->out, states(p, TCP_ESTABLISHED, TCP_ESTABLISHED) && got.result == 3,
			     "with the first bytes it is ESTABLISHED too, and accept() gets it");
		sys_close((int)accepted.result);
		hang_up(p, p->client_fd);
	}
	sys_close(p->listener);
}

/* A connection, accepted. Bounded: its buffers are, see flood.h. */
static void begin(struct play *p, const char *heading, bool is_bounded)
{
	struct call accepted;

	output_scene(p->out, heading);
	output_lifeline(p->out, OUTPUT_CLIENT, true);
	p->listener = process_listen(p->out, BACKLOG, &p->bound);
	if (is_bounded)
		process_run(&p->server, transfer_limit_buffers(p->listener));
	errno = dial(p, 0);
	if (errno != 0)
		output_skip_rest(p->out, "connect()");
	if (is_bounded)
		process_run(&p->client, transfer_limit_buffers(p->client_fd));
	output_cell(p->out, OUTPUT_CLIENT, "connect() = 0");
	output_arrow(p->out, TO_SERVER, "SYN");
	accepted = process_run_line(&p->server, call_accept(p->listener, SOON_MS));
	p->conn = (int)accepted.result;
	if (accepted.result < 0)
		output_skip_rest(p->out, "accept()");
	sys_close(p->listener);
}

/* The end, seen by one who receives. */
static bool sees_end(const struct process *process, int fd)
{
	return process_run_line(process, call_recv(fd, MOST, SOON_MS)).result == 0;
}

/* (c) */
static void closing(struct play *p)
{
	bool ended, answered;

	begin(p, "(c) four segments close it: the client first", false);
	output_arrow(p->out, TO_SERVER, "FIN");
	process_run_line(&p->client, call_shutdown(p->client_fd, SHUT_WR));
	output_arrow(p->out, TO_CLIENT, "ACK");
	ended = sees_end(&p->server, p->conn);
	output_claim(
		p->out, states(p, TCP_FIN_WAIT2, TCP_CLOSE_WAIT) && ended,
		"the client's FIN is acknowledged (FIN_WAIT2); the server has read the end, and "
		"owes a close() of its own (CLOSE_WAIT)");
	answered = process_send_word(TO_CLIENT, &p->server, p->conn, &p->client, p->client_fd,
				     "answer");
	output_claim(p->out, answered && states(p, TCP_FIN_WAIT2, TCP_CLOSE_WAIT),
		     "each direction ends by itself: the server can still answer");
	output_arrow(p->out, TO_CLIENT, "FIN");
	process_run_line(&p->server, call_close(p->conn));
	output_arrow(p->out, TO_SERVER, "ACK");
	ended = sees_end(&p->client, p->client_fd);
	output_claim(
		p->out, states(p, TCP_TIME_WAIT, TCP_CLOSE) && ended,
		"who sent the first FIN waits in TIME_WAIT, in case the last ACK gets lost; of "
		"the other end nothing is left");
	hang_up(p, p->client_fd);
}

/* Sends until the other side has no room. False, and told, where it has room for all. */
static bool fill(struct play *p, const struct process *process, int fd, enum direction direction,
		 int64_t *sent)
{
	struct call filled;

	output_arrow(p->out, direction, "bytes");
	filled = process_run_line(process, transfer_fill(fd));
	*sent = filled.result;
	output_kernel(p->out, "%d of these bytes cannot leave yet: the reader has no more room",
		      filled.option);
	if (filled.result > 0 && filled.option > 0)
		return true;
	output_skip_claim(p->out, "the reader's buffer takes all that can be sent",
			  "a FIN waits behind bytes that are not read");
	return false;
}

/* Reads to the end; true when that is so many bytes later. */
static bool drain(struct play *p, const struct process *process, int fd, int64_t sent)
{
	struct call drained = process_run_line(process, transfer_drain(fd, SOON_MS));

	output_cell(p->out, process->column, "recv() = %s",
		    drained.option == 0 ? "0" : err_name(drained.option));
	output_line(p->out);
	return drained.result == sent && drained.option == 0;
}

/* (d), the second half: the server's own close. */
static void holding_last_ack(struct play *p)
{
	int64_t sent;
	bool all;

	if (!fill(p, &p->server, p->conn, TO_CLIENT, &sent)) {
		sys_close(p->conn);
		return;
	}
	process_run_line(&p->server, call_close(p->conn));
	output_claim(
		p->out, states(p, TCP_FIN_WAIT2, TCP_LAST_ACK),
		"the same the other way: the server's FIN, the last of the two, is on its way: "
		"LAST_ACK. No process holds that socket any more, the kernel goes on alone");
	output_arrow(p->out, TO_CLIENT, "bytes,FIN");
	all = drain(p, &p->client, p->client_fd, sent);
	output_claim(p->out, states(p, TCP_TIME_WAIT, TCP_CLOSE) && all,
		     "close() lost nothing: every byte came, then the end, and the client waits");
}

static void holding(struct play *p)
{
	int64_t sent;
	bool all;

	begin(p, "(d) the same, held still: a FIN behind bytes that nobody reads", true);
	if (fill(p, &p->client, p->client_fd, TO_SERVER, &sent)) {
		process_run_line(&p->client, call_shutdown(p->client_fd, SHUT_WR));
		output_claim(p->out, states(p, TCP_FIN_WAIT1, TCP_ESTABLISHED),
			     "a FIN comes after all bytes, and waits with them: FIN_WAIT1, and the "
			     "server cannot know yet");
		output_arrow(p->out, TO_SERVER, "bytes,FIN");
		all = drain(p, &p->server, p->conn, sent);
		output_claim(p->out, states(p, TCP_FIN_WAIT2, TCP_CLOSE_WAIT) && all,
			     "as soon as the server reads, the rest comes, the FIN last");
		holding_last_ack(p);
	}
	hang_up(p, p->client_fd);
}

/* (e) */
static void closing_by_server(struct play *p)
{
	bool ended;

	begin(p, "(e) who closes first, pays: now the server", false);
	output_arrow(p->out, TO_CLIENT, "FIN");
	process_run_line(&p->server, call_close(p->conn));
	ended = sees_end(&p->client, p->client_fd);
	output_claim(p->out, states(p, TCP_CLOSE_WAIT, TCP_FIN_WAIT2) && ended,
		     "the same states with the sides exchanged");
	output_arrow(p->out, TO_SERVER, "FIN");
	process_run_line(&p->client, call_close(p->client_fd));
	output_claim(p->out, states(p, TCP_CLOSE, TCP_TIME_WAIT),
		     "TIME_WAIT is at the server now, where it holds the port (lesson reuseaddr), "
		     "and the client is free");
}

/* (f): each side's FIN is queued before the other's can leave, so that they must cross. */
static void closing_both(struct play *p)
{
	int64_t from_client, from_server;
	bool all;

	begin(p, "(f) both at once: two FINs that cross", true);
	if (fill(p, &p->client, p->client_fd, TO_SERVER, &from_client) &&
	    fill(p, &p->server, p->conn, TO_CLIENT, &from_server)) {
		process_run_line(&p->client, call_shutdown(p->client_fd, SHUT_WR));
		process_run_line(&p->server, call_shutdown(p->conn, SHUT_WR));
		output_claim(p->out, states(p, TCP_FIN_WAIT1, TCP_FIN_WAIT1),
			     "both sides have shut down sending, and neither has heard of the "
			     "other's FIN");
		output_arrow(p->out, TO_CLIENT, "bytes,FIN");
		all = drain(p, &p->client, p->client_fd, from_server);
		output_claim(p->out, states(p, TCP_CLOSING, TCP_FIN_WAIT2) && all,
			     "the client gets a FIN while its own is not acknowledged: CLOSING");
		output_arrow(p->out, TO_SERVER, "bytes,FIN");
		all = drain(p, &p->server, p->conn, from_client);
		output_claim(p->out, states(p, TCP_TIME_WAIT, TCP_TIME_WAIT) && all,
			     "nobody was second, so both wait in TIME_WAIT");
	}
	hang_up(p, p->client_fd);
	sys_close(p->conn);
}

void lesson_handshake(struct output *out)
{
	static const char *const open[] = { "kernel", "server", NULL }, *const close[] = { "server",
											   NULL };
	struct play p = { .out = out };

	output_paragraph(
		out,
		"TCP opens a connection with three segments and closes it with four, and the "
		"kernels at both ends do that, not the processes. Each end is in a state that "
		"says which segments it has seen. Most states last for microseconds; here they "
		"are held still. (\"kernel\" is the server's; a loop of calls is shown as one.)");
	p.client = process_fork(out, OUTPUT_CLIENT, "client");
	output_columns(out, open);
	p.server = process_self(out, 2, "server");
	opening(&p);
	holding_syn_sent(&p);
	holding_syn_recv(&p);
	kernel_require_time_wait(out);
	output_columns(out, close);
	p.server = process_self(out, 1, "server");
	closing(&p);
	holding(&p);
	closing_by_server(&p);
	closing_both(&p);
	process_stop(&p.client);
}
