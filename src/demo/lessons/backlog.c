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
#include "demo/cast.h"
#include "demo/counter.h"
#include "demo/dial.h"
#include "demo/evidence.h"
#include "demo/ground.h"
#include "demo/lesson.h"
#include "demo/queue.h"

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
	struct stage *stage;
	struct actor clients, server;
	struct addr bound;
	int listener;
	struct client all[CLIENTS];
	unsigned count;          /* of those who have come */
	unsigned order[CLIENTS]; /* the numbers of those accepted */
	unsigned accepted;
	unsigned fitted; /* of the dozen, the first so many got into the queue */
};

static int state_of(struct play *p, unsigned number)
{
	return (int)cast_do(p->stage, &p->clients, order_state(p->all[number].fd)).result;
}

static unsigned count_state(struct play *p, int state)
{
	unsigned count = 0;

	for (unsigned i = 0; i < p->count; i++)
		count += state_of(p, i) == state;
	return count;
}

/* What the queue is once the kernel has taken the client in or dropped its SYN. */
static struct queue await_verdict(struct play *p, struct queue was)
{
	bool has_room = was.length <= was.limit;

	return queue_await(p->stage, p->listener, was.length + has_room, was.drops + !has_room);
}

/* The next client: a connect() that does not wait. */
static void arrive(struct play *p)
{
	struct client *client = &p->all[p->count];
	struct queue was = queue_look(p->stage, p->listener), is;
	int64_t at_ms = clock_ms();
	struct order dialled = cast_do(p->stage, &p->clients, dial_out(&p->bound, SOCK_NONBLOCK));

	errno = dialled.result < 0 ? dialled.error : dialled.option;
	if (dialled.result < 0 || (errno != 0 && errno != EINPROGRESS))
		stage_give_up(p->stage, "connect()");
	*client = (struct client){
		.fd = (int)dialled.result, .addr = dialled.addr, .at_ms = at_ms, .accepted = -1
	};
	is = await_verdict(p, was);
	p->count++;
	stage_cell(p->stage, STAGE_CLIENT, "%2u connect() %s", p->count,
		   sockdiag_state_name(state_of(p, p->count - 1)));
	stage_arrow(p->stage, TO_SERVER, "SYN");
	stage_cell(p->stage, 1, "queue %u, limit %u%s", is.length, is.limit,
		   is.drops > was.drops ? ": SYN dropped" : "");
	stage_line(p->stage);
}

static void claim_counters(struct play *p, const int64_t *before, const int64_t *after,
			   unsigned dropped)
{
	static const char claim[] = "and the kernel counts them, for all sockets together "
				    "(/proc/net/netstat; nstat shows it)";

	if (before[0] < 0 || before[1] < 0 || after[0] < 0 || after[1] < 0) {
		stage_unknown(p->stage, "/proc/net/netstat cannot be read", "%s", claim);
		return;
	}
	stage_kernel(p->stage, "ListenOverflows + %" PRId64 ", ListenDrops + %" PRId64,
		     after[0] - before[0], after[1] - before[1]);
	stage_claim(p->stage, after[0] - before[0] >= dropped && after[1] - before[1] >= dropped,
		    "%s", claim);
}

/* The other way to overflow, which cannot be had at will: it is a matter of microseconds. */
static void say_abort(struct play *p)
{
	int64_t aborts = counter_setting("net/ipv4/tcp_abort_on_overflow", -1);

	if (aborts >= 0)
		stage_kernel(p->stage,
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
	struct order sent;
	bool is_up;

	stage_arrow(p->stage, TO_SERVER, "\"hello\"");
	sent = cast_do(p->stage, &p->clients, order_send(p->all[0].fd, "hello"));
	stage_cell(p->stage, STAGE_CLIENT, " 1 send() = %d", (int)sent.result);
	stage_line(p->stage);
	is_up = evidence_states(p->stage, &ends, TCP_ESTABLISHED, TCP_ESTABLISHED);
	stage_claim(p->stage, sent.result == 5 && is_up,
		    "nobody has called accept(), and yet client 1 is connected and sends: the "
		    "kernel shakes hands by itself");
}

static void filling(struct play *p)
{
	static const char *const names[] = { "server", NULL };
	static const char *const counters[] = { "ListenOverflows", "ListenDrops" };
	int64_t before[2], after[2];
	unsigned waiting;
	struct queue queue;

	stage_cast(p->stage, names);
	stage_scene(p->stage, "(a) a dozen clients, and nobody accepts");
	p->clients = cast_hire(p->stage, STAGE_CLIENT, "clients");
	p->server = cast_self(1, names[0]);
	p->listener = ground_listen(p->stage, BACKLOG, &p->bound);
	stage_cell(p->stage, 1, "listen(%d) = 0", BACKLOG);
	stage_line(p->stage);
	for (unsigned i = 0; i < 2; i++)
		before[i] = counter_tcp(counters[i]);
	while (p->count < DOZEN)
		arrive(p);
	for (unsigned i = 0; i < 2; i++)
		after[i] = counter_tcp(counters[i]);
	talk_early(p);

	queue = queue_look(p->stage, p->listener);
	p->fitted = count_state(p, TCP_ESTABLISHED);
	waiting = count_state(p, TCP_SYN_SENT);
	stage_claim(p->stage, p->fitted == queue.limit + 1 && queue.length == p->fitted,
		    "the queue takes one more than its limit of %u: %u connected", queue.limit,
		    p->fitted);
	stage_kernel(p->stage, "clients in SYN_SENT: %u; SYNs dropped: %" PRIu32, waiting,
		     queue.drops);
	stage_claim(p->stage, waiting == DOZEN - p->fitted && queue.drops >= waiting,
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
	struct order order = cast_do(p->stage, &p->server, order_accept(p->listener, wait_ms));
	int number = order.result >= 0 ? find(p, &order.addr) : -1;

	if (number < 0) {
		stage_cell(p->stage, 1, "accept() = %s", err_name(order.error));
		stage_line(p->stage);
		return false;
	}
	p->all[number].accepted = (int)order.result;
	p->order[p->accepted++] = (unsigned)number;
	stage_cell(p->stage, 1, "accept() = %d: client %d", (int)order.result, number + 1);
	return true;
}

static void drain(struct play *p)
{
	while (accept_one(p, 0))
		stage_line(p->stage);
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
	stage_line(p->stage);
	arrive(p);
	waiting = still_waiting(p);
	is_in = state_of(p, p->count - 1) == TCP_ESTABLISHED;
	while (!is_in && p->count < CLIENTS) {
		drain(p);
		arrive(p);
		waiting = still_waiting(p);
		is_in = state_of(p, p->count - 1) == TCP_ESTABLISHED;
	}
	stage_claim(p->stage, is_in, "accept() makes room: client %u, who comes now, gets in",
		    p->count);
	if (waiting > 0)
		stage_kernel(p->stage,
			     "%u who came before it still wait: a SYN that was dropped has not "
			     "kept a place",
			     waiting);
}

static void accepting(struct play *p)
{
	bool in_order = true;
	struct order got;

	stage_scene_at_once(p->stage, "(b) the server begins to accept");
	overtake(p);
	drain(p);
	for (unsigned i = 0; i < p->fitted; i++)
		in_order &= i < p->accepted && p->order[i] == i;
	stage_claim(p->stage, in_order, "who came first into the queue is accepted first");
	if (p->all[0].accepted < 0)
		return;
	got = cast_step(p->stage, &p->server, order_recv(p->all[0].accepted, MOST, SOON_MS));
	stage_claim(p->stage, order_says(&got, "hello"),
		    "what client 1 sent before its accept() was kept for the server");
}

static void do_count_repeats(struct order *order)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	order->result = sys_getsockopt(order->fd, IPPROTO_TCP, TCP_INFO, &info, &size);
	if (order->result == 0)
		order->result = info.tcpi_total_retrans;
}

/*
 * How often the client has sent something again; all that a client here can repeat so soon is its
 * SYN.
 */
static int64_t count_repeats(struct play *p, unsigned number)
{
	struct order order = { .act = do_count_repeats,
			       .call = "TCP_INFO",
			       .fd = p->all[number].fd };

	return cast_do(p->stage, &p->clients, order).result;
}

/* The first who was accepted of those that had to wait; CLIENTS: nobody. */
static unsigned first_late(const struct play *p)
{
	for (unsigned i = 0; i < p->accepted; i++)
		if (p->order[i] >= p->fitted && p->order[i] < DOZEN)
			return p->order[i];
	return CLIENTS;
}

static void repeating(struct play *p)
{
	unsigned number = first_late(p);
	int64_t waited_ms, repeats;

	stage_scene_at_once(p->stage, "(c) and those whose SYN was dropped?");
	if (number == CLIENTS && accept_one(p, SOON_MS))
		number = first_late(p);
	if (number == CLIENTS) {
		stage_claim(p->stage, false, "a client whose SYN was dropped sends it again");
		return;
	}
	waited_ms = clock_ms() - p->all[number].at_ms;
	stage_cell(p->stage, STAGE_CLIENT, "client %u: %.2f s later", number + 1,
		   (double)waited_ms / 1000);
	stage_arrow(p->stage, TO_SERVER, "SYN again");
	stage_line(p->stage);
	repeats = count_repeats(p, number);
	stage_claim(p->stage, repeats >= 1 && waited_ms >= REPEAT_MS,
		    "client %u got in because its kernel sent the SYN again (%d time%s), which it "
		    "does after a second: so much costs a queue that overflows for an instant",
		    number + 1, (int)repeats, repeats == 1 ? "" : "s");
	if (number != p->fitted)
		stage_say(p->stage,
			  "(Client %u has waited longer, but all these seconds are over within a "
			  "few milliseconds, and timers so close go off in no certain order.)",
			  p->fitted + 1);
}

static void finish(struct play *p)
{
	cast_dismiss(p->stage, &p->clients);
	for (unsigned i = 0; i < p->count; i++)
		if (p->all[i].accepted >= 0)
			sys_close(p->all[i].accepted);
	sys_close(p->listener);
}

/* A row of the table; false when the limit is not the smaller of both. */
static bool measure(struct play *p, int backlog, int64_t most)
{
	struct addr bound;
	int listener = ground_listen(p->stage, backlog, &bound);
	unsigned limit = queue_look(p->stage, listener).limit;

	sys_close(listener);
	stage_row(p->stage, "%7d %8u %9u  %9u ms", backlog, limit, limit + 1, limit + 1);
	return limit == (backlog < most ? backlog : most);
}

static void meaning(struct play *p)
{
	static const char claim[] = "the limit is what listen() was given, and at most "
				    "net.core.somaxconn";
	static const int backlogs[] = { 1, 128, 2048, 1 << 20 };
	int64_t most = counter_setting("net/core/somaxconn", -1);
	bool as_said = true;

	stage_row(p->stage, "listen()    limit  can wait  filled by 1000 clients a second in");
	for (size_t i = 0; i < sizeof(backlogs) / sizeof(backlogs[0]); i++)
		as_said &= measure(p, backlogs[i], most);
	if (most < 0) {
		stage_unknown(p->stage, "net.core.somaxconn cannot be read", "%s", claim);
		return;
	}
	stage_kernel(p->stage, "net.core.somaxconn is %" PRId64, most);
	stage_claim(p->stage, as_said, "%s", claim);
}

void lab_backlog(struct stage *stage)
{
	struct play p = { .stage = stage };

	stage_say(stage,
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
	stage_say(stage,
		  "(d) So the backlog is not how many connections a server can have, but how many "
		  "may wait while it does not come to accept(): it bridges a pause. What 1, 128 "
		  "and 2048 mean:");
	meaning(&p);
	stage_say(stage, "An empty queue costs nothing, so servers ask for much: 128, the usual "
			 "net.core.somaxconn before Linux 5.4, is soon filled; 2048 bridges two "
			 "seconds of a thousand clients each. A queue that stays full is another "
			 "matter: no backlog helps a server that is too slow.");
}
