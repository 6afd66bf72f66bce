/* SPDX-License-Identifier: MIT */
/* What the access log tells of a connection, from its record. Each only when accesslog_is_on. */
#ifndef WORKER_ACCESSTELL_H
#define WORKER_ACCESSTELL_H

#include "worker/accessline.h"
#include "worker/conns.h"

/* One that has ended; its record is as it was at the end. */
void accesstell_ended(const struct conns *all, const struct conn *c);

/* One that was let in no further than to its address. */
void accesstell_refused(const struct conns *all, unsigned listener, const struct addr *remote);

/*
 * Of a record that a dead worker left: as much as can be believed, now being clock_us(). state:
 * 3 bytes that the entry goes on to use. Worker, and the master.
 */
void accesstell_remains(struct access_entry *entry, const struct arena *arena,
			const struct conf *conf, struct conn *c, enum ending ending, int64_t now_us,
			char *state);

/* As accesstell_remains, and adds the line. Worker. */
void accesstell_lost(const struct arena *arena, const struct conf *conf, struct conn *c,
		     enum ending ending);

#endif
