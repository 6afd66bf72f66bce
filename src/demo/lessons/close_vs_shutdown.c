/* SPDX-License-Identifier: MIT */
/*
 * Lesson: close() drops one process's reference to a socket, shutdown() changes the connection for
 * all processes that hold it. A master accepts a connection and forks three workers that share it;
 * last, a keeper as in prefork-srv, which shares the worker's table of descriptors.
 */
#include <string.h>

#include "base/sys.h"
#include "demo/kernel.h"
#include "demo/lesson.h"
#include "demo/process.h"

enum { WORKERS = 3, HOLDERS = 1 + WORKERS, SOON_MS = 5000, MOST = 64 };

struct fixture {
	struct output *out;
	struct process client, server[HOLDERS]; /* the master, then the workers */
	struct addr bound;
	int listener;
	int conn, client_fd; /* the number in master and workers; in the client */
	uint64_t inode;      /* of the socket that is counted */
	struct ends ends;
};

static const char *const names[] = { "master", "worker 1", "worker 2", "worker 3", NULL };

/* Nothing can be shown without this call. */
static void require_success(struct fixture *f, const struct call *call)
{
	errno = call->error;
	if (call->result < 0)
		output_skip_rest(f->out, call->name);
}

static void fork_workers(struct fixture *f)
{
	for (unsigned i = 1; i < HOLDERS; i++) {
		f->server[i] = process_fork(f->out, 1 + i, names[i]);
		output_lifeline(f->out, 1 + i, true);
	}
}

/* The client connects, and that process accepts. */
static void connect_client(struct fixture *f, const struct process *server)
{
	struct call connected = process_run_cell(&f->client, call_connect(&f->bound)), accepted;

	output_arrow(f->out, TO_SERVER, "SYN");
	accepted = process_run_line(server, call_accept(f->listener, SOON_MS));
	f->client_fd = (int)connected.result;
	f->conn = (int)accepted.result;
	require_success(f, &connected);
	require_success(f, &accepted);
}

/* The client is forked first: no other process may hold its end. */
static void start_scene(struct fixture *f, const char *heading)
{
	output_columns(f->out, names);
	output_scene(f->out, heading);
	f->server[0] = process_self(f->out, 1, names[0]);
	f->listener = process_listen(f->out, 8, &f->bound);
	f->client = process_fork(f->out, OUTPUT_CLIENT, "client");
	for (unsigned i = 1; i < HOLDERS; i++)
		output_lifeline(f->out, 1 + i, false);
	connect_client(f, &f->server[0]);
	if (!kernel_ends(f->conn, &f->ends))
		output_skip_rest(f->out, "getpeername()");
	f->inode = kernel_inode(f->out, f->conn);
	sys_close(f->listener);
	fork_workers(f);
	output_cell(f->out, 1, "fork() three times");
	output_line(f->out);
}

static void end_scene(struct fixture *f)
{
	for (unsigned i = 1; i < HOLDERS; i++)
		process_stop(&f->server[i]);
	sys_close(f->conn);
	process_stop(&f->client);
}

static unsigned count_holders(struct fixture *f)
{
	return process_show_holders(f->out, f->inode, f->server, HOLDERS);
}

static bool send_to_client(struct fixture *f, unsigned from, const char *word)
{
	return process_send_word(TO_CLIENT, &f->server[from], f->conn, &f->client, f->client_fd,
				 word);
}

static bool send_from_client(struct fixture *f, unsigned to, const char *word)
{
	return process_send_word(TO_SERVER, &f->client, f->client_fd, &f->server[to], f->conn,
				 word);
}

/* The client has nothing to receive, and the connection is established. */
static bool is_client_unaffected(struct fixture *f)
{
	struct call look = process_run_line(&f->client, call_recv(f->client_fd, MOST, 0));

	return kernel_await_states(f->out, &f->ends, TCP_ESTABLISHED, TCP_ESTABLISHED) &&
	       look.error == EAGAIN;
}

static bool client_reads_end(struct fixture *f)
{
	output_arrow(f->out, TO_CLIENT, "FIN");
	return process_run_line(&f->client, call_recv(f->client_fd, MOST, SOON_MS)).result == 0;
}

static void close_connection(struct fixture *f, unsigned number)
{
	process_run_line(&f->server[number], call_close(f->conn));
}

static void show_close(struct fixture *f)
{
	unsigned before, after;

	start_scene(f, "(a) a worker closes its descriptor");
	before = count_holders(f);
	close_connection(f, 1);
	after = count_holders(f);
	output_claim(f->out, before == 4 && after == 3,
		     "close() took one reference: %u holders became %u", before, after);
	output_claim(f->out, is_client_unaffected(f), "the client notices nothing");
	output_claim(f->out, send_to_client(f, 2, "hello") && send_from_client(f, 3, "thanks"),
		     "the other workers still send and receive");
}

static void show_further_closes(struct fixture *f)
{
	unsigned left;

	output_scene(f->out, "(b) and the next, until one holder is left");
	close_connection(f, 2);
	close_connection(f, 3);
	left = count_holders(f);
	output_claim(f->out, left == 1,
		     "one holder is left, the master, which never touched the connection");
	output_claim(f->out, is_client_unaffected(f) && send_to_client(f, 0, "I am"),
		     "for the client nothing has changed: the last holder serves it");
}

static void show_last_close(struct fixture *f)
{
	unsigned left;
	bool ended;

	output_scene(f->out, "(c) and the last one");
	close_connection(f, 0);
	ended = client_reads_end(f);
	left = count_holders(f);
	output_claim(f->out, left == 0 && ended,
		     "with the last reference the server's side ends: FIN, and the client's "
		     "recv() returns 0");
	output_claim(f->out, kernel_await_states(f->out, &f->ends, TCP_CLOSE_WAIT, TCP_FIN_WAIT2),
		     "the server's side has sent its FIN, the client has not yet");
	end_scene(f);
}

/* (d): shutdown() in one worker has effect in all. */
static void show_shutdown_write(struct fixture *f)
{
	struct call sent;
	unsigned left;
	bool ended;

	start_scene(f, "(d) from the start: a worker shuts down sending");
	process_run_line(&f->server[1], call_shutdown(f->conn, SHUT_WR));
	ended = client_reads_end(f);
	left = count_holders(f);
	output_claim(
		f->out, ended && left == HOLDERS,
		"shutdown(SHUT_WR) took no reference, and yet the client sees the end at once");
	sent = process_run_line(&f->server[2], call_send(f->conn, "hello"));
	output_claim(f->out, sent.result == -1 && sent.error == EPIPE,
		     "it holds for all: another worker's send() fails with EPIPE");
	output_claim(f->out, send_from_client(f, 3, "and I?"),
		     "the client's side is open still (half-close): its bytes arrive");
	output_claim(
		f->out, kernel_await_states(f->out, &f->ends, TCP_CLOSE_WAIT, TCP_FIN_WAIT2),
		"a half-closed connection: CLOSE_WAIT may still send, FIN_WAIT2 only receives");
	end_scene(f);
}

static void show_shutdown_read(struct fixture *f)
{
	struct call got;

	start_scene(f, "(e) a worker shuts down receiving");
	process_run_line(&f->server[1], call_shutdown(f->conn, SHUT_RD));
	got = process_run_line(&f->server[2], call_recv(f->conn, MOST, SOON_MS));
	output_claim(f->out, got.result == 0,
		     "after shutdown(SHUT_RD) recv() returns 0 in every process that holds it");
	output_claim(f->out, is_client_unaffected(f),
		     "nothing goes over the wire: the client cannot know");
	output_claim(f->out, send_to_client(f, 3, "hello") && send_from_client(f, 2, "to you"),
		     "Linux goes on: sending works, and what the client sends is still received");
	end_scene(f);
}

static void show_shutdown_both(struct fixture *f)
{
	struct call sent, got;
	bool ended;

	start_scene(f, "    and one shuts down both ways");
	process_run_line(&f->server[1], call_shutdown(f->conn, SHUT_RDWR));
	ended = client_reads_end(f);
	sent = process_run_line(&f->server[2], call_send(f->conn, "hello"));
	got = process_run_line(&f->server[3], call_recv(f->conn, MOST, SOON_MS));
	output_claim(f->out, ended && sent.error == EPIPE && got.result == 0,
		     "after shutdown(SHUT_RDWR) nobody can send or receive, though all hold it");
	output_claim(f->out, count_holders(f) == HOLDERS, "and not one reference has gone");
	output_arrow(f->out, TO_SERVER, "\"late\"");
	process_run_line(&f->client, call_send(f->client_fd, "late"));
	output_arrow(f->out, TO_CLIENT, "RST");
	output_line(f->out);
	output_claim(f->out, kernel_await_states(f->out, &f->ends, TCP_CLOSE, TCP_CLOSE),
		     "what the client sends now is answered with a reset, which ends both sides");
	end_scene(f);
}

static struct call accept_client(struct fixture *f, unsigned number)
{
	return process_run_line(&f->server[number], call_accept(f->listener, SOON_MS));
}

/* Worker 1 has closed the socket; accept() has already failed in worker 3. */
static void claim_accept_fails_in_all(struct fixture *f)
{
	unsigned refused = 1, held;
	struct call accepted;

	for (unsigned i = 0; i <= 2; i += 2) {
		accepted = accept_client(f, i);
		refused += accepted.result == -1 && accepted.error == EINVAL;
	}
	held = count_holders(f);
	output_claim(f->out, refused == HOLDERS - 1 && held == refused,
		     "so it is in the master and worker 2 too: accept() fails in all %u that hold "
		     "the socket",
		     held);
}

static void show_listening_socket(struct fixture *f)
{
	struct call accepted, refused_client;

	output_columns(f->out, names);
	output_scene(f->out, "(f) the same with the listening socket: a worker closes it");
	f->client = process_fork(f->out, OUTPUT_CLIENT, "client");
	f->server[0] = process_self(f->out, 1, names[0]);
	f->listener = process_listen(f->out, 8, &f->bound);
	f->inode = kernel_inode(f->out, f->listener);
	fork_workers(f);
	process_run_line(&f->server[1], call_close(f->listener));
	output_arrow(f->out, TO_SERVER, "SYN");
	process_run_line(&f->client, call_connect(&f->bound));
	accepted = accept_client(f, 2);
	output_claim(f->out, count_holders(f) == HOLDERS - 1 && accepted.result >= 0,
		     "close() in one worker harms nobody: another accepts the next client");

	output_scene(f->out, "    and a worker shuts it down");
	if (sys_fcntl_int(f->listener, F_SETFL, 0) < 0)
		output_skip_rest(f->out, "fcntl()");
	process_start_call(&f->server[3], call_accept(f->listener, 0));
	process_await_sleep(&f->server[3]);
	output_cell(f->out, 4, "accept() ...");
	output_line(f->out);
	process_run_line(&f->server[2], call_shutdown(f->listener, SHUT_RDWR));
	if (!process_await_result(&f->server[3], &accepted, SOON_MS)) {
		accepted = (struct call){ .result = 0, .error = ETIMEDOUT };
		process_kill(&f->server[3]);
	}
	sys_fcntl_int(f->listener, F_SETFL, O_NONBLOCK);
	output_cell(f->out, 4, "... = %s", err_name(accepted.error));
	output_line(f->out);
	output_claim(f->out, accepted.result == -1 && accepted.error == EINVAL,
		     "worker 3 waited in accept(): it comes back with EINVAL");
	claim_accept_fails_in_all(f);
	output_arrow(f->out, TO_SERVER, "SYN");
	output_line(f->out);
	output_arrow(f->out, TO_CLIENT, "RST");
	output_line(f->out);
	refused_client = process_run_line(&f->client, call_connect(&f->bound));
	output_claim(
		f->out, refused_client.result == -1 && refused_client.error == ECONNREFUSED,
		"nobody can connect now: servers close a listening socket, never shut it down");
	f->conn = f->listener;
	end_scene(f);
}

/* A worker accepts by itself and reads half of the client's bytes. True when it has read them. */
static bool start_crash_scene(struct fixture *f, const char *heading)
{
	struct call got;

	output_scene(f->out, heading);
	connect_client(f, &f->server[1]);
	output_arrow(f->out, TO_SERVER, "\"onetwo\"");
	process_run_line(&f->client, call_send(f->client_fd, "onetwo"));
	got = process_run_line(&f->server[1], call_recv(f->conn, strlen("one"), SOON_MS));
	return got.result == (int64_t)strlen("one");
}

static void kill_worker(struct fixture *f)
{
	process_kill(&f->server[1]);
	output_cell(f->out, 2, "killed (SIGKILL)");
	output_line(f->out);
}

static void show_crash_alone(struct fixture *f)
{
	struct call look;

	f->server[1] = process_fork(f->out, 2, "worker");
	output_lifeline(f->out, 1, false);
	start_crash_scene(f, "(g) a worker dies, and nobody else holds its connection");
	kill_worker(f);
	output_arrow(f->out, TO_CLIENT, "RST");
	look = process_run_line(&f->client, call_recv(f->client_fd, MOST, SOON_MS));
	output_claim(f->out, look.result == -1 && look.error == ECONNRESET,
		     "the kernel closes what a dead process held: the client has lost its "
		     "connection (by a reset, for \"two\" was never read)");
	process_run(&f->client, call_close(f->client_fd));
}

static void show_crash_with_keeper(struct fixture *f)
{
	bool began, quiet;
	struct call got;

	f->server[1] = process_fork_sharing(f->out, 2, "worker");
	output_lifeline(f->out, 1, true);
	began = start_crash_scene(f, "    and now a keeper shares its table of descriptors");
	f->inode = kernel_inode(f->out, f->conn);
	if (!kernel_ends(f->conn, &f->ends))
		output_skip_rest(f->out, "getpeername()");
	output_claim(f->out, began && process_show_holders(f->out, f->inode, f->server, 2) == 2,
		     "what the worker accepted is in the keeper's table too: it is the same table "
		     "(CLONE_FILES)");
	kill_worker(f);
	quiet = is_client_unaffected(f);
	output_claim(f->out, quiet && process_show_holders(f->out, f->inode, f->server, 2) == 1,
		     "the table outlives the worker, and so does the connection: the client "
		     "notices nothing");
	f->server[1] = process_fork_sharing(f->out, 2, "worker");
	output_lifeline(f->out, 2, true);
	output_cell(f->out, 1, "clone()");
	output_line(f->out);
	got = process_run_line(&f->server[1], call_recv(f->conn, MOST, SOON_MS));
	output_claim(f->out, call_received(&got, "two") && send_to_client(f, 1, "both"),
		     "the next worker goes on at the byte where the dead one was: why a crash of "
		     "prefork-srv's workers costs so little");
	process_stop(&f->server[1]);
}

static void show_crashes(struct fixture *f)
{
	static const char *const keeping[] = { "keeper", "worker", NULL };

	output_columns(f->out, keeping);
	f->client = process_fork(f->out, OUTPUT_CLIENT, "client");
	f->server[0] = process_self(f->out, 1, keeping[0]);
	f->listener = process_listen(f->out, 8, &f->bound);
	show_crash_alone(f);
	show_crash_with_keeper(f);
	sys_close(f->conn);
	sys_close(f->listener);
	process_stop(&f->client);
}

void lesson_close_vs_shutdown(struct output *out)
{
	struct fixture f = { .out = out };

	output_paragraph(
		out,
		"A master accepts one connection and forks three workers: four processes hold the "
		"same socket, and the kernel counts them. close() gives one reference back. "
		"shutdown() leaves the references alone and changes the connection itself. "
		"(A dot is a process without a reference; = EPIPE is -1 with that errno.)");
	show_close(&f);
	show_further_closes(&f);
	show_last_close(&f);
	show_shutdown_write(&f);
	show_shutdown_read(&f);
	show_shutdown_both(&f);
	show_listening_socket(&f);
	show_crashes(&f);
}
