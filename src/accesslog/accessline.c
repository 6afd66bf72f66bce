/* SPDX-License-Identifier: MIT */
/*
 * Formats lines of the access log, one for each connection or request. It avoids library calls that
 * are slow. It knows no buffer and no file.
 */
#include "accesslog/accessline.h"

#include "accesslog/accesscombined.h"
#include "base/clock.h"

enum { LISTED_MOST = 1024, HEADER_MOST = 512 }; /* bytes of such a text that are written */

/* Characters that need no quotes in a logfmt line. */
static const bool is_plain[256] = {
	['!'] = true,
	['#' ... '<'] = true,
	['>' ... '['] = true,
	[']' ... '~'] = true,
};

#define INLINE static inline __attribute__((always_inline))

INLINE void put_label(struct strbuf *to, const char *label, size_t length)
{
	strbuf_put(to, label, length);
}

INLINE void put_byte(struct strbuf *to, char byte)
{
	strbuf_put(to, &byte, 1);
}

/* Appends the characters that need no quotes. True when that was the whole text. */
static bool put_plain(struct strbuf *to, const char *text, size_t most)
{
	size_t room = to->size - to->used, n = 0;
	char *at = to->base + to->used;

	while (n < most && n < room && is_plain[(unsigned char)text[n]]) {
		at[n] = text[n];
		n++;
	}
	to->used += n;
	return n > 0 && (n == most || text[n] == '\0');
}

INLINE void put_text(struct strbuf *to, bool json, const char *text, size_t most)
{
	size_t before = to->used;

	if (!json && put_plain(to, text, most))
		return;
	to->used = before;
	put_byte(to, '"');
	strbuf_escaped(to, json ? STRBUF_JSON : STRBUF_LOGFMT, text, most);
	put_byte(to, '"');
}

INLINE void put_word(struct strbuf *to, bool json, const char *word)
{
	if (json)
		put_byte(to, '"');
	strbuf_raw(to, word);
	if (json)
		put_byte(to, '"');
}

enum { TIME_LENGTH = 24 };

static char *put_two(char *at, int value)
{
	*at++ = (char)('0' + value / 10);
	*at++ = (char)('0' + value % 10);
	return at;
}

/* Sets the part of the time that changes only each second. */
static void set_second(struct access_clock *clock, int64_t second)
{
	struct date d = clock_date(second);
	char *at = clock->text;

	at = put_two(at, d.year / 100 % 100);
	at = put_two(at, d.year % 100);
	*at++ = '-';
	at = put_two(at, d.month);
	*at++ = '-';
	at = put_two(at, d.day);
	*at++ = 'T';
	at = put_two(at, d.hour);
	*at++ = ':';
	at = put_two(at, d.minute);
	*at++ = ':';
	at = put_two(at, d.second);
	*at++ = '.';
	clock->text[23] = 'Z';
	clock->second = second;
}

static void set_clock(struct access_clock *clock, int64_t ms)
{
	int left = (int)(ms % 1000);

	if (clock->second != ms / 1000 || clock->text[0] == '\0')
		set_second(clock, ms / 1000);
	clock->text[20] = (char)('0' + left / 100);
	put_two(clock->text + 21, left % 100);
	clock->ms = ms;
}

INLINE void write_TIME(struct strbuf *to, bool json, int64_t us, struct access_clock *clock)
{
	int64_t ms = us / 1000;

	if (ms != clock->ms || clock->text[0] == '\0')
		set_clock(clock, ms);
	if (json)
		put_byte(to, '"');
	strbuf_put(to, clock->text, TIME_LENGTH);
	if (json)
		put_byte(to, '"');
}

INLINE void write_NUMBER(struct strbuf *to, uint64_t value)
{
	if (value < 10)
		put_byte(to, (char)('0' + value));
	else
		strbuf_u64(to, value);
}

static char *put_octet(char *at, unsigned value)
{
	if (value >= 100) {
		*at++ = (char)('0' + value / 100);
		return put_two(at, (int)(value % 100));
	}
	if (value >= 10)
		return put_two(at, (int)value);
	*at++ = (char)('0' + value);
	return at;
}

static void put_ipv4(struct strbuf *to, const uint8_t *bytes, uint16_t port)
{
	char text[16], *at = text;

	for (int i = 0; i < 4; i++) {
		at = put_octet(at, bytes[i]);
		*at++ = i < 3 ? '.' : ':';
	}
	strbuf_put(to, text, (size_t)(at - text));
	strbuf_u64(to, port);
}

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

static void put_remote(struct strbuf *to, const struct access_remote *remote)
{
	char text[ADDR_TEXT];

	if (!remote->net)
		strbuf_raw(to, "unknown");
	else if (remote->net->family == AF_INET)
		put_ipv4(to, remote->net->bytes, remote->port);
	else if (remote->net->family == AF_INET6 &&
		 memcmp(remote->net->bytes, mapped, sizeof(mapped)) == 0)
		put_ipv4(to, remote->net->bytes + sizeof(mapped), remote->port);
	else
		strbuf_raw(to, net_write(remote->net, remote->port, text));
}

INLINE void write_REMOTE(struct strbuf *to, bool json, const struct access_remote *remote)
{
	if (json)
		put_byte(to, '"');
	put_remote(to, remote);
	if (json)
		put_byte(to, '"');
}

#define LABEL(name) json ? "\"" #name "\":" : #name "=", sizeof(#name) + (json ? 2 : 0)
#define END         put_byte(to, json ? ',' : ' ')

#define PUT_TIME(name)    write_TIME(to, json, entry->name, clock)
#define PUT_NUMBER(name)  write_NUMBER(to, entry->name)
#define PUT_SECONDS(name) strbuf_micros(to, entry->name > 0 ? (uint64_t)entry->name : 0)
#define PUT_TEXT(name)    put_text(to, json, entry->name, SIZE_MAX)
#define PUT_WORD(name)    put_word(to, json, entry->name)
#define PUT_REMOTE(name)  write_REMOTE(to, json, &entry->name)
#define PUT_CODE(name)    strbuf_u64(to, entry->name)
#define PUT_RESULT(name)  strbuf_u64(to, entry->name - 1)
#define PUT_PERIOD(name)  strbuf_micros(to, (uint64_t)entry->name)
#define PUT_LISTED(name)                     \
	put_text(to, json, entry->name.text, \
		 entry->name.length < LISTED_MOST ? entry->name.length : LISTED_MOST)

#define PUT_HEADER(name)                     \
	put_text(to, json, entry->name.text, \
		 entry->name.length < HEADER_MOST ? entry->name.length : HEADER_MOST)

#define HAS_TIME(name)    true
#define HAS_NUMBER(name)  true
#define HAS_SECONDS(name) true
#define HAS_TEXT(name)    true
#define HAS_WORD(name)    true
#define HAS_REMOTE(name)  true
#define HAS_CODE(name)    (entry->name > 0)
#define HAS_RESULT(name)  (entry->name > 0)
#define HAS_PERIOD(name)  (entry->name > 0)
#define HAS_LISTED(name)  (entry->name.text != NULL)
#define HAS_HEADER(name)  (entry->name.text != NULL)

/* json is a constant in each call, so that the compiler makes two functions. */
INLINE void put_fields(struct strbuf *to, const struct access_entry *entry, bool json,
		       struct access_clock *clock)
{
#define ACCESS_FIELD(name, kind, sentence)  \
	if (HAS_##kind(name)) {             \
		put_label(to, LABEL(name)); \
		PUT_##kind(name);           \
		END;                        \
	}
#include "tables/access_fields.def"
}

bool accessline_write(struct strbuf *to, const struct access_entry *entry,
		      enum access_format format, struct access_clock *clock)
{
	bool json = format == ACCESS_JSON;
	size_t before = to->used;

	if (format == ACCESS_COMBINED)
		return accesscombined_write(to, entry, clock);
	if (json) {
		put_byte(to, '{');
		put_fields(to, entry, true, clock);
	} else {
		put_fields(to, entry, false, clock);
	}
	if (json)
		put_byte(to, '\n');
	if (to->is_cut || to->used == before) {
		to->used = before;
		return false;
	}
	/* the separator after the last field becomes the line's end */
	if (json)
		to->base[to->used - 2] = '}';
	else
		to->base[to->used - 1] = '\n';
	return true;
}
