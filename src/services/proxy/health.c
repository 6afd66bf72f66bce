/* SPDX-License-Identifier: MIT */
/* Judges servers. Other workers may have written anything to what is shared. */
#include "services/proxy/health.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"

enum { CHECK_FALL = 2, SHARE_WHOLE = 1000, PREVENTED_MS = 60 * 1000 };

#define LOAD(field)         atomic_load_explicit(&(field), memory_order_relaxed)
#define STORE(field, value) atomic_store_explicit(&(field), (value), memory_order_relaxed)

/* Without checks none can fail, nor succeed: such a server is tried as one that has failed. */
struct server_verdict health_of(const struct upstream *u, const struct server *server)
{
	struct server_verdict verdict =
		server_verdict_of(LOAD(upstream_shared(u, server)->verdict));

	if (verdict.health == SERVER_CHECK_FAILED && u->conf->check == CHECK_OFF)
		verdict.health = SERVER_FAILED;
	return verdict;
}

/* Returns true in the one process that has changed it. */
static bool change_verdict(struct server_shared *shared, enum server_health to,
			   enum close_reason why, int64_t now_ms)
{
	uint64_t was = LOAD(shared->verdict);
	struct server_verdict before = server_verdict_of(was);
	struct server_verdict next = { to, why != CLOSE_none ? why : before.why, now_ms };

	return before.health != to &&
	       atomic_compare_exchange_strong(&shared->verdict, &was, server_verdict_word(next));
}

static void log_change(const struct upstream *u, const struct server *server, bool is_up,
		       const char *why)
{
	if (is_up)
		LOG(EVENT_upstream_recovered, LOG_STR("upstream", u->conf->title),
		    LOG_STR("server", server->conf.address), LOG_STR("reason", why));
	else
		LOG(EVENT_upstream_failed, LOG_STR("upstream", u->conf->title),
		    LOG_STR("server", server->conf.address), LOG_STR("reason", why));
}

/* A failure of before would count again. */
static void forget_failures(struct server_shared *shared)
{
	for (unsigned i = 0; i < SERVER_FAILS_MOST; i++)
		STORE(shared->fails_ms[i], 0);
}

static void recover_server(const struct upstream *u, const struct server *server, const char *why,
			   int64_t now_ms)
{
	struct server_shared *shared = upstream_shared(u, server);

	if (!change_verdict(shared, SERVER_HEALTHY, CLOSE_none, now_ms))
		return;
	forget_failures(shared);
	log_change(u, server, true, why);
}

/* Notes the failure; true when it was the last of max_fails within fail_timeout. */
static bool is_too_many(const struct upstream *u, struct server_shared *shared, int64_t now_ms)
{
	uint32_t most = (uint32_t)u->conf->max_fails, index;
	int64_t first_ms;

	index = atomic_fetch_add_explicit(&shared->fail_count, 1, memory_order_relaxed);
	STORE(shared->fails_ms[index % SERVER_FAILS_MOST], now_ms);
	if (most == 0)
		return false;
	first_ms = LOAD(shared->fails_ms[(index - (most - 1)) % SERVER_FAILS_MOST]);
	return first_ms > 0 && now_ms - first_ms <= u->conf->fail_timeout;
}

/* True when connections would have nowhere to go without it. */
static bool is_last(const struct upstream *u, const struct server *server)
{
	for (unsigned i = 0; i < u->count; i++)
		if (&u->list[i] != server && !upstream_is_withheld(u, &u->list[i]) &&
		    health_of(u, &u->list[i]).health == SERVER_HEALTHY)
			return false;
	return true;
}

void health_note_failure(const struct upstream *u, const struct server *server,
			 enum close_reason why, int64_t now_ms)
{
	struct server_shared *shared = upstream_shared(u, server);

	STORE(shared->last_failure, why);
	cell_share(&shared->tally.upstream_failures_total, 1);
	if (!is_too_many(u, shared, now_ms) || is_last(u, server))
		return;
	STORE(shared->trial_ms, now_ms + u->conf->fail_timeout);
	if (health_of(u, server).health == SERVER_HEALTHY &&
	    change_verdict(shared, SERVER_FAILED, why, now_ms))
		log_change(u, server, false, close_reason_name(why));
}

void health_note_unbound(const struct upstream *u, const struct server *server, int error)
{
	if (atomic_exchange(&upstream_shared(u, server)->is_unbound, 1) == 0)
		LOG(EVENT_upstream_unbound, LOG_STR("upstream", u->conf->title),
		    LOG_STR("server", server->conf.address),
		    LOG_STR("source", u->conf->bind_source), LOG_STR("message", strerror(error)));
}

/* A time to come was not written by this code. */
void health_note_prevented(const struct upstream *u, const struct server *server, int error,
			   int64_t now_ms)
{
	_Atomic int64_t *said = &upstream_shared(u, server)->prevented_ms;
	int64_t said_ms = LOAD(*said);

	if (said_ms > 0 && said_ms <= now_ms && now_ms - said_ms < PREVENTED_MS)
		return;
	if (atomic_compare_exchange_strong(said, &said_ms, now_ms))
		LOG(EVENT_upstream_prevented, LOG_STR("upstream", u->conf->title),
		    LOG_STR("server", server->conf.address), LOG_STR("message", strerror(error)));
}

void health_note_success(const struct upstream *u, const struct server *server, int64_t took_us,
			 int64_t now_ms)
{
	struct upstream_tally *tally = &upstream_shared(u, server)->tally;

	cell_share(&tally->upstream_connections_total, 1);
	STORE(upstream_shared(u, server)->is_unbound, 0);
	histogram_share(&tally->upstream_connect_seconds, (uint64_t)took_us);
	if (health_of(u, server).health == SERVER_FAILED)
		recover_server(u, server, "connected", now_ms);
}

bool health_note_check(const struct upstream *u, const struct server *server, enum close_reason why,
		       int64_t now_ms)
{
	struct server_shared *shared = upstream_shared(u, server);

	cell_share(&shared->tally.upstream_checks_total, 1);
	if (why == CLOSE_none) {
		STORE(shared->checks_failed, 0);
		recover_server(u, server, "check", now_ms);
		return false;
	}
	STORE(shared->last_failure, why);
	cell_share(&shared->tally.upstream_checks_failed_total, 1);
	if (atomic_fetch_add_explicit(&shared->checks_failed, 1, memory_order_relaxed) + 1 <
	    CHECK_FALL)
		return true;
	if (change_verdict(shared, SERVER_CHECK_FAILED, why, now_ms))
		log_change(u, server, false, close_reason_name(why));
	return true;
}

bool health_is_own_failure(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

bool health_is_prevented(int error)
{
	return error == EADDRNOTAVAIL || error == EACCES || error == EPERM;
}

/* A time further away was not written by this code. */
bool health_takes_trial(const struct upstream *u, const struct server *server, int64_t now_ms)
{
	struct server_shared *shared = upstream_shared(u, server);
	int64_t next_ms = now_ms + u->conf->fail_timeout, due_ms = LOAD(shared->trial_ms);

	return health_of(u, server).health == SERVER_FAILED &&
	       (due_ms <= now_ms || due_ms > next_ms) &&
	       atomic_compare_exchange_strong(&shared->trial_ms, &due_ms, next_ms);
}

unsigned health_share(const struct upstream *u, const struct server *server, int64_t now_ms)
{
	struct server_verdict verdict = health_of(u, server);
	int64_t age_ms = now_ms - verdict.since_ms, whole_ms = u->conf->slow_start;

	if (whole_ms == 0 || verdict.why == CLOSE_none || age_ms < 0 || age_ms >= whole_ms)
		return SHARE_WHOLE;
	return (unsigned)(1 + age_ms * (SHARE_WHOLE - 1) / whole_ms);
}
