/* SPDX-License-Identifier: MIT */
/* Checks that all readers of a foreign record share. */
#include "worker/recovery/record_check.h"

#include "accesslog/accessrescue.h"
#include "base/clock.h"

bool record_check_is_whole(const struct arena *arena, struct record *r)
{
	return record_is_used(r) && *record_guard(r, arena->record_stride) == RECORD_GUARD;
}

/* The lower bound prevents overflow in later arithmetic. */
static bool is_past(int64_t time, int64_t now)
{
	return time > INT64_MIN / 2 && time <= now;
}

static bool has_sound_times(const struct record *r, int64_t now_us)
{
	return is_past(r->opened_us, now_us) && is_past(r->active_ms, now_us / 1000) &&
	       is_past(r->begun_us, now_us) && is_past(r->paced_us, now_us) && r->due_ms >= 0 &&
	       r->due_ms < INT64_MAX / 2 && r->grace_ms >= 0;
}

/* Only an open client waits for a server: one that ends would keep the others from its place. */
static bool has_sound_wait(const struct record *r)
{
	if (r->side == SIDE_PEER || r->server == 0)
		return !r->is_queued;
	return r->state == CONN_OPEN;
}

static bool has_sound_states(const struct record *r)
{
	return r->state > CONN_CLOSED && r->state <= CONN_LINGERING && r->ending < CLOSE_COUNT &&
	       r->flow < FLOW_COUNT && r->passage < PASSAGE_COUNT &&
	       r->server <= SCOREBOARD_SERVERS && (!r->is_connecting || r->side == SIDE_PEER) &&
	       has_sound_wait(r) && r->proxy < PROXY_COUNT &&
	       (r->side == SIDE_CLIENT || r->proxy == PROXY_NONE);
}

static bool is_sound_buf(const struct record_buf *b)
{
	if (b->number == 0)
		return b->start == 0 && b->end == 0;
	return b->start <= b->end && b->end <= ARENA_BUF_SIZE;
}

bool record_check_fields(const struct record *r, int64_t now_us)
{
	return has_sound_states(r) && has_sound_times(r, now_us) && is_sound_buf(&r->in) &&
	       is_sound_buf(&r->out) && r->file_offset <= INT64_MAX - r->file_left;
}

/* Its service has not seen it: the state is zeroed. */
static bool is_new_to(const struct record *r, const struct service *service)
{
	return r->proxy == PROXY_AWAITED || r->tls == TLS_HANDSHAKE ||
	       (r->state == CONN_WAITING && !service->preface);
}

static bool has_zeroed_state(const struct record *r, const struct service *service)
{
	for (size_t i = 0; i < service->state_size; i++)
		if (r->state_bytes[i] != 0)
			return false;
	return true;
}

/* No bytes but of the header are kept. */
static bool is_awaiting_header(const struct record *r, const struct service *service)
{
	return has_zeroed_state(r, service) && r->peer == 0 &&
	       r->in.end - r->in.start <= PROXY_REST_MOST;
}

/* In any other state worker/conn.c would find a defect, or call a hook that is not there. */
static bool fits_state(const struct record *r, const struct service *service)
{
	switch (r->state) {
	case CONN_PREFACE:
		if (r->proxy == PROXY_AWAITED)
			return is_awaiting_header(r, service);
		if (r->tls == TLS_HANDSHAKE)
			return has_zeroed_state(r, service) && r->peer == 0 &&
			       r->in.end == r->in.start;
		return service->preface && r->peer == 0 && r->in.end - r->in.start < ARENA_BUF_SIZE;
	case CONN_WAITING:
		return r->peer == 0 && r->server == 0 && !record_has_output(r) &&
		       r->in.end - r->in.start < ARENA_BUF_SIZE &&
		       (!is_new_to(r, service) || has_zeroed_state(r, service));
	case CONN_LINGERING:
		return r->ending != CLOSE_none && r->peer == 0 && !record_has_output(r);
	default:
		return r->peer == 0 || service->has_pairs;
	}
}

/* A file is held by a service that has seen the client, and knows of it. */
static bool holds_rightly(const struct conn *c)
{
	if (c->peer && c->peer->record->holds_file)
		return false;
	return !c->record->holds_file ||
	       (c->service->holds_files && !is_new_to(c->record, c->service));
}

static bool has_server(const struct conn *c)
{
	return c->record->server > 0 || (c->peer && c->peer->record->server > 0);
}

/* Behind its preface a connection has a session, if its listener says so, and never else. */
static bool has_right_session(const struct conn *c)
{
	const struct record *r = c->record;

	if (c->peer && c->peer->record->tls != TLS_NONE)
		return false;
	if (c->conf->tls.count == 0)
		return r->tls == TLS_NONE;
	if (r->state == CONN_PREFACE)
		return r->proxy != PROXY_AWAITED || r->tls == TLS_NONE;
	return r->tls >= TLS_OPEN;
}

/* What its service left behind when the connection began to end need not be sound. */
bool record_check_service(const struct conn *c)
{
	const struct service *service = c->service;

	if (!fits_state(c->record, service) || !holds_rightly(c) || !has_right_session(c) ||
	    (!service->is_stream && has_server(c)) ||
	    (c->record->proxy == PROXY_AWAITED && c->record->state != CONN_PREFACE))
		return false;
	return !service->is_sound || is_new_to(c->record, service) ||
	       (record_is_ending(c->record) && !service->close) || service->is_sound(c);
}

struct record *record_check_next(const struct arena *arena, uint32_t *index)
{
	uint32_t high = arena->head->record_high;

	while (*index < high && *index < arena->record_most) {
		struct record *r = arena_record(arena, (*index)++);

		if (record_is_client(r))
			return r;
	}
	return NULL;
}

const struct listen_conf *record_check_conf(const struct conf *conf, const struct record *r)
{
	return r->listen < conf->listener_count ? &conf->listeners[r->listen] : NULL;
}

bool record_check_has_remote(const struct net *remote)
{
	return remote->family == AF_INET || remote->family == AF_INET6 || remote->family == AF_UNIX;
}

/* Between messages is taken from the dead worker's notes: only a service could decide better. */
static char phase_of(const struct record *r, enum close_reason reason)
{
	return record_phase_letter(r, reason, r->begun_us == 0 && r->in.start == r->in.end);
}

static void tell_record(const struct record_loss *loss, struct access_entry *entry)
{
	const struct record *r = loss->r;

	entry->worker = r->birth_worker;
	entry->generation = r->birth_generation;
	entry->connection = r->number;
	entry->bytes_in = r->bytes_in;
	entry->bytes_out = r->bytes_out;
	entry->messages = r->messages;
	if (r->opened_us > 0 && r->opened_us <= loss->now_us)
		entry->seconds = loss->now_us - r->opened_us;
	if (record_check_has_remote(&r->remote))
		entry->remote = (struct access_remote){ &r->remote, r->remote_port };
}

void record_check_tell(const struct record_loss *loss, struct access_entry *entry, char *state)
{
	static const char unknown[] = "unknown";
	struct record *r = loss->r;
	bool is_whole = r && record_check_is_whole(loss->arena, r);
	const struct listen_conf *listen = is_whole ? record_check_conf(loss->conf, r) : NULL;

	*entry = (struct access_entry){
		.what = RECORD_LOG_WHAT,
		.worker = loss->worker,
		.generation = loss->generation,
		.listen = listen ? listen->address : unknown,
		.service = listen ? listen->service : unknown,
		.ending = close_reason_name(loss->reason),
		.state = record_state_letters(state, loss->reason,
					      is_whole ? phase_of(r, loss->reason) : '-'),
	};
	if (is_whole)
		tell_record(loss, entry);
}

void record_check_log_lost(struct arena *arena, const struct conf *conf, uid_t owner,
			   unsigned generation, unsigned number, uint32_t connections,
			   struct worker_tally *tally)
{
	struct record_loss loss = { arena,      conf,       NULL,  CLOSE_worker_lost,
				    clock_us(), generation, number };
	struct accessrescue rescue;
	struct access_entry entry;
	uint32_t index = 0;
	char state[3];

	if (!accessrescue_open(&rescue, arena_log(arena), conf, owner, number, tally))
		return;
	/* the records may name the clients; nothing is known of a connection without a record */
	for (uint32_t i = 0; i < connections; i++) {
		loss.r = record_check_next(arena, &index);
		record_check_tell(&loss, &entry, state);
		accessrescue_add(&rescue, &entry);
	}
	accessrescue_close(&rescue);
}
