/* SPDX-License-Identifier: MIT */
/* The tables of texts and errors, and looks at facts. */
#include "base/proxy_facts.h"

#include <string.h>

enum place { PLACE_HEADER, PLACE_SSL };
enum over { OVER_INVALID, OVER_SKIPPED };

const struct proxy_text_row proxy_text_rows[PROXY_TEXTS] = {
#define PROXY_TEXT(name, type, place, most, over, sentence)                    \
	{ type, PLACE_##place == PLACE_SSL, most, OVER_##over == OVER_SKIPPED, \
	  offsetof(struct proxy_texts, name) },
#include "tables/proxy_texts.def"
};

static const struct {
	const char *name, *sentence;
} errors[PROXY_ERRORS] = {
#define PROXY_ERROR(name, sentence) { #name, sentence },
#include "tables/proxy_errors.def"
};

const char *proxy_error_name(enum proxy_error error)
{
	return errors[error].name;
}

const char *proxy_error_sentence(enum proxy_error error)
{
	return errors[error].sentence;
}

bool proxy_facts_have_texts(const struct proxy_facts *facts)
{
	static const uint8_t none[PROXY_TEXTS];

	return memcmp(facts->lengths, none, sizeof(none)) != 0;
}

bool proxy_facts_are_any(const struct proxy_facts *facts)
{
	return facts->source.family != AF_UNSPEC || facts->has_ssl || proxy_facts_have_texts(facts);
}

const char *proxy_facts_text(const struct proxy_facts *facts, const struct proxy_texts *texts,
			     enum proxy_text which, size_t *length)
{
	*length = facts->lengths[which];
	return *length > 0 ? (const char *)texts + proxy_text_rows[which].at : NULL;
}

static bool is_sound_net(const struct net *net)
{
	return net->family == AF_UNSPEC ? net->bits == 0 : net_is_host(net);
}

bool proxy_facts_are_sound(const struct proxy_facts *facts)
{
	for (unsigned i = 0; i < PROXY_TEXTS; i++)
		if (facts->lengths[i] > proxy_text_rows[i].most)
			return false;
	return is_sound_net(&facts->source) && is_sound_net(&facts->destination) &&
	       facts->source.family == facts->destination.family && facts->version <= 2 &&
	       facts->has_ssl <= 1;
}
