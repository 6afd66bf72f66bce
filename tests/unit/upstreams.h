/* SPDX-License-Identifier: MIT */
/* An upstream of a configuration file's text, with a scoreboard that has its servers. */
#ifndef UNIT_UPSTREAMS_H
#define UNIT_UPSTREAMS_H

#include "config/conf.h"
#include "services/proxy/choose.h"

/* The clock of these tests; any time that is no multiple of anything. */
enum { UPSTREAMS_NOW_MS = 77777777, UPSTREAMS_MOST = 8 };

struct upstreams {
	struct scoreboard *board;
	struct conf *conf;
	struct upstream *upstream;
};

/*
 * Makes the upstream: `lines` are the options of its section. The folder gets its file;
 * upstreams_free frees the upstream. Events go to stderr.
 */
void upstreams_make(struct upstreams *u, const char *folder, const char *lines);
void upstreams_free(struct upstreams *u);

/* The nth server, and what all workers share of it. */
const struct server *upstreams_server(const struct upstreams *u, unsigned index);
struct server_shared *upstreams_shared(const struct upstreams *u, unsigned index);

/* Sets the server's connections: those of one slot. */
void upstreams_set_live(const struct upstreams *u, unsigned index, uint32_t live);

/* Sets its health, as of now. */
void upstreams_set_health(const struct upstreams *u, unsigned index, enum server_health health);

/* A choice now; the index of the server that it chooses, -1: none; and both in one. */
struct choice upstreams_choice(const struct upstreams *u);
int upstreams_choose(struct choice *choice);
int upstreams_choose_now(const struct upstreams *u);

/* Counts so many choices by server. */
void upstreams_count(const struct upstreams *u, unsigned rounds, unsigned *counts);

/* Numbers with a seed of the test's own. */
uint64_t upstreams_random(uint64_t *seed);

#endif
