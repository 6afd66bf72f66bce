/* SPDX-License-Identifier: MIT */
/* Reads the line only once it is whole, but refuses one at its first wrong word. */
#include "base/proxy_line.h"

#include <arpa/inet.h>
#include <string.h>

/* The fields of the line, up to its CR. */
struct line {
	const char *at, *end;
};

/* The next field as a text; false when it is empty, too long, or no blank or end follows. */
static bool take_field(struct line *line, const char *allowed, char *text, size_t size)
{
	size_t length = 0;

	while (line->at < line->end && *line->at != ' ') {
		if (length + 1 == size || *line->at == '\0' || !strchr(allowed, *line->at))
			return false;
		text[length++] = *line->at++;
	}
	text[length] = '\0';
	if (line->at < line->end)
		line->at++;
	return length > 0;
}

/* inet_pton takes no leading zeros in an IPv4 address. */
static bool take_address(struct line *line, int family, struct net *net)
{
	char text[INET6_ADDRSTRLEN];

	*net = (struct net){ .family = (sa_family_t)family, .bits = family == AF_INET ? 32 : 128 };
	return take_field(line, "0123456789abcdefABCDEF:.", text, sizeof(text)) &&
	       inet_pton(family, text, net->bytes) == 1;
}

static bool take_port(struct line *line, uint16_t *port)
{
	unsigned long number = 0;
	char text[6];

	if (!take_field(line, "0123456789", text, sizeof(text)) ||
	    (text[0] == '0' && text[1] != '\0'))
		return false;
	for (const char *digit = text; *digit != '\0'; digit++)
		number = number * 10 + (unsigned long)(*digit - '0');
	*port = (uint16_t)number;
	return number <= UINT16_MAX;
}

/* A blank behind the last port would begin one more field. */
static enum proxy_error read_fields(struct line line, int family, struct proxy_facts *facts)
{
	if (!take_address(&line, family, &facts->source))
		return PROXY_ERROR_line_source;
	if (!take_address(&line, family, &facts->destination))
		return PROXY_ERROR_line_destination;
	if (!take_port(&line, &facts->source_port))
		return PROXY_ERROR_line_source_port;
	if (!take_port(&line, &facts->destination_port))
		return PROXY_ERROR_line_destination_port;
	return line.at == line.end && line.at[-1] != ' ' ? PROXY_ERROR_none : PROXY_ERROR_line_end;
}

static const struct protocol {
	const char *word;
	int family;
} protocols[] = { { "TCP4 ", AF_INET }, { "TCP6 ", AF_INET6 }, { "UNKNOWN", AF_UNSPEC } };

/* The row whose word begins with the bytes, or is followed by them; NULL: none. */
static const struct protocol *find_protocol(const char *bytes, size_t size)
{
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++) {
		size_t length = strlen(protocols[i].word);

		if (memcmp(bytes, protocols[i].word, size < length ? size : length) == 0)
			return &protocols[i];
	}
	return NULL;
}

/* In a line of UNKNOWN anything may come before CR LF; in others, no CR or LF alone. */
static enum proxy_error find_end(const char *line, size_t size, bool is_unknown, size_t *end)
{
	size_t most = size < PROXY_LINE_MOST ? size : PROXY_LINE_MOST;

	for (size_t i = 0; i < most; i++) {
		bool is_cr = line[i] == '\r', has_next = i + 1 < most;

		if (is_cr && has_next && line[i + 1] == '\n') {
			*end = i;
			return PROXY_ERROR_none;
		}
		if (!is_unknown && (line[i] == '\n' || (is_cr && has_next)))
			return PROXY_ERROR_line_end;
	}
	*end = 0;
	return size < PROXY_LINE_MOST ? PROXY_ERROR_none : PROXY_ERROR_line_too_long;
}

enum proxy_error proxy_line_read(const char *bytes, size_t size, struct proxy_facts *facts,
				 size_t *length)
{
	const char *fields = bytes + PROXY_LINE_START;
	const struct protocol *protocol = find_protocol(fields, size - PROXY_LINE_START);
	size_t word = protocol ? PROXY_LINE_START + strlen(protocol->word) : 0, end;
	bool is_unknown = protocol && protocol->family == AF_UNSPEC;
	enum proxy_error error;

	*length = 0;
	if (!protocol || (is_unknown && size > word && bytes[word] != ' ' && bytes[word] != '\r'))
		return PROXY_ERROR_line_protocol;
	error = find_end(bytes, size, is_unknown, &end);
	if (error != PROXY_ERROR_none || end == 0)
		return error;
	*length = end + 2;
	facts->version = 1;
	if (is_unknown)
		return PROXY_ERROR_none;
	return read_fields((struct line){ bytes + word, bytes + end }, protocol->family, facts);
}
