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
#include "base/quote.h"
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
	for (size_t i = 0; i < conf->upstream_count; i++)
		if (conf->upstreams[i].is_made &&
		    &conf->listeners[conf->upstreams[i].listener] == listen)
			return &conf->upstreams[i];
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

/* Counts the listeners up to this one with its address as written: port 0 may have several. */
static unsigned number_of(const struct conf *conf, size_t index)
{
	unsigned number = 1;

	for (size_t i = 0; i < index; i++)
		number += strcmp(conf->listeners[i].address, conf->listeners[index].address) == 0;
	return number;
}

/* The address of the listener; where a title has no room for it, its beginning and a hash. */
static const char *title_of(const struct conf *conf, size_t index, char *title)
{
	enum { TAIL = 9 };
	char whole[ADDR_TEXT + 16], suffix[16] = "";
	unsigned number = number_of(conf, index);
	uint64_t hash;

	if (number > 1)
		snprintf(suffix, sizeof(suffix), "#%u", number);
	snprintf(whole, sizeof(whole), "%s%s", conf->listeners[index].address, suffix);
	hash = hash_bytes(whole, strlen(whole));
	snprintf(title, CONF_TITLE_MOST + 1, "%.*s", CONF_TITLE_MOST, whole);
	if (strlen(whole) > CONF_TITLE_MOST)
		snprintf(title + CONF_TITLE_MOST - TAIL, TAIL + 1, "~%08x",
			 (unsigned)(hash ^ hash >> 32));
	return title;
}

static bool make_one(struct conf *conf, size_t index, struct err *err)
{
	const struct option *server = option_find(SECTION_upstream, "server");
	const struct listen_conf *listen = &conf->listeners[index];
	char title[CONF_TITLE_MOST + 1], shown[QUOTE_TEXT];
	struct upstream_conf *made = conf_titled_add(
		conf, SECTION_upstream, title_of(conf, index, title), listen->origin, err);

	if (made == NULL)
		return err_prefix(err, "%s: listen.to: upstream %s: ", listen->origin,
				  quote_show(title, shown));
	made->is_made = true;
	made->listener = index;
	return option_read(server, made, (const char *const *)listen->to.texts, listen->to.count,
			   err) &&
	       conf_titled_set_place(made, server, conf_titled_place(listen, SECTION_listen, "to"),
				     err);
}

bool conf_upstream_takes(const struct option *option, const void *object)
{
	const struct upstream_conf *upstream = object;

	return option->section != SECTION_upstream || !upstream->is_made ||
	       strcmp(option->name, "server") != 0;
}

bool conf_upstream_make(struct conf *conf, struct err *err)
{
	for (size_t i = 0; i < conf->listener_count; i++)
		if (conf_upstream_is_proxy(&conf->listeners[i]) &&
		    conf->listeners[i].to.count > 0 && !make_one(conf, i, err))
			return false;
	return true;
}

bool conf_upstream_is_plain(const struct upstream_conf *upstream)
{
	bool is_plain = upstream->is_made;

	for (size_t i = 0; i < option_count && is_plain; i++)
		if (options[i].section == SECTION_upstream &&
		    strcmp(options[i].name, "server") != 0)
			is_plain = option_is_default(&options[i], upstream);
	return is_plain;
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
