/* SPDX-License-Identifier: MIT */
/* Tests of base/loop: watching, tags, unwatching within a turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/loop.h"

struct seen {
	struct loop *loop;
	struct watch *other;
	int calls;
	uint32_t events;
	uint64_t tag;
};

static void count(void *owner, uint32_t events)
{
	struct seen *seen = owner;

	seen->calls++;
	seen->events = events;
}

/* The first of the two unwatches the other. */
static void silence(void *owner, uint32_t events)
{
	struct seen *seen = owner;

	count(owner, events);
	loop_unwatch(seen->loop, seen->other);
}

static void tagged(void *owner, uint64_t tag, uint32_t events)
{
	struct seen *seen = owner;

	count(owner, events);
	seen->tag = tag;
}

static void turn__calls_the_handler_of_what_is_ready(void **state)
{
	struct seen seen = { 0 };
	struct watch watch = { .fd = eventfd(1, EFD_CLOEXEC), .ready = count, .owner = &seen };
	struct loop loop;

	(void)state;
	assert_true(loop_open(&loop));
	assert_true(loop_watch(&loop, &watch, EPOLLIN));
	assert_true(loop_turn(&loop, -1));
	assert_int_equal(seen.calls, 1);
	assert_int_equal(seen.events, EPOLLIN);
	loop_unwatch(&loop, &watch);
	assert_true(loop_turn(&loop, 0));
	assert_int_equal(seen.calls, 1);
	close(watch.fd);
	loop_close(&loop);
}

static void turn__gives_tags_back_whole(void **state)
{
	struct seen seen = { 0 };
	struct loop loop = { .tagged = tagged, .owner = &seen };
	int fd = eventfd(1, EFD_CLOEXEC);

	(void)state;
	assert_true(loop_open(&loop));
	assert_true(loop_tag(&loop, EPOLL_CTL_ADD, fd, EPOLLIN, INT64_MAX));
	assert_true(loop_turn(&loop, -1));
	assert_true(seen.tag == INT64_MAX);
	assert_true(loop_tag(&loop, EPOLL_CTL_MOD, fd, EPOLLIN, 0));
	assert_true(loop_turn(&loop, -1));
	assert_int_equal(seen.calls, 2);
	assert_true(seen.tag == 0);
	close(fd);
	loop_close(&loop);
}

static void unwatch__within_a_turn__silences_what_is_still_to_come(void **state)
{
	struct seen first = { 0 }, second = { 0 };
	struct watch *a = malloc(sizeof(*a)), *b = malloc(sizeof(*b));
	struct loop loop;

	(void)state;
	assert_true(a && b);
	*a = (struct watch){ .fd = eventfd(1, EFD_CLOEXEC), .ready = silence, .owner = &first };
	*b = (struct watch){ .fd = eventfd(1, EFD_CLOEXEC), .ready = silence, .owner = &second };
	first = (struct seen){ .loop = &loop, .other = b };
	second = (struct seen){ .loop = &loop, .other = a };
	assert_true(loop_open(&loop));
	assert_true(loop_watch(&loop, a, EPOLLIN));
	assert_true(loop_watch(&loop, b, EPOLLIN));
	assert_true(loop_turn(&loop, -1));
	assert_int_equal(first.calls + second.calls, 1);
	close(a->fd);
	close(b->fd);
	free(a);
	free(b);
	loop_close(&loop);
}

static void turn__reads_the_clock(void **state)
{
	struct loop loop;
	int64_t before;

	(void)state;
	assert_true(loop_open(&loop));
	before = loop.now_ms;
	assert_true(loop_turn(&loop, 20));
	assert_true(loop.now_ms >= before + 19);
	loop_close(&loop);
}

static void watch__of_no_descriptor__fails(void **state)
{
	struct watch watch = { .fd = -1, .ready = count };
	struct loop loop;

	(void)state;
	assert_true(loop_open(&loop));
	assert_false(loop_watch(&loop, &watch, EPOLLIN));
	loop_close(&loop);
	assert_false(loop_turn(&loop, 0));
}

/* Records which came first: a watch, or a tag. */
struct order {
	unsigned calls, watch_at, tag_at;
};

/* The next worker of the slot has its epoll, and could not make it forget the descriptor. */
static void watch__of_what_a_dead_worker_watched__takes_its_place(void **state)
{
	struct seen before = { 0 }, after = { 0 };
	struct watch first = { .fd = eventfd(0, EFD_CLOEXEC), .ready = count, .owner = &before };
	struct watch old = { .fd = eventfd(1, EFD_CLOEXEC), .ready = count, .owner = &before };
	struct watch new = { .fd = old.fd, .ready = count, .owner = &after };
	struct loop dead, next;

	(void)state;
	assert_true(loop_open(&dead));
	assert_true(loop_watch(&dead, &first, EPOLLIN));
	assert_true(loop_watch(&dead, &old, EPOLLIN | EPOLLEXCLUSIVE));
	assert_true(loop_adopt(&next, dead.epfd));
	assert_true(loop_watch(&next, &new, EPOLLIN | EPOLLEXCLUSIVE));
	assert_true(loop_turn(&next, -1));
	assert_int_equal(after.calls, 1);
	assert_int_equal(before.calls, 0);
	assert_int_equal(next.strays, 0);
	dead.epfd = -1; /* closed with the next loop */
	loop_close(&dead);
	loop_close(&next);
	close(first.fd);
	close(old.fd);
}

static void note_watch(void *owner, uint32_t events)
{
	struct order *order = owner;

	(void)events;
	order->watch_at = ++order->calls;
}

static void note_tag(void *owner, uint64_t tag, uint32_t events)
{
	struct order *order = owner;

	(void)tag;
	(void)events;
	order->tag_at = ++order->calls;
}

static void watch__ready_after_a_tag__is_called_first(void **state)
{
	int tagged_fd = eventfd(0, EFD_CLOEXEC), watched_fd = eventfd(0, EFD_CLOEXEC);
	struct order order = { 0 };
	struct loop loop = { .tagged = note_tag, .owner = &order };
	struct watch watch = { .fd = watched_fd, .ready = note_watch, .owner = &order };

	(void)state;
	assert_true(loop_open(&loop));
	assert_true(loop_tag(&loop, EPOLL_CTL_ADD, tagged_fd, EPOLLIN, 7));
	assert_true(loop_watch(&loop, &watch, EPOLLIN));
	assert_int_equal(eventfd_write(tagged_fd, 1), 0);
	assert_int_equal(eventfd_write(watched_fd, 1), 0);
	assert_true(loop_turn(&loop, -1));
	assert_int_equal(order.watch_at, 1);
	assert_int_equal(order.tag_at, 2);
	loop_close(&loop);
	close(tagged_fd);
	close(watched_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(turn__calls_the_handler_of_what_is_ready),
		cmocka_unit_test(turn__gives_tags_back_whole),
		cmocka_unit_test(unwatch__within_a_turn__silences_what_is_still_to_come),
		cmocka_unit_test(turn__reads_the_clock),
		cmocka_unit_test(watch__of_no_descriptor__fails),
		cmocka_unit_test(watch__of_what_a_dead_worker_watched__takes_its_place),
		cmocka_unit_test(watch__ready_after_a_tag__is_called_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
