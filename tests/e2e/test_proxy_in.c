/* SPDX-License-Identifier: MIT */
/* PROXY headers that proxies send: cut, long, local, wrong, late, and from peers without trust. */
#include "harness.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "accessbook.h"
#include "base/proxy_header.h"
#include "client.h"
#include "process.h"
#include "unit/headers.h"

#define NAMED  "remote=192.0.2.1:12345 "
#define LISTEN "127.0.0.1:0=echo,accept_proxy=yes"

enum { PAYLOAD = 60000, PIECES_MS = 50 };

static const struct header headers[] = { HEADER(HEADER_LINE), HEADER(HEADER_BINARY) };

/* Each piece is a segment of its own. */
static int connect_nodelay(const struct server *s)
{
	int fd = client_connect(FIRST(s)), one = 1;

	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)), 0);
	return fd;
}

/* The pace of a client. */
static void pause_ms(int ms)
{
	int64_t until_ms = clock_ms() + ms;

	while (clock_ms() < until_ms)
		harness_tick();
}

static void expect_echo(int fd, size_t size)
{
	static char payload[PAYLOAD];

	memset(payload, 'p', size);
	client_send(fd, payload, size);
	client_expect(fd, payload, size);
}

static void header__cut_at_any_byte__is_the_same_as_in_one_piece(void **state)
{
	static const size_t cuts[] = { 1, 5, 11, 12, 14, 15, 16, 22, 36 };
	static const size_t sizes[] = { 0, 1, PAYLOAD };
	struct server *s = server_start(&(struct plan){ .listen = { LISTEN }, .workers = 2 });
	unsigned count = 0;

	(void)state;
	for (unsigned h = 0; h < 2; h++)
		for (unsigned i = 0; i < sizeof(cuts) / sizeof(*cuts); i++)
			for (unsigned n = 0; n < 3; n++) {
				int fd = connect_nodelay(s);

				client_send(fd, headers[h].bytes, cuts[i]);
				pause_ms(PIECES_MS);
				client_send(fd, headers[h].bytes + cuts[i],
					    headers[h].size - cuts[i]);
				expect_echo(fd, sizes[n]);
				close(fd);
				count++;
			}
	server_wait_count(s, count, "connection_ended", NAMED "ending=client_closed");
	server_stop(s);
}

static double cpu_seconds(pid_t pid)
{
	char name[64], text[1024] = "", *at;
	unsigned long user = 0, system = 0;
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%d/stat", (int)pid);
	file = fopen(name, "re");
	assert_non_null(file);
	assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
	fclose(file);
	at = strrchr(text, ')');
	assert_non_null(at);
	assert_int_equal(sscanf(at, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
				&system),
			 2);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* Twenty headers at once, for more than two seconds: a worker that asked in a loop would show. */
static void header__byte_by_byte__costs_no_busy_loop(void **state)
{
	enum { CLIENTS = 20 };
	struct server *s = server_start(&(struct plan){ .listen = { LISTEN } });
	int64_t begun_ms = clock_ms();
	double before = cpu_seconds(server_worker(s, 0)), took;
	int fds[CLIENTS];

	(void)state;
	for (unsigned i = 0; i < CLIENTS; i++)
		fds[i] = connect_nodelay(s);
	for (size_t at = 0; at < headers[0].size; at++) {
		for (unsigned i = 0; i < CLIENTS; i++)
			client_send(fds[i], headers[0].bytes + at, 1);
		pause_ms(PIECES_MS);
	}
	for (unsigned i = 0; i < CLIENTS; i++) {
		expect_echo(fds[i], 1);
		close(fds[i]);
	}
	took = (double)(clock_ms() - begun_ms) / 1000;
	assert_true(cpu_seconds(server_worker(s, 0)) - before < took / 2);
	server_wait_count(s, CLIENTS, "connection_ended", NAMED "ending=client_closed");
	server_stop(s);
}

/* Fills in a header of that length with vectors: NOOP and unknown ones. */
static size_t make_long(char *to, unsigned code, size_t block, size_t length)
{
	size_t at = 16 + block, all = 16 + length;

	memset(to, 0, all);
	memcpy(to, SIGNATURE "\x21", 13);
	to[13] = (char)code;
	to[14] = (char)(length >> 8);
	to[15] = (char)length;
	memcpy(to + 16, INET, block < 12 ? block : 12);
	for (unsigned n = 0; at < all; n++) {
		size_t value = all - at - 3 > 9999 ? 9999 : all - at - 3;

		to[at] = n % 2 == 0 ? 4 : (char)0xea;
		to[at + 1] = (char)(value >> 8);
		to[at + 2] = (char)value;
		at += 3 + value;
	}
	return all;
}

static void header__of_any_length__ends_where_it_says(void **state)
{
	static const struct {
		unsigned code;
		size_t block, length;
	} rows[] = {
		{ 0x11, 12, 12 },   { 0x21, 36, 36 },   { 0x31, 216, 216 },   { 0x11, 12, 536 },
		{ 0x11, 12, 4096 }, { 0x11, 12, 4097 }, { 0x11, 12, 0xffff },
	};
	struct server *s = server_start(&(struct plan){ .listen = { LISTEN } });
	static char bytes[PROXY_HEADER_MOST];

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int fd = client_connect(FIRST(s));

		client_send(fd, bytes,
			    make_long(bytes, rows[i].code, rows[i].block, rows[i].length));
		expect_echo(fd, 10);
		close(fd);
	}
	server_wait_count(s, 5, "connection_ended", NAMED "ending=client_closed bytes_in=10 ");
	server_wait_count(s, 7, "connection_ended", "bytes_in=10 ");
	server_stop(s);
}

static void header__that_names_no_client__leaves_the_address_of_the_peer(void **state)
{
	static const struct header rows[] = {
		{ SIGNATURE "\x20\0\0\0", 16 }, { SIGNATURE "\x20\x11\0\xc" INET, 28 },
		{ SIGNATURE "\x21\0\0\0", 16 }, { SIGNATURE "\x21\x31\0\xd8", 16 },
		{ "PROXY UNKNOWN\r\n", 15 },    { "PROXY UNKNOWN ff:: 1::1 1 2\r\n", 29 },
	};
	enum { ROWS = sizeof(rows) / sizeof(*rows) };
	struct server *s = server_start(&(struct plan){
		.listen = { "127.0.0.1:0=status,accept_proxy=yes,allow=127.0.0.1" } });
	static const char paths[216];

	(void)state;
	for (unsigned i = 0; i < ROWS; i++) {
		int fd = client_connect(FIRST(s));

		client_send(fd, rows[i].bytes, rows[i].size);
		if (i == 3)
			client_send(fd, paths, sizeof(paths));
		client_say(fd, "GET /healthz HTTP/1.0\r\n\r\n");
		client_hear(fd, "HTTP/1.1 200 OK\r\n");
		close(fd);
	}
	server_wait_count(s, ROWS, "connection_ended", "service=status");
	for (unsigned i = 0; i < ROWS; i++)
		assert_int_equal(server_count(s, "connection_refused", NULL), 0);
	assert_int_equal(server_count(s, "connection_ended", "remote=192.0.2.1:12345"), 0);
	server_stop(s);
}

/* Who sends what, and why it ends. */
static void peer__without_trust__is_refused_unread(void **state)
{
	struct server *s =
		accessbook_start((struct plan){ .listen = { LISTEN ",trusted=192.0.2.0/24" } });
	char text[8];
	int fd = client_connect(FIRST(s));

	(void)state;
	(void)!send(fd, HEADER_LINE, sizeof(HEADER_LINE) - 1, MSG_NOSIGNAL);
	assert_int_equal(client_drain(fd, text, sizeof(text)), 0);
	close(fd);
	server_wait_event(s, "connection_refused", "reason=untrusted");
	server_stop(s);
	accessbook_expect(s, "ending=proxy_untrusted");
	accessbook_expect(s, " remote=127.0.0.1:");
	assert_null(strstr(accessbook_read(accessbook_path), "192.0.2.1"));
}

static void peer__that_sends_no_header__is_ended_at_once(void **state)
{
	struct server *s = accessbook_start((struct plan){ .listen = { LISTEN } });
	char text[8];
	int fd = client_connect(FIRST(s));

	(void)state;
	client_say(fd, "GET / HTTP/1.0\r\n\r\n");
	assert_int_equal(client_drain(fd, text, sizeof(text)), 0);
	close(fd);
	server_wait_event(s, "proxy_header_refused", "reason=no_header");
	server_stop(s);
	accessbook_expect(s, "ending=proxy_header_missing state=PR detail=no_header");
}

static void peer__that_sends_a_wrong_header__is_ended_with_what_is_wrong(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *reason;
	} rows[] = {
		{ "PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n", 36, "line_destination_port" },
		{ SIGNATURE "\x21\x11\0\xb", 16, "address_cut" },
		{ SIGNATURE "\x21\x11\0\x10" INET "\4\0\2x", 32, "vector_cut" },
		{ SIGNATURE "\x21\x11\0\x13" INET "\3\0\4\0\0\0\0", 35, "checksum_wrong" },
	};
	struct server *s = accessbook_start((struct plan){ .listen = { LISTEN } });
	char text[8], what[128];

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int fd = client_connect(FIRST(s));

		client_send(fd, rows[i].bytes, rows[i].size);
		assert_int_equal(client_drain(fd, text, sizeof(text)), 0);
		close(fd);
	}
	server_stop(s);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(what, sizeof(what), "ending=proxy_header_invalid state=PR detail=%s",
			 rows[i].reason);
		accessbook_expect(s, what);
	}
}

/* One is silent, one stops behind eleven bytes. */
static void peer__that_is_silent__is_ended_by_the_timeout(void **state)
{
	struct server *s =
		server_start(&(struct plan){ .listen = { LISTEN ",accept_proxy_timeout=300ms" } });
	int silent = client_connect(FIRST(s)), stops = client_connect(FIRST(s));
	int64_t begun_ms = clock_ms();

	(void)state;
	client_send(stops, HEADER_BINARY, 11);
	assert_true(client_ended(silent, WAIT_MS));
	assert_true(client_ended(stops, WAIT_MS));
	assert_true(clock_ms() - begun_ms >= 200);
	close(silent);
	close(stops);
	server_wait_count(s, 2, "connection_ended", "ending=proxy_header_timeout bytes_in=0 ");
	server_stop(s);
}

static void header__that_comes_twice__is_payload_the_second_time(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { LISTEN } });

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		int fd = client_connect(FIRST(s));

		client_send(fd, headers[i].bytes, headers[i].size);
		client_send(fd, headers[i].bytes, headers[i].size);
		client_expect(fd, headers[i].bytes, headers[i].size);
		close(fd);
	}
	server_wait_count(s, 2, "connection_ended", NAMED "ending=client_closed");
	server_stop(s);
}

static void client__of_a_header__is_asked_against_the_access_list(void **state)
{
	struct server *s = accessbook_start((struct plan){
		.listen = { LISTEN ",deny=192.0.2.0/24", LISTEN ",allow=192.0.2.1" } });
	char text[8];
	int fd = client_connect(s->addresses[0]);

	(void)state;
	client_send(fd, HEADER_LINE, sizeof(HEADER_LINE) - 1);
	assert_int_equal(client_drain(fd, text, sizeof(text)), 0);
	close(fd);
	server_wait_event(s, "connection_refused", "reason=access");
	fd = client_connect(s->addresses[1]);
	client_send(fd, HEADER_BINARY, sizeof(HEADER_BINARY) - 1);
	expect_echo(fd, 1);
	close(fd);
	server_wait_event(s, "connection_ended", NAMED "ending=client_closed");
	server_stop(s);
	accessbook_expect(s, NAMED "bytes_in=0 bytes_out=0 messages=0");
	accessbook_expect(s, "ending=client_closed state=-- authority=a.b.com");
}

static void unix_peer__is_trusted(void **state)
{
	char listen[160];
	struct server *s;
	int fd;

	(void)state;
	snprintf(listen, sizeof(listen), "unix:%s/s=echo,accept_proxy=yes,trusted=192.0.2.7",
		 harness_folder());
	s = server_start(&(struct plan){ .listen = { listen } });
	fd = client_connect(FIRST(s));
	client_send(fd, HEADER_LINE, sizeof(HEADER_LINE) - 1);
	expect_echo(fd, 1);
	close(fd);
	server_wait_event(s, "connection_ended", NAMED "ending=client_closed");
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(header__cut_at_any_byte__is_the_same_as_in_one_piece),
		E2E(header__byte_by_byte__costs_no_busy_loop),
		E2E(header__of_any_length__ends_where_it_says),
		E2E(header__that_names_no_client__leaves_the_address_of_the_peer),
		E2E(peer__without_trust__is_refused_unread),
		E2E(peer__that_sends_no_header__is_ended_at_once),
		E2E(peer__that_sends_a_wrong_header__is_ended_with_what_is_wrong),
		E2E(peer__that_is_silent__is_ended_by_the_timeout),
		E2E(header__that_comes_twice__is_payload_the_second_time),
		E2E(client__of_a_header__is_asked_against_the_access_list),
		E2E(unix_peer__is_trusted),
	};

	return E2E_RUN(tests);
}
