/* SPDX-License-Identifier: MIT */
/*
 * Reads Host, Content-Length, Transfer-Encoding, Connection and Expect; all other headers pass
 * unread. Request smuggling needs two parties that disagree about a request's end, so anything
 * doubtful is refused.
 */
#include <stdbool.h>

#include "services/http/http_field.h"

/* Bits of http_request.found. */
enum {
	FOUND_HOST = 1,
	FOUND_LENGTH = 2,
	FOUND_CODING = 4,
	FOUND_CHUNKED = 8,
	FOUND_OTHER_CODING = 16,
	FOUND_CLOSE = 32,
	FOUND_KEEP_ALIVE = 64,
	FOUND_CONTINUE = 128
};

struct word {
	const char *at;
	size_t length;
};

/* wanted must be lower case. */
static bool is_word(struct word word, const char *wanted, size_t length)
{
	if (word.length != length)
		return false;
	for (size_t i = 0; i < length; i++) {
		char c = word.at[i];

		if ((c >= 'A' && c <= 'Z' ? c | 0x20 : c) != wanted[i])
			return false;
	}
	return true;
}

#define IS_WORD(word, wanted) is_word((word), (wanted), sizeof(wanted) - 1)

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct word trim_word(struct word word)
{
	while (word.length > 0 && is_blank(word.at[word.length - 1]))
		word.length--;
	while (word.length > 0 && is_blank(*word.at)) {
		word.at++;
		word.length--;
	}
	return word;
}

/* Takes the next member off a comma-separated list (RFC 9110 5.6.1); false when there is none. */
static bool next_member(struct word *list, struct word *member)
{
	while (list->length > 0) {
		size_t n = 0;

		while (n < list->length && list->at[n] != ',')
			n++;
		*member = trim_word((struct word){ list->at, n });
		n += n < list->length;
		list->at += n;
		list->length -= n;
		if (member->length > 0)
			return true;
	}
	return false;
}

static unsigned take_host(struct http_request *r, struct word value)
{
	if (r->found & FOUND_HOST)
		return 400;
	r->found |= FOUND_HOST;
	return value.length == 0 || http_request_is_authority(value.at, value.length) ? 0 : 400;
}

static unsigned take_length(struct http_request *r, struct word value)
{
	uint64_t sum = 0;

	if (value.length == 0)
		return 400;
	for (size_t i = 0; i < value.length; i++) {
		if (value.at[i] < '0' || value.at[i] > '9' ||
		    __builtin_mul_overflow(sum, 10, &sum) ||
		    __builtin_add_overflow(sum, (uint64_t)(value.at[i] - '0'), &sum))
			return 400;
	}
	/* twice, even with the same value: a proxy in between might have used the other one */
	if (r->found & FOUND_LENGTH)
		return 400;
	r->found |= FOUND_LENGTH;
	r->content_length = sum;
	return 0;
}

static unsigned take_coding(struct http_request *r, struct word value)
{
	struct word coding;

	r->found |= FOUND_CODING;
	while (next_member(&value, &coding)) {
		/* chunked must come last: behind another coding the end of the body is unknown */
		if (r->found & FOUND_CHUNKED)
			return 400;
		r->found |= IS_WORD(coding, "chunked") ? FOUND_CHUNKED : FOUND_OTHER_CODING;
	}
	return r->found & (FOUND_CHUNKED | FOUND_OTHER_CODING) ? 0 : 400;
}

static unsigned take_connection(struct http_request *r, struct word value)
{
	struct word option;

	while (next_member(&value, &option)) {
		if (IS_WORD(option, "close"))
			r->found |= FOUND_CLOSE;
		else if (IS_WORD(option, "keep-alive"))
			r->found |= FOUND_KEEP_ALIVE;
	}
	return 0;
}

static unsigned take_expect(struct http_request *r, struct word value)
{
	struct word expectation;

	while (next_member(&value, &expectation)) {
		if (IS_WORD(expectation, "100-continue"))
			r->found |= FOUND_CONTINUE;
	}
	return 0;
}

unsigned http_field_take(struct http_request *r, const char *name, size_t name_length,
			 const char *value, size_t length)
{
	static const struct {
		const char *name;
		size_t length;
		unsigned (*take)(struct http_request *r, struct word value);
	} rows[] = {
#define FIELD(name, take) { name, sizeof(name) - 1, take }
		FIELD("host", take_host),
		FIELD("content-length", take_length),
		FIELD("transfer-encoding", take_coding),
		FIELD("connection", take_connection),
		FIELD("expect", take_expect),
#undef FIELD
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (is_word((struct word){ name, name_length }, rows[i].name, rows[i].length))
			return rows[i].take(r, trim_word((struct word){ value, length }));
	}
	return 0;
}

unsigned http_field_judge(struct http_request *r)
{
	bool has_coding = r->found & FOUND_CODING;

	if (r->minor == 1 && !(r->found & FOUND_HOST))
		return 400;
	if (has_coding && (r->found & FOUND_LENGTH || r->minor == 0))
		return 400;
	if (r->found & FOUND_OTHER_CODING)
		return 501;
	if (r->content_length > HTTP_BODY_MOST)
		return 413;
	r->has_chunks = has_coding;
	r->keep_alive = !(r->found & FOUND_CLOSE) && (r->minor == 1 || r->found & FOUND_KEEP_ALIVE);
	r->expect_continue = r->found & FOUND_CONTINUE && r->minor == 1 &&
			     (r->has_chunks || r->content_length > 0);
	return 0;
}
