/* SPDX-License-Identifier: MIT */
/*
 * Served connections that are pairs: a service that only relays, the client's and the upstream's
 * end, and streams that run through them.
 */
#ifndef UNIT_PAIRED_H
#define UNIT_PAIRED_H

#include "unit/served.h"

/* The far ends of a pair, both non-blocking. */
struct paired {
	int client, upstream;
};

/*
 * Starts with the service "relay", which attaches the peer at once and leaves all else to defaults.
 */
#define paired_start(s, ...) (paired_enlist(), served_start(s, "relay", __VA_ARGS__))
void paired_enlist(void);

/* Opens a connection with its peer, over socketpairs or over loopback TCP. */
struct paired paired_connect(struct served *s);
struct paired paired_connect_tcp(struct served *s);
void paired_close(const struct paired *p);

/* One of its two directions: number 0 is from the client, 1 from the upstream. */
struct paired_way {
	int from, to;
	const struct record *taker; /* the side whose output goes to `to` */
};
struct paired_way paired_way(const struct served *s, const struct paired *p, unsigned number);

/* Attaches to the connection in hand what paired_connect has for it: the hook open of a service. */
enum verdict paired_attach(struct conn *c);

/*
 * As served_expect, over TCP: waits for the kernel, which may deliver later. An end is a reset if
 * `error` is ECONNRESET, and a plain one if it is 0.
 */
void paired_expect(struct served *s, int fd, const char *text);
void paired_expect_end(struct served *s, int fd, int error);

/* The two ends of a TCP connection over loopback, both non-blocking. */
void paired_tcp(int ends[2]);

/* Resets a TCP connection instead of ending it. */
void paired_reset(int fd);

/* A stream of `size` bytes that no two places of share from one end to another. */
struct stream {
	int from, to;
	size_t size, step; /* step: bytes of one receive, which makes a reader slow */
	uint32_t *sent, *got;
	size_t out, in;
	unsigned idle; /* moves in a row without a byte */
};

void stream_open(struct stream *t, int from, int to, size_t size, size_t step);

/* Sends what goes out; where nothing does, receives a step. Fails when nothing moves any more. */
void stream_move(struct stream *t);
bool stream_is_over(const struct stream *t);

/* Asserts that the bytes came whole, and frees them. */
void stream_close(struct stream *t);

#endif
