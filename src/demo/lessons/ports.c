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
#include "demo/kernel.h"
#include "demo/lesson.h"
#include "demo/process.h"

enum { SERVER = 1, SOON_MS = 5000, TRIES = 16, BACKLOG = 8, TOO_LARGE = 65536 };

struct play {
	struct output *out;
	struct process client, server;
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
	output_kernel(p->out, "net.ipv4.ip_local_port_range = %ld %ld", p->low, p->high);
}

static bool in_range(const struct play *p, unsigned port)
{
	return (long)port >= p->low && (long)port <= p->high;
}

static void claim_range(struct play *p, bool holds, const char *claim)
{
	if (p->has_range)
		output_claim(p->out, holds, "%s", claim);
	else
		output_skip_claim(p->out, "ip_local_port_range cannot be read", "%s", claim);
}

static struct call bind_to(const struct process *process, unsigned port, bool reuse)
{
	struct addr at = call_loopback(port);

	return process_run(process, call_bind(&at, reuse));
}

/*
 * Finds a port that is free and binds a socket to that number and so much more, of which 16 bits
 * count.
 */
static struct call bind_own(const struct process *process, unsigned more)
{
	struct call probe, own = { .result = -1, .error = EADDRINUSE };

	for (unsigned i = 0; i < TRIES && own.result < 0 && own.error == EADDRINUSE; i++) {
		probe = bind_to(process, 0, false);
		process_run(process, call_close((int)probe.result));
		own = bind_to(process, port_of(&probe.addr) + more, true);
		own.size = port_of(&probe.addr);
	}
	errno = own.error;
	if (own.result < 0)
		output_skip_rest(process->out, "bind() to a free port");
	return own;
}

/* Into the actor's column: "bind(0) = 0". */
static void show_bind(const struct process *process, unsigned wanted, const struct call *bound)
{
	output_cell(process->out, process->column, "bind(%u) = %s", wanted,
		    bound->result < 0 ? err_name(bound->error) : "0");
	output_line(process->out);
}

static void show_name(const struct process *process, const struct call *call)
{
	if (call->result < 0)
		return;
	output_cell(process->out, process->column, "getsockname(): %u", port_of(&call->addr));
	output_line(process->out);
}

static void begin(struct play *p, const char *name, const char *heading)
{
	const char *names[] = { name, NULL };

	output_columns(p->out, names);
	output_scene(p->out, heading);
}

/* (a) */
static void choosing_none(struct play *p)
{
	struct call one, two;

	begin(p, "server", "(a) a server that binds to port 0");
	one = bind_to(&p->server, 0, false);
	show_bind(&p->server, 0, &one);
	show_name(&p->server, &one);
	two = bind_to(&p->server, 0, false);
	show_bind(&p->server, 0, &two);
	show_name(&p->server, &two);
	output_claim(p->out, one.result >= 0 && two.result >= 0 && port_of(&one.addr) != 0,
		     "0 is no port: it asks the system for a free one, and getsockname() names it");
	output_claim(p->out, port_of(&one.addr) != port_of(&two.addr),
		     "a second socket gets another port");
	read_range(p);
	claim_range(p, in_range(p, port_of(&one.addr)) && in_range(p, port_of(&two.addr)),
		    "both come from the range that the system keeps for this");
	process_run(&p->server, call_close((int)one.result));
	process_run(&p->server, call_close((int)two.result));
}

/* Gives up every capability (capabilities(7)); a root without them is nobody special. */
static void do_renounce(struct call *call)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	call->result = sys_capset(&header, none);
}

/* (b) */
static void binding_low(struct play *p)
{
	static const char claim[] = "a low port is refused with EACCES to a process without the "
				    "privilege (CAP_NET_BIND_SERVICE)";
	int64_t first = kernel_sysctl("net/ipv4/ip_unprivileged_port_start", -1);
	struct call renounced, low, any;
	struct process child;

	begin(p, "a child of the server", "(b) a low port, and a process without privilege");
	child = process_fork(p->out, SERVER, "child");
	renounced = process_run_line(&child,
				     (struct call){ .run = do_renounce, .name = "capset(none)" });
	output_kernel(p->out, "net.ipv4.ip_unprivileged_port_start = %lld", (long long)first);
	if (first <= 1 || renounced.result < 0) {
		output_skip_claim(p->out,
				  renounced.result < 0 ? "capset() fails" :
				  first < 0 ? "ip_unprivileged_port_start cannot be read" :
					      "no port is below ip_unprivileged_port_start",
				  "%s", claim);
	} else {
		low = bind_to(&child, (unsigned)first - 1, false);
		show_bind(&child, (unsigned)first - 1, &low);
		output_claim(p->out, low.result == -1 && low.error == EACCES, "%s", claim);
		any = bind_to(&child, 0, false);
		show_bind(&child, 0, &any);
		show_name(&child, &any);
		output_claim(
			p->out, any.result >= 0 && port_of(&any.addr) >= first,
			"the same process gets one from %lld on: it is the number that makes the "
			"difference",
			(long long)first);
	}
	process_stop(&child);
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
		output_cell(p->out, SERVER, "getaddrinfo(\"65536\"): %s", gai_strerror(failed));
	} else {
		const struct sockaddr_in *in = (const void *)found->ai_addr;

		output_cell(p->out, SERVER, "getaddrinfo(\"65536\"): port %u", ntohs(in->sin_port));
		freeaddrinfo(found);
	}
	output_line(p->out);
}

/* (c) */
static void too_large(struct play *p)
{
	struct err err = { .text = "" }, none = { .text = "" };
	struct call bound, wrapped;
	unsigned asked;
	bool is_refused;

	begin(p, "server", "(c) a port above 65535");
	bound = bind_to(&p->server, TOO_LARGE, false);
	output_cell(p->out, SERVER, "bind(htons(65536)) = %s",
		    bound.result < 0 ? err_name(bound.error) : "0");
	output_line(p->out);
	show_name(&p->server, &bound);
	output_claim(p->out, bound.result >= 0 && port_of(&bound.addr) != 0,
		     "a port has 16 bits: htons(65536) is 0, and the server gets some port that "
		     "nobody asked for");
	wrapped = bind_own(&p->server, TOO_LARGE);
	asked = TOO_LARGE + (unsigned)wrapped.size;
	output_cell(p->out, SERVER, "bind(htons(%u)) = 0", asked);
	output_line(p->out);
	show_name(&p->server, &wrapped);
	ask_library(p);
	is_refused = !addr_check("127.0.0.1:65536", &err);
	output_claim(p->out, port_of(&wrapped.addr) == asked - TOO_LARGE && is_refused,
		     "and %u is %u, without an error: a program has to look at the number itself, "
		     "as prefork-srv does, which refuses 65536",
		     asked, asked - TOO_LARGE);
	output_claim(p->out, addr_check("127.0.0.1:65535", &none), "65535 is the last port");
	process_run(&p->server, call_close((int)bound.result));
	process_run(&p->server, call_close((int)wrapped.result));
}

/* The server accepts and says from which port the client comes; its line is the client's too. */
static struct call accepts(struct play *p, int listener)
{
	struct call accepted = process_run(&p->server, call_accept(listener, SOON_MS));

	if (accepted.result < 0)
		output_cell(p->out, SERVER, "accept() = %s", err_name(accepted.error));
	else
		output_cell(p->out, SERVER, "accept(): from port %u", port_of(&accepted.addr));
	output_line(p->out);
	return accepted;
}

/* A client's connection, as it was made. */
struct client_socket {
	int fd;
	unsigned port; /* the client's own */
	bool is_seen;  /* the server saw that port */
};

static struct client_socket dials(struct play *p, const struct addr *to, int listener)
{
	struct call dialled = process_run(&p->client, call_try_connect(to, 0)), accepted;

	output_cell(p->out, OUTPUT_CLIENT, "connect() = %s",
		    dialled.option != 0 ? err_name(dialled.option) : "0");
	output_arrow(p->out, TO_SERVER, "SYN");
	accepted = accepts(p, listener);
	show_name(&p->client, &dialled);
	if (accepted.result >= 0)
		sys_close((int)accepted.result);
	return (struct client_socket){ .fd = (int)dialled.result,
				       .port = port_of(&dialled.addr),
				       .is_seen = dialled.option == 0 && accepted.result >= 0 &&
						  port_of(&accepted.addr) ==
							  port_of(&dialled.addr) };
}

/* (d) */
static void ephemeral(struct play *p)
{
	struct addr bound;
	struct client_socket one, two;
	int listener;

	begin(p, "server", "(d) a client that asks for no port");
	listener = process_listen(p->out, BACKLOG, &bound);
	one = dials(p, &bound, listener);
	two = dials(p, &bound, listener);
	output_claim(p->out, one.is_seen && two.is_seen,
		     "connect() chose a port for it, and that is whom the server sees");
	output_claim(p->out, one.port != two.port,
		     "a second connection to the same server has another port: it would be the "
		     "same connection else");
	claim_range(p, in_range(p, one.port) && in_range(p, two.port),
		    "such ports (ephemeral ports) come from the same range as those for port 0");
	process_run(&p->client, call_close(one.fd));
	process_run(&p->client, call_close(two.fd));
	sys_close(listener);
}

static void do_connect(struct call *call)
{
	call->result = sys_connect(call->fd, &call->addr.sa, call->addr.len);
}

static struct call connect_from(struct play *p, int fd, const struct addr *to)
{
	struct call call = { .run = do_connect, .name = "connect()", .fd = fd, .addr = *to };

	return process_run_cell(&p->client, call);
}

/* A second socket with the port of the first: it must share it willingly, and go elsewhere. */
static void share_port(struct play *p, unsigned port, const struct addr *same)
{
	struct call alone, shared, again, other;
	struct addr elsewhere;
	int listener = process_listen(p->out, BACKLOG, &elsewhere);

	alone = bind_to(&p->client, port, false);
	output_cell(p->out, SERVER, "(without SO_REUSEADDR)");
	show_bind(&p->client, port, &alone);
	output_claim(p->out, alone.result == -1 && alone.error == EADDRINUSE,
		     "a second socket may not have it as well: EADDRINUSE");
	shared = bind_to(&p->client, port, true);
	output_cell(p->out, SERVER, "(with SO_REUSEADDR)");
	show_bind(&p->client, port, &shared);
	again = connect_from(p, (int)shared.result, same);
	output_line(p->out);
	output_claim(p->out,
		     shared.result >= 0 && again.result == -1 && again.error == EADDRNOTAVAIL,
		     "if both ask for it they may; but to the same server it would be the same "
		     "connection: EADDRNOTAVAIL");
	process_run_line(&p->client, call_close((int)shared.result));
	output_lifeline(p->out, OUTPUT_CLIENT, true); /* the first is open still */
	shared = bind_to(&p->client, port, true);
	output_cell(p->out, SERVER, "(with SO_REUSEADDR)");
	show_bind(&p->client, port, &shared);
	connect_from(p, (int)shared.result, &elsewhere);
	output_arrow(p->out, TO_SERVER, "SYN");
	other = accepts(p, listener);
	output_claim(p->out, other.result >= 0 && port_of(&other.addr) == port,
		     "to another server it may: a connection is known by both addresses and both "
		     "ports");
	process_run(&p->client, call_close((int)shared.result));
	if (other.result >= 0)
		sys_close((int)other.result);
	sys_close(listener);
}

/* (e) */
static void choosing_one(struct play *p)
{
	struct call own, connected, accepted;
	struct addr bound;
	unsigned port;
	int listener;

	begin(p, "servers", "(e) a client that binds its own port");
	listener = process_listen(p->out, BACKLOG, &bound);
	own = bind_own(&p->client, 0);
	port = port_of(&own.addr);
	output_cell(p->out, SERVER, "(with SO_REUSEADDR, for later)");
	show_bind(&p->client, port, &own);
	connected = connect_from(p, (int)own.result, &bound);
	output_arrow(p->out, TO_SERVER, "SYN");
	accepted = accepts(p, listener);
	output_claim(p->out,
		     connected.result == 0 && accepted.result >= 0 &&
			     port_of(&accepted.addr) == port,
		     "bind() before connect(): the server sees the client's own port %u", port);
	share_port(p, port, &bound);
	process_run(&p->client, call_close((int)own.result));
	if (accepted.result >= 0)
		sys_close((int)accepted.result);
	sys_close(listener);
}

void lesson_ports(struct output *out)
{
	struct play p = { .out = out };

	output_paragraph(
		out,
		"A port is a number of 16 bits that says for whom on a machine a segment is. A "
		"server is found by its port; a client has one too, so that answers find it. "
		"(bind(0) is bind() to port 0; = EACCES is -1 with that errno.)");
	p.client = process_fork(out, OUTPUT_CLIENT, "client");
	p.server = process_self(out, SERVER, "server");
	choosing_none(&p);
	binding_low(&p);
	too_large(&p);
	ephemeral(&p);
	choosing_one(&p);
	process_stop(&p.client);
}
