/* SPDX-License-Identifier: MIT */
/*
 * The keys of session tickets: plain bytes in memory that the master writes and all workers read,
 * so that every worker takes a ticket of every other one, of before a crash or a reload too. The
 * key before opens tickets and makes none.
 */
#ifndef TLS_TICKET_KEYS_H
#define TLS_TICKET_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct evp_cipher_st;
struct ssl_ctx_st;

struct tls_ticket_key {
	uint8_t name[16]; /* which a ticket begins with */
	uint8_t cipher[32], mac[32];
	int64_t made_s; /* by the master's clock; 0: there is no key */
};

struct tls_ticket_keys {
	uint32_t version; /* odd while the master writes */
	struct tls_ticket_key current, previous;
};

/* Master. Makes the first key, or returns false with err. */
bool tls_ticket_keys_start(struct tls_ticket_keys *keys, int64_t now_s, struct err *err);

/*
 * Master. When the current key is rotation_s old, it becomes the previous one, and a new one is
 * made. Sets *rotated to whether it was. Returns false with err without random bytes, and then the
 * keys are as before.
 */
bool tls_ticket_keys_rotate(struct tls_ticket_keys *keys, int64_t now_s, int64_t rotation_s,
			    bool *rotated, struct err *err);

/* Master. For the end: no key is left in memory. */
void tls_ticket_keys_wipe(struct tls_ticket_keys *keys);

/*
 * A copy, for the look of a test or a worker. False: the master died while it wrote, and there are
 * no keys. Any process. The caller wipes the copy.
 */
bool tls_ticket_keys_copy(const struct tls_ticket_keys *keys, struct tls_ticket_keys *copy);

/* What the callback of a context needs; `keys` is borrowed, and NULL: there are no tickets. */
struct tls_tickets {
	const struct tls_ticket_keys *keys;
	struct evp_cipher_st *cipher; /* owned, fetched beforehand */
};
bool tls_tickets_new(struct tls_tickets *tickets, struct err *err);
void tls_tickets_free(struct tls_tickets *tickets);

/* The context makes and opens tickets by those, which are borrowed. False: no memory. */
bool tls_tickets_use(struct ssl_ctx_st *context, struct tls_tickets *tickets);

#endif
