/* SPDX-License-Identifier: MIT */
/*
 * Lesson: a process passes the descriptor of a connection to another one over a unix socket. The
 * message holds the connection until it is received; bytes that the sender has read out of the
 * connection move only as bytes of the message.
 */
#include <stdio.h>
#include <string.h>

#include "base/rights.h"
#include "base/sys.h"
#include "demo/kernel.h"
#include "demo/lesson.h"
#include "demo/process.h"

enum { SENDER, RECEIVER, SERVERS, SOON_MS = 5000, MOST = 64, MESSAGE = MOST + CALL_BYTES };

struct fixture {
	struct diagram *out;
	struct process client, server[SERVERS];
	int to_receiver, from_sender; /* the ends of the unix socket, in the one and the other */
	int client_fd;
	int conn[SERVERS]; /* the number in the sender and in the receiver; -1: it has none */
	uint64_t inode;    /* of the server's end */
	struct ends ends;
	char message[MOST]; /* the bytes that came with the descriptor */
};

/* The references to the server's end. */
struct references {
	unsigned holders;  /* processes */
	int64_t in_flight; /* messages; -1: the kernel does not report them */
};

static const char *const names[] = { "sender", "receiver", NULL };
static const char bare[] = "take"; /* a message needs a byte; the receiver ignores it */
static const char first_half[] = "GET /", second_half[] = "page", whole[] = "GET /page";

/* Nothing can be shown without this call. */
static void require_success(struct fixture *f, const struct call *call)
{
	errno = call->error;
	if (call->result < 0)
		diagram_skip_rest(f->out, call->name);
}

/* option is the descriptor that is sent. */
static void run_send(struct call *call)
{
	const struct iovec bytes = { call->bytes, call->size };

	call->result = rights_send(call->fd, &bytes, 1, &call->option, 1, MSG_DONTWAIT);
}

/* The result is the descriptor that came. */
static void run_receive(struct call *call)
{
	const struct iovec room = { call->bytes, sizeof(call->bytes) };
	struct pollfd waiting = { .fd = call->fd, .events = POLLIN };
	struct rights got;
	ssize_t n;

	sys_poll(&waiting, 1, SOON_MS);
	n = rights_receive(call->fd, &room, 1, &got, MSG_DONTWAIT);
	call->size = n > 0 ? (size_t)n : 0;
	call->result = got.count == 1 ? got.fds[0] : -1;
	if (n >= 0 && call->result < 0) {
		rights_close(&got);
		errno = got.lacks_fds ? EMFILE : EBADMSG;
	}
}

/* The sender passes its descriptor, with a text of at least one byte. */
static void send_descriptor(struct fixture *f, const char *text)
{
	struct call call = { .run = run_send, .name = "sendmsg()", .fd = f->to_receiver };

	call.option = f->conn[SENDER];
	call.size = strnlen(text, sizeof(call.bytes));
	memcpy(call.bytes, text, call.size);
	call = process_run(&f->server[SENDER], call);
	require_success(f, &call);
	diagram_cell(f->out, 1 + SENDER, "sendmsg(fd %d) = %d", call.option, (int)call.result);
	diagram_line(f->out);
}

static void receive_descriptor(struct fixture *f)
{
	struct call call = { .run = run_receive, .name = "recvmsg()", .fd = f->from_sender };

	call = process_run(&f->server[RECEIVER], call);
	require_success(f, &call);
	f->conn[RECEIVER] = (int)call.result;
	snprintf(f->message, sizeof(f->message), "%.*s", (int)call.size, call.bytes);
	diagram_lifeline(f->out, 1 + RECEIVER, true);
	diagram_cell(f->out, 1 + RECEIVER, "recvmsg() = fd %d", f->conn[RECEIVER]);
	diagram_line(f->out);
}

static void draw_bytes(struct fixture *f, unsigned server, const char *bytes)
{
	diagram_cell(f->out, 1 + server, "  and \"%s\"", bytes);
	diagram_line(f->out);
}

static void close_senders(struct fixture *f)
{
	process_run_line(&f->server[SENDER], call_close(f->conn[SENDER]));
	f->conn[SENDER] = -1;
}

static void kill_receiver(struct fixture *f)
{
	process_kill(&f->server[RECEIVER]);
	diagram_cell(f->out, 1 + RECEIVER, "killed (SIGKILL)");
	diagram_line(f->out);
}

/* Forks the receiver, with its end of a new unix socket. */
static void fork_receiver(struct fixture *f)
{
	int ends[2];

	if (sys_socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		diagram_skip_rest(f->out, "socketpair()");
	f->to_receiver = ends[0];
	f->from_sender = ends[1];
	f->server[RECEIVER] = process_fork(f->out, 1 + RECEIVER, names[RECEIVER]);
	process_run(&f->server[RECEIVER], call_close(f->to_receiver));
	sys_close(f->from_sender);
	diagram_lifeline(f->out, 1 + RECEIVER, false);
}

static void connect_client(struct fixture *f)
{
	struct call connected, accepted;
	struct addr bound;
	int listener = process_listen(f->out, 1, &bound);

	connected = process_run_cell(&f->client, call_connect(&bound));
	diagram_arrow(f->out, TO_SERVER, "SYN");
	accepted = process_run_line(&f->server[SENDER], call_accept(listener, SOON_MS));
	sys_close(listener);
	require_success(f, &connected);
	require_success(f, &accepted);
	f->client_fd = (int)connected.result;
	f->conn[SENDER] = (int)accepted.result;
	f->conn[RECEIVER] = -1;
}

/*
 * The client is forked first, and the receiver before the sender accepts: neither inherits what the
 * lesson is about.
 */
static void start_scene(struct fixture *f, const char *heading)
{
	diagram_columns(f->out, names);
	diagram_scene(f->out, heading);
	f->client = process_fork(f->out, DIAGRAM_CLIENT, "client");
	f->server[SENDER] = process_self(f->out, 1 + SENDER, names[SENDER]);
	fork_receiver(f);
	connect_client(f);
	if (!kernel_ends(f->conn[SENDER], &f->ends))
		diagram_skip_rest(f->out, "getpeername()");
	f->inode = kernel_inode(f->out, f->conn[SENDER]);
}

static void end_scene(struct fixture *f)
{
	process_stop(&f->server[RECEIVER]);
	if (f->conn[SENDER] >= 0)
		sys_close(f->conn[SENDER]);
	sys_close(f->to_receiver);
	process_stop(&f->client);
}

static unsigned count_holders(struct fixture *f)
{
	return process_show_holders(f->out, f->inode, f->server, SERVERS);
}

static struct references count_references(struct fixture *f)
{
	struct references now = { .holders = count_holders(f) };

	now.in_flight = kernel_in_flight(f->server[RECEIVER].pid, f->from_sender);
	if (now.in_flight >= 0)
		diagram_kernel(f->out, "%d descriptor%s in flight to the receiver",
			       (int)now.in_flight, now.in_flight == 1 ? "" : "s");
	return now;
}

/* The client has nothing to receive, and the connection is established. */
static bool is_client_unaffected(struct fixture *f)
{
	struct call look = process_run_line(&f->client, call_recv(f->client_fd, MOST, 0));

	return kernel_await_states(f->out, &f->ends, TCP_ESTABLISHED, TCP_ESTABLISHED) &&
	       look.error == EAGAIN;
}

static bool send_to_client(struct fixture *f, unsigned from, const char *word)
{
	return process_send_word(TO_CLIENT, &f->server[from], f->conn[from], &f->client,
				 f->client_fd, word);
}

static bool send_from_client(struct fixture *f, unsigned to, const char *word)
{
	return process_send_word(TO_SERVER, &f->client, f->client_fd, &f->server[to], f->conn[to],
				 word);
}

/* The kernel of the server's end has acknowledged all that the client has sent. */
static bool is_all_acknowledged(struct fixture *f)
{
	return process_run(&f->client, call_await_ack(f->client_fd, SOON_MS)).result == 0;
}

static void claim_in_flight(struct fixture *f, struct references before, struct references after)
{
	static const char claim[] = "sendmsg() took a second reference, and no process has it: it "
				    "is in the message";

	if (before.in_flight < 0 || after.in_flight < 0)
		diagram_skip_claim(f->out, "/proc does not count descriptors in flight", "%s",
				   claim);
	else
		diagram_claim(f->out,
			      before.holders == 1 && after.holders == 1 && before.in_flight == 0 &&
				      after.in_flight == 1,
			      "%s", claim);
}

static void show_passing(struct fixture *f)
{
	struct references before, sent, received;
	unsigned left;

	start_scene(f, "(a) the sender passes its descriptor, and then closes it");
	before = count_references(f);
	send_descriptor(f, bare);
	sent = count_references(f);
	claim_in_flight(f, before, sent);
	receive_descriptor(f);
	received = count_references(f);
	diagram_claim(f->out, received.holders == 2 && received.in_flight <= 0,
		      "recvmsg() took it out of the message: the receiver has a descriptor of the "
		      "same socket");
	close_senders(f);
	left = count_holders(f);
	diagram_claim(f->out, is_client_unaffected(f) && left == 1,
		      "the connection has moved, and the client notices nothing");
	diagram_claim(f->out,
		      send_from_client(f, RECEIVER, "hello") &&
			      send_to_client(f, RECEIVER, "thanks"),
		      "the receiver serves it from now on");
	end_scene(f);
}

static void show_flight(struct fixture *f)
{
	struct references flying;
	struct call sent, got;
	bool is_open;

	start_scene(f, "(b) from the start: the sender closes while the message is in flight");
	send_descriptor(f, bare);
	close_senders(f);
	flying = count_references(f);
	is_open = is_client_unaffected(f);
	diagram_claim(f->out, flying.holders == 0 && flying.in_flight != 0 && is_open,
		      "no process has the connection, and yet it is open: the message holds it");
	diagram_arrow(f->out, TO_SERVER, "\"hello\"");
	sent = process_run_line(&f->client, call_send(f->client_fd, "hello"));
	diagram_claim(f->out, sent.result == (int64_t)strlen("hello") && is_all_acknowledged(f),
		      "the kernel receives for it meanwhile: it has acknowledged the client's "
		      "bytes");
	receive_descriptor(f);
	got = process_run_line(&f->server[RECEIVER], call_recv(f->conn[RECEIVER], MOST, SOON_MS));
	diagram_claim(f->out, count_holders(f) == 1 && call_received(&got, "hello"),
		      "bytes that nobody has read are part of the socket: they moved with it");
	end_scene(f);
}

static void show_lost_message(struct fixture *f)
{
	struct call look;
	unsigned left;

	start_scene(f, "(c) from the start: the receiver dies before it receives the message");
	send_descriptor(f, bare);
	kill_receiver(f);
	left = count_holders(f);
	diagram_claim(f->out, is_client_unaffected(f) && left == 1,
		      "the message died with the unix socket in which it waited; the sender has "
		      "its own descriptor still, so nothing is lost");
	end_scene(f);

	start_scene(f, "    the same, but the sender has closed already");
	send_descriptor(f, bare);
	close_senders(f);
	kill_receiver(f);
	diagram_arrow(f->out, TO_CLIENT, "FIN");
	look = process_run_line(&f->client, call_recv(f->client_fd, MOST, SOON_MS));
	left = count_holders(f);
	diagram_claim(f->out, look.result == 0 && left == 0,
		      "the message had the last reference: the client has lost its connection, so "
		      "a sender closes only when the receiver has confirmed");
	end_scene(f);
}

/*
 * The sender reads the first half of a message, and the connection moves before the second comes.
 * Writes to message (MESSAGE bytes) what the receiver has of it. True when the sender has read just
 * the half.
 */
static bool move_half_read(struct fixture *f, const char *heading, bool with_bytes, char *message)
{
	struct call got;
	bool is_read;

	start_scene(f, heading);
	is_read = send_from_client(f, SENDER, first_half);
	send_descriptor(f, with_bytes ? first_half : bare);
	if (with_bytes)
		draw_bytes(f, SENDER, first_half);
	receive_descriptor(f);
	if (with_bytes)
		draw_bytes(f, RECEIVER, f->message);
	close_senders(f);
	diagram_arrow(f->out, TO_SERVER, "\"page\"");
	process_run_line(&f->client, call_send(f->client_fd, second_half));
	got = process_run_line(&f->server[RECEIVER], call_recv(f->conn[RECEIVER], MOST, SOON_MS));
	snprintf(message, MESSAGE, "%s%.*s", with_bytes ? f->message : "", (int)got.size,
		 got.bytes);
	return is_read;
}

static void show_bytes(struct fixture *f)
{
	char message[MESSAGE];
	bool is_read;

	is_read = move_half_read(
		f, "(d) from the start: the sender has read half a message before it passes", false,
		message);
	diagram_claim(f->out, is_read && strcmp(message, second_half) == 0,
		      "the receiver has \"%s\" of \"%s\": the sender had read the rest out of the "
		      "socket, and it stays in the sender's memory",
		      message, whole);
	diagram_claim(f->out, is_all_acknowledged(f),
		      "the client cannot know: every byte has been acknowledged");
	end_scene(f);

	is_read = move_half_read(
		f, "(e) the same, and the sender puts what it has read into the message", true,
		message);
	diagram_claim(f->out, is_read && strcmp(message, whole) == 0,
		      "with the bytes beside the descriptor the receiver has \"%s\"", message);
	end_scene(f);
}

void lesson_passing(struct diagram *out)
{
	struct fixture f = { .out = out };

	diagram_paragraph(
		out,
		"A process can give a connection to another one that runs already: it sends the "
		"descriptor in a message over a unix socket (SCM_RIGHTS, unix(7)), and the process "
		"that receives the message gets a descriptor of the same socket, with a number of "
		"its own. Until then the descriptor is in flight: the message holds the socket. "
		"(A dot is a process without a reference.)");
	show_passing(&f);
	show_flight(&f);
	show_lost_message(&f);
	show_bytes(&f);
	diagram_paragraph(
		out,
		"A server that moves connections therefore sends the descriptor together with the "
		"bytes that it has read and not used yet, and with all else that it knows of the "
		"connection, and closes its own descriptor last.");
}
