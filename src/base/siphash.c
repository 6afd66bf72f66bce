/* SPDX-License-Identifier: MIT */
/* One round for each word of the input, three at the end. */
#include "base/siphash.h"

#include <endian.h>
#include <string.h>

enum { WORD = 8, END_ROUNDS = 3 };

struct state {
	uint64_t v[4];
};

static uint64_t rotate(uint64_t x, unsigned by)
{
	return x << by | x >> (64 - by);
}

static void mix_state(struct state *s)
{
	uint64_t *v = s->v;

	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] = rotate(v[2], 32);
}

static void add_word(struct state *s, uint64_t word)
{
	s->v[3] ^= word;
	mix_state(s);
	s->v[0] ^= word;
}

/* The last word: the bytes that are left, and the size in its highest byte. */
static uint64_t last_word(const unsigned char *rest, size_t size)
{
	uint64_t word = (uint64_t)(size & 0xff) << 56;

	for (size_t i = 0; i < size % WORD; i++)
		word |= (uint64_t)rest[i] << (8 * i);
	return word;
}

uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;
	struct state s = { { key->halves[0] ^ UINT64_C(0x736f6d6570736575),
			     key->halves[1] ^ UINT64_C(0x646f72616e646f6d),
			     key->halves[0] ^ UINT64_C(0x6c7967656e657261),
			     key->halves[1] ^ UINT64_C(0x7465646279746573) } };
	uint64_t word;

	for (size_t left = size; left >= WORD; left -= WORD, at += WORD) {
		memcpy(&word, at, WORD);
		add_word(&s, le64toh(word));
	}
	add_word(&s, last_word(at, size));
	s.v[2] ^= 0xff;
	for (unsigned i = 0; i < END_ROUNDS; i++)
		mix_state(&s);
	return s.v[0] ^ s.v[1] ^ s.v[2] ^ s.v[3];
}
