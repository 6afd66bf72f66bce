/* SPDX-License-Identifier: MIT */
/* Checks descriptors one by one (fstat(2)). */
#include "worker/audit.h"

#include "base/sys.h"
#include "worker/conn.h"

enum { AT_ONCE = 64 };

void audit_add(struct pool *pool, const struct record *r)
{
	pool->audit.waits[r->index] = true;
	pool->audit.count++;
	if (r->index < pool->audit.next)
		pool->audit.next = r->index;
}

/* A check that fails proves nothing: the connection goes on, and its next call tells. */
static bool may_be_socket(int fd)
{
	struct stat st;

	return sys_fstat(fd, &st) == 0 ? S_ISSOCK(st.st_mode) : errno != EBADF;
}

/* The descriptor is no connection's: it may be this worker's own by now. */
static void end_damaged(struct pool *pool, struct record *r)
{
	r->fd = -1;
	cell_add(&pool->slot->tally.connections_lost_total, 1);
	conn_end(pool, r, CLOSE_recovery_damaged);
}

static bool check_record(struct pool *pool, struct record *r)
{
	if (may_be_socket(r->fd))
		return true;
	end_damaged(pool, r);
	return false;
}

static void end_waiting(struct audit *audit, uint32_t index)
{
	audit->waits[index] = false;
	audit->count--;
}

static bool passes_side(struct pool *pool, struct record *r)
{
	if (!pool->audit.waits[r->index])
		return true;
	end_waiting(&pool->audit, r->index);
	return check_record(pool, r);
}

bool audit_check(struct pool *pool, struct record *r)
{
	struct record *peer = pool_peer(pool, r);

	return passes_side(pool, r) && (!peer || passes_side(pool, peer));
}

void audit_note_opened(struct pool *pool, int fd)
{
	struct audit *audit = &pool->audit;

	for (uint32_t i = audit->next; audit->count > 0 && i < pool->records.high; i++) {
		struct record *r = arena_record(pool->arena, i);

		if (!audit->waits[i] || !record_is_used(r) || r->fd != fd)
			continue;
		end_waiting(audit, i);
		end_damaged(pool, r);
	}
}

/* A record that was freed or used again meanwhile was served, or its connection has ended. */
void audit_step(struct pool *pool)
{
	struct audit *audit = &pool->audit;

	for (unsigned n = 0; audit->count > 0 && n < AT_ONCE; audit->next++) {
		struct record *r = arena_record(pool->arena, audit->next);

		if (!audit->waits[audit->next])
			continue;
		n++;
		if (record_is_used(r))
			(void)audit_passes(pool, r);
		else
			end_waiting(audit, audit->next);
	}
}
