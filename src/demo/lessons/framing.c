/* SPDX-License-Identifier: MIT */
/*
 * Lesson: TCP keeps the bytes and their order, not the messages. A client's messages arrive
 * glued and split at a server; line and length framing restore them however the stream was cut.
 * Then the reasons for the cuts: the maximum segment size, and Nagle's rule for small sends.
 */
#include <stdio.h>
#include <string.h>

#include "base/sys.h"
#include "demo/lesson.h"
#include "demo/process.h"
#include "demo/transfer.h"

enum {
	SOON_MS = 5000,
	MESSAGES = 3,
	ALL = 11,  /* bytes of the three messages */
	SHORT = 7, /* bytes that an arrow has room for */
	MSS = 1000,
	BULK = 5000,
	TRIES = 20,
};

static const char *const messages[MESSAGES] = { "one", "two", "three" };

static struct call make_send(struct process_pair *p, const char *bytes, size_t n)
{
	struct call call = call_send(p->client_fd, "");

	memcpy(call.bytes, bytes, n);
	call.size = n;
	return call;
}

static struct call receive_at_server(struct process_pair *p)
{
	return process_run_line(&p->server, call_recv(p->conn, CALL_BYTES, SOON_MS));
}

static void send_text(struct process_pair *p, const char *word)
{
	char label[16];

	snprintf(label, sizeof(label), "\"%s\"", word);
	output_arrow(p->out, TO_SERVER, strlen(word) <= SHORT ? label : "bytes");
	process_run_line(&p->client, call_send(p->client_fd, word));
}

/* (a) and (b) */
static void show_lost_boundaries(struct process_pair *p)
{
	static const char *const parts[] = { "hel", "lo wo", "rld" };
	struct call got;
	bool split = true;

	process_pair_open(p, "(a) glued: three messages, one recv()");
	send_text(p, "onetwothree");
	got = receive_at_server(p);
	output_claim(
		p->out, call_received(&got, "onetwothree"),
		"three messages in one send() arrive as 11 bytes: nothing says where one ends");
	for (unsigned i = 0; i < MESSAGES; i++)
		send_text(p, messages[i]);
	process_run(&p->server, call_unread(p->conn, ALL, SOON_MS));
	got = receive_at_server(p);
	output_claim(p->out, call_received(&got, "onetwothree"),
		     "three send() calls, and the server looks later: the same 11 bytes");

	output_scene(p->out, "(b) split: one message, three recv()");
	for (unsigned i = 0; i < 3; i++) {
		send_text(p, parts[i]);
		got = receive_at_server(p);
		split &= call_received(&got, parts[i]);
	}
	output_claim(p->out, split,
		     "\"hello world\" in three send() calls arrives in three pieces: one recv() is "
		     "not one message");
}

static void run_nodelay(struct call *call)
{
	call->result = sys_setsockopt(call->fd, IPPROTO_TCP, TCP_NODELAY, &call->option,
				      sizeof(call->option));
}

static struct call make_nodelay(int fd, int value)
{
	return (struct call){
		.run = run_nodelay, .name = "setsockopt(NODELAY)", .fd = fd, .option = value
	};
}

/* Passes the bytes of one recv() to the decoder; returns their number. */
static size_t receive_part(struct process_pair *p, struct transfer_decoder *decoder)
{
	struct call got = process_run(&p->server, call_recv(p->conn, CALL_BYTES, SOON_MS));

	if (got.result > 0)
		transfer_decode(decoder, got.bytes, (size_t)got.result);
	return got.result > 0 ? (size_t)got.result : 0;
}

/* Draws one part and the messages that it has completed. */
static void show_part(struct process_pair *p, size_t sent, size_t got,
		      const struct transfer_decoder *decoder, unsigned before)
{
	char text[TRANSFER_STREAM + 32] = "none";
	size_t used = 0;

	for (unsigned i = before; i < decoder->count && i < MESSAGES; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s\"%s\"",
					 used > 0 ? ", " : "", decoder->whole[i]);
	output_cell(p->out, OUTPUT_CLIENT, "send() = %zu", sent);
	output_arrow(p->out, TO_SERVER, "bytes");
	output_cell(p->out, p->server.column, "recv() = %zu, whole: %s", got, text);
	output_line(p->out);
}

/* Sends the stream in parts of these sizes; each is received before the next is sent. */
static bool send_parts(struct process_pair *p, bool by_length, const char *stream,
		       const size_t *parts, size_t count, bool shown)
{
	struct transfer_decoder decoder = { .by_length = by_length };

	for (size_t i = 0; i < count; i++) {
		unsigned before = decoder.count;
		size_t got;

		process_run(&p->client, make_send(p, stream, parts[i]));
		got = receive_part(p, &decoder);
		if (shown)
			show_part(p, parts[i], got, &decoder, before);
		if (got != parts[i])
			return false;
		stream += parts[i];
	}
	return transfer_decoded(&decoder, messages, MESSAGES);
}

/* In two parts, cut at each place in turn. Returns how often the messages were restored. */
static unsigned send_cut_anywhere(struct process_pair *p, bool by_length, const char *stream,
				  size_t size)
{
	unsigned restored = 0;

	for (size_t cut = 1; cut < size; cut++) {
		const size_t parts[] = { cut, size - cut };

		restored += send_parts(p, by_length, stream, parts, 2, false);
	}
	return restored;
}

static bool send_bytewise(struct process_pair *p, bool by_length, const char *stream, size_t size)
{
	size_t parts[TRANSFER_STREAM];

	for (size_t i = 0; i < size; i++)
		parts[i] = 1;
	return send_parts(p, by_length, stream, parts, size, false);
}

static void claim_restored(struct process_pair *p, bool by_length, const size_t *example,
			   size_t count)
{
	char stream[TRANSFER_STREAM];
	size_t size = transfer_encode(by_length, messages, MESSAGES, stream);
	unsigned restored;

	output_claim(p->out, send_parts(p, by_length, stream, example, count, true),
		     "the server keeps what is not whole, and restores the three messages");
	restored = send_cut_anywhere(p, by_length, stream, size);
	output_claim(p->out, restored == size - 1,
		     "cut in two at any of %zu places: exactly the three messages, %u times",
		     size - 1, restored);
	output_claim(p->out, send_bytewise(p, by_length, stream, size),
		     "and in %zu pieces of one byte: the cuts do not matter any more", size);
}

/* (c) and (d), with TCP_NODELAY, because the server waits for each part. */
static void show_framings(struct process_pair *p)
{
	static const size_t lines[] = { 5, 9 }, lengths[] = { 6, 8, 9 };

	process_run(&p->client, make_nodelay(p->client_fd, 1));
	output_scene(p->out, "(c) line framing, an end for each: one\\ntwo\\nthree\\n");
	claim_restored(p, false, lines, 2);
	output_scene(p->out, "(d) length framing, 4 bytes before each: 00 00 00 03 \"one\" ...");
	claim_restored(p, true, lengths, 3);
}

static void run_mss(struct call *call)
{
	int mss = 0;
	socklen_t size = sizeof(mss);

	call->result = sys_getsockopt(call->fd, IPPROTO_TCP, TCP_MAXSEG, &mss, &size);
	if (call->result == 0)
		call->result = mss;
}

static int64_t get_mss(struct process_pair *p)
{
	struct call mss = { .run = run_mss, .name = "TCP_MAXSEG", .fd = p->client_fd };

	return process_run(&p->client, mss).result;
}

/* why: the reason that the claim cannot be checked; NULL: it can be. */
static void claim_or_skip(struct process_pair *p, const char *why, bool holds, const char *claim)
{
	if (why != NULL)
		output_skip_claim(p->out, why, "%s", claim);
	else
		output_claim(p->out, holds, "%s", claim);
}

/* (e); the connection of (d) is still open, with the MSS that the system chose. */
static void show_segments(struct process_pair *p)
{
	const char *why = NULL, *no_room = NULL;
	int64_t loopback, mss, least, unsent;
	struct call there, got, segments;

	loopback = get_mss(p);
	process_pair_close(p);
	p->mss = MSS;
	process_pair_open(p, "(e) below: segments; this server takes 1,000 bytes in each at most");
	mss = get_mss(p);
	output_kernel(
		p->out,
		"the MSS (TCP_MAXSEG) is %lld, for TCP's options take some; without that bound it "
		"was %lld",
		(long long)mss, (long long)loopback);
	least = mss > 0 ? (BULK + mss - 1) / mss : 0;
	output_arrow(p->out, TO_SERVER, "bytes");
	process_run_line(&p->client, transfer_send("send(5000)", p->client_fd, 0, BULK, 0));
	there = process_run(&p->server, call_unread(p->conn, BULK, SOON_MS));
	unsent = process_run(&p->client, call_unacknowledged(p->client_fd)).result;
	got = process_run_line(&p->server,
			       transfer_recv("recv(5000)", p->conn, 0, BULK, MSG_DONTWAIT));
	segments = process_run(&p->client, call_segments(p->client_fd));
	output_kernel(p->out, "%lld segments (TCP_INFO); %lld at least, for 5,000 bytes",
		      (long long)segments.result, (long long)least);
	if (segments.result < 0)
		why = err_name(segments.error);
	if (there.result < BULK && unsent > 0)
		why = no_room = "the receive buffer is smaller than that (net.ipv4.tcp_rmem)";
	claim_or_skip(p, why, mss > 0 && mss <= MSS && segments.result >= least,
		      "one send() of 5,000 bytes went in as many segments as these need, or more");
	claim_or_skip(p, no_room, got.result == BULK,
		      "the server cannot see that: one recv() gives all 5,000 bytes");
	process_pair_close(p);
	p->mss = 0;
}

static void run_quickack(struct call *call)
{
	call->result = sys_setsockopt(call->fd, IPPROTO_TCP, TCP_QUICKACK, &call->option,
				      sizeof(call->option));
}

/*
 * Three small sends. The result is the number of bytes that are not sent right after them, option
 * the number of those that are not acknowledged.
 */
static void run_three_sends(struct call *call)
{
	struct call unsent = call_unsent(call->fd), unacknowledged;

	for (unsigned i = 0; i < MESSAGES; i++)
		if (sys_send(call->fd, messages[i], strlen(messages[i]),
			     MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
			call->result = -1;
			return;
		}
	call_run(&unsent);
	unacknowledged = call_unacknowledged(call->fd);
	call_run(&unacknowledged);
	call->option = (int)unacknowledged.result;
	call->result = unsent.result;
	errno = unsent.error;
}

/* The outcome of the three sends. */
struct burst {
	struct call sent;
	int64_t segments; /* that carried them; -1: the kernel does not tell */
	bool arrived;
};

/*
 * TCP_QUICKACK off lets the server's kernel delay acknowledgements, as it does anyway once a
 * connection is not new. The setting lasts until the next delayed acknowledgement.
 */
static struct burst send_burst(struct process_pair *p)
{
	struct burst burst;
	int64_t before = process_run(&p->client, call_segments(p->client_fd)).result;

	process_run(&p->server,
		    (struct call){ .run = run_quickack, .name = "setsockopt()", .fd = p->conn });
	burst.sent = process_run(&p->client, (struct call){ .run = run_three_sends,
							    .name = "send()",
							    .fd = p->client_fd });
	burst.arrived = process_run(&p->server, call_unread(p->conn, ALL, SOON_MS)).result == ALL;
	burst.segments = process_run(&p->client, call_segments(p->client_fd)).result;
	burst.segments = before < 0 ? -1 : burst.segments - before;
	process_run(&p->server, call_recv(p->conn, CALL_BYTES, SOON_MS));
	process_run(&p->client, call_await_ack(p->client_fd, SOON_MS));
	return burst;
}

/* Draws the sends; those whose bytes left at once have an arrow. */
static void show_burst(struct process_pair *p, const struct burst *burst, bool at_once)
{
	for (unsigned i = 0; i < MESSAGES; i++) {
		output_cell(p->out, OUTPUT_CLIENT, "send() = %zu", strlen(messages[i]));
		if (i == 0 || at_once)
			output_arrow(p->out, TO_SERVER, messages[i]);
		output_line(p->out);
	}
	output_kernel(p->out, "%lld of 11 bytes wait to be sent (SIOCOUTQNSD)",
		      (long long)burst->sent.result);
	if (!at_once) {
		output_arrow(p->out, TO_CLIENT, "ACK");
		output_line(p->out);
		output_arrow(p->out, TO_SERVER, "twothree");
		output_line(p->out);
	}
}

static void claim_segments(struct process_pair *p, const struct burst *burst, int64_t expected,
			   const char *claim)
{
	claim_or_skip(p, burst->segments < 0 ? "this kernel does not count segments" : NULL,
		      burst->arrived && burst->segments == expected, claim);
}

/*
 * A delayed acknowledgement comes after 40 ms at the earliest. When the client did not run for so
 * long between its calls, it missed the delay, and sends again.
 */
static void claim_held_back(struct process_pair *p)
{
	static const char waits[] = "the first bytes go at once; the others wait until these are "
				    "acknowledged (Nagle's rule)";
	static const char glued[] = "then they go, glued by the sender: 3 sends, 2 segments";
	struct burst seen;
	unsigned tries = 0;

	do
		seen = send_burst(p);
	while (seen.sent.result == 0 && seen.sent.option < ALL && ++tries < TRIES);
	if (seen.sent.result < 0 || tries == TRIES) {
		output_skip_claim(p->out, "the other end acknowledges without delay", "%s", waits);
		return;
	}
	show_burst(p, &seen, false);
	output_claim(p->out, seen.sent.result == ALL - (int64_t)strlen(messages[0]), "%s", waits);
	claim_segments(p, &seen, 2, glued);
}

/* (f) */
static void show_nagle(struct process_pair *p)
{
	struct burst seen;

	process_pair_open(p, "(f) Nagle: small sends wait while others are under way");
	claim_held_back(p);
	output_scene(p->out, "    and with TCP_NODELAY");
	process_run_line(&p->client, make_nodelay(p->client_fd, 1));
	seen = send_burst(p);
	show_burst(p, &seen, true);
	output_claim(p->out, seen.sent.result == 0,
		     "with TCP_NODELAY none waits: right for answers that someone waits for");
	claim_segments(p, &seen, MESSAGES,
		       "each goes in a segment of its own: 3 sends, 3 segments");
	process_pair_close(p);
}

void lesson_framing(struct output *out)
{
	struct process_pair p = { .out = out };

	output_paragraph(
		out,
		"TCP promises the bytes and their order. It promises nothing about messages: how "
		"many bytes one recv() gives is decided by buffers, segments and time. A program "
		"that wants messages has to mark them in the stream: an end for each (a line's "
		"\\n), or its length before it.");
	show_lost_boundaries(&p);
	show_framings(&p);
	show_segments(&p);
	show_nagle(&p);
}
