/* SPDX-License-Identifier: MIT */
/* The ways of balancing. They see only the servers that are candidates. */
#include "services/proxy/choose.h"

#include "services/proxy/health.h"
#include "stats/servers.h"

/* A candidate, and what is known of it now. */
struct candidate {
	const struct server *server;
	uint32_t live;
	uint64_t weight; /* in thousandths, within slow_start less than configured */
};

struct field {
	struct candidate list[CONF_SERVERS_MOST];
	unsigned count;
};

/* Which servers come first. */
enum level { LEVEL_HEALTHY, LEVEL_BACKUP, LEVEL_FAILED, LEVELS };

static bool has_address(const struct upstream *u, const struct server *server)
{
	struct addr list[SERVER_ADDRESSES];

	return !server->has_name ||
	       server_read_names(&u->board->server_names[server->row], list) > 0;
}

static bool is_of_level(const struct choice *c, const struct server *server, enum level level)
{
	enum server_health health = health_of(c->upstream, server).health;

	if (level == LEVEL_FAILED)
		return health == SERVER_FAILED;
	return server->conf.is_backup == (level == LEVEL_BACKUP) && health == SERVER_HEALTHY;
}

/* False when nothing can go to the server, whatever its health. */
static bool is_usable(struct choice *c, const struct server *server)
{
	const struct upstream *u = c->upstream;

	if (server_mask_has(&c->tried, server->row) || upstream_is_withheld(u, server) ||
	    !has_address(u, server))
		return false;
	if (server->most > 0 && server_live(u->board, server->row) >= server->most) {
		c->is_full = c->is_full || health_of(u, server).health == SERVER_HEALTHY;
		return false;
	}
	return true;
}

bool choose_has_place(const struct upstream *u)
{
	for (unsigned i = 0; i < u->count; i++) {
		struct choice choice = { .upstream = u };

		if (health_of(u, &u->list[i]).health == SERVER_HEALTHY &&
		    is_usable(&choice, &u->list[i]))
			return true;
	}
	return false;
}

bool choose_has_tried_all(const struct upstream *u, const struct server_mask *tried)
{
	for (unsigned i = 0; i < u->count; i++)
		if (!u->list[i].conf.is_down && !server_mask_has(tried, u->list[i].row))
			return false;
	return true;
}

static void gather_field(struct choice *c, enum level level, struct field *field)
{
	const struct upstream *u = c->upstream;

	field->count = 0;
	for (unsigned i = 0; i < u->count; i++) {
		const struct server *server = &u->list[i];

		if (!is_of_level(c, server, level) || !is_usable(c, server))
			continue;
		field->list[field->count++] =
			(struct candidate){ server, server_live(u->board, server->row),
					    (uint64_t)server->conf.weight *
						    health_share(u, server, c->now_ms) };
	}
}

/* True when a has fewer connections for its weight. */
static bool is_lighter(const struct candidate *a, const struct candidate *b)
{
	return (uint64_t)a->live * b->weight < (uint64_t)b->live * a->weight;
}

static uint32_t next_turn(const struct upstream *u)
{
	return atomic_fetch_add_explicit(&upstream_common(u)->turn, 1, memory_order_relaxed);
}

static const struct candidate *find_in_field(const struct field *field, const struct server *server)
{
	for (unsigned i = 0; i < field->count; i++)
		if (field->list[i].server == server)
			return &field->list[i];
	return NULL;
}

/* Numbers that look random, the same for the same arguments (splitmix64). */
static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t x = a + (b + 1) * UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* A server within slow_start lets turns pass. */
static bool takes_turn(const struct candidate *candidate, uint32_t turn)
{
	return mix(turn, candidate->server->key) % (candidate->server->conf.weight * 1000) <
	       candidate->weight;
}

static const struct server *find_round_robin(const struct choice *c, const struct field *field)
{
	const struct upstream *u = c->upstream;

	for (uint32_t i = 0; i < 2 * u->weights; i++) {
		uint32_t turn = next_turn(u);
		const struct candidate *candidate =
			find_in_field(field, &u->list[u->schedule[turn % u->weights]]);

		if (candidate && takes_turn(candidate, turn))
			return candidate->server;
	}
	return field->list[0].server;
}

/* Those that no other one is lighter than. */
static void keep_lightest(struct field *field)
{
	struct field kept = { .count = 0 };

	for (unsigned i = 0; i < field->count; i++) {
		if (kept.count > 0 && is_lighter(&field->list[i], &kept.list[0]))
			kept.count = 0;
		if (kept.count == 0 || !is_lighter(&kept.list[0], &field->list[i]))
			kept.list[kept.count++] = field->list[i];
	}
	*field = kept;
}

/* Equals share by weight: connections that do not stay leave all servers equal. */
static const struct server *find_least_conn(const struct choice *c, const struct field *field)
{
	struct field lightest = *field;

	keep_lightest(&lightest);
	return lightest.count == 1 ? lightest.list[0].server : find_round_robin(c, &lightest);
}

/* By weight. */
static const struct candidate *pick(const struct field *field, uint64_t random)
{
	uint64_t sum = 0, at;
	unsigned i;

	for (i = 0; i < field->count; i++)
		sum += field->list[i].weight;
	at = random % sum;
	for (i = 0; i + 1 < field->count && at >= field->list[i].weight; i++)
		at -= field->list[i].weight;
	return &field->list[i];
}

static const struct server *find_random(const struct choice *c, const struct field *field)
{
	const struct candidate *one = pick(field, mix(c->random, 1));
	const struct candidate *other = pick(field, mix(c->random, 2));

	return is_lighter(other, one) ? other->server : one->server;
}

/*
 * Rendezvous hashing: each server has as many numbers for a client as its weight, and the highest
 * wins. A server that comes or goes moves its own clients alone.
 */
static uint64_t find_highest(const struct server *server, uint64_t source)
{
	uint64_t highest = 0;

	for (unsigned i = 0; i < server->conf.weight; i++) {
		uint64_t number = mix(source ^ server->key, i);

		highest = number > highest ? number : highest;
	}
	return highest;
}

static const struct server *find_by_hash(const struct choice *c, const struct field *field)
{
	const struct server *best = NULL;
	uint64_t highest = 0;

	for (unsigned i = 0; i < field->count; i++) {
		uint64_t number = find_highest(field->list[i].server, c->source);

		if (best && number <= highest)
			continue;
		best = field->list[i].server;
		highest = number;
	}
	return best;
}

static const struct server *(*const ways[])(const struct choice *c, const struct field *field) = {
	[BALANCE_LEAST_CONN] = find_least_conn,
	[BALANCE_ROUND_ROBIN] = find_round_robin,
	[BALANCE_RANDOM] = find_random,
	[BALANCE_HASH] = find_by_hash,
};

/* One that failed is tried once in a while, however many others are healthy. */
static const struct server *find_trial(struct choice *c)
{
	const struct upstream *u = c->upstream;

	for (unsigned i = 0; i < u->count; i++)
		if (health_of(u, &u->list[i]).health == SERVER_FAILED &&
		    is_usable(c, &u->list[i]) && health_takes_trial(u, &u->list[i], c->now_ms))
			return &u->list[i];
	return NULL;
}

const struct server *choose_server(struct choice *c)
{
	const struct server *trial = find_trial(c);
	struct field field;

	c->is_full = false;
	if (trial)
		return trial;
	for (enum level level = LEVEL_HEALTHY; level < LEVELS; level++) {
		if (level == LEVEL_FAILED && c->is_full)
			return NULL; /* a healthy one will have room */
		gather_field(c, level, &field);
		if (field.count > 0)
			return ways[c->upstream->conf->balance](c, &field);
	}
	return NULL;
}
