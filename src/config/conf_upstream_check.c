/* SPDX-License-Identifier: MIT */
/* Checks what goes beyond one option of an upstream. Each option has checked its own value. */
#include "config/conf_upstream.h"

#include <stdio.h>
#include <string.h>

#include "base/quote.h"
#include "config/conf.h"
#include "config/conf_need.h"
#include "config/conf_titled.h"
#include "config/option.h"

bool conf_upstream_blame(const struct upstream_conf *upstream, const char *option, struct err *err)
{
	const char *place = conf_titled_place(upstream, SECTION_upstream, option);

	if (upstream->is_made && strcmp(option, "server") == 0)
		return err_prefix(err, "%s: listen.to: ", place);
	return err_prefix(err, "%s: upstream.%s: ", place, option);
}

static bool refuse(const struct upstream_conf *upstream, const char *option, const char *why,
		   struct err *err)
{
	err_set(err, CODE_CONFIG, "%s", why);
	return conf_upstream_blame(upstream, option, err);
}

static bool check_needs(const struct upstream_conf *upstream, struct err *err)
{
	bool checks = upstream->check != CHECK_OFF, exchanges = upstream->check == CHECK_EXPECT;
	const struct conf_need needs[] = {
		{ "check_send", "check = expect", exchanges },
		{ "check_expect", "check = expect", exchanges },
		{ "check_interval", "check", checks },
		{ "check_timeout", "check", checks },
		{ "fail_timeout", "max_fails", upstream->max_fails > 0 },
		{ "slow_start", "max_fails or check", upstream->max_fails > 0 || checks },
		{ "slow_start", "a balance other than hash", upstream->balance != BALANCE_HASH },
		{ "half_close_timeout", "half_close", upstream->half_close },
	};

	if (!conf_need_check(upstream, SECTION_upstream, needs, sizeof(needs) / sizeof(*needs),
			     err))
		return false;
	if (exchanges && upstream->check_expect[0] == '\0') {
		err_set(err, CODE_CONFIG, "is missing (check = expect needs it)");
		return conf_upstream_blame(upstream, "check_expect", err);
	}
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

static bool is_link_local(const struct net *net)
{
	return net->family == AF_INET6 && net->bytes[0] == 0xfe && (net->bytes[1] & 0xc0) == 0x80;
}

/* No connection comes from a multicast address, and all zeros leave the choice to the kernel. */
static bool is_of_no_host(const struct net *net)
{
	static const uint8_t zeros[sizeof(net->bytes)];

	return memcmp(net->bytes, zeros, sizeof(zeros)) == 0 ||
	       (net->family == AF_INET ? net->bytes[0] >= 224 : net->bytes[0] == 0xff);
}

static bool check_bind_source(const struct upstream_conf *upstream, struct err *err)
{
	char shown[QUOTE_TEXT];
	struct net net;

	if (upstream->bind_source[0] == '\0')
		return true;
	quote_show(upstream->bind_source, shown);
	if (!net_read(upstream->bind_source, &net, err) || !net_is_host(&net))
		err_set(err, CODE_CONFIG, "%s is not an address such as 192.0.2.1", shown);
	else if (is_of_no_host(&net))
		err_set(err, CODE_CONFIG,
			"%s is no address of a host (leave it out: then the kernel chooses)",
			shown);
	else if (is_link_local(&net))
		err_set(err, CODE_CONFIG,
			"%s is a link-local address, whose interface bind_source cannot name (give "
			"another address of this machine)",
			shown);
	else if (has_server_for(upstream, net.family))
		return true;
	else
		err_set(err, CODE_CONFIG, "%s contradicts server (no server has an %s address)",
			shown, net.family == AF_INET ? "IPv4" : "IPv6");
	return conf_upstream_blame(upstream, "bind_source", err);
}

static bool check_twice(const struct upstream_conf *upstream, size_t index,
			const struct upstream_server *server, struct err *err)
{
	struct upstream_server other;

	for (size_t i = 0; i < index; i++) {
		if (!conf_upstream_server(upstream, i, &other, err) ||
		    strcmp(other.address, server->address) != 0)
			continue;
		err_set(err, CODE_CONFIG, "%s is given twice (use weight)", server->address);
		return conf_upstream_blame(upstream, "server", err);
	}
	return true;
}

static bool check_servers(const struct upstream_conf *upstream, struct err *err)
{
	struct upstream_server server;
	size_t primary = 0;

	for (size_t i = 0; i < upstream->server.count; i++) {
		if (!conf_upstream_server(upstream, i, &server, err))
			return conf_upstream_blame(upstream, "server", err);
		if (!check_twice(upstream, i, &server, err))
			return false;
		if (server.is_backup && upstream->balance == BALANCE_HASH) {
			err_set(err, CODE_CONFIG,
				"%s: backup contradicts balance = hash (a hash has no backups)",
				server.address);
			return conf_upstream_blame(upstream, "server", err);
		}
		primary += !server.is_backup;
	}
	if (upstream->server.count == 0)
		return refuse(upstream, "server", "is missing (server = {\"10.0.0.1:5432\"})", err);
	return primary > 0 ||
	       refuse(upstream, "server", "all servers are backups (one must not be)", err);
}

/* A wildcard has the loopback addresses too. */
static bool is_itself(const struct listen_conf *listen, const struct upstream_server *server)
{
	const char *at = server->address, *port = strrchr(at, ':');
	bool is_loopback = strncmp(at, "127.", 4) == 0 || strncmp(at, "[::1]:", 6) == 0 ||
			   strncmp(at, "localhost:", 10) == 0;
	char all[ADDR_TEXT];

	if (conf_same_address(listen->address, at))
		return true;
	snprintf(all, sizeof(all), "*%s", port);
	return is_loopback && conf_same_address(listen->address, all);
}

static bool check_loop(const struct listen_conf *listen, const struct upstream_conf *upstream,
		       struct err *err)
{
	struct upstream_server server;
	char shown[QUOTE_TEXT];

	for (size_t i = 0; i < upstream->server.count; i++) {
		if (!conf_upstream_server(upstream, i, &server, err) || !is_itself(listen, &server))
			continue;
		err_set(err, CODE_CONFIG,
			"%s is the listener itself, which would connect to itself (%s: listen %s)",
			server.address, listen->origin, quote_show(listen->address, shown));
		return conf_upstream_blame(upstream, "server", err);
	}
	return true;
}

static bool check_listener(const struct conf *conf, const struct listen_conf *listen,
			   struct err *err)
{
	const struct upstream_conf *upstream = conf_upstream_of(conf, listen);

	if (!conf_upstream_is_proxy(listen))
		return true;
	if (listen->to.count > 0 && listen->upstream[0] != '\0')
		return err_set(err, CODE_CONFIG,
			       "%s: listen.to: contradicts listen.upstream (give one of the two)",
			       conf_listen_place(listen, "to"));
	if (upstream != NULL)
		return check_loop(listen, upstream, err);
	if (listen->upstream[0] == '\0')
		return err_set(err, CODE_CONFIG,
			       "%s: listen.to: is missing (servers such as 10.0.0.1:5432; or "
			       "upstream, the title of a section upstream)",
			       listen->origin);
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
		if (!check_servers(upstream, err) || !check_needs(upstream, err) ||
		    !check_bind_source(upstream, err))
			return false;
		if (servers <= CONF_SERVERS_MOST)
			continue;
		err_set(err, CODE_CONFIG, "there are more than %d servers in all",
			CONF_SERVERS_MOST);
		return conf_upstream_blame(upstream, "server", err);
	}
	return true;
}
