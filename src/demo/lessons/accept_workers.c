/* SPDX-License-Identifier: MIT */
/*
 * Waits for connections in several ways, and accepts them. Draws and claims nothing.
 *
 * For the lesson, a worker that sleeps waits for the next connection. So a worker wakes others
 * before it writes to accepted_fd, and it sleeps nowhere but in the wait itself.
 */
#include "demo/lessons/accept_workers.h"

#include <stdatomic.h>
#include <stdint.h>

#include "base/sys.h"

/* The bits of requests: to accept a connection; to wait for the listener again. */
enum { REQUEST_ACCEPT = 1, REQUEST_REJOIN = 2 };

struct worker {
	enum accept_way way;
	unsigned number; /* its own in shared */
	int listener, epoll;
	unsigned streak; /* connections since it went to the tail */
};

/*
 * Written by accept_workers_open and accept_workers_close, in the lesson's process; the workers
 * inherit it.
 */
static struct accept_workers *shared;

static int open_eventfd(struct output *out)
{
	int fd = sys_eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		output_skip_rest(out, "eventfd()");
	return fd;
}

struct accept_workers *accept_workers_open(struct output *out)
{
	shared = sys_mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			  -1, 0);
	if (shared == MAP_FAILED)
		output_skip_rest(out, "mmap()");
	shared->accepted_fd = open_eventfd(out);
	for (unsigned i = 0; i < ACCEPT_WORKERS; i++)
		shared->worker[i].wake_fd = open_eventfd(out);
	return shared;
}

void accept_workers_close(struct accept_workers *workers)
{
	sys_close(workers->accepted_fd);
	for (unsigned i = 0; i < ACCEPT_WORKERS; i++)
		sys_close(workers->worker[i].wake_fd);
	sys_munmap(workers, sizeof(*workers));
	shared = NULL;
}

/* It fails only where the counter is at its maximum, and then the reader wakes all the same. */
static void write_eventfd(int fd)
{
	static const uint64_t once = 1;

	(void)!sys_write(fd, &once, sizeof(once));
}

static void send_request(unsigned number, unsigned request)
{
	atomic_fetch_or(&shared->worker[number].requests, request);
	write_eventfd(shared->worker[number].wake_fd);
}

/*
 * 1: a connection, which stays open, though its descriptor is not needed again; 0: there was none;
 * -1 with errno.
 */
static int accept_one(const struct worker *w)
{
	if (sys_accept4(w->listener, NULL, NULL, SOCK_CLOEXEC) >= 0)
		return 1;
	if (errno != EAGAIN)
		return -1;
	atomic_fetch_add(&shared->worker[w->number].empty, 1);
	return 0;
}

static void count_accepted(const struct worker *w)
{
	atomic_fetch_add(&shared->worker[w->number].live, 1);
	atomic_store(&shared->last, w->number);
	write_eventfd(shared->accepted_fd);
}

static bool watch_listener(const struct worker *w)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = w->listener };

	if (w->way != ACCEPT_HERD)
		event.events |= EPOLLEXCLUSIVE;
	return sys_epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->listener, &event) == 0;
}

static bool unwatch_listener(const struct worker *w)
{
	return sys_epoll_ctl(w->epoll, EPOLL_CTL_DEL, w->listener, NULL) == 0;
}

static unsigned find_least_loaded(void)
{
	unsigned least = 0;

	for (unsigned i = 1; i < ACCEPT_WORKERS; i++)
		if (shared->worker[i].live < shared->worker[least].live)
			least = i;
	return least;
}

/*
 * Leaves the connection to a worker that has fewer, and takes the listener out of the epoll until
 * that worker has accepted.
 */
static bool kick_worker(const struct worker *w, unsigned other)
{
	if (!unwatch_listener(w))
		return false;
	atomic_fetch_add(&shared->worker[w->number].kicks, 1);
	atomic_store(&shared->worker[other].requester, w->number);
	send_request(other, REQUEST_ACCEPT);
	return true;
}

/* A connection waits. False with errno. */
static bool handle_connection(struct worker *w)
{
	unsigned least = find_least_loaded();
	int taken;

	if (w->way == ACCEPT_KICKING && shared->worker[least].live < shared->worker[w->number].live)
		return kick_worker(w, least);
	taken = accept_one(w);
	if (taken <= 0)
		return taken == 0;
	if (w->way == ACCEPT_ROTATING && ++w->streak == ACCEPT_STREAK) {
		w->streak = 0;
		if (!unwatch_listener(w) || !watch_listener(w))
			return false;
	}
	count_accepted(w);
	return true;
}

/* Another worker has sent requests. False with errno. */
static bool handle_requests(const struct worker *w)
{
	struct accept_worker *its = &shared->worker[w->number];
	unsigned requests;
	uint64_t count;
	int taken;

	(void)!sys_read(its->wake_fd, &count, sizeof(count));
	requests = atomic_exchange(&its->requests, 0);
	if ((requests & REQUEST_REJOIN) != 0 && !watch_listener(w))
		return false;
	if ((requests & REQUEST_ACCEPT) == 0)
		return true;
	taken = accept_one(w);
	send_request(its->requester, REQUEST_REJOIN);
	if (taken > 0)
		count_accepted(w);
	return taken >= 0;
}

static bool wait_once(struct worker *w)
{
	struct epoll_event event;
	int n = sys_epoll_wait(w->epoll, &event, 1, -1);

	if (n < 0)
		return errno == EINTR;
	return event.data.fd == w->listener ? handle_connection(w) : handle_requests(w);
}

static bool start_epoll(struct worker *w)
{
	int wake_fd = shared->worker[w->number].wake_fd;
	struct epoll_event event = { .events = EPOLLIN, .data.fd = wake_fd };

	w->epoll = sys_epoll_create1(EPOLL_CLOEXEC);
	return w->epoll >= 0 && sys_epoll_ctl(w->epoll, EPOLL_CTL_ADD, wake_fd, &event) == 0 &&
	       watch_listener(w);
}

static void serve_by_epoll(struct call *call)
{
	struct worker w = { .way = (enum accept_way)call->option,
			    .number = (unsigned)call->size,
			    .listener = call->fd };

	call->result = -1;
	if (!start_epoll(&w))
		return;
	while (wait_once(&w))
		;
}

static void serve_by_accept(struct call *call)
{
	struct worker w = { .number = (unsigned)call->size, .listener = call->fd };

	call->result = -1;
	while (accept_one(&w) > 0)
		count_accepted(&w);
}

struct call accept_workers_call(enum accept_way way, int listener, unsigned number)
{
	return (struct call){
		.run = way == ACCEPT_BLOCKING ? serve_by_accept : serve_by_epoll,
		.name = way == ACCEPT_BLOCKING ? "accept()" : "epoll_wait()",
		.fd = listener,
		.option = (int)way,
		.size = number,
	};
}

static uint64_t square_root(uint64_t n)
{
	uint64_t root = 0;

	while ((root + 1) * (root + 1) <= n)
		root++;
	return root;
}

/* With n counts of sum s the deviation over the mean is sqrt(sum of (n * count - s)^2 / n) / s. */
unsigned accept_workers_spread(const struct accept_workers *workers)
{
	int64_t sum = 0, squares = 0;

	for (unsigned i = 0; i < ACCEPT_WORKERS; i++)
		sum += workers->worker[i].live;
	for (unsigned i = 0; i < ACCEPT_WORKERS; i++) {
		int64_t off = (int64_t)ACCEPT_WORKERS * workers->worker[i].live - sum;

		squares += off * off;
	}
	if (sum == 0)
		return 0;
	return (unsigned)((square_root((uint64_t)squares * 10000 / ACCEPT_WORKERS) +
			   (uint64_t)sum / 2) /
			  (uint64_t)sum);
}
