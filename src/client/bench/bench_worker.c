/* SPDX-License-Identifier: MIT */
/*
 * Waits for what the connections of a load have to tell and for when their messages are due. Must
 * not wait anywhere else, nor know what a message is.
 */
#include "client/bench/bench_worker.h"

#include <stdlib.h>

#include "base/sys.h"
#include "client/bench/cputime.h"
#include "client/bench/moment.h"
#include "client/bench/sizecheck.h"

enum { BATCH = 256, WINDOW = 256, BURST = 32, PAUSE_NS = 2000000, LOOK_MS = 50, AGES = 1000 };
#define TICK_TAG UINT32_MAX

/* Where the look for messages that are due has come to. */
struct cursor {
	int64_t turn;
	int lane;
};

/* Connections are dealt out in blocks that differ by at most one. */
static void deal(struct lane_set *all, const struct plan *plan, int process)
{
	int each = plan->connections / plan->processes, rest = plan->connections % plan->processes;

	all->first = each * process + (process < rest ? process : rest);
	all->count = each + (process < rest);
}

/* Messages are dealt out alike; in an open loop they go by their connections. */
static uint64_t share_of(const struct lane_set *all, const struct plan *plan, int process)
{
	int64_t whole = plan->count / plan->processes, rest = plan->count % plan->processes;
	uint64_t sum = 0;

	if (plan->count == 0)
		return UINT64_MAX;
	if (plan->rate == 0)
		return (uint64_t)(whole + (process < rest));
	for (int i = all->first; i < all->first + all->count; i++)
		if (i < plan->count)
			sum += (uint64_t)((plan->count - 1 - i) / plan->connections + 1);
	return sum;
}

/* A tick from a descriptor costs nothing while there is work; a time to wait would, each time. */
static bool start_ticking(struct lane_set *all)
{
	struct timespec tick = { .tv_nsec = LANE_TICK_MS * 1000000 };
	struct itimerspec each = { .it_interval = tick, .it_value = tick };
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = TICK_TAG };

	all->tick_fd = sys_timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	return all->tick_fd >= 0 && sys_timerfd_settime(all->tick_fd, &each) == 0 &&
	       sys_epoll_ctl(all->epfd, EPOLL_CTL_ADD, all->tick_fd, &event) == 0;
}

static bool allocate(struct lane_set *all)
{
	size_t count = (size_t)all->count;

	all->list = calloc(count, sizeof(*all->list));
	all->received = malloc(LANE_RECEIVED);
	if (all->list == NULL || all->received == NULL ||
	    !timer_heap_new(&all->timers, (uint32_t)count))
		return false;
	if (all->plan->target.is_http)
		all->https = calloc(count, sizeof(*all->https));
	return !all->plan->target.is_http || all->https != NULL;
}

static void init_lane(struct lane_set *all, int i)
{
	struct lane *lane = &all->list[i];

	lane->fd = -1;
	lane->number = all->first + i;
	if (all->https != NULL)
		lane->answer.http = &all->https[i];
}

bool lanes_new(struct lane_set *all, const struct plan *plan, int process, struct outcome *outcome,
	       struct err *err)
{
	*all = (struct lane_set){ .plan = plan, .outcome = outcome, .epfd = -1, .tick_fd = -1 };
	deal(all, plan, process);
	all->pace = (struct pace){ .rate = plan->rate,
				   .connections = plan->connections,
				   .count = plan->count };
	all->share = share_of(all, plan, process);
	all->is_alone = plan->rate == 0 && all->count == 1;
	all->end_ns = INT64_MAX;
	all->now_ns = moment_ns();
	if (!allocate(all)) {
		lanes_free(all);
		return err_errno(err, CODE_OSERR, "no memory for %d connection%s", all->count,
				 all->count == 1 ? "" : "s");
	}
	for (int i = 0; i < all->count; i++)
		init_lane(all, i);
	all->epfd = sys_epoll_create1(EPOLL_CLOEXEC);
	if (all->epfd >= 0 && start_ticking(all))
		return true;
	err_errno(err, CODE_OSERR, "epoll");
	lanes_free(all);
	return false;
}

void lanes_free(struct lane_set *all)
{
	for (int i = 0; all->list != NULL && i < all->count; i++)
		if (all->list[i].fd >= 0)
			lane_close(all, &all->list[i]);
	free(all->list);
	free(all->https);
	free(all->received);
	timer_heap_free(&all->timers);
	if (all->tick_fd >= 0)
		sys_close(all->tick_fd);
	if (all->epfd >= 0)
		sys_close(all->epfd);
	all->list = NULL;
	all->epfd = all->tick_fd = -1;
}

static void serve(struct lane_set *all, const struct epoll_event *events, int n)
{
	uint64_t ticks;

	for (int i = 0; i < n; i++) {
		if (events[i].data.u32 != TICK_TAG)
			lane_ready(all, &all->list[events[i].data.u32], events[i].events);
		else if (sys_read(all->tick_fd, &ticks, sizeof(ticks)) < 0)
			continue; /* it comes again */
	}
}

static void wake(struct lane_set *all)
{
	struct timer_node *node;

	while ((node = timer_pop(&all->timers, all->now_ns / 1000000)) != NULL)
		lane_wake(all, (struct lane *)node); /* its first member */
}

/*
 * Waits until that moment with the precision of the clock; kernels before 5.11 know milliseconds.
 */
static int wait_until(struct lane_set *all, struct epoll_event *events, int64_t until_ns)
{
	int64_t left_ns = until_ns > all->now_ns ? until_ns - all->now_ns : 0;
	struct timespec left = { .tv_sec = left_ns / 1000000000, .tv_nsec = left_ns % 1000000000 };
	int n = sys_epoll_pwait2(all->epfd, events, BATCH, &left);

	if (n < 0 && errno == ENOSYS)
		n = sys_epoll_wait(all->epfd, events, BATCH, (int)((left_ns + 999999) / 1000000));
	return n;
}

/* Waits (until_ns INT64_MAX: the ticks bound it) and does what is to be done. */
static bool turn(struct lane_set *all, int64_t until_ns, struct err *err)
{
	struct epoll_event events[BATCH];
	int n;

	if (until_ns == INT64_MAX)
		n = sys_epoll_wait(all->epfd, events, BATCH, -1);
	else
		n = wait_until(all, events, until_ns);
	if (n < 0 && errno != EINTR)
		return err_errno(err, CODE_OSERR, "epoll_wait");
	all->now_ns = moment_ns();
	serve(all, events, n);
	wake(all);
	return true;
}

static bool is_stopped(const atomic_bool *stop)
{
	return atomic_load_explicit(stop, memory_order_relaxed);
}

/* All together open BURST connections at a time. */
static int open_some(struct lane_set *all, int opened)
{
	int most = opened + 1 + BURST / all->plan->processes;

	while (opened < all->count && opened < most && all->connecting < WINDOW)
		lane_open(all, &all->list[opened++]);
	return opened;
}

/*
 * With a pause between two bursts: loopback connects faster than any server accepts, and a full
 * queue costs seconds.
 */
bool lanes_open(struct lane_set *all, const atomic_bool *stop, struct err *err)
{
	int opened = 0;

	if (all->plan->message.size == 0)
		return true;
	while (!is_stopped(stop)) {
		int64_t until_ns;

		opened = open_some(all, opened);
		if (all->settled == all->count)
			break;
		until_ns = moment_ns() + PAUSE_NS;
		while (all->now_ns < until_ns && all->settled < all->count)
			if (!turn(all, until_ns, err))
				return false;
	}
	return true;
}

/* A lane that is busy when its message is due sees to it itself when it is no more. */
static int64_t send_due(struct lane_set *all, struct cursor *at)
{
	for (;;) {
		struct lane *lane = &all->list[at->lane];
		int64_t due_ns = pace_due_ns(&all->pace, lane->number, at->turn);

		if (due_ns > all->now_ns)
			return due_ns;
		if (lane->turn == at->turn)
			lane_due(all, lane);
		if (++at->lane == all->count) {
			at->lane = 0;
			at->turn++;
		}
	}
}

static int64_t earliest(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static bool turn_paced(struct lane_set *all, struct cursor *at, struct err *err)
{
	int wait_ms = timer_wait_ms(&all->timers, all->now_ns / 1000000, LOOK_MS);
	int64_t until_ns = all->now_ns + (int64_t)wait_ms * 1000000;
	int64_t due_ns = send_due(all, at);

	until_ns = earliest(earliest(until_ns, due_ns), all->end_ns);
	return turn(all, until_ns, err);
}

/* One connection waits in recv(2) itself: a system call less for each message. */
static bool turn_alone(struct lane_set *all, struct err *err)
{
	struct lane *lane = &all->list[0];

	if (lane->state != LANE_ASKING || lane->sent < all->plan->message.size)
		return turn(all, INT64_MAX, err);
	lane_take(all, lane);
	all->now_ns = moment_ns();
	wake(all);
	return true;
}

static void start(struct lane_set *all, int64_t start_ns)
{
	all->is_running = true;
	all->now_ns = moment_ns();
	all->start_ns = all->pace.start_ns = start_ns;
	if (all->plan->duration_ms > 0)
		all->end_ns = start_ns + all->plan->duration_ms * 1000000;
	for (int i = 0; i < all->count; i++) {
		struct lane *lane = &all->list[i];

		if (lane->state == LANE_READY && all->plan->rate == 0)
			lane_go_on(all, lane);
		else if (lane->state == LANE_RESTING && !timer_is_set(&lane->timer))
			timer_set(&all->timers, &lane->timer, all->now_ns / 1000000);
	}
	wake(all);
}

static bool is_over(const struct lane_set *all)
{
	const struct outcome *outcome = all->outcome;

	return all->now_ns >= all->end_ns ||
	       (all->share != UINT64_MAX &&
		outcome->answered + outcome_lost(outcome) >= all->share);
}

/*
 * What was due and has no answer counts with its age; of very many, which are due at equal
 * distances, groups count with the age of their eldest.
 */
static void count_due(struct lane_set *all, const struct lane *lane, int64_t until_ns)
{
	int64_t turns = pace_turns(&all->pace, lane->number, until_ns);
	int64_t group = (turns - lane->turn) / AGES + 1;

	all->outcome->due += (uint64_t)turns;
	for (int64_t i = lane->turn; i < turns; i += group) {
		int64_t many = turns - i < group ? turns - i : group;
		int64_t age_ns = all->now_ns - pace_due_ns(&all->pace, lane->number, i);

		all->outcome->unanswered += (uint64_t)many;
		latency_add_many(&all->outcome->answer, age_ns > 0 ? (uint64_t)age_ns : 0,
				 (uint64_t)many);
	}
}

/* The ages of all are compared with the longest answer, not with each other. */
static void count_waiting(struct lane_set *all)
{
	uint64_t longest_ns = all->outcome->answer.most_ns;

	for (int i = 0; i < all->count; i++)
		if (all->list[i].state == LANE_ASKING)
			outcome_wait(all->outcome, (uint64_t)(all->now_ns - all->list[i].begun_ns),
				     longest_ns);
}

static void finish(struct lane_set *all)
{
	struct outcome *outcome = all->outcome;

	all->now_ns = moment_ns(); /* what was served since it was read belongs to the run */
	outcome->start_ns = all->start_ns;
	/* one that was held up beyond the end must not thin out what all have done together */
	outcome->end_ns = earliest(all->now_ns, all->end_ns);
	if (outcome->end_ns < all->start_ns)
		outcome->end_ns = all->start_ns;
	for (int i = 0; i < all->count && all->plan->rate > 0; i++)
		count_due(all, &all->list[i], earliest(all->now_ns, all->end_ns));
	if (all->plan->rate == 0)
		count_waiting(all);
}

bool lanes_run(struct lane_set *all, int64_t start_ns, const atomic_bool *stop, struct err *err)
{
	uint64_t cpu_ns = cputime_own_ns();
	struct cursor at = { 0 };
	bool is_good = true;

	if (all->plan->rate > 0)
		sys_prctl(PR_SET_TIMERSLACK, 1); /* else waits end up to 50 us late */
	start(all, start_ns);
	while (is_good && !is_over(all) && !is_stopped(stop)) {
		if (all->plan->rate > 0)
			is_good = turn_paced(all, &at, err);
		else if (all->is_alone)
			is_good = turn_alone(all, err);
		else
			is_good = turn(all, INT64_MAX, err);
		sizecheck_look(all);
	}
	all->outcome->cpu_ns = cputime_own_ns() - cpu_ns;
	finish(all);
	return is_good;
}
