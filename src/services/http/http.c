/* SPDX-License-Identifier: MIT */
/* Writes answers. It reads no request, sends nothing and decides no status. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/hex.h"
#include "services/http/http.h"

#define LAST_CHUNK "0\r\n\r\n"

/* A chunk's size always has four digits: they are written once the data behind them is known. */
enum {
	CHUNK_HEAD = 6, /* FFFF CR LF */
	CHUNK_TAIL = 2,
	CHUNK_MOST = 0xffff,
	CHUNK_FRAME = CHUNK_HEAD + CHUNK_TAIL + sizeof(LAST_CHUNK) - 1
};

struct status {
	unsigned status;
	const char *text;
	bool has_no_body; /* its head ends the answer, whatever it says (RFC 9112 6.3) */
};

static const struct status *look_up(unsigned status)
{
	static const struct status rows[] = {
		{ 200, "200 OK", false },
		{ 206, "206 Partial Content", false },
		{ 301, "301 Moved Permanently", false },
		{ 302, "302 Found", false },
		{ 303, "303 See Other", false },
		{ 304, "304 Not Modified", true },
		{ 307, "307 Temporary Redirect", false },
		{ 308, "308 Permanent Redirect", false },
		{ 400, "400 Bad Request", false },
		{ 401, "401 Unauthorized", false },
		{ 403, "403 Forbidden", false },
		{ 404, "404 Not Found", false },
		{ 405, "405 Method Not Allowed", false },
		{ 408, "408 Request Timeout", false },
		{ 410, "410 Gone", false },
		{ 412, "412 Precondition Failed", false },
		{ 413, "413 Content Too Large", false },
		{ 414, "414 URI Too Long", false },
		{ 416, "416 Range Not Satisfiable", false },
		{ 429, "429 Too Many Requests", false },
		{ 431, "431 Request Header Fields Too Large", false },
		{ 500, "500 Internal Server Error", false },
		{ 501, "501 Not Implemented", false },
		{ 503, "503 Service Unavailable", false },
		{ 505, "505 HTTP Version Not Supported", false },
	};

	const struct status *found = NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && found == NULL; i++) {
		if (rows[i].status == status)
			found = &rows[i];
	}
	return found;
}

bool http_knows(unsigned status)
{
	return look_up(status) != NULL;
}

static const struct status *find_status(unsigned status)
{
	const struct status *found = look_up(status);

	BUG_ON(found == NULL);
	return found;
}

/* The current date, formatted once a second. */
static const char *date_now(void)
{
	/* written here only; each process has its own copy */
	static int64_t made_s = -1;
	static char text[HTTP_DATE];
	int64_t now_s = time(NULL);

	if (now_s != made_s) {
		http_date(now_s, text);
		made_s = now_s;
	}
	return text;
}

static void put_framing(struct strbuf *text, const struct http_request *r, int64_t length)
{
	if (length >= 0) {
		strbuf_raw(text, "Content-Length: ");
		strbuf_i64(text, length);
		strbuf_raw(text, "\r\n");
	} else if (http_is_chunked(r)) {
		strbuf_raw(text, "Transfer-Encoding: chunked\r\n");
	}
}

static void put_head(struct strbuf *text, const struct http_request *r, bool keep_alive,
		     const struct http_answer *answer)
{
	const struct status *status = find_status(answer->status);

	strbuf_raw(text, "HTTP/1.1 ");
	strbuf_raw(text, status->text);
	strbuf_raw(text, "\r\nServer: prefork-srv\r\nDate: ");
	strbuf_raw(text, date_now());
	strbuf_raw(text, "\r\n");
	if (answer->type) {
		strbuf_raw(text, "Content-Type: ");
		strbuf_raw(text, answer->type);
		strbuf_raw(text, "\r\n");
	}
	if (!status->has_no_body)
		put_framing(text, r, answer->length);
	if (!keep_alive)
		strbuf_raw(text, "Connection: close\r\n");
	else if (r->minor == 0)
		strbuf_raw(text, "Connection: keep-alive\r\n");
	if (answer->headers)
		strbuf_raw(text, answer->headers);
	strbuf_raw(text, "\r\n");
}

/* Appends the head and the n bytes, or nothing. */
static bool append_head(struct buf *out, struct http_request *r, const struct http_answer *answer,
			const char *body, size_t n)
{
	bool has_end = answer->length >= 0 || http_is_chunked(r) ||
		       find_status(answer->status)->has_no_body;
	bool keep_alive = r->keep_alive && has_end;
	struct strbuf text = strbuf_on(out->base + out->end, buf_room(out));

	put_head(&text, r, keep_alive, answer);
	if (n > 0)
		strbuf_put(&text, body, n);
	if (text.is_cut)
		return false;
	out->end += (uint32_t)text.used;
	r->keep_alive = keep_alive;
	return true;
}

bool http_head(struct buf *out, struct http_request *r, const struct http_answer *answer)
{
	return append_head(out, r, answer, NULL, 0);
}

bool http_answer(struct buf *out, struct http_request *r, const struct http_answer *answer,
		 const char *body)
{
	bool has_body = http_wants_body(r) && !find_status(answer->status)->has_no_body;

	return append_head(out, r, answer, body, has_body ? (size_t)answer->length : 0);
}

bool http_error(struct buf *out, struct http_request *r, unsigned status, const char *headers)
{
	struct http_answer answer = {
		.status = status,
		.type = "text/plain; charset=utf-8",
		.headers = headers,
	};
	char line[64];

	answer.length = snprintf(line, sizeof(line), "%s\n", find_status(status)->text);
	return http_answer(out, r, &answer, line);
}

struct strbuf http_body_open(const struct buf *out, bool is_chunked)
{
	size_t frame = is_chunked ? CHUNK_FRAME : 0, room = buf_room(out);

	if (room <= frame)
		return strbuf_on(out->base, 0);
	room -= frame;
	return strbuf_on(out->base + out->end + (is_chunked ? CHUNK_HEAD : 0),
			 room < CHUNK_MOST ? room : CHUNK_MOST);
}

void http_body_close(struct buf *out, const struct strbuf *text, bool is_chunked)
{
	char *head = out->base + out->end;
	size_t n = text->used;

	/* a chunk of no bytes would end the body */
	if (n == 0)
		return;
	out->end += (uint32_t)n;
	if (!is_chunked)
		return;
	hex_write(head, 4, n, HEX_SMALL);
	memcpy(head + 4, "\r\n", 2);
	memcpy(head + CHUNK_HEAD + n, "\r\n", CHUNK_TAIL);
	out->end += CHUNK_HEAD + CHUNK_TAIL;
}

/* A head has few lines: to go from one to the next takes a quarter of memmem's time. */
size_t http_body_bytes(const char *answer, size_t n)
{
	const char *at = answer, *end = answer + n;

	while ((at = memchr(at, '\r', (size_t)(end - at))) != NULL && end - at >= 4) {
		if (memcmp(at, "\r\n\r\n", 4) == 0)
			return (size_t)(end - at) - 4;
		at++;
	}
	return 0;
}

bool http_body_end(struct buf *out, bool is_chunked)
{
	if (!is_chunked)
		return true;
	if (buf_room(out) < sizeof(LAST_CHUNK) - 1)
		return false;
	buf_put(out, LAST_CHUNK, sizeof(LAST_CHUNK) - 1);
	return true;
}
