/* SPDX-License-Identifier: MIT */
/* Keeps the waiting lines' place in the arena's head as one word. Called by the access log. */
#include "worker/accessbuf.h"

static void keep(const struct accessbuf *b)
{
	uint64_t span = (uint64_t)b->start << 32 | b->end;

	/* the bytes before the word that counts them in; the reader is a process after a death */
	atomic_signal_fence(memory_order_seq_cst);
	atomic_store_explicit(&b->arena->head->log_span, span, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
}

struct accessbuf accessbuf_of(struct arena *arena)
{
	uint64_t span = atomic_load_explicit(&arena->head->log_span, memory_order_relaxed);
	struct accessbuf b = { .arena = arena,
			       .start = (uint32_t)(span >> 32),
			       .end = (uint32_t)span };

	if (b.end > ARENA_LOG_SIZE || b.start > b.end)
		b.start = b.end = 0;
	while (b.end > b.start && arena->log[b.end - 1] != '\n')
		b.end--;
	if (b.start == b.end)
		b.start = b.end = 0;
	return b;
}

void accessbuf_add(struct accessbuf *b, size_t n)
{
	b->end += (uint32_t)n;
	keep(b);
}

void accessbuf_drop(struct accessbuf *b, size_t n)
{
	b->start += (uint32_t)n;
	if (b->start == b->end)
		b->start = b->end = 0;
	keep(b);
}

uint64_t accessbuf_lines(const struct accessbuf *b, size_t n)
{
	const char *at = accessbuf_head(b), *end = at + n;
	uint64_t lines = 0;

	while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		lines++;
		at++;
	}
	return lines;
}
