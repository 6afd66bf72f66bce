/* SPDX-License-Identifier: MIT */
/* Numbers the places: each listener, of any service, and its locations behind it. */
#include "services/files/open/place.h"

#include <stdlib.h>
#include <string.h>

#include "services/files/open/root.h"
#include "services/http/parse/http_target.h"

/* A prefix as http_target_decode writes a path: no slash around it. */
struct place {
	const struct listen_conf *conf;
	unsigned listener;
	struct http_text prefix;
};

/* Of this worker, written before it serves. firsts: by the number of the listener. */
static struct place *places;
static unsigned *firsts;
static unsigned count_of_all;

static unsigned count_places(const struct listener_set *listeners)
{
	unsigned count = 0;

	for (unsigned i = 0; i < listeners->count; i++)
		count += 1 + (unsigned)listeners->list[i].conf->location_count;
	return count;
}

static struct place make_location(const struct listen_conf *location, unsigned listener)
{
	struct http_text prefix = { location->address + 1, strlen(location->address + 1) };

	if (prefix.length > 0 && prefix.at[prefix.length - 1] == '/')
		prefix.length--;
	return (struct place){ location, listener, prefix };
}

static bool make_places(const struct listener_set *listeners)
{
	unsigned next = 0;

	places = calloc(count_places(listeners), sizeof(*places));
	firsts = calloc(listeners->count, sizeof(*firsts));
	if (!places || !firsts)
		return false;
	for (unsigned i = 0; i < listeners->count; i++) {
		const struct listen_conf *listen = listeners->list[i].conf;

		firsts[i] = next;
		places[next++] = (struct place){ .conf = listen, .listener = i };
		for (size_t k = 0; k < listen->location_count; k++)
			places[next++] = make_location(&listen->locations[k], i);
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
	unsigned first = firsts[listener], found = first;
	unsigned count = (unsigned)places[first].conf->location_count;

	for (unsigned i = first + 1; i <= first + count; i++)
		if (http_target_is_below(path, length, places[i].prefix) &&
		    (found == first || places[i].prefix.length > places[found].prefix.length))
			found = i;
	return found;
}

const struct listen_conf *place_conf(unsigned place)
{
	return places[place].conf;
}

unsigned place_listener(unsigned place)
{
	return places[place].listener;
}
