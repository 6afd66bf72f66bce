/* SPDX-License-Identifier: MIT */
/*
 * Lesson: close() drops one process's reference to a socket, shutdown() changes the connection for
 * all who hold it. A master accepts a connection and forks three workers that share it; last, what
 * this server makes of it: a keeper that shares the worker's table of descriptors.
 */
#include <string.h>

#include "base/sys.h"
#include "demo/kernel.h"
#include "demo/lesson.h"
#include "demo/process.h"

enum { WORKERS = 3, HOLDERS = 1 + WORKERS, SOON_MS = 5000, MOST = 64 };

/* Who plays, and the connection that it is about. */
struct play {
	struct output *out;
	struct process client;
	struct process all[HOLDERS]; /* the master, then the workers */
	struct addr bound;
	int listener;
	int conn, client_fd; /* the number in master and workers; in the client */
	uint64_t inode;      /* of the socket that is counted */
	struct ends ends;
};

static const char *const names[] = { "master", "worker 1", "worker 2", "worker 3", NULL };

/* Without this call there is nothing to show. */
static void need(struct play *p, const struct call *call)
{
	errno = call->error;
	if (call->result < 0)
		output_skip_rest(p->out, call->name);
}

static void hire_workers(struct play *p)
{
	for (unsigned i = 1; i < HOLDERS; i++) {
		p->all[i] = process_fork(p->out, 1 + i, names[i]);
		output_lifeline(p->out, 1 + i, true);
	}
}

/* The client connects, and that one accepts. */
static void meet(struct play *p, const struct process *server)
{
	struct call connected, accepted;

	connected = process_run_cell(&p->client, call_connect(&p->bound));
	output_arrow(p->out, TO_SERVER, "SYN");
	accepted = process_run_line(server, call_accept(p->listener, SOON_MS));
	p->client_fd = (int)connected.result;
	p->conn = (int)accepted.result;
	need(p, &connected);
	need(p, &accepted);
}

/* The client first: nobody else may hold its end. */
static void begin(struct play *p, const char *heading)
{
	output_columns(p->out, names);
	output_scene(p->out, heading);
	p->all[0] = process_self(p->out, 1, names[0]);
	p->listener = process_listen(p->out, 8, &p->bound);
	p->client = process_fork(p->out, OUTPUT_CLIENT, "client");
	for (unsigned i = 1; i < HOLDERS; i++)
		output_lifeline(p->out, 1 + i, false);
	meet(p, &p->all[0]);
	if (!kernel_ends(p->conn, &p->ends))
		output_skip_rest(p->out, "getpeername()");
	p->inode = kernel_inode(p->out, p->conn);
	sys_close(p->listener);
	hire_workers(p);
	output_cell(p->out, 1, "fork() three times");
	output_line(p->out);
}

static void finish(struct play *p)
{
	for (unsigned i = 1; i < HOLDERS; i++)
		process_stop(&p->all[i]);
	sys_close(p->conn);
	process_stop(&p->client);
}

static unsigned holders(struct play *p)
{
	return process_show_holders(p->out, p->inode, p->all, HOLDERS);
}

static bool client_hears(struct play *p, unsigned from, const char *word)
{
	return process_send_word(TO_CLIENT, &p->all[from], p->conn, &p->client, p->client_fd, word);
}

static bool client_says(struct play *p, unsigned to, const char *word)
{
	return process_send_word(TO_SERVER, &p->client, p->client_fd, &p->all[to], p->conn, word);
}

/* Nothing to receive, and the connection stands. */
static bool client_sees_nothing(struct play *p)
{
	struct call look = process_run_line(&p->client, call_recv(p->client_fd, MOST, 0));

	return kernel_await_states(p->out, &p->ends, TCP_ESTABLISHED, TCP_ESTABLISHED) &&
	       look.error == EAGAIN;
}

static bool client_sees_end(struct play *p)
{
	output_arrow(p->out, TO_CLIENT, "FIN");
	return process_run_line(&p->client, call_recv(p->client_fd, MOST, SOON_MS)).result == 0;
}

static void let_go(struct play *p, unsigned who)
{
	process_run_line(&p->all[who], call_close(p->conn));
}

static void closing(struct play *p)
{
	unsigned before, after;

	begin(p, "(a) a worker closes its descriptor");
	before = holders(p);
	let_go(p, 1);
	after = holders(p);
	output_claim(p->out, before == 4 && after == 3,
		     "close() took one reference: %u holders became %u", before, after);
	output_claim(p->out, client_sees_nothing(p), "the client notices nothing");
	output_claim(p->out, client_hears(p, 2, "hello") && client_says(p, 3, "thanks"),
		     "the other workers still send and receive");
}

static void closing_on(struct play *p)
{
	unsigned left;

	output_scene(p->out, "(b) and the next, until one holder is left");
	let_go(p, 2);
	let_go(p, 3);
	left = holders(p);
	output_claim(p->out, left == 1,
		     "one holder is left, the master, which never touched the connection");
	output_claim(p->out, client_sees_nothing(p) && client_hears(p, 0, "I am"),
		     "for the client nothing has changed: the last holder serves it");
}

static void closing_last(struct play *p)
{
	unsigned left;
	bool ended;

	output_scene(p->out, "(c) and the last one");
	let_go(p, 0);
	ended = client_sees_end(p);
	left = holders(p);
	output_claim(p->out, left == 0 && ended,
		     "with the last reference the server's side ends: FIN, and the client's "
		     "recv() returns 0");
	output_claim(p->out, kernel_await_states(p->out, &p->ends, TCP_CLOSE_WAIT, TCP_FIN_WAIT2),
		     "the server's side has sent its FIN, the client has not yet");
	finish(p);
}

/* (d): what one worker's shutdown() does to all. */
static void shutting_writes(struct play *p)
{
	struct call sent;
	unsigned left;
	bool ended;

	begin(p, "(d) from the start: a worker shuts down sending");
	process_run_line(&p->all[1], call_shutdown(p->conn, SHUT_WR));
	ended = client_sees_end(p);
	left = holders(p);
	output_claim(
		p->out, ended && left == HOLDERS,
		"shutdown(SHUT_WR) took no reference, and yet the client sees the end at once");
	sent = process_run_line(&p->all[2], call_send(p->conn, "hello"));
	output_claim(p->out, sent.result == -1 && sent.error == EPIPE,
		     "it holds for all: another worker's send() fails with EPIPE");
	output_claim(p->out, client_says(p, 3, "and I?"),
		     "the client's side is open still (half-close): its bytes arrive");
	output_claim(
		p->out, kernel_await_states(p->out, &p->ends, TCP_CLOSE_WAIT, TCP_FIN_WAIT2),
		"a half-closed connection: CLOSE_WAIT may still send, FIN_WAIT2 only receives");
	finish(p);
}

static void shutting_reads(struct play *p)
{
	struct call got;

	begin(p, "(e) a worker shuts down receiving");
	process_run_line(&p->all[1], call_shutdown(p->conn, SHUT_RD));
	got = process_run_line(&p->all[2], call_recv(p->conn, MOST, SOON_MS));
	output_claim(p->out, got.result == 0,
		     "after shutdown(SHUT_RD) recv() returns 0 in every process that holds it");
	output_claim(p->out, client_sees_nothing(p),
		     "nothing goes over the wire: the client cannot know");
	output_claim(p->out, client_hears(p, 3, "hello") && client_says(p, 2, "to you"),
		     "Linux goes on: sending works, and what the client sends is still received");
	finish(p);
}

static void shutting_both(struct play *p)
{
	struct call sent, got;
	bool ended;

	begin(p, "    and one shuts down both ways");
	process_run_line(&p->all[1], call_shutdown(p->conn, SHUT_RDWR));
	ended = client_sees_end(p);
	sent = process_run_line(&p->all[2], call_send(p->conn, "hello"));
	got = process_run_line(&p->all[3], call_recv(p->conn, MOST, SOON_MS));
	output_claim(p->out, ended && sent.error == EPIPE && got.result == 0,
		     "after shutdown(SHUT_RDWR) nobody can send or receive, though all hold it");
	output_claim(p->out, holders(p) == HOLDERS, "and not one reference has gone");
	output_arrow(p->out, TO_SERVER, "\"late\"");
	process_run_line(&p->client, call_send(p->client_fd, "late"));
	output_arrow(p->out, TO_CLIENT, "RST");
	output_line(p->out);
	output_claim(p->out, kernel_await_states(p->out, &p->ends, TCP_CLOSE, TCP_CLOSE),
		     "what the client sends now is answered with a reset, which ends both sides");
	finish(p);
}

static struct call accepts(struct play *p, unsigned who)
{
	return process_run_line(&p->all[who], call_accept(p->listener, SOON_MS));
}

/* Worker 1 has closed it, worker 3 has just come back from it. */
static void claim_refused_to_all(struct play *p)
{
	unsigned refused = 1, held;
	struct call accepted;

	for (unsigned i = 0; i <= 2; i += 2) {
		accepted = accepts(p, i);
		refused += accepted.result == -1 && accepted.error == EINVAL;
	}
	held = holders(p);
	output_claim(p->out, refused == HOLDERS - 1 && held == refused,
		     "so it is in the master and worker 2 too: accept() fails in all %u that hold "
		     "the socket",
		     held);
}

static void listening(struct play *p)
{
	struct call accepted, knocked;

	output_columns(p->out, names);
	output_scene(p->out, "(f) the same with the listening socket: a worker closes it");
	p->client = process_fork(p->out, OUTPUT_CLIENT, "client");
	p->all[0] = process_self(p->out, 1, names[0]);
	p->listener = process_listen(p->out, 8, &p->bound);
	p->inode = kernel_inode(p->out, p->listener);
	hire_workers(p);
	process_run_line(&p->all[1], call_close(p->listener));
	output_arrow(p->out, TO_SERVER, "SYN");
	process_run_line(&p->client, call_connect(&p->bound));
	accepted = accepts(p, 2);
	output_claim(p->out, holders(p) == HOLDERS - 1 && accepted.result >= 0,
		     "close() in one worker harms nobody: another accepts the next client");

	output_scene(p->out, "    and a worker shuts it down");
	if (sys_fcntl_int(p->listener, F_SETFL, 0) < 0)
		output_skip_rest(p->out, "fcntl()");
	process_start_call(&p->all[3], call_accept(p->listener, 0));
	process_await_sleep(&p->all[3]);
	output_cell(p->out, 4, "accept() ...");
	output_line(p->out);
	process_run_line(&p->all[2], call_shutdown(p->listener, SHUT_RDWR));
	if (!process_await_result(&p->all[3], &accepted, SOON_MS)) {
		accepted = (struct call){ .result = 0, .error = ETIMEDOUT };
		process_kill(&p->all[3]);
	}
	sys_fcntl_int(p->listener, F_SETFL, O_NONBLOCK);
	output_cell(p->out, 4, "... = %s", err_name(accepted.error));
	output_line(p->out);
	output_claim(p->out, accepted.result == -1 && accepted.error == EINVAL,
		     "worker 3 waited in accept(): it comes back with EINVAL");
	claim_refused_to_all(p);
	output_arrow(p->out, TO_SERVER, "SYN");
	output_line(p->out);
	output_arrow(p->out, TO_CLIENT, "RST");
	output_line(p->out);
	knocked = process_run_line(&p->client, call_connect(&p->bound));
	output_claim(
		p->out, knocked.result == -1 && knocked.error == ECONNREFUSED,
		"nobody can connect now: servers close a listening socket, never shut it down");
	p->conn = p->listener;
	finish(p);
}

/* A worker accepts by itself and has read half of what came when it dies. True: it got there. */
static bool begin_crash(struct play *p, const char *heading)
{
	struct call got;

	output_scene(p->out, heading);
	meet(p, &p->all[1]);
	output_arrow(p->out, TO_SERVER, "\"onetwo\"");
	process_run_line(&p->client, call_send(p->client_fd, "onetwo"));
	got = process_run_line(&p->all[1], call_recv(p->conn, strlen("one"), SOON_MS));
	return got.result == (int64_t)strlen("one");
}

static void die(struct play *p)
{
	process_kill(&p->all[1]);
	output_cell(p->out, 2, "killed (SIGKILL)");
	output_line(p->out);
}

static void crash_alone(struct play *p)
{
	struct call look;

	p->all[1] = process_fork(p->out, 2, "worker");
	output_lifeline(p->out, 1, false);
	begin_crash(p, "(g) a worker dies, and nobody else holds its connection");
	die(p);
	output_arrow(p->out, TO_CLIENT, "RST");
	look = process_run_line(&p->client, call_recv(p->client_fd, MOST, SOON_MS));
	output_claim(p->out, look.result == -1 && look.error == ECONNRESET,
		     "the kernel closes what a dead process held: the client has lost its "
		     "connection (by a reset, for \"two\" was never read)");
	process_run(&p->client, call_close(p->client_fd));
}

static void crash_kept(struct play *p)
{
	bool began, quiet;
	struct call got;

	p->all[1] = process_fork_sharing(p->out, 2, "worker");
	output_lifeline(p->out, 1, true);
	began = begin_crash(p, "    and now a keeper shares its table of descriptors");
	p->inode = kernel_inode(p->out, p->conn);
	if (!kernel_ends(p->conn, &p->ends))
		output_skip_rest(p->out, "getpeername()");
	output_claim(p->out, began && process_show_holders(p->out, p->inode, p->all, 2) == 2,
		     "what the worker accepted is in the keeper's table too: it is the same table "
		     "(CLONE_FILES)");
	die(p);
	quiet = client_sees_nothing(p);
	output_claim(p->out, quiet && process_show_holders(p->out, p->inode, p->all, 2) == 1,
		     "the table outlives the worker, and so does the connection: the client "
		     "notices nothing");
	p->all[1] = process_fork_sharing(p->out, 2, "worker");
	output_lifeline(p->out, 2, true);
	output_cell(p->out, 1, "clone()");
	output_line(p->out);
	got = process_run_line(&p->all[1], call_recv(p->conn, MOST, SOON_MS));
	output_claim(p->out, call_received(&got, "two") && client_hears(p, 1, "both"),
		     "the next worker goes on at the byte where the dead one was: why a crash of "
		     "prefork-srv's workers costs so little");
	process_stop(&p->all[1]);
}

static void crashing(struct play *p)
{
	static const char *const keeping[] = { "keeper", "worker", NULL };

	output_columns(p->out, keeping);
	p->client = process_fork(p->out, OUTPUT_CLIENT, "client");
	p->all[0] = process_self(p->out, 1, keeping[0]);
	p->listener = process_listen(p->out, 8, &p->bound);
	crash_alone(p);
	crash_kept(p);
	sys_close(p->conn);
	sys_close(p->listener);
	process_stop(&p->client);
}

void lesson_close_vs_shutdown(struct output *out)
{
	struct play p = { .out = out };

	output_paragraph(
		out,
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
