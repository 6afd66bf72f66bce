/* SPDX-License-Identifier: MIT */
/* Checks descriptors one by one (fstat(2)). */
#include "worker/recovery/audit.h"

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
static bool may_be(int fd, mode_t kind)
{
	struct stat st;

	return sys_fstat(fd, &st) == 0 ? (st.st_mode & S_IFMT) == kind : errno != EBADF;
}

static bool may_have_file(const struct record *r)
{
	struct stat st;

	return sys_fstat(r->file, &st) == 0 ? record_can_have(r, &st) : errno != EBADF;
}

/* A descriptor that is no connection's may be this worker's own by now: it is not closed. */
static bool has_sound_fds(struct record *r)
{
	bool has_socket = may_be(r->fd, S_IFSOCK);
	bool has_file = !record_has_file(r) || may_have_file(r);
	bool has_end = !r->is_piped || may_be(r->pipe_end, S_IFIFO);

	if (!has_socket)
		r->fd = -1;
	if (!has_file)
		r->file = -1;
	if (!has_end)
		r->pipe_end = -1;
	return has_socket && has_file && has_end;
}

static bool check_record(struct pool *pool, struct record *r)
{
	if (has_sound_fds(r))
		return true;
	cell_add(&pool->slot->tally.connections_lost_total, 1);
	conn_end(pool, r, CLOSE_recovery_damaged);
	return false;
}

static bool passes_side(struct pool *pool, struct record *r)
{
	if (!pool->audit.waits[r->index])
		return true;
	pool_end_check(pool, r->index);
	return check_record(pool, r);
}

bool audit_check(struct pool *pool, struct record *r)
{
	struct record *peer = pool_peer(pool, r);

	return passes_side(pool, r) && (!peer || passes_side(pool, peer));
}

/*
 * A connection that is on its way to another worker may be served there: its check waits until that
 * is decided.
 */
void audit_step(struct pool *pool)
{
	struct audit *audit = &pool->audit;
	uint32_t i = audit->next, kept = pool->records.high;

	for (unsigned n = 0; audit->count > 0 && n < AT_ONCE && i < pool->records.high; i++) {
		struct record *r = arena_record(pool->arena, i);

		if (!audit->waits[i])
			continue;
		if (record_is_served(r)) {
			n++;
			(void)audit_passes(pool, r);
		} else {
			kept = kept < i ? kept : i;
		}
	}
	audit->next = kept < i ? kept : i;
}
