/* SPDX-License-Identifier: MIT */
/*
 * Lesson: recv() returns the bytes that are there, at most as many as were asked for. A server
 * sends, and a client receives: less than it asked for, never more, in a loop that counts to 5,000,
 * with MSG_WAITALL and MSG_PEEK; last, the three ways to get no bytes.
 */
#include <string.h>

#include "base/sys.h"
#include "demo/lesson.h"
#include "demo/process.h"
#include "demo/transfer.h"

enum { ASKED = 1024, SOON_MS = 5000, ARRIVE_MS = 2000, WHOLE = 5000, FIRST = 2000 };

/*
 * True when all bytes were sent and some of them wait at the server, because the client's kernel
 * has no room for them.
 */
static bool lacks_room(struct process_pair *p, const struct call *sent, const struct call *there,
		       int size)
{
	return sent->result == size && there->result >= 0 && there->result < size &&
	       process_run(&p->server, call_unacknowledged(p->conn)).result > 0;
}

/*
 * The server sends so many bytes of the stream. True when all are in the client's receive buffer;
 * *has_room is false when the buffer is too small.
 */
static bool deliver_bytes(struct process_pair *p, const char *name, int64_t from, int size,
			  bool *has_room)
{
	struct call sent, there;

	output_arrow(p->out, TO_CLIENT, "bytes");
	sent = process_run_line(&p->server, transfer_send(name, p->conn, from, (size_t)size, 0));
	there = process_run(&p->client, call_unread(p->client_fd, size, ARRIVE_MS));
	*has_room = !lacks_room(p, &sent, &there, size);
	return sent.result == size && there.result == size;
}

static struct call receive_bytes(struct process_pair *p, const char *name, int64_t from, int size)
{
	return process_run_line(&p->client, transfer_recv(name, p->client_fd, from, (size_t)size,
							  MSG_DONTWAIT));
}

/* A claim that needs all bytes in the receive buffer at once. */
static void claim_if_room(struct process_pair *p, bool has_room, bool holds, const char *sentence)
{
	if (has_room)
		output_claim(p->out, holds, "%s", sentence);
	else
		output_skip_claim(p->out,
				  "the receive buffer is smaller than what was sent "
				  "(net.ipv4.tcp_rmem)",
				  "%s", sentence);
}

/* Reads the rest of the stream up to `to`, without drawing. */
static void discard_rest(struct process_pair *p, int64_t from, int64_t to)
{
	if (from < to)
		process_run(&p->client,
			    transfer_recv_all(p->client_fd, from, (size_t)(to - from), SOON_MS));
}

static int64_t show_unread(struct process_pair *p)
{
	int64_t left = process_run(&p->client, call_unread(p->client_fd, 0, 0)).result;

	output_kernel(p->out, "%lld bytes are left in the receive buffer (SIOCINQ)",
		      (long long)left);
	return left;
}

/* (a) */
static void show_less_than_asked(struct process_pair *p)
{
	struct call got;

	process_pair_open(p, "(a) 5 bytes are there, 1,024 are asked for");
	output_arrow(p->out, TO_CLIENT, "\"hello\"");
	process_run_line(&p->server, call_send(p->conn, "hello"));
	got = call_recv(p->client_fd, CALL_BYTES, SOON_MS);
	got.name = "recv(1024)";
	got = process_run_line(&p->client, got);
	output_claim(p->out, call_received(&got, "hello"),
		     "recv() does not wait for more: it gives the 5 bytes that are there");
}

/* (b) */
static void show_no_more_than_asked(struct process_pair *p)
{
	struct call first, second, third;
	bool has_room;
	int64_t left;

	output_scene(p->out, "(b) 3,000 bytes are there, 1,024 are asked for");
	deliver_bytes(p, "send(3000)", 0, 3000, &has_room);
	first = receive_bytes(p, "recv(1024)", 0, ASKED);
	left = show_unread(p);
	claim_if_room(p, has_room, first.result == ASKED && left == 3000 - ASKED,
		      "it never gives more than was asked for; the rest stays for the next call");
	second = receive_bytes(p, "recv(1024)", ASKED, ASKED);
	third = receive_bytes(p, "recv(1024)", (int64_t)2 * ASKED, ASKED);
	claim_if_room(p, has_room, second.result == ASKED && third.result == 3000 - 2 * ASKED,
		      "nothing is lost: 1024 + 1024 + 952 = 3000, although it was one send()");
}

/* (c) */
static void show_counting(struct process_pair *p)
{
	static const struct {
		int size;
		const char *send, *recv;
	} pieces[] = {
		{ 700, "send(700)", "recv(5000)" },
		{ 3000, "send(3000)", "recv(4300)" },
		{ 1300, "send(1300)", "recv(1300)" },
	};
	bool exact = true, first_is_short = false, has_room = true;
	int64_t have = 0, sent = 0;

	process_pair_open(p, "(c) the loop: a message of 5,000 bytes, which comes in pieces");
	for (size_t i = 0; has_room && i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		struct call got;

		exact &= deliver_bytes(p, pieces[i].send, have, pieces[i].size, &has_room);
		got = process_run_cell(&p->client,
				       transfer_recv(pieces[i].recv, p->client_fd, have,
						     (size_t)(WHOLE - have), MSG_DONTWAIT));
		exact &= got.result == pieces[i].size;
		have += got.result > 0 ? got.result : 0;
		first_is_short |= i == 0 && have < WHOLE;
		output_cell(p->out, p->server.column, "the client has %lld of 5000",
			    (long long)have);
		output_line(p->out);
		sent += pieces[i].size;
	}
	discard_rest(p, have, sent);
	claim_if_room(
		p, has_room, first_is_short && exact,
		"each recv() asked for all that was missing, and got what had come until then");
	claim_if_room(p, has_room, have == WHOLE,
		      "only counting tells when a message is whole: 700 + 3000 + 1300 = 5000, each "
		      "byte compared");
}

/* True while the client sleeps in the recv() of all 5,000 bytes; else *got is its result. */
static bool still_waits(struct process_pair *p, struct call *got)
{
	process_await_sleep(&p->client);
	return !process_await_result(&p->client, got, 0);
}

static void start_waitall(struct process_pair *p, int64_t from)
{
	process_start_call(&p->client,
			   transfer_recv("recv(WAITALL)", p->client_fd, from, WHOLE, MSG_WAITALL));
	process_await_sleep(&p->client);
	output_cell(p->out, OUTPUT_CLIENT, "recv(5000, WAITALL) ...");
	output_line(p->out);
}

static void end_waitall(struct process_pair *p, struct call *got)
{
	if (!process_await_result(&p->client, got, SOON_MS))
		*got = (struct call){ .result = -1, .error = ETIMEDOUT };
	output_cell(p->out, OUTPUT_CLIENT, "... = %lld", (long long)got->result);
	output_line(p->out);
}

/* The server sends size bytes. True when the client's kernel has acknowledged all of them. */
static bool send_piece(struct process_pair *p, const char *name, int64_t from, size_t size)
{
	struct call sent, left;

	output_arrow(p->out, TO_CLIENT, "bytes");
	sent = process_run_line(&p->server, transfer_send(name, p->conn, from, size, 0));
	left = process_run(&p->server, call_await_ack(p->conn, SOON_MS));
	return sent.result == (int64_t)size && left.result == 0;
}

/* (d) */
static void show_waitall(struct process_pair *p)
{
	struct call got = { .result = 0 };
	bool waits;

	output_scene(p->out, "(d) the kernel counts: MSG_WAITALL");
	start_waitall(p, WHOLE);
	waits = send_piece(p, "send(2000)", WHOLE, FIRST) && still_waits(p, &got);
	output_kernel(p->out, "2000 bytes are acknowledged, the client %s",
		      waits ? "still sleeps in recv()" : "has returned");
	if (waits) {
		send_piece(p, "send(3000)", WHOLE + FIRST, WHOLE - FIRST);
		end_waitall(p, &got);
	}
	output_claim(p->out, waits && got.result == WHOLE,
		     "with MSG_WAITALL recv() waits until all 5,000 are there");
	start_waitall(p, (int64_t)2 * WHOLE);
	send_piece(p, "send(2000)", (int64_t)2 * WHOLE, FIRST);
	output_arrow(p->out, TO_CLIENT, "FIN");
	process_run_line(&p->server, call_shutdown(p->conn, SHUT_WR));
	end_waitall(p, &got);
	output_claim(p->out, got.result == FIRST,
		     "but at the end it gives less all the same: the result has to be looked at");
	process_pair_close(p);
}

static void run_peek(struct call *call)
{
	call->result = sys_recv(call->fd, call->bytes, CALL_BYTES, MSG_PEEK | MSG_DONTWAIT);
}

/* (e) */
static void show_peek(struct process_pair *p)
{
	struct call peeked, got;
	int64_t left;

	process_pair_open(p, "(e) looking without taking: MSG_PEEK");
	output_arrow(p->out, TO_CLIENT, "\"hello\"");
	process_run_line(&p->server, call_send(p->conn, "hello"));
	process_run(&p->client, call_unread(p->client_fd, 5, SOON_MS));
	peeked = process_run(&p->client, (struct call){ .run = run_peek,
							.name = "recv(PEEK)",
							.fd = p->client_fd });
	output_cell(p->out, OUTPUT_CLIENT, "recv(PEEK) = %d \"%.*s\"", (int)peeked.result,
		    (int)(peeked.result > 0 ? peeked.result : 0), peeked.bytes);
	output_line(p->out);
	left = show_unread(p);
	got = process_run_line(&p->client, call_recv(p->client_fd, CALL_BYTES, SOON_MS));
	output_claim(p->out,
		     peeked.result == 5 && left == 5 && got.result == 5 &&
			     memcmp(got.bytes, peeked.bytes, 5) == 0,
		     "MSG_PEEK leaves the bytes where they are: the next recv() gives them again");
}

/* (f) */
static void show_no_bytes(struct process_pair *p)
{
	struct call none, empty, got, end, again;

	output_scene(p->out, "(f) no bytes: \"not yet\" is not \"no more\"");
	none = process_run_line(&p->client, call_recv(p->client_fd, CALL_BYTES, 0));
	output_claim(p->out, none.result == -1 && none.error == EAGAIN,
		     "nothing has come yet: -1 and EAGAIN (a socket that blocks would wait)");
	empty = call_send(p->conn, "");
	empty.name = "send(0 bytes)";
	empty = process_run_line(&p->server, empty);
	output_arrow(p->out, TO_CLIENT, "\"x\"");
	process_run_line(&p->server, call_send(p->conn, "x"));
	got = process_run_line(&p->client, call_recv(p->client_fd, CALL_BYTES, SOON_MS));
	output_claim(p->out, empty.result == 0 && call_received(&got, "x"),
		     "a send() of 0 bytes is nothing at all: the client gets only the \"x\" after "
		     "it");
	output_arrow(p->out, TO_CLIENT, "FIN");
	process_run_line(&p->server, call_close(p->conn));
	p->conn = -1;
	end = process_run_line(&p->client, call_recv(p->client_fd, CALL_BYTES, SOON_MS));
	again = process_run_line(&p->client, call_recv(p->client_fd, CALL_BYTES, SOON_MS));
	output_claim(p->out, end.result == 0 && again.result == 0,
		     "0 is the end: the server has closed, and every further recv() says so again");
	process_pair_close(p);
}

void lesson_short_recv(struct output *out)
{
	struct process_pair p = { .out = out };

	output_paragraph(
		out,
		"TCP carries a stream of bytes. recv() takes from the receive buffer what is there "
		"at that moment, at most as much as was asked for; where one send() ended and the "
		"next began cannot be seen any more. A client that needs 5,000 bytes has to count. "
		"(recv(1024) is a call that asks for at most 1,024 bytes.)");
	show_less_than_asked(&p);
	show_no_more_than_asked(&p);
	process_pair_close(&p);
	show_counting(&p);
	show_waitall(&p);
	show_peek(&p);
	show_no_bytes(&p);
}
