/* SPDX-License-Identifier: MIT */
/*
 * Lesson: where port numbers come from. The system chooses a port for port 0 and for a client that
 * asks for none; low ports need a privilege; 65535 is the last port; a client may bind a port of
 * its own, which a second connection can share, but not to the same server.
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

struct fixture {
	struct output *out;
	struct process client, server;
	bool has_range;
	long low, high; /* net.ipv4.ip_local_port_range */
};

static unsigned get_port(const struct addr *addr)
{
	return ntohs(addr->in.sin_port);
}

static void read_range(struct fixture *f)
{
	char text[64], *next;

	f->has_range = file_read_path("/proc/sys/net/ipv4/ip_local_port_range", text, sizeof(text));
	if (!f->has_range)
		return;
	f->low = strtol(text, &next, 10);
	f->high = strtol(next, NULL, 10);
	output_kernel(f->out, "net.ipv4.ip_local_port_range = %ld %ld", f->low, f->high);
}

static bool is_in_range(const struct fixture *f, unsigned port)
{
	return (long)port >= f->low && (long)port <= f->high;
}

static void claim_range(struct fixture *f, bool holds, const char *claim)
{
	if (f->has_range)
		output_claim(f->out, holds, "%s", claim);
	else
		output_skip_claim(f->out, "ip_local_port_range cannot be read", "%s", claim);
}

static struct call bind_port(const struct process *process, unsigned port, bool reuse)
{
	struct addr at = call_loopback(port);

	return process_run(process, call_bind(&at, reuse));
}

/*
 * Finds a free port and binds a socket to that number plus `more`, of which 16 bits count. size of
 * the result is the free port.
 */
static struct call bind_free_port(const struct process *process, unsigned more)
{
	struct call probe, own = { .result = -1, .error = EADDRINUSE };

	for (unsigned i = 0; i < TRIES && own.result < 0 && own.error == EADDRINUSE; i++) {
		probe = bind_port(process, 0, false);
		process_run(process, call_close((int)probe.result));
		own = bind_port(process, get_port(&probe.addr) + more, true);
		own.size = get_port(&probe.addr);
	}
	errno = own.error;
	if (own.result < 0)
		output_skip_rest(process->out, "bind() to a free port");
	return own;
}

/* Draws "bind(0) = 0" in the process's column. */
static void show_bind(const struct process *process, unsigned wanted, const struct call *bound)
{
	output_cell(process->out, process->column, "bind(%u) = %s", wanted,
		    bound->result < 0 ? err_name(bound->error) : "0");
	output_line(process->out);
}

static void show_own_port(const struct process *process, const struct call *call)
{
	if (call->result < 0)
		return;
	output_cell(process->out, process->column, "getsockname(): %u", get_port(&call->addr));
	output_line(process->out);
}

static void start_scene(struct fixture *f, const char *name, const char *heading)
{
	const char *names[] = { name, NULL };

	output_columns(f->out, names);
	output_scene(f->out, heading);
}

/* (a) */
static void show_port_zero(struct fixture *f)
{
	struct call one, two;

	start_scene(f, "server", "(a) a server that binds to port 0");
	one = bind_port(&f->server, 0, false);
	show_bind(&f->server, 0, &one);
	show_own_port(&f->server, &one);
	two = bind_port(&f->server, 0, false);
	show_bind(&f->server, 0, &two);
	show_own_port(&f->server, &two);
	output_claim(f->out, one.result >= 0 && two.result >= 0 && get_port(&one.addr) != 0,
		     "0 is no port: it asks the system for a free one, and getsockname() names it");
	output_claim(f->out, get_port(&one.addr) != get_port(&two.addr),
		     "a second socket gets another port");
	read_range(f);
	claim_range(f, is_in_range(f, get_port(&one.addr)) && is_in_range(f, get_port(&two.addr)),
		    "both come from the range that the system keeps for this");
	process_run(&f->server, call_close((int)one.result));
	process_run(&f->server, call_close((int)two.result));
}

/* Drops every capability (capabilities(7)): root without them has no privilege. */
static void run_drop_capabilities(struct call *call)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	call->result = sys_capset(&header, none);
}

/* (b) */
static void show_privileged_port(struct fixture *f)
{
	static const char claim[] = "a low port is refused with EACCES to a process without the "
				    "privilege (CAP_NET_BIND_SERVICE)";
	int64_t first = kernel_sysctl("net/ipv4/ip_unprivileged_port_start", -1);
	struct call dropped, low, any;
	struct process child;

	start_scene(f, "a child of the server", "(b) a low port, and a process without privilege");
	child = process_fork(f->out, SERVER, "child");
	dropped = process_run_line(&child, (struct call){ .run = run_drop_capabilities,
							  .name = "capset(none)" });
	output_kernel(f->out, "net.ipv4.ip_unprivileged_port_start = %lld", (long long)first);
	if (first <= 1 || dropped.result < 0) {
		const char *why = first < 0 ? "ip_unprivileged_port_start cannot be read" :
					      "no port is below ip_unprivileged_port_start";

		output_skip_claim(f->out, dropped.result < 0 ? "capset() fails" : why, "%s", claim);
	} else {
		low = bind_port(&child, (unsigned)first - 1, false);
		show_bind(&child, (unsigned)first - 1, &low);
		output_claim(f->out, low.result == -1 && low.error == EACCES, "%s", claim);
		any = bind_port(&child, 0, false);
		show_bind(&child, 0, &any);
		show_own_port(&child, &any);
		output_claim(
			f->out, any.result >= 0 && get_port(&any.addr) >= first,
			"the same process gets one from %lld on: it is the number that makes the "
			"difference",
			(long long)first);
	}
	process_stop(&child);
}

/* The C library's result for a number that is no port. */
static void show_getaddrinfo(struct fixture *f)
{
	const struct addrinfo hints = { .ai_family = AF_INET,
					.ai_socktype = SOCK_STREAM,
					.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	struct addrinfo *found = NULL;
	int failed = getaddrinfo("127.0.0.1", "65536", &hints, &found);

	if (failed != 0) {
		output_cell(f->out, SERVER, "getaddrinfo(\"65536\"): %s", gai_strerror(failed));
	} else {
		const struct sockaddr_in *in = (const void *)found->ai_addr;

		output_cell(f->out, SERVER, "getaddrinfo(\"65536\"): port %u", ntohs(in->sin_port));
		freeaddrinfo(found);
	}
	output_line(f->out);
}

/* (c) */
static void show_port_too_large(struct fixture *f)
{
	struct err err = { .text = "" }, none = { .text = "" };
	struct call bound, wrapped;
	unsigned asked;
	bool is_refused;

	start_scene(f, "server", "(c) a port above 65535");
	bound = bind_port(&f->server, TOO_LARGE, false);
	output_cell(f->out, SERVER, "bind(htons(65536)) = %s",
		    bound.result < 0 ? err_name(bound.error) : "0");
	output_line(f->out);
	show_own_port(&f->server, &bound);
	output_claim(f->out, bound.result >= 0 && get_port(&bound.addr) != 0,
		     "a port has 16 bits: htons(65536) is 0, and the server gets some port that "
		     "nobody asked for");
	wrapped = bind_free_port(&f->server, TOO_LARGE);
	asked = TOO_LARGE + (unsigned)wrapped.size;
	output_cell(f->out, SERVER, "bind(htons(%u)) = 0", asked);
	output_line(f->out);
	show_own_port(&f->server, &wrapped);
	show_getaddrinfo(f);
	is_refused = !addr_check("127.0.0.1:65536", &err);
	output_claim(f->out, get_port(&wrapped.addr) == asked - TOO_LARGE && is_refused,
		     "and %u is %u, without an error: a program has to look at the number itself, "
		     "as prefork-srv does, which refuses 65536",
		     asked, asked - TOO_LARGE);
	output_claim(f->out, addr_check("127.0.0.1:65535", &none), "65535 is the last port");
	process_run(&f->server, call_close((int)bound.result));
	process_run(&f->server, call_close((int)wrapped.result));
}

/* The server accepts and shows the client's port; shows the line, with the client's cell. */
static struct call accept_client(struct fixture *f, int listener)
{
	struct call accepted = process_run(&f->server, call_accept(listener, SOON_MS));

	if (accepted.result < 0)
		output_cell(f->out, SERVER, "accept() = %s", err_name(accepted.error));
	else
		output_cell(f->out, SERVER, "accept(): from port %u", get_port(&accepted.addr));
	output_line(f->out);
	return accepted;
}

/* The client's end of a connection. */
struct client_socket {
	int fd;
	unsigned port; /* the client's own */
	bool is_seen;  /* the server saw that port */
};

static struct client_socket connect_client(struct fixture *f, const struct addr *to, int listener)
{
	struct call connected = process_run(&f->client, call_try_connect(to, 0)), accepted;

	output_cell(f->out, OUTPUT_CLIENT, "connect() = %s",
		    connected.option != 0 ? err_name(connected.option) : "0");
	output_arrow(f->out, TO_SERVER, "SYN");
	accepted = accept_client(f, listener);
	show_own_port(&f->client, &connected);
	if (accepted.result >= 0)
		sys_close((int)accepted.result);
	return (struct client_socket){ .fd = (int)connected.result,
				       .port = get_port(&connected.addr),
				       .is_seen = connected.option == 0 && accepted.result >= 0 &&
						  get_port(&accepted.addr) ==
							  get_port(&connected.addr) };
}

/* (d) */
static void show_ephemeral_ports(struct fixture *f)
{
	struct addr bound;
	struct client_socket one, two;
	int listener;

	start_scene(f, "server", "(d) a client that asks for no port");
	listener = process_listen(f->out, BACKLOG, &bound);
	one = connect_client(f, &bound, listener);
	two = connect_client(f, &bound, listener);
	output_claim(f->out, one.is_seen && two.is_seen,
		     "connect() chose a port for it, and that is whom the server sees");
	output_claim(f->out, one.port != two.port,
		     "a second connection to the same server has another port: it would be the "
		     "same connection else");
	claim_range(f, is_in_range(f, one.port) && is_in_range(f, two.port),
		    "such ports (ephemeral ports) come from the same range as those for port 0");
	process_run(&f->client, call_close(one.fd));
	process_run(&f->client, call_close(two.fd));
	sys_close(listener);
}

static void run_connect_bound(struct call *call)
{
	call->result = sys_connect(call->fd, &call->addr.sa, call->addr.len);
}

static struct call connect_bound(struct fixture *f, int fd, const struct addr *to)
{
	struct call call = { .run = run_connect_bound, .name = "connect()", .fd = fd, .addr = *to };

	return process_run_cell(&f->client, call);
}

/* A second socket shares the first one's port when both ask for it and the servers differ. */
static void share_port(struct fixture *f, unsigned port, const struct addr *same)
{
	struct call alone, shared, again, other;
	struct addr elsewhere;
	int listener = process_listen(f->out, BACKLOG, &elsewhere);

	alone = bind_port(&f->client, port, false);
	output_cell(f->out, SERVER, "(without SO_REUSEADDR)");
	show_bind(&f->client, port, &alone);
	output_claim(f->out, alone.result == -1 && alone.error == EADDRINUSE,
		     "a second socket may not have it as well: EADDRINUSE");
	shared = bind_port(&f->client, port, true);
	output_cell(f->out, SERVER, "(with SO_REUSEADDR)");
	show_bind(&f->client, port, &shared);
	again = connect_bound(f, (int)shared.result, same);
	output_line(f->out);
	output_claim(f->out,
		     shared.result >= 0 && again.result == -1 && again.error == EADDRNOTAVAIL,
		     "if both ask for it they may; but to the same server it would be the same "
		     "connection: EADDRNOTAVAIL");
	process_run_line(&f->client, call_close((int)shared.result));
	output_lifeline(f->out, OUTPUT_CLIENT, true); /* the first is still open */
	shared = bind_port(&f->client, port, true);
	output_cell(f->out, SERVER, "(with SO_REUSEADDR)");
	show_bind(&f->client, port, &shared);
	connect_bound(f, (int)shared.result, &elsewhere);
	output_arrow(f->out, TO_SERVER, "SYN");
	other = accept_client(f, listener);
	output_claim(f->out, other.result >= 0 && get_port(&other.addr) == port,
		     "to another server it may: a connection is known by both addresses and both "
		     "ports");
	process_run(&f->client, call_close((int)shared.result));
	if (other.result >= 0)
		sys_close((int)other.result);
	sys_close(listener);
}

/* (e) */
static void show_client_port(struct fixture *f)
{
	struct call own, connected, accepted;
	struct addr bound;
	unsigned port;
	int listener;

	start_scene(f, "servers", "(e) a client that binds its own port");
	listener = process_listen(f->out, BACKLOG, &bound);
	own = bind_free_port(&f->client, 0);
	port = get_port(&own.addr);
	output_cell(f->out, SERVER, "(with SO_REUSEADDR, for later)");
	show_bind(&f->client, port, &own);
	connected = connect_bound(f, (int)own.result, &bound);
	output_arrow(f->out, TO_SERVER, "SYN");
	accepted = accept_client(f, listener);
	output_claim(f->out,
		     connected.result == 0 && accepted.result >= 0 &&
			     get_port(&accepted.addr) == port,
		     "bind() before connect(): the server sees the client's own port %u", port);
	share_port(f, port, &bound);
	process_run(&f->client, call_close((int)own.result));
	if (accepted.result >= 0)
		sys_close((int)accepted.result);
	sys_close(listener);
}

void lesson_ports(struct output *out)
{
	struct fixture f = { .out = out };

	output_paragraph(
		out,
		"A port is a number of 16 bits that says for whom on a machine a segment is. A "
		"server is found by its port; a client has one too, so that answers find it. "
		"(bind(0) is bind() to port 0; = EACCES is -1 with that errno.)");
	f.client = process_fork(out, OUTPUT_CLIENT, "client");
	f.server = process_self(out, SERVER, "server");
	show_port_zero(&f);
	show_privileged_port(&f);
	show_port_too_large(&f);
	show_ephemeral_ports(&f);
	show_client_port(&f);
	process_stop(&f.client);
}
