/* SPDX-License-Identifier: MIT */
/*
 * Connections with PROXY headers that move through a door: in the middle of the header, and with
 * what it has said; and messages with garbage in its place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/sys.h"
#include "unit/headers.h"
#include "unit/siblings.h"
#include "worker/preface/proxied.h"

enum { OLD = 3, NEW = 4 };

static const struct header headers[] = { HEADER(HEADER_LINE), HEADER(HEADER_BINARY) };

static struct siblings all;
static struct sibling *from, *to;

static void start(unsigned generation, const char *accept_proxy)
{
	siblings_begin(&all);
	from = sibling_start(&all, 0, OLD, "echo", "accept_proxy", "yes", NULL);
	to = sibling_start(&all, 1, generation, "echo", "accept_proxy", accept_proxy, NULL);
}

static void send_bytes(int client, const char *bytes, size_t size)
{
	assert_int_equal(send(client, bytes, size, MSG_NOSIGNAL), size);
	siblings_settle(&all);
}

static void assert_named(const struct sibling *w)
{
	const struct record *r = sibling_record(w, 0);
	char text[ADDR_TEXT];

	assert_int_equal(r->state, CONN_OPEN);
	assert_string_equal(record_remote(r, text), "192.0.2.1:12345");
}

/* To a worker whose listener expects no headers as well: this one has begun. */
static void header__that_is_cut_by_a_move__goes_on(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++)
		for (size_t cut = 0; cut <= headers[i].size; cut++) {
			int client;

			start(cut % 2 == 0 ? NEW : OLD, cut % 3 == 0 ? "no" : "yes");
			client = sibling_connect(from, 0);
			send_bytes(client, headers[i].bytes, cut);
			assert_int_equal(sibling_offer(from, to, 1), OFFER_TAKEN);
			send_bytes(client, headers[i].bytes + cut, headers[i].size - cut);
			assert_named(to);
			siblings_say(client, "on");
			siblings_expect(&all, client, "on", false);
			siblings_assert_sole(&all, 1);
			siblings_end(&all);
		}
}

static void facts__of_a_header__move_along(void **state)
{
	const struct arena *arena;
	const struct proxy_header *header;
	const struct record *r;
	char text[ADDR_TEXT];
	int client;

	(void)state;
	start(NEW, "no");
	client = sibling_connect(from, 0);
	send_bytes(client, HEADER_BINARY, sizeof(HEADER_BINARY) - 1);
	assert_int_equal(sibling_offer(from, to, 1), OFFER_TAKEN);
	arena = to->pool.arena;
	r = sibling_record(to, 0);
	header = proxied_header(arena, r);
	assert_non_null(header);
	assert_string_equal(net_write(&header->facts.destination, header->facts.destination_port,
				      text),
			    "198.51.100.2:443");
	assert_int_equal(header->facts.lengths[PROXY_TEXT_authority], 7);
	assert_memory_equal(proxied_texts(arena, r)->authority, "a.b.com", 7);
	siblings_end(&all);
}

/* The next connection of a record has none of the last one's. */
static void facts__of_a_record__end_with_its_connection(void **state)
{
	int client, other;

	(void)state;
	start(NEW, "no");
	client = sibling_connect(from, 0);
	send_bytes(client, HEADER_BINARY, sizeof(HEADER_BINARY) - 1);
	assert_int_equal(sibling_offer(from, to, 1), OFFER_TAKEN);
	siblings_close(&all, client);
	siblings_settle(&all);
	other = sibling_connect(to, 0);
	siblings_say(other, "on");
	siblings_expect(&all, other, "on", false);
	assert_null(proxied_header(to->pool.arena, sibling_record(to, 0)));
	siblings_end(&all);
}

/* The message on its way. */
static char message[DOOR_MESSAGE_MOST];
static size_t size;
static struct rights rights;
static struct record *first;
static struct proxy_header *header;

static void catch_batch(void)
{
	const struct iovec room = { message, sizeof(message) };
	const struct door_head *head = (const struct door_head *)message;
	ssize_t n;
	int client;

	start(OLD, "yes");
	client = sibling_connect(from, 0);
	send_bytes(client, HEADER_BINARY, sizeof(HEADER_BINARY) - 1);
	siblings_count_open(&all);
	assert_int_equal(sibling_send(from, to, 1), OFFER_WAITS);
	n = rights_receive(to->door.watch.fd, &room, 1, &rights, MSG_DONTWAIT);
	assert_true(n > 0);
	size = (size_t)n;
	first = (struct record *)(message + sizeof(*head));
	header = (struct proxy_header *)(first->state_bytes + head->state_size);
	assert_int_equal(size, sizeof(*head) + sizeof(*first) + head->state_size + sizeof(*header) +
				       sizeof(struct proxy_texts));
}

#define DAMAGES(ROW)                                                   \
	ROW(proxy_none, first->proxy = PROXY_NONE)                     \
	ROW(proxy_awaited, first->proxy = PROXY_AWAITED)               \
	ROW(proxy_beyond, first->proxy = PROXY_COUNT)                  \
	ROW(stage, header->stage = PROXY_STAGE_VECTORS)                \
	ROW(left, header->left = 1)                                    \
	ROW(family, header->facts.source.family = AF_UNIX)             \
	ROW(length, header->facts.lengths[PROXY_TEXT_unique_id] = 129) \
	ROW(no_texts, header->facts.lengths[PROXY_TEXT_authority] = 0) \
	ROW(texts_cut, size--)                                         \
	ROW(texts_missing, size -= sizeof(struct proxy_texts))         \
	ROW(header_missing, size -= sizeof(struct proxy_texts) + sizeof(struct proxy_header))

#define FUNCTION(name, code)         \
	static void set_##name(void) \
	{                            \
		code;                \
	}
#define ENTRY(name, code) { #name, set_##name },

DAMAGES(FUNCTION)

static const struct {
	const char *name;
	void (*make)(void);
} damages[] = { DAMAGES(ENTRY) };

static void message__with_a_damaged_header__is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
		struct iovec part = { message, 0 };

		print_message("# %s\n", damages[i].name);
		catch_batch();
		damages[i].make();
		part.iov_len = size;
		assert_int_equal(
			rights_send(all.doorbells[1], &part, 1, rights.fds, rights.count, 0), size);
		rights_close(&rights);
		siblings_settle(&all);
		assert_int_equal(offer_look(&from->moving.offer), OFFER_REFUSED);
		assert_int_equal(sibling_conns(to), 0);
		siblings_assert_sole(&all, 1);
		siblings_assert_open(&all);
		siblings_end(&all);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header__that_is_cut_by_a_move__goes_on),
		cmocka_unit_test(facts__of_a_header__move_along),
		cmocka_unit_test(facts__of_a_record__end_with_its_connection),
		cmocka_unit_test(message__with_a_damaged_header__is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
