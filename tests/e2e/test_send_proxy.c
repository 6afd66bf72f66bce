/* SPDX-License-Identifier: MIT */
/* The PROXY headers that servers get: of clients, of clients of another proxy, and of checks. */
#include "harness.h"

#include <sys/socket.h>

#include "base/addr.h"
#include "base/proxy_header.h"
#include "client.h"
#include "unit/headers.h"
#include "upstream.h"

#define PAYLOAD "payload"

/* What a server has received. */
struct received {
	struct proxy_header header;
	struct proxy_texts texts;
	char bytes[4096];
	size_t size, used; /* all, and those of the header */
};

/* All that a connection sends until its end, which begins with a whole header of that version. */
static void receive_all(const struct upstream *u, unsigned version, struct received *r)
{
	int fd = upstream_accept(u);

	memset(r, 0, sizeof(*r));
	r->size = client_drain(fd, r->bytes, sizeof(r->bytes));
	assert_int_equal(proxy_header_read(&r->header, &r->texts, r->bytes, r->size, &r->used),
			 PROXY_COMPLETE);
	assert_int_equal(r->header.facts.version, version);
	close(fd);
}

static void assert_text(const struct received *r, enum proxy_text which, const char *expected)
{
	size_t length;
	const char *text = proxy_facts_text(&r->header.facts, &r->texts, which, &length);

	assert_int_equal(length, strlen(expected));
	if (length > 0)
		assert_memory_equal(text, expected, length);
}

static void assert_ends(const struct received *r, const char *source, const char *destination)
{
	const struct proxy_facts *facts = &r->header.facts;
	char text[ADDR_TEXT];

	assert_string_equal(net_write(&facts->source, facts->source_port, text), source);
	assert_string_equal(net_write(&facts->destination, facts->destination_port, text),
			    destination);
}

/* Starts with send_proxy of that version. */
static struct server *start(struct upstream *u, unsigned version, const char *lines,
			    const char *listen)
{
	char options[128];

	upstream_open(u);
	snprintf(options, sizeof(options), "send_proxy = v%u  %s", version, lines);
	return server_start(
		&(struct plan){ .conf = upstream_conf(u, options, listen, "workers = 1") });
}

static void stop(struct upstream *u, struct server *s)
{
	server_stop(s);
	upstream_close(u);
}

/* A client sends these bytes and the payload; its server gets a header before the payload. */
static void pass_on(const struct server *s, const struct upstream *u, unsigned version,
		    const struct header *header, struct received *r, char *client_address)
{
	int client = client_connect(FIRST(s));
	struct addr own = { .len = sizeof(own.un) };

	assert_int_equal(getsockname(client, &own.sa, &own.len), 0);
	addr_write(&own, client_address);
	client_send(client, header->bytes, header->size);
	client_say(client, PAYLOAD);
	client_half_close(client);
	receive_all(u, version, r);
	assert_int_equal(r->size - r->used, strlen(PAYLOAD));
	assert_memory_equal(r->bytes + r->used, PAYLOAD, strlen(PAYLOAD));
	client_expect_end(client);
	close(client);
}

/* One that comes itself, and one whose proxy does not know it either. */
static void client__is_named_by_the_addresses_of_its_socket(void **state)
{
	static const struct {
		struct header header;
		const char *listen;
	} rows[] = { { HEADER(""), "" }, { HEADER("PROXY UNKNOWN\r\n"), "accept_proxy = yes" } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (unsigned version = 1; version <= 2; version++) {
			char address[ADDR_TEXT];
			struct received r;
			struct upstream u;
			struct server *s = start(&u, version, "", rows[i].listen);

			pass_on(s, &u, version, &rows[i].header, &r, address);
			assert_ends(&r, address, FIRST(s));
			assert_false(proxy_facts_have_texts(&r.header.facts));
			stop(&u, s);
		}
}

/* Version 1 has room for the addresses alone. */
static void facts__of_another_proxy__are_passed_on(void **state)
{
	static const struct header header = HEADER(HEADER_SSL);

	(void)state;
	for (unsigned version = 1; version <= 2; version++) {
		char address[ADDR_TEXT];
		struct received r;
		struct upstream u;
		struct server *s = start(&u, version, "", "accept_proxy = yes");

		pass_on(s, &u, version, &header, &r, address);
		assert_ends(&r, "192.0.2.1:12345", "198.51.100.2:443");
		assert_int_equal(r.header.facts.has_ssl, version == 2);
		assert_int_equal(r.header.facts.ssl_client, version == 2 ? PROXY_SSL_USED : 0);
		assert_int_equal(r.header.facts.ssl_verify, version == 2 ? 7 : 0);
		assert_text(&r, PROXY_TEXT_authority, version == 2 ? "a.b.com" : "");
		assert_text(&r, PROXY_TEXT_ssl_version, version == 2 ? "TLSv1.3" : "");
		stop(&u, s);
	}
}

/* A check has no client, and sends nothing else. */
static void check__sends_a_header_that_names_nobody(void **state)
{
	(void)state;
	for (unsigned version = 1; version <= 2; version++) {
		struct received r;
		struct upstream u;
		struct server *s = start(&u, version, "check = connect", "");

		receive_all(&u, version, &r);
		assert_false(proxy_facts_are_any(&r.header.facts));
		assert_int_equal(r.size, r.used);
		stop(&u, s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(client__is_named_by_the_addresses_of_its_socket),
		E2E(facts__of_another_proxy__are_passed_on),
		E2E(check__sends_a_header_that_names_nobody),
	};

	return E2E_RUN(tests);
}
