/* SPDX-License-Identifier: MIT */
/* Finds what is kept of PROXY headers. worker/preface/preface.c reads them. */
#include "worker/preface/proxied.h"

struct proxy_header *proxied_header(const struct arena *arena, const struct record *client)
{
	return client->proxy != PROXY_NONE ? &arena->proxies[client->index] : NULL;
}

struct proxy_texts *proxied_texts(const struct arena *arena, const struct record *client)
{
	const struct proxy_header *header = proxied_header(arena, client);

	return header && proxy_facts_have_texts(&header->facts) ?
		       &arena->proxy_texts[client->index] :
		       NULL;
}

bool proxied_is_sound(const struct arena *arena, const struct record *client)
{
	const struct proxy_header *header = proxied_header(arena, client);

	if (!header)
		return true;
	if (!proxy_header_is_sound(header))
		return false;
	return client->proxy == PROXY_AWAITED ?
		       header->stage != PROXY_STAGE_DONE :
		       header->stage == PROXY_STAGE_DONE && proxy_facts_are_any(&header->facts);
}
