/* SPDX-License-Identifier: MIT */
/*
 * What a connection's PROXY header has said so far, in the arena beside its record: there it
 * outlives its worker and moves with the connection, and one without such a header has none. Worker
 * only.
 */
#ifndef WORKER_PREFACE_PROXIED_H
#define WORKER_PREFACE_PROXIED_H

#include "base/proxy_header.h"
#include "worker/arena.h"
#include "worker/record.h"

/* What is kept beside the record, and for a header with texts these; NULL: nothing. */
struct proxy_header *proxied_header(const struct arena *arena, const struct record *client);
struct proxy_texts *proxied_texts(const struct arena *arena, const struct record *client);

/*
 * True when proxy_header_read can have left what is kept. The record's own fields have been
 * checked; the rest may hold any bytes.
 */
bool proxied_is_sound(const struct arena *arena, const struct record *client);

#endif
