/* SPDX-License-Identifier: MIT */
/*
 * Lesson: a connection that its server closed first keeps the server's port in TIME_WAIT, although
 * no process is left. What SO_REUSEADDR changes and what it does not, the side that closes first,
 * and the use of SO_REUSEPORT. The servers are processes that really end and start again.
 */
#include "base/clock.h"
#include "base/sys.h"
#include "demo/kernel.h"
#include "demo/lesson.h"
#include "demo/process.h"

enum { SOON_MS = 5000, MOST = 64, BACKLOG = 64, CROWD = 40, TRIES = 3 };
enum { NEITHER = 0, REUSEADDR = 1, REUSEPORT = 2 };

struct fixture {
	struct output *out;
	struct process client, server, restarted; /* restarted: started after server */
	struct addr bound;                        /* where the server listened */
	int listener, conn, client_fd;            /* in the server, in the server, in the client */
	struct ends ends;
};

static bool await_states(struct fixture *f, int client, int server)
{
	return kernel_await_states(f->out, &f->ends, client, server);
}

static bool set_option(int fd, int name)
{
	int on = 1;

	return sys_setsockopt(fd, SOL_SOCKET, name, &on, sizeof(on)) == 0;
}

/* The calls of a server that starts. False after a failure; name is the call that failed. */
static bool bind_and_listen(struct call *call)
{
	call->name = "setsockopt()";
	if ((call->option & REUSEADDR) && !set_option(call->fd, SO_REUSEADDR))
		return false;
	if ((call->option & REUSEPORT) && !set_option(call->fd, SO_REUSEPORT))
		return false;
	call->name = "bind()";
	if (sys_bind(call->fd, &call->addr.sa, call->addr.len) < 0)
		return false;
	call->name = "listen()";
	if (sys_listen(call->fd, BACKLOG) < 0)
		return false;
	call->name = "bind(),listen()";
	return sys_getsockname(call->fd, &call->addr.sa, &call->addr.len) == 0;
}

/* fd becomes the listening socket, addr its address. */
static void run_listen(struct call *call)
{
	int error;

	call->result = -1;
	call->name = "socket()";
	call->fd = sys_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (call->fd < 0)
		return;
	if (bind_and_listen(call)) {
		call->result = 0;
		return;
	}
	error = errno;
	sys_close(call->fd);
	errno = error;
}

/*
 * A server starts at that address, with options. True when it listens; *done has the call's
 * outcome.
 */
static bool start_listening(struct fixture *f, const struct process *process, int options,
			    const struct addr *at, struct call *done)
{
	if (options != NEITHER) {
		output_cell(f->out, process->column, "%s on",
			    options == REUSEADDR ? "SO_REUSEADDR" : "SO_REUSEPORT");
		output_line(f->out);
	}
	*done = process_run_line(process, (struct call){ .run = run_listen,
							 .name = "bind()",
							 .fd = -1,
							 .option = options,
							 .addr = *at });
	if (done->result == 0)
		output_lifeline(f->out, process->column, true);
	return done->result == 0;
}

static bool is_address_in_use(struct fixture *f, const struct process *process, int options)
{
	struct call done;

	return !start_listening(f, process, options, &f->bound, &done) && done.error == EADDRINUSE;
}

/* A new server listens at a port that the system chooses. */
static void start_server(struct fixture *f, int options)
{
	struct addr any = call_loopback(0);
	struct call done;

	output_lifeline(f->out, OUTPUT_CLIENT, false);
	output_lifeline(f->out, 1, false);
	output_lifeline(f->out, 2, false);
	f->server = process_fork(f->out, 1, "server");
	if (!start_listening(f, &f->server, options, &any, &done)) {
		errno = done.error;
		output_skip_rest(f->out, done.name);
	}
	f->bound = done.addr;
	f->listener = done.fd;
	output_kernel(f->out, "the system chose port %u", (unsigned)ntohs(f->bound.in.sin_port));
}

/* A client connects to a server, which accepts. */
static void connect_client(struct fixture *f, const struct process *server, int listener)
{
	struct call connected = process_run(&f->client, call_try_connect(&f->bound, 0)), accepted;

	output_cell(f->out, OUTPUT_CLIENT, "connect() = %s",
		    connected.option == 0 ? "0" : err_name(connected.option));
	output_arrow(f->out, TO_SERVER, "SYN");
	output_lifeline(f->out, OUTPUT_CLIENT, true);
	accepted = process_run_line(server, call_accept(listener, SOON_MS));
	errno = connected.option != 0 ? connected.option : accepted.error;
	if (connected.result < 0 || connected.option != 0 || accepted.result < 0)
		output_skip_rest(f->out, "a connection on loopback");
	f->client_fd = (int)connected.result;
	f->conn = (int)accepted.result;
	f->ends = (struct ends){ .client = connected.addr, .server = f->bound };
}

/*
 * One side closes, the other reads the end and closes too, after its acknowledgement has arrived:
 * an acknowledgement that its FIN overtakes would be answered, the answer would cause a reset, and
 * a reset ends TIME_WAIT (RFC 1337).
 */
static void close_connection(struct fixture *f, bool is_server_first)
{
	const struct process *first = is_server_first ? &f->server : &f->client;
	const struct process *second = is_server_first ? &f->client : &f->server;
	int first_fd = is_server_first ? f->conn : f->client_fd;
	int second_fd = is_server_first ? f->client_fd : f->conn;

	output_arrow(f->out, is_server_first ? TO_CLIENT : TO_SERVER, "FIN");
	process_run_line(first, call_close(first_fd));
	output_lifeline(f->out, 1, true); /* the server still listens */
	process_run_line(second, call_recv(second_fd, MOST, SOON_MS));
	await_states(f, is_server_first ? TCP_CLOSE_WAIT : TCP_FIN_WAIT2,
		     is_server_first ? TCP_FIN_WAIT2 : TCP_CLOSE_WAIT);
	output_arrow(f->out, is_server_first ? TO_SERVER : TO_CLIENT, "FIN");
	process_run_line(second, call_close(second_fd));
	output_lifeline(f->out, 1, true);
}

/* The server's process ends, which closes all its sockets, the listening socket too. */
static void end_server(struct fixture *f)
{
	process_stop(&f->server);
	output_cell(f->out, 1, "exit()");
	output_lifeline(f->out, 1, false);
	output_line(f->out);
}

/* (a) */
static void show_restart_without(struct fixture *f)
{
	output_scene(f->out, "(a) a server closes first, ends, and is started again");
	start_server(f, NEITHER);
	connect_client(f, &f->server, f->listener);
	close_connection(f, true);
	end_server(f);
	output_claim(f->out, await_states(f, TCP_CLOSE, TCP_TIME_WAIT),
		     "no process is left, but the kernel keeps the server's end in TIME_WAIT");
	output_claim(f->out, is_address_in_use(f, &f->restarted, NEITHER),
		     "that is enough to hold the port: bind() fails with EADDRINUSE");
	output_claim(
		f->out, is_address_in_use(f, &f->restarted, REUSEADDR),
		"SO_REUSEADDR now is too late: on Linux the end in TIME_WAIT must agree, and it "
		"comes from a listening socket without the option");
}

/* (c), while the restarted server listens. */
static void show_two_at_once(struct fixture *f)
{
	output_scene(f->out, "(c) a second server while the first listens");
	output_lifeline(f->out, 1, false);
	f->server = process_fork(f->out, 1, "server");
	output_claim(f->out, is_address_in_use(f, &f->server, REUSEADDR),
		     "two that listen may not share a port, though both have set SO_REUSEADDR: it "
		     "cannot steal a port from a server that runs");
	process_stop(&f->server);
	process_run(&f->client, call_close(f->client_fd));
}

/* (b) */
static void show_restart_with(struct fixture *f)
{
	struct call done;
	bool listens, is_kept, is_served;

	output_scene(f->out, "(b) the same, but the server has set SO_REUSEADDR from the start");
	start_server(f, REUSEADDR);
	connect_client(f, &f->server, f->listener);
	close_connection(f, true);
	end_server(f);
	output_claim(f->out,
		     await_states(f, TCP_CLOSE, TCP_TIME_WAIT) &&
			     is_address_in_use(f, &f->restarted, NEITHER),
		     "TIME_WAIT as before, and whoever does not ask is refused as before");
	listens = start_listening(f, &f->restarted, REUSEADDR, &f->bound, &done);
	is_kept = await_states(f, TCP_CLOSE, TCP_TIME_WAIT);
	output_claim(f->out, listens && is_kept,
		     "both have asked: bind() succeeds, beside the end in TIME_WAIT, which stays");
	if (!listens)
		return;
	f->listener = done.fd;
	connect_client(f, &f->restarted, f->listener);
	is_served = process_send_word(TO_CLIENT, &f->restarted, f->conn, &f->client, f->client_fd,
				      "hello");
	output_claim(f->out, is_served && kernel_server_state(&f->ends) == TCP_ESTABLISHED,
		     "and the next client is served: every server should set it before bind()");
	show_two_at_once(f);
}

/*
 * (d), once: true when the port could be bound at once. Any process of this machine may take a free
 * port before.
 */
static bool is_port_free_at_once(struct fixture *f)
{
	struct call done;
	bool listens;

	start_server(f, NEITHER);
	connect_client(f, &f->server, f->listener);
	close_connection(f, false);
	end_server(f);
	output_claim(f->out, await_states(f, TCP_TIME_WAIT, TCP_CLOSE),
		     "TIME_WAIT is at the client's end, where the port was the system's choice");
	listens = start_listening(f, &f->restarted, NEITHER, &f->bound, &done);
	if (listens)
		process_run(&f->restarted, call_close(done.fd));
	return listens;
}

static void show_client_first(struct fixture *f)
{
	bool is_free;

	output_scene(f->out, "(d) without the option, but the client closes first");
	is_free = is_port_free_at_once(f);
	for (int i = 1; i < TRIES && !is_free; i++) {
		output_scene(f->out, "    (someone may have taken the port: again, at another)");
		is_free = is_port_free_at_once(f);
	}
	output_claim(f->out, is_free, "the server's port is free at once");
}

/* (e): CROWD clients that no server accepts. */
static void connect_crowd(struct fixture *f, int *crowd)
{
	struct call connected;

	for (int i = 0; i < CROWD; i++) {
		connected = process_run(&f->client, call_try_connect(&f->bound, 0));
		errno = connected.result < 0 ? connected.error : connected.option;
		if (errno != 0)
			output_skip_rest(f->out, "connect()");
		crowd[i] = (int)connected.result;
	}
	output_cell(f->out, OUTPUT_CLIENT, "connect() %d times", CROWD);
	output_arrow(f->out, TO_SERVER, "SYN ...");
	output_line(f->out);
}

/* Waits until at least so many of the clients were reset; returns how many were. */
static unsigned count_resets(struct fixture *f, const int *crowd, unsigned expected)
{
	int64_t until_ms = clock_ms() + SOON_MS;
	bool was_reset[CROWD] = { false };
	struct call got;
	unsigned resets = 0;

	do
		for (int i = 0; i < CROWD; i++) {
			if (was_reset[i])
				continue;
			got = process_run(&f->client, call_recv(crowd[i], 1, 0));
			was_reset[i] = got.result < 0 && got.error == ECONNRESET;
			resets += was_reset[i];
		}
	while (resets < expected && clock_ms() < until_ms);
	return resets;
}

/* The length of this process's queue, and *other, once all clients are in one of the two. */
static unsigned count_queued(struct fixture *f, int other_listener, unsigned *other)
{
	int64_t until_ms = clock_ms() + SOON_MS;
	struct call counted;
	unsigned mine;

	do {
		mine = kernel_queue(f->out, f->listener).length;
		counted = process_run(&f->restarted, call_queue_length(other_listener));
		*other = counted.result < 0 ? 0 : (unsigned)counted.result;
	} while (mine + *other < CROWD && clock_ms() < until_ms);
	output_kernel(f->out, "%u wait in the first queue, %u in the second", mine, *other);
	return mine;
}

static void show_lost_queue(struct fixture *f, const int *crowd, unsigned lost)
{
	static const char claim[] = "who waited in its queue is reset, though another server "
				    "listens. Workers that share one socket (fork, as in "
				    "prefork-srv) share its queue too, and none of it is lost";
	unsigned resets;

	process_kill(&f->restarted);
	output_cell(f->out, 2, "killed (SIGKILL)");
	output_arrow(f->out, TO_CLIENT, "RST ...");
	output_line(f->out);
	if (kernel_sysctl("net/ipv4/tcp_migrate_req", 0) != 0) {
		output_skip_claim(f->out, "net.ipv4.tcp_migrate_req hands them on", "%s", claim);
		return;
	}
	resets = count_resets(f, crowd, lost);
	output_kernel(f->out, "%u of %d clients have got ECONNRESET", resets, CROWD);
	output_claim(f->out, resets == lost, "%s", claim);
}

static void show_reuseport(struct fixture *f)
{
	static const char *const names[] = { "server", "second server", NULL };
	struct addr any = call_loopback(0);
	struct call first, second;
	unsigned mine, other;
	int crowd[CROWD];
	bool shares;

	output_columns(f->out, names);
	output_scene(f->out, "(e) and where two shall listen: SO_REUSEPORT");
	f->restarted = process_fork(f->out, 2, names[1]);
	f->server = process_self(f->out, 1, names[0]);
	if (!start_listening(f, &f->server, REUSEPORT, &any, &first)) {
		errno = first.error;
		output_skip_rest(f->out, first.name);
	}
	f->listener = first.fd;
	f->bound = first.addr;
	shares = start_listening(f, &f->restarted, REUSEPORT, &f->bound, &second);
	output_claim(f->out, shares, "two may listen at one port when both have asked for that");
	if (!shares)
		return;
	if (kernel_queue(f->out, f->listener).limit < CROWD) {
		output_skip_claim(f->out, "net.core.somaxconn is too low",
				  "the kernel spreads clients over the two");
		return;
	}
	connect_crowd(f, crowd);
	mine = count_queued(f, second.fd, &other);
	output_claim(f->out, mine + other == CROWD && mine > 0 && other > 0,
		     "each has a queue of its own, and the kernel spreads the clients over them");
	show_lost_queue(f, crowd, other);
	sys_close(f->listener);
}

void lesson_reuseaddr(struct output *out)
{
	static const char *const names[] = { "server", "started again", NULL };
	struct fixture f = { .out = out };

	output_paragraph(
		out,
		"Who closes a connection first keeps its end for a minute in TIME_WAIT, so that "
		"late segments find nobody else (lesson handshake). Where that is the server, "
		"the end has the server's port. Why a server that is started again may find "
		"its port taken, by nobody, and what SO_REUSEADDR changes.");
	kernel_require_time_wait(out);
	output_columns(out, names);
	f.client = process_fork(out, OUTPUT_CLIENT, "client");
	f.restarted = process_fork(out, 2, names[1]);
	show_restart_without(&f);
	show_restart_with(&f);
	process_stop(&f.restarted);
	f.restarted = process_fork(out, 2, names[1]);
	show_client_first(&f);
	process_stop(&f.restarted);
	show_reuseport(&f);
	process_stop(&f.client);
}
