/* SPDX-License-Identifier: MIT */
/*
 * Clients that talk without pause, all in this process: each sends numbered bytes, in messages that
 * it cuts anywhere, and checks every byte that comes back. A byte that is lost, repeated or out of
 * order fails the test; a connection that the server ends is counted.
 */
#ifndef E2E_TRAFFIC_H
#define E2E_TRAFFIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness.h"

/* The service that a client talks to; of ack: framing length, and the usual reply. */
enum talk { TALK_ECHO, TALK_ACK };

struct talker {
	int fd; /* -1: it has ended */
	enum talk talk;
	uint64_t begun, sent, got; /* bytes; begun: those of all messages up to the current one */
};

enum { TRAFFIC_MOST = 1200 };

struct traffic {
	struct server *server;
	struct talker list[TRAFFIC_MOST];
	unsigned count;
	unsigned ended; /* connections that the server has ended */
	int epfd;
	uint64_t random;
	bool is_pausing; /* no message begins */
};

/* The caller owns it: traffic_close, which closes the connections. */
struct traffic *traffic_new(struct server *s);
void traffic_close(struct traffic *t);

/* Opens connections; each has had an answer when it returns. */
void traffic_open(struct traffic *t, const char *address, enum talk talk, unsigned count);

/* Sends and receives what is possible now. */
void traffic_turn(struct traffic *t);

/* Goes on until each connection has had so many more answers. */
void traffic_go_on(struct traffic *t, unsigned answers);

/* Goes on for so long: the moment of a fault. */
void traffic_go_on_for(struct traffic *t, int64_t ms);

/*
 * Lets the messages in progress end, and expects one answer to each. Fails if the server has ended
 * more than so many connections. Traffic may go on afterwards.
 */
void traffic_check(struct traffic *t, unsigned ended_most);

/* Runs -s VERB under traffic. */
struct traffic_verb {
	pid_t pid;
	int fd; /* its outputs */
	char said[512];
};
void traffic_begin_verb(struct traffic *t, const char *verb, struct traffic_verb *running);
/* Returns the exit code. */
int traffic_end_verb(struct traffic *t, struct traffic_verb *running);

/* Reloads under traffic; fails unless that goes well. Returns what -s reload said. */
const char *traffic_reload(struct traffic *t);

/* Goes on until the condition holds. */
#define TRAFFIC_UNTIL(t, condition) WAIT_UNTIL((t)->server, (traffic_turn(t), (condition)))

#endif
