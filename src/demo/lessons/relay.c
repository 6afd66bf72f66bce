/* SPDX-License-Identifier: MIT */
/*
 * Forks client and proxy, connects them and the server, and has them make their calls. Must not
 * judge: the lesson does.
 */
#include "demo/lessons/relay.h"

#include "base/clock.h"
#include "base/sys.h"
#include "demo/transfer.h"

enum { CLIENT_HOST = 1, PROXY_HOST = 2, SERVER_HOST = 3, BACKLOG = 8, PIECE = 16 << 10 };

/* 127.0.0.N and a port that the system chooses. */
static struct addr make_address(unsigned host)
{
	struct addr at = call_loopback(0);

	at.in.sin_addr.s_addr = htonl((INADDR_LOOPBACK & 0xffffff00) | host);
	return at;
}

static int listen_at(struct diagram *out, unsigned host, struct addr *bound)
{
	int fd = process_socket(out);

	*bound = make_address(host);
	if (sys_bind(fd, &bound->sa, bound->len) < 0)
		diagram_skip_rest(out, "bind() to an address in 127.0.0.0/8");
	if (sys_fcntl_int(fd, F_SETFL, O_NONBLOCK) < 0 || sys_listen(fd, BACKLOG) < 0 ||
	    sys_getsockname(fd, &bound->sa, &bound->len) < 0)
		diagram_skip_rest(out, "listen()");
	return fd;
}

/*
 * The client is forked first, then the proxy, which inherits its listening socket: no process
 * inherits an end of a connection.
 */
void relay_begin(struct relay *relay)
{
	static const char *const names[] = { "proxy", "server", NULL };

	diagram_columns(relay->out, names);
	relay->client = process_fork(relay->out, DIAGRAM_CLIENT, "client");
	relay->proxy_listener = listen_at(relay->out, PROXY_HOST, &relay->proxy_at);
	relay->proxy = process_fork(relay->out, 1, names[0]);
	sys_close(relay->proxy_listener);
	relay->server = process_self(relay->out, 2, names[1]);
	relay->listener = listen_at(relay->out, SERVER_HOST, &relay->server_at);
	relay->client_fd = relay->conn = relay->side[RELAY_CLIENT] = relay->side[RELAY_SERVER] = -1;
}

void relay_end(struct relay *relay)
{
	relay_close(relay);
	sys_close(relay->listener);
	process_stop(&relay->proxy);
	process_stop(&relay->client);
}

/* Makes a socket at 127.0.0.OPTION and connects it; with size not 0, its buffers are limited. */
static void run_connect_from(struct call *call)
{
	struct addr from = make_address((unsigned)call->option);
	struct call limit;
	int fd = sys_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), error;

	call->result = fd;
	if (fd < 0)
		return;
	limit = transfer_limit_buffers(fd);
	if (call->size > 0)
		call_run(&limit);
	if (limit.result == 0 && sys_bind(fd, &from.sa, from.len) == 0 &&
	    sys_connect(fd, &call->addr.sa, call->addr.len) == 0)
		return;
	error = errno;
	sys_close(fd);
	errno = error;
	call->result = -1;
}

static int connect_from(const struct process *process, unsigned host, const struct addr *to,
			bool has_limits)
{
	struct call connected = process_run(process, (struct call){ .run = run_connect_from,
								    .name = "connect()",
								    .option = (int)host,
								    .size = has_limits,
								    .addr = *to });

	errno = connected.error;
	if (connected.result < 0)
		diagram_skip_rest(process->out, "connect()");
	diagram_cell(process->out, process->column, "connect() = 0");
	return (int)connected.result;
}

static int accept_one(const struct process *process, int listener)
{
	struct call accepted = process_run_line(process, call_accept(listener, RELAY_WAIT_MS));

	errno = accepted.error;
	if (accepted.result < 0)
		diagram_skip_rest(process->out, "accept()");
	return (int)accepted.result;
}

static void limit_listeners(struct relay *relay)
{
	process_run(&relay->proxy, transfer_limit_buffers(relay->proxy_listener));
	process_run(&relay->server, transfer_limit_buffers(relay->listener));
}

void relay_open(struct relay *relay, const char *heading, bool has_limits)
{
	diagram_scene(relay->out, heading);
	for (unsigned column = 0; column <= relay->server.column; column++)
		diagram_lifeline(relay->out, column, column == DIAGRAM_CLIENT);
	if (has_limits)
		limit_listeners(relay);
	relay->client_fd = connect_from(&relay->client, CLIENT_HOST, &relay->proxy_at, has_limits);
	diagram_arrow(relay->out, TO_SERVER, "SYN");
	relay->side[RELAY_CLIENT] = accept_one(&relay->proxy, relay->proxy_listener);
	relay->side[RELAY_SERVER] =
		connect_from(&relay->proxy, PROXY_HOST, &relay->server_at, has_limits);
	relay->conn = accept_one(&relay->server, relay->listener);
	relay->ends[RELAY_CLIENT] = (struct ends){
		.client = relay_name(relay, &relay->client, relay->client_fd, false),
		.server = relay->proxy_at,
	};
	if (!kernel_ends(relay->conn, &relay->ends[RELAY_SERVER]))
		diagram_skip_rest(relay->out, "getpeername()");
}

static void close_quietly(const struct process *process, int *fd)
{
	if (*fd >= 0 && process->pid != 0)
		process_run(process, call_close(*fd));
	*fd = -1;
}

void relay_close(struct relay *relay)
{
	close_quietly(&relay->client, &relay->client_fd);
	for (unsigned side = 0; side < RELAY_SIDES; side++)
		close_quietly(&relay->proxy, &relay->side[side]);
	close_quietly(&relay->server, &relay->conn);
}

/* The proxy makes the call on that side, under the name that tells the side. */
static struct call run_on_side(struct relay *relay, enum relay_side side, struct call call,
			       const char *const *names)
{
	call.name = names[side];
	return process_run_line(&relay->proxy, call);
}

struct call relay_receive(struct relay *relay, enum relay_side side)
{
	static const char *const names[] = { "recv(client)", "recv(server)" };

	return run_on_side(relay, side, call_recv(relay->side[side], RELAY_MOST, RELAY_WAIT_MS),
			   names);
}

struct call relay_send(struct relay *relay, enum relay_side side, const char *text)
{
	static const char *const names[] = { "send(client)", "send(server)" };

	return run_on_side(relay, side, call_send(relay->side[side], text), names);
}

struct call relay_shut(struct relay *relay, enum relay_side side)
{
	static const char *const names[] = { "shutdown(client,WR)", "shutdown(server,WR)" };

	if (side == RELAY_CLIENT)
		diagram_arrow(relay->out, TO_CLIENT, "FIN");
	return run_on_side(relay, side, call_shutdown(relay->side[side], SHUT_WR), names);
}

static struct call close_side(struct relay *relay, enum relay_side side, const char *segment)
{
	static const char *const names[] = { "close(client)", "close(server)" };
	struct call call = call_close(relay->side[side]), done;

	call.name = names[side];
	if (side == RELAY_CLIENT)
		diagram_arrow(relay->out, TO_CLIENT, segment);
	done = process_run_cell(&relay->proxy, call);
	relay->side[side] = -1;
	/* it may hold the other side still */
	diagram_lifeline(relay->out, relay->proxy.column,
			 relay->side[RELAY_CLIENT] >= 0 || relay->side[RELAY_SERVER] >= 0);
	diagram_line(relay->out);
	return done;
}

struct call relay_close_side(struct relay *relay, enum relay_side side)
{
	return close_side(relay, side, "FIN");
}

struct call relay_abort_side(struct relay *relay, enum relay_side side)
{
	struct call set = process_run(&relay->proxy, call_set_abort(relay->side[side]));

	diagram_cell(relay->out, relay->proxy.column, "SO_LINGER on, 0 s%s",
		     set.result == 0 ? "" : " ?");
	diagram_line(relay->out);
	return close_side(relay, side, "RST");
}

bool relay_pass(struct relay *relay, enum relay_side from, const char *word)
{
	struct call got = relay_receive(relay, from);
	char label[16];

	if (from == RELAY_SERVER) {
		snprintf(label, sizeof(label), "\"%s\"", word);
		diagram_arrow(relay->out, TO_CLIENT, label);
	}
	relay_send(relay, from == RELAY_CLIENT ? RELAY_SERVER : RELAY_CLIENT, word);
	return call_received(&got, word);
}

/* From fd to option: looks at bytes, and takes as many as the other side has taken. */
static void run_pass_all(struct call *call)
{
	static char piece[PIECE];
	ssize_t seen, sent;

	while ((seen = sys_recv(call->fd, piece, sizeof(piece), MSG_PEEK | MSG_DONTWAIT)) > 0 &&
	       (sent = sys_send(call->option, piece, (size_t)seen, MSG_NOSIGNAL | MSG_DONTWAIT)) >
		       0 &&
	       sys_recv(call->fd, piece, (size_t)sent, MSG_DONTWAIT) == sent)
		call->result += sent;
}

int64_t relay_pass_all(struct relay *relay)
{
	struct call passed = { .run = run_pass_all,
			       .name = "relay loop",
			       .fd = relay->side[RELAY_CLIENT],
			       .option = relay->side[RELAY_SERVER] };

	return process_run_line(&relay->proxy, passed).result;
}

struct call relay_client_sends(struct relay *relay, const char *text)
{
	char label[16];

	snprintf(label, sizeof(label), "\"%s\"", text);
	diagram_arrow(relay->out, TO_SERVER, label);
	return process_run_line(&relay->client, call_send(relay->client_fd, text));
}

struct call relay_client_receives(struct relay *relay)
{
	return process_run_line(&relay->client,
				call_recv(relay->client_fd, RELAY_MOST, RELAY_WAIT_MS));
}

struct call relay_server_sends(struct relay *relay, const char *text)
{
	return process_run_line(&relay->server, call_send(relay->conn, text));
}

struct call relay_server_receives(struct relay *relay)
{
	return process_run_line(&relay->server, call_recv(relay->conn, RELAY_MOST, RELAY_WAIT_MS));
}

/* option 0: of the socket itself; 1: of the other end. */
static void run_name(struct call *call)
{
	call->addr.len = sizeof(call->addr.un);
	call->result = (call->option != 0 ? sys_getpeername : sys_getsockname)(
		call->fd, &call->addr.sa, &call->addr.len);
}

struct addr relay_name(struct relay *relay, const struct process *process, int fd, bool is_peer)
{
	struct call name = {
		.run = run_name, .name = "getsockname()", .fd = fd, .option = is_peer
	};

	name = process_run(process, name);
	errno = name.error;
	if (name.result < 0)
		diagram_skip_rest(relay->out, is_peer ? "getpeername()" : "getsockname()");
	return name.addr;
}

bool relay_await_state(struct relay *relay, enum relay_side side, int state)
{
	static const char *const names[][2] = { { "client", "proxy" }, { "proxy", "server" } };
	int64_t until_ms = clock_ms() + KERNEL_WAIT_MS;
	int left, right;

	do {
		left = kernel_client_state(&relay->ends[side]);
		right = kernel_server_state(&relay->ends[side]);
	} while ((left != state || right != state) && clock_ms() < until_ms &&
		 sys_poll(NULL, 0, 1) >= 0);
	if (left < 0 || right < 0)
		diagram_skip_rest(relay->out, "sock_diag and /proc/net/tcp");
	diagram_kernel(relay->out, "%s's end %s, %s's end %s", names[side][0],
		       sockdiag_state_name(left), names[side][1], sockdiag_state_name(right));
	return left == state && right == state;
}
