/* SPDX-License-Identifier: MIT */
/* Gathers what a header says. base/proxy_header.h builds it. */
#include "services/proxy/send_header.h"

#include "worker/pair/pair_connect.h"

static unsigned version_of(const struct upstream *u)
{
	return u->conf->send_proxy == SEND_PROXY_V2 ? 2 : 1;
}

/* The address that the client connected to: here, or at the first proxy. */
static bool find_destination(const struct conn *client, const struct proxy_facts *facts,
			     struct addr *address)
{
	if (facts && facts->destination.family != 0) {
		*address = net_to_addr(&facts->destination, facts->destination_port);
		return true;
	}
	return pair_local_address(client, address);
}

size_t send_header_put(struct conn *client, const struct upstream *u)
{
	const struct proxy_facts *facts = conn_proxy_facts(client);
	const struct record *r = client->record;
	struct proxy_build build = { .version = version_of(u), .has_checksum = true };
	char text[PROXY_BUILD_MOST];
	struct addr source, destination;
	size_t size;

	if (u->conf->send_proxy == SEND_PROXY_OFF)
		return 0;
	source = net_to_addr(&r->remote, r->remote_port);
	if (source.sa.sa_family != AF_UNIX && find_destination(client, facts, &destination)) {
		build.source = &source;
		build.destination = &destination;
	}
	if (facts) /* what another proxy has said of the client goes on as it is */
		proxy_build_set_facts(&build, facts, client->proxy_texts);
	size = proxy_header_build(&build, text);
	buf_put(&client->peer->out, text, size);
	return size;
}

size_t send_header_of_check(const struct upstream *u, char *text)
{
	const struct proxy_build build = { .version = version_of(u), .is_local = true };

	return u->conf->send_proxy == SEND_PROXY_OFF ? 0 : proxy_header_build(&build, text);
}
