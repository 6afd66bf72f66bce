/* SPDX-License-Identifier: MIT */
/*
 * Lesson: the states of both ends of a connection, from the three segments that open it to the
 * four that close it. Moments that are over at once are held still: by a full accept queue, by
 * TCP_DEFER_ACCEPT, and by bytes that nobody reads, behind which a FIN has to wait.
 */
#include <string.h>

#include "base/sys.h"
#include "demo/counter.h"
#include "demo/dial.h"
#include "demo/flood.h"
#include "demo/ground.h"
#include "demo/kernel.h"
#include "demo/lesson.h"
#include "demo/process.h"
#include "demo/queue.h"

enum { SOON_MS = 5000, MOST = 64, BACKLOG = 8, KERNEL = 1, DEFER_S = 5 };

struct play {
	struct stage *stage;
	struct actor client, server;
	struct addr bound;
	int listener;
	int conn, client_fd; /* the number in the server; in the client */
	struct ends ends;
};

/* A line with nothing but a segment on the wire, and what the server's kernel makes of it. */
static void segment(struct play *p, enum direction direction, const char *label)
{
	stage_arrow(p->stage, direction, label);
	stage_line(p->stage);
}

static bool states(struct play *p, int client, int server)
{
	return evidence_states(p->stage, &p->ends, client, server);
}

/*
 * Has the client connect and notes its socket and both addresses; returns the errno of connect(2).
 */
static int dial(struct play *p, int flags)
{
	struct order dialled = cast_do(p->stage, &p->client, dial_out(&p->bound, flags));

	errno = dialled.error;
	if (dialled.result < 0)
		stage_give_up(p->stage, "socket()");
	p->client_fd = (int)dialled.result;
	p->ends = (struct ends){ .client = dialled.addr, .server = p->bound };
	return dialled.option;
}

static void hang_up(struct play *p, int client_fd)
{
	cast_do(p->stage, &p->client, order_close(client_fd));
}

/* (a) */
static void opening(struct play *p)
{
	struct order sent, unacknowledged, accepted, got;
	unsigned waiting;
	int error;

	stage_scene(p->stage, "(a) three segments open a connection; accept() is none of them");
	p->listener = ground_listen(p->stage, BACKLOG, &p->bound);
	stage_cell(p->stage, p->server.column, "listen() = 0");
	stage_line(p->stage);
	error = dial(p, 0);
	stage_cell(p->stage, STAGE_CLIENT, "connect() ...");
	segment(p, TO_SERVER, "SYN");
	segment(p, TO_CLIENT, "SYN+ACK");
	stage_cell(p->stage, STAGE_CLIENT, "... = %s", error == 0 ? "0" : err_name(error));
	stage_cell(p->stage, KERNEL, "queued");
	segment(p, TO_SERVER, "ACK");
	waiting = queue_await(p->stage, p->listener, 1, 0).length;
	stage_kernel(p->stage, "the listening socket is %s; in its accept queue: %u",
		     sockdiag_state_name(sockdiag_tcp_state(p->listener)), waiting);
	stage_claim(p->stage,
		    states(p, TCP_ESTABLISHED, TCP_ESTABLISHED) && error == 0 && waiting == 1,
		    "both ends are ESTABLISHED, and nobody has called accept(): the kernel shook "
		    "hands alone");

	stage_arrow(p->stage, TO_SERVER, "\"hello\"");
	sent = cast_step(p->stage, &p->client, order_send(p->client_fd, "hello"));
	segment(p, TO_CLIENT, "ACK");
	unacknowledged = cast_do(p->stage, &p->client, dial_await_ack(p->client_fd, SOON_MS));
	stage_kernel(p->stage, "of the client's 5 bytes %d are not acknowledged",
		     (int)unacknowledged.result);
	stage_claim(
		p->stage, sent.result == 5 && unacknowledged.result == 0,
		"the client can send at once, and its bytes are acknowledged by the kernel too");

	accepted = cast_step(p->stage, &p->server, order_accept(p->listener, SOON_MS));
	got = cast_step(p->stage, &p->server, order_recv((int)accepted.result, MOST, SOON_MS));
	stage_claim(p->stage, order_says(&got, "hello"),
		    "accept() only hands over what was ready, with what has arrived since");
	hang_up(p, p->client_fd);
	sys_close((int)accepted.result);
	sys_close(p->listener);
}

/* (b), the client's side: a queue with room for one, which is taken. */
static void holding_syn_sent(struct play *p)
{
	struct queue queue;
	int first, error;

	stage_scene(p->stage, "(b) held still: a SYN that nobody answers");
	p->listener = ground_listen(p->stage, 0, &p->bound);
	stage_cell(p->stage, p->server.column, "listen(0) = 0");
	stage_line(p->stage);
	error = dial(p, 0);
	if (error == 0)
		queue_await(p->stage, p->listener, 1, 0);
	first = p->client_fd;
	stage_cell(p->stage, STAGE_CLIENT, "connect() = %s", error == 0 ? "0" : err_name(error));
	stage_cell(p->stage, KERNEL, "queued");
	segment(p, TO_SERVER, "SYN");
	error = dial(p, SOCK_NONBLOCK);
	queue = queue_await(p->stage, p->listener, 1, 1);
	stage_cell(p->stage, STAGE_CLIENT, "connect() = %s", err_name(error));
	stage_cell(p->stage, KERNEL, "dropped");
	segment(p, TO_SERVER, "SYN");
	stage_kernel(p->stage, "in the accept queue: %u, its limit: %u, dropped: %u", queue.length,
		     queue.limit, queue.drops);
	stage_claim(
		p->stage,
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

	if (counter_setting("net/ipv4/tcp_syncookies", 1) == 2) {
		stage_unknown(p->stage,
			      "net.ipv4.tcp_syncookies is 2, so the kernel notes nothing of a SYN",
			      claim);
		return false;
	}
	if (sys_setsockopt(p->listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds)) <
	    0) {
		stage_unknown(p->stage, "the system has no TCP_DEFER_ACCEPT", claim);
		return false;
	}
	return true;
}

static void holding_syn_recv(struct play *p)
{
	struct order accepted, got;
	bool is_so;

	stage_scene(p->stage, "    and an ACK that is overlooked (TCP_DEFER_ACCEPT)");
	p->listener = ground_listen(p->stage, BACKLOG, &p->bound);
	if (can_defer(p)) {
		stage_cell(p->stage, p->server.column, "listen() = 0");
		stage_line(p->stage);
		stage_cell(p->stage, p->server.column, "DEFER_ACCEPT on");
		stage_line(p->stage);
		is_so = dial(p, 0) == 0;
		stage_cell(p->stage, STAGE_CLIENT, "connect() ...");
		segment(p, TO_SERVER, "SYN");
		segment(p, TO_CLIENT, "SYN+ACK");
		stage_cell(p->stage, STAGE_CLIENT, "... = %s", is_so ? "0" : "-1");
		stage_cell(p->stage, KERNEL, "waits for bytes");
		segment(p, TO_SERVER, "ACK");
		stage_claim(p->stage, states(p, TCP_ESTABLISHED, TCP_SYN_RECV) && is_so,
			    "the client is a step ahead: it is ESTABLISHED with the answer, the "
			    "server's end is in SYN_RECV until the third segment counts");
		stage_arrow(p->stage, TO_SERVER, "\"now\"");
		cast_step(p->stage, &p->client, order_send(p->client_fd, "now"));
		accepted = cast_step(p->stage, &p->server, order_accept(p->listener, SOON_MS));
		got = cast_step(p->stage, &p->server,
				order_recv((int)accepted.result, MOST, SOON_MS));
		stage_claim(p->stage,
			    states(p, TCP_ESTABLISHED, TCP_ESTABLISHED) && got.result == 3,
			    "with the first bytes it is ESTABLISHED too, and accept() gets it");
		sys_close((int)accepted.result);
		hang_up(p, p->client_fd);
	}
	sys_close(p->listener);
}

/* A connection, accepted. Bounded: its buffers are, see flood.h. */
static void begin(struct play *p, const char *heading, bool is_bounded)
{
	struct order accepted;

	stage_scene(p->stage, heading);
	stage_hold(p->stage, STAGE_CLIENT, true);
	p->listener = ground_listen(p->stage, BACKLOG, &p->bound);
	if (is_bounded)
		cast_do(p->stage, &p->server, flood_bound(p->listener));
	errno = dial(p, 0);
	if (errno != 0)
		stage_give_up(p->stage, "connect()");
	if (is_bounded)
		cast_do(p->stage, &p->client, flood_bound(p->client_fd));
	stage_cell(p->stage, STAGE_CLIENT, "connect() = 0");
	stage_arrow(p->stage, TO_SERVER, "SYN");
	accepted = cast_step(p->stage, &p->server, order_accept(p->listener, SOON_MS));
	p->conn = (int)accepted.result;
	if (accepted.result < 0)
		stage_give_up(p->stage, "accept()");
	sys_close(p->listener);
}

/* The end, seen by one who receives. */
static bool sees_end(struct play *p, const struct actor *actor, int fd)
{
	return cast_step(p->stage, actor, order_recv(fd, MOST, SOON_MS)).result == 0;
}

/* (c) */
static void closing(struct play *p)
{
	bool ended, answered;

	begin(p, "(c) four segments close it: the client first", false);
	stage_arrow(p->stage, TO_SERVER, "FIN");
	cast_step(p->stage, &p->client, order_shutdown(p->client_fd, SHUT_WR));
	stage_arrow(p->stage, TO_CLIENT, "ACK");
	ended = sees_end(p, &p->server, p->conn);
	stage_claim(
		p->stage, states(p, TCP_FIN_WAIT2, TCP_CLOSE_WAIT) && ended,
		"the client's FIN is acknowledged (FIN_WAIT2); the server has read the end, and "
		"owes a close() of its own (CLOSE_WAIT)");
	answered = cast_pass(p->stage, TO_CLIENT, &p->server, p->conn, &p->client, p->client_fd,
			     "answer");
	stage_claim(p->stage, answered && states(p, TCP_FIN_WAIT2, TCP_CLOSE_WAIT),
		    "each direction ends by itself: the server can still answer");
	stage_arrow(p->stage, TO_CLIENT, "FIN");
	cast_step(p->stage, &p->server, order_close(p->conn));
	stage_arrow(p->stage, TO_SERVER, "ACK");
	ended = sees_end(p, &p->client, p->client_fd);
	stage_claim(p->stage, states(p, TCP_TIME_WAIT, TCP_CLOSE) && ended,
		    "who sent the first FIN waits in TIME_WAIT, in case the last ACK gets lost; of "
		    "the other end nothing is left");
	hang_up(p, p->client_fd);
}

/* Sends until the other side has no room. False, and told, where it has room for all. */
static bool fill(struct play *p, const struct actor *actor, int fd, enum direction direction,
		 int64_t *sent)
{
	struct order filled;

	stage_arrow(p->stage, direction, "bytes");
	filled = cast_step(p->stage, actor, flood_fill(fd));
	*sent = filled.result;
	stage_kernel(p->stage, "%d of these bytes cannot leave yet: the reader has no more room",
		     filled.option);
	if (filled.result > 0 && filled.option > 0)
		return true;
	stage_unknown(p->stage, "the reader's buffer takes all that can be sent",
		      "a FIN waits behind bytes that are not read");
	return false;
}

/* Reads to the end; true when that is so many bytes later. */
static bool drain(struct play *p, const struct actor *actor, int fd, int64_t sent)
{
	struct order drained = cast_step(p->stage, actor, flood_drain(fd, SOON_MS));

	stage_cell(p->stage, actor->column, "recv() = %s",
		   drained.option == 0 ? "0" : err_name(drained.option));
	stage_line(p->stage);
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
	cast_step(p->stage, &p->server, order_close(p->conn));
	stage_claim(p->stage, states(p, TCP_FIN_WAIT2, TCP_LAST_ACK),
		    "the same the other way: the server's FIN, the last of the two, is on its way: "
		    "LAST_ACK. No process holds that socket any more, the kernel goes on alone");
	stage_arrow(p->stage, TO_CLIENT, "bytes,FIN");
	all = drain(p, &p->client, p->client_fd, sent);
	stage_claim(p->stage, states(p, TCP_TIME_WAIT, TCP_CLOSE) && all,
		    "close() lost nothing: every byte came, then the end, and the client waits");
}

static void holding(struct play *p)
{
	int64_t sent;
	bool all;

	begin(p, "(d) the same, held still: a FIN behind bytes that nobody reads", true);
	if (fill(p, &p->client, p->client_fd, TO_SERVER, &sent)) {
		cast_step(p->stage, &p->client, order_shutdown(p->client_fd, SHUT_WR));
		stage_claim(p->stage, states(p, TCP_FIN_WAIT1, TCP_ESTABLISHED),
			    "a FIN comes after all bytes, and waits with them: FIN_WAIT1, and the "
			    "server cannot know yet");
		stage_arrow(p->stage, TO_SERVER, "bytes,FIN");
		all = drain(p, &p->server, p->conn, sent);
		stage_claim(p->stage, states(p, TCP_FIN_WAIT2, TCP_CLOSE_WAIT) && all,
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
	stage_arrow(p->stage, TO_CLIENT, "FIN");
	cast_step(p->stage, &p->server, order_close(p->conn));
	ended = sees_end(p, &p->client, p->client_fd);
	stage_claim(p->stage, states(p, TCP_CLOSE_WAIT, TCP_FIN_WAIT2) && ended,
		    "the same states with the sides exchanged");
	stage_arrow(p->stage, TO_SERVER, "FIN");
	cast_step(p->stage, &p->client, order_close(p->client_fd));
	stage_claim(p->stage, states(p, TCP_CLOSE, TCP_TIME_WAIT),
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
		cast_step(p->stage, &p->client, order_shutdown(p->client_fd, SHUT_WR));
		cast_step(p->stage, &p->server, order_shutdown(p->conn, SHUT_WR));
		stage_claim(p->stage, states(p, TCP_FIN_WAIT1, TCP_FIN_WAIT1),
			    "both sides have shut down sending, and neither has heard of the "
			    "other's FIN");
		stage_arrow(p->stage, TO_CLIENT, "bytes,FIN");
		all = drain(p, &p->client, p->client_fd, from_server);
		stage_claim(p->stage, states(p, TCP_CLOSING, TCP_FIN_WAIT2) && all,
			    "the client gets a FIN while its own is not acknowledged: CLOSING");
		stage_arrow(p->stage, TO_SERVER, "bytes,FIN");
		all = drain(p, &p->server, p->conn, from_client);
		stage_claim(p->stage, states(p, TCP_TIME_WAIT, TCP_TIME_WAIT) && all,
			    "nobody was second, so both wait in TIME_WAIT");
	}
	hang_up(p, p->client_fd);
	sys_close(p->conn);
}

void lesson_handshake(struct stage *stage)
{
	static const char *const open[] = { "kernel", "server", NULL }, *const close[] = { "server",
											   NULL };
	struct play p = { .stage = stage };

	stage_say(stage,
		  "TCP opens a connection with three segments and closes it with four, and the "
		  "kernels at both ends do that, not the processes. Each end is in a state that "
		  "says which segments it has seen. Most states last for microseconds; here they "
		  "are held still. (\"kernel\" is the server's; a loop of calls is shown as one.)");
	p.client = cast_hire(stage, STAGE_CLIENT, "client");
	stage_cast(stage, open);
	p.server = cast_self(2, "server");
	opening(&p);
	holding_syn_sent(&p);
	holding_syn_recv(&p);
	evidence_need_time_wait(stage);
	stage_cast(stage, close);
	p.server = cast_self(1, "server");
	closing(&p);
	holding(&p);
	closing_by_server(&p);
	closing_both(&p);
	cast_dismiss(stage, &p.client);
}
