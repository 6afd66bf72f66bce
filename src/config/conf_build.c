/* SPDX-License-Identifier: MIT */
/* Puts a configuration together, listener by listener. Must not know where a value comes from. */
#include "config/conf_build.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/addr.h"
#include "base/quote.h"
#include "base/units.h"

const struct service_row conf_build_services[] = {
#define SERVICE(name, sentence) { #name, sentence },
#include "tables/services.def"
};
enum { SERVICE_COUNT = sizeof(conf_build_services) / sizeof(conf_build_services[0]) };
const size_t conf_build_service_count = SERVICE_COUNT;

struct conf *conf_build_new(struct err *err)
{
	struct conf *conf = calloc(1, sizeof(*conf));

	if (conf == NULL) {
		err_errno(err, CODE_OSERR, "cannot keep the configuration");
		return NULL;
	}
	conf->places = calloc(option_count, sizeof(*conf->places));
	if (conf->places == NULL)
		err_errno(err, CODE_OSERR, "cannot keep the configuration");
	if (conf->places == NULL || !option_defaults(SECTION_main, conf, err) ||
	    !option_defaults(SECTION_log, conf, err)) {
		conf_free(conf);
		return NULL;
	}
	return conf;
}

bool conf_build_place(struct conf *conf, const struct option *option, const char *text,
		      struct err *err)
{
	char **place = &conf->places[option - options];

	free(*place);
	*place = strdup(text);
	return *place != NULL || err_errno(err, CODE_OSERR, "cannot keep a place");
}

static void listener_free(struct listen_conf *listener)
{
	option_free(SECTION_listen, listener);
	free(listener->address);
	free(listener->origin);
}

void conf_build_truncate(struct conf *conf, size_t keep)
{
	while (conf->listener_count > keep)
		listener_free(&conf->listeners[--conf->listener_count]);
}

/* The parts of a written address, in one form for all spellings of it. */
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

bool conf_build_same_address(const char *a, const char *b)
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
		if (conf_build_same_address(conf->listeners[i].address, address))
			return err_set(err, CODE_CONFIG, "the address is given twice (first: %s)",
				       conf->listeners[i].origin);
	return true;
}

struct listen_conf *conf_build_add(struct conf *conf, const char *address, const char *origin,
				   struct err *err)
{
	struct listen_conf *list, *added;

	if (!addr_check(address, err) || !is_free(conf, address, err))
		return NULL;
	list = reallocarray(conf->listeners, conf->listener_count + 1, sizeof(*list));
	if (list == NULL) {
		err_errno(err, CODE_OSERR, "cannot keep a listener");
		return NULL;
	}
	conf->listeners = list;
	added = &list[conf->listener_count];
	memset(added, 0, sizeof(*added));
	added->address = strdup(address);
	added->origin = strdup(origin);
	conf->listener_count++;
	if (added->address == NULL || added->origin == NULL) {
		err_errno(err, CODE_OSERR, "cannot keep a listener");
		return NULL;
	}
	return option_defaults(SECTION_listen, added, err) ? added : NULL;
}

bool conf_build_is_service(const char *text, struct err *err)
{
	const char *names[SERVICE_COUNT], *nearest;
	char shown[QUOTE_TEXT], all[256];

	for (size_t i = 0; i < SERVICE_COUNT; i++) {
		names[i] = conf_build_services[i].name;
		if (strcmp(names[i], text) == 0)
			return true;
	}
	nearest = units_nearest(text, names, SERVICE_COUNT);
	return err_set(err, CODE_CONFIG, "%s is not a service (%s%s%s%s)", quote_show(text, shown),
		       quote_list(names, SERVICE_COUNT, all, sizeof(all)),
		       nearest ? "; did you mean " : "", nearest ? nearest : "",
		       nearest ? "?" : "");
}

bool conf_build_belongs(const struct option *option, const struct listen_conf *listener,
			struct err *err)
{
	if (option->service[0] == '\0' || strcmp(option->service, listener->service) == 0)
		return true;
	return err_set(err, CODE_CONFIG, "%s: belongs to service %s, not %s", option->name,
		       option->service, listener->service);
}
