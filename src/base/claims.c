/* SPDX-License-Identifier: MIT */
/* A hash table with linear probing, at most half full. */
#include "base/claims.h"

#include <stdlib.h>

/* From the golden ratio: neighbouring numbers are spread far apart, each to a place of its own. */
#define SPREAD UINT32_C(0x9e3779b9)

bool claims_new(struct claims *claims, uint32_t most)
{
	size_t places = 2;

	while (places < 2 * (size_t)most)
		places *= 2;
	claims->mask = (uint32_t)(places - 1);
	claims->table = calloc(places, sizeof(*claims->table));
	return claims->table != NULL;
}

void claims_free(struct claims *claims)
{
	free(claims->table);
	claims->table = NULL;
}

/* The place where fd is stored, or would be. */
static struct claim *find_place(const struct claims *claims, int fd)
{
	uint32_t i = ((uint32_t)fd * SPREAD) & claims->mask;

	while (claims->table[i].count > 0 && claims->table[i].fd != fd)
		i = (i + 1) & claims->mask;
	return &claims->table[i];
}

static void add_claims(struct claims *claims, int fd, uint32_t count)
{
	struct claim *place = find_place(claims, fd);

	place->fd = fd;
	place->count += count;
}

void claims_count(struct claims *claims, int fd)
{
	add_claims(claims, fd, 1);
}

void claims_reserve(struct claims *claims, int fd)
{
	add_claims(claims, fd, 2);
}

bool claims_is_sole(const struct claims *claims, int fd)
{
	return find_place(claims, fd)->count == 1;
}
