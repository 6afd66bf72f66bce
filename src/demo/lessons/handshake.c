/* SPDX-License-Identifier: MIT */
/*
 * Lesson: the states of both ends of a connection, from the three segments that open it to the
 * four that close it. States that last for microseconds are held: by a full accept queue, by
 * TCP_DEFER_ACCEPT, and by unread bytes, behind which a FIN has to wait.
 */
#include <string.h>

#include "base/sys.h"
#include "demo/kernel.h"
#include "demo/lesson.h"
#include "demo/process.h"
#include "demo/transfer.h"

enum { SOON_MS = 5000, MOST = 64, BACKLOG = 8, KERNEL = 1, DEFER_S = 5 };

struct fixture {
	struct output *out;
	struct process client, server;
	struct addr bound;
	int listener;
	int conn, client_fd; /* the number in the server; in the client */
	struct ends ends;
};

/* Draws a segment on the wire, with the cells put before. */
static void draw_segment(struct fixture *f, enum direction direction, const char *label)
{
	output_arrow(f->out, direction, label);
	output_line(f->out);
}

static bool await_states(struct fixture *f, int client, int server)
{
	return kernel_await_states(f->out, &f->ends, client, server);
}

/* The client connects. Sets client_fd and both addresses; returns the errno of connect(2). */
static int connect_client(struct fixture *f, int flags)
{
	struct call connected = process_run(&f->client, call_try_connect(&f->bound, flags));

	errno = connected.error;
	if (connected.result < 0)
		output_skip_rest(f->out, "socket()");
	f->client_fd = (int)connected.result;
	f->ends = (struct ends){ .client = connected.addr, .server = f->bound };
	return connected.option;
}

static void close_client(struct fixture *f, int client_fd)
{
	process_run(&f->client, call_close(client_fd));
}

/* (a) */
static void show_opening(struct fixture *f)
{
	struct call sent, unacknowledged, accepted, got;
	unsigned waiting;
	int error;

	output_scene(f->out, "(a) three segments open a connection; accept() is none of them");
	f->listener = process_listen(f->out, BACKLOG, &f->bound);
	output_cell(f->out, f->server.column, "listen() = 0");
	output_line(f->out);
	error = connect_client(f, 0);
	output_cell(f->out, OUTPUT_CLIENT, "connect() ...");
	draw_segment(f, TO_SERVER, "SYN");
	draw_segment(f, TO_CLIENT, "SYN+ACK");
	output_cell(f->out, OUTPUT_CLIENT, "... = %s", error == 0 ? "0" : err_name(error));
	output_cell(f->out, KERNEL, "queued");
	draw_segment(f, TO_SERVER, "ACK");
	waiting = kernel_await_queue(f->out, f->listener, 1, 0).length;
	output_kernel(f->out, "the listening socket is %s; in its accept queue: %u",
		      sockdiag_state_name(sockdiag_tcp_state(f->listener)), waiting);
	output_claim(f->out,
		     await_states(f, TCP_ESTABLISHED, TCP_ESTABLISHED) && error == 0 &&
			     waiting == 1,
		     "both ends are ESTABLISHED, and nobody has called accept(): the kernel shook "
		     "hands alone");

	output_arrow(f->out, TO_SERVER, "\"hello\"");
	sent = process_run_line(&f->client, call_send(f->client_fd, "hello"));
	draw_segment(f, TO_CLIENT, "ACK");
	unacknowledged = process_run(&f->client, call_await_ack(f->client_fd, SOON_MS));
	output_kernel(f->out, "of the client's 5 bytes %d are not acknowledged",
		      (int)unacknowledged.result);
	output_claim(
		f->out, sent.result == 5 && unacknowledged.result == 0,
		"the client can send at once, and its bytes are acknowledged by the kernel too");

	accepted = process_run_line(&f->server, call_accept(f->listener, SOON_MS));
	got = process_run_line(&f->server, call_recv((int)accepted.result, MOST, SOON_MS));
	output_claim(f->out, call_received(&got, "hello"),
		     "accept() only hands over what was ready, with what has arrived since");
	close_client(f, f->client_fd);
	sys_close((int)accepted.result);
	sys_close(f->listener);
}

/* (b), the client's side: the queue has room for one connection and is full. */
static void hold_syn_sent(struct fixture *f)
{
	struct accept_queue queue;
	int first, error;

	output_scene(f->out, "(b) held still: a SYN that nobody answers");
	f->listener = process_listen(f->out, 0, &f->bound);
	output_cell(f->out, f->server.column, "listen(0) = 0");
	output_line(f->out);
	error = connect_client(f, 0);
	if (error == 0)
		kernel_await_queue(f->out, f->listener, 1, 0);
	first = f->client_fd;
	output_cell(f->out, OUTPUT_CLIENT, "connect() = %s", error == 0 ? "0" : err_name(error));
	output_cell(f->out, KERNEL, "queued");
	draw_segment(f, TO_SERVER, "SYN");
	error = connect_client(f, SOCK_NONBLOCK);
	queue = kernel_await_queue(f->out, f->listener, 1, 1);
	output_cell(f->out, OUTPUT_CLIENT, "connect() = %s", err_name(error));
	output_cell(f->out, KERNEL, "dropped");
	draw_segment(f, TO_SERVER, "SYN");
	output_kernel(f->out, "in the accept queue: %u, its limit: %u, dropped: %u", queue.length,
		      queue.limit, queue.drops);
	output_claim(
		f->out,
		await_states(f, TCP_SYN_SENT, TCP_CLOSE) && error == EINPROGRESS &&
			queue.length == 1 && queue.drops > 0,
		"the queue is full (it holds one more than its limit), so the SYN is dropped: the "
		"client stays in SYN_SENT, and the server's kernel keeps nothing of it (lesson "
		"backlog)");
	close_client(f, f->client_fd);
	close_client(f, first);
	sys_close(f->listener);
}

/* (b), the server's side. False, and the claim skipped, where this kernel cannot hold the state. */
static bool defer_accept(struct fixture *f)
{
	static const char claim[] = "the server's end waits in SYN_RECV";
	int seconds = DEFER_S;

	if (kernel_sysctl("net/ipv4/tcp_syncookies", 1) == 2) {
		output_skip_claim(
			f->out,
			"net.ipv4.tcp_syncookies is 2, so the kernel notes nothing of a SYN",
			claim);
		return false;
	}
	if (sys_setsockopt(f->listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds)) <
	    0) {
		output_skip_claim(f->out, "the system has no TCP_DEFER_ACCEPT", claim);
		return false;
	}
	return true;
}

static void hold_syn_recv(struct fixture *f)
{
	struct call accepted, got;
	bool is_so;

	output_scene(f->out, "    and an ACK that is overlooked (TCP_DEFER_ACCEPT)");
	f->listener = process_listen(f->out, BACKLOG, &f->bound);
	if (defer_accept(f)) {
		output_cell(f->out, f->server.column, "listen() = 0");
		output_line(f->out);
		output_cell(f->out, f->server.column, "DEFER_ACCEPT on");
		output_line(f->out);
		is_so = connect_client(f, 0) == 0;
		output_cell(f->out, OUTPUT_CLIENT, "connect() ...");
		draw_segment(f, TO_SERVER, "SYN");
		draw_segment(f, TO_CLIENT, "SYN+ACK");
		output_cell(f->out, OUTPUT_CLIENT, "... = %s", is_so ? "0" : "-1");
		output_cell(f->out, KERNEL, "waits for bytes");
		draw_segment(f, TO_SERVER, "ACK");
		output_claim(f->out, await_states(f, TCP_ESTABLISHED, TCP_SYN_RECV) && is_so,
			     "the client is a step ahead: it is ESTABLISHED with the answer, the "
			     "server's end is in SYN_RECV until the third segment counts");
		output_arrow(f->out, TO_SERVER, "\"now\"");
		process_run_line(&f->client, call_send(f->client_fd, "now"));
		accepted = process_run_line(&f->server, call_accept(f->listener, SOON_MS));
		got = process_run_line(&f->server, call_recv((int)accepted.result, MOST, SOON_MS));
		output_claim(f->out,
			     await_states(f, TCP_ESTABLISHED, TCP_ESTABLISHED) && got.result == 3,
			     "with the first bytes it is ESTABLISHED too, and accept() gets it");
		sys_close((int)accepted.result);
		close_client(f, f->client_fd);
	}
	sys_close(f->listener);
}

/* A connection, accepted. is_bounded: with limited buffers, see transfer.h. */
static void open_connection(struct fixture *f, const char *heading, bool is_bounded)
{
	struct call accepted;

	output_scene(f->out, heading);
	output_lifeline(f->out, OUTPUT_CLIENT, true);
	f->listener = process_listen(f->out, BACKLOG, &f->bound);
	if (is_bounded)
		process_run(&f->server, transfer_limit_buffers(f->listener));
	errno = connect_client(f, 0);
	if (errno != 0)
		output_skip_rest(f->out, "connect()");
	if (is_bounded)
		process_run(&f->client, transfer_limit_buffers(f->client_fd));
	output_cell(f->out, OUTPUT_CLIENT, "connect() = 0");
	output_arrow(f->out, TO_SERVER, "SYN");
	accepted = process_run_line(&f->server, call_accept(f->listener, SOON_MS));
	f->conn = (int)accepted.result;
	if (accepted.result < 0)
		output_skip_rest(f->out, "accept()");
	sys_close(f->listener);
}

/* True when recv() in that process returns 0. */
static bool reads_end(const struct process *process, int fd)
{
	return process_run_line(process, call_recv(fd, MOST, SOON_MS)).result == 0;
}

/* (c) */
static void show_closing(struct fixture *f)
{
	bool ended, answered;

	open_connection(f, "(c) four segments close it: the client first", false);
	output_arrow(f->out, TO_SERVER, "FIN");
	process_run_line(&f->client, call_shutdown(f->client_fd, SHUT_WR));
	output_arrow(f->out, TO_CLIENT, "ACK");
	ended = reads_end(&f->server, f->conn);
	output_claim(
		f->out, await_states(f, TCP_FIN_WAIT2, TCP_CLOSE_WAIT) && ended,
		"the client's FIN is acknowledged (FIN_WAIT2); the server has read the end, and "
		"owes a close() of its own (CLOSE_WAIT)");
	answered = process_send_word(TO_CLIENT, &f->server, f->conn, &f->client, f->client_fd,
				     "answer");
	output_claim(f->out, answered && await_states(f, TCP_FIN_WAIT2, TCP_CLOSE_WAIT),
		     "each direction ends by itself: the server can still answer");
	output_arrow(f->out, TO_CLIENT, "FIN");
	process_run_line(&f->server, call_close(f->conn));
	output_arrow(f->out, TO_SERVER, "ACK");
	ended = reads_end(&f->client, f->client_fd);
	output_claim(
		f->out, await_states(f, TCP_TIME_WAIT, TCP_CLOSE) && ended,
		"who sent the first FIN waits in TIME_WAIT, in case the last ACK gets lost; of "
		"the other end nothing is left");
	close_client(f, f->client_fd);
}

/*
 * Sends until the other side has no room. False, and the claim skipped, where it has room for all.
 */
static bool fill_buffers(struct fixture *f, const struct process *process, int fd,
			 enum direction direction, int64_t *sent)
{
	struct call filled;

	output_arrow(f->out, direction, "bytes");
	filled = process_run_line(process, transfer_fill(fd));
	*sent = filled.result;
	output_kernel(f->out, "%d of these bytes cannot leave yet: the reader has no more room",
		      filled.option);
	if (filled.result > 0 && filled.option > 0)
		return true;
	output_skip_claim(f->out, "the reader's buffer takes all that can be sent",
			  "a FIN waits behind bytes that are not read");
	return false;
}

/* Reads to the end; true when these were all bytes sent. */
static bool read_to_end(struct fixture *f, const struct process *process, int fd, int64_t sent)
{
	struct call drained = process_run_line(process, transfer_drain(fd, SOON_MS));

	output_cell(f->out, process->column, "recv() = %s",
		    drained.option == 0 ? "0" : err_name(drained.option));
	output_line(f->out);
	return drained.result == sent && drained.option == 0;
}

/* (d), the second half: the server closes. */
static void hold_last_ack(struct fixture *f)
{
	int64_t sent;
	bool all;

	if (!fill_buffers(f, &f->server, f->conn, TO_CLIENT, &sent)) {
		sys_close(f->conn);
		return;
	}
	process_run_line(&f->server, call_close(f->conn));
	output_claim(
		f->out, await_states(f, TCP_FIN_WAIT2, TCP_LAST_ACK),
		"the same the other way: the server's FIN, the last of the two, is on its way: "
		"LAST_ACK. No process holds that socket any more, the kernel goes on alone");
	output_arrow(f->out, TO_CLIENT, "bytes,FIN");
	all = read_to_end(f, &f->client, f->client_fd, sent);
	output_claim(f->out, await_states(f, TCP_TIME_WAIT, TCP_CLOSE) && all,
		     "close() lost nothing: every byte came, then the end, and the client waits");
}

static void hold_closing_states(struct fixture *f)
{
	int64_t sent;
	bool all;

	open_connection(f, "(d) the same, held still: a FIN behind bytes that nobody reads", true);
	if (fill_buffers(f, &f->client, f->client_fd, TO_SERVER, &sent)) {
		process_run_line(&f->client, call_shutdown(f->client_fd, SHUT_WR));
		output_claim(f->out, await_states(f, TCP_FIN_WAIT1, TCP_ESTABLISHED),
			     "a FIN comes after all bytes, and waits with them: FIN_WAIT1, and the "
			     "server cannot know yet");
		output_arrow(f->out, TO_SERVER, "bytes,FIN");
		all = read_to_end(f, &f->server, f->conn, sent);
		output_claim(f->out, await_states(f, TCP_FIN_WAIT2, TCP_CLOSE_WAIT) && all,
			     "as soon as the server reads, the rest comes, the FIN last");
		hold_last_ack(f);
	}
	close_client(f, f->client_fd);
}

/* (e) */
static void show_closing_by_server(struct fixture *f)
{
	bool ended;

	open_connection(f, "(e) who closes first, pays: now the server", false);
	output_arrow(f->out, TO_CLIENT, "FIN");
	process_run_line(&f->server, call_close(f->conn));
	ended = reads_end(&f->client, f->client_fd);
	output_claim(f->out, await_states(f, TCP_CLOSE_WAIT, TCP_FIN_WAIT2) && ended,
		     "the same states with the sides exchanged");
	output_arrow(f->out, TO_SERVER, "FIN");
	process_run_line(&f->client, call_close(f->client_fd));
	output_claim(f->out, await_states(f, TCP_CLOSE, TCP_TIME_WAIT),
		     "TIME_WAIT is at the server now, where it holds the port (lesson reuseaddr), "
		     "and the client is free");
}

/* (f): each side's FIN is queued before the other side's can leave, so they must cross. */
static void show_simultaneous_close(struct fixture *f)
{
	int64_t from_client, from_server;
	bool all;

	open_connection(f, "(f) both at once: two FINs that cross", true);
	if (fill_buffers(f, &f->client, f->client_fd, TO_SERVER, &from_client) &&
	    fill_buffers(f, &f->server, f->conn, TO_CLIENT, &from_server)) {
		process_run_line(&f->client, call_shutdown(f->client_fd, SHUT_WR));
		process_run_line(&f->server, call_shutdown(f->conn, SHUT_WR));
		output_claim(f->out, await_states(f, TCP_FIN_WAIT1, TCP_FIN_WAIT1),
			     "both sides have shut down sending, and neither has heard of the "
			     "other's FIN");
		output_arrow(f->out, TO_CLIENT, "bytes,FIN");
		all = read_to_end(f, &f->client, f->client_fd, from_server);
		output_claim(f->out, await_states(f, TCP_CLOSING, TCP_FIN_WAIT2) && all,
			     "the client gets a FIN while its own is not acknowledged: CLOSING");
		output_arrow(f->out, TO_SERVER, "bytes,FIN");
		all = read_to_end(f, &f->server, f->conn, from_client);
		output_claim(f->out, await_states(f, TCP_TIME_WAIT, TCP_TIME_WAIT) && all,
			     "nobody was second, so both wait in TIME_WAIT");
	}
	close_client(f, f->client_fd);
	sys_close(f->conn);
}

void lesson_handshake(struct output *out)
{
	static const char *const open[] = { "kernel", "server", NULL }, *const close[] = { "server",
											   NULL };
	struct fixture f = { .out = out };

	output_paragraph(
		out,
		"TCP opens a connection with three segments and closes it with four, and the "
		"kernels at both ends do that, not the processes. Each end is in a state that "
		"says which segments it has seen. Most states last for microseconds; here they "
		"are held still. (\"kernel\" is the server's; a loop of calls is shown as one.)");
	f.client = process_fork(out, OUTPUT_CLIENT, "client");
	output_columns(out, open);
	f.server = process_self(out, 2, "server");
	show_opening(&f);
	hold_syn_sent(&f);
	hold_syn_recv(&f);
	kernel_require_time_wait(out);
	output_columns(out, close);
	f.server = process_self(out, 1, "server");
	show_closing(&f);
	hold_closing_states(&f);
	show_closing_by_server(&f);
	show_simultaneous_close(&f);
	process_stop(&f.client);
}
