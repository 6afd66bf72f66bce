/* SPDX-License-Identifier: MIT */
/* Writes answers. By write(2), for a stdout that does not wait is waited for here. */
#include "client/output.h"

#include <string.h>

#include "base/strbuf.h"
#include "base/sys.h"

enum { ROW_TEXT = 96 };

void show_init(struct show *show, bool is_hex, bool is_stream)
{
	memset(show, 0, offsetof(struct show, out));
	show->is_hex = is_hex;
	show->is_stream = is_stream;
	show->is_terminal = isatty(STDOUT_FILENO);
}

bool show_flush(struct show *show, struct err *err)
{
	struct pollfd poll = { .fd = STDOUT_FILENO, .events = POLLOUT };
	const char *at = show->out;

	while (show->used > 0) {
		ssize_t n = sys_write(STDOUT_FILENO, at, show->used);

		if (n < 0 && errno == EAGAIN)
			sys_poll(&poll, 1, -1);
		else if (n < 0 && errno != EINTR)
			return err_errno(err, CODE_OSERR, "cannot write to stdout");
		if (n > 0) {
			at += n;
			show->used -= (size_t)n;
		}
	}
	return true;
}

static bool put(struct show *show, const char *bytes, size_t n, struct err *err)
{
	while (n > 0) {
		size_t room = sizeof(show->out) - show->used, part = n < room ? n : room;

		memcpy(show->out + show->used, bytes, part);
		show->used += part;
		bytes += part;
		n -= part;
		if (n > 0 && !show_flush(show, err))
			return false;
	}
	return true;
}

static void add_hex(struct strbuf *text, uint64_t value, int digits)
{
	while (digits-- > 0)
		strbuf_put(text, &"0123456789abcdef"[value >> 4 * digits & 15], 1);
}

/* Offset, bytes, characters, as hexdump -C writes them. */
static bool put_row(struct show *show, struct err *err)
{
	uint64_t offset = show->at - show->row_used;
	char base[ROW_TEXT], c;
	struct strbuf text = strbuf_on(base, sizeof(base));

	add_hex(&text, offset, offset >> 32 != 0 ? 16 : 8);
	strbuf_raw(&text, " ");
	for (unsigned i = 0; i < SHOW_ROW; i++) {
		strbuf_raw(&text, i < show->row_used ? " " : "   ");
		if (i < show->row_used)
			add_hex(&text, show->row[i], 2);
	}
	strbuf_raw(&text, "  |");
	for (unsigned i = 0; i < show->row_used; i++) {
		c = (char)show->row[i];
		strbuf_put(&text, c >= ' ' && c < 0x7f ? &c : ".", 1);
	}
	strbuf_raw(&text, "|\n");
	show->row_used = 0;
	return put(show, base, text.used, err);
}

static bool put_dump(struct show *show, const char *bytes, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		show->row[show->row_used++] = (uint8_t)bytes[i];
		show->at++;
		if (show->row_used == SHOW_ROW && !put_row(show, err))
			return false;
	}
	return true;
}

static bool put_plain(struct show *show, const char *bytes, size_t n, struct err *err)
{
	char out[ESCAPE_MAX];

	for (size_t i = 0; i < n; i++)
		if (!put(show, out, escape_byte(&show->escape, (uint8_t)bytes[i], out), err))
			return false;
	return true;
}

bool show_bytes(struct show *show, const char *bytes, size_t n, struct err *err)
{
	if (n == 0)
		return true;
	if (show->is_hex)
		return put_dump(show, bytes, n, err);
	show->at += n;
	show->last = bytes[n - 1];
	return show->is_terminal ? put_plain(show, bytes, n, err) : put(show, bytes, n, err);
}

bool show_pause(struct show *show, struct err *err)
{
	char rest[ESCAPE_MAX];

	if (show->row_used > 0 && !put_row(show, err))
		return false;
	return put(show, rest, escape_end(&show->escape, rest), err) && show_flush(show, err);
}

bool show_end(struct show *show, struct err *err)
{
	bool is_good = show_pause(show, err);

	if (is_good && show->is_hex && show->at == 0 && !show->is_stream)
		is_good = put(show, "00000000\n", 9, err);
	if (is_good && !show->is_hex && show->last != '\n' && !show->is_stream)
		is_good = put(show, "\n", 1, err);
	show->at = 0;
	show->last = '\0';
	return is_good && show_flush(show, err);
}
