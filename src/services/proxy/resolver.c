/* SPDX-License-Identifier: MIT */
/*
 * Looks the names of servers up, in a process of its own, since a lookup may wait for a name server
 * for a long time (getaddrinfo(3)). The workers read what it has found in the scoreboard. A name
 * that cannot be found keeps its last addresses.
 */
#include <resolv.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/sys.h"
#include "services/proxy/beside.h"
#include "stats/servers.h"

enum {
	FOUND_MOST = 512,            /* addresses of a name that are looked at */
	READY_MS = 2000,             /* the start waits no longer for the first lookups */
	QUERY_SECONDS = 2,           /* that a name server has to answer, ... */
	QUERY_TRIES = 2,             /* ... and how often it is asked */
	LOOKUP_MOST_MS = 180 * 1000, /* no lookup waits longer: the process hangs */
};

#define LOAD(field)         atomic_load_explicit(&(field), memory_order_relaxed)
#define STORE(field, value) atomic_store_explicit(&(field), (value), memory_order_relaxed)

/*
 * What the timer's handler does while a lookup waits: the first ones do not hold up the start, and
 * the master does not take the wait for a hang. The times are monotonic, in ms.
 */
static struct {
	const struct helper_heritage *heritage;
	_Atomic int64_t ready_due_ms; /* INT64_MAX: it is reported */
	_Atomic int64_t began_ms;     /* of the lookup */
} waiting;

static bool report_ready(void)
{
	if (atomic_exchange(&waiting.ready_due_ms, INT64_MAX) == INT64_MAX)
		return true;
	return helper_report_ready(waiting.heritage);
}

/* Only what a handler may call (signal-safety(7)). */
static void tick(int number)
{
	int kept = errno;
	int64_t now_ms = clock_ms();

	(void)number;
	if (now_ms >= atomic_load(&waiting.ready_due_ms))
		(void)report_ready();
	if (now_ms - atomic_load(&waiting.began_ms) < LOOKUP_MOST_MS)
		(void)helper_beat(waiting.heritage, 0, now_ms);
	errno = kept;
}

static bool prepare_timer(const struct helper_heritage *heritage)
{
	struct sigaction action = { .sa_handler = tick, .sa_flags = SA_RESTART };

	waiting.heritage = heritage;
	atomic_store(&waiting.ready_due_ms, clock_ms() + READY_MS);
	return sigaction(SIGALRM, &action, NULL) == 0;
}

static void set_timer(bool is_on)
{
	const struct helper_heritage *heritage = waiting.heritage;
	int64_t ms = heritage->conf->hang_timeout / 3;
	struct itimerval every = { 0 };

	if (ms == 0 || ms > READY_MS / 2)
		ms = READY_MS / 2;
	if (is_on)
		every.it_interval = every.it_value =
			(struct timeval){ ms / 1000, ms % 1000 * 1000 };
	(void)sys_setitimer(ITIMER_REAL, &every);
}

static bool has_address(const struct addr *list, unsigned count, const struct addr *wanted)
{
	for (unsigned i = 0; i < count; i++)
		if (addr_equal(&list[i], wanted))
			return true;
	return false;
}

/*
 * Name servers give the same addresses in changing order: those in use stay while they are among
 * what was found, unless there is room for more.
 */
static bool is_still_right(const struct addr *in_use, unsigned in_use_count,
			   const struct addr *found, unsigned found_count)
{
	for (unsigned i = 0; i < in_use_count; i++)
		if (!has_address(found, found_count, &in_use[i]))
			return false;
	return in_use_count == (found_count < SERVER_ADDRESSES ? found_count : SERVER_ADDRESSES);
}

static void note_failure(const struct upstream *u, const struct server *server,
			 struct server_names *names, const char *message)
{
	if (LOAD(names->failed_s) != 0)
		return; /* said once */
	STORE(names->failed_s, time(NULL));
	LOG(EVENT_upstream_unresolved, LOG_STR("upstream", u->conf->title),
	    LOG_STR("server", server->conf.address), LOG_NUM("addresses", LOAD(names->count)),
	    LOG_STR("message", message));
}

static void note_found(const struct upstream *u, const struct server *server,
		       struct server_names *names, const struct addr *list, unsigned count)
{
	struct addr before[SERVER_ADDRESSES];
	unsigned before_count = server_read_names(names, before);

	if (!is_still_right(before, before_count, list, count)) {
		char text[ADDR_TEXT];

		server_write_names(names, list, count);
		LOG(EVENT_upstream_resolved, LOG_STR("upstream", u->conf->title),
		    LOG_STR("server", server->conf.address), LOG_NUM("addresses", count),
		    LOG_STR("first", addr_write(&list[0], text)));
	}
	STORE(names->found_s, time(NULL));
	STORE(names->failed_s, 0);
}

static void look_up(struct scoreboard *board, const struct upstream *u, const struct server *server)
{
	struct server_names *names = &board->server_names[server->row];
	static struct addr list[FOUND_MOST]; /* of this lookup alone */
	struct err err;
	int count;

	atomic_store(&waiting.began_ms, clock_ms());
	res_init(); /* resolv.conf(5) may have changed */
	_res.retrans = QUERY_SECONDS;
	_res.retry = QUERY_TRIES;
	count = addr_resolve(server->conf.address, list, FOUND_MOST, &err);
	if (count > 0)
		note_found(u, server, names, list, (unsigned)count);
	else
		note_failure(u, server, names, err.text);
}

struct resolver {
	const struct helper_heritage *heritage;
	struct upstream **list;
	unsigned count;
	int64_t due_ms[CONF_SERVERS_MOST]; /* of the next lookup of each upstream; 0: at once */
	int64_t beat_ms;
};

static bool has_names(const struct upstream *u)
{
	for (unsigned i = 0; i < u->count; i++)
		if (u->list[i].has_name)
			return true;
	return false;
}

static void look_up_all(struct resolver *r, const struct upstream *u)
{
	for (unsigned i = 0; i < u->count; i++) {
		if (!u->list[i].has_name)
			continue;
		look_up(r->heritage->board, u, &u->list[i]);
		r->beat_ms = helper_beat(r->heritage, r->beat_ms, clock_ms());
	}
}

/* Returns when the next lookup is due; INT64_MAX: never. */
static int64_t look_up_due(struct resolver *r)
{
	int64_t next_ms = INT64_MAX;

	set_timer(true);
	for (unsigned i = 0; i < r->count; i++) {
		const struct upstream *u = r->list[i];

		if (!has_names(u))
			continue;
		if (r->due_ms[i] <= clock_ms()) {
			look_up_all(r, u);
			r->due_ms[i] = u->conf->resolve_interval > 0 ?
					       clock_ms() + u->conf->resolve_interval :
					       INT64_MAX;
		}
		next_ms = r->due_ms[i] < next_ms ? r->due_ms[i] : next_ms;
	}
	set_timer(false);
	return next_ms;
}

/* A signal ends it early. */
static void sleep_until(int64_t due_ms)
{
	enum { MOST_MS = 3600 * 1000 };
	int64_t wait_ms = due_ms - clock_ms();
	struct timespec wait;

	if (wait_ms <= 0)
		return;
	if (wait_ms > MOST_MS)
		wait_ms = MOST_MS;
	wait = (struct timespec){ wait_ms / 1000, wait_ms % 1000 * 1000000 };
	(void)nanosleep(&wait, NULL);
}

static int run_resolver(const struct helper_heritage *heritage)
{
	static struct resolver resolver; /* written by this process only */
	struct resolver *r = &resolver;
	struct err err;
	int64_t next_ms;

	r->heritage = heritage;
	r->list = beside_start(heritage, &r->count, &err);
	if (!r->list || !prepare_timer(heritage)) {
		LOG(EVENT_helper_failed, LOG_STR("message", r->list ? strerror(errno) : err.text));
		return CODE_OSERR;
	}
	next_ms = look_up_due(r);
	if (!report_ready())
		return CODE_OSERR;
	for (;;) {
		r->beat_ms = helper_beat(heritage, r->beat_ms, clock_ms());
		sleep_until(next_ms < r->beat_ms ? next_ms : r->beat_ms);
		beside_settle();
		next_ms = look_up_due(r);
		log_settle(clock_ms());
	}
}

static bool is_resolver_needed(const struct conf *conf)
{
	struct upstream_server server;
	struct err err;

	for (size_t i = 0; i < conf->upstream_count; i++) {
		const struct upstream_conf *upstream = &conf->upstreams[i];

		for (size_t k = 0; k < upstream->server.count; k++)
			if (conf_upstream_server(upstream, k, &server, &err) &&
			    conf_upstream_is_name(&server) &&
			    conf_upstream_has_listener(conf, upstream))
				return true;
	}
	return false;
}

const struct helper_job resolver_job = {
	.name = "resolver",
	.is_shared = true,
	.is_needed = is_resolver_needed,
	.run = run_resolver,
	.part = scoreboard_part_names,
};
