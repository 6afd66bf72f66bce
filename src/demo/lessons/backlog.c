/* SPDX-License-Identifier: MIT */
/*
 * Lesson: connections that are not accepted yet wait in the listening socket's accept queue, which
 * listen() limits. A dozen clients meet a queue for a few; then the server accepts; last, the
 * meaning of the usual numbers for the backlog.
 */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/sockdiag.h"
#include "base/sys.h"
#include "demo/kernel.h"
#include "demo/lesson.h"
#include "demo/process.h"

enum {
	BACKLOG = 4,
	DOZEN = 12,
	LATE = 4, /* clients that come after the first accept(), at most */
	CLIENTS = DOZEN + LATE,
	SOON_MS = 5000,
	MOST = 64,
	REPEAT_MS = 950, /* a second (RFC 6298) less the kernel's clock granularity */
};

struct client {
	int fd;           /* in the clients' process */
	struct addr addr; /* its own */
	int64_t at_ms;    /* before it sent its first SYN */
	int accepted;     /* the server's descriptor of it; -1: none yet */
};

struct fixture {
	struct output *out;
	struct process clients, server;
	struct addr bound;
	int listener;
	struct client all[CLIENTS];
	unsigned count;             /* of the clients that have come */
	unsigned sequence[CLIENTS]; /* the accepted clients, in that order */
	unsigned accepted;
	unsigned fitted; /* so many of the dozen, the first, got into the queue */
};

static int get_client_state(struct fixture *f, unsigned number)
{
	return (int)process_run(&f->clients, call_state(f->all[number].fd)).result;
}

static unsigned count_clients_in(struct fixture *f, int state)
{
	unsigned count = 0;

	for (unsigned i = 0; i < f->count; i++)
		count += get_client_state(f, i) == state;
	return count;
}

/* The queue after the kernel has queued the client or dropped its SYN. */
static struct accept_queue await_queue_change(struct fixture *f, struct accept_queue was)
{
	bool has_room = was.length <= was.limit;

	return kernel_await_queue(f->out, f->listener, was.length + has_room,
				  was.drops + !has_room);
}

/* The next client connects, without waiting. */
static void connect_client(struct fixture *f)
{
	struct client *client = &f->all[f->count];
	struct accept_queue was = kernel_queue(f->out, f->listener), is;
	int64_t at_ms = clock_ms();
	struct call dialled = process_run(&f->clients, call_try_connect(&f->bound, SOCK_NONBLOCK));

	errno = dialled.result < 0 ? dialled.error : dialled.option;
	if (dialled.result < 0 || (errno != 0 && errno != EINPROGRESS))
		output_skip_rest(f->out, "connect()");
	*client = (struct client){
		.fd = (int)dialled.result, .addr = dialled.addr, .at_ms = at_ms, .accepted = -1
	};
	is = await_queue_change(f, was);
	f->count++;
	output_cell(f->out, OUTPUT_CLIENT, "%2u connect() %s", f->count,
		    sockdiag_state_name(get_client_state(f, f->count - 1)));
	output_arrow(f->out, TO_SERVER, "SYN");
	output_cell(f->out, 1, "queue %u, limit %u%s", is.length, is.limit,
		    is.drops > was.drops ? ": SYN dropped" : "");
	output_line(f->out);
}

static void claim_drop_counters(struct fixture *f, const int64_t *before, const int64_t *after,
				unsigned dropped)
{
	static const char claim[] = "and the kernel counts them, for all sockets together "
				    "(/proc/net/netstat; nstat shows it)";

	if (before[0] < 0 || before[1] < 0 || after[0] < 0 || after[1] < 0) {
		output_skip_claim(f->out, "/proc/net/netstat cannot be read", "%s", claim);
		return;
	}
	output_kernel(f->out, "ListenOverflows + %" PRId64 ", ListenDrops + %" PRId64,
		      after[0] - before[0], after[1] - before[1]);
	output_claim(f->out, after[0] - before[0] >= dropped && after[1] - before[1] >= dropped,
		     "%s", claim);
}

/* The other way to overflow takes microseconds and cannot be produced at will. */
static void show_abort_setting(struct fixture *f)
{
	int64_t aborts = kernel_sysctl("net/ipv4/tcp_abort_on_overflow", -1);

	if (aborts >= 0)
		output_kernel(f->out,
			      "net.ipv4.tcp_abort_on_overflow is %d: a client whose handshake is "
			      "half done when the queue fills %s",
			      (int)aborts,
			      aborts > 0 ? "gets a reset" :
					   "believes that it is connected, and is not yet");
}

/* The first client sends, which it could not do without a connection. */
static void send_before_accept(struct fixture *f)
{
	struct ends ends = { .client = f->all[0].addr, .server = f->bound };
	struct call sent;
	bool is_up;

	output_arrow(f->out, TO_SERVER, "\"hello\"");
	sent = process_run(&f->clients, call_send(f->all[0].fd, "hello"));
	output_cell(f->out, OUTPUT_CLIENT, " 1 send() = %d", (int)sent.result);
	output_line(f->out);
	is_up = kernel_await_states(f->out, &ends, TCP_ESTABLISHED, TCP_ESTABLISHED);
	output_claim(f->out, sent.result == 5 && is_up,
		     "nobody has called accept(), and yet client 1 is connected and sends: the "
		     "kernel shakes hands by itself");
}

static void show_full_queue(struct fixture *f)
{
	static const char *const names[] = { "server", NULL };
	static const char *const counters[] = { "ListenOverflows", "ListenDrops" };
	int64_t before[2], after[2];
	unsigned waiting;
	struct accept_queue queue;

	output_columns(f->out, names);
	output_scene(f->out, "(a) a dozen clients, and nobody accepts");
	f->clients = process_fork(f->out, OUTPUT_CLIENT, "clients");
	f->server = process_self(f->out, 1, names[0]);
	f->listener = process_listen(f->out, BACKLOG, &f->bound);
	output_cell(f->out, 1, "listen(%d) = 0", BACKLOG);
	output_line(f->out);
	for (unsigned i = 0; i < 2; i++)
		before[i] = kernel_tcp_counter(counters[i]);
	while (f->count < DOZEN)
		connect_client(f);
	for (unsigned i = 0; i < 2; i++)
		after[i] = kernel_tcp_counter(counters[i]);
	send_before_accept(f);

	queue = kernel_queue(f->out, f->listener);
	f->fitted = count_clients_in(f, TCP_ESTABLISHED);
	waiting = count_clients_in(f, TCP_SYN_SENT);
	output_claim(f->out, f->fitted == queue.limit + 1 && queue.length == f->fitted,
		     "the queue takes one more than its limit of %u: %u connected", queue.limit,
		     f->fitted);
	output_kernel(f->out, "clients in SYN_SENT: %u; SYNs dropped: %" PRIu32, waiting,
		      queue.drops);
	output_claim(f->out, waiting == DOZEN - f->fitted && queue.drops >= waiting,
		     "the SYNs of the other %u were dropped without a word: these clients cannot "
		     "tell a full queue from a bad wire",
		     waiting);
	claim_drop_counters(f, before, after, DOZEN - f->fitted);
	show_abort_setting(f);
}

static int find_client(const struct fixture *f, const struct addr *addr)
{
	for (unsigned i = 0; i < f->count; i++)
		if (addr_equal(&f->all[i].addr, addr))
			return (int)i;
	return -1;
}

/* Accepts the first client in the queue; false when the queue is empty. */
static bool accept_client(struct fixture *f, int wait_ms)
{
	struct call call = process_run(&f->server, call_accept(f->listener, wait_ms));
	int number = call.result >= 0 ? find_client(f, &call.addr) : -1;

	if (number < 0) {
		output_cell(f->out, 1, "accept() = %s", err_name(call.error));
		output_line(f->out);
		return false;
	}
	f->all[number].accepted = (int)call.result;
	f->sequence[f->accepted++] = (unsigned)number;
	output_cell(f->out, 1, "accept() = %d: client %d", (int)call.result, number + 1);
	return true;
}

static void accept_all(struct fixture *f)
{
	while (accept_client(f, 0))
		output_line(f->out);
}

/* The clients of the dozen whose SYNs were dropped and that are not accepted yet. */
static unsigned count_waiting(const struct fixture *f)
{
	unsigned count = 0;

	for (unsigned i = f->fitted; i < DOZEN; i++)
		count += f->all[i].accepted < 0;
	return count;
}

/*
 * One accept() makes room for one client. When a waiting client sends its SYN again at that moment
 * and takes the room, the server accepts all, and the next newcomer finds an empty queue.
 */
static void accept_newcomer(struct fixture *f)
{
	unsigned waiting;
	bool is_in;

	accept_client(f, SOON_MS);
	output_line(f->out);
	connect_client(f);
	waiting = count_waiting(f);
	is_in = get_client_state(f, f->count - 1) == TCP_ESTABLISHED;
	while (!is_in && f->count < CLIENTS) {
		accept_all(f);
		connect_client(f);
		waiting = count_waiting(f);
		is_in = get_client_state(f, f->count - 1) == TCP_ESTABLISHED;
	}
	output_claim(f->out, is_in, "accept() makes room: client %u, who comes now, gets in",
		     f->count);
	if (waiting > 0)
		output_kernel(f->out,
			      "%u who came before it still wait: a SYN that was dropped has not "
			      "kept a place",
			      waiting);
}

static void show_accepting(struct fixture *f)
{
	bool in_order = true;
	struct call got;

	output_scene_at_once(f->out, "(b) the server begins to accept");
	accept_newcomer(f);
	accept_all(f);
	for (unsigned i = 0; i < f->fitted; i++)
		in_order &= i < f->accepted && f->sequence[i] == i;
	output_claim(f->out, in_order, "who came first into the queue is accepted first");
	if (f->all[0].accepted < 0)
		return;
	got = process_run_line(&f->server, call_recv(f->all[0].accepted, MOST, SOON_MS));
	output_claim(f->out, call_received(&got, "hello"),
		     "what client 1 sent before its accept() was kept for the server");
}

/*
 * How often the client's kernel has sent a segment again. The SYN is the only one that it can
 * repeat so soon.
 */
static int64_t get_retransmissions(struct fixture *f, unsigned number)
{
	return process_run(&f->clients, call_retransmissions(f->all[number].fd)).result;
}

/* The first accepted client of those that had to wait; CLIENTS: none. */
static unsigned find_first_late(const struct fixture *f)
{
	for (unsigned i = 0; i < f->accepted; i++)
		if (f->sequence[i] >= f->fitted && f->sequence[i] < DOZEN)
			return f->sequence[i];
	return CLIENTS;
}

static void show_repeated_syn(struct fixture *f)
{
	unsigned number = find_first_late(f);
	int64_t waited_ms, repeats;

	output_scene_at_once(f->out, "(c) and those whose SYN was dropped?");
	if (number == CLIENTS && accept_client(f, SOON_MS))
		number = find_first_late(f);
	if (number == CLIENTS) {
		output_claim(f->out, false, "a client whose SYN was dropped sends it again");
		return;
	}
	waited_ms = clock_ms() - f->all[number].at_ms;
	output_cell(f->out, OUTPUT_CLIENT, "client %u: %.2f s later", number + 1,
		    (double)waited_ms / 1000);
	output_arrow(f->out, TO_SERVER, "SYN again");
	output_line(f->out);
	repeats = get_retransmissions(f, number);
	output_claim(f->out, repeats >= 1 && waited_ms >= REPEAT_MS,
		     "client %u got in because its kernel sent the SYN again (%d time%s), which it "
		     "does after a second: so much costs a queue that overflows for an instant",
		     number + 1, (int)repeats, repeats == 1 ? "" : "s");
	if (number != f->fitted)
		output_paragraph(
			f->out,
			"(Client %u has waited longer, but all these seconds are over within a "
			"few milliseconds, and timers so close go off in no certain order.)",
			f->fitted + 1);
}

static void end_clients(struct fixture *f)
{
	process_stop(&f->clients);
	for (unsigned i = 0; i < f->count; i++)
		if (f->all[i].accepted >= 0)
			sys_close(f->all[i].accepted);
	sys_close(f->listener);
}

/* A row of the table. True when the limit is the smaller one of backlog and most. */
static bool show_backlog_row(struct fixture *f, int backlog, int64_t most)
{
	struct addr bound;
	int listener = process_listen(f->out, backlog, &bound);
	unsigned limit = kernel_queue(f->out, listener).limit;

	sys_close(listener);
	output_row(f->out, "%7d %8u %9u  %9u ms", backlog, limit, limit + 1, limit + 1);
	return limit == (backlog < most ? backlog : most);
}

static void show_backlog_meaning(struct fixture *f)
{
	static const char claim[] = "the limit is what listen() was given, and at most "
				    "net.core.somaxconn";
	static const int backlogs[] = { 1, 128, 2048, 1 << 20 };
	int64_t most = kernel_sysctl("net/core/somaxconn", -1);
	bool as_said = true;

	output_row(f->out, "listen()    limit  can wait  filled by 1000 clients a second in");
	for (size_t i = 0; i < sizeof(backlogs) / sizeof(backlogs[0]); i++)
		as_said &= show_backlog_row(f, backlogs[i], most);
	if (most < 0) {
		output_skip_claim(f->out, "net.core.somaxconn cannot be read", "%s", claim);
		return;
	}
	output_kernel(f->out, "net.core.somaxconn is %" PRId64, most);
	output_claim(f->out, as_said, "%s", claim);
}

void lesson_backlog(struct output *out)
{
	struct fixture f = { .out = out };

	output_paragraph(
		out,
		"The kernel completes the handshakes of a listening socket by itself, and keeps "
		"the connections in the socket's accept queue until the server calls accept(). "
		"The second parameter of listen(), the backlog, bounds that queue. Here "
		"listen() asks for %d, a dozen clients come, and the server is busy elsewhere. "
		"(The clients' "
		"connect() does not wait; one that does would hang in SYN_SENT.)",
		BACKLOG);
	show_full_queue(&f);
	show_accepting(&f);
	show_repeated_syn(&f);
	end_clients(&f);
	output_paragraph(
		out,
		"(d) So the backlog is not how many connections a server can have, but how many "
		"may wait while it does not come to accept(): it bridges a pause. What 1, 128 "
		"and 2048 mean:");
	show_backlog_meaning(&f);
	output_paragraph(out,
			 "An empty queue costs nothing, so servers ask for much: 128, the usual "
			 "net.core.somaxconn before Linux 5.4, is soon filled; 2048 bridges two "
			 "seconds of a thousand clients each. A queue that stays full is another "
			 "matter: no backlog helps a server that is too slow.");
}
