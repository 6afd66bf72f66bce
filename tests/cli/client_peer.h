/* SPDX-License-Identifier: MIT */
/* A test that is the peer of prefork-client itself. */
#ifndef CLI_CLIENT_PEER_H
#define CLI_CLIENT_PEER_H

#include "base/err.h"
#include "cli/client_process.h"

/* The client and the test's listening socket; made anew for each test. */
struct client_peer {
	struct client_process client;
	char address[160];
	int listener;
};
extern struct client_peer client_peer;

/* cmocka's setup and teardown of each test. */
int client_peer_set_up(void **state);
int client_peer_tear_down(void **state);

/* Accepts the client's connection. */
int client_peer_accept(void);

/*
 * Waits for the client's end and asserts its exit code, its output, and the text that follows
 * "prefork-client: ADDRESS: " on stderr (NULL: stderr is empty).
 */
void client_peer_assert(enum exit_code code, const char *out, const char *why);

#endif
