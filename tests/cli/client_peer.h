/* SPDX-License-Identifier: MIT */
/* A test that is the peer of prefork-client. */
#ifndef CLI_CLIENT_PEER_H
#define CLI_CLIENT_PEER_H

#include "base/err.h"
#include "cli/client_process.h"

/* The client, and where the test listens; made anew for each test, used by nothing else. */
struct play {
	struct talking talking;
	char address[160];
	int listener;
};
extern struct play play;

/* For cmocka: around each test. */
int play_set_up(void **state);
int play_tear_down(void **state);

/* The client's connection. */
int play_accept(void);

/*
 * Waits for the client's end: its exit code, what it printed, and what follows "prefork-client:
 * ADDRESS: " on stderr (NULL: nothing is said).
 */
void play_assert(enum exit_code code, const char *out, const char *why);

#endif
