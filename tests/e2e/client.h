/* SPDX-License-Identifier: MIT */
/*
 * A client of the server: blocking calls with a deadline of WAIT_MS. A call that fails ends the
 * test.
 */
#ifndef E2E_CLIENT_H
#define E2E_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#define ACK "我已经收到"

/*
 * Connects to an address as --ready-fd prints it. client_try returns -1 with errno set when the
 * server refuses. source: the client's own IPv4 address; NULL: the system chooses.
 */
int client_connect(const char *address);
int client_try(const char *address);
int client_try_from(const char *source, const char *address);
/* A host at loopback: by name, where this system has one (a minimal one has no /etc/hosts). */
const char *client_loopback_host(void);

void client_send(int fd, const void *bytes, size_t n);
void client_say(int fd, const char *text);
/* Receives exactly these bytes. */
void client_expect(int fd, const void *bytes, size_t n);
void client_hear(int fd, const char *text);
/* True when the peer sends an end (or a reset), and nothing before it, within ms. */
bool client_ended(int fd, int ms);
/* Expects the peer's orderly end, and nothing before it. */
void client_expect_end(int fd);
/* Receives until the end or a reset; returns the number of bytes; text gets the first size - 1. */
size_t client_drain(int fd, char *text, size_t size);
void client_half_close(int fd);
/*
 * To service ack, with framing = line: a whole message, which is answered, and half of the next;
 * then the other half of it.
 */
void client_begin_message(int fd);
void client_finish_message(int fd);

/* Closes with a reset (SO_LINGER 0). */
void client_reset(int fd);

/* Sends the text with prefork-client (several lines: as many messages) and expects this answer. */
void client_ask(const char *address, const char *text, const char *answer);

/* Opens a listening socket of the test itself on 127.0.0.1; writes its address to text. */
int client_listener(char *text, size_t size);

#endif
