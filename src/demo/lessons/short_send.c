/* SPDX-License-Identifier: MIT */
/*
 * Lesson: send() puts bytes into the send buffer and says how many of them found room. A client
 * sends 8 MiB to a server that does not read: without blocking, in the loop that sends the rest,
 * blocking, interrupted by a signal; last, what becomes of bytes that were "sent" to a process
 * that dies.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/sys.h"
#include "demo/bulk.h"
#include "demo/dial.h"
#include "demo/lesson.h"
#include "demo/pair.h"

enum {
	SIZE = 8 << 20,
	LAST_WORDS = 1000,
	SOON_MS = 5000,
	AGAIN_MS = 10,
	CALLS_MOST = 10000,
	SMALL = 65536
};

static const char in_one[] = "send(8 MiB)";

/*
 * The third number of net.ipv4.tcp_wmem and the like: how large such a buffer may become. What
 * is not told may be large.
 */
static int64_t largest_buffer(const char *path)
{
	char text[128], *next = text;
	int64_t most = 0;

	if (!file_read_path(path, text, sizeof(text)))
		return SIZE;
	for (int i = 0; i < 3; i++)
		most = strtoll(next, &next, 10);
	return most;
}

/*
 * A claim that a send was too much for the buffers. Where they may hold all of it, and did, it is
 * no claim.
 */
static void claim_too_much(struct pair *p, bool holds, const struct order *sent, const char *claim)
{
	int64_t room = largest_buffer("/proc/sys/net/ipv4/tcp_wmem") +
		       largest_buffer("/proc/sys/net/ipv4/tcp_rmem");

	if (sent->result == SIZE && room >= SIZE)
		stage_unknown(p->stage, "the buffers of this system took all 8 MiB at once", "%s",
			      claim);
	else
		stage_claim(p->stage, holds, "%s", claim);
}

/* Sends what is left until there is no room; counts the calls, and in *sent the bytes. */
static struct order fill_up(struct pair *p, int64_t *sent, unsigned *calls)
{
	struct order more;

	do {
		more = pair_client_does(p, bulk_send("send(rest)", p->client_fd, *sent,
						     (size_t)(SIZE - *sent), MSG_DONTWAIT));
		*sent += more.result > 0 ? more.result : 0;
	} while (more.result > 0 && *sent < SIZE && ++*calls < CALLS_MOST);
	return more;
}

/*
 * Where the bytes stand once what is under way has come to rest. True when each is in one of the
 * buffers.
 */
static bool find_bytes(struct pair *p, int64_t sent)
{
	int64_t until_ms = clock_ms() + SOON_MS;
	struct order theirs, ours;

	do {
		theirs = pair_client_does(p, bulk_unacknowledged(p->client_fd));
		ours = pair_server_does(p, bulk_unread(p->conn, 0, 0));
	} while (theirs.result + ours.result != sent && clock_ms() < until_ms &&
		 sys_poll(NULL, 0, 1) >= 0);
	stage_kernel(p->stage,
		     "%lld bytes wait in the client's send buffer (SIOCOUTQ), %lld in the "
		     "server's receive buffer (SIOCINQ)",
		     (long long)theirs.result, (long long)ours.result);
	return theirs.result >= 0 && ours.result > 0 && theirs.result + ours.result == sent;
}

/* (a); returns how much was sent. */
static int64_t sending_once(struct pair *p)
{
	struct order first, last;
	unsigned calls = 0;
	int64_t sent;

	pair_open(p, "(a) one send(), without blocking, and nobody reads");
	first = pair_client(p, bulk_send(in_one, p->client_fd, 0, SIZE, MSG_DONTWAIT));
	claim_too_much(p, first.result > 0 && first.result < SIZE, &first,
		       "one send() of 8,388,608 bytes took less: what it returns is what counts");
	sent = first.result > 0 ? first.result : 0;
	last = first;
	if (sent < SIZE)
		last = fill_up(p, &sent, &calls);
	if (calls > 0) {
		stage_cell(p->stage, STAGE_CLIENT, "%u more, %lld in all", calls, (long long)sent);
		stage_line(p->stage);
	}
	if (last.result < 0) {
		stage_cell(p->stage, STAGE_CLIENT, "send(rest) = %s", err_name(last.error));
		stage_line(p->stage);
	}
	claim_too_much(p, last.result == -1 && last.error == EAGAIN, &first,
		       "with the buffers full it is -1 and EAGAIN: no error, but \"no room now\"");
	stage_claim(p->stage, find_bytes(p, sent),
		    "the server has not called recv() once: every byte that was \"sent\" lies in "
		    "one of two buffers");
	return sent;
}

/* The send buffer becomes that small: then the loop below has to go round more than once. */
static void do_send_buffer(struct order *order)
{
	order->result = sys_setsockopt(order->fd, SOL_SOCKET, SO_SNDBUF, &order->option,
				       sizeof(order->option));
}

static struct order send_buffer(int fd, int size)
{
	return (struct order){
		.act = do_send_buffer, .call = "setsockopt(SNDBUF)", .fd = fd, .option = size
	};
}

static const char *times(int count, char *text)
{
	if (count == 1)
		return "once";
	snprintf(text, ORDER_TEXT, "%d times", count);
	return text;
}

/* (b) */
static void sending_all(struct pair *p, int64_t sent)
{
	struct order rest, got, set;
	char text[ORDER_TEXT];

	stage_scene(p->stage, "(b) the loop: poll() until there is room, then send the rest");
	set = pair_client_does(p, send_buffer(p->client_fd, SMALL));
	stage_cell(p->stage, STAGE_CLIENT, "SO_SNDBUF: 64 KiB%s", set.result == 0 ? "" : " ?");
	stage_line(p->stage);
	cast_begin(p->stage, &p->client, bulk_send_all(p->client_fd, sent, (size_t)(SIZE - sent)));
	got = pair_server_does(p, bulk_recv_all(p->conn, 0, SIZE, SOON_MS));
	if (!cast_end(p->stage, &p->client, &rest, SOON_MS))
		rest = (struct order){ .result = -1, .error = ETIMEDOUT };
	stage_cell(p->stage, STAGE_CLIENT, "send(rest) %s", times(rest.option, text));
	stage_arrow(p->stage, TO_SERVER, "bytes");
	stage_cell(p->stage, PAIR_SERVER, "recv() %s", times(got.option, text));
	stage_line(p->stage);
	stage_cell(p->stage, STAGE_CLIENT, "sum: %lld", (long long)(sent + rest.result));
	stage_cell(p->stage, PAIR_SERVER, "sum: %lld", (long long)got.result);
	stage_line(p->stage);
	stage_claim(p->stage, sent + rest.result == SIZE && got.result == SIZE,
		    "all 8,388,608 bytes arrived, in order, each compared with what was sent");
}

/* Begins a send that blocks, and returns when the client sleeps in it, or is back from it. */
static void begin_blocking(struct pair *p, struct order order)
{
	cast_begin(p->stage, &p->client, order);
	cast_await_sleep(p->stage, &p->client);
	stage_cell(p->stage, STAGE_CLIENT, "%s ...", in_one);
	stage_line(p->stage);
}

/* (c) */
static void blocking(struct pair *p)
{
	struct order sent = { .result = 0 }, got;
	char text[ORDER_TEXT];
	bool is_back;

	stage_scene(p->stage, "(c) the same with a socket that blocks");
	begin_blocking(p, bulk_send(in_one, p->client_fd, SIZE, SIZE, 0));
	is_back = cast_end(p->stage, &p->client, &sent, 0);
	stage_kernel(p->stage, "the client %s", is_back ? "has returned" : "sleeps in send()");
	claim_too_much(p, !is_back, &sent,
		       "a blocking send() does not return while there is no room for the rest");
	got = pair_server_does(p, bulk_recv_all(p->conn, SIZE, SIZE, SOON_MS));
	stage_cell(p->stage, PAIR_SERVER, "recv() %s = %lld", times(got.option, text),
		   (long long)got.result);
	stage_arrow(p->stage, TO_SERVER, "bytes");
	stage_line(p->stage);
	if (!is_back && !cast_end(p->stage, &p->client, &sent, SOON_MS))
		sent = (struct order){ .result = -1, .error = ETIMEDOUT };
	stage_cell(p->stage, STAGE_CLIENT, "... = %lld", (long long)sent.result);
	stage_line(p->stage);
	stage_claim(p->stage, sent.result == SIZE && got.result == SIZE,
		    "when the server had read enough it came back, with everything in one call");
}

static void note_signal(int number)
{
	(void)number;
}

/*
 * The signal is blocked again when the call is over, for nothing may interrupt the wait for
 * orders.
 */
static void do_send_interruptibly(struct order *order)
{
	struct sigaction action = { .sa_handler = note_signal };
	struct order send = bulk_send(in_one, order->fd, 0, SIZE, 0);
	sigset_t usr1;

	sigemptyset(&action.sa_mask);
	sigaction(SIGUSR1, &action, NULL);
	order_do(&send);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sys_sigprocmask(SIG_BLOCK, &usr1, NULL);
	order->result = send.result;
	errno = send.error;
}

/* Signals until the call is over: the first may come a moment before the client sleeps again. */
static struct order interrupt(struct pair *p)
{
	int64_t until_ms = clock_ms() + SOON_MS;
	struct order sent;
	bool is_back;

	do {
		if (sys_kill(p->client.pid, SIGUSR1) < 0)
			stage_give_up(p->stage, "kill()");
		is_back = cast_end(p->stage, &p->client, &sent, AGAIN_MS);
	} while (!is_back && clock_ms() < until_ms);
	return is_back ? sent : (struct order){ .result = -1, .error = ETIMEDOUT };
}

/* (d) */
static void interrupted(struct pair *p)
{
	struct order sent, got;
	char text[ORDER_TEXT];

	pair_open(p, "(d) a signal comes while it blocks");
	begin_blocking(p, (struct order){ .act = do_send_interruptibly,
					  .call = in_one,
					  .fd = p->client_fd });
	sent = interrupt(p);
	stage_cell(p->stage, STAGE_CLIENT, "SIGUSR1: ... = %lld", (long long)sent.result);
	stage_line(p->stage);
	claim_too_much(p, sent.result > 0 && sent.result < SIZE, &sent,
		       "the blocking send() took less too: there is no send() without the loop");
	got = pair_server_does(
		p, bulk_recv_all(p->conn, 0, (size_t)(sent.result > 0 ? sent.result : 1), SOON_MS));
	stage_cell(p->stage, PAIR_SERVER, "recv() %s = %lld", times(got.option, text),
		   (long long)got.result);
	stage_arrow(p->stage, TO_SERVER, "bytes");
	stage_line(p->stage);
	stage_claim(p->stage, got.result == sent.result,
		    "what it returned is exact: the server got so many bytes, and the rest is "
		    "still to be sent");
	pair_close(p);
}

/* The server becomes a process that can die: it holds the connection alone. */
static void hire_server(struct pair *p)
{
	p->server = cast_hire(p->stage, PAIR_SERVER, "server");
	sys_close(p->conn);
}

/* (e) */
static void losing(struct pair *p)
{
	static const char acknowledged[] = "the server's kernel has acknowledged every byte, its "
					   "process has read none";
	struct order sent, left, unread, late, later;
	bool is_over;

	pair_open(p, "(e) \"sent\" is not \"received\": the server dies before it reads");
	hire_server(p);
	stage_arrow(p->stage, TO_SERVER, "bytes");
	sent = pair_client(p, bulk_send("send(1000)", p->client_fd, 0, LAST_WORDS, 0));
	left = pair_client_does(p, dial_await_ack(p->client_fd, SOON_MS));
	unread = pair_server_does(p, bulk_unread(p->conn, LAST_WORDS, SOON_MS));
	stage_kernel(p->stage,
		     "%lld bytes wait in the send buffer, %lld in the server's receive buffer",
		     (long long)left.result, (long long)unread.result);
	if (sent.result == LAST_WORDS && left.result > 0 && unread.result < LAST_WORDS)
		stage_unknown(p->stage,
			      "the receive buffer is smaller than 1,000 bytes "
			      "(net.ipv4.tcp_rmem)",
			      "%s", acknowledged);
	else
		stage_claim(p->stage,
			    sent.result == LAST_WORDS && left.result == 0 &&
				    unread.result == LAST_WORDS,
			    "%s", acknowledged);
	cast_kill(p->stage, &p->server);
	p->conn = -1;
	stage_cell(p->stage, PAIR_SERVER, "killed (SIGKILL)");
	stage_arrow(p->stage, TO_CLIENT, "RST");
	stage_line(p->stage);
	is_over = evidence_states(p->stage, &p->ends, TCP_CLOSE, TCP_CLOSE);
	late = pair_client(p, bulk_send("send(1)", p->client_fd, LAST_WORDS, 1, MSG_DONTWAIT));
	later = pair_client(p, bulk_send("send(1)", p->client_fd, LAST_WORDS, 1, MSG_DONTWAIT));
	stage_claim(p->stage,
		    is_over && late.result == -1 && late.error == ECONNRESET &&
			    later.error == EPIPE,
		    "the send() that lost them had said 1000: only a later call tells of it, so "
		    "what matters needs an answer from the other program");
	pair_close(p);
}

void lab_short_send(struct stage *stage)
{
	struct pair p = { .stage = stage };
	int64_t sent;

	stage_say(stage,
		  "send() copies bytes into the send buffer of its own kernel, as many as there is "
		  "room for, and returns how many that were. TCP carries them to the receive "
		  "buffer of the other kernel, where they lie until a process calls recv(). A "
		  "client here sends 8 MiB to a server that does not read.");
	sent = sending_once(&p);
	sending_all(&p, sent);
	blocking(&p);
	pair_close(&p);
	interrupted(&p);
	losing(&p);
}
