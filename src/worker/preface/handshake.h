/* SPDX-License-Identifier: MIT */
/*
 * The handshake of a connection of a listener with TLS, behind its PROXY header and before anything
 * else of it. Its session begins here. Worker only.
 */
#ifndef WORKER_PREFACE_HANDSHAKE_H
#define WORKER_PREFACE_HANDSHAKE_H

#include <stdbool.h>

#include "worker/conn_record.h"
#include "worker/preface/progress.h"

/* True until it is over. */
static inline bool handshake_is_due(const struct conn *c)
{
	return c->conf->tls.count > 0 && c->record->tls <= TLS_HANDSHAKE;
}

/* Goes on as far as it can. The connection has ended when it fails: then it is logged. */
enum preface handshake_go_on(struct conn *c);

#endif
