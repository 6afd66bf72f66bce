/* SPDX-License-Identifier: MIT */
/* Configurations of a few addresses, and checks of the sockets that they open. */
#ifndef UNIT_LISTENING_H
#define UNIT_LISTENING_H

#include "net/listener.h"

enum { LISTENING_MOST = 4 };

/* A configuration of some addresses, with the defaults that matter here; zeroed at first. */
struct listening {
	struct conf conf;
	struct listen_conf listens[LISTENING_MOST];
};

/* A path for a unix socket in the test's folder, and the address that names it. */
extern char listening_path[96];
extern char listening_unix[112];

int listening_set_up(void **state);
int listening_tear_down(void **state);

/* Adds a listener on the address; the caller keeps the string. */
void listening_add(struct listening *setup, const char *address);

/* Opens all listeners; a failure fails the test. */
struct listener_set *listening_open(const struct listening *setup, const struct listener_set *old,
				    unsigned sockets);

/*
 * Asserts that opening fails with this code, and that the message names the line of the
 * configuration and holds the reason.
 */
void listening_refuses(const struct listening *setup, const struct listener_set *old,
		       enum exit_code code, const char *reason);

/* True when a connection to the address succeeds. */
bool listening_answers(const struct addr *addr);

/* The value of a socket option. */
int listening_option(int fd, int level, int name);

#endif
