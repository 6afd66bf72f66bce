/* SPDX-License-Identifier: MIT */
/*
 * A hash table with linear probing, at most half full. It asks the system nothing: whether a
 * descriptor is open is the recovery's business.
 */
#include "worker/fd_claims.h"

#include <stdlib.h>

/* Of the golden ratio: neighbours come to stand far apart, and all of them somewhere else. */
#define SPREAD UINT32_C(0x9e3779b9)

bool fd_claims_new(struct fd_claims *claims, uint32_t most)
{
	size_t places = 2;

	while (places < 2 * (size_t)most)
		places *= 2;
	claims->mask = (uint32_t)(places - 1);
	claims->table = calloc(places, sizeof(*claims->table));
	return claims->table != NULL;
}

void fd_claims_free(struct fd_claims *claims)
{
	free(claims->table);
	claims->table = NULL;
}

/* Where fd stands, or would. */
static struct claim *find_place(const struct fd_claims *claims, int fd)
{
	uint32_t i = ((uint32_t)fd * SPREAD) & claims->mask;

	while (claims->table[i].count > 0 && claims->table[i].fd != fd)
		i = (i + 1) & claims->mask;
	return &claims->table[i];
}

static void add_claims(struct fd_claims *claims, int fd, uint32_t count)
{
	struct claim *place = find_place(claims, fd);

	place->fd = fd;
	place->count += count;
}

void fd_claims_count(struct fd_claims *claims, int fd)
{
	add_claims(claims, fd, 1);
}

void fd_claims_reserve(struct fd_claims *claims, int fd)
{
	add_claims(claims, fd, 2);
}

bool fd_claims_is_sole(const struct fd_claims *claims, int fd)
{
	return find_place(claims, fd)->count == 1;
}
