/* SPDX-License-Identifier: MIT */
/*
 * Reads and writes addresses, and resolves names. It binds and connects no socket, except one
 * temporary socket that tests for IPv6 on this host.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/sys.h"
#include "base/units.h"

enum { HOST_MOST = 253 }; /* RFC 1035, 2.3.4 */

enum host_kind { HOST_ALL, HOST_IPV4, HOST_IPV6, HOST_NAME, HOST_PATH };

/* A written address, split into its parts. */
struct parts {
	enum host_kind kind;
	char host[HOST_MOST + 1];
	const char *path;
	char port[8];      /* digits, for getaddrinfo(3) */
	const char *forms; /* for messages */
};

static const char forms[] = "8080, *:8080, 127.0.0.1:8080, [::1]:8080, name:8080 or unix:/path";
static const char server_forms[] = "127.0.0.1:8080, [::1]:8080, name:8080 or unix:/path";

static bool refuse_address(struct err *err, const char *text, const struct parts *parts,
			   const char *why)
{
	return err_set(err, CODE_CONFIG, "\"%s\" is not an address: %s (%s)", text, why,
		       parts->forms);
}

static bool read_port(const char *text, struct parts *parts)
{
	int64_t port;

	if (!units_read_count(text, &port) || port > 65535)
		return false;
	snprintf(parts->port, sizeof(parts->port), "%d", (int)port);
	return true;
}

static bool is_name(const char *host)
{
	size_t label = 0;

	for (const char *c = host; *c; c++) {
		bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
			      (*c >= '0' && *c <= '9') || *c == '_' || *c == '-';

		if (*c == '.' && label > 0)
			label = 0;
		else if (!letter || (label == 0 && *c == '-') || ++label > 63)
			return false;
	}
	return host[0] != '\0';
}

/*
 * A host of digits and dots is not a name: resolvers would read 127.1 or 010.0.0.1 in surprising
 * ways.
 */
static bool looks_numeric(const char *host)
{
	return host[strspn(host, "0123456789.")] == '\0';
}

static bool read_ipv6(const char *text, const char *host, struct parts *parts, struct err *err)
{
	struct in6_addr ignored;
	char plain[INET6_ADDRSTRLEN];
	size_t length = strcspn(host, "%");

	if (length >= sizeof(plain))
		return refuse_address(err, text, parts,
				      "what stands in brackets is not an IPv6 address");
	memcpy(plain, host, length);
	plain[length] = '\0';
	if (inet_pton(AF_INET6, plain, &ignored) != 1 || strcmp(host + length, "%") == 0)
		return refuse_address(err, text, parts,
				      "what stands in brackets is not an IPv6 address");
	parts->kind = HOST_IPV6;
	return true;
}

static bool read_host(const char *text, struct parts *parts, struct err *err)
{
	struct in_addr ignored;
	const char *host = parts->host;

	if (host[0] == '\0' || strcmp(host, "*") == 0) {
		parts->kind = HOST_ALL;
	} else if (strchr(host, ':')) {
		return refuse_address(err, text, parts, "an IPv6 address stands in brackets");
	} else if (looks_numeric(host)) {
		parts->kind = HOST_IPV4;
		if (inet_pton(AF_INET, host, &ignored) != 1)
			return refuse_address(err, text, parts,
					      "an IPv4 address has four numbers from 0 to 255");
	} else {
		parts->kind = HOST_NAME;
		if (!is_name(host))
			return refuse_address(err, text, parts, "that is no host's name");
	}
	return true;
}

static bool read_path(const char *text, const char *path, struct parts *parts, struct err *err)
{
	struct sockaddr_un *un = NULL;

	if (path[0] != '/')
		return refuse_address(err, text, parts, "the path of a unix socket begins with /");
	if (strlen(path) >= sizeof(un->sun_path))
		return refuse_address(err, text, parts,
				      "the path of a unix socket has at most 107 bytes");
	parts->kind = HOST_PATH;
	parts->path = path;
	return true;
}

/*
 * Splits HOST:PORT or [HOST]:PORT. The caller has checked that text is neither a path nor a bare
 * port.
 */
static bool split_parts(const char *text, struct parts *parts, struct err *err)
{
	const char *host = text, *end = strrchr(text, ':'), *port;
	bool bracket = text[0] == '[';

	if (bracket) {
		host++;
		end = strchr(text, ']');
		if (!end)
			return refuse_address(err, text, parts, "the bracket is not closed");
		port = end[1] == ':' ? end + 2 : NULL;
	} else {
		port = end ? end + 1 : NULL;
	}
	if (!port)
		return refuse_address(err, text, parts, "it has no port");
	if (end - host > HOST_MOST)
		return refuse_address(err, text, parts, "the name is too long");
	memcpy(parts->host, host, (size_t)(end - host));
	parts->host[end - host] = '\0';
	if (!(bracket ? read_ipv6(text, parts->host, parts, err) : read_host(text, parts, err)))
		return false;
	if (!read_port(port, parts))
		return refuse_address(err, text, parts, "the port is not a number from 0 to 65535");
	return true;
}

static bool take_apart(const char *text, const char *shown_forms, struct parts *parts,
		       struct err *err)
{
	*parts = (struct parts){ .forms = shown_forms };
	if (strncmp(text, "unix:", 5) == 0)
		return read_path(text, text + 5, parts, err);
	if (text[0] != '\0' && text[strspn(text, "0123456789")] == '\0') {
		parts->kind = HOST_ALL;
		return read_port(text, parts) ||
		       refuse_address(err, text, parts, "the port is not a number from 0 to 65535");
	}
	return split_parts(text, parts, err);
}

bool addr_check(const char *text, struct err *err)
{
	struct parts parts;

	return take_apart(text, forms, &parts, err);
}

bool addr_check_server(const char *text, struct err *err)
{
	struct parts parts;
	int64_t port;

	if (!take_apart(text, server_forms, &parts, err))
		return false;
	if (parts.kind == HOST_ALL)
		return refuse_address(err, text, &parts, "it has no host");
	if (parts.kind != HOST_PATH && units_read_count(parts.port, &port) && port == 0)
		return refuse_address(err, text, &parts, "a server has no port 0");
	return true;
}

/*
 * True when a socket can be bound to `at`. A socket() that succeeds does not prove it: sockets may
 * exist where addresses of the family are switched off.
 */
static bool has_ipv6(const struct in6_addr *at)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_addr = *at };
	int fd = sys_socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool good;

	if (fd < 0)
		return errno != EAFNOSUPPORT;
	good = sys_bind(fd, (struct sockaddr *)&in6, sizeof(in6)) == 0 || errno != EADDRNOTAVAIL;
	sys_close(fd);
	return good;
}

static void set_all(const struct parts *parts, struct addr *addr)
{
	int64_t port = 0;
	in_port_t net_port;

	units_read_count(parts->port, &port);
	net_port = htons((uint16_t)port);
	memset(addr, 0, sizeof(*addr));
	if (has_ipv6(&in6addr_any)) {
		addr->len = sizeof(addr->in6);
		addr->in6.sin6_family = AF_INET6;
		addr->in6.sin6_port = net_port;
	} else {
		addr->len = sizeof(addr->in);
		addr->in.sin_family = AF_INET;
		addr->in.sin_port = net_port;
	}
}

static void set_path(const struct parts *parts, struct addr *addr)
{
	size_t length = strlen(parts->path);

	memset(addr, 0, sizeof(*addr));
	addr->un.sun_family = AF_UNIX;
	memcpy(addr->un.sun_path, parts->path, length + 1);
	addr->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
}

static bool has_family(const struct addrinfo *list, int family)
{
	while (list && list->ai_family != family)
		list = list->ai_next;
	return list != NULL;
}

/*
 * Copies the results in order, without duplicates. IPv6 results are skipped when this host has no
 * IPv6 and the list has IPv4 results.
 */
static int collect_addresses(const struct addrinfo *list, struct addr *found, int most)
{
	bool skip_ipv6 = has_family(list, AF_INET) && has_family(list, AF_INET6) &&
			 !has_ipv6(&in6addr_loopback);
	int count = 0;

	for (; list && count < most; list = list->ai_next) {
		struct addr *addr = &found[count];
		int i = 0;

		if ((list->ai_family != AF_INET && list->ai_family != AF_INET6) ||
		    (list->ai_family == AF_INET6 && skip_ipv6))
			continue;
		memset(addr, 0, sizeof(*addr));
		memcpy(&addr->sa, list->ai_addr, list->ai_addrlen);
		addr->len = list->ai_addrlen;
		while (i < count && !addr_equal(&found[i], addr))
			i++;
		if (i == count)
			count++;
	}
	return count;
}

static int ask_resolver(const char *text, const struct parts *parts, struct addr *found, int most,
			struct err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	struct addrinfo *list = NULL;
	int failure, count;

	if (parts->kind != HOST_NAME)
		hints.ai_flags |= AI_NUMERICHOST;
	failure = getaddrinfo(parts->host, parts->port, &hints, &list);
	if (failure != 0) {
		const char *why = failure == EAI_SYSTEM ? strerror(errno) : gai_strerror(failure);

		err_set(err, CODE_UNAVAILABLE, "cannot resolve \"%s\" of \"%s\": %s", parts->host,
			text, why);
		return 0;
	}
	count = collect_addresses(list, found, most);
	freeaddrinfo(list);
	if (count == 0)
		err_set(err, CODE_UNAVAILABLE, "cannot resolve \"%s\" of \"%s\": no address",
			parts->host, text);
	return count;
}

int addr_resolve(const char *text, struct addr *found, int most, struct err *err)
{
	struct parts parts;

	if (!take_apart(text, forms, &parts, err))
		return 0;
	if (parts.kind == HOST_ALL)
		set_all(&parts, found);
	else if (parts.kind == HOST_PATH)
		set_path(&parts, found);
	else
		return ask_resolver(text, &parts, found, most, err);
	return 1;
}

/* A path in a sockaddr may lack its NUL, and an unnamed socket has no path at all. */
static size_t path_length(const struct addr *addr)
{
	size_t before = offsetof(struct sockaddr_un, sun_path);

	if (addr->len <= before)
		return 0;
	return strnlen(addr->un.sun_path, addr->len - before);
}

const char *addr_write(const struct addr *addr, char *text)
{
	char host[INET6_ADDRSTRLEN], scope[16] = "";

	switch (addr->sa.sa_family) {
	case AF_INET:
		inet_ntop(AF_INET, &addr->in.sin_addr, host, sizeof(host));
		snprintf(text, ADDR_TEXT, "%s:%u", host, ntohs(addr->in.sin_port));
		break;
	case AF_INET6:
		if (IN6_IS_ADDR_V4MAPPED(&addr->in6.sin6_addr)) {
			inet_ntop(AF_INET, &addr->in6.sin6_addr.s6_addr[12], host, sizeof(host));
			snprintf(text, ADDR_TEXT, "%s:%u", host, ntohs(addr->in6.sin6_port));
			break;
		}
		inet_ntop(AF_INET6, &addr->in6.sin6_addr, host, sizeof(host));
		if (addr->in6.sin6_scope_id != 0)
			snprintf(scope, sizeof(scope), "%%%u", addr->in6.sin6_scope_id);
		snprintf(text, ADDR_TEXT, "[%s%s]:%u", host, scope, ntohs(addr->in6.sin6_port));
		break;
	case AF_UNIX:
		snprintf(text, ADDR_TEXT, "unix:%.*s", (int)path_length(addr), addr->un.sun_path);
		break;
	default:
		snprintf(text, ADDR_TEXT, "family %d", addr->sa.sa_family);
	}
	return text;
}

const char *addr_hint(const struct addr *addr, int error)
{
	if (error == EINVAL && addr->sa.sa_family == AF_INET6 && addr->in6.sin6_scope_id == 0 &&
	    IN6_IS_ADDR_LINKLOCAL(&addr->in6.sin6_addr))
		return " (a link-local address needs its interface: [fe80::1%eth0])";
	return "";
}

struct addr addr_unmap(const struct addr *addr)
{
	struct addr plain = { .len = sizeof(plain.in) };

	if (addr->sa.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&addr->in6.sin6_addr))
		return *addr;
	plain.in.sin_family = AF_INET;
	plain.in.sin_port = addr->in6.sin6_port;
	memcpy(&plain.in.sin_addr, &addr->in6.sin6_addr.s6_addr[12], sizeof(plain.in.sin_addr));
	return plain;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	switch (a->sa.sa_family) {
	case AF_INET:
		return a->in.sin_port == b->in.sin_port &&
		       a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	case AF_INET6:
		return a->in6.sin6_port == b->in6.sin6_port &&
		       a->in6.sin6_scope_id == b->in6.sin6_scope_id &&
		       IN6_ARE_ADDR_EQUAL(&a->in6.sin6_addr, &b->in6.sin6_addr);
	case AF_UNIX:
		return path_length(a) == path_length(b) && path_length(a) > 0 &&
		       memcmp(a->un.sun_path, b->un.sun_path, path_length(a)) == 0;
	}
	return false;
}
