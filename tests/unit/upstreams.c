/* SPDX-License-Identifier: MIT */
/* Makes upstreams as the master and a worker do. */
#include "unit/upstreams.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/conf_load.h"
#include "master/enlist.h"
#include "unit/board.h"
#include "unit/folder.h"

void upstreams_make(struct upstreams *u, const char *folder, const char *lines)
{
	struct conf_source source = { .file = "u.conf", .directory = folder };
	char text[8192];
	struct err err;

	snprintf(text, sizeof(text),
		 "upstream u { %s }\nlisten 1 { service = proxy  upstream = u }\n", lines);
	folder_write(folder, "u.conf", text);
	u->conf = conf_load(&source, &err);
	if (!u->conf)
		fail_msg("%s", err.text);
	u->conf->upstreams[0].check = CHECK_CONNECT; /* some tests have checks fail */
	u->board = board_new();
	assert_true(enlist_servers(u->board, u->conf, &err));
	u->upstream = upstream_new(&u->conf->upstreams[0], u->board);
	assert_non_null(u->upstream);
}

void upstreams_free(struct upstreams *u)
{
	upstream_free(u->upstream);
	conf_free(u->conf);
	free(u->board);
}

const struct server *upstreams_server(const struct upstreams *u, unsigned index)
{
	return &u->upstream->list[index];
}

struct server_shared *upstreams_shared(const struct upstreams *u, unsigned index)
{
	return upstream_shared(u->upstream, upstreams_server(u, index));
}

void upstreams_set_live(const struct upstreams *u, unsigned index, uint32_t live)
{
	atomic_store(&u->board->infos[3].is_taken, 1);
	atomic_store(&upstreams_shared(u, index)->live[3], live);
}

void upstreams_set_health(const struct upstreams *u, unsigned index, enum server_health health)
{
	struct server_verdict verdict = { health, CLOSE_upstream_refused, UPSTREAMS_NOW_MS };

	atomic_store(&upstreams_shared(u, index)->verdict, server_verdict_word(verdict));
}

struct choice upstreams_choice(const struct upstreams *u)
{
	return (struct choice){ .upstream = u->upstream, .now_ms = UPSTREAMS_NOW_MS };
}

int upstreams_choose(struct choice *c)
{
	const struct server *server = choose_server(c);

	return server ? (int)(server - c->upstream->list) : -1;
}

int upstreams_choose_now(const struct upstreams *u)
{
	struct choice c = upstreams_choice(u);

	return upstreams_choose(&c);
}

void upstreams_count(const struct upstreams *u, unsigned rounds, unsigned *counts)
{
	memset(counts, 0, UPSTREAMS_MOST * sizeof(*counts));
	for (unsigned i = 0; i < rounds; i++) {
		int index = upstreams_choose_now(u);

		assert_in_range(index, 0, UPSTREAMS_MOST - 1);
		counts[index]++;
	}
}

uint64_t upstreams_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}
