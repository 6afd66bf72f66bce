/* SPDX-License-Identifier: MIT */
/* Clients of a listener with TLS: blocking calls, with a deadline as in client.h. */
#ifndef E2E_SECURE_H
#define E2E_SECURE_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "harness.h"
#include "unit/handshaken.h"

/* A folder for the files of this test. */
extern char secure_folder[128];
void secure_make_folder(void);

/* A section tls "site" whose files secure_make_files has written. */
const char *secure_section(const char *options);

/* Writes site.pem and site.key, each time another one; common is its common name. */
void secure_make_files(const char *common);

/* A configuration with that section and these further lines, in a buffer of its own. */
const char *secure_conf(const char *lines);

enum { SECURE_WORKERS = 2 };
#define SECURE_LINES \
	"listen \"127.0.0.1:0\" { service = ack\n framing = line\n tls = \"site\"\n }\n"

/* A server with that section and those listens, and so many workers. */
struct server *secure_start(unsigned workers, const char *lines);

/* Each worker dies while it waits: then nothing is in hand. */
void secure_kill_workers(struct server *s, unsigned count);

/* A client of TLS 1.2 for even numbers, of 1.3 for odd ones. */
const struct handshaken_wish *secure_wish(unsigned number);

struct secure {
	int fd;
	SSL *ssl;
};

/* Connects, and shakes hands. */
void secure_open(struct secure *c, const char *address, const struct handshaken_wish *wish);

/* Connects; the handshake is not begun. */
void secure_connect(struct secure *c, const char *address, const struct handshaken_wish *wish);
void secure_shake_hands(struct secure *c);

/* The bytes of its whole first flight, which are not sent. */
size_t secure_hello(struct secure *c, char *to, size_t size);

/* After that: what waits in the client goes to the server, and the other way round. */
void secure_shake_hands_by_hand(struct secure *c);

void secure_say(struct secure *c, const char *text);
void secure_hear(struct secure *c, const char *text);

/* The server has said that no more comes, and nothing before it. */
void secure_expect_end(struct secure *c);

/* The common name of the certificate that the server has shown. */
const char *secure_common(struct secure *c);

void secure_close(struct secure *c);

#endif
