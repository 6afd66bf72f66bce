/* SPDX-License-Identifier: MIT */
/*
 * Looks the names of servers up, in a process of its own, since a lookup may wait for a name server
 * for a long time (getaddrinfo(3)). The workers read what it has found in the scoreboard. A name
 * that cannot be found keeps its last addresses.
 */
#include <resolv.h>
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
	READY_MS = 2000,   /* the start waits no longer for the first lookups */
	QUERY_SECONDS = 2, /* that a name server has to answer, ... */
	QUERY_TRIES = 2,   /* ... and how often it is asked */
};

#define LOAD(field)         atomic_load_explicit(&(field), memory_order_relaxed)
#define STORE(field, value) atomic_store_explicit(&(field), (value), memory_order_relaxed)

/* Written once before the timer is set; read by its handler. */
static const struct helper_heritage *own_heritage;

/* Only what a handler may call (signal-safety(7)). */
static void report_ready(int number)
{
	int kept = errno;

	(void)number;
	(void)helper_report_ready(own_heritage);
	errno = kept;
}

static bool report_in_time(const struct helper_heritage *heritage)
{
	static const struct itimerval once = { .it_value = { READY_MS / 1000, 0 } };
	struct sigaction action = { .sa_handler = report_ready };

	own_heritage = heritage;
	return sigaction(SIGALRM, &action, NULL) == 0 && sys_setitimer(ITIMER_REAL, &once) == 0;
}

static bool has_address(const struct addr *list, unsigned count, const struct addr *wanted)
{
	for (unsigned i = 0; i < count; i++)
		if (addr_equal(&list[i], wanted))
			return true;
	return false;
}

/* Name servers give the same addresses in changing order. */
static bool is_same(const struct addr *a, unsigned a_count, const struct addr *b, unsigned b_count)
{
	for (unsigned i = 0; i < a_count; i++)
		if (!has_address(b, b_count, &a[i]))
			return false;
	return a_count == b_count;
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

	if (!is_same(list, count, before, before_count)) {
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
	struct addr list[SERVER_ADDRESSES];
	struct err err;
	int count;

	res_init(); /* resolv.conf(5) may have changed */
	_res.retrans = QUERY_SECONDS;
	_res.retry = QUERY_TRIES;
	count = addr_resolve(server->conf.address, list, SERVER_ADDRESSES, &err);
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
	static const struct itimerval none;
	static struct resolver resolver; /* written by this process only */
	struct resolver *r = &resolver;
	struct err err;
	int64_t next_ms;

	r->heritage = heritage;
	r->list = beside_start(heritage, &r->count, &err);
	if (!r->list || !report_in_time(heritage)) {
		LOG(EVENT_helper_failed, LOG_STR("message", r->list ? strerror(errno) : err.text));
		return CODE_OSERR;
	}
	next_ms = look_up_due(r);
	(void)sys_setitimer(ITIMER_REAL, &none);
	if (!helper_report_ready(heritage))
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
