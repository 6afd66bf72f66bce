/* SPDX-License-Identifier: MIT */
/*
 * The keys of session tickets (tls/ticket_keys.h) in memory that the master writes and its workers
 * read, for the life of the server: so a ticket is good after a crash and a reload, and with every
 * worker. It is mapped for the first configuration with TLS. It has no name, and no core has it.
 */
#ifndef MASTER_TICKET_MEMORY_H
#define MASTER_TICKET_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "config/conf.h"
#include "tls/context.h"

struct ticket_memory {
	struct tls_ticket_keys *keys; /* NULL: there are none */
	int read_fd;                  /* of the same memory */
	int64_t retry_ms;             /* a new key is not made before; 0: it may be */
};

/* There is nothing yet. */
void ticket_memory_empty(struct ticket_memory *memory);

/*
 * Returns the contexts for a generation's workers (prestart_tls), with these keys; makes the first
 * key, if the configuration has TLS and there is none. NULL with err. Master only.
 */
struct tls_sites *ticket_memory_sites(struct ticket_memory *memory, const struct conf *conf,
				      struct err *err);

/* Makes a new key when the current one has the age that conf, the one in force, allows. */
void ticket_memory_step(struct ticket_memory *memory, const struct conf *conf, int64_t now_ms);

/* When the step is due, or otherwise_ms. */
int64_t ticket_memory_due_ms(const struct ticket_memory *memory, const struct conf *conf,
			     int64_t otherwise_ms);

/*
 * In a child of the master: it can never write the keys. Returns false with errno set. The
 * descriptor stays open, for the caller to close.
 */
bool ticket_memory_confine(const struct ticket_memory *memory);

/* In a child that is no worker: it does not have them at all. */
void ticket_memory_leave(struct ticket_memory *memory);

/* The master's end: nobody has them any more. */
void ticket_memory_free(struct ticket_memory *memory);

#endif
