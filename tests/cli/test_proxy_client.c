/* SPDX-License-Identifier: MIT */
/* prefork-client -P: the header that it sends, alone and in a bench, and what it refuses. */
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/proxy_header.h"
#include "cli/bench_peer.h"
#include "cli/client_peer.h"
#include "e2e/client.h"
#include "e2e/harness.h"

/* The address of the client's socket. */
static const char *write_remote(int fd, char *text)
{
	struct addr remote = { .len = sizeof(remote.un) };

	assert_int_equal(getpeername(fd, &remote.sa, &remote.len), 0);
	return addr_write(&remote, text);
}

/* Receives a header; byte by byte, so that no byte behind it is taken. */
static struct proxy_facts receive_header(int fd)
{
	struct proxy_header header = { 0 };
	static struct proxy_texts texts;
	char bytes[PROXY_BUILD_MOST];
	size_t size = 0, used;
	enum proxy_progress progress = PROXY_INCOMPLETE;

	while (progress == PROXY_INCOMPLETE) {
		client_expect(fd, "", 0);
		assert_int_equal(recv(fd, bytes + size, 1, MSG_WAITALL), 1);
		size++;
		progress = proxy_header_read(&header, &texts, bytes, size, &used);
		memmove(bytes, bytes + used, size - used);
		size -= used;
	}
	assert_int_equal(progress, PROXY_COMPLETE);
	return header.facts;
}

static void expect_net(const struct net *net, uint16_t port, const char *text)
{
	char shown[ADDR_TEXT];

	assert_string_equal(net_write(net, port, shown), text);
}

static void header__of_either_version__names_what_was_given(void **state)
{
	static const struct {
		const char *value, *source, *destination; /* NULL: the connection's own */
		unsigned version;
	} rows[] = {
		{ "v1", NULL, NULL, 1 },
		{ "v2", NULL, NULL, 2 },
		{ "v1,192.0.2.1:7", "192.0.2.1:7", NULL, 1 },
		{ "v2,192.0.2.1:7,198.51.100.2:8", "192.0.2.1:7", "198.51.100.2:8", 2 },
		{ "v2,,198.51.100.2:8", NULL, "198.51.100.2:8", 2 },
		{ "v2,[2001:db8::1]:7,[2001:db8::2]:8", "[2001:db8::1]:7", "[2001:db8::2]:8", 2 },
		{ "v1,2001:db8::1,[::1]:8", NULL, "[::1]:8", 1 },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[ADDR_TEXT];
		struct proxy_facts facts;
		int peer;

		RUN_CLIENT(&client_peer.client, "-P", rows[i].value, "-q", "1ms",
			   client_peer.address, "hello");
		peer = client_peer_accept();
		facts = receive_header(peer);
		client_hear(peer, "hello");
		assert_int_equal(facts.version, rows[i].version);
		if (i < 6)
			expect_net(&facts.source, facts.source_port,
				   rows[i].source ? rows[i].source : write_remote(peer, text));
		else
			assert_string_not_equal(net_write(&facts.source, facts.source_port, text),
						"[2001:db8::1]:0");
		expect_net(&facts.destination, facts.destination_port,
			   rows[i].destination ? rows[i].destination : client_peer.address);
		client_say(peer, "1");
		close(peer);
		client_peer_assert(CODE_OK, "1\n", NULL);
	}
}

static void header__that_is_local__has_no_addresses(void **state)
{
	int peer;

	(void)state;
	RUN_CLIENT(&client_peer.client, "--proxy", "local", "-q", "1ms", client_peer.address, "x");
	peer = client_peer_accept();
	client_expect(peer, "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16);
	client_hear(peer, "x");
	client_say(peer, "1");
	close(peer);
	client_peer_assert(CODE_OK, "1\n", NULL);
}

static void header__that_cannot_be__is_refused(void **state)
{
#define FORMS " (v1 or v2, then ,SOURCE and ,DESTINATION as wanted; or local)\n"
#define NO_ADDRESS                                                                   \
	"what follows the version is no address such as 192.0.2.1, 192.0.2.1:80 or " \
	"[2001:db8::1]:80" FORMS
	static const struct {
		const char *value, *why;
	} rows[] = {
		{ "", "--proxy \"\": it begins with none of the words" FORMS },
		{ "v3", "--proxy \"v3\": it begins with none of the words" FORMS },
		{ "v1,80", "--proxy \"v1,80\": " NO_ADDRESS },
		{ "v1,:80", "--proxy \"v1,:80\": " NO_ADDRESS },
		{ "v1,10.0.0.0/8", "--proxy \"v1,10.0.0.0/8\": " NO_ADDRESS },
		{ "v1,1.2.3.4:99999", "--proxy \"v1,1.2.3.4:99999\": " NO_ADDRESS },
		{ "v2,1.2.3.4,1.2.3.4,1",
		  "--proxy \"v2,1.2.3.4,1.2.3.4,1\": there is one word too many" FORMS },
		{ "local,1.2.3.4",
		  "--proxy \"local,1.2.3.4\": a local header has no addresses" FORMS },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (unsigned bench = 0; bench < 2; bench++) {
			struct client_process *client = &client_peer.client;
			char said[512];

			if (bench)
				RUN_CLIENT(client, "bench", "-P", rows[i].value, "127.0.0.1:1");
			else
				RUN_CLIENT(client, "-P", rows[i].value, "127.0.0.1:1", "x");
			client_process_wait(client);
			snprintf(said, sizeof(said), "prefork-client: %s", rows[i].why);
			assert_string_equal(client->err, said);
			assert_int_equal(client->code, CODE_USAGE);
		}
}

/* Each connection, and no message but the first of each. */
static void bench__sends_the_header_on_each_connection(void **state)
{
	enum { MESSAGES = 6, OF_ONE = 2 };

	(void)state;
	bench_peer_set_up(state);
	BENCH("-P", "v2,192.0.2.1", "-c", "1", "-n", "6", "-k", "2", "-s", "10",
	      bench_peer_address);
	for (unsigned i = 0; i < MESSAGES / OF_ONE; i++) {
		int fd = bench_peer_accept();
		struct proxy_facts facts = receive_header(fd);
		char text[ADDR_TEXT];

		assert_int_equal(facts.version, 2);
		net_write(&facts.source, 0, text);
		assert_string_equal(text, "192.0.2.1:0");
		for (unsigned n = 0; n < OF_ONE; n++)
			bench_peer_echo(fd, 10);
		close(fd);
	}
	bench_peer_assert_counts(CODE_OK, "answers", MESSAGES, 0);
	bench_peer_tear_down(state);
}

#define CLIENT(name) \
	cmocka_unit_test_setup_teardown(name, client_peer_set_up, client_peer_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLIENT(header__of_either_version__names_what_was_given),
		CLIENT(header__that_is_local__has_no_addresses),
		CLIENT(header__that_cannot_be__is_refused),
		cmocka_unit_test(bench__sends_the_header_on_each_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
