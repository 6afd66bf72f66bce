/* SPDX-License-Identifier: MIT */
/* Splits output into lines. Must not log: the receiver of the lines does. */
#include "base/output_lines.h"

#include <string.h>

#include "base/sys.h"

enum { SECOND_MS = 1000 };

/* What was lost is told before a new second begins. Returns false while the old one goes on. */
static bool begin_second(struct output_lines *lines, int64_t now_ms)
{
	if (now_ms < lines->second_ms + SECOND_MS || lines->lost > 0)
		return false;
	lines->second_ms = now_ms;
	lines->in_second = lines->bytes_in_second = 0;
	return true;
}

/* True when the line may be given on in this second. */
static bool is_within_limit(struct output_lines *lines, int64_t now_ms)
{
	begin_second(lines, now_ms);
	if (lines->in_second >= OUTPUT_LINES_A_SECOND) {
		lines->lost++;
		return false;
	}
	lines->in_second++;
	return true;
}

static void end_line(struct output_lines *lines, int64_t now_ms)
{
	size_t used = lines->used;

	if (used > 0 && !lines->is_dropping && lines->text[used - 1] == '\r')
		used--;
	for (size_t i = 0; i < used; i++)
		if (lines->text[i] == '\0')
			lines->text[i] = '?';
	lines->text[used] = '\0';
	if (is_within_limit(lines, now_ms))
		lines->line(lines->owner, lines->text, lines->is_dropping);
	lines->used = 0;
	lines->is_dropping = false;
}

static void add_bytes(struct output_lines *lines, const char *from, size_t n)
{
	size_t room = OUTPUT_LINES_LONGEST - lines->used;

	if (n > room)
		lines->is_dropping = true;
	n = n < room ? n : room;
	memcpy(lines->text + lines->used, from, n);
	lines->used += n;
}

static void split_bytes(struct output_lines *lines, const char *from, size_t n, int64_t now_ms)
{
	const char *end = from + n, *newline;

	while (from < end && (newline = memchr(from, '\n', (size_t)(end - from)))) {
		add_bytes(lines, from, (size_t)(newline - from));
		end_line(lines, now_ms);
		from = newline + 1;
	}
	add_bytes(lines, from, (size_t)(end - from));
}

bool output_lines_read(struct output_lines *lines, int64_t now_ms)
{
	char bytes[OUTPUT_LINES_AT_ONCE];
	ssize_t got;

	do
		got = sys_read(lines->fd, bytes, sizeof(bytes));
	while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN)
		return true;
	if (got > 0) {
		begin_second(lines, now_ms);
		lines->bytes_in_second += (unsigned)got;
		lines->is_spent = lines->bytes_in_second >= OUTPUT_LINES_BYTES_A_SECOND;
		split_bytes(lines, bytes, (size_t)got, now_ms);
		return true;
	}
	output_lines_end(lines, now_ms);
	return false;
}

bool output_lines_resume(struct output_lines *lines, int64_t now_ms)
{
	if (!lines->is_spent || !begin_second(lines, now_ms))
		return false;
	lines->is_spent = false;
	return true;
}

void output_lines_end(struct output_lines *lines, int64_t now_ms)
{
	if (lines->used > 0)
		end_line(lines, now_ms);
}

uint64_t output_lines_take_lost(struct output_lines *lines, bool is_last, int64_t now_ms)
{
	uint64_t lost = lines->lost;

	if (lost == 0 || (!is_last && now_ms < lines->second_ms + SECOND_MS))
		return 0;
	lines->lost = 0;
	return lost;
}

int64_t output_lines_due_ms(const struct output_lines *lines, int64_t otherwise_ms)
{
	int64_t due_ms = lines->second_ms + SECOND_MS;
	bool is_awaited = lines->lost > 0 || lines->is_spent;

	return is_awaited && due_ms < otherwise_ms ? due_ms : otherwise_ms;
}
