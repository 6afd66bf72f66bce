/* SPDX-License-Identifier: MIT */
/*
 * Waits for connections in several ways, and accepts them. Draws and claims nothing: that is
 * lab_accept_race.c, which gives the orders.
 *
 * The lesson takes a worker that sleeps for one that waits for the next connection. So whatever
 * else a worker still has to wake is woken before the lesson's bell is rung, and nothing here
 * sleeps but the wait itself.
 */
#include "demo/race.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/sys.h"

/* What may be asked of a worker; the bits of asked. */
enum { ASK_ACCEPT = 1, ASK_RETURN = 2 };

struct worker {
	enum race_way way;
	unsigned number; /* its seat */
	int listener, epoll;
	unsigned streak; /* connections since it went to the tail */
};

/* Written by race_open and race_close, in the lesson's process; the workers inherit it. */
static struct race *race;

static int new_bell(struct stage *stage)
{
	int fd = sys_eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		stage_give_up(stage, "eventfd()");
	return fd;
}

struct race *race_open(struct stage *stage)
{
	race = sys_mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
			0);
	if (race == MAP_FAILED)
		stage_give_up(stage, "mmap()");
	race->bell = new_bell(stage);
	for (unsigned i = 0; i < RACE_WORKERS; i++)
		race->seat[i].bell = new_bell(stage);
	return race;
}

void race_close(struct race *ended)
{
	sys_close(ended->bell);
	for (unsigned i = 0; i < RACE_WORKERS; i++)
		sys_close(ended->seat[i].bell);
	sys_munmap(ended, sizeof(*ended));
	race = NULL;
}

/* A bell that cannot be rung any louder is rung. */
static void ring(int bell)
{
	static const uint64_t once = 1;

	(void)!sys_write(bell, &once, sizeof(once));
}

static void ask(unsigned seat, unsigned what)
{
	atomic_fetch_or(&race->seat[seat].asked, what);
	ring(race->seat[seat].bell);
}

/*
 * The connection stays open: its descriptor is not needed again. -1 with errno; 0: there was none.
 */
static int take(const struct worker *w)
{
	if (sys_accept4(w->listener, NULL, NULL, SOCK_CLOEXEC) >= 0)
		return 1;
	if (errno != EAGAIN)
		return -1;
	atomic_fetch_add(&race->seat[w->number].empty, 1);
	return 0;
}

static void note(const struct worker *w)
{
	atomic_fetch_add(&race->seat[w->number].live, 1);
	atomic_store(&race->last, w->number);
	ring(race->bell);
}

static bool watch_listener(const struct worker *w)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = w->listener };

	if (w->way != RACE_HERD)
		event.events |= EPOLLEXCLUSIVE;
	return sys_epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->listener, &event) == 0;
}

static bool unwatch_listener(const struct worker *w)
{
	return sys_epoll_ctl(w->epoll, EPOLL_CTL_DEL, w->listener, NULL) == 0;
}

static unsigned least_loaded(void)
{
	unsigned least = 0;

	for (unsigned i = 1; i < RACE_WORKERS; i++)
		if (race->seat[i].live < race->seat[least].live)
			least = i;
	return least;
}

/*
 * Leaves the connection to a worker that has fewer, and lets go of the listener until that one has
 * it.
 */
static bool kick(const struct worker *w, unsigned seat)
{
	if (!unwatch_listener(w))
		return false;
	atomic_fetch_add(&race->seat[w->number].kicks, 1);
	atomic_store(&race->seat[seat].asker, w->number);
	ask(seat, ASK_ACCEPT);
	return true;
}

/* A connection waits. False with errno. */
static bool ready(struct worker *w)
{
	unsigned least = least_loaded();
	int taken;

	if (w->way == RACE_KICKING && race->seat[least].live < race->seat[w->number].live)
		return kick(w, least);
	taken = take(w);
	if (taken <= 0)
		return taken == 0;
	if (w->way == RACE_ROTATING && ++w->streak == RACE_STREAK) {
		w->streak = 0;
		if (!unwatch_listener(w) || !watch_listener(w))
			return false;
	}
	note(w);
	return true;
}

/* Another worker asks. False with errno. */
static bool asked(const struct worker *w)
{
	struct race_seat *seat = &race->seat[w->number];
	unsigned what;
	uint64_t count;
	int taken;

	(void)!sys_read(seat->bell, &count, sizeof(count));
	what = atomic_exchange(&seat->asked, 0);
	if ((what & ASK_RETURN) != 0 && !watch_listener(w))
		return false;
	if ((what & ASK_ACCEPT) == 0)
		return true;
	taken = take(w);
	ask(seat->asker, ASK_RETURN);
	if (taken > 0)
		note(w);
	return taken >= 0;
}

static bool turn(struct worker *w)
{
	struct epoll_event event;
	int n = sys_epoll_wait(w->epoll, &event, 1, -1);

	if (n < 0)
		return errno == EINTR;
	return event.data.fd == w->listener ? ready(w) : asked(w);
}

static bool start_epoll(struct worker *w)
{
	int bell = race->seat[w->number].bell;
	struct epoll_event event = { .events = EPOLLIN, .data.fd = bell };

	w->epoll = sys_epoll_create1(EPOLL_CLOEXEC);
	return w->epoll >= 0 && sys_epoll_ctl(w->epoll, EPOLL_CTL_ADD, bell, &event) == 0 &&
	       watch_listener(w);
}

static void serve_by_epoll(struct order *order)
{
	struct worker w = { .way = (enum race_way)order->option,
			    .number = (unsigned)order->size,
			    .listener = order->fd };

	order->result = -1;
	if (!start_epoll(&w))
		return;
	while (turn(&w))
		;
}

static void serve_by_accept(struct order *order)
{
	struct worker w = { .number = (unsigned)order->size, .listener = order->fd };

	order->result = -1;
	while (take(&w) > 0)
		note(&w);
}

struct order race_order(enum race_way way, int listener, unsigned seat)
{
	return (struct order){
		.act = way == RACE_BLOCKING ? serve_by_accept : serve_by_epoll,
		.call = way == RACE_BLOCKING ? "accept()" : "epoll_wait()",
		.fd = listener,
		.option = (int)way,
		.size = seat,
	};
}

int64_t race_sleeps(pid_t pid)
{
	static const char key[] = "\nvoluntary_ctxt_switches:";
	char path[32], status[8192];
	const char *found;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (!file_read_path(path, status, sizeof(status)))
		return -1;
	found = strstr(status, key);
	return found != NULL ? strtoll(found + sizeof(key) - 1, NULL, 10) : -1;
}

static uint64_t square_root(uint64_t of)
{
	uint64_t root = 0;

	while ((root + 1) * (root + 1) <= of)
		root++;
	return root;
}

/* With n counts of sum s the deviation over the mean is sqrt(sum of (n * count - s)^2 / n) / s. */
unsigned race_spread(const struct race *of)
{
	int64_t sum = 0, squares = 0;

	for (unsigned i = 0; i < RACE_WORKERS; i++)
		sum += of->seat[i].live;
	for (unsigned i = 0; i < RACE_WORKERS; i++) {
		int64_t off = (int64_t)RACE_WORKERS * of->seat[i].live - sum;

		squares += off * off;
	}
	if (sum == 0)
		return 0;
	return (unsigned)((square_root((uint64_t)squares * 10000 / RACE_WORKERS) +
			   (uint64_t)sum / 2) /
			  (uint64_t)sum);
}
