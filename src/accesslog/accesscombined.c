/* SPDX-License-Identifier: MIT */
/*
 * Formats the line of a request for programs that read the logs of other servers. It knows no other
 * format of the access log. Each text is cut to a bound, so that a line always fits.
 */
#include "accesslog/accesscombined.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"

/* Bytes of a text in the line, escaped; goaccess 1.7 reads 4095 bytes of a line, with its end. */
enum { REQUEST_MOST = 2048, REFERER_MOST = 1024, USER_AGENT_MOST = 512, USER_MOST = 255 };
/* Bytes of the address, the time, the numbers, and what stands between. */
enum { REST_MOST = 160, LINE_MOST = 4095 };
_Static_assert(REQUEST_MOST + REFERER_MOST + USER_AGENT_MOST + USER_MOST + REST_MOST <= LINE_MOST,
	       "goaccess would take the longest line for two");

/* " HTTP/1.1" */
enum { VERSION_LENGTH = 9 };

/* The bytes that nginx escapes; in a name also those that end it for a reader of the log. */
enum { IN_TEXT = 1, IN_NAME = 2, ALL = IN_TEXT | IN_NAME };
static const uint8_t is_escaped[256] = {
	[0x00 ... 0x1f] = ALL, [' '] = IN_NAME, ['"'] = ALL,           ['['] = IN_NAME,
	['\\'] = ALL,          [']'] = IN_NAME, [0x7f ... 0xff] = ALL,
};

/* Appends the characters that make at most `most` bytes. */
static void put_escaped(struct strbuf *to, struct access_text text, uint8_t where, size_t most)
{
	size_t used = 0;

	for (size_t i = 0; i < text.length; i++) {
		unsigned char c = (unsigned char)text.text[i];
		char escaped[4] = { (char)c };
		size_t length = 1;

		if (is_escaped[c] & where) {
			memcpy(escaped, "\\x", 2);
			hex_write(escaped + 2, 2, c, HEX_CAPITAL);
			length = sizeof(escaped);
		}
		if (length > most - used)
			return;
		strbuf_put(to, escaped, length);
		used += length;
	}
}

static void put_text(struct strbuf *to, struct access_text text, uint8_t where, size_t most)
{
	if (text.text == NULL || text.length == 0)
		strbuf_raw(to, "-");
	else
		put_escaped(to, text, where, most);
}

/* A request whose target is cut keeps its version: without it no reader takes it for a request. */
static void put_request(struct strbuf *to, struct access_text request)
{
	struct access_text version = { request.text, 0 };

	if (request.length == 0) {
		strbuf_raw(to, "-");
		return;
	}
	if (request.length > VERSION_LENGTH &&
	    memcmp(request.text + request.length - VERSION_LENGTH, " HTTP/", 6) == 0) {
		request.length -= VERSION_LENGTH;
		version = (struct access_text){ request.text + request.length, VERSION_LENGTH };
	}
	put_escaped(to, request, IN_TEXT, REQUEST_MOST - VERSION_LENGTH);
	put_escaped(to, version, IN_TEXT, VERSION_LENGTH);
}

/* A client of a unix socket has no address, and is on this host. */
static void put_address(struct strbuf *to, const struct net *net)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char text[INET6_ADDRSTRLEN];

	if (net && net->family == AF_INET6 && memcmp(net->bytes, mapped, sizeof(mapped)) == 0)
		inet_ntop(AF_INET, net->bytes + sizeof(mapped), text, sizeof(text));
	else if (net && (net->family == AF_INET || net->family == AF_INET6))
		inet_ntop(net->family, net->bytes, text, sizeof(text));
	else
		memcpy(text, "127.0.0.1", sizeof("127.0.0.1"));
	strbuf_raw(to, text);
}

static void put_digits(char *at, unsigned count, int value)
{
	while (count-- > 0) {
		at[count] = (char)('0' + value % 10);
		value /= 10;
	}
}

/* 22/Nov/2026:12:00:00 +0000 */
static void set_clock(struct access_clock *clock, int64_t second)
{
	static const char months[] = CLOCK_MONTHS;
	static const char form[] = "dd/Mmm/yyyy:hh:mm:ss +0000";
	struct date d = clock_date(second);

	_Static_assert(sizeof(form) - 1 == sizeof(clock->text), "the time does not fit its text");
	memcpy(clock->text, form, sizeof(clock->text));
	put_digits(clock->text, 2, d.day);
	memcpy(clock->text + 3, months + (size_t)3 * (unsigned)(d.month - 1), 3);
	put_digits(clock->text + 7, 4, d.year);
	put_digits(clock->text + 12, 2, d.hour);
	put_digits(clock->text + 15, 2, d.minute);
	put_digits(clock->text + 18, 2, d.second);
	clock->second = second;
}

static void put_time(struct strbuf *to, int64_t us, struct access_clock *clock)
{
	int64_t second = us / 1000000;

	if (clock->second != second || clock->text[0] == '\0')
		set_clock(clock, second);
	strbuf_put(to, clock->text, sizeof(clock->text));
}

bool accesscombined_write(struct strbuf *to, const struct access_entry *entry,
			  struct access_clock *clock)
{
	size_t before = to->used;

	put_address(to, entry->remote.net);
	strbuf_raw(to, " - ");
	put_text(to, entry->user, IN_NAME, USER_MOST);
	strbuf_raw(to, " [");
	put_time(to, entry->time, clock);
	strbuf_raw(to, "] \"");
	put_request(to, entry->request);
	strbuf_raw(to, "\" ");
	strbuf_u64(to, entry->status);
	strbuf_raw(to, " ");
	strbuf_u64(to, entry->body_bytes);
	strbuf_raw(to, " \"");
	put_text(to, entry->referer, IN_TEXT, REFERER_MOST);
	strbuf_raw(to, "\" \"");
	put_text(to, entry->user_agent, IN_TEXT, USER_AGENT_MOST);
	strbuf_raw(to, "\"\n");
	if (to->is_cut)
		to->used = before;
	return !to->is_cut;
}
