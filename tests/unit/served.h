/* SPDX-License-Identifier: MIT */
/*
 * A worker's connections without a worker: one listener, an arena, a loop, and socketpairs as
 * clients.
 */
#ifndef UNIT_SERVED_H
#define UNIT_SERVED_H

#include "base/loop.h"
#include "config/conf.h"
#include "net/listener.h"
#include "stats/scoreboard.h"
#include "worker/conn.h"
#include "worker/dispatch.h"
#include "worker/heritage.h"
#include "worker/accept/make_room.h"
#include "worker/recovery/recovery.h"

enum { SERVED_FDS = 16, SERVED_GENERATION = 3, SERVED_PLACES = 8 };

/*
 * More hours than any machine has been up: a connection this old is older than the monotonic clock.
 */
enum { SERVED_AGES = 20 * 365 * 24 };

/* A descriptor of the worker; the file or socket tells it from a later one of the same number. */
struct served_fd {
	int fd;
	ino_t ino;
};

struct served {
	struct conf conf;
	struct listen_conf listen_conf;
	struct listener listener;
	struct listener_set set;
	struct slot slot;
	struct wire wire;
	struct loop loop;
	struct pool pool;
	struct timer_heap alarms; /* for the access log */
	struct make_room room;
	unsigned opened; /* connections so far */
	unsigned ended;  /* of these, the ones ended in earlier pools */
	struct served_fd
		fds[SERVED_FDS]; /* the server's ends of the first connections, and others */
	unsigned fd_count;
	bool loses_epoll; /* the next recovery finds no epoll */
	struct conn view;
};

/* What the next servers keep their limits in, as the worker of that slot; NULL: nothing. */
struct served_limits {
	const struct limit_memory *memory;
	const struct scoreboard *board;
	unsigned slot;
};
extern const struct served_limits *served_limits;

/*
 * Ready to serve, with an access log if the process has one open, and with default options except
 * those given as name, value ... NULL.
 */
void served_start(struct served *s, const char *service, ...) __attribute__((sentinel));
void served_stop(struct served *s);

/* Opens a connection; returns the client's non-blocking end. */
int served_connect(struct served *s);

/* Takes a socket for one that accept returned; served_accept_from: from that client. */
void served_accept(struct served *s, int fd);
void served_accept_from(struct served *s, int fd, const struct addr *remote);

/* Notes a descriptor of the worker that is no client's: a peer's, or of a file. Returns it. */
int served_own(struct served *s, int fd);

/*
 * Simulates the worker's death and the take-over by the next one of the slot: only the arena and
 * the descriptors are left. Of the first SERVED_FDS descriptors those that are not kept are closed.
 */
void served_recover(struct served *s, struct recovery *recovery);

/* Advances the clock by ms, for the access log's alarm only. */
void served_alarm(struct served *s, int64_t ms);

/*
 * Turns the loop until no event and no waiting connection is left; a loop that finds no end is a
 * defect.
 */
void served_settle(struct served *s);

/*
 * Makes the connections older by `hours`, and ends those that are due. Hours, so that a slow
 * machine changes nothing.
 */
void served_pass(struct served *s, double hours);

/* Sends all bytes from the client's end, turning the loop when the socket is full. */
void served_send(struct served *s, int client, const void *bytes, size_t size);

/*
 * Settles, then receives into text (a NUL is added) and returns the number of bytes; *ended is true
 * if the end has come too.
 */
size_t served_read(struct served *s, int client, char *text, size_t size, bool *ended);

/* Asserts that the client now receives exactly this text, and the end if `ended`. */
void served_expect(struct served *s, int client, const char *text, bool ended);

/* The record of the only connection, or NULL; the connection as its service sees it. */
struct record *served_only(struct served *s);
struct conn *served_view(struct served *s);

uint64_t served_metric(const struct served *s, enum metric metric);

#endif
