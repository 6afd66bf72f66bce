/* SPDX-License-Identifier: MIT */
/*
 * The forms of a request target. It finds path and query and changes nothing in them: no decoding,
 * no dot-segments.
 */
#include <arpa/inet.h>
#include <string.h>

#include "services/http/http_request.h"
#include "services/http/http_target.h"

static const char *skip_class(const char *at, const char *end, enum http_class class)
{
	while (at < end && http_is(*at, class))
		at++;
	return at;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
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
		host_end = skip_class(at, end, HTTP_HOST);
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

bool http_target_is_authority(const char *at, size_t n)
{
	const char *end = at + n, *port = skip_host(at, end);

	if (port == NULL)
		return false;
	return port == end || (*port == ':' && is_port(port + 1, end));
}

static bool split_target(struct http_request *r, const char *bytes, uint32_t at, uint32_t end)
{
	const char *mark = memchr(bytes + at, '?', end - at);
	uint32_t path_end = mark ? (uint32_t)(mark - bytes) : end;

	r->path = (struct http_span){ at, path_end - at };
	r->has_query = mark != NULL;
	if (mark)
		r->query = (struct http_span){ path_end + 1, end - path_end - 1 };
	return true;
}

/* Length of http:// or https://, in upper or lower case; 0: neither. */
static uint32_t scheme_length(const char *at, size_t n)
{
	static const char *const schemes[] = { "http://", "https://" };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t length = strlen(schemes[i]), k = 0;

		while (k < length && k < n && (at[k] | 0x20) == (schemes[i][k] | 0x20))
			k++;
		if (k == length)
			return (uint32_t)length;
	}
	return 0;
}

/*
 * http://host/path?query: the host is checked and dropped, since this server answers to any name.
 */
static bool take_absolute(struct http_request *r, const char *bytes, uint32_t at, uint32_t end)
{
	uint32_t length = scheme_length(bytes + at, end - at), path;

	if (length == 0)
		return false;
	at += length;
	for (path = at; path < end && bytes[path] != '/' && bytes[path] != '?';)
		path++;
	if (!http_target_is_authority(bytes + at, path - at))
		return false;
	split_target(r, bytes, path, end);
	/* an empty path means /, and a slash precedes the host */
	if (r->path.length == 0)
		r->path = (struct http_span){ at - 1, 1 };
	return true;
}

bool http_target_take(struct http_request *r, const char *bytes, uint32_t at, uint32_t end)
{
	if (r->method == HTTP_CONNECT) {
		r->path = (struct http_span){ at, 0 };
		return http_target_is_authority(bytes + at, end - at);
	}
	if (bytes[at] == '/')
		return split_target(r, bytes, at, end);
	if (bytes[at] == '*' && end - at == 1) {
		r->path = (struct http_span){ at, 1 };
		return r->method == HTTP_OPTIONS;
	}
	return take_absolute(r, bytes, at, end);
}
