/* SPDX-License-Identifier: MIT */
/*
 * Talks to a server as the command line says: finds it, connects, sends and receives, closes. Each
 * of these is done elsewhere.
 */
#include "client/talk.h"

#include <stdio.h>
#include <stdlib.h>

#include "client/connection.h"
#include "client/farewell.h"
#include "client/session.h"
#include "client/session_run.h"
#include "client/stream.h"
#include "client/target.h"
#include "client/wish.h"

/* Leaves only the addresses that the one to connect from can reach. */
static bool keep_reachable(struct target *target, const struct addr *source, const char *bind,
			   struct err *err)
{
	int kept = 0;

	for (int i = 0; i < target->count; i++)
		if (target->addresses[i].sa.sa_family == source->sa.sa_family)
			target->addresses[kept++] = target->addresses[i];
	target->count = kept;
	if (kept > 0)
		return true;
	return err_set(err, CODE_USAGE, "--bind %s: is of another kind than %s", bind,
		       target->name);
}

static bool find(struct wish *wish, struct target *target, struct addr *source, struct err *err)
{
	int used = target_read(target, wish->words, wish->word_count, wish->family, false, err);

	if (used == 0)
		return false;
	wish->messages = wish->words + used;
	wish->message_count = wish->word_count - used;
	if (!wish_check(wish, err))
		return false;
	if (wish->bind == NULL)
		return true;
	return target_read_source(wish->bind, wish->family, source, err) &&
	       keep_reachable(target, source, wish->bind, err);
}

static void tell_addresses(struct story *story, const struct target *target)
{
	char all[512], one[ADDR_TEXT];
	size_t used = 0;

	for (int i = 0; i < target->count && used < sizeof(all); i++)
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s", i > 0 ? ", " : "",
					 addr_write(&target->addresses[i], one));
	story_tell(story, "%s: resolved to %s", target->name, all);
}

static bool converse(struct link *link, const struct wish *wish, const char *name,
		     struct story *story, struct err *err)
{
	struct exchange *exchange = exchange_new(link, wish, name, story, err);
	bool is_good;

	if (exchange == NULL)
		return false;
	if (wish->message_count > 0)
		is_good = rounds_run(exchange, err);
	else
		is_good = stream_run(exchange, err);
	exchange_free(exchange);
	return is_good;
}

static bool talk(struct wish *wish, struct err *err)
{
	struct story story;
	struct addr source;
	struct target target;
	struct link link;
	bool is_good;

	story_start(&story, wish->verbose);
	if (!find(wish, &target, &source, err))
		return false;
	tell_addresses(&story, &target);
	if (!dial(&link, &target, wish->bind != NULL ? &source : NULL, wish->timeout_ms, &story,
		  err))
		return false;
	is_good = converse(&link, wish, target.name, &story, err);
	farewell(&link, &story);
	return is_good;
}

enum exit_code talk_main(int argc, char **argv, struct err *err)
{
	struct wish wish;

	if (!wish_read(&wish, argc, argv, err))
		return err->code;
	if (wish.action == 'h') {
		wish_help();
		return CODE_OK;
	}
	if (wish.action == 'V') {
		puts("prefork-client " PACKAGE_VERSION);
		return CODE_OK;
	}
	return talk(&wish, err) ? CODE_OK : err->code;
}
