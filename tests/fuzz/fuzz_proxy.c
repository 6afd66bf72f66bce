/* SPDX-License-Identifier: MIT */
/*
 * PROXY headers. Each must give the same result whole, byte by byte, in pieces of another size, and
 * to a reader that takes only what is missing, which must not take a byte beyond the end. What a
 * header says is built anew and read again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/proxy_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
	struct proxy_header header;
	struct proxy_texts texts;
	enum proxy_progress progress;
	size_t used;
};

static void demand(bool claim, const char *what)
{
	if (claim)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

/* Reads a copy of exactly the bytes that have come, so that a sanitizer sees a read beyond them. */
static void read_until(struct reading *r, const char *bytes, size_t end)
{
	size_t n = end - r->used, used;
	char *exact = malloc(n > 0 ? n : 1);

	if (exact == NULL)
		abort();
	if (n > 0)
		memcpy(exact, bytes + r->used, n);
	r->progress = proxy_header_read(&r->header, &r->texts, exact, n, &used);
	free(exact);
	demand(used <= n, "more bytes than there are");
	r->used += used;
	demand((r->progress == PROXY_INVALID) == (r->header.error != PROXY_ERROR_none),
	       "invalid without a reason");
	demand(r->header.error < PROXY_ERRORS, "an unknown reason");
	demand(r->progress == PROXY_INVALID || proxy_header_is_sound(&r->header),
	       "an unsound state");
	demand(r->progress != PROXY_INCOMPLETE || end - r->used <= PROXY_REST_MOST,
	       "too many bytes are left");
}

static void read_in_pieces(struct reading *r, const char *bytes, size_t size, size_t piece)
{
	for (size_t end = 0; end < size && r->progress == PROXY_INCOMPLETE;) {
		end = size - end < piece ? size : end + piece;
		read_until(r, bytes, end);
	}
}

static void read_what_is_missing(struct reading *r, const char *bytes, size_t size)
{
	size_t end = 0;

	while (r->progress == PROXY_INCOMPLETE) {
		size_t missing = proxy_header_missing(&r->header, bytes + r->used, end - r->used);

		demand(missing > 0, "nothing is missing");
		if (missing > size - end)
			return;
		end += missing;
		read_until(r, bytes, end);
	}
	demand(r->progress == PROXY_INVALID || end == r->used, "a byte beyond the end was taken");
}

/* One that is invalid may have been found to be so early. */
static void demand_same(const struct reading *a, const struct reading *b)
{
	demand(a->progress == b->progress, "not the same progress");
	if (a->progress != PROXY_COMPLETE)
		return;
	demand(a->used == b->used, "not the same length");
	demand(memcmp(&a->header.facts, &b->header.facts, sizeof(a->header.facts)) == 0,
	       "not the same facts");
	demand(memcmp(&a->texts, &b->texts, sizeof(a->texts)) == 0, "not the same texts");
}

static void build_anew(const struct reading *r)
{
	const struct proxy_facts *f = &r->header.facts;
	struct addr source = net_to_addr(&f->source, f->source_port);
	struct addr destination = net_to_addr(&f->destination, f->destination_port);
	struct proxy_build build = { .version = f->version, .has_checksum = true };
	static struct reading again;
	char bytes[PROXY_BUILD_MOST];
	size_t size;

	if (f->source.family != AF_UNSPEC) {
		build.source = &source;
		build.destination = &destination;
	}
	proxy_build_set_facts(&build, f, &r->texts);
	size = proxy_header_build(&build, bytes);
	demand(size <= sizeof(bytes), "more than fits");
	memset(&again, 0, sizeof(again));
	read_until(&again, bytes, size);
	demand(again.progress == PROXY_COMPLETE && again.used == size, "not to be read again");
	demand(again.header.facts.source_port == f->source_port, "another port");
	/* of unknown family, nothing follows; of IPv4 in IPv6, IPv4 is built */
	if (f->source.family == AF_INET)
		demand(memcmp(&again.header.facts, f, sizeof(*f)) == 0, "other facts");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct reading whole, other;
	const char *bytes = (const char *)data;

	memset(&whole, 0, sizeof(whole));
	read_until(&whole, bytes, size);
	for (size_t piece = 1; piece < 300; piece = piece * 3 + 1) {
		memset(&other, 0, sizeof(other));
		read_in_pieces(&other, bytes, size, piece);
		demand_same(&whole, &other);
	}
	memset(&other, 0, sizeof(other));
	read_what_is_missing(&other, bytes, size);
	if (other.progress != PROXY_INCOMPLETE)
		demand_same(&whole, &other);
	if (whole.progress == PROXY_COMPLETE)
		build_anew(&whole);
	return 0;
}
