/* SPDX-License-Identifier: MIT */
/*
 * One system call that some process of a lesson is to make, and what came of it. An order travels
 * to an actor and back (cast.h), or is carried out on the spot (order_do). Makers of the usual ones
 * are below; a lesson may have its own, with an act of its own.
 */
#ifndef DEMO_ORDER_H
#define DEMO_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

enum { ORDER_BYTES = 256, ORDER_TEXT = 80 };

struct order {
	void (*act)(struct order *order); /* makes the call, sets result, error and bytes */
	const char *call;                 /* its name: "close()"; a constant */
	int fd;                           /* -1: none */
	int option;                       /* what the call's maker says */
	int wait_ms;                      /* before a call that may find nothing: so long at most */
	size_t size;      /* of bytes; of a receive: at most so many, then how many came */
	struct addr addr; /* to bind or to connect to; of an accept: the client */
	int64_t result;   /* what the call returned */
	int error;        /* errno when that was -1, else 0 */
	char bytes[ORDER_BYTES];
};

struct order order_close(int fd);
/* how: SHUT_RD, SHUT_WR or SHUT_RDWR. */
struct order order_shutdown(int fd, int how);
/* Never blocks, raises no SIGPIPE. text: less than ORDER_BYTES. */
struct order order_send(int fd, const char *text);
/*
 * Waits until there is something, at most wait_ms (0: looks at once), then receives without
 * blocking.
 */
struct order order_recv(int fd, size_t most, int wait_ms);
/*
 * Waits likewise, then accept4(2), which blocks where the listening socket does; the result is the
 * new descriptor.
 */
struct order order_accept(int fd, int wait_ms);
/* The result is the state of the socket, see base/sockdiag.h. */
struct order order_state(int fd);
/* A new socket and connect(2) to that address; the result is the descriptor. Blocks. */
struct order order_connect(const struct addr *to);

/* Carries it out in this process. */
void order_do(struct order *order);

/*
 * Writes "recv() = 5 \"hello\"", "recv() = 0" or "send() = EPIPE" (for -1 and errno EPIPE) to text
 * (ORDER_TEXT bytes), what was received being cut to what fits; returns text.
 */
const char *order_text(const struct order *order, char *text);

/* Whether it received that word, whole and alone. */
bool order_says(const struct order *order, const char *word);

/* Whether it gave its process a socket (connect, accept), or took one from it (close). */
bool order_takes(const struct order *order);
bool order_drops(const struct order *order);

#endif
