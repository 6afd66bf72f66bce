/* SPDX-License-Identifier: MIT */
/*
 * Finds the ends of responses and writes them to standard output by write(2), waiting for a
 * non-blocking stdout. Must not receive.
 */
#include "client/output.h"

#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/strbuf.h"
#include "base/sys.h"

enum { ROW_TEXT = 96 };

/* Escapes as \xHH. */
static size_t escape_bytes(const uint8_t *bytes, unsigned count, char *out)
{
	size_t n = 0;

	for (unsigned i = 0; i < count; i++) {
		out[n++] = '\\';
		out[n++] = 'x';
		hex_write(out + n, 2, bytes[i], HEX_SMALL);
		n += 2;
	}
	return n;
}

/* Returns the length of the UTF-8 character that starts with this byte (RFC 3629); 0: none does. */
static unsigned utf8_length(uint8_t first)
{
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

/* Excludes overlong forms, surrogates, and all beyond U+10FFFF. */
static bool is_continuation(const struct output_escape *escape, uint8_t byte)
{
	uint8_t low = 0x80, high = 0xbf;

	if (escape->count == 1) {
		low = escape->held[0] == 0xe0 ? 0xa0 : escape->held[0] == 0xf0 ? 0x90 : low;
		high = escape->held[0] == 0xed ? 0x9f : escape->held[0] == 0xf4 ? 0x8f : high;
	}
	return byte >= low && byte <= high;
}

/* U+0080 to U+009F are control characters of two bytes (ECMA-48). */
static size_t write_character(struct output_escape *escape, char *out)
{
	size_t n = escape->count;

	if (escape->held[0] == 0xc2 && escape->held[1] < 0xa0)
		n = escape_bytes(escape->held, escape->count, out);
	else
		memcpy(out, escape->held, n);
	escape->count = 0;
	return n;
}

static size_t start_character(struct output_escape *escape, uint8_t byte, char *out)
{
	bool is_shown = byte == '\n' || byte == '\t' || (byte >= ' ' && byte < 0x7f);

	if (is_shown) {
		out[0] = (char)byte;
		return 1;
	}
	if (byte != '\r' && utf8_length(byte) == 0)
		return escape_bytes(&byte, 1, out);
	escape->held[0] = byte;
	escape->count = 1;
	return 0;
}

size_t output_escape_byte(struct output_escape *escape, uint8_t byte, char *out)
{
	size_t n = 0;

	if (escape->count > 0 && escape->held[0] == '\r' && byte == '\n') {
		escape->count = 0;
		memcpy(out, "\r\n", 2);
		return 2;
	}
	if (escape->count > 0 && escape->held[0] != '\r' && is_continuation(escape, byte)) {
		escape->held[escape->count++] = byte;
		return escape->count == utf8_length(escape->held[0]) ?
			       write_character(escape, out) :
			       0;
	}
	if (escape->count > 0)
		n = output_escape_end(escape, out);
	return n + start_character(escape, byte, out + n);
}

size_t output_escape_end(struct output_escape *escape, char *out)
{
	size_t n = escape_bytes(escape->held, escape->count, out);

	escape->count = 0;
	return n;
}

static void start_frame(struct output *output, enum framing framing)
{
	output->frame = (struct frame){ .framing = framing, .expected = UINT64_MAX };
}

void output_init(struct output *output, enum framing framing, bool is_hex, bool is_stream,
		 struct screen *screen)
{
	memset(output, 0, offsetof(struct output, buffer));
	output->screen = screen;
	start_frame(output, framing);
	output->max_responses = UINT64_MAX;
	output->is_hex = is_hex;
	output->is_stream = is_stream;
	output->is_terminal = isatty(STDOUT_FILENO);
}

static bool flush_buffer(struct output *output, struct err *err)
{
	struct pollfd poll = { .fd = STDOUT_FILENO, .events = POLLOUT };
	const char *at = output->buffer;

	while (output->used > 0) {
		ssize_t n = sys_write(STDOUT_FILENO, at, output->used);

		if (n < 0 && errno == EAGAIN)
			sys_poll(&poll, 1, -1);
		else if (n < 0 && errno != EINTR)
			return err_errno(err, CODE_OSERR, "cannot write to stdout");
		if (n > 0) {
			screen_wrote(output->screen, at[n - 1]);
			at += n;
			output->used -= (size_t)n;
		}
	}
	return true;
}

static bool write_bytes(struct output *output, const char *bytes, size_t n, struct err *err)
{
	while (n > 0) {
		size_t room = sizeof(output->buffer) - output->used, part = n < room ? n : room;

		memcpy(output->buffer + output->used, bytes, part);
		output->used += part;
		bytes += part;
		n -= part;
		if (n > 0 && !flush_buffer(output, err))
			return false;
	}
	return true;
}

static void add_hex(struct strbuf *text, uint64_t value, unsigned count)
{
	char digits[2 * sizeof(value)];

	hex_write(digits, count, value, HEX_SMALL);
	strbuf_put(text, digits, count);
}

/* Writes offset, bytes and characters like hexdump -C. */
static bool write_hex_row(struct output *output, struct err *err)
{
	uint64_t offset = output->offset - output->row_used;
	char base[ROW_TEXT], c;
	struct strbuf text = strbuf_on(base, sizeof(base));

	add_hex(&text, offset, offset >> 32 != 0 ? 16 : 8);
	strbuf_raw(&text, " ");
	for (unsigned i = 0; i < OUTPUT_ROW; i++) {
		strbuf_raw(&text, i < output->row_used ? " " : "   ");
		if (i < output->row_used)
			add_hex(&text, output->row[i], 2);
	}
	strbuf_raw(&text, "  |");
	for (unsigned i = 0; i < output->row_used; i++) {
		c = (char)output->row[i];
		strbuf_put(&text, c >= ' ' && c < 0x7f ? &c : ".", 1);
	}
	strbuf_raw(&text, "|\n");
	output->row_used = 0;
	return write_bytes(output, base, text.used, err);
}

static bool write_hex(struct output *output, const char *bytes, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		output->row[output->row_used++] = (uint8_t)bytes[i];
		output->offset++;
		if (output->row_used == OUTPUT_ROW && !write_hex_row(output, err))
			return false;
	}
	return true;
}

static bool write_escaped(struct output *output, const char *bytes, size_t n, struct err *err)
{
	char out[OUTPUT_ESCAPE_MAX];

	for (size_t i = 0; i < n; i++) {
		size_t written = output_escape_byte(&output->escape, (uint8_t)bytes[i], out);

		if (!write_bytes(output, out, written, err))
			return false;
	}
	return true;
}

static bool write_content(struct output *output, const char *bytes, size_t n, struct err *err)
{
	if (n == 0)
		return true;
	if (output->is_hex)
		return write_hex(output, bytes, n, err);
	output->offset += n;
	output->last = bytes[n - 1];
	return output->is_terminal ? write_escaped(output, bytes, n, err) :
				     write_bytes(output, bytes, n, err);
}

bool output_is_holding(const struct output *output)
{
	return output->row_used > 0 || output->escape.count > 0;
}

bool output_release(struct output *output, struct err *err)
{
	char rest[OUTPUT_ESCAPE_MAX];

	if (output->row_used > 0 && !write_hex_row(output, err))
		return false;
	return write_bytes(output, rest, output_escape_end(&output->escape, rest), err) &&
	       flush_buffer(output, err);
}

/* A step may have ended the line of the response already, but not that of an empty response. */
static bool needs_newline(const struct output *output)
{
	bool is_ended = output->screen->is_shared && !output->screen->is_mid_line &&
			output->offset > 0;

	return output->last != '\n' && !output->is_stream && !is_ended;
}

/* Ends the line; the next response begins at offset 0. */
static bool end_line(struct output *output, struct err *err)
{
	bool is_good = output_release(output, err);

	if (is_good && output->is_hex && output->offset == 0 && !output->is_stream)
		is_good = write_bytes(output, "00000000\n", 9, err);
	if (is_good && !output->is_hex && needs_newline(output))
		is_good = write_bytes(output, "\n", 1, err);
	output->offset = 0;
	output->last = '\0';
	return is_good && flush_buffer(output, err);
}

bool output_end_response(struct output *output, struct err *err)
{
	output->responses++;
	output->size = output->part;
	output->part = 0;
	start_frame(output, output->frame.framing);
	return end_line(output, err);
}

static bool receive_piece(struct output *output, const char *bytes, size_t n, size_t *used,
			  struct err *err)
{
	struct piece piece = framing_take(&output->frame, bytes, n);

	if (piece.is_wrong)
		return err_set(err, CODE_FAILED, "%u bytes are no length of a frame (at most %d)",
			       output->frame.length, FRAMING_LENGTH_MOST);
	output->part += piece.used;
	*used = piece.used;
	return write_content(output, bytes + piece.content_at, piece.content, err) &&
	       (!piece.is_whole || output_end_response(output, err));
}

bool output_receive(struct output *output, const char *bytes, size_t n, struct err *err)
{
	size_t used = 0;

	if (output->is_discarded)
		return true;
	for (; n > 0 && output->responses < output->max_responses; bytes += used, n -= used)
		if (!receive_piece(output, bytes, n, &used, err))
			return false;
	output->excess += n;
	return flush_buffer(output, err);
}

bool output_end(struct output *output, struct err *err)
{
	if (output->part == 0)
		return true;
	output->part = 0;
	return end_line(output, err);
}
