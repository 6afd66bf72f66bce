/* SPDX-License-Identifier: MIT */
/* Reads and checks upstreams and their servers. It looks no name up. */
#include "config/conf_upstream.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/quote.h"
#include "base/units.h"
#include "config/conf_titled.h"
#include "config/option.h"

static bool is_proxy(const struct listen_conf *listen)
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
	if (!is_proxy(listen))
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
	char title[CONF_TITLE_MOST + 1];
	struct upstream_conf *made = conf_titled_add(
		conf, SECTION_upstream, title_of(&listen->to, title), listen->origin, err);

	if (made == NULL)
		return err_prefix(err, "%s: listen.to: ", listen->origin);
	made->is_made = true;
	return option_read(option_find(SECTION_upstream, "server"), made,
			   (const char *const *)listen->to.texts, listen->to.count, err);
}

bool conf_upstream_make(struct conf *conf, struct err *err)
{
	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct listen_conf *listen = &conf->listeners[i];

		if (!is_proxy(listen) || listen->to.count == 0 || find_made(conf, listen) != NULL)
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

/* Reads NAME=NUMBER; a piece of another name is left. */
static bool read_number(const char *piece, const char *name, unsigned most, unsigned *number,
			struct err *err)
{
	size_t length = strlen(name);
	char shown[QUOTE_TEXT];
	int64_t value;

	if (strncmp(piece, name, length) != 0 || piece[length] != '=')
		return true;
	if (!units_read_count(piece + length + 1, &value) || value < 1 || value > (int64_t)most)
		return err_set(err, CODE_CONFIG, "%s: %s is not a number (1 to %u)", name,
			       quote_show(piece + length + 1, shown), most);
	*number = (unsigned)value;
	return true;
}

static bool read_piece(const char *piece, struct upstream_server *server, struct err *err)
{
	unsigned weight = 0, connections = 0;
	char shown[QUOTE_TEXT];

	if (strcmp(piece, "backup") == 0)
		server->is_backup = true;
	else if (strcmp(piece, "down") == 0)
		server->is_down = true;
	else if (!read_number(piece, "weight", CONF_WEIGHT_MOST, &weight, err) ||
		 !read_number(piece, "max_connections", CONF_SERVER_CONNECTIONS_MOST, &connections,
			      err))
		return false;
	else if (weight == 0 && connections == 0)
		return err_set(err, CODE_CONFIG,
			       "%s is unknown (ADDRESS, then weight=N, max_connections=N, backup "
			       "or down)",
			       quote_show(piece, shown));
	server->weight = weight > 0 ? weight : server->weight;
	server->max_connections = connections > 0 ? connections : server->max_connections;
	return true;
}

/* A server has a host and a port of its own. */
static bool check_address(const char *address, struct err *err)
{
	char shown[QUOTE_TEXT];
	const char *colon = strrchr(address, ':');
	int64_t port;

	if (!addr_check(address, err))
		return false;
	if (strncmp(address, "unix:", strlen("unix:")) == 0)
		return true;
	if (colon == NULL || colon == address || address[0] == '*')
		return err_set(err, CODE_CONFIG, "%s has no host (such as 127.0.0.1:5432)",
			       quote_show(address, shown));
	if (units_read_count(colon + 1, &port) && port == 0)
		return err_set(err, CODE_CONFIG, "%s: a server has no port 0",
			       quote_show(address, shown));
	return true;
}

static bool read_server(char *text, struct upstream_server *server, struct err *err)
{
	char *rest, *piece = strtok_r(text, " \t", &rest);

	*server = (struct upstream_server){ .weight = 1 };
	if (piece == NULL)
		return err_set(err, CODE_CONFIG, "an address is needed");
	if (strlen(piece) >= sizeof(server->address))
		return err_set(err, CODE_CONFIG, "the address is too long (%d bytes)",
			       ADDR_TEXT - 1);
	if (!check_address(piece, err))
		return false;
	memcpy(server->address, piece, strlen(piece) + 1);
	while ((piece = strtok_r(NULL, " \t", &rest)) != NULL)
		if (!read_piece(piece, server, err))
			return false;
	return true;
}

bool conf_upstream_server(const struct upstream_conf *upstream, size_t index,
			  struct upstream_server *server, struct err *err)
{
	char text[512];

	snprintf(text, sizeof(text), "%s", upstream->server.texts[index]);
	return read_server(text, server, err) || err_prefix(err, "upstream.server: ");
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

static bool refuse_pair(const struct upstream_conf *upstream, const char *one, const char *other,
			const char *advice, struct err *err)
{
	return err_set(err, CODE_CONFIG, "%s: upstream %s: %s contradicts %s (%s)",
		       upstream->origin, upstream->title, one, other, advice);
}

static bool check_checks(const struct upstream_conf *upstream, struct err *err)
{
	bool exchanges = upstream->check == CHECK_EXPECT;

	if (upstream->check_send[0] != '\0' && !exchanges)
		return refuse_pair(upstream, "check_send", "check",
				   "only check = expect sends something", err);
	if (upstream->check_expect[0] != '\0' && !exchanges)
		return refuse_pair(upstream, "check_expect", "check",
				   "only check = expect reads an answer", err);
	if (upstream->check_expect[0] == '\0' && exchanges)
		return err_set(err, CODE_CONFIG,
			       "%s: upstream.check_expect: is missing (check = expect needs it)",
			       upstream->origin);
	return true;
}

/* A name may have addresses of any family. */
static bool has_server_for(const struct upstream_conf *upstream, int family)
{
	struct upstream_server server;
	struct addr addr;
	struct err err;

	for (size_t i = 0; i < upstream->server.count; i++)
		if (conf_upstream_server(upstream, i, &server, &err) &&
		    (conf_upstream_is_name(&server) ||
		     (addr_resolve(server.address, &addr, 1, &err) == 1 &&
		      addr.sa.sa_family == family)))
			return true;
	return false;
}

static bool check_bind_source(const struct upstream_conf *upstream, struct err *err)
{
	struct net net;

	if (upstream->bind_source[0] == '\0')
		return true;
	if (!net_read(upstream->bind_source, &net, err) || net.family == AF_UNIX ||
	    net.bits != (net.family == AF_INET ? 32 : 128)) {
		char shown[QUOTE_TEXT];

		return err_set(err, CODE_CONFIG,
			       "%s: upstream.bind_source: %s is not an address such as 192.0.2.1",
			       upstream->origin, quote_show(upstream->bind_source, shown));
	}
	if (!has_server_for(upstream, net.family))
		return refuse_pair(upstream, "bind_source", "server",
				   net.family == AF_INET ? "no server has an IPv4 address" :
							   "no server has an IPv6 address",
				   err);
	return true;
}

static bool check_twice(const struct upstream_conf *upstream, size_t index,
			const struct upstream_server *server, struct err *err)
{
	struct upstream_server other;

	for (size_t i = 0; i < index; i++)
		if (conf_upstream_server(upstream, i, &other, err) &&
		    strcmp(other.address, server->address) == 0)
			return err_set(err, CODE_CONFIG,
				       "%s: upstream.server: %s is given twice (use weight)",
				       upstream->origin, server->address);
	return true;
}

static bool check_servers(const struct upstream_conf *upstream, struct err *err)
{
	struct upstream_server server;
	size_t primary = 0;

	for (size_t i = 0; i < upstream->server.count; i++) {
		if (!conf_upstream_server(upstream, i, &server, err))
			return err_prefix(err, "%s: ", upstream->origin);
		if (!check_twice(upstream, i, &server, err))
			return false;
		if (server.is_backup && upstream->balance == BALANCE_HASH)
			return refuse_pair(upstream, "a backup server", "balance = hash",
					   "a hash has no backups", err);
		primary += !server.is_backup;
	}
	if (upstream->server.count == 0)
		return err_set(err, CODE_CONFIG,
			       "%s: upstream.server: is missing (server = {\"10.0.0.1:5432\"})",
			       upstream->origin);
	if (primary == 0)
		return err_set(err, CODE_CONFIG,
			       "%s: upstream.server: all servers are backups (one must not be)",
			       upstream->origin);
	return true;
}

static bool check_listener(const struct conf *conf, const struct listen_conf *listen,
			   struct err *err)
{
	if (!is_proxy(listen))
		return true;
	if (listen->to.count > 0 && listen->upstream[0] != '\0')
		return err_set(err, CODE_CONFIG,
			       "%s: listen.to contradicts listen.upstream (give one of the two)",
			       listen->origin);
	if (conf_upstream_of(conf, listen) != NULL)
		return true;
	return conf_titled_refuse(conf, SECTION_upstream, listen, listen->upstream, err);
}

bool conf_upstream_check(const struct conf *conf, struct err *err)
{
	size_t servers = 0;

	for (size_t i = 0; i < conf->listener_count; i++)
		if (!check_listener(conf, &conf->listeners[i], err))
			return false;
	for (size_t i = 0; i < conf->upstream_count; i++) {
		const struct upstream_conf *upstream = &conf->upstreams[i];

		servers += upstream->server.count;
		if (!check_servers(upstream, err) || !check_checks(upstream, err) ||
		    !check_bind_source(upstream, err))
			return false;
		if (servers > CONF_SERVERS_MOST)
			return err_set(err, CODE_CONFIG,
				       "%s: upstream.server: there are more than %d servers in all",
				       upstream->origin, CONF_SERVERS_MOST);
	}
	return true;
}
