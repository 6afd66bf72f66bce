/* SPDX-License-Identifier: MIT */
/* Sorts the few codings by what the client says of each. */
#include "services/files/coding.h"

static const struct coding codings[CODINGS] = {
	{ "br", ".br" },
	{ "zstd", ".zst" },
	{ "gzip", ".gz" },
};

unsigned coding_choose(const struct http_request *request, const char *head,
		       const struct coding **list)
{
	unsigned weights[CODINGS], count = 0;
	unsigned least = http_accept_coding(request, head, "identity");

	for (unsigned i = 0; i < CODINGS; i++) {
		unsigned weight = http_accept_coding(request, head, codings[i].name), at = count;

		if (weight == 0 || weight < least)
			continue;
		for (; at > 0 && weights[at - 1] < weight; at--) {
			weights[at] = weights[at - 1];
			list[at] = list[at - 1];
		}
		weights[at] = weight;
		list[at] = &codings[i];
		count++;
	}
	return count;
}
