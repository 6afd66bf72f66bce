/* SPDX-License-Identifier: MIT */
/*
 * A worker's connections without a worker: one listener, an arena, a loop, and socketpairs for
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
#include "worker/make_room.h"
#include "worker/recovery.h"

enum { SERVED_FDS = 4, SERVED_GENERATION = 3, SERVED_PLACES = 8 };

/* More hours than any machine has been up: what began so long ago began before its clock did. */
enum { SERVED_AGES = 20 * 365 * 24 };

struct served {
	struct conf conf;
	struct listen_conf listen_conf;
	struct listener listener;
	struct listener_set set;
	struct slot slot;
	struct wire wire;
	struct loop loop;
	struct pool pool;
	struct timer_heap alarms; /* of the access log */
	struct make_room room;
	unsigned opened;     /* connections */
	unsigned ended;      /* of them, with earlier pools */
	int fds[SERVED_FDS]; /* the server's end of the first connections */
	unsigned fd_count;
};

/*
 * Ready to serve, with an access log where the process has one open, and with default options but
 * those of `options`: name, value ... NULL.
 */
void served_start(struct served *s, const char *service, ...) __attribute__((sentinel));
void served_stop(struct served *s);

/* A new connection; returns the client's non-blocking end. */
int served_connect(struct served *s);

/*
 * As if the worker had died here, and the next one of the slot took over: all that is left is the
 * arena and the descriptors. Those of the first SERVED_FDS connections, none of which may have
 * ended before, are closed when they are not kept.
 */
void served_recover(struct served *s, struct recovery *recovery);

/* Lets so many milliseconds pass for the access log's alarm alone. */
void served_alarm(struct served *s, int64_t ms);

/* Lets the loop turn until nothing is left to do. */
void served_settle(struct served *s);

/*
 * Makes the connections so many hours older, and ends those that are due. Hours, so that a slow
 * machine changes nothing.
 */
void served_pass(struct served *s, double hours);

/* Sends all of the bytes from the client's end, turning the loop when it is full. */
void served_send(struct served *s, int client, const void *bytes, size_t size);

/*
 * Settles, then reads what has come: the bytes (a text, NUL added) and their number; *ended
 * says that the end has come too.
 */
size_t served_read(struct served *s, int client, char *text, size_t size, bool *ended);

/* Asserts that exactly this text, and the end or not, is what the client gets now. */
void served_expect(struct served *s, int client, const char *text, bool ended);

/* The only connection's record, or NULL. */
struct conn *served_only(struct served *s);

uint64_t served_metric(const struct served *s, enum metric metric);

#endif
