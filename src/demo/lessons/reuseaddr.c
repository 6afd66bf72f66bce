/* SPDX-License-Identifier: MIT */
/*
 * Lesson: a connection that its server closed first keeps the server's port in TIME_WAIT, although
 * no process is left. What SO_REUSEADDR changes about that and what not, who closes first, and what
 * SO_REUSEPORT is for. Servers are processes that really end and start again.
 */
#include "base/clock.h"
#include "base/sys.h"
#include "demo/kernel.h"
#include "demo/lesson.h"
#include "demo/process.h"

enum { SOON_MS = 5000, MOST = 64, BACKLOG = 64, CROWD = 40, TRIES = 3 };
enum { NEITHER = 0, REUSEADDR = 1, REUSEPORT = 2 };

struct play {
	struct output *out;
	struct process client, server, again; /* again: the server that is started after it */
	struct addr bound;                    /* where the server listened */
	int listener, conn, client_fd;        /* in the server, in the server, in the client */
	struct ends ends;
};

static bool states(struct play *p, int client, int server)
{
	return kernel_await_states(p->out, &p->ends, client, server);
}

static bool set(int fd, int name)
{
	int on = 1;

	return sys_setsockopt(fd, SOL_SOCKET, name, &on, sizeof(on)) == 0;
}

/* The calls of a server that starts, up to the one that fails, which call names then. */
static bool do_start(struct call *call)
{
	call->name = "setsockopt()";
	if ((call->option & REUSEADDR) && !set(call->fd, SO_REUSEADDR))
		return false;
	if ((call->option & REUSEPORT) && !set(call->fd, SO_REUSEPORT))
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
static void do_listen(struct call *call)
{
	int error;

	call->result = -1;
	call->name = "socket()";
	call->fd = sys_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (call->fd < 0)
		return;
	if (do_start(call)) {
		call->result = 0;
		return;
	}
	error = errno;
	sys_close(call->fd);
	errno = error;
}

/*
 * Has a server start at that address, with options; true when it listens, else *done says why not.
 */
static bool start(struct play *p, const struct process *process, int options, const struct addr *at,
		  struct call *done)
{
	if (options != NEITHER) {
		output_cell(p->out, process->column, "%s on",
			    options == REUSEADDR ? "SO_REUSEADDR" : "SO_REUSEPORT");
		output_line(p->out);
	}
	*done = process_run_line(process, (struct call){ .run = do_listen,
							 .name = "bind()",
							 .fd = -1,
							 .option = options,
							 .addr = *at });
	if (done->result == 0)
		output_lifeline(p->out, process->column, true);
	return done->result == 0;
}

static bool is_in_use(struct play *p, const struct process *process, int options)
{
	struct call done;

	return !start(p, process, options, &p->bound, &done) && done.error == EADDRINUSE;
}

/* The server listens at a port that the system chooses. */
static void start_server(struct play *p, int options)
{
	struct addr any = call_loopback(0);
	struct call done;

	output_lifeline(p->out, OUTPUT_CLIENT, false);
	output_lifeline(p->out, 1, false);
	output_lifeline(p->out, 2, false);
	p->server = process_fork(p->out, 1, "server");
	if (!start(p, &p->server, options, &any, &done)) {
		errno = done.error;
		output_skip_rest(p->out, done.name);
	}
	p->bound = done.addr;
	p->listener = done.fd;
	output_kernel(p->out, "the system chose port %u", (unsigned)ntohs(p->bound.in.sin_port));
}

/* A client connects to a server, which accepts. */
static void meet(struct play *p, const struct process *server, int listener)
{
	struct call dialled = process_run(&p->client, call_try_connect(&p->bound, 0)), accepted;

	output_cell(p->out, OUTPUT_CLIENT, "connect() = %s",
		    dialled.option == 0 ? "0" : err_name(dialled.option));
	output_arrow(p->out, TO_SERVER, "SYN");
	output_lifeline(p->out, OUTPUT_CLIENT, true);
	accepted = process_run_line(server, call_accept(listener, SOON_MS));
	errno = dialled.option != 0 ? dialled.option : accepted.error;
	if (dialled.result < 0 || dialled.option != 0 || accepted.result < 0)
		output_skip_rest(p->out, "a connection on loopback");
	p->client_fd = (int)dialled.result;
	p->conn = (int)accepted.result;
	p->ends = (struct ends){ .client = dialled.addr, .server = p->bound };
}

/*
 * One closes, the other sees the end and closes too. It does so when its acknowledgement has
 * arrived: one that is overtaken by its FIN would be answered, the answer by a reset, and that ends
 * a TIME_WAIT (RFC 1337).
 */
static void part(struct play *p, bool is_server_first)
{
	const struct process *first = is_server_first ? &p->server : &p->client;
	const struct process *second = is_server_first ? &p->client : &p->server;
	int first_fd = is_server_first ? p->conn : p->client_fd;
	int second_fd = is_server_first ? p->client_fd : p->conn;

	output_arrow(p->out, is_server_first ? TO_CLIENT : TO_SERVER, "FIN");
	process_run_line(first, call_close(first_fd));
	output_lifeline(p->out, 1, true); /* the server still listens */
	process_run_line(second, call_recv(second_fd, MOST, SOON_MS));
	states(p, is_server_first ? TCP_CLOSE_WAIT : TCP_FIN_WAIT2,
	       is_server_first ? TCP_FIN_WAIT2 : TCP_CLOSE_WAIT);
	output_arrow(p->out, is_server_first ? TO_SERVER : TO_CLIENT, "FIN");
	process_run_line(second, call_close(second_fd));
	output_lifeline(p->out, 1, true);
}

/* The server's process ends; what it held is closed, its listening socket too. */
static void end_server(struct play *p)
{
	process_stop(&p->server);
	output_cell(p->out, 1, "exit()");
	output_lifeline(p->out, 1, false);
	output_line(p->out);
}

/* (a) */
static void restart_without(struct play *p)
{
	output_scene(p->out, "(a) a server closes first, ends, and is started again");
	start_server(p, NEITHER);
	meet(p, &p->server, p->listener);
	part(p, true);
	end_server(p);
	output_claim(p->out, states(p, TCP_CLOSE, TCP_TIME_WAIT),
		     "no process is left, but the kernel keeps the server's end in TIME_WAIT");
	output_claim(p->out, is_in_use(p, &p->again, NEITHER),
		     "that is enough to hold the port: bind() fails with EADDRINUSE");
	output_claim(
		p->out, is_in_use(p, &p->again, REUSEADDR),
		"SO_REUSEADDR now is too late: on Linux the end in TIME_WAIT must agree, and it "
		"comes from a listening socket without the option");
}

/* (c): the server that was started again listens. */
static void two_at_once(struct play *p)
{
	output_scene(p->out, "(c) a second server while the first listens");
	output_lifeline(p->out, 1, false);
	p->server = process_fork(p->out, 1, "server");
	output_claim(p->out, is_in_use(p, &p->server, REUSEADDR),
		     "two that listen may not share a port, though both have set SO_REUSEADDR: it "
		     "cannot steal a port from a server that runs");
	process_stop(&p->server);
	process_run(&p->client, call_close(p->client_fd));
}

/* (b) */
static void restart_with(struct play *p)
{
	struct call done;
	bool listens, is_kept, is_served;

	output_scene(p->out, "(b) the same, but the server has set SO_REUSEADDR from the start");
	start_server(p, REUSEADDR);
	meet(p, &p->server, p->listener);
	part(p, true);
	end_server(p);
	output_claim(p->out,
		     states(p, TCP_CLOSE, TCP_TIME_WAIT) && is_in_use(p, &p->again, NEITHER),
		     "TIME_WAIT as before, and whoever does not ask is refused as before");
	listens = start(p, &p->again, REUSEADDR, &p->bound, &done);
	is_kept = states(p, TCP_CLOSE, TCP_TIME_WAIT);
	output_claim(p->out, listens && is_kept,
		     "both have asked: bind() succeeds, beside the end in TIME_WAIT, which stays");
	if (!listens)
		return;
	p->listener = done.fd;
	meet(p, &p->again, p->listener);
	is_served =
		process_send_word(TO_CLIENT, &p->again, p->conn, &p->client, p->client_fd, "hello");
	output_claim(p->out, is_served && kernel_server_state(&p->ends) == TCP_ESTABLISHED,
		     "and the next client is served: every server should set it before bind()");
	two_at_once(p);
}

/*
 * (d), once: true when the port could be bound at once. A port that is free may be taken by any
 * process of this machine.
 */
static bool is_free_at_once(struct play *p)
{
	struct call done;
	bool listens;

	start_server(p, NEITHER);
	meet(p, &p->server, p->listener);
	part(p, false);
	end_server(p);
	output_claim(p->out, states(p, TCP_TIME_WAIT, TCP_CLOSE),
		     "TIME_WAIT is at the client's end, where the port was the system's choice");
	listens = start(p, &p->again, NEITHER, &p->bound, &done);
	if (listens)
		process_run(&p->again, call_close(done.fd));
	return listens;
}

static void client_first(struct play *p)
{
	bool is_free;

	output_scene(p->out, "(d) without the option, but the client closes first");
	is_free = is_free_at_once(p);
	for (int i = 1; i < TRIES && !is_free; i++) {
		output_scene(p->out, "    (someone may have taken the port: again, at another)");
		is_free = is_free_at_once(p);
	}
	output_claim(p->out, is_free, "the server's port is free at once");
}

/* (e): so many clients, whom nobody accepts. */
static void gather(struct play *p, int *crowd)
{
	struct call dialled;

	for (int i = 0; i < CROWD; i++) {
		dialled = process_run(&p->client, call_try_connect(&p->bound, 0));
		errno = dialled.result < 0 ? dialled.error : dialled.option;
		if (errno != 0)
			output_skip_rest(p->out, "connect()");
		crowd[i] = (int)dialled.result;
	}
	output_cell(p->out, OUTPUT_CLIENT, "connect() %d times", CROWD);
	output_arrow(p->out, TO_SERVER, "SYN ...");
	output_line(p->out);
}

/* Looks until at least so many of the clients were reset; returns how many were. */
static unsigned count_resets(struct play *p, const int *crowd, unsigned expected)
{
	int64_t until_ms = clock_ms() + SOON_MS;
	bool was_reset[CROWD] = { false };
	struct call got;
	unsigned resets = 0;

	do
		for (int i = 0; i < CROWD; i++) {
			if (was_reset[i])
				continue;
			got = process_run(&p->client, call_recv(crowd[i], 1, 0));
			was_reset[i] = got.result < 0 && got.error == ECONNRESET;
			resets += was_reset[i];
		}
	while (resets < expected && clock_ms() < until_ms);
	return resets;
}

/* How many wait in the queue of this process's socket, when none is on its way any more. */
static unsigned split(struct play *p, int other_listener, unsigned *other)
{
	int64_t until_ms = clock_ms() + SOON_MS;
	struct call counted;
	unsigned mine;

	do {
		mine = kernel_queue(p->out, p->listener).length;
		counted = process_run(&p->again, call_queue_length(other_listener));
		*other = counted.result < 0 ? 0 : (unsigned)counted.result;
	} while (mine + *other < CROWD && clock_ms() < until_ms);
	output_kernel(p->out, "%u wait in the first queue, %u in the second", mine, *other);
	return mine;
}

static void lose_one(struct play *p, const int *crowd, unsigned lost)
{
	static const char claim[] = "who waited in its queue is reset, though another server "
				    "listens. Workers that share one socket (fork, as in "
				    "prefork-srv) share its queue too, and none of it is lost";
	unsigned resets;

	process_kill(&p->again);
	output_cell(p->out, 2, "killed (SIGKILL)");
	output_arrow(p->out, TO_CLIENT, "RST ...");
	output_line(p->out);
	if (kernel_sysctl("net/ipv4/tcp_migrate_req", 0) != 0) {
		output_skip_claim(p->out, "net.ipv4.tcp_migrate_req hands them on", "%s", claim);
		return;
	}
	resets = count_resets(p, crowd, lost);
	output_kernel(p->out, "%u of %d clients have got ECONNRESET", resets, CROWD);
	output_claim(p->out, resets == lost, "%s", claim);
}

static void side_by_side(struct play *p)
{
	static const char *const names[] = { "server", "second server", NULL };
	struct addr any = call_loopback(0);
	struct call first, second;
	unsigned mine, other;
	int crowd[CROWD];
	bool shares;

	output_columns(p->out, names);
	output_scene(p->out, "(e) and where two shall listen: SO_REUSEPORT");
	p->again = process_fork(p->out, 2, names[1]);
	p->server = process_self(p->out, 1, names[0]);
	if (!start(p, &p->server, REUSEPORT, &any, &first)) {
		errno = first.error;
		output_skip_rest(p->out, first.name);
	}
	p->listener = first.fd;
	p->bound = first.addr;
	shares = start(p, &p->again, REUSEPORT, &p->bound, &second);
	output_claim(p->out, shares, "two may listen at one port when both have asked for that");
	if (!shares)
		return;
	if (kernel_queue(p->out, p->listener).limit < CROWD) {
		output_skip_claim(p->out, "net.core.somaxconn is too low",
				  "the kernel spreads clients over the two");
		return;
	}
	gather(p, crowd);
	mine = split(p, second.fd, &other);
	output_claim(p->out, mine + other == CROWD && mine > 0 && other > 0,
		     "each has a queue of its own, and the kernel spreads the clients over them");
	lose_one(p, crowd, other);
	sys_close(p->listener);
}

void lesson_reuseaddr(struct output *out)
{
	static const char *const names[] = { "server", "started again", NULL };
	struct play p = { .out = out };

	output_paragraph(
		out,
		"Who closes a connection first keeps its end for a minute in TIME_WAIT, so that "
		"late segments find nobody else (lesson handshake). Where that is the server, "
		"the end has the server's port. Why a server that is started again may find "
		"its port taken, by nobody, and what SO_REUSEADDR changes.");
	kernel_require_time_wait(out);
	output_columns(out, names);
	p.client = process_fork(out, OUTPUT_CLIENT, "client");
	p.again = process_fork(out, 2, names[1]);
	restart_without(&p);
	restart_with(&p);
	process_stop(&p.again);
	p.again = process_fork(out, 2, names[1]);
	client_first(&p);
	process_stop(&p.again);
	side_by_side(&p);
	process_stop(&p.client);
}
