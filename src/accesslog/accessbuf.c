/* SPDX-License-Identifier: MIT */
/*
 * Keeps the range of the waiting lines in one word, and writes the lines. The caller handles write
 * errors.
 */
#include "accesslog/accessbuf.h"

#include "base/sys.h"

static void store_span(const struct accessbuf *b)
{
	uint64_t span = (uint64_t)b->start << 32 | b->end;

	/*
	 * the bytes before the word that covers them; the reader is a process after this one's
	 * death
	 */
	atomic_signal_fence(memory_order_seq_cst);
	atomic_store_explicit(b->memory.span, span, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
}

struct accessbuf accessbuf_of(struct accessbuf_memory memory)
{
	uint64_t span = atomic_load_explicit(memory.span, memory_order_relaxed);
	struct accessbuf b = { .memory = memory,
			       .start = (uint32_t)(span >> 32),
			       .end = (uint32_t)span };

	if (b.end > ACCESSBUF_SIZE || b.start > b.end)
		b.start = b.end = 0;
	while (b.end > b.start && memory.bytes[b.end - 1] != '\n')
		b.end--;
	if (b.start == b.end)
		b.start = b.end = 0;
	return b;
}

/*
 * Moves the lines only into free bytes: when a worker dies during the move, they are intact in
 * their old place.
 */
bool accessbuf_has_room(struct accessbuf *b, size_t n)
{
	uint32_t used = b->end - b->start;

	if (ACCESSBUF_SIZE - b->end >= n)
		return true;
	if (b->start < used)
		return false;
	memcpy(b->memory.bytes, accessbuf_head(b), used);
	b->start = 0;
	b->end = used;
	store_span(b);
	return ACCESSBUF_SIZE - b->end >= n;
}

void accessbuf_add(struct accessbuf *b, size_t n)
{
	b->end += (uint32_t)n;
	store_span(b);
}

static void drop_bytes(struct accessbuf *b, size_t n)
{
	b->start += (uint32_t)n;
	if (b->start == b->end)
		b->start = b->end = 0;
	store_span(b);
}

static bool begins_cut(const struct accessbuf *b)
{
	return accessbuf_used(b) > 0 && *accessbuf_head(b) == '\n';
}

/* Returns the number of lines that end within the first n bytes. */
static uint64_t count_lines(const struct accessbuf *b, size_t n)
{
	const char *at = accessbuf_head(b), *end = at + n;
	uint64_t lines = 0;

	if (begins_cut(b) && n > 0)
		at++;
	while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		lines++;
		at++;
	}
	return lines;
}

uint64_t accessbuf_drop_all(struct accessbuf *b)
{
	size_t used = accessbuf_used(b);
	uint64_t lines = count_lines(b, used);

	drop_bytes(b, used);
	return lines;
}

void accessbuf_begin_file(struct accessbuf *b)
{
	if (begins_cut(b))
		drop_bytes(b, 1);
}

/*
 * A file accepts less than it is given when it has no room for more, and other processes write to
 * it too: the rest would be a line of its own among theirs. True when a line was cut.
 */
static bool cut_line(struct accessbuf *b)
{
	const char *head = accessbuf_head(b), *end = memchr(head, '\n', accessbuf_used(b));

	if (head[-1] == '\n' || !end)
		return false;
	drop_bytes(b, (size_t)(end - head));
	return true;
}

struct accessbuf_flow accessbuf_flush(struct accessbuf *b, const struct writer *writer,
				      metric_cell *written, metric_cell *lost)
{
	struct accessbuf_flow flow = { 0 };
	uint64_t lines;
	size_t used;

	while (flow.error == 0 && (used = accessbuf_used(b)) > 0) {
		ssize_t n = writer_write(writer, accessbuf_head(b), used);

		if (n < 0) {
			flow.error = errno == EINTR ? 0 : errno;
			continue;
		}
		lines = count_lines(b, (size_t)n);
		flow.written += lines;
		cell_add(written, lines);
		drop_bytes(b, (size_t)n);
		if ((size_t)n == used || writer->kind != WRITER_FILE || !cut_line(b))
			continue;
		flow.cut++;
		cell_add(lost, 1);
	}
	return flow;
}
