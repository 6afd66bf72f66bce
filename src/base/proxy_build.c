/* SPDX-License-Identifier: MIT */
/* Builds PROXY headers (declared in base/proxy_header.h). */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/proxy_header.h"

enum { TYPE_CHECKSUM = 0x03, TYPE_SSL = 0x20 };

/* What is written so far. */
struct writing {
	char *base;
	size_t size;
};

static void put_bytes(struct writing *w, const void *bytes, size_t size)
{
	if (size > 0)
		memcpy(w->base + w->size, bytes, size);
	w->size += size;
}

static void put_byte(struct writing *w, unsigned byte)
{
	w->base[w->size++] = (char)byte;
}

static void set_16(char *to, unsigned value)
{
	to[0] = (char)(value >> 8);
	to[1] = (char)value;
}

static void put_16(struct writing *w, unsigned value)
{
	set_16(w->base + w->size, value);
	w->size += 2;
}

static void put_32(struct writing *w, uint32_t value)
{
	put_16(w, value >> 16);
	put_16(w, value & 0xffff);
}

/* Both ends, of one family. */
struct ends {
	int family;
	struct addr source, destination;
};

static struct addr map_addr(const struct addr *addr)
{
	struct addr mapped = { .len = sizeof(mapped.in6) };

	if (addr->sa.sa_family != AF_INET)
		return *addr;
	mapped.in6.sin6_family = AF_INET6;
	mapped.in6.sin6_port = addr->in.sin_port;
	mapped.in6.sin6_addr.s6_addr[10] = mapped.in6.sin6_addr.s6_addr[11] = 0xff;
	memcpy(mapped.in6.sin6_addr.s6_addr + 12, &addr->in.sin_addr, 4);
	return mapped;
}

static bool is_inet(const struct addr *addr)
{
	return addr->sa.sa_family == AF_INET || addr->sa.sa_family == AF_INET6;
}

static struct ends find_ends(const struct proxy_build *build)
{
	struct ends ends = { AF_UNSPEC, { 0 }, { 0 } };

	if (build->is_local || !build->source || !build->destination)
		return ends;
	ends.source = addr_unmap(build->source);
	ends.destination = addr_unmap(build->destination);
	if (ends.source.sa.sa_family == ends.destination.sa.sa_family) {
		ends.family = ends.source.sa.sa_family;
	} else if (is_inet(&ends.source) && is_inet(&ends.destination)) {
		ends.source = map_addr(&ends.source);
		ends.destination = map_addr(&ends.destination);
		ends.family = AF_INET6;
	}
	return ends;
}

static const void *bytes_of(const struct addr *addr, size_t *size)
{
	*size = addr->sa.sa_family == AF_INET ? 4 : 16;
	return addr->sa.sa_family == AF_INET ? (const void *)&addr->in.sin_addr :
					       (const void *)&addr->in6.sin6_addr;
}

static unsigned port_of(const struct addr *addr)
{
	return ntohs(addr->sa.sa_family == AF_INET ? addr->in.sin_port : addr->in6.sin6_port);
}

static size_t build_line(const struct ends *ends, char *to)
{
	char source[INET6_ADDRSTRLEN], destination[INET6_ADDRSTRLEN];
	size_t size;

	if (ends->family != AF_INET && ends->family != AF_INET6)
		return (size_t)snprintf(to, PROXY_BUILD_MOST, "PROXY UNKNOWN\r\n");
	inet_ntop(ends->family, bytes_of(&ends->source, &size), source, sizeof(source));
	inet_ntop(ends->family, bytes_of(&ends->destination, &size), destination,
		  sizeof(destination));
	return (size_t)snprintf(to, PROXY_BUILD_MOST, "PROXY TCP%c %s %s %u %u\r\n",
				ends->family == AF_INET ? '4' : '6', source, destination,
				port_of(&ends->source), port_of(&ends->destination));
}

static void put_inet(struct writing *w, const struct ends *ends)
{
	size_t size;
	const void *source = bytes_of(&ends->source, &size);

	put_bytes(w, source, size);
	put_bytes(w, bytes_of(&ends->destination, &size), size);
	put_16(w, port_of(&ends->source));
	put_16(w, port_of(&ends->destination));
}

/* A path need not end with a NUL (unix(7)). */
static void put_path(struct writing *w, const struct addr *addr)
{
	char path[sizeof(addr->un.sun_path)] = "";
	size_t before = offsetof(struct sockaddr_un, sun_path);

	if (addr->len > before)
		memcpy(path, addr->un.sun_path,
		       addr->len - before < sizeof(path) ? addr->len - before : sizeof(path));
	put_bytes(w, path, sizeof(path));
}

/* The family and the transport, a stream, with the addresses behind the length. */
static void put_ends(struct writing *w, const struct ends *ends)
{
	unsigned code = ends->family == AF_INET ? 0x11 : ends->family == AF_INET6 ? 0x21 : 0;

	put_byte(w, ends->family == AF_UNIX ? 0x31 : code);
	put_16(w, 0);
	if (code != 0)
		put_inet(w, ends);
	if (ends->family != AF_UNIX)
		return;
	put_path(w, &ends->source);
	put_path(w, &ends->destination);
}

static void put_text(struct writing *w, const struct proxy_build *build, unsigned which)
{
	const struct proxy_text_row *row = &proxy_text_rows[which];
	unsigned size = build->lengths[which] < row->most ? build->lengths[which] : row->most;

	if (size == 0)
		return;
	put_byte(w, row->type);
	put_16(w, size);
	put_bytes(w, build->texts[which], size);
}

static void put_texts(struct writing *w, const struct proxy_build *build, bool is_ssl)
{
	for (unsigned i = 0; i < PROXY_TEXTS; i++)
		if (proxy_text_rows[i].is_ssl == is_ssl)
			put_text(w, build, i);
}

/* Writes the size of what follows it, in two bytes at `at`. */
static void set_size(const struct writing *w, size_t at)
{
	set_16(w->base + at, (unsigned)(w->size - at - 2));
}

static void put_ssl(struct writing *w, const struct proxy_build *build)
{
	size_t at = w->size + 1;

	put_byte(w, TYPE_SSL);
	put_16(w, 0);
	put_byte(w, build->ssl_client);
	put_32(w, build->ssl_verify);
	put_texts(w, build, true);
	set_size(w, at);
}

static void put_checksum(struct writing *w)
{
	put_byte(w, TYPE_CHECKSUM);
	put_16(w, 4);
	put_32(w, 0);
}

static size_t build_binary(const struct proxy_build *build, const struct ends *ends, char *to)
{
	static const char signature[12] = "\r\n\r\n\0\r\nQUIT\n";
	struct writing w = { .base = to };

	put_bytes(&w, signature, sizeof(signature));
	put_byte(&w, build->is_local ? 0x20 : 0x21);
	put_ends(&w, ends);
	if (!build->is_local) {
		put_texts(&w, build, false);
		if (build->has_ssl)
			put_ssl(&w, build);
		if (build->has_checksum)
			put_checksum(&w);
	}
	set_size(&w, PROXY_HEAD_SIZE - 2);
	if (build->has_checksum && !build->is_local) {
		uint32_t sum = crc32c_add(0, to, w.size);

		w.size -= 4;
		put_32(&w, sum);
	}
	return w.size;
}

size_t proxy_header_build(const struct proxy_build *build, char *to)
{
	struct ends ends = find_ends(build);

	return build->version == 1 ? build_line(&ends, to) : build_binary(build, &ends, to);
}

void proxy_build_set_facts(struct proxy_build *build, const struct proxy_facts *facts,
			   const struct proxy_texts *texts)
{
	for (unsigned i = 0; i < PROXY_TEXTS; i++) {
		size_t length;

		build->texts[i] = proxy_facts_text(facts, texts, (enum proxy_text)i, &length);
		build->lengths[i] = (uint8_t)length;
	}
	build->has_ssl = facts->has_ssl == 1;
	build->ssl_client = facts->ssl_client;
	build->ssl_verify = facts->ssl_verify;
}
