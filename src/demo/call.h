/* SPDX-License-Identifier: MIT */
/*
 * One system call that some process of a lesson is to make, and what came of it. An order travels
 * to an actor and back (cast.h), or is carried out on the spot (call_run). Makers of the usual ones
 * are below; a lesson may have its own, with an act of its own.
 */
#ifndef DEMO_CALL_H
#define DEMO_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

enum { CALL_BYTES = 256, CALL_TEXT = 80 };

struct call {
	void (*run)(struct call *call); /* makes the call, sets result, error and bytes */
	const char *name;               /* its name: "close()"; a constant */
	int fd;                         /* -1: none */
	int option;                     /* what the call's maker says */
	int wait_ms;                    /* before a call that may find nothing: so long at most */
	size_t size;      /* of bytes; of a receive: at most so many, then how many came */
	struct addr addr; /* to bind or to connect to; of an accept: the client */
	int64_t result;   /* what the call returned */
	int error;        /* errno when that was -1, else 0 */
	char bytes[CALL_BYTES];
};

struct call call_close(int fd);
/* how: SHUT_RD, SHUT_WR or SHUT_RDWR. */
struct call call_shutdown(int fd, int how);
/* Never blocks, raises no SIGPIPE. text: less than CALL_BYTES. */
struct call call_send(int fd, const char *text);
/*
 * Waits until there is something, at most wait_ms (0: looks at once), then receives without
 * blocking.
 */
struct call call_recv(int fd, size_t most, int wait_ms);
/*
 * Waits likewise, then accept4(2), which blocks where the listening socket does; the result is the
 * new descriptor.
 */
struct call call_accept(int fd, int wait_ms);
/* The result is the state of the socket, see base/sockdiag.h. */
struct call call_state(int fd);
/* A new socket and connect(2) to that address; the result is the descriptor. Blocks. */
struct call call_connect(const struct addr *to);

/* Carries it out in this process. */
void call_run(struct call *call);

/*
 * Writes "recv() = 5 \"hello\"", "recv() = 0" or "send() = EPIPE" (for -1 and errno EPIPE) to text
 * (CALL_TEXT bytes), what was received being cut to what fits; returns text.
 */
const char *call_text(const struct call *call, char *text);

/* Whether it received that word, whole and alone. */
bool call_received(const struct call *call, const char *word);

/* Whether it gave its process a socket (connect, accept), or took one from it (close). */
bool call_opened_socket(const struct call *call);
bool call_closed_socket(const struct call *call);

#endif
