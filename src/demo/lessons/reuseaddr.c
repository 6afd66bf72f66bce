/* SPDX-License-Identifier: MIT */
/*
 * Lesson: a connection that its server closed first keeps the server's port in TIME_WAIT, although
 * no process is left. What SO_REUSEADDR changes about that and what not, who closes first, and what
 * SO_REUSEPORT is for. Servers are processes that really end and start again.
 */
#include "base/clock.h"
#include "base/sys.h"
#include "demo/counter.h"
#include "demo/dial.h"
#include "demo/ground.h"
#include "demo/kernel.h"
#include "demo/lesson.h"
#include "demo/process.h"
#include "demo/queue.h"

enum { SOON_MS = 5000, MOST = 64, BACKLOG = 64, CROWD = 40, TRIES = 3 };
enum { NEITHER = 0, REUSEADDR = 1, REUSEPORT = 2 };

struct play {
	struct stage *stage;
	struct actor client, server, again; /* again: the server that is started after it */
	struct addr bound;                  /* where the server listened */
	int listener, conn, client_fd;      /* in the server, in the server, in the client */
	struct ends ends;
};

static bool states(struct play *p, int client, int server)
{
	return evidence_states(p->stage, &p->ends, client, server);
}

static bool set(int fd, int name)
{
	int on = 1;

	return sys_setsockopt(fd, SOL_SOCKET, name, &on, sizeof(on)) == 0;
}

/* The calls of a server that starts, up to the one that fails, which call names then. */
static bool do_start(struct order *order)
{
	order->call = "setsockopt()";
	if ((order->option & REUSEADDR) && !set(order->fd, SO_REUSEADDR))
		return false;
	if ((order->option & REUSEPORT) && !set(order->fd, SO_REUSEPORT))
		return false;
	order->call = "bind()";
	if (sys_bind(order->fd, &order->addr.sa, order->addr.len) < 0)
		return false;
	order->call = "listen()";
	if (sys_listen(order->fd, BACKLOG) < 0)
		return false;
	order->call = "bind(),listen()";
	return sys_getsockname(order->fd, &order->addr.sa, &order->addr.len) == 0;
}

/* fd becomes the listening socket, addr its address. */
static void do_listen(struct order *order)
{
	int error;

	order->result = -1;
	order->call = "socket()";
	order->fd = sys_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (order->fd < 0)
		return;
	if (do_start(order)) {
		order->result = 0;
		return;
	}
	error = errno;
	sys_close(order->fd);
	errno = error;
}

/*
 * Has a server start at that address, with options; true when it listens, else *done says why not.
 */
static bool start(struct play *p, const struct actor *actor, int options, const struct addr *at,
		  struct order *done)
{
	if (options != NEITHER) {
		stage_cell(p->stage, actor->column, "%s on",
			   options == REUSEADDR ? "SO_REUSEADDR" : "SO_REUSEPORT");
		stage_line(p->stage);
	}
	*done = cast_step(p->stage, actor,
			  (struct order){ .act = do_listen,
					  .call = "bind()",
					  .fd = -1,
					  .option = options,
					  .addr = *at });
	if (done->result == 0)
		stage_hold(p->stage, actor->column, true);
	return done->result == 0;
}

static bool is_in_use(struct play *p, const struct actor *actor, int options)
{
	struct order done;

	return !start(p, actor, options, &p->bound, &done) && done.error == EADDRINUSE;
}

/* The server listens at a port that the system chooses. */
static void start_server(struct play *p, int options)
{
	struct addr any = ground_address(0);
	struct order done;

	stage_hold(p->stage, STAGE_CLIENT, false);
	stage_hold(p->stage, 1, false);
	stage_hold(p->stage, 2, false);
	p->server = cast_hire(p->stage, 1, "server");
	if (!start(p, &p->server, options, &any, &done)) {
		errno = done.error;
		stage_give_up(p->stage, done.call);
	}
	p->bound = done.addr;
	p->listener = done.fd;
	stage_kernel(p->stage, "the system chose port %u", (unsigned)ntohs(p->bound.in.sin_port));
}

/* A client connects to a server, which accepts. */
static void meet(struct play *p, const struct actor *server, int listener)
{
	struct order dialled = cast_do(p->stage, &p->client, dial_out(&p->bound, 0)), accepted;

	stage_cell(p->stage, STAGE_CLIENT, "connect() = %s",
		   dialled.option == 0 ? "0" : err_name(dialled.option));
	stage_arrow(p->stage, TO_SERVER, "SYN");
	stage_hold(p->stage, STAGE_CLIENT, true);
	accepted = cast_step(p->stage, server, order_accept(listener, SOON_MS));
	errno = dialled.option != 0 ? dialled.option : accepted.error;
	if (dialled.result < 0 || dialled.option != 0 || accepted.result < 0)
		stage_give_up(p->stage, "a connection on loopback");
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
	const struct actor *first = is_server_first ? &p->server : &p->client;
	const struct actor *second = is_server_first ? &p->client : &p->server;
	int first_fd = is_server_first ? p->conn : p->client_fd;
	int second_fd = is_server_first ? p->client_fd : p->conn;

	stage_arrow(p->stage, is_server_first ? TO_CLIENT : TO_SERVER, "FIN");
	cast_step(p->stage, first, order_close(first_fd));
	stage_hold(p->stage, 1, true); /* the server still listens */
	cast_step(p->stage, second, order_recv(second_fd, MOST, SOON_MS));
	states(p, is_server_first ? TCP_CLOSE_WAIT : TCP_FIN_WAIT2,
	       is_server_first ? TCP_FIN_WAIT2 : TCP_CLOSE_WAIT);
	stage_arrow(p->stage, is_server_first ? TO_SERVER : TO_CLIENT, "FIN");
	cast_step(p->stage, second, order_close(second_fd));
	stage_hold(p->stage, 1, true);
}

/* The server's process ends; what it held is closed, its listening socket too. */
static void end_server(struct play *p)
{
	cast_dismiss(p->stage, &p->server);
	stage_cell(p->stage, 1, "exit()");
	stage_hold(p->stage, 1, false);
	stage_line(p->stage);
}

/* (a) */
static void restart_without(struct play *p)
{
	stage_scene(p->stage, "(a) a server closes first, ends, and is started again");
	start_server(p, NEITHER);
	meet(p, &p->server, p->listener);
	part(p, true);
	end_server(p);
	stage_claim(p->stage, states(p, TCP_CLOSE, TCP_TIME_WAIT),
		    "no process is left, but the kernel keeps the server's end in TIME_WAIT");
	stage_claim(p->stage, is_in_use(p, &p->again, NEITHER),
		    "that is enough to hold the port: bind() fails with EADDRINUSE");
	stage_claim(
		p->stage, is_in_use(p, &p->again, REUSEADDR),
		"SO_REUSEADDR now is too late: on Linux the end in TIME_WAIT must agree, and it "
		"comes from a listening socket without the option");
}

/* (c): the server that was started again listens. */
static void two_at_once(struct play *p)
{
	stage_scene(p->stage, "(c) a second server while the first listens");
	stage_hold(p->stage, 1, false);
	p->server = cast_hire(p->stage, 1, "server");
	stage_claim(p->stage, is_in_use(p, &p->server, REUSEADDR),
		    "two that listen may not share a port, though both have set SO_REUSEADDR: it "
		    "cannot steal a port from a server that runs");
	cast_dismiss(p->stage, &p->server);
	cast_do(p->stage, &p->client, order_close(p->client_fd));
}

/* (b) */
static void restart_with(struct play *p)
{
	struct order done;
	bool listens, is_kept, is_served;

	stage_scene(p->stage, "(b) the same, but the server has set SO_REUSEADDR from the start");
	start_server(p, REUSEADDR);
	meet(p, &p->server, p->listener);
	part(p, true);
	end_server(p);
	stage_claim(p->stage,
		    states(p, TCP_CLOSE, TCP_TIME_WAIT) && is_in_use(p, &p->again, NEITHER),
		    "TIME_WAIT as before, and whoever does not ask is refused as before");
	listens = start(p, &p->again, REUSEADDR, &p->bound, &done);
	is_kept = states(p, TCP_CLOSE, TCP_TIME_WAIT);
	stage_claim(p->stage, listens && is_kept,
		    "both have asked: bind() succeeds, beside the end in TIME_WAIT, which stays");
	if (!listens)
		return;
	p->listener = done.fd;
	meet(p, &p->again, p->listener);
	is_served = cast_pass(p->stage, TO_CLIENT, &p->again, p->conn, &p->client, p->client_fd,
			      "hello");
	stage_claim(p->stage, is_served && evidence_server_state(&p->ends) == TCP_ESTABLISHED,
		    "and the next client is served: every server should set it before bind()");
	two_at_once(p);
}

/*
 * (d), once: true when the port could be bound at once. A port that is free may be taken by any
 * process of this machine.
 */
static bool is_free_at_once(struct play *p)
{
	struct order done;
	bool listens;

	start_server(p, NEITHER);
	meet(p, &p->server, p->listener);
	part(p, false);
	end_server(p);
	stage_claim(p->stage, states(p, TCP_TIME_WAIT, TCP_CLOSE),
		    "TIME_WAIT is at the client's end, where the port was the system's choice");
	listens = start(p, &p->again, NEITHER, &p->bound, &done);
	if (listens)
		cast_do(p->stage, &p->again, order_close(done.fd));
	return listens;
}

static void client_first(struct play *p)
{
	bool is_free;

	stage_scene(p->stage, "(d) without the option, but the client closes first");
	is_free = is_free_at_once(p);
	for (int i = 1; i < TRIES && !is_free; i++) {
		stage_scene(p->stage, "    (someone may have taken the port: again, at another)");
		is_free = is_free_at_once(p);
	}
	stage_claim(p->stage, is_free, "the server's port is free at once");
}

/* (e): so many clients, whom nobody accepts. */
static void gather(struct play *p, int *crowd)
{
	struct order dialled;

	for (int i = 0; i < CROWD; i++) {
		dialled = cast_do(p->stage, &p->client, dial_out(&p->bound, 0));
		errno = dialled.result < 0 ? dialled.error : dialled.option;
		if (errno != 0)
			stage_give_up(p->stage, "connect()");
		crowd[i] = (int)dialled.result;
	}
	stage_cell(p->stage, STAGE_CLIENT, "connect() %d times", CROWD);
	stage_arrow(p->stage, TO_SERVER, "SYN ...");
	stage_line(p->stage);
}

/* Looks until at least so many of the clients were reset; returns how many were. */
static unsigned count_resets(struct play *p, const int *crowd, unsigned expected)
{
	int64_t until_ms = clock_ms() + SOON_MS;
	bool was_reset[CROWD] = { false };
	struct order got;
	unsigned resets = 0;

	do
		for (int i = 0; i < CROWD; i++) {
			if (was_reset[i])
				continue;
			got = cast_do(p->stage, &p->client, order_recv(crowd[i], 1, 0));
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
	struct order counted;
	unsigned mine;

	do {
		mine = queue_look(p->stage, p->listener).length;
		counted = cast_do(p->stage, &p->again, queue_count(other_listener));
		*other = counted.result < 0 ? 0 : (unsigned)counted.result;
	} while (mine + *other < CROWD && clock_ms() < until_ms);
	stage_kernel(p->stage, "%u wait in the first queue, %u in the second", mine, *other);
	return mine;
}

static void lose_one(struct play *p, const int *crowd, unsigned lost)
{
	static const char claim[] = "who waited in its queue is reset, though another server "
				    "listens. Workers that share one socket (fork, as in "
				    "prefork-srv) share its queue too, and none of it is lost";
	unsigned resets;

	cast_kill(p->stage, &p->again);
	stage_cell(p->stage, 2, "killed (SIGKILL)");
	stage_arrow(p->stage, TO_CLIENT, "RST ...");
	stage_line(p->stage);
	if (counter_setting("net/ipv4/tcp_migrate_req", 0) != 0) {
		stage_unknown(p->stage, "net.ipv4.tcp_migrate_req hands them on", "%s", claim);
		return;
	}
	resets = count_resets(p, crowd, lost);
	stage_kernel(p->stage, "%u of %d clients have got ECONNRESET", resets, CROWD);
	stage_claim(p->stage, resets == lost, "%s", claim);
}

static void side_by_side(struct play *p)
{
	static const char *const names[] = { "server", "second server", NULL };
	struct addr any = ground_address(0);
	struct order first, second;
	unsigned mine, other;
	int crowd[CROWD];
	bool shares;

	stage_cast(p->stage, names);
	stage_scene(p->stage, "(e) and where two shall listen: SO_REUSEPORT");
	p->again = cast_hire(p->stage, 2, names[1]);
	p->server = cast_self(1, names[0]);
	if (!start(p, &p->server, REUSEPORT, &any, &first)) {
		errno = first.error;
		stage_give_up(p->stage, first.call);
	}
	p->listener = first.fd;
	p->bound = first.addr;
	shares = start(p, &p->again, REUSEPORT, &p->bound, &second);
	stage_claim(p->stage, shares, "two may listen at one port when both have asked for that");
	if (!shares)
		return;
	if (queue_look(p->stage, p->listener).limit < CROWD) {
		stage_unknown(p->stage, "net.core.somaxconn is too low",
			      "the kernel spreads clients over the two");
		return;
	}
	gather(p, crowd);
	mine = split(p, second.fd, &other);
	stage_claim(p->stage, mine + other == CROWD && mine > 0 && other > 0,
		    "each has a queue of its own, and the kernel spreads the clients over them");
	lose_one(p, crowd, other);
	sys_close(p->listener);
}

void lesson_reuseaddr(struct stage *stage)
{
	static const char *const names[] = { "server", "started again", NULL };
	struct play p = { .stage = stage };

	stage_say(stage,
		  "Who closes a connection first keeps its end for a minute in TIME_WAIT, so that "
		  "late segments find nobody else (lesson handshake). Where that is the server, "
		  "the end has the server's port. Why a server that is started again may find "
		  "its port taken, by nobody, and what SO_REUSEADDR changes.");
	evidence_need_time_wait(stage);
	stage_cast(stage, names);
	p.client = cast_hire(stage, STAGE_CLIENT, "client");
	p.again = cast_hire(stage, 2, names[1]);
	restart_without(&p);
	restart_with(&p);
	cast_dismiss(stage, &p.again);
	p.again = cast_hire(stage, 2, names[1]);
	client_first(&p);
	cast_dismiss(stage, &p.again);
	side_by_side(&p);
	cast_dismiss(stage, &p.client);
}
