/* SPDX-License-Identifier: MIT */
/*
 * Reads the heads of HTTP answers and counts their bodies. Must not keep what it reads, nor look at
 * a body.
 */
#include "client/bench/http_response.h"

#include <string.h>
#include <strings.h>

#include "client/bench/hex.h"

void httpanswer_begin(struct httpanswer *answer)
{
	/* not the line: this is done for every message */
	answer->place = HTTPANSWER_STATUS;
	answer->is_chunked = answer->has_length = false;
	answer->keeps = true;
	answer->kept = 0;
	answer->status = 0;
	answer->head = 0;
	answer->left = 0;
}

static void go(struct httpanswer *answer, enum httpanswer_place place)
{
	answer->place = (uint8_t)place;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200 OK". */
static void take_status(struct httpanswer *answer, const char *line, size_t n)
{
	if (n < 12 || memcmp(line, "HTTP/1.", 7) != 0 || line[8] != ' ' || !is_digit(line[9]) ||
	    !is_digit(line[10]) || !is_digit(line[11])) {
		go(answer, HTTPANSWER_WRONG);
		return;
	}
	answer->keeps = line[7] != '0';
	answer->status = (uint16_t)((line[9] - '0') * 100 + (line[10] - '0') * 10 + line[11] - '0');
	/* nobody has asked for the other protocol that 101 announces, so it has no answer's end */
	go(answer,
	   answer->status < 100 || answer->status == 101 ? HTTPANSWER_WRONG : HTTPANSWER_FIELDS);
}

static void take_length(struct httpanswer *answer, const char *value, size_t n)
{
	uint64_t length = 0;

	if (n == 0 || n > 18)
		go(answer, HTTPANSWER_WRONG);
	for (size_t i = 0; i < n; i++) {
		if (!is_digit(value[i])) {
			go(answer, HTTPANSWER_WRONG);
			return;
		}
		length = length * 10 + (uint64_t)(value[i] - '0');
	}
	if (answer->has_length && length != answer->left)
		go(answer, HTTPANSWER_WRONG);
	answer->has_length = true;
	answer->left = length;
}

/* True when the comma-separated list holds the word. */
static bool has_word(const char *list, size_t n, const char *word)
{
	size_t length = strlen(word);

	for (size_t i = 0; i + length <= n; i++) {
		bool begins = i == 0 || list[i - 1] == ',' || list[i - 1] == ' ';
		bool ends = i + length == n || list[i + length] == ',' || list[i + length] == ' ' ||
			    list[i + length] == ';';

		if (begins && ends && strncasecmp(list + i, word, length) == 0)
			return true;
	}
	return false;
}

/* The value behind "name:" without blanks around it; NULL when the line is another field. */
static const char *value_of(const char *line, size_t n, const char *name, size_t *size)
{
	size_t length = strlen(name);

	if (n <= length || line[length] != ':' || strncasecmp(line, name, length) != 0)
		return NULL;
	line += length + 1;
	n -= length + 1;
	while (n > 0 && (*line == ' ' || *line == '\t'))
		line++, n--;
	while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t'))
		n--;
	*size = n;
	return line;
}

static void take_field(struct httpanswer *answer, const char *line, size_t n)
{
	const char *value;
	size_t size;

	/* most fields are none of the three, and that is seen at once */
	if ((line[0] | 0x20) != 'c' && (line[0] | 0x20) != 't')
		return;
	if ((value = value_of(line, n, "content-length", &size)) != NULL) {
		take_length(answer, value, size);
	} else if ((value = value_of(line, n, "transfer-encoding", &size)) != NULL) {
		answer->is_chunked = has_word(value, size, "chunked");
	} else if ((value = value_of(line, n, "connection", &size)) != NULL) {
		if (has_word(value, size, "close"))
			answer->keeps = false;
		else if (has_word(value, size, "keep-alive"))
			answer->keeps = true;
	}
}

/* The empty line: what follows? */
static void end_fields(struct httpanswer *answer)
{
	if (answer->status < 200) {
		httpanswer_begin(answer); /* an interim answer */
	} else if (answer->status == 204 || answer->status == 304) {
		go(answer, HTTPANSWER_WHOLE);
	} else if (answer->is_chunked) {
		go(answer, HTTPANSWER_CHUNK_SIZE);
	} else if (answer->has_length) {
		go(answer, answer->left > 0 ? HTTPANSWER_BODY : HTTPANSWER_WHOLE);
	} else {
		answer->keeps = false;
		go(answer, HTTPANSWER_REST);
	}
}

static void take_chunk_size(struct httpanswer *answer, const char *line, size_t n)
{
	uint64_t size = 0;
	size_t i = 0;

	for (; i < n && hex_digit(line[i]) >= 0 && i < 15; i++)
		size = size * 16 + (uint64_t)hex_digit(line[i]);
	if (i == 0 || (i < n && line[i] != ';' && line[i] != ' ' && line[i] != '\t')) {
		go(answer, HTTPANSWER_WRONG);
		return;
	}
	answer->left = size;
	go(answer, size > 0 ? HTTPANSWER_CHUNK : HTTPANSWER_TRAILER);
}

static void take_line(struct httpanswer *answer, const char *line, size_t n)
{
	if (n > 0 && line[n - 1] == '\r')
		n--;
	switch ((enum httpanswer_place)answer->place) {
	case HTTPANSWER_STATUS:
		take_status(answer, line, n);
		break;
	case HTTPANSWER_FIELDS:
		if (n > 0)
			take_field(answer, line, n);
		else
			end_fields(answer);
		break;
	case HTTPANSWER_CHUNK_SIZE:
		take_chunk_size(answer, line, n);
		break;
	case HTTPANSWER_CHUNK_END:
		go(answer, n == 0 ? HTTPANSWER_CHUNK_SIZE : HTTPANSWER_WRONG);
		break;
	case HTTPANSWER_TRAILER:
		if (n == 0)
			go(answer, HTTPANSWER_WHOLE);
		break;
	default:
		break;
	}
}

/* Keeps the beginning of a line whose end has not come yet. */
static void keep(struct httpanswer *answer, const char *bytes, size_t n)
{
	size_t room = HTTPANSWER_LINE - answer->kept, fits = n < room ? n : room;

	memcpy(answer->line + answer->kept, bytes, fits);
	answer->kept = (uint16_t)(answer->kept + fits);
}

/* Takes at most one line. */
static size_t take_text(struct httpanswer *answer, const char *bytes, size_t n)
{
	const char *lf = memchr(bytes, '\n', n);
	size_t used = lf != NULL ? (size_t)(lf - bytes) + 1 : n;

	answer->head += (uint32_t)used;
	if (answer->head > HTTPANSWER_HEAD_MOST) {
		go(answer, HTTPANSWER_WRONG);
		return used;
	}
	if (lf == NULL) {
		keep(answer, bytes, n);
	} else if (answer->kept == 0) {
		take_line(answer, bytes, used - 1);
	} else {
		size_t kept;

		keep(answer, bytes, used - 1);
		kept = answer->kept;
		answer->kept = 0;
		take_line(answer, answer->line, kept);
	}
	return used;
}

/* Counts bytes of a body or a chunk. */
static size_t take_data(struct httpanswer *answer, size_t n)
{
	size_t used = n < answer->left ? n : (size_t)answer->left;

	answer->left -= used;
	if (answer->left == 0 && answer->place == HTTPANSWER_BODY) {
		go(answer, HTTPANSWER_WHOLE);
	} else if (answer->left == 0) {
		answer->head = 0; /* the bound is on what stands between two chunks */
		go(answer, HTTPANSWER_CHUNK_END);
	}
	return used;
}

size_t httpanswer_take(struct httpanswer *answer, const char *bytes, size_t n)
{
	size_t used = 0;

	while (used < n && answer->place < HTTPANSWER_WHOLE) {
		if (answer->place == HTTPANSWER_BODY || answer->place == HTTPANSWER_CHUNK)
			used += take_data(answer, n - used);
		else if (answer->place == HTTPANSWER_REST)
			used = n;
		else
			used += take_text(answer, bytes + used, n - used);
	}
	return used;
}

bool httpanswer_end(struct httpanswer *answer)
{
	if (answer->place == HTTPANSWER_REST)
		go(answer, HTTPANSWER_WHOLE);
	return answer->place == HTTPANSWER_WHOLE;
}
