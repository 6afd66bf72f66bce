/* SPDX-License-Identifier: MIT */
/* The table of bytes. Any other byte, including CR and NUL, belongs to no class. */
#include "services/http/parse/http_request.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/hex.h"

enum {
	U = HTTP_TARGET,
	TU = HTTP_TOKEN | HTTP_TARGET,
	UH = HTTP_TARGET | HTTP_HOST,
	TUH = HTTP_TOKEN | HTTP_TARGET | HTTP_HOST
};

const uint8_t http_classes[256] = {
	['!'] = TUH,         ['"'] = U,    ['#'] = HTTP_TOKEN, ['$'] = TUH,         ['%'] = TUH,
	['&'] = TUH,         ['\''] = TUH, ['('] = UH,         [')'] = UH,          ['*'] = TUH,
	['+'] = TUH,         [','] = UH,   ['-'] = TUH,        ['.'] = TUH,         ['/'] = U,
	['0' ... '9'] = TUH, [':'] = U,    [';'] = UH,         ['<'] = U,           ['='] = UH,
	['>'] = U,           ['?'] = U,    ['@'] = U,          ['A' ... 'Z'] = TUH, ['['] = U,
	['\\'] = U,          [']'] = U,    ['^'] = TU,         ['_'] = TUH,         ['`'] = TU,
	['a' ... 'z'] = TUH, ['{'] = U,    ['|'] = TU,         ['}'] = U,           ['~'] = TUH,
};

static bool is_hex(char c)
{
	return hex_value(c) >= 0;
}

/* True for a name of the class's bytes, where two hexadecimal digits follow each %. */
static bool is_name(const char *at, const char *end, bool takes_colon)
{
	while (at < end) {
		if (*at == '%' && (end - at < 3 || !is_hex(at[1]) || !is_hex(at[2])))
			return false;
		if (!http_is(*at, HTTP_HOST) && !(takes_colon && *at == ':'))
			return false;
		at++;
	}
	return true;
}

/* True for v1.x: an address of a future version. */
static bool is_future(const char *at, const char *end)
{
	const char *digits = at + 1;

	if (at == end || (*at | 0x20) != 'v')
		return false;
	for (at = digits; at < end && is_hex(*at);)
		at++;
	return at > digits && end - at > 1 && *at == '.' &&
	       memchr(at, '%', (size_t)(end - at)) == NULL && is_name(at + 1, end, true);
}

/*
 * True for an address such as ::1, optionally followed by a zone, which begins with %25 (RFC 6874).
 */
static bool is_ipv6(const char *at, const char *end)
{
	const char *zone = memchr(at, '%', (size_t)(end - at));
	size_t length = (size_t)((zone ? zone : end) - at);
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (length >= sizeof(text))
		return false;
	memcpy(text, at, length);
	text[length] = '\0';
	if (inet_pton(AF_INET6, text, &address) != 1)
		return false;
	return !zone ||
	       (end - zone > 3 && memcmp(zone, "%25", 3) == 0 && is_name(zone, end, false));
}

/* The end of the host at `at`; NULL when there is none. */
static const char *skip_host(const char *at, const char *end)
{
	const char *host_end;

	if (at == end || *at != '[') {
		host_end = http_skip(at, end, HTTP_HOST);
		return host_end > at && is_name(at, host_end, false) ? host_end : NULL;
	}
	host_end = memchr(at, ']', (size_t)(end - at));
	if (host_end == NULL || !(is_ipv6(at + 1, host_end) || is_future(at + 1, host_end)))
		return NULL;
	return host_end + 1;
}

/* True for digits, possibly none, that form a valid port. */
static bool is_port(const char *at, const char *end)
{
	unsigned port = 0;

	for (; at < end; at++) {
		if (*at < '0' || *at > '9')
			return false;
		port = port * 10 + (unsigned)(*at - '0');
		if (port > UINT16_MAX)
			return false;
	}
	return true;
}

bool http_request_is_authority(const char *at, size_t n)
{
	const char *end = at + n, *port = skip_host(at, end);

	if (port == NULL)
		return false;
	return port == end || (*port == ':' && is_port(port + 1, end));
}

bool http_request_is_tunnel(const char *at, size_t n)
{
	const char *end = at + n, *port = skip_host(at, end);

	return port && end - port > 1 && *port == ':' && is_port(port + 1, end);
}
