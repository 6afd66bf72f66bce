/* SPDX-License-Identifier: MIT */
/* Numbers the places: each listener, of any service, and its locations behind it. */
#include "services/files/open/place.h"

#include <stdlib.h>
#include <string.h>

#include "services/files/open/root.h"
#include "services/http/parse/http_target.h"

struct place {
	const struct listen_conf *conf;
	unsigned listener;
};

/* Of this worker, written before it serves. firsts: by the number of the listener. */
static struct place *places;
static struct http_text *prefixes; /* of the places */
static unsigned *firsts;
static unsigned count_of_all;

static unsigned count_places(const struct listener_set *listeners)
{
	unsigned count = 0;

	for (unsigned i = 0; i < listeners->count; i++)
		count += 1 + (unsigned)listeners->list[i].conf->location_count;
	return count;
}

void place_prefixes(const struct listen_conf *listen, struct http_text *list)
{
	list[0] = (struct http_text){ "", 0 };
	for (size_t i = 0; i < listen->location_count; i++) {
		const char *path = listen->locations[i].address;

		list[1 + i] = http_target_prefix((struct http_text){ path, strlen(path) });
	}
}

unsigned place_longest(const struct http_text *list, unsigned count, const char *path,
		       size_t length)
{
	unsigned found = 0;

	for (unsigned i = 1; i < count; i++)
		if (list[i].length >= list[found].length &&
		    http_target_is_below(path, length, list[i]))
			found = i;
	return found;
}

static bool make_places(const struct listener_set *listeners)
{
	unsigned next = 0, count = count_places(listeners);

	places = calloc(count, sizeof(*places));
	prefixes = calloc(count, sizeof(*prefixes));
	firsts = calloc(listeners->count, sizeof(*firsts));
	if (!places || !prefixes || !firsts)
		return false;
	for (unsigned i = 0; i < listeners->count; i++) {
		const struct listen_conf *listen = listeners->list[i].conf;

		firsts[i] = next;
		place_prefixes(listen, &prefixes[next]);
		places[next++] = (struct place){ listen, i };
		for (size_t k = 0; k < listen->location_count; k++)
			places[next++] = (struct place){ &listen->locations[k], i };
	}
	count_of_all = next;
	return root_make(next);
}

unsigned place_count(void)
{
	return count_of_all;
}

unsigned place_listener_number(const struct heritage *heritage, const struct listen_conf *listen)
{
	unsigned number = 0;

	while (heritage->listeners->list[number].conf != listen)
		number++;
	return number;
}

bool place_start(const struct heritage *heritage, const struct listen_conf *listen)
{
	unsigned first;

	if (!places && !make_places(heritage->listeners))
		return false;
	first = firsts[place_listener_number(heritage, listen)];
	for (unsigned i = 0; i <= listen->location_count; i++)
		root_start(first + i, places[first + i].conf);
	return true;
}

unsigned place_of_listener(unsigned listener)
{
	return firsts[listener];
}

unsigned place_find(unsigned listener, const char *path, size_t length)
{
	unsigned first = firsts[listener];
	unsigned count = 1 + (unsigned)places[first].conf->location_count;

	return first + place_longest(&prefixes[first], count, path, length);
}

const struct listen_conf *place_conf(unsigned place)
{
	return places[place].conf;
}

unsigned place_listener(unsigned place)
{
	return places[place].listener;
}
