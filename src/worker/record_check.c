/* SPDX-License-Identifier: MIT */
/* Checks that several readers of a dead worker's arena share. */
#include "worker/record_check.h"

#include "accesslog/accessrescue.h"
#include "base/clock.h"

bool record_check_is_whole(const struct arena *arena, struct conn *c)
{
	return c->magic == CONN_MAGIC && *conn_guard(c, arena->conn_stride) == CONN_MAGIC;
}

struct conn *record_check_next(const struct arena *arena, uint32_t *index)
{
	uint32_t high = arena->head->conn_high;

	while (*index < high && *index < arena->conn_most) {
		struct conn *c = arena_conn(arena, (*index)++);

		if (c->magic == CONN_MAGIC)
			return c;
	}
	return NULL;
}

const struct listen_conf *record_check_conf(const struct conf *conf, const struct conn *c)
{
	for (size_t i = 0; i < conf->listener_count; i++)
		if (c->conf == &conf->listeners[i])
			return c->conf;
	return NULL;
}

bool record_check_has_remote(const struct net *remote)
{
	return remote->family == AF_INET || remote->family == AF_INET6 || remote->family == AF_UNIX;
}

/* Between messages is taken from the dead worker's notes: only a service could decide better. */
static char phase_of(const struct conn *c, enum close_reason reason)
{
	return conn_phase_letter(c, reason, c->begun_us == 0 && buf_used(&c->in) == 0);
}

void record_check_tell(struct access_entry *entry, const struct arena *arena,
		       const struct conf *conf, struct conn *c, enum close_reason reason,
		       int64_t now_us, char *state)
{
	static const char unknown[] = "unknown";
	bool is_whole = c && record_check_is_whole(arena, c);
	const struct listen_conf *listen = is_whole ? record_check_conf(conf, c) : NULL;

	*entry = (struct access_entry){
		.what = CONN_LOG_WHAT,
		.listen = listen ? listen->address : unknown,
		.service = listen ? listen->service : unknown,
		.ending = close_reason_name(reason),
		.state = conn_state_letters(state, reason, is_whole ? phase_of(c, reason) : '-'),
	};
	if (!is_whole)
		return;
	entry->connection = c->number;
	entry->bytes_in = c->bytes_in;
	entry->bytes_out = c->bytes_out;
	entry->messages = c->messages;
	if (c->opened_us > 0 && c->opened_us <= now_us)
		entry->seconds = now_us - c->opened_us;
	if (record_check_has_remote(&c->remote))
		entry->remote = (struct access_remote){ &c->remote, c->remote_port };
}

void record_check_log_lost(struct arena *arena, const struct conf *conf, uid_t owner,
			   unsigned generation, unsigned number, uint32_t connections,
			   struct worker_tally *tally)
{
	struct accessrescue rescue;
	struct access_entry entry;
	uint32_t index = 0;
	char state[3];

	if (!accessrescue_open(&rescue, arena_log(arena), conf, owner, generation, number, tally))
		return;
	/* the records may name the clients; nothing is known of a connection without a record */
	for (uint32_t i = 0; i < connections; i++) {
		record_check_tell(&entry, arena, conf, record_check_next(arena, &index),
				  CLOSE_worker_lost, clock_us(), state);
		accessrescue_add(&rescue, &entry);
	}
	accessrescue_close(&rescue);
}
