/* SPDX-License-Identifier: MIT */
/*
 * Finds and makes upstreams, and reads their servers; conf_upstream_check.c checks them. It looks
 * no name up.
 */
#include "config/conf_upstream.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "config/conf.h"
#include "config/conf_titled.h"
#include "config/option.h"

bool conf_upstream_is_proxy(const struct listen_conf *listen)
{
	return strcmp(listen->service, "proxy") == 0;
}

/* The one that was made of the listener's `to`. */
static const struct upstream_conf *find_made(const struct conf *conf,
					     const struct listen_conf *listen)
{
	for (size_t i = 0; i < conf->upstream_count; i++) {
		const struct upstream_conf *upstream = &conf->upstreams[i];

		if (upstream->is_made &&
		    option_types[KIND_LIST]->equal(&upstream->server, &listen->to))
			return upstream;
	}
	return NULL;
}

const struct upstream_conf *conf_upstream_of(const struct conf *conf,
					     const struct listen_conf *listen)
{
	if (!conf_upstream_is_proxy(listen))
		return NULL;
	if (listen->to.count > 0)
		return find_made(conf, listen);
	return conf_titled_find(conf, SECTION_upstream, listen->upstream);
}

bool conf_upstream_has_listener(const struct conf *conf, const struct upstream_conf *upstream)
{
	for (size_t i = 0; i < conf->listener_count; i++)
		if (conf_upstream_of(conf, &conf->listeners[i]) == upstream)
			return true;
	return false;
}

static bool is_unused(const struct conf *conf, const void *object)
{
	return !conf_upstream_has_listener(conf, object);
}

void conf_upstream_drop_unused(struct conf *conf)
{
	conf_titled_drop(conf, SECTION_upstream, is_unused);
}

/* Titled by its servers; where a title has no room for all, by the first ones and a hash of all. */
static const char *title_of(const struct text_list *to, char *title)
{
	enum { TAIL = 9 };
	uint64_t hash = 0;
	size_t used = 0;

	for (size_t i = 0; i < to->count; i++) {
		hash = hash * 31 + hash_bytes(to->texts[i], strlen(to->texts[i]));
		if (used <= CONF_TITLE_MOST)
			used += (size_t)snprintf(title + used, CONF_TITLE_MOST + 1 - used, "%s%s",
						 i > 0 ? "," : "", to->texts[i]);
	}
	if (used > CONF_TITLE_MOST)
		snprintf(title + CONF_TITLE_MOST - TAIL, TAIL + 1, "~%08x",
			 (unsigned)(hash ^ hash >> 32));
	return title;
}

static bool make_one(struct conf *conf, const struct listen_conf *listen, struct err *err)
{
	const struct option *server = option_find(SECTION_upstream, "server");
	char title[CONF_TITLE_MOST + 1];
	struct upstream_conf *made = conf_titled_add(
		conf, SECTION_upstream, title_of(&listen->to, title), listen->origin, err);

	if (made == NULL)
		return err_prefix(err, "%s: listen.to: ", listen->origin);
	made->is_made = true;
	return option_read(server, made, (const char *const *)listen->to.texts, listen->to.count,
			   err) &&
	       conf_titled_set_place(made, server, conf_listen_place(listen, "to"), err);
}

bool conf_upstream_takes(const struct option *option, const void *object)
{
	const struct upstream_conf *upstream = object;

	return option->section != SECTION_upstream || !upstream->is_made ||
	       strcmp(option->name, "server") != 0;
}

bool conf_upstream_make(struct conf *conf, struct err *err)
{
	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct listen_conf *listen = &conf->listeners[i];

		if (!conf_upstream_is_proxy(listen) || listen->to.count == 0 ||
		    find_made(conf, listen) != NULL)
			continue;
		if (!make_one(conf, listen, err))
			return false;
	}
	return true;
}

int64_t conf_upstream_idle_ms(const struct upstream_conf *upstream,
			      const struct listen_conf *listen)
{
	return upstream->idle_timeout > 0 ? upstream->idle_timeout : listen->idle_timeout;
}

bool conf_upstream_server(const struct upstream_conf *upstream, size_t index,
			  struct upstream_server *server, struct err *err)
{
	return conf_server_read(upstream->server.texts[index], server, err);
}

bool conf_upstream_is_name(const struct upstream_server *server)
{
	char host[ADDR_TEXT];
	const char *colon = strrchr(server->address, ':');
	unsigned char number[sizeof(struct in6_addr)];

	if (strncmp(server->address, "unix:", strlen("unix:")) == 0 || server->address[0] == '[')
		return false;
	snprintf(host, sizeof(host), "%.*s", (int)(colon - server->address), server->address);
	return inet_pton(AF_INET, host, number) != 1 && inet_pton(AF_INET6, host, number) != 1;
}
