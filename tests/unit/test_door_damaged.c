/* SPDX-License-Identifier: MIT */
/*
 * Batches with garbage in them: each field that the receiver reads, overwritten. The receiver takes
 * all of a batch or nothing, and keeps no descriptor, record or buffer of one that it refuses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "base/sys.h"
#include "unit/siblings.h"
#include "worker/share.h"

enum { OLD = 3, CONNS = 2, HOUR_MS = 3600 * 1000 };

static struct siblings all;
static struct sibling *from, *to;
static int clients[CONNS];

/* The message on its way. */
static char message[DOOR_MESSAGE_MOST];
static size_t size;
static struct rights rights;
static struct door_head *head;
static struct record *first;

/* Takes the batch of the connections from the queue of the receiver's door. */
static void catch_batch(const char *service)
{
	const struct iovec room = { message, sizeof(message) };
	ssize_t n;

	siblings_begin(&all);
	from = sibling_start(&all, 0, OLD, service, NULL);
	to = sibling_start(&all, 1, OLD, service, NULL);
	for (unsigned i = 0; i < CONNS; i++)
		clients[i] = sibling_connect(from, 0);
	siblings_settle(&all);
	siblings_count_open(&all);
	assert_int_equal(sibling_send(from, to, CONNS), OFFER_WAITS);
	n = rights_receive(to->door.watch.fd, &room, 1, &rights, MSG_DONTWAIT);
	assert_true(n > 0);
	size = (size_t)n;
	head = (struct door_head *)message;
	first = (struct record *)(message + sizeof(*head));
}

/* The sender still has its own descriptors. */
static void pass_on(void)
{
	const struct iovec part = { message, size };

	assert_int_equal(rights_send(all.doorbells[1], &part, 1, rights.fds, rights.count, 0),
			 size);
	rights_close(&rights);
	siblings_settle(&all);
}

static void assert_result(unsigned result)
{
	assert_int_equal(atomic_load(&to->slot->door_taken[0]), door_note(head->batch, result));
}

/* The sender serves all again, and the receiver has nothing. */
static void assert_sender_has_all(void)
{
	assert_int_equal(offer_look(&from->moving.offer), OFFER_REFUSED);
	siblings_assert_sole(&all, CONNS);
	siblings_assert_open(&all);
	assert_int_equal(sibling_conns(to), 0);
	assert_int_equal(to->pool.bufs.count, to->pool.bufs.high);
	assert_int_equal(to->pool.records.count, to->pool.records.high);
	assert_int_equal(to->pool.timers.count, 0);
}

/* With a descriptor for it, behind that of the first connection. */
static void hold_file(void)
{
	first->holds_file = true;
	for (unsigned i = rights.count++; i > 1; i--)
		rights.fds[i] = rights.fds[i - 1];
	rights.fds[1] = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	head->fds++;
}

/* chargen: each connection has output and a state. */
#define DAMAGES(ROW)                                                                             \
	ROW(state_closed, first->state = CONN_CLOSED)                                            \
	ROW(state_beyond, first->state = CONN_LINGERING + 1)                                     \
	ROW(state_preface, first->state = CONN_PREFACE)                                          \
	ROW(lingering_for_no_reason, first->state = CONN_LINGERING)                              \
	ROW(lingering_with_output, first->state = CONN_LINGERING; first->ending = CLOSE_drained) \
	ROW(ending, first->ending = CLOSE_COUNT)                                                 \
	ROW(side_peer, first->side = SIDE_PEER)                                                  \
	ROW(flow, first->flow = FLOW_COUNT)                                                      \
	ROW(passage, first->passage = PASSAGE_COUNT)                                             \
	ROW(peer_missing, first->peer = 1)                                                       \
	ROW(file_missing, first->file_left = 1)                                                  \
	ROW(file_held, hold_file())                                                              \
	ROW(file_offset, first->file_offset = UINT64_MAX)                                        \
	ROW(opened_future, first->opened_us = clock_us() + HOUR_MS * INT64_C(1000))              \
	ROW(opened_min, first->opened_us = INT64_MIN)                                            \
	ROW(active_future, first->active_ms = clock_ms() + HOUR_MS)                              \
	ROW(begun_future, first->begun_us = INT64_MAX)                                           \
	ROW(due_negative, first->due_ms = -1)                                                    \
	ROW(grace_negative, first->grace_ms = INT64_MIN)                                         \
	ROW(buf_none, first->out.number = 0)                                                     \
	ROW(buf_start, first->out.start = first->out.end + 1)                                    \
	ROW(buf_end, first->out.end = ARENA_BUF_SIZE + 1)                                        \
	ROW(buf_longer, first->out.start--)                                                      \
	ROW(buf_shorter, first->out.start++)                                                     \
	ROW(buf_of_input, first->in = first->out)                                                \
	ROW(service_state, memset(first->state_bytes, 0xff, sizeof(uint32_t)))                   \
	ROW(state_size_less, head->state_size--)                                                 \
	ROW(state_size_more, head->state_size += 8)                                              \
	ROW(state_size_huge, head->state_size = UINT32_MAX)                                      \
	ROW(fds_less, head->fds--)                                                               \
	ROW(fds_more, head->fds++)                                                               \
	ROW(fds_missing, rights.count--)                                                         \
	ROW(conns_less, head->conns--)                                                           \
	ROW(conns_more, head->conns++)                                                           \
	ROW(bytes_less, size--)                                                                  \
	ROW(bytes_more, size++)                                                                  \
	ROW(bytes_none, size = sizeof(*head))

#define FUNCTION(name, code)         \
	static void set_##name(void) \
	{                            \
		code;                \
	}
#define ROW(name, code) { #name, set_##name },

DAMAGES(FUNCTION)

static const struct damage {
	const char *name;
	void (*make)(void);
} damages[] = { DAMAGES(ROW) };

static void batch__damaged_in_any_way__is_refused_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
		print_message("# %s\n", damages[i].name);
		catch_batch("chargen");
		assert_true(first->out.number > 0);
		damages[i].make();
		if (damages[i].make == set_fds_missing)
			close(rights.fds[rights.count]);
		pass_on();
		assert_result(DOOR_REFUSED + STAY_damaged);
		assert_int_equal(sibling_metric(to, METRIC_moves_refused_total), 1);
		assert_sender_has_all();
		siblings_end(&all);
	}
}

/* The records of a message without buffers follow each other. */
static struct record *record_at(unsigned i)
{
	return (struct record *)((char *)first + i * (sizeof(struct record) + head->state_size));
}

/* Its records would not be counted. */
static void peer__of_a_service_without_pairs__is_refused(void **state)
{
	(void)state;
	catch_batch("echo");
	head->conns = 1;
	record_at(0)->peer = 1;
	record_at(1)->side = SIDE_PEER;
	pass_on();
	assert_result(DOOR_REFUSED + STAY_damaged);
	assert_sender_has_all();
	siblings_end(&all);
}

static void connect_pair(void)
{
	const struct iovec room = { message, sizeof(message) };
	int ends[2];

	siblings_begin(&all);
	from = sibling_start(&all, 0, OLD, "pair", NULL);
	to = sibling_start(&all, 1, OLD, "pair", NULL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends),
			 0);
	siblings_keep(&all, ends[1]);
	sibling_services.peer = ends[0];
	clients[0] = sibling_connect(from, 0);
	assert_int_equal(sibling_send(from, to, 1), OFFER_WAITS);
	size = (size_t)rights_receive(to->door.watch.fd, &room, 1, &rights, MSG_DONTWAIT);
	head = (struct door_head *)message;
	first = (struct record *)(message + sizeof(*head));
}

#define PAIR_DAMAGES(ROW)                                                        \
	ROW(peer_state, record_at(1)->state = CONN_FLUSHING)                     \
	ROW(peer_client, record_at(1)->side = SIDE_CLIENT)                       \
	ROW(peer_none, first->peer = 0)                                          \
	ROW(peer_lingering, first->state = record_at(1)->state = CONN_LINGERING; \
	    first->ending = CLOSE_drained)                                       \
	ROW(peer_buf, record_at(1)->in.end = 1)

PAIR_DAMAGES(FUNCTION)

static const struct damage pair_damages[] = { PAIR_DAMAGES(ROW) };

static void pair__damaged_in_any_way__is_refused_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pair_damages) / sizeof(*pair_damages); i++) {
		print_message("# %s\n", pair_damages[i].name);
		connect_pair();
		pair_damages[i].make();
		pass_on();
		assert_result(DOOR_REFUSED + STAY_damaged);
		assert_int_equal(offer_look(&from->moving.offer), OFFER_REFUSED);
		assert_int_equal(to->pool.records.count, to->pool.records.high);
		siblings_assert_sole(&all, 1);
		siblings_end(&all);
	}
}

/* What names something in the sender's slot is replaced. */
static void numbers__of_the_sender__mean_nothing(void **state)
{
	(void)state;
	catch_batch("echo");
	for (unsigned i = 0; i < CONNS; i++) {
		struct record *r = record_at(i);

		r->magic = r->serial = r->index = r->in.number = r->out.number = UINT32_MAX;
		r->fd = r->file = -1;
		r->listener = r->listen = r->watched = UINT16_MAX;
		r->phase = INT8_MAX;
		r->weight = WEIGHT_HEAVY;
		r->passage = PASSAGE_OFFERED;
		r->remote.family = UINT16_MAX;
	}
	pass_on();
	assert_result(DOOR_TAKEN);
	assert_int_equal(offer_look(&from->moving.offer), OFFER_TAKEN);
	siblings_assert_sole(&all, CONNS);
	for (unsigned i = 0; i < CONNS; i++) {
		assert_int_equal(sibling_record(to, i)->index, i);
		siblings_say(clients[i], "on");
		siblings_expect(&all, clients[i], "on", false);
	}
	siblings_end(&all);
}

/* A buffer without room for more would be a defect of the service. */
static void input__that_fills_its_buffer__is_not_read_on(void **state)
{
	static char bytes[ARENA_BUF_SIZE];

	(void)state;
	catch_batch("echo");
	head->conns = head->fds = 1;
	rights.count = 1;
	close(rights.fds[1]);
	first->in = (struct record_buf){ 1, 0, ARENA_BUF_SIZE };
	memcpy(record_at(1), bytes, sizeof(bytes));
	size = sizeof(*head) + sizeof(*first) + sizeof(bytes);
	pass_on();
	assert_result(DOOR_TAKEN);
	siblings_say(clients[0], "more");
	siblings_settle(&all);
	assert_int_equal(sibling_conns(to), 1);
	sibling_die(from); /* it has lost one of its connections by its own fault */
	sibling_recover(from);
	siblings_end(&all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batch__damaged_in_any_way__is_refused_whole),
		cmocka_unit_test(peer__of_a_service_without_pairs__is_refused),
		cmocka_unit_test(pair__damaged_in_any_way__is_refused_whole),
		cmocka_unit_test(numbers__of_the_sender__mean_nothing),
		cmocka_unit_test(input__that_fills_its_buffer__is_not_read_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
