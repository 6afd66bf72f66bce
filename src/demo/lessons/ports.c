/* SPDX-License-Identifier: MIT */
/*
 * Lesson: where port numbers come from. The system chooses one for port 0 and for a client that
 * asks for none; low ones need a privilege; above 65535 is none; and a client may bind its own,
 * which a second connection can share, but not to the same server.
 */
#include <linux/capability.h>
#include <netdb.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/sys.h"
#include "demo/cast.h"
#include "demo/counter.h"
#include "demo/dial.h"
#include "demo/evidence.h"
#include "demo/ground.h"
#include "demo/lesson.h"

enum { SERVER = 1, SOON_MS = 5000, TRIES = 16, BACKLOG = 8, TOO_LARGE = 65536 };

struct play {
	struct stage *stage;
	struct actor client, server;
	bool has_range;
	long low, high; /* net.ipv4.ip_local_port_range */
};

static unsigned port_of(const struct addr *addr)
{
	return ntohs(addr->in.sin_port);
}

static void read_range(struct play *p)
{
	char text[64], *next;

	p->has_range = file_read_path("/proc/sys/net/ipv4/ip_local_port_range", text, sizeof(text));
	if (!p->has_range)
		return;
	p->low = strtol(text, &next, 10);
	p->high = strtol(next, NULL, 10);
	stage_kernel(p->stage, "net.ipv4.ip_local_port_range = %ld %ld", p->low, p->high);
}

static bool in_range(const struct play *p, unsigned port)
{
	return (long)port >= p->low && (long)port <= p->high;
}

static void claim_range(struct play *p, bool holds, const char *claim)
{
	if (p->has_range)
		stage_claim(p->stage, holds, "%s", claim);
	else
		stage_unknown(p->stage, "ip_local_port_range cannot be read", "%s", claim);
}

static struct order bind_to(struct play *p, const struct actor *actor, unsigned port, bool reuse)
{
	struct addr at = ground_address(port);

	return cast_do(p->stage, actor, dial_bind(&at, reuse));
}

/*
 * Finds a port that is free and binds a socket to that number and so much more, of which 16 bits
 * count.
 */
static struct order bind_own(struct play *p, const struct actor *actor, unsigned more)
{
	struct order probe, own = { .result = -1, .error = EADDRINUSE };

	for (unsigned i = 0; i < TRIES && own.result < 0 && own.error == EADDRINUSE; i++) {
		probe = bind_to(p, actor, 0, false);
		cast_do(p->stage, actor, order_close((int)probe.result));
		own = bind_to(p, actor, port_of(&probe.addr) + more, true);
		own.size = port_of(&probe.addr);
	}
	errno = own.error;
	if (own.result < 0)
		stage_give_up(p->stage, "bind() to a free port");
	return own;
}

/* Into the actor's column: "bind(0) = 0". */
static void show_bind(struct play *p, const struct actor *actor, unsigned wanted,
		      const struct order *bound)
{
	stage_cell(p->stage, actor->column, "bind(%u) = %s", wanted,
		   bound->result < 0 ? err_name(bound->error) : "0");
	stage_line(p->stage);
}

static void show_name(struct play *p, const struct actor *actor, const struct order *order)
{
	if (order->result < 0)
		return;
	stage_cell(p->stage, actor->column, "getsockname(): %u", port_of(&order->addr));
	stage_line(p->stage);
}

static void begin(struct play *p, const char *name, const char *heading)
{
	const char *names[] = { name, NULL };

	stage_cast(p->stage, names);
	stage_scene(p->stage, heading);
}

/* (a) */
static void choosing_none(struct play *p)
{
	struct order one, two;

	begin(p, "server", "(a) a server that binds to port 0");
	one = bind_to(p, &p->server, 0, false);
	show_bind(p, &p->server, 0, &one);
	show_name(p, &p->server, &one);
	two = bind_to(p, &p->server, 0, false);
	show_bind(p, &p->server, 0, &two);
	show_name(p, &p->server, &two);
	stage_claim(p->stage, one.result >= 0 && two.result >= 0 && port_of(&one.addr) != 0,
		    "0 is no port: it asks the system for a free one, and getsockname() names it");
	stage_claim(p->stage, port_of(&one.addr) != port_of(&two.addr),
		    "a second socket gets another port");
	read_range(p);
	claim_range(p, in_range(p, port_of(&one.addr)) && in_range(p, port_of(&two.addr)),
		    "both come from the range that the system keeps for this");
	cast_do(p->stage, &p->server, order_close((int)one.result));
	cast_do(p->stage, &p->server, order_close((int)two.result));
}

/* Gives up every capability (capabilities(7)); a root without them is nobody special. */
static void do_renounce(struct order *order)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	order->result = sys_capset(&header, none);
}

/* (b) */
static void binding_low(struct play *p)
{
	static const char claim[] = "a low port is refused with EACCES to a process without the "
				    "privilege (CAP_NET_BIND_SERVICE)";
	int64_t first = counter_setting("net/ipv4/ip_unprivileged_port_start", -1);
	struct order renounced, low, any;
	struct actor child;

	begin(p, "a child of the server", "(b) a low port, and a process without privilege");
	child = cast_hire(p->stage, SERVER, "child");
	renounced = cast_step(p->stage, &child,
			      (struct order){ .act = do_renounce, .call = "capset(none)" });
	stage_kernel(p->stage, "net.ipv4.ip_unprivileged_port_start = %lld", (long long)first);
	if (first <= 1 || renounced.result < 0) {
		stage_unknown(p->stage,
			      renounced.result < 0 ? "capset() fails" :
			      first < 0            ? "ip_unprivileged_port_start cannot be read" :
						     "no port is below ip_unprivileged_port_start",
			      "%s", claim);
	} else {
		low = bind_to(p, &child, (unsigned)first - 1, false);
		show_bind(p, &child, (unsigned)first - 1, &low);
		stage_claim(p->stage, low.result == -1 && low.error == EACCES, "%s", claim);
		any = bind_to(p, &child, 0, false);
		show_bind(p, &child, 0, &any);
		show_name(p, &child, &any);
		stage_claim(
			p->stage, any.result >= 0 && port_of(&any.addr) >= first,
			"the same process gets one from %lld on: it is the number that makes the "
			"difference",
			(long long)first);
	}
	cast_dismiss(p->stage, &child);
}

/* What the C library makes of a number that is no port. */
static void ask_library(struct play *p)
{
	const struct addrinfo hints = { .ai_family = AF_INET,
					.ai_socktype = SOCK_STREAM,
					.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	struct addrinfo *found = NULL;
	int failed = getaddrinfo("127.0.0.1", "65536", &hints, &found);

	if (failed != 0) {
		stage_cell(p->stage, SERVER, "getaddrinfo(\"65536\"): %s", gai_strerror(failed));
	} else {
		const struct sockaddr_in *in = (const void *)found->ai_addr;

		stage_cell(p->stage, SERVER, "getaddrinfo(\"65536\"): port %u",
			   ntohs(in->sin_port));
		freeaddrinfo(found);
	}
	stage_line(p->stage);
}

/* (c) */
static void too_large(struct play *p)
{
	struct err err = { .text = "" }, none = { .text = "" };
	struct order bound, wrapped;
	unsigned asked;
	bool is_refused;

	begin(p, "server", "(c) a port above 65535");
	bound = bind_to(p, &p->server, TOO_LARGE, false);
	stage_cell(p->stage, SERVER, "bind(htons(65536)) = %s",
		   bound.result < 0 ? err_name(bound.error) : "0");
	stage_line(p->stage);
	show_name(p, &p->server, &bound);
	stage_claim(p->stage, bound.result >= 0 && port_of(&bound.addr) != 0,
		    "a port has 16 bits: htons(65536) is 0, and the server gets some port that "
		    "nobody asked for");
	wrapped = bind_own(p, &p->server, TOO_LARGE);
	asked = TOO_LARGE + (unsigned)wrapped.size;
	stage_cell(p->stage, SERVER, "bind(htons(%u)) = 0", asked);
	stage_line(p->stage);
	show_name(p, &p->server, &wrapped);
	ask_library(p);
	is_refused = !addr_check("127.0.0.1:65536", &err);
	stage_claim(p->stage, port_of(&wrapped.addr) == asked - TOO_LARGE && is_refused,
		    "and %u is %u, without an error: a program has to look at the number itself, "
		    "as prefork-srv does, which refuses 65536",
		    asked, asked - TOO_LARGE);
	stage_claim(p->stage, addr_check("127.0.0.1:65535", &none), "65535 is the last port");
	cast_do(p->stage, &p->server, order_close((int)bound.result));
	cast_do(p->stage, &p->server, order_close((int)wrapped.result));
}

/* The server accepts and says from which port the client comes; its line is the client's too. */
static struct order accepts(struct play *p, int listener)
{
	struct order accepted = cast_do(p->stage, &p->server, order_accept(listener, SOON_MS));

	if (accepted.result < 0)
		stage_cell(p->stage, SERVER, "accept() = %s", err_name(accepted.error));
	else
		stage_cell(p->stage, SERVER, "accept(): from port %u", port_of(&accepted.addr));
	stage_line(p->stage);
	return accepted;
}

/* A client's connection, as it was made. */
struct call {
	int fd;
	unsigned port; /* the client's own */
	bool is_seen;  /* the server saw that port */
};

static struct call dials(struct play *p, const struct addr *to, int listener)
{
	struct order dialled = cast_do(p->stage, &p->client, dial_out(to, 0)), accepted;

	stage_cell(p->stage, STAGE_CLIENT, "connect() = %s",
		   dialled.option != 0 ? err_name(dialled.option) : "0");
	stage_arrow(p->stage, TO_SERVER, "SYN");
	accepted = accepts(p, listener);
	show_name(p, &p->client, &dialled);
	if (accepted.result >= 0)
		sys_close((int)accepted.result);
	return (struct call){ .fd = (int)dialled.result,
			      .port = port_of(&dialled.addr),
			      .is_seen = dialled.option == 0 && accepted.result >= 0 &&
					 port_of(&accepted.addr) == port_of(&dialled.addr) };
}

/* (d) */
static void ephemeral(struct play *p)
{
	struct addr bound;
	struct call one, two;
	int listener;

	begin(p, "server", "(d) a client that asks for no port");
	listener = ground_listen(p->stage, BACKLOG, &bound);
	one = dials(p, &bound, listener);
	two = dials(p, &bound, listener);
	stage_claim(p->stage, one.is_seen && two.is_seen,
		    "connect() chose a port for it, and that is whom the server sees");
	stage_claim(p->stage, one.port != two.port,
		    "a second connection to the same server has another port: it would be the "
		    "same connection else");
	claim_range(p, in_range(p, one.port) && in_range(p, two.port),
		    "such ports (ephemeral ports) come from the same range as those for port 0");
	cast_do(p->stage, &p->client, order_close(one.fd));
	cast_do(p->stage, &p->client, order_close(two.fd));
	sys_close(listener);
}

static void do_connect(struct order *order)
{
	order->result = sys_connect(order->fd, &order->addr.sa, order->addr.len);
}

static struct order connect_from(struct play *p, int fd, const struct addr *to)
{
	struct order order = { .act = do_connect, .call = "connect()", .fd = fd, .addr = *to };

	return cast_play(p->stage, &p->client, order);
}

/* A second socket with the port of the first: it must share it willingly, and go elsewhere. */
static void share_port(struct play *p, unsigned port, const struct addr *same)
{
	struct order alone, shared, again, other;
	struct addr elsewhere;
	int listener = ground_listen(p->stage, BACKLOG, &elsewhere);

	alone = bind_to(p, &p->client, port, false);
	stage_cell(p->stage, SERVER, "(without SO_REUSEADDR)");
	show_bind(p, &p->client, port, &alone);
	stage_claim(p->stage, alone.result == -1 && alone.error == EADDRINUSE,
		    "a second socket may not have it as well: EADDRINUSE");
	shared = bind_to(p, &p->client, port, true);
	stage_cell(p->stage, SERVER, "(with SO_REUSEADDR)");
	show_bind(p, &p->client, port, &shared);
	again = connect_from(p, (int)shared.result, same);
	stage_line(p->stage);
	stage_claim(p->stage,
		    shared.result >= 0 && again.result == -1 && again.error == EADDRNOTAVAIL,
		    "if both ask for it they may; but to the same server it would be the same "
		    "connection: EADDRNOTAVAIL");
	cast_step(p->stage, &p->client, order_close((int)shared.result));
	stage_hold(p->stage, STAGE_CLIENT, true); /* the first is open still */
	shared = bind_to(p, &p->client, port, true);
	stage_cell(p->stage, SERVER, "(with SO_REUSEADDR)");
	show_bind(p, &p->client, port, &shared);
	connect_from(p, (int)shared.result, &elsewhere);
	stage_arrow(p->stage, TO_SERVER, "SYN");
	other = accepts(p, listener);
	stage_claim(p->stage, other.result >= 0 && port_of(&other.addr) == port,
		    "to another server it may: a connection is known by both addresses and both "
		    "ports");
	cast_do(p->stage, &p->client, order_close((int)shared.result));
	if (other.result >= 0)
		sys_close((int)other.result);
	sys_close(listener);
}

/* (e) */
static void choosing_one(struct play *p)
{
	struct order own, connected, accepted;
	struct addr bound;
	unsigned port;
	int listener;

	begin(p, "servers", "(e) a client that binds its own port");
	listener = ground_listen(p->stage, BACKLOG, &bound);
	own = bind_own(p, &p->client, 0);
	port = port_of(&own.addr);
	stage_cell(p->stage, SERVER, "(with SO_REUSEADDR, for later)");
	show_bind(p, &p->client, port, &own);
	connected = connect_from(p, (int)own.result, &bound);
	stage_arrow(p->stage, TO_SERVER, "SYN");
	accepted = accepts(p, listener);
	stage_claim(p->stage,
		    connected.result == 0 && accepted.result >= 0 &&
			    port_of(&accepted.addr) == port,
		    "bind() before connect(): the server sees the client's own port %u", port);
	share_port(p, port, &bound);
	cast_do(p->stage, &p->client, order_close((int)own.result));
	if (accepted.result >= 0)
		sys_close((int)accepted.result);
	sys_close(listener);
}

void lab_ports(struct stage *stage)
{
	struct play p = { .stage = stage };

	stage_say(stage,
		  "A port is a number of 16 bits that says for whom on a machine a segment is. A "
		  "server is found by its port; a client has one too, so that answers find it. "
		  "(bind(0) is bind() to port 0; = EACCES is -1 with that errno.)");
	p.client = cast_hire(stage, STAGE_CLIENT, "client");
	p.server = cast_self(SERVER, "server");
	choosing_none(&p);
	binding_low(&p);
	too_large(&p);
	ephemeral(&p);
	choosing_one(&p);
	cast_dismiss(stage, &p.client);
}
