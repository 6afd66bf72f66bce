/* SPDX-License-Identifier: MIT */
/* What the stand-ins for workers share: doors, clients, and the check of all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "unit/passed.h"
#include "unit/siblings.h"

enum { DOOR_SNDBUF = 256 * 1024, ROUNDS = 1024, TEXT = 4096 };
enum { OWNER_NONE, OWNER_BEFORE, OWNER_TEST };

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void open_wire(struct wire *wire)
{
	int one = 1, size = DOOR_SNDBUF, *fds = wire->fds;

	fds[WIRE_BELL] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds + WIRE_KICKED), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds + WIRE_DOOR), 0);
	assert_int_equal(setsockopt(fds[WIRE_DOOR], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)), 0);
	if (setsockopt(fds[WIRE_DOORBELL], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fds[WIRE_DOORBELL], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

/* Static, since it has many mebibytes, of which a test uses few. */
static struct scoreboard *clear_board(void)
{
	static struct scoreboard board;

	memset(board.infos, 0, SIBLINGS_MOST * sizeof(*board.infos));
	memset(board.slots, 0, SIBLINGS_MOST * sizeof(*board.slots));
	assert_true(scoreboard_use(&board, SIBLINGS_MOST, SIBLINGS_MOST));
	return &board;
}

void siblings_begin(struct siblings *all)
{
	*all = (struct siblings){ .port = 1, .places = SIBLINGS_PLACES };
	for (int fd = 0; fd < SIBLINGS_FDS; fd++)
		all->owners[fd] = is_open(fd) ? OWNER_BEFORE : OWNER_NONE;
	all->board = clear_board();
	assert_true(hints_new(&all->hints, SIBLINGS_MOST));
	for (unsigned i = 0; i < SIBLINGS_MOST; i++) {
		open_wire(&all->wires[i]);
		all->doorbells[i] = all->wires[i].fds[WIRE_DOORBELL];
	}
	sibling_services = (struct sibling_services){ .peer = -1 };
	sibling_services_add();
}

int siblings_keep(struct siblings *all, int fd)
{
	assert_in_range(fd, 0, SIBLINGS_FDS - 1);
	all->owners[fd] = OWNER_TEST;
	return fd;
}

void siblings_close(struct siblings *all, int fd)
{
	all->owners[fd] = OWNER_NONE;
	close(fd);
}

static bool is_of_record(const struct sibling *w, int fd)
{
	for (uint32_t i = 0; w->all && i < w->heritage.arena->head->record_high; i++) {
		const struct record *r = sibling_record(w, i);

		if (record_is_used(r) && (r->fd == fd || (r->file_left > 0 && r->file == fd)))
			return true;
	}
	return false;
}

bool siblings_is_free(const struct siblings *all, const struct sibling *w, int fd)
{
	if (all->owners[fd] != OWNER_NONE || !is_open(fd))
		return false;
	for (unsigned i = 0; i < SIBLINGS_MOST; i++) {
		const struct sibling *other = &all->list[i];

		for (unsigned k = 0; k < WIRE_FDS; k++)
			if (all->wires[i].fds[k] == fd)
				return false;
		if (other->all && (other->heritage.epfd == fd || other->loop.epfd == fd))
			return false;
		if (other != w && is_of_record(other, fd))
			return false;
	}
	return true;
}

static bool has_events(const struct sibling *w)
{
	struct pollfd p = { .fd = w->loop.epfd, .events = POLLIN };

	return w->is_up && (poll(&p, 1, 0) == 1 || pool_has_waiting(&w->pool));
}

/* Epoll of a leaving worker may report for as long as it likes what has moved. */
void siblings_settle(struct siblings *all)
{
	bool is_busy = true;

	for (unsigned round = 0; is_busy && round < ROUNDS; round++) {
		is_busy = false;
		for (unsigned i = 0; i < SIBLINGS_MOST; i++) {
			if (!has_events(&all->list[i]))
				continue;
			is_busy = true;
			sibling_turn(&all->list[i]);
		}
	}
}

void siblings_say(int client, const char *text)
{
	assert_int_equal(send(client, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

void siblings_expect(struct siblings *all, int client, const char *text, bool ended)
{
	char got[TEXT];
	size_t used = 0;
	ssize_t n;

	do {
		siblings_settle(all);
		n = recv(client, got + used, sizeof(got) - 1 - used, MSG_DONTWAIT);
		used += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	got[used] = '\0';
	assert_string_equal(got, text);
	assert_int_equal(n == 0, ended);
}

void siblings_count_open(struct siblings *all)
{
	all->open = passed_count_open();
}

void siblings_assert_open(const struct siblings *all)
{
	assert_int_equal(passed_count_open(), all->open);
}

/* No two records are of the same connection. */
static void assert_distinct(const struct siblings *all, const struct record *r)
{
	unsigned found = 0;

	for (unsigned i = 0; i < SIBLINGS_MOST; i++)
		for (uint32_t k = 0; all->list[i].is_up && k < all->list[i].pool.records.high;
		     k++) {
			const struct record *other = sibling_record(&all->list[i], k);

			found += record_is_client(other) && other->number == r->number &&
				 other->birth_worker == r->birth_worker &&
				 other->birth_generation == r->birth_generation;
		}
	assert_int_equal(found, 1);
}

static void assert_served(const struct siblings *all, const struct sibling *w)
{
	uint32_t live = 0;

	for (uint32_t i = 0; i < w->pool.records.high; i++) {
		const struct record *r = sibling_record(w, i);

		if (!record_is_used(r))
			continue;
		assert_int_equal(r->passage, PASSAGE_NONE);
		assert_true(is_open(r->fd));
		if (r->side == SIDE_CLIENT)
			assert_distinct(all, r);
	}
	for (unsigned i = 0; i < SIBLING_LISTENERS; i++)
		live += (uint32_t)w->slot->tally.listeners[i].connections_live;
	assert_int_equal(live, sibling_conns(w));
	assert_int_equal(w->slot->live, live);
	assert_int_equal(w->pool.limit.total, live);
	assert_int_equal(sibling_held(w), live);
}

void siblings_assert_sole(struct siblings *all, unsigned connections)
{
	uint64_t in = 0, out = 0;
	unsigned found = 0;

	for (unsigned i = 0; i < SIBLINGS_MOST; i++) {
		const struct sibling *w = &all->list[i];

		if (!w->is_up)
			continue;
		assert_served(all, w);
		found += sibling_conns(w);
		in += sibling_metric(w, METRIC_connections_moved_in_total);
		out += sibling_metric(w, METRIC_connections_moved_out_total);
	}
	assert_int_equal(found, connections);
	assert_int_equal(in, out);
}

/* The clients leave first, so that no end waits for them. */
void siblings_end(struct siblings *all)
{
	for (int fd = 0; fd < SIBLINGS_FDS; fd++)
		if (all->owners[fd] == OWNER_TEST && is_open(fd))
			siblings_close(all, fd);
	for (unsigned i = 0; i < SIBLINGS_MOST; i++)
		if (all->list[i].all)
			sibling_stop(&all->list[i]);
	for (unsigned i = 0; i < SIBLINGS_MOST; i++)
		for (unsigned k = 0; k < WIRE_FDS; k++)
			close(all->wires[i].fds[k]);
	hints_free(&all->hints);
	for (int fd = 0; fd < SIBLINGS_FDS; fd++)
		assert_true(!is_open(fd) || all->owners[fd] == OWNER_BEFORE);
}
