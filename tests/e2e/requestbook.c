/* SPDX-License-Identifier: MIT */
/* Reads the file once; no answer of a server here has the text HTTP/1.1 in its body. */
#include "requestbook.h"

#include <ctype.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "client.h"
#include "harness.h"

#define LAST  "GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
#define BEGIN "HTTP/1.1 "

enum { ROWS_MOST = 512, TEXT_MOST = 1 << 17, ANSWER_MOST = 1 << 20 };

static struct request_row rows[ROWS_MOST];
static size_t row_count;

struct text {
	char bytes[TEXT_MOST];
	size_t size;
};

static void put(struct text *text, const char *bytes, size_t n)
{
	assert_true(text->size + n <= TEXT_MOST);
	memcpy(text->bytes + text->size, bytes, n);
	text->size += n;
}

/* The byte that an escape stands for; *at is behind the backslash, and then behind the escape. */
static char take_escape(const char **at)
{
	static const char names[] = "rnt0\\", bytes[] = "\r\n\t\0\\";
	char digits[3] = { 0 }, *end;
	const char *name;
	long byte;

	if (**at == 'x') {
		memcpy(digits, *at + 1, strnlen(*at + 1, 2));
		byte = strtol(digits, &end, 16);
		assert_true(end == digits + 2);
		*at += 3;
		return (char)byte;
	}
	name = **at ? strchr(names, **at) : NULL;
	if (!name)
		fail_msg("no escape: \\%.9s", *at);
	++*at;
	return bytes[name - names];
}

static void unfold(struct text *text, const char *at, const char *end);

/* The } that ends what is in braces at `at`. */
static const char *find_brace(const char *at, const char *end)
{
	unsigned depth = 1;

	for (; at < end; at++) {
		depth += *at == '{';
		if (*at == '}' && --depth == 0)
			return at;
	}
	fail_msg("no end of {%.9s", at);
	return NULL;
}

/* What is in braces: h, s or 9*text. */
static void unfold_braces(struct text *text, const char *at, const char *end)
{
	static const char host[] = " HTTP/1.1\r\nHost: x\r\n";
	static const char smuggled[] = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
	char *star;
	unsigned long n = strtoul(at, &star, 10);

	if (end - at == 1 && *at == 'h')
		put(text, host, sizeof(host) - 1);
	else if (end - at == 1 && *at == 's')
		put(text, smuggled, sizeof(smuggled) - 1);
	else if (star > at && *star == '*')
		for (; n > 0; n--)
			unfold(text, star + 1, end);
	else
		fail_msg("not known: {%.*s}", (int)(end - at), at);
}

static void unfold(struct text *text, const char *at, const char *end)
{
	while (at < end) {
		const char *close;
		char byte = *at++;

		if (byte == '{') {
			close = find_brace(at, end);
			unfold_braces(text, at, close);
			at = close + 1;
			continue;
		}
		if (byte == '\\')
			byte = take_escape(&at);
		put(text, &byte, 1);
	}
}

static void add_request(struct request_row *row, const char *raw)
{
	static struct text text;

	text.size = 0;
	unfold(&text, raw, raw + strlen(raw));
	row->bytes = realloc(row->bytes, row->size + text.size);
	assert_non_null(row->bytes);
	memcpy(row->bytes + row->size, text.bytes, text.size);
	row->size += text.size;
}

static bool is_reference(const char *text)
{
	return strlen(text) > 5 && isdigit((unsigned char)text[0]) && strchr(text, ':') == text + 4;
}

static void add_line(unsigned number, const char *line)
{
	struct request_row *row = row_count > 0 ? &rows[row_count - 1] : NULL;
	char reference[32];
	int at = 0;

	if (line[0] == '#' || line[0] == '\0')
		return;
	if (row && strncmp(line, "  > ", 4) == 0) {
		add_request(row, line + 4);
	} else if (row && strncmp(line, "  nginx: ", 9) == 0) {
		row->has_reason = true;
	} else {
		assert_true(row_count < ROWS_MOST);
		row = &rows[row_count++];
		row->line = number;
		if (sscanf(line, "%31s %63s %63s %n", reference, row->ours, row->nginx, &at) != 3 ||
		    at == 0 || !is_reference(reference))
			fail_msg("line %u is no row: %s", number, line);
		add_request(row, line + at);
	}
}

const struct request_row *requestbook_read(size_t *count)
{
	char path[512], *line = NULL;
	size_t room = 0;
	unsigned number = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/tests/data/hostile.requests", getenv("TOP_SRCDIR"));
	file = row_count == 0 ? fopen(path, "re") : NULL;
	if (row_count == 0 && !file)
		fail_msg("%s: %s", path, strerror(errno));
	while (file && getline(&line, &room, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		add_line(++number, line);
	}
	free(line);
	if (file)
		fclose(file);
	*count = row_count;
	return rows;
}

/* The server may have ended the connection, and take nothing more. */
static void send_in_pieces(int fd, const struct text *text, size_t piece)
{
	for (size_t at = 0; at < text->size; at += piece) {
		size_t n = text->size - at < piece ? text->size - at : piece;

		if (send(fd, text->bytes + at, n, MSG_NOSIGNAL) < 0)
			return;
	}
}

/* Receives to the end; true when it is a reset. */
static bool receive(int fd, char *answer)
{
	size_t used = 0;
	ssize_t n;

	do {
		n = recv(fd, answer + used, ANSWER_MOST - 1 - used, 0);
		used += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	if (n < 0 && errno == EAGAIN)
		fail_msg("no end of the connection in %d ms", WAIT_MS);
	answer[used] = '\0';
	return n < 0;
}

static const char *describe(const char *answer, bool waits, bool is_reset)
{
	static const char last[] = "\r\n\r\nlast\n";
	static char told[REQUESTBOOK_ANSWERS + 8];
	size_t length = strlen(answer), used = 0;
	bool has_last = length >= sizeof(last) - 1 &&
			strcmp(answer + length - (sizeof(last) - 1), last) == 0;

	for (const char *at = answer; (at = strstr(at, BEGIN)) != NULL; at += strlen(BEGIN)) {
		if (used + 8 > REQUESTBOOK_ANSWERS || (has_last && !strstr(at + 1, BEGIN)))
			break;
		used += (size_t)snprintf(told + used, sizeof(told) - used, "%s%.3s",
					 used > 0 ? "," : "", at + strlen(BEGIN));
	}
	if (used == 0 && length > 0 && !has_last)
		used = (size_t)snprintf(told, sizeof(told), "raw");
	snprintf(told + used, sizeof(told) - used, "%s%s",
		 has_last ? "+" :
		 waits    ? "-" :
			    ".",
		 is_reset ? "!" : "");
	return told;
}

const char *requestbook_ask(const struct request_row *row, const char *wanted,
			    struct request_way way)
{
	const struct timeval longest = { .tv_sec = WAIT_MS / 1000 };
	bool waits = wanted[strlen(wanted) - 1] == '-', is_reset;
	static char answer[ANSWER_MOST];
	static struct text text;
	int fd = client_connect(way.address), yes = 1;

	text.size = 0;
	put(&text, row->bytes, row->size);
	put(&text, LAST, sizeof(LAST) - 1);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof(longest)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &longest, sizeof(longest)), 0);
	send_in_pieces(fd, &text, way.piece);
	if (waits)
		(void)shutdown(fd, SHUT_WR);
	is_reset = receive(fd, answer);
	close(fd);
	return describe(answer, waits, is_reset && !way.takes_reset);
}
