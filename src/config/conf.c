/* SPDX-License-Identifier: MIT */
/*
 * The configuration as a whole: built listener by listener, compared with another.
 * It does not know the source of a value and touches nothing of the environment.
 */
#include "config/conf.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/addr.h"
#include "base/quote.h"
#include "base/sys.h"
#include "base/units.h"
#include "config/conf_location.h"
#include "config/conf_place.h"
#include "config/conf_titled.h"
#include "config/conf_upstream.h"
#include "config/cpus.h"

const struct service_row conf_services[] = {
#define SERVICE(name, sentence) { #name, sentence },
#include "tables/services.def"
};
enum { SERVICE_COUNT = sizeof(conf_services) / sizeof(conf_services[0]) };
const size_t conf_service_count = SERVICE_COUNT;

struct conf *conf_new(struct err *err)
{
	struct conf *conf = calloc(1, sizeof(*conf));

	if (conf == NULL) {
		err_errno(err, CODE_OSERR, "cannot keep the configuration");
		return NULL;
	}
	conf->places = conf_place_new();
	if (conf->places == NULL)
		err_errno(err, CODE_OSERR, "cannot keep the configuration");
	if (conf->places == NULL || !option_defaults(SECTION_main, conf, err) ||
	    !option_defaults(SECTION_log, conf, err)) {
		conf_free(conf);
		return NULL;
	}
	return conf;
}

bool conf_set_place(struct conf *conf, const struct option *option, const char *text,
		    struct err *err)
{
	return conf_place_set(conf->places, option, text, err);
}

const char *conf_listen_place(const struct listen_conf *listener, const char *name)
{
	return conf_titled_place(listener, SECTION_listen, name);
}

static void listener_free(struct listen_conf *listener)
{
	conf_location_drop(listener);
	option_free(SECTION_listen, listener);
	conf_place_free(listener->places);
	free(listener->users);
	free(listener->address);
	free(listener->origin);
}

void conf_drop_listeners(struct conf *conf, size_t keep)
{
	while (conf->listener_count > keep)
		listener_free(&conf->listeners[--conf->listener_count]);
}

/* The parts of a written address, in one form for all its spellings. */
struct written {
	char host[256];
	int64_t port;
};

static void take_host(const char *host, size_t len, struct written *to)
{
	unsigned char number[sizeof(struct in6_addr)];

	if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	}
	snprintf(to->host, sizeof(to->host), "%.*s", (int)len, len > 0 ? host : "*");
	if (len == 0)
		snprintf(to->host, sizeof(to->host), "*");
	else if (inet_pton(AF_INET6, to->host, number) == 1)
		inet_ntop(AF_INET6, number, to->host, sizeof(to->host));
}

static bool take_apart(const char *text, struct written *to)
{
	const char *colon = strrchr(text, ':');

	take_host(text, colon ? (size_t)(colon - text) : 0, to);
	return units_read_count(colon ? colon + 1 : text, &to->port);
}

bool conf_same_address(const char *a, const char *b)
{
	struct written x = { .port = 0 }, y = { .port = 0 };

	if (strncmp(a, "unix:", 5) == 0 || strncmp(b, "unix:", 5) == 0)
		return strcmp(a, b) == 0;
	return take_apart(a, &x) && take_apart(b, &y) && x.port != 0 && x.port == y.port &&
	       strcasecmp(x.host, y.host) == 0;
}

static bool is_free(const struct conf *conf, const char *address, struct err *err)
{
	for (size_t i = 0; i < conf->listener_count; i++)
		if (conf_same_address(conf->listeners[i].address, address))
			return err_set(err, CODE_CONFIG, "the address is given twice (first: %s)",
				       conf->listeners[i].origin);
	return true;
}

struct listen_conf *conf_add_listener(struct conf *conf, const char *address, const char *origin,
				      struct err *err)
{
	struct listen_conf *list, *added;

	if (!addr_check(address, err) || !is_free(conf, address, err))
		return NULL;
	list = conf_titled_grow(conf->listeners, conf->listener_count, sizeof(*list), address,
				origin, err);
	if (list == NULL)
		return NULL;
	conf->listeners = list;
	added = &list[conf->listener_count++];
	return option_defaults(SECTION_listen, added, err) ? added : NULL;
}

bool conf_is_service(const char *text, struct err *err)
{
	const char *names[SERVICE_COUNT], *nearest;
	char shown[QUOTE_TEXT], all[256];

	for (size_t i = 0; i < SERVICE_COUNT; i++) {
		names[i] = conf_services[i].name;
		if (strcmp(names[i], text) == 0)
			return true;
	}
	nearest = units_nearest(text, names, SERVICE_COUNT);
	return err_set(err, CODE_CONFIG, "%s is not a service (%s%s%s%s)", quote_show(text, shown),
		       quote_list(names, SERVICE_COUNT, all, sizeof(all)),
		       nearest ? "; did you mean " : "", nearest ? nearest : "",
		       nearest ? "?" : "");
}

static bool is_known(const struct option *option, const struct listen_conf *listener)
{
	return option->service[0] == '\0' || option_is_for(option, listener->service);
}

bool conf_needs_proxy(const struct option *option)
{
	return option->section == SECTION_listen &&
	       (strcmp(option->name, "trusted") == 0 ||
		strcmp(option->name, "accept_proxy_timeout") == 0);
}

bool conf_check_effect_of(const struct option *option, const struct listen_conf *listener,
			  struct err *err)
{
	char services[OPTION_SERVICES];

	if (!is_known(option, listener))
		return err_set(err, CODE_CONFIG, "%s: belongs to %s, not %s", option->name,
			       option_services(option, services), listener->service);
	if (!conf_needs_proxy(option) || listener->accept_proxy)
		return true;
	return err_set(
		err, CODE_CONFIG,
		"%s: has no effect, because the listen at %s has accept_proxy = no (set yes, "
		"or leave it out)",
		option->name, listener->origin);
}

void conf_free(struct conf *conf)
{
	if (conf == NULL)
		return;
	conf_drop_listeners(conf, 0);
	conf_titled_drop(conf, SECTION_program, NULL);
	conf_titled_drop(conf, SECTION_upstream, NULL);
	conf_titled_drop(conf, SECTION_tls, NULL);
	free(conf->listeners);
	free(conf->origin);
	conf_place_free(conf->places);
	option_free(SECTION_main, conf);
	option_free(SECTION_log, conf);
	free(conf);
}

/* Port 0 may occur more than once, and is compared as text. */
static bool is_same_listen(const char *a, const char *b)
{
	return strcmp(a, b) == 0 || conf_same_address(a, b);
}

/* Returns the nth listener with that written address. */
static const struct listen_conf *find_listener(const struct conf *conf, const char *address,
					       size_t nth)
{
	for (size_t i = 0; i < conf->listener_count; i++)
		if (is_same_listen(conf->listeners[i].address, address) && nth-- == 0)
			return &conf->listeners[i];
	return NULL;
}

static size_t earlier_ones(const struct conf *conf, size_t index)
{
	size_t count = 0;

	for (size_t i = 0; i < index; i++)
		count += is_same_listen(conf->listeners[i].address, conf->listeners[index].address);
	return count;
}

/* Returns the first option of the section that differs and needs a restart, or NULL. */
static const struct option *find_fixed(enum option_section section, const void *from,
				       const void *to)
{
	for (size_t i = 0; i < option_count; i++)
		if (options[i].section == section && options[i].reload == OPTION_RESTART &&
		    !option_equal(&options[i], from, to))
			return &options[i];
	return NULL;
}

static bool refuse_change(const struct option *option, struct err *err)
{
	char name[OPTION_NAME];

	return err_set(err, CODE_CONFIG, "%s: cannot change at run time (restart the server)",
		       option_full_name(option, name));
}

bool conf_can_reload(const struct conf *from, const struct conf *to, struct err *err)
{
	const struct option *fixed = find_fixed(SECTION_main, from, to);
	char shown[QUOTE_TEXT], name[OPTION_NAME];

	if (fixed == NULL)
		fixed = find_fixed(SECTION_log, from, to);
	if (fixed != NULL) {
		refuse_change(fixed, err);
		return err_prefix(err, "%s: ", conf_place(to, option_full_name(fixed, name)));
	}
	for (size_t i = 0; i < to->listener_count; i++) {
		const struct listen_conf *now = &to->listeners[i];
		const struct listen_conf *was =
			find_listener(from, now->address, earlier_ones(to, i));

		fixed = was != NULL ? find_fixed(SECTION_listen, was, now) : NULL;
		if (fixed == NULL)
			continue;
		refuse_change(fixed, err);
		return err_prefix(err, "%s: listen %s: ", now->origin,
				  quote_show(now->address, shown));
	}
	return true;
}

const char *conf_place(const struct conf *conf, const char *full_name)
{
	char name[OPTION_NAME];

	for (size_t i = 0; i < option_count; i++)
		if (conf->places[i] != NULL &&
		    strcmp(option_full_name(&options[i], name), full_name) == 0)
			return conf->places[i];
	return conf->origin;
}

unsigned conf_workers(const struct conf *conf)
{
	unsigned most = 256, cpus = cpus_usable();

	if (conf->workers > 0)
		return (unsigned)conf->workers;
	return cpus < most ? cpus : most;
}

unsigned conf_copies(const struct conf *conf, const struct program_conf *program)
{
	return program->copies > 0 ? (unsigned)program->copies : conf_workers(conf);
}

bool conf_drops_user(const struct conf *conf)
{
	return geteuid() == 0 && strcmp(conf->user, "root") != 0;
}
