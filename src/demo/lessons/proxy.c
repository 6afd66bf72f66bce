/* SPDX-License-Identifier: MIT */
/*
 * Lesson: a connection through a proxy is two connections. Whose address the server sees, where
 * bytes wait, whose end and whose reset reach whom, and the bytes that a proxy takes along when it
 * dies.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/sys.h"
#include "demo/lesson.h"
#include "demo/lessons/relay.h"
#include "demo/transfer.h"

enum { ROUNDS_MOST = 1000, NAME_WIDTH = 18 };

static bool failed_with(const struct call *call, int error)
{
	return call->result == -1 && call->error == error;
}

static bool has_same_host(const struct addr *a, const struct addr *b)
{
	return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
}

/* --- (a) */

/* The four sockets, on the way from the client to the server. */
enum { CLIENTS, ACCEPTED, CONNECTED, SERVERS, SOCKETS };

struct names {
	struct addr own[SOCKETS], other[SOCKETS];
};

static void read_names(struct relay *r, struct names *names)
{
	const struct {
		const char *name;
		const struct process *process;
		int fd;
	} sockets[SOCKETS] = {
		[CLIENTS] = { "client", &r->client, r->client_fd },
		[ACCEPTED] = { "proxy, accepted", &r->proxy, r->side[RELAY_CLIENT] },
		[CONNECTED] = { "proxy, connected", &r->proxy, r->side[RELAY_SERVER] },
		[SERVERS] = { "server, accepted", &r->server, r->conn },
	};
	char own[ADDR_TEXT], other[ADDR_TEXT];

	diagram_row(r->out, "%-*s%-*s%s", NAME_WIDTH, "socket", NAME_WIDTH, "getsockname()",
		    "getpeername()");
	for (unsigned i = 0; i < SOCKETS; i++) {
		names->own[i] = relay_name(r, sockets[i].process, sockets[i].fd, false);
		names->other[i] = relay_name(r, sockets[i].process, sockets[i].fd, true);
		diagram_row(r->out, "%-*s%-*s%s", NAME_WIDTH, sockets[i].name, NAME_WIDTH,
			    addr_write(&names->own[i], own), addr_write(&names->other[i], other));
	}
}

/* True when the sockets of each pair name each other, and no two have the same address. */
static bool are_two_connections(const struct names *names)
{
	for (unsigned i = 0; i < SOCKETS; i++)
		for (unsigned k = 0; k < i; k++)
			if (addr_equal(&names->own[i], &names->own[k]))
				return false;
	return addr_equal(&names->other[CLIENTS], &names->own[ACCEPTED]) &&
	       addr_equal(&names->other[ACCEPTED], &names->own[CLIENTS]) &&
	       addr_equal(&names->other[CONNECTED], &names->own[SERVERS]) &&
	       addr_equal(&names->other[SERVERS], &names->own[CONNECTED]);
}

/* The header of the PROXY protocol, version 1, that tells who the proxy's client is. */
static void write_header(const struct names *names, char *line, size_t size)
{
	char client[INET_ADDRSTRLEN], proxy[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &names->own[CLIENTS].in.sin_addr, client, sizeof(client));
	inet_ntop(AF_INET, &names->own[ACCEPTED].in.sin_addr, proxy, sizeof(proxy));
	snprintf(line, size, "PROXY TCP4 %s %s %u %u\r\n", client, proxy,
		 ntohs(names->own[CLIENTS].in.sin_port), ntohs(names->own[ACCEPTED].in.sin_port));
}

/* Reads the address that the header of the server's socket tells. */
static bool read_header(const struct call *got, struct addr *client)
{
	char line[CALL_BYTES + 1], host[INET_ADDRSTRLEN];
	unsigned port;

	snprintf(line, sizeof(line), "%.*s", (int)got->size, got->bytes);
	*client = call_loopback(0);
	if (sscanf(line, "PROXY TCP4 %15s %*15s %u %*u", host, &port) != 2 ||
	    inet_pton(AF_INET, host, &client->in.sin_addr) != 1)
		return false;
	client->in.sin_port = htons((uint16_t)port);
	return true;
}

static void show_addresses(struct relay *r)
{
	char line[RELAY_MOST], client[ADDR_TEXT], proxy[ADDR_TEXT];
	struct names names;
	struct call got;
	struct addr told;
	bool is_told;

	relay_open(r, "(a) four sockets, and whose address the server sees", false);
	read_names(r, &names);
	diagram_claim(r->out, are_two_connections(&names),
		      "a proxied connection is two: the client's ends at the proxy, and the proxy "
		      "has opened one of its own");
	diagram_claim(r->out,
		      has_same_host(&names.other[SERVERS], &r->proxy_at) &&
			      !has_same_host(&names.other[SERVERS], &names.own[CLIENTS]),
		      "the server's socket knows the proxy (%s); %s is nowhere in it",
		      addr_write(&names.other[SERVERS], proxy),
		      addr_write(&names.own[CLIENTS], client));
	write_header(&names, line, sizeof(line));
	relay_send(r, RELAY_SERVER, line);
	got = relay_server_receives(r);
	is_told = read_header(&got, &told);
	diagram_claim(r->out, is_told && addr_equal(&told, &names.own[CLIENTS]),
		      "a PROXY line before all else tells the server: %.*s. Anybody can write one: "
		      "believe it from your own proxies only (prefork-srv: accept_proxy, trusted)",
		      (int)strcspn(line, "\r"), line);
	relay_close(r);
}

/* The bytes in each of the buffers from the client to the server. */
struct buffers {
	int64_t client_send, proxy_receive, proxy_send, server_receive;
};

/* Waits until no byte is on its way. True when each of those that were sent is in a buffer. */
static bool locate_bytes(struct relay *r, int64_t sent, struct buffers *b)
{
	int64_t until_ms = clock_ms() + RELAY_WAIT_MS;

	do {
		b->client_send = process_run(&r->client, call_unacknowledged(r->client_fd)).result;
		b->proxy_receive =
			process_run(&r->proxy, call_unread(r->side[RELAY_CLIENT], 0, 0)).result;
		b->proxy_send =
			process_run(&r->proxy, call_unacknowledged(r->side[RELAY_SERVER])).result;
		b->server_receive = process_run(&r->server, call_unread(r->conn, 0, 0)).result;
	} while (b->client_send + b->proxy_receive + b->proxy_send + b->server_receive != sent &&
		 clock_ms() < until_ms && sys_poll(NULL, 0, 1) >= 0);
	diagram_kernel(r->out,
		       "in the send and receive buffers: client's %lld, proxy's %lld | proxy's "
		       "%lld, server's %lld bytes",
		       (long long)b->client_send, (long long)b->proxy_receive,
		       (long long)b->proxy_send, (long long)b->server_receive);
	return b->client_send + b->proxy_receive + b->proxy_send + b->server_receive == sent;
}

/* The client sends and the proxy relays, until neither has room. Returns the number of bytes. */
static int64_t fill_all(struct relay *r)
{
	int64_t sent = 0, taken, passed;
	unsigned rounds = 0;

	do {
		diagram_arrow(r->out, TO_SERVER, "bytes");
		taken = process_run_line(&r->client, transfer_fill(r->client_fd)).result;
		passed = relay_pass_all(r);
		sent += taken > 0 ? taken : 0;
	} while ((taken > 0 || passed > 0) && ++rounds < ROUNDS_MOST);
	return sent;
}

static void show_buffers(struct relay *r)
{
	static const char claim[] = "every byte that was \"sent\" lies in one of four buffers, and "
				    "the client knows only that its own is full";
	struct buffers b;
	int64_t sent;
	bool is_all;

	relay_open(r, "    and four buffers, while the server does not read", true);
	sent = fill_all(r);
	is_all = locate_bytes(r, sent, &b);
	if (is_all && (b.client_send == 0 || b.proxy_receive == 0 || b.proxy_send == 0))
		diagram_skip_claim(r->out, "the buffers take all that can be sent", "%s", claim);
	else
		diagram_claim(r->out, is_all && sent > 0 && b.server_receive > 0, "%s", claim);
	relay_close(r);
}

/* --- (b) */

/* The client asks and ends its side. True when both have reached the proxy. */
static bool ask_and_end(struct relay *r)
{
	bool is_passed;
	struct call end;

	relay_client_sends(r, "ask");
	is_passed = relay_pass(r, RELAY_CLIENT, "ask");
	diagram_arrow(r->out, TO_SERVER, "FIN");
	process_run_line(&r->client, call_shutdown(r->client_fd, SHUT_WR));
	end = relay_receive(r, RELAY_CLIENT);
	return is_passed && end.result == 0;
}

/* The server reads the question and the end behind it. */
static bool server_reads_to_end(struct relay *r)
{
	struct call got = relay_server_receives(r), end = relay_server_receives(r);

	return call_received(&got, "ask") && end.result == 0;
}

static void show_half_close(struct relay *r)
{
	struct call answer, end;
	bool is_asked, is_passed;

	relay_open(r, "(b) the client ends its side, and the proxy passes that on", false);
	is_asked = ask_and_end(r);
	relay_shut(r, RELAY_SERVER);
	is_asked = server_reads_to_end(r) && is_asked;
	diagram_claim(r->out, is_asked,
		      "a FIN ends one connection: the server learned of it by the proxy's own "
		      "shutdown(WR)");
	relay_server_sends(r, "answer");
	process_run_line(&r->server, call_shutdown(r->conn, SHUT_WR));
	is_passed = relay_pass(r, RELAY_SERVER, "answer");
	end = relay_receive(r, RELAY_SERVER);
	relay_shut(r, RELAY_CLIENT);
	answer = relay_client_receives(r);
	diagram_claim(r->out,
		      is_passed && end.result == 0 && call_received(&answer, "answer") &&
			      relay_client_receives(r).result == 0,
		      "the other direction stays open: the answer comes back, and then its end, "
		      "passed on in the same way");
	relay_close(r);
}

static void show_close_at_first_end(struct relay *r)
{
	struct call sent, got;
	bool is_asked, is_over;

	relay_open(r, "    and a proxy that closes both at the first end", false);
	is_asked = ask_and_end(r);
	relay_close_side(r, RELAY_SERVER);
	relay_close_side(r, RELAY_CLIENT);
	is_asked = server_reads_to_end(r) && is_asked;
	sent = relay_server_sends(r, "answer");
	is_over = relay_await_state(r, RELAY_SERVER, TCP_CLOSE);
	got = relay_client_receives(r);
	diagram_claim(r->out,
		      is_asked && is_over && sent.result == (int64_t)strlen("answer") &&
			      got.result == 0,
		      "the answer is lost: the server's send() took it, the proxy's kernel reset "
		      "it, and the client reads a clean end with nothing before it");
	relay_close(r);
}

/* --- (c) */

/* The server sends half of an answer, which reaches the client, and resets. */
static bool cut_answer(struct relay *r)
{
	struct call got, end, set;
	bool is_passed, is_reset;

	relay_server_sends(r, "half");
	is_passed = relay_pass(r, RELAY_SERVER, "half");
	got = relay_client_receives(r);
	set = process_run(&r->server, call_set_abort(r->conn));
	diagram_cell(r->out, r->server.column, "SO_LINGER on, 0 s%s", set.result == 0 ? "" : " ?");
	diagram_line(r->out);
	process_run_line(&r->server, call_close(r->conn));
	r->conn = -1;
	is_reset = relay_await_state(r, RELAY_SERVER, TCP_CLOSE);
	end = relay_receive(r, RELAY_SERVER);
	return is_passed && call_received(&got, "half") && is_reset &&
	       failed_with(&end, ECONNRESET);
}

static void show_reset_of_server(struct relay *r)
{
	struct call look, end;
	bool is_cut, is_open;

	relay_open(r, "(c) the server resets in the middle of an answer", false);
	is_cut = cut_answer(r);
	is_open = relay_await_state(r, RELAY_CLIENT, TCP_ESTABLISHED);
	look = process_run_line(&r->client, call_recv(r->client_fd, RELAY_MOST, 0));
	diagram_claim(r->out, is_cut && is_open && failed_with(&look, EAGAIN),
		      "the reset ends the connection that it was sent on: the proxy knows, the "
		      "client's connection has not noticed");
	relay_close_side(r, RELAY_CLIENT);
	end = relay_client_receives(r);
	diagram_claim(r->out, end.result == 0,
		      "a proxy that simply closes turns the reset into a FIN: the client reads a "
		      "clean end, and half an answer looks like a whole one");
	relay_close(r);

	relay_open(r, "    and the proxy resets as well", false);
	is_cut = cut_answer(r);
	relay_abort_side(r, RELAY_CLIENT);
	end = relay_client_receives(r);
	diagram_claim(r->out, is_cut && failed_with(&end, ECONNRESET),
		      "now the client knows that the answer was cut: ECONNRESET, because the proxy "
		      "asked for it (SO_LINGER). Only a length in the answer itself is surer");
	relay_close(r);
}

static void show_reset_of_client(struct relay *r)
{
	struct call end, look;
	bool is_asked, is_reset, is_open;

	relay_open(r, "    and the other way round: the client resets", false);
	relay_client_sends(r, "ask");
	is_asked = relay_pass(r, RELAY_CLIENT, "ask");
	process_run(&r->client, call_set_abort(r->client_fd));
	diagram_arrow(r->out, TO_SERVER, "RST");
	process_run_line(&r->client, call_close(r->client_fd));
	r->client_fd = -1;
	is_reset = relay_await_state(r, RELAY_CLIENT, TCP_CLOSE);
	end = relay_receive(r, RELAY_CLIENT);
	is_open = relay_await_state(r, RELAY_SERVER, TCP_ESTABLISHED);
	look = relay_server_receives(r);
	diagram_claim(r->out,
		      is_asked && is_reset && failed_with(&end, ECONNRESET) && is_open &&
			      call_received(&look, "ask"),
		      "the server works on for a client that is gone, until the proxy tells it");
	relay_close(r);
}

/* --- (d) */

static void show_death(struct relay *r)
{
	struct call left, got, client_end, server_end;

	relay_open(r, "(d) acknowledged is not delivered: the proxy dies", false);
	relay_client_sends(r, "order");
	left = process_run(&r->client, call_await_ack(r->client_fd, RELAY_WAIT_MS));
	got = relay_receive(r, RELAY_CLIENT);
	diagram_kernel(r->out, "%lld bytes wait in the client's send buffer",
		       (long long)left.result);
	diagram_claim(r->out, left.result == 0 && call_received(&got, "order"),
		      "every byte is acknowledged: by the proxy's kernel, which is all that TCP "
		      "can promise the client");
	process_kill(&r->proxy);
	r->side[RELAY_CLIENT] = r->side[RELAY_SERVER] = -1;
	diagram_cell(r->out, r->proxy.column, "killed (SIGKILL)");
	diagram_arrow(r->out, TO_CLIENT, "FIN");
	diagram_line(r->out);
	client_end = relay_client_receives(r);
	server_end = relay_server_receives(r);
	diagram_claim(r->out, client_end.result == 0 && server_end.result == 0,
		      "the bytes died with it, between two connections that both end in order: no "
		      "call on either side fails. What matters needs an answer from the server");
	relay_close(r);
}

void lesson_proxy(struct diagram *out)
{
	struct relay relay = { .out = out };

	diagram_paragraph(
		out,
		"A proxy accepts the client's connection, opens one of its own to the server, and "
		"copies bytes between them. Client, proxy and server have the addresses 127.0.0.1, "
		"127.0.0.2 and 127.0.0.3. The proxy relays when the lesson tells it to; its calls "
		"name the side, such as recv(client). (The arrows are the client's connection; a "
		"loop of calls is shown as one.)");
	relay_begin(&relay);
	show_addresses(&relay);
	show_buffers(&relay);
	show_half_close(&relay);
	show_close_at_first_end(&relay);
	show_reset_of_server(&relay);
	show_reset_of_client(&relay);
	show_death(&relay);
	relay_end(&relay);
}
