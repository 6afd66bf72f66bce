/* SPDX-License-Identifier: MIT */
/*
 * A call that a process of a lesson makes on a socket, and its outcome. It travels to the process
 * and back (process.h), or call_run makes it in this process. The usual ones are below; a lesson
 * may have its own, with a run function of its own. Any process of a lesson.
 */
#ifndef DEMO_CALL_H
#define DEMO_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

enum { CALL_BYTES = 256, CALL_TEXT = 80 };

struct call {
	void (*run)(struct call *call); /* makes it; sets result, errno and the fields it needs */
	const char *name;               /* for the diagram, such as "close()"; a constant */
	int fd;                         /* -1: none */
	int option;                     /* depends on the function below */
	int wait_ms;                    /* how long a call waits, at most, for bytes or a client */
	size_t size;      /* of bytes; of a receive: the limit, then the number received */
	struct addr addr; /* to bind or to connect to; of an accept: the client */
	int64_t result;   /* the return value */
	int error;        /* errno when the result is -1, else 0 */
	char bytes[CALL_BYTES];
};

struct call call_close(int fd);
/* how: SHUT_RD, SHUT_WR or SHUT_RDWR. */
struct call call_shutdown(int fd, int how);
/* Sets SO_LINGER with a time of 0: close() then resets the connection. */
struct call call_set_abort(int fd);
/* Never blocks, raises no SIGPIPE. text: less than CALL_BYTES. */
struct call call_send(int fd, const char *text);
/*
 * Waits for bytes, at most wait_ms (0: not at all), then receives at most `most` without blocking.
 */
struct call call_recv(int fd, size_t most, int wait_ms);
/*
 * Waits likewise, then calls accept4(2), which blocks if the listening socket does. The result is
 * the new descriptor.
 */
struct call call_accept(int fd, int wait_ms);
/* Makes a new socket and connects it to that address. The result is the descriptor. Blocks. */
struct call call_connect(const struct addr *to);
/*
 * The same, but the socket stays open after a failure. flags: such as SOCK_NONBLOCK (socket(2)).
 * The result is the descriptor, option the errno of connect(2) or 0, addr the socket's own address.
 */
struct call call_try_connect(const struct addr *to, int flags);
/*
 * Makes a new socket, with SO_REUSEADDR or without, and binds it to that address. The result is the
 * descriptor, or -1 when any of the calls failed; addr becomes the socket's own address.
 */
struct call call_bind(const struct addr *at, bool reuse);

/* The result is the socket's TCP state (TCP_INFO, see base/sockdiag.h). */
struct call call_state(int fd);
/* The result is the length of the accept queue of a listening socket (TCP_INFO). */
struct call call_queue_length(int listener);
/* The result is the number of segments that were sent again (TCP_INFO). */
struct call call_retransmissions(int fd);
/*
 * The result is the number of segments that carried bytes on this connection so far (TCP_INFO),
 * retransmissions not counted. -1 and EOPNOTSUPP where the kernel does not count them.
 */
struct call call_segments(int fd);
/*
 * The result is the number of unread bytes in the receive buffer (tcp(7), SIOCINQ). Waits until
 * there are `least` of them, at most wait_ms.
 */
struct call call_unread(int fd, int least, int wait_ms);
/*
 * The result is the number of bytes in the send buffer: not yet acknowledged (SIOCOUTQ), or not
 * even sent (SIOCOUTQNSD).
 */
struct call call_unacknowledged(int fd);
struct call call_unsent(int fd);
/* As call_unacknowledged, but waits until there are none, at most wait_ms. */
struct call call_await_ack(int fd, int wait_ms);

/* 127.0.0.1 and that port, to bind or to connect to. */
struct addr call_loopback(unsigned port);

/* Makes the call in this process. */
void call_run(struct call *call);

/*
 * Writes "recv() = 5 \"hello\"", "recv() = 0" or "send() = EPIPE" (for -1 and errno EPIPE) to text
 * (CALL_TEXT bytes); received bytes are cut to fit. Returns text.
 */
const char *call_text(const struct call *call, char *text);

/* True when it received that word, whole and alone. */
bool call_received(const struct call *call, const char *word);

/* True when it gave its process a socket (connect, accept), or closed one of it (close). */
bool call_opened_socket(const struct call *call);
bool call_closed_socket(const struct call *call);

#endif
