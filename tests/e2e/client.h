/* SPDX-License-Identifier: MIT */
/*
 * A client of the server: blocking calls with a deadline of WAIT_MS, each of which ends the test
 * when it fails.
 */
#ifndef E2E_CLIENT_H
#define E2E_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#define ACK "我已经收到"

/*
 * Connects to an address as --ready-fd gives it. client_try returns -1 with errno when that is
 * refused.
 */
int client_connect(const char *address);
int client_try(const char *address);

void client_send(int fd, const void *bytes, size_t n);
void client_say(int fd, const char *text);
/* Receives exactly these bytes. */
void client_expect(int fd, const void *bytes, size_t n);
void client_hear(int fd, const char *text);
/* True when the peer has sent an end (or a reset) and nothing before it, within ms. */
bool client_ended(int fd, int ms);
/* The peer's orderly end, and nothing before it. */
void client_expect_end(int fd);
/* Receives until the end, a reset included; how many bytes; text gets the first size - 1. */
size_t client_drain(int fd, char *text, size_t size);
void client_half_close(int fd);
/* Closes with a reset (SO_LINGER 0). */
void client_reset(int fd);

/* prefork-client says the text (more than one line: so many messages) and hears this answer. */
void client_ask(const char *address, const char *text, const char *answer);

/* A listening socket of the test itself on 127.0.0.1; its address goes to text. */
int client_listener(char *text, size_t size);

#endif
