/* SPDX-License-Identifier: MIT */
/* Reads the flag -P, and builds headers. Must not send. */
#include "client/proxy_flag.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/quote.h"

enum { TEXT_MOST = 512 };

static bool refuse_flag(const char *text, const char *why, struct err *err)
{
	char shown[QUOTE_TEXT];

	return err_set(
		err, CODE_USAGE,
		"--proxy %s: %s (v1 or v2, then ,SOURCE and ,DESTINATION as wanted; or local)",
		quote_show(text, shown), why);
}

/* An address alone, without a port. */
static bool read_bare(const char *text, struct addr *addr)
{
	size_t length = strlen(text);
	char bare[INET6_ADDRSTRLEN];
	struct net net;
	struct err err;

	if (text[0] == '[' && text[length - 1] == ']') {
		text++;
		length -= 2;
	}
	if (length >= sizeof(bare) || strchr(text, '/'))
		return false;
	snprintf(bare, sizeof(bare), "%.*s", (int)length, text);
	if (strcmp(bare, "unix") == 0 || !net_read(bare, &net, &err))
		return false;
	*addr = net_to_addr(&net, 0);
	return true;
}

/* A port alone would be the address of a listener. */
static bool read_end(struct proxy_end *end, const char *text, const char *all, struct err *err)
{
	end->is_given = text[0] != '\0';
	if (!end->is_given || read_bare(text, &end->addr))
		return true;
	end->has_port = true;
	if (text[0] == ':' || text[0] == '*' || !strchr(text, ':') || !addr_check(text, err))
		return refuse_flag(all,
				   "what follows the version is no address such as 192.0.2.1, "
				   "192.0.2.1:80 or [2001:db8::1]:80",
				   err);
	if (addr_resolve(text, &end->addr, 1, err) == 1)
		return true;
	err->code = CODE_NOHOST;
	return err_prefix(err, "--proxy: ");
}

static char *cut_word(char **rest)
{
	return strsep(rest, ",");
}

static bool read_version(struct proxy_flag *flag, const char *word, const char *all,
			 struct err *err)
{
	flag->is_local = strcmp(word, "local") == 0;
	flag->version = strcmp(word, "v1") == 0 ? 1 : 2;
	if (flag->is_local || flag->version == 1 || strcmp(word, "v2") == 0)
		return true;
	return refuse_flag(all, "it begins with none of the words", err);
}

bool proxy_flag_read(struct proxy_flag *flag, const char *text, struct err *err)
{
	char copy[TEXT_MOST], *rest = copy, *source, *destination;

	*flag = (struct proxy_flag){ 0 };
	if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy))
		return err_set(err, CODE_USAGE, "--proxy: the value is too long");
	if (!read_version(flag, cut_word(&rest), text, err))
		return false;
	source = rest ? cut_word(&rest) : NULL;
	destination = rest ? cut_word(&rest) : NULL;
	if (rest)
		return refuse_flag(text, "there is one word too many", err);
	if (flag->is_local && source)
		return refuse_flag(text, "a local header has no addresses", err);
	return (!source || read_end(&flag->source, source, text, err)) &&
	       (!destination || read_end(&flag->destination, destination, text, err));
}

static in_port_t *port_of(struct addr *addr)
{
	return addr->sa.sa_family == AF_INET ? &addr->in.sin_port : &addr->in6.sin6_port;
}

static struct addr find_end(const struct proxy_end *end, const struct addr *own)
{
	struct addr addr = end->is_given ? end->addr : *own, copy = *own;

	if (end->is_given && !end->has_port && own->sa.sa_family != AF_UNIX)
		*port_of(&addr) = *port_of(&copy);
	return addr;
}

size_t proxy_flag_write(const struct proxy_flag *flag, const struct addr *local,
			const struct addr *remote, char *to)
{
	struct addr source = find_end(&flag->source, local);
	struct addr destination = find_end(&flag->destination, remote);
	const struct proxy_build build = { .version = flag->version,
					   .is_local = flag->is_local,
					   .source = &source,
					   .destination = &destination };

	return proxy_header_build(&build, to);
}
