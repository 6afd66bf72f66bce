/* SPDX-License-Identifier: MIT */
/*
 * Lesson: close() drops one process's reference to a socket, shutdown() changes the connection for
 * all who hold it. A master accepts a connection and forks three workers that share it; last, what
 * this server makes of it: a keeper that shares the worker's table of descriptors.
 */
#include <string.h>

#include "base/sys.h"
#include "demo/ground.h"
#include "demo/kernel.h"
#include "demo/lesson.h"
#include "demo/process.h"

enum { WORKERS = 3, HOLDERS = 1 + WORKERS, SOON_MS = 5000, MOST = 64 };

/* Who plays, and the connection that it is about. */
struct play {
	struct stage *stage;
	struct actor client;
	struct actor all[HOLDERS]; /* the master, then the workers */
	struct addr bound;
	int listener;
	int conn, client_fd; /* the number in master and workers; in the client */
	uint64_t inode;      /* of the socket that is counted */
	struct ends ends;
};

static const char *const names[] = { "master", "worker 1", "worker 2", "worker 3", NULL };

/* Without this call there is nothing to show. */
static void need(struct play *p, const struct order *order)
{
	errno = order->error;
	if (order->result < 0)
		stage_give_up(p->stage, order->call);
}

static void hire_workers(struct play *p)
{
	for (unsigned i = 1; i < HOLDERS; i++) {
		p->all[i] = cast_hire(p->stage, 1 + i, names[i]);
		stage_hold(p->stage, 1 + i, true);
	}
}

/* The client connects, and that one accepts. */
static void meet(struct play *p, const struct actor *server)
{
	struct order connected, accepted;

	connected = cast_play(p->stage, &p->client, order_connect(&p->bound));
	stage_arrow(p->stage, TO_SERVER, "SYN");
	accepted = cast_step(p->stage, server, order_accept(p->listener, SOON_MS));
	p->client_fd = (int)connected.result;
	p->conn = (int)accepted.result;
	need(p, &connected);
	need(p, &accepted);
}

/* The client first: nobody else may hold its end. */
static void begin(struct play *p, const char *heading)
{
	stage_cast(p->stage, names);
	stage_scene(p->stage, heading);
	p->all[0] = cast_self(1, names[0]);
	p->listener = ground_listen(p->stage, 8, &p->bound);
	p->client = cast_hire(p->stage, STAGE_CLIENT, "client");
	for (unsigned i = 1; i < HOLDERS; i++)
		stage_hold(p->stage, 1 + i, false);
	meet(p, &p->all[0]);
	if (!evidence_ends(p->conn, &p->ends))
		stage_give_up(p->stage, "getpeername()");
	p->inode = evidence_inode(p->stage, p->conn);
	sys_close(p->listener);
	hire_workers(p);
	stage_cell(p->stage, 1, "fork() three times");
	stage_line(p->stage);
}

static void finish(struct play *p)
{
	for (unsigned i = 1; i < HOLDERS; i++)
		cast_dismiss(p->stage, &p->all[i]);
	sys_close(p->conn);
	cast_dismiss(p->stage, &p->client);
}

static unsigned holders(struct play *p)
{
	return cast_holders(p->stage, p->inode, p->all, HOLDERS);
}

static bool client_hears(struct play *p, unsigned from, const char *word)
{
	return cast_pass(p->stage, TO_CLIENT, &p->all[from], p->conn, &p->client, p->client_fd,
			 word);
}

static bool client_says(struct play *p, unsigned to, const char *word)
{
	return cast_pass(p->stage, TO_SERVER, &p->client, p->client_fd, &p->all[to], p->conn, word);
}

/* Nothing to receive, and the connection stands. */
static bool client_sees_nothing(struct play *p)
{
	struct order look = cast_step(p->stage, &p->client, order_recv(p->client_fd, MOST, 0));

	return evidence_states(p->stage, &p->ends, TCP_ESTABLISHED, TCP_ESTABLISHED) &&
	       look.error == EAGAIN;
}

static bool client_sees_end(struct play *p)
{
	stage_arrow(p->stage, TO_CLIENT, "FIN");
	return cast_step(p->stage, &p->client, order_recv(p->client_fd, MOST, SOON_MS)).result == 0;
}

static void let_go(struct play *p, unsigned who)
{
	cast_step(p->stage, &p->all[who], order_close(p->conn));
}

static void closing(struct play *p)
{
	unsigned before, after;

	begin(p, "(a) a worker closes its descriptor");
	before = holders(p);
	let_go(p, 1);
	after = holders(p);
	stage_claim(p->stage, before == 4 && after == 3,
		    "close() took one reference: %u holders became %u", before, after);
	stage_claim(p->stage, client_sees_nothing(p), "the client notices nothing");
	stage_claim(p->stage, client_hears(p, 2, "hello") && client_says(p, 3, "thanks"),
		    "the other workers still send and receive");
}

static void closing_on(struct play *p)
{
	unsigned left;

	stage_scene(p->stage, "(b) and the next, until one holder is left");
	let_go(p, 2);
	let_go(p, 3);
	left = holders(p);
	stage_claim(p->stage, left == 1,
		    "one holder is left, the master, which never touched the connection");
	stage_claim(p->stage, client_sees_nothing(p) && client_hears(p, 0, "I am"),
		    "for the client nothing has changed: the last holder serves it");
}

static void closing_last(struct play *p)
{
	unsigned left;
	bool ended;

	stage_scene(p->stage, "(c) and the last one");
	let_go(p, 0);
	ended = client_sees_end(p);
	left = holders(p);
	stage_claim(p->stage, left == 0 && ended,
		    "with the last reference the server's side ends: FIN, and the client's "
		    "recv() returns 0");
	stage_claim(p->stage, evidence_states(p->stage, &p->ends, TCP_CLOSE_WAIT, TCP_FIN_WAIT2),
		    "the server's side has sent its FIN, the client has not yet");
	finish(p);
}

/* (d): what one worker's shutdown() does to all. */
static void shutting_writes(struct play *p)
{
	struct order sent;
	unsigned left;
	bool ended;

	begin(p, "(d) from the start: a worker shuts down sending");
	cast_step(p->stage, &p->all[1], order_shutdown(p->conn, SHUT_WR));
	ended = client_sees_end(p);
	left = holders(p);
	stage_claim(p->stage, ended && left == HOLDERS,
		    "shutdown(SHUT_WR) took no reference, and yet the client sees the end at once");
	sent = cast_step(p->stage, &p->all[2], order_send(p->conn, "hello"));
	stage_claim(p->stage, sent.result == -1 && sent.error == EPIPE,
		    "it holds for all: another worker's send() fails with EPIPE");
	stage_claim(p->stage, client_says(p, 3, "and I?"),
		    "the client's side is open still (half-close): its bytes arrive");
	stage_claim(p->stage, evidence_states(p->stage, &p->ends, TCP_CLOSE_WAIT, TCP_FIN_WAIT2),
		    "a half-closed connection: CLOSE_WAIT may still send, FIN_WAIT2 only receives");
	finish(p);
}

static void shutting_reads(struct play *p)
{
	struct order got;

	begin(p, "(e) a worker shuts down receiving");
	cast_step(p->stage, &p->all[1], order_shutdown(p->conn, SHUT_RD));
	got = cast_step(p->stage, &p->all[2], order_recv(p->conn, MOST, SOON_MS));
	stage_claim(p->stage, got.result == 0,
		    "after shutdown(SHUT_RD) recv() returns 0 in every process that holds it");
	stage_claim(p->stage, client_sees_nothing(p),
		    "nothing goes over the wire: the client cannot know");
	stage_claim(p->stage, client_hears(p, 3, "hello") && client_says(p, 2, "to you"),
		    "Linux goes on: sending works, and what the client sends is still received");
	finish(p);
}

static void shutting_both(struct play *p)
{
	struct order sent, got;
	bool ended;

	begin(p, "    and one shuts down both ways");
	cast_step(p->stage, &p->all[1], order_shutdown(p->conn, SHUT_RDWR));
	ended = client_sees_end(p);
	sent = cast_step(p->stage, &p->all[2], order_send(p->conn, "hello"));
	got = cast_step(p->stage, &p->all[3], order_recv(p->conn, MOST, SOON_MS));
	stage_claim(p->stage, ended && sent.error == EPIPE && got.result == 0,
		    "after shutdown(SHUT_RDWR) nobody can send or receive, though all hold it");
	stage_claim(p->stage, holders(p) == HOLDERS, "and not one reference has gone");
	stage_arrow(p->stage, TO_SERVER, "\"late\"");
	cast_step(p->stage, &p->client, order_send(p->client_fd, "late"));
	stage_arrow(p->stage, TO_CLIENT, "RST");
	stage_line(p->stage);
	stage_claim(p->stage, evidence_states(p->stage, &p->ends, TCP_CLOSE, TCP_CLOSE),
		    "what the client sends now is answered with a reset, which ends both sides");
	finish(p);
}

static struct order accepts(struct play *p, unsigned who)
{
	return cast_step(p->stage, &p->all[who], order_accept(p->listener, SOON_MS));
}

/* Worker 1 has closed it, worker 3 has just come back from it. */
static void claim_refused_to_all(struct play *p)
{
	unsigned refused = 1, held;
	struct order accepted;

	for (unsigned i = 0; i <= 2; i += 2) {
		accepted = accepts(p, i);
		refused += accepted.result == -1 && accepted.error == EINVAL;
	}
	held = holders(p);
	stage_claim(p->stage, refused == HOLDERS - 1 && held == refused,
		    "so it is in the master and worker 2 too: accept() fails in all %u that hold "
		    "the socket",
		    held);
}

static void listening(struct play *p)
{
	struct order accepted, knocked;

	stage_cast(p->stage, names);
	stage_scene(p->stage, "(f) the same with the listening socket: a worker closes it");
	p->client = cast_hire(p->stage, STAGE_CLIENT, "client");
	p->all[0] = cast_self(1, names[0]);
	p->listener = ground_listen(p->stage, 8, &p->bound);
	p->inode = evidence_inode(p->stage, p->listener);
	hire_workers(p);
	cast_step(p->stage, &p->all[1], order_close(p->listener));
	stage_arrow(p->stage, TO_SERVER, "SYN");
	cast_step(p->stage, &p->client, order_connect(&p->bound));
	accepted = accepts(p, 2);
	stage_claim(p->stage, holders(p) == HOLDERS - 1 && accepted.result >= 0,
		    "close() in one worker harms nobody: another accepts the next client");

	stage_scene(p->stage, "    and a worker shuts it down");
	if (sys_fcntl_int(p->listener, F_SETFL, 0) < 0)
		stage_give_up(p->stage, "fcntl()");
	cast_begin(p->stage, &p->all[3], order_accept(p->listener, 0));
	cast_await_sleep(p->stage, &p->all[3]);
	stage_cell(p->stage, 4, "accept() ...");
	stage_line(p->stage);
	cast_step(p->stage, &p->all[2], order_shutdown(p->listener, SHUT_RDWR));
	if (!cast_end(p->stage, &p->all[3], &accepted, SOON_MS)) {
		accepted = (struct order){ .result = 0, .error = ETIMEDOUT };
		cast_kill(p->stage, &p->all[3]);
	}
	sys_fcntl_int(p->listener, F_SETFL, O_NONBLOCK);
	stage_cell(p->stage, 4, "... = %s", err_name(accepted.error));
	stage_line(p->stage);
	stage_claim(p->stage, accepted.result == -1 && accepted.error == EINVAL,
		    "worker 3 waited in accept(): it comes back with EINVAL");
	claim_refused_to_all(p);
	stage_arrow(p->stage, TO_SERVER, "SYN");
	stage_line(p->stage);
	stage_arrow(p->stage, TO_CLIENT, "RST");
	stage_line(p->stage);
	knocked = cast_step(p->stage, &p->client, order_connect(&p->bound));
	stage_claim(p->stage, knocked.result == -1 && knocked.error == ECONNREFUSED,
		    "nobody can connect now: servers close a listening socket, never shut it down");
	p->conn = p->listener;
	finish(p);
}

/* A worker accepts by itself and has read half of what came when it dies. True: it got there. */
static bool begin_crash(struct play *p, const char *heading)
{
	struct order got;

	stage_scene(p->stage, heading);
	meet(p, &p->all[1]);
	stage_arrow(p->stage, TO_SERVER, "\"onetwo\"");
	cast_step(p->stage, &p->client, order_send(p->client_fd, "onetwo"));
	got = cast_step(p->stage, &p->all[1], order_recv(p->conn, strlen("one"), SOON_MS));
	return got.result == (int64_t)strlen("one");
}

static void die(struct play *p)
{
	cast_kill(p->stage, &p->all[1]);
	stage_cell(p->stage, 2, "killed (SIGKILL)");
	stage_line(p->stage);
}

static void crash_alone(struct play *p)
{
	struct order look;

	p->all[1] = cast_hire(p->stage, 2, "worker");
	stage_hold(p->stage, 1, false);
	begin_crash(p, "(g) a worker dies, and nobody else holds its connection");
	die(p);
	stage_arrow(p->stage, TO_CLIENT, "RST");
	look = cast_step(p->stage, &p->client, order_recv(p->client_fd, MOST, SOON_MS));
	stage_claim(p->stage, look.result == -1 && look.error == ECONNRESET,
		    "the kernel closes what a dead process held: the client has lost its "
		    "connection (by a reset, for \"two\" was never read)");
	cast_do(p->stage, &p->client, order_close(p->client_fd));
}

static void crash_kept(struct play *p)
{
	bool began, quiet;
	struct order got;

	p->all[1] = cast_hire_sharing(p->stage, 2, "worker");
	stage_hold(p->stage, 1, true);
	began = begin_crash(p, "    and now a keeper shares its table of descriptors");
	p->inode = evidence_inode(p->stage, p->conn);
	if (!evidence_ends(p->conn, &p->ends))
		stage_give_up(p->stage, "getpeername()");
	stage_claim(p->stage, began && cast_holders(p->stage, p->inode, p->all, 2) == 2,
		    "what the worker accepted is in the keeper's table too: it is the same table "
		    "(CLONE_FILES)");
	die(p);
	quiet = client_sees_nothing(p);
	stage_claim(p->stage, quiet && cast_holders(p->stage, p->inode, p->all, 2) == 1,
		    "the table outlives the worker, and so does the connection: the client "
		    "notices nothing");
	p->all[1] = cast_hire_sharing(p->stage, 2, "worker");
	stage_hold(p->stage, 2, true);
	stage_cell(p->stage, 1, "clone()");
	stage_line(p->stage);
	got = cast_step(p->stage, &p->all[1], order_recv(p->conn, MOST, SOON_MS));
	stage_claim(p->stage, order_says(&got, "two") && client_hears(p, 1, "both"),
		    "the next worker goes on at the byte where the dead one was: why a crash of "
		    "prefork-srv's workers costs so little");
	cast_dismiss(p->stage, &p->all[1]);
}

static void crashing(struct play *p)
{
	static const char *const keeping[] = { "keeper", "worker", NULL };

	stage_cast(p->stage, keeping);
	p->client = cast_hire(p->stage, STAGE_CLIENT, "client");
	p->all[0] = cast_self(1, keeping[0]);
	p->listener = ground_listen(p->stage, 8, &p->bound);
	crash_alone(p);
	crash_kept(p);
	sys_close(p->conn);
	sys_close(p->listener);
	cast_dismiss(p->stage, &p->client);
}

void lesson_close_vs_shutdown(struct stage *stage)
{
	struct play p = { .stage = stage };

	stage_say(
		stage,
		"A master accepts one connection and forks three workers: four processes hold the "
		"same socket, and the kernel counts them. close() gives one reference back. "
		"shutdown() leaves the references alone and changes the connection itself. "
		"(A dot is a process without a reference; = EPIPE is -1 with that errno.)");
	closing(&p);
	closing_on(&p);
	closing_last(&p);
	shutting_writes(&p);
	shutting_reads(&p);
	shutting_both(&p);
	listening(&p);
	crashing(&p);
}
