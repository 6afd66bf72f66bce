/* SPDX-License-Identifier: MIT */
/*
 * Lesson: connections that nobody has accepted yet wait in the listening socket's accept queue,
 * which listen() bounds. A dozen clients meet a queue for a few; then the server accepts, and last,
 * what the usual numbers for the backlog mean.
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
	LATE = 4, /* clients that come when the server has begun to accept, at most */
	CLIENTS = DOZEN + LATE,
	SOON_MS = 5000,
	MOST = 64,
	REPEAT_MS = 950, /* a second (RFC 6298) less what the kernel's clock is coarse */
};

struct client {
	int fd;           /* in the clients' process */
	struct addr addr; /* its own */
	int64_t at_ms;    /* before it sent its first SYN */
	int accepted;     /* the server's descriptor of it; -1: none yet */
};

struct play {
	struct output *out;
	struct process clients, server;
	struct addr bound;
	int listener;
	struct client all[CLIENTS];
	unsigned count;             /* of those who have come */
	unsigned sequence[CLIENTS]; /* the numbers of those accepted */
	unsigned accepted;
	unsigned fitted; /* of the dozen, the first so many got into the queue */
};

static int state_of(struct play *p, unsigned number)
{
	return (int)process_run(&p->clients, call_state(p->all[number].fd)).result;
}

static unsigned count_state(struct play *p, int state)
{
	unsigned count = 0;

	for (unsigned i = 0; i < p->count; i++)
		count += state_of(p, i) == state;
	return count;
}

/* What the queue is once the kernel has taken the client in or dropped its SYN. */
static struct accept_queue await_verdict(struct play *p, struct accept_queue was)
{
	bool has_room = was.length <= was.limit;

	return kernel_await_queue(p->out, p->listener, was.length + has_room,
				  was.drops + !has_room);
}

/* The next client: a connect() that does not wait. */
static void arrive(struct play *p)
{
	struct client *client = &p->all[p->count];
	struct accept_queue was = kernel_queue(p->out, p->listener), is;
	int64_t at_ms = clock_ms();
	struct call dialled = process_run(&p->clients, call_try_connect(&p->bound, SOCK_NONBLOCK));

	errno = dialled.result < 0 ? dialled.error : dialled.option;
	if (dialled.result < 0 || (errno != 0 && errno != EINPROGRESS))
		output_skip_rest(p->out, "connect()");
	*client = (struct client){
		.fd = (int)dialled.result, .addr = dialled.addr, .at_ms = at_ms, .accepted = -1
	};
	is = await_verdict(p, was);
	p->count++;
	output_cell(p->out, OUTPUT_CLIENT, "%2u connect() %s", p->count,
		    sockdiag_state_name(state_of(p, p->count - 1)));
	output_arrow(p->out, TO_SERVER, "SYN");
	output_cell(p->out, 1, "queue %u, limit %u%s", is.length, is.limit,
		    is.drops > was.drops ? ": SYN dropped" : "");
	output_line(p->out);
}

static void claim_counters(struct play *p, const int64_t *before, const int64_t *after,
			   unsigned dropped)
{
	static const char claim[] = "and the kernel counts them, for all sockets together "
				    "(/proc/net/netstat; nstat shows it)";

	if (before[0] < 0 || before[1] < 0 || after[0] < 0 || after[1] < 0) {
		output_skip_claim(p->out, "/proc/net/netstat cannot be read", "%s", claim);
		return;
	}
	output_kernel(p->out, "ListenOverflows + %" PRId64 ", ListenDrops + %" PRId64,
		      after[0] - before[0], after[1] - before[1]);
	output_claim(p->out, after[0] - before[0] >= dropped && after[1] - before[1] >= dropped,
		     "%s", claim);
}

/* The other way to overflow, which cannot be had at will: it is a matter of microseconds. */
static void say_abort(struct play *p)
{
	int64_t aborts = kernel_sysctl("net/ipv4/tcp_abort_on_overflow", -1);

	if (aborts >= 0)
		output_kernel(p->out,
			      "net.ipv4.tcp_abort_on_overflow is %d: a client whose handshake is "
			      "half done when the queue fills %s",
			      (int)aborts,
			      aborts > 0 ? "gets a reset" :
					   "believes that it is connected, and is not yet");
}

/* The first client does what it could not without a connection. */
static void talk_early(struct play *p)
{
	struct ends ends = { .client = p->all[0].addr, .server = p->bound };
	struct call sent;
	bool is_up;

	output_arrow(p->out, TO_SERVER, "\"hello\"");
	sent = process_run(&p->clients, call_send(p->all[0].fd, "hello"));
	output_cell(p->out, OUTPUT_CLIENT, " 1 send() = %d", (int)sent.result);
	output_line(p->out);
	is_up = kernel_await_states(p->out, &ends, TCP_ESTABLISHED, TCP_ESTABLISHED);
	output_claim(p->out, sent.result == 5 && is_up,
		     "nobody has called accept(), and yet client 1 is connected and sends: the "
		     "kernel shakes hands by itself");
}

static void filling(struct play *p)
{
	static const char *const names[] = { "server", NULL };
	static const char *const counters[] = { "ListenOverflows", "ListenDrops" };
	int64_t before[2], after[2];
	unsigned waiting;
	struct accept_queue queue;

	output_columns(p->out, names);
	output_scene(p->out, "(a) a dozen clients, and nobody accepts");
	p->clients = process_fork(p->out, OUTPUT_CLIENT, "clients");
	p->server = process_self(p->out, 1, names[0]);
	p->listener = process_listen(p->out, BACKLOG, &p->bound);
	output_cell(p->out, 1, "listen(%d) = 0", BACKLOG);
	output_line(p->out);
	for (unsigned i = 0; i < 2; i++)
		before[i] = kernel_tcp_counter(counters[i]);
	while (p->count < DOZEN)
		arrive(p);
	for (unsigned i = 0; i < 2; i++)
		after[i] = kernel_tcp_counter(counters[i]);
	talk_early(p);

	queue = kernel_queue(p->out, p->listener);
	p->fitted = count_state(p, TCP_ESTABLISHED);
	waiting = count_state(p, TCP_SYN_SENT);
	output_claim(p->out, p->fitted == queue.limit + 1 && queue.length == p->fitted,
		     "the queue takes one more than its limit of %u: %u connected", queue.limit,
		     p->fitted);
	output_kernel(p->out, "clients in SYN_SENT: %u; SYNs dropped: %" PRIu32, waiting,
		      queue.drops);
	output_claim(p->out, waiting == DOZEN - p->fitted && queue.drops >= waiting,
		     "the SYNs of the other %u were dropped without a word: these clients cannot "
		     "tell a full queue from a bad wire",
		     waiting);
	claim_counters(p, before, after, DOZEN - p->fitted);
	say_abort(p);
}

static int find(const struct play *p, const struct addr *addr)
{
	for (unsigned i = 0; i < p->count; i++)
		if (addr_equal(&p->all[i].addr, addr))
			return (int)i;
	return -1;
}

/* The first in the queue; false when it is empty. */
static bool accept_one(struct play *p, int wait_ms)
{
	struct call call = process_run(&p->server, call_accept(p->listener, wait_ms));
	int number = call.result >= 0 ? find(p, &call.addr) : -1;

	if (number < 0) {
		output_cell(p->out, 1, "accept() = %s", err_name(call.error));
		output_line(p->out);
		return false;
	}
	p->all[number].accepted = (int)call.result;
	p->sequence[p->accepted++] = (unsigned)number;
	output_cell(p->out, 1, "accept() = %d: client %d", (int)call.result, number + 1);
	return true;
}

static void drain(struct play *p)
{
	while (accept_one(p, 0))
		output_line(p->out);
}

/* Of the dozen, those whose SYNs were dropped and who are not accepted yet. */
static unsigned still_waiting(const struct play *p)
{
	unsigned count = 0;

	for (unsigned i = p->fitted; i < DOZEN; i++)
		count += p->all[i].accepted < 0;
	return count;
}

/*
 * One accept() makes room for one. Should a client that waits send its SYN again right now and take
 * it, the next newcomer finds the room of all.
 */
static void overtake(struct play *p)
{
	unsigned waiting;
	bool is_in;

	accept_one(p, SOON_MS);
	output_line(p->out);
	arrive(p);
	waiting = still_waiting(p);
	is_in = state_of(p, p->count - 1) == TCP_ESTABLISHED;
	while (!is_in && p->count < CLIENTS) {
		drain(p);
		arrive(p);
		waiting = still_waiting(p);
		is_in = state_of(p, p->count - 1) == TCP_ESTABLISHED;
	}
	output_claim(p->out, is_in, "accept() makes room: client %u, who comes now, gets in",
		     p->count);
	if (waiting > 0)
		output_kernel(p->out,
			      "%u who came before it still wait: a SYN that was dropped has not "
			      "kept a place",
			      waiting);
}

static void accepting(struct play *p)
{
	bool in_order = true;
	struct call got;

	output_scene_at_once(p->out, "(b) the server begins to accept");
	overtake(p);
	drain(p);
	for (unsigned i = 0; i < p->fitted; i++)
		in_order &= i < p->accepted && p->sequence[i] == i;
	output_claim(p->out, in_order, "who came first into the queue is accepted first");
	if (p->all[0].accepted < 0)
		return;
	got = process_run_line(&p->server, call_recv(p->all[0].accepted, MOST, SOON_MS));
	output_claim(p->out, call_received(&got, "hello"),
		     "what client 1 sent before its accept() was kept for the server");
}

/*
 * How often the client's kernel has sent a segment again. The SYN is the only one that it can
 * repeat so soon.
 */
static int64_t count_repeats(struct play *p, unsigned number)
{
	return process_run(&p->clients, call_retransmissions(p->all[number].fd)).result;
}

/* The first who was accepted of those that had to wait; CLIENTS: nobody. */
static unsigned first_late(const struct play *p)
{
	for (unsigned i = 0; i < p->accepted; i++)
		if (p->sequence[i] >= p->fitted && p->sequence[i] < DOZEN)
			return p->sequence[i];
	return CLIENTS;
}

static void repeating(struct play *p)
{
	unsigned number = first_late(p);
	int64_t waited_ms, repeats;

	output_scene_at_once(p->out, "(c) and those whose SYN was dropped?");
	if (number == CLIENTS && accept_one(p, SOON_MS))
		number = first_late(p);
	if (number == CLIENTS) {
		output_claim(p->out, false, "a client whose SYN was dropped sends it again");
		return;
	}
	waited_ms = clock_ms() - p->all[number].at_ms;
	output_cell(p->out, OUTPUT_CLIENT, "client %u: %.2f s later", number + 1,
		    (double)waited_ms / 1000);
	output_arrow(p->out, TO_SERVER, "SYN again");
	output_line(p->out);
	repeats = count_repeats(p, number);
	output_claim(p->out, repeats >= 1 && waited_ms >= REPEAT_MS,
		     "client %u got in because its kernel sent the SYN again (%d time%s), which it "
		     "does after a second: so much costs a queue that overflows for an instant",
		     number + 1, (int)repeats, repeats == 1 ? "" : "s");
	if (number != p->fitted)
		output_paragraph(
			p->out,
			"(Client %u has waited longer, but all these seconds are over within a "
			"few milliseconds, and timers so close go off in no certain order.)",
			p->fitted + 1);
}

static void finish(struct play *p)
{
	process_stop(&p->clients);
	for (unsigned i = 0; i < p->count; i++)
		if (p->all[i].accepted >= 0)
			sys_close(p->all[i].accepted);
	sys_close(p->listener);
}

/* A row of the table; false when the limit is not the smaller of both. */
static bool measure(struct play *p, int backlog, int64_t most)
{
	struct addr bound;
	int listener = process_listen(p->out, backlog, &bound);
	unsigned limit = kernel_queue(p->out, listener).limit;

	sys_close(listener);
	output_row(p->out, "%7d %8u %9u  %9u ms", backlog, limit, limit + 1, limit + 1);
	return limit == (backlog < most ? backlog : most);
}

static void meaning(struct play *p)
{
	static const char claim[] = "the limit is what listen() was given, and at most "
				    "net.core.somaxconn";
	static const int backlogs[] = { 1, 128, 2048, 1 << 20 };
	int64_t most = kernel_sysctl("net/core/somaxconn", -1);
	bool as_said = true;

	output_row(p->out, "listen()    limit  can wait  filled by 1000 clients a second in");
	for (size_t i = 0; i < sizeof(backlogs) / sizeof(backlogs[0]); i++)
		as_said &= measure(p, backlogs[i], most);
	if (most < 0) {
		output_skip_claim(p->out, "net.core.somaxconn cannot be read", "%s", claim);
		return;
	}
	output_kernel(p->out, "net.core.somaxconn is %" PRId64, most);
	output_claim(p->out, as_said, "%s", claim);
}

void lesson_backlog(struct output *out)
{
	struct play p = { .out = out };

	output_paragraph(
		out,
		"The kernel completes the handshakes of a listening socket by itself, and keeps "
		"the connections in the socket's accept queue until the server calls accept(). "
		"The second parameter of listen(), the backlog, bounds that queue. Here "
		"listen() asks for %d, a dozen clients come, and the server is busy elsewhere. "
		"(The clients' "
		"connect() does not wait; one that does would hang in SYN_SENT.)",
		BACKLOG);
	filling(&p);
	accepting(&p);
	repeating(&p);
	finish(&p);
	output_paragraph(
		out,
		"(d) So the backlog is not how many connections a server can have, but how many "
		"may wait while it does not come to accept(): it bridges a pause. What 1, 128 "
		"and 2048 mean:");
	meaning(&p);
	output_paragraph(out,
			 "An empty queue costs nothing, so servers ask for much: 128, the usual "
			 "net.core.somaxconn before Linux 5.4, is soon filled; 2048 bridges two "
			 "seconds of a thousand clients each. A queue that stays full is another "
			 "matter: no backlog helps a server that is too slow.");
}
