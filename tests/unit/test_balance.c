/* SPDX-License-Identifier: MIT */
/* The lightest worker, workers that do not respond, and the delivery of a kick. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/sys.h"
#include "worker/accept/balance.h"

enum { PEERS = 4, HOUR_MS = 3600000 };

struct fixture {
	struct slot slots[PEERS];
	struct hints hints;
	struct wire wires[PEERS];
	struct balance of[PEERS];
};

static int set_up(void **state)
{
	struct fixture *f = aligned_alloc(SCOREBOARD_PAGE, sizeof(*f));

	memset(f, 0, sizeof(*f));
	if (!hints_new(&f->hints, PEERS))
		return -1;
	for (unsigned i = 0; i < PEERS; i++) {
		int pair[2];

		/* Blocking, as a compromised worker could make them. */
		assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
		f->wires[i] = (struct wire){ { -1, pair[0], pair[1] } };
		atomic_store(&f->slots[i].state, SLOT_READY);
		atomic_store(&f->slots[i].seat, i);
		f->of[i] = (struct balance){
			.slots = f->slots, .hints = &f->hints, .wires = f->wires, .number = i
		};
		assert_true(balance_start(&f->of[i]));
		balance_tell(&f->of[i], 0);
	}
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < PEERS; i++) {
		close(f->wires[i].fds[WIRE_KICKED]);
		close(f->wires[i].fds[WIRE_KICK]);
		free(f->of[i].kicks);
	}
	hints_free(&f->hints);
	free(f);
	return 0;
}

static void set_state(struct fixture *f, unsigned i, enum slot_state state)
{
	atomic_store(&f->slots[i].state, state);
	balance_tell(&f->of[i], f->slots[i].live);
}

static void set_live(struct fixture *f, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	uint32_t live[PEERS] = { a, b, c, d };

	for (unsigned i = 0; i < PEERS; i++) {
		atomic_store(&f->slots[i].live, live[i]);
		balance_tell(&f->of[i], live[i]);
	}
}

static void assert_lightest(struct fixture *f, uint32_t load, int64_t now_ms, unsigned lightest,
			    uint32_t excess)
{
	struct standing standing = balance_look(&f->of[0], load, now_ms);

	assert_int_equal(standing.excess, excess);
	assert_int_equal(standing.lightest, lightest);
}

/*
 * The number of the worker that worker 0 kicks at that time, long after its load has reached that
 * value; -1: none.
 */
static int kicked_by_first(struct fixture *f, uint32_t load, int64_t now_ms)
{
	struct standing standing;

	f->of[0].lately = (struct lately){ .since_ms = now_ms - HOUR_MS };
	standing = balance_look(&f->of[0], load, now_ms);
	return balance_pass(&f->of[0], &standing, 0, now_ms) ? (int)standing.lightest : -1;
}

static void level__yields_and_passes_to_nobody(void **state)
{
	struct fixture *f = *state;
	struct standing standing;

	set_live(f, 10, 10, 11, 12);
	assert_lightest(f, 10, 0, 0, 0);
	assert_lightest(f, 0, 0, 0, 0);
	standing = balance_look(&f->of[0], 11, 0);
	assert_int_equal(standing.excess, 1);
	assert_false(balance_yields(&standing));
	assert_int_equal(kicked_by_first(f, 11, 0), -1);
}

static void heavier__yields_first__and_passes_to_the_lightest_later(void **state)
{
	struct fixture *f = *state;
	struct standing standing;

	set_live(f, 12, 11, 10, 12);
	standing = balance_look(&f->of[0], 12, 0);
	assert_true(balance_yields(&standing));
	assert_int_equal(kicked_by_first(f, 12, 0), -1);
	assert_int_equal(kicked_by_first(f, 13, 0), -1);
	assert_int_equal(kicked_by_first(f, 14, 0), 2);
}

static bool passes(struct fixture *f, uint32_t load, int64_t now_ms)
{
	struct standing standing = balance_look(&f->of[0], load, now_ms);

	assert_true(balance_yields(&standing));
	return balance_pass(&f->of[0], &standing, 0, now_ms);
}

static void load__that_has_just_come__yields__and_is_passed_on_when_it_has_stayed(void **state)
{
	struct fixture *f = *state;

	set_live(f, 12, 10, 10, 10);
	assert_false(passes(f, 12, 1000));
	assert_false(passes(f, 20, 1001));
	assert_false(passes(f, 20, 1010));
	assert_false(passes(f, 20, 1019));
	assert_true(passes(f, 20, 1020));
	assert_false(passes(f, 13, 1021)); /* the load has gone again */
	assert_false(passes(f, 20, 1022));
	assert_false(passes(f, 25, 1023));
	assert_true(passes(f, 26, 1024)); /* a burst: the others must come before it is over */
}

static void look__passes_over_those_not_ready(void **state)
{
	struct fixture *f = *state;

	set_live(f, 14, 0, 0, 10);
	set_state(f, 1, SLOT_EMPTY);
	set_state(f, 2, SLOT_DRAINING);
	assert_lightest(f, 14, 0, 3, 4);
	set_state(f, 3, SLOT_STARTING);
	assert_lightest(f, 14, 0, 0, 0);
}

static void look__passes_over_those_that_are_full(void **state)
{
	struct fixture *f = *state;

	set_live(f, 14, 0, 12, 13);
	balance_tell(&f->of[1], BALANCE_FULL);
	assert_lightest(f, 14, 0, 2, 2);
	assert_int_equal(kicked_by_first(f, BALANCE_FULL, 0), 2);
}

static void kicked__that_does_not_turn__is_passed_over_until_it_does(void **state)
{
	struct fixture *f = *state;

	set_live(f, 20, 0, 10, 10);
	assert_int_equal(kicked_by_first(f, 20, 1000), 1);
	assert_int_equal(kicked_by_first(f, 20, 1009), 1); /* the first one counts again */
	assert_lightest(f, 20, 1010, 2, 10);
	atomic_fetch_add(&f->slots[1].turns, 1);
	assert_lightest(f, 20, 1011, 1, 20);
}

static void hint__that_the_slot_denies__is_not_acted_on__nor_believed_for_a_while(void **state)
{
	struct fixture *f = *state;

	set_live(f, 20, 20, 10, 19);
	hints_set(&f->hints, 1, (struct hint){ .live = 0, .seat = 1, .state = SLOT_READY });
	assert_int_equal(kicked_by_first(f, 20, 1000), -1);
	assert_int_equal(kicked_by_first(f, 20, 1099), 2);
	atomic_fetch_add(&f->slots[2].turns, 1);
	assert_int_equal(kicked_by_first(f, 20, 1100), -1);
	balance_tell(&f->of[1], 20);
	assert_int_equal(kicked_by_first(f, 20, 1200), 2);
}

static void hints__of_any_value__lead_to_nobody_who_is_not_ready_and_lighter(void **state)
{
	static const uint8_t states[] = { SLOT_READY, SLOT_EMPTY, SLOT_LEAVING, UINT8_MAX };
	struct fixture *f = *state;

	set_live(f, 20, UINT32_MAX, 17, 0);
	atomic_store(&f->slots[3].state, SLOT_DRAINING);
	for (unsigned i = 0; i < 8 * PEERS; i++) {
		struct hint peer = { .live = i % 8 < 4 ? 0 : UINT32_MAX,
				     .seat = UINT16_MAX,
				     .state = states[i % 4] };

		hints_set(&f->hints, i / 8, peer);
		assert_int_equal(kicked_by_first(f, 20, 1000 * i), -1);
	}
	assert_int_equal(cell_get(&f->slots[0].tally.accept_kicks_total), 0);
}

static void deputy__of_a_socket_without_owner__is_the_lowest_ready(void **state)
{
	struct fixture *f = *state;

	assert_false(balance_is_deputy(&f->of[0], 2, 4));
	set_state(f, 2, SLOT_EMPTY);
	assert_true(balance_is_deputy(&f->of[0], 2, 4));
	assert_false(balance_is_deputy(&f->of[1], 2, 4));
	set_state(f, 0, SLOT_DRAINING);
	assert_true(balance_is_deputy(&f->of[1], 2, 4));
	assert_false(balance_is_deputy(&f->of[1], 1, 2)); /* worker 3 owns it as well */
}

static void owner__of_a_socket__is_who_sits_there_whatever_its_number(void **state)
{
	struct fixture *f = *state;

	atomic_store(&f->slots[3].seat, 0);
	set_state(f, 3, SLOT_READY);
	set_state(f, 0, SLOT_EMPTY);
	assert_true(balance_owns(&f->of[3], 0, 3));
	assert_false(balance_owns(&f->of[2], 0, 3));
	assert_false(balance_is_deputy(&f->of[1], 0, 3));
	assert_true(balance_is_deputy(&f->of[1], 3, 4));
}

static bool has_edge(int epfd)
{
	struct epoll_event event;

	return epoll_wait(epfd, &event, 1, 0) == 1;
}

static int watch_edges(int fd)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epfd = epoll_create1(EPOLL_CLOEXEC);

	assert_int_equal(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event), 0);
	(void)has_edge(epfd);
	assert_false(has_edge(epfd));
	return epfd;
}

static void kick__names_the_listener__and_is_heard_once(void **state)
{
	struct fixture *f = *state;
	struct standing standing;
	int epfd = watch_edges(balance_fd(&f->of[1]));

	set_live(f, 9, 0, 9, 9);
	standing = balance_look(&f->of[0], 9, HOUR_MS);
	assert_true(balance_pass(&f->of[0], &standing, 2, 0));
	assert_true(has_edge(epfd));
	assert_true(balance_pass(&f->of[0], &standing, 70, 0));
	assert_true(has_edge(epfd));
	assert_false(has_edge(epfd));
	assert_int_equal(balance_asked(&f->of[1]), hints_mask(2) | hints_mask(70));
	assert_int_equal(balance_asked(&f->of[1]), 0);
	assert_int_equal(cell_get(&f->slots[0].tally.accept_kicks_total), 2);
	close(epfd);
}

/* Another worker may fill the queue and make both ends blocking. */
static void kick__into_a_full_queue_that_blocks__does_not_wait__and_is_heard(void **state)
{
	struct fixture *f = *state;
	unsigned askings = 0;

	while (send(f->wires[1].fds[WIRE_KICK], "", 1, MSG_DONTWAIT) == 1)
		;
	set_live(f, 9, 0, 9, 9);
	alarm(10); /* otherwise it waits for ever */
	assert_int_equal(kicked_by_first(f, 9, 0), 1);
	assert_int_not_equal(balance_asked(&f->of[1]), 0);
	while (recv(balance_fd(&f->of[1]), &(char){ 0 }, 1, MSG_DONTWAIT | MSG_PEEK) == 1) {
		assert_int_equal(balance_asked(&f->of[1]), 0);
		assert_true(askings++ < 1000);
	}
	assert_int_equal(balance_asked(&f->of[1]), 0);
	alarm(0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(level__yields_and_passes_to_nobody),
		CASE(heavier__yields_first__and_passes_to_the_lightest_later),
		CASE(load__that_has_just_come__yields__and_is_passed_on_when_it_has_stayed),
		CASE(look__passes_over_those_not_ready),
		CASE(look__passes_over_those_that_are_full),
		CASE(kicked__that_does_not_turn__is_passed_over_until_it_does),
		CASE(hint__that_the_slot_denies__is_not_acted_on__nor_believed_for_a_while),
		CASE(hints__of_any_value__lead_to_nobody_who_is_not_ready_and_lighter),
		CASE(deputy__of_a_socket_without_owner__is_the_lowest_ready),
		CASE(owner__of_a_socket__is_who_sits_there_whatever_its_number),
		CASE(kick__names_the_listener__and_is_heard_once),
		CASE(kick__into_a_full_queue_that_blocks__does_not_wait__and_is_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
