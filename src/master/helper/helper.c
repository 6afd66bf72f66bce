/* SPDX-License-Identifier: MIT */
/* The life of one helper. Must not fork, wait, or know what helpers do. */
#include "master/helper/helper.h"

#include <stdlib.h>
#include <string.h>

#include "base/brief.h"
#include "base/log.h"
#include "base/sys.h"
#include "config/signals.h"
#include "net/packets.h"
#include "worker/service.h"

enum {
	LEAVE_MARGIN_MS = 2000,
	END_MS = 1000,
	KILL_AGAIN_MS = 100,
	REPORTS_AT_ONCE = 16,
	START_MS = 30000 /* to become ready: it may look users up */
};

#define BIT(state) (1U << HELPER_##state)

/* The picture of helper.h: the states that may follow each state. */
static const unsigned next_states[HELPER_STATES] = {
	[HELPER_WAITING] = BIT(STARTING) | BIT(WAITING) | BIT(GONE),
	[HELPER_STARTING] = BIT(READY) | BIT(WAITING) | BIT(LEAVING) | BIT(GONE),
	[HELPER_READY] = BIT(WAITING) | BIT(LEAVING) | BIT(GONE),
	[HELPER_LEAVING] = BIT(GONE),
};

static void set_state(struct helper *helper, enum helper_state next)
{
	BUG_ON((next_states[helper->state] & 1U << next) == 0);
	helper->state = next;
}

/* One job of the service of one listener. */
struct need {
	size_t listen;
	unsigned job;
};

static bool is_first_of_service(const struct conf *conf, size_t listen)
{
	for (size_t i = 0; i < listen; i++)
		if (strcmp(conf->listeners[i].service, conf->listeners[listen].service) == 0)
			return false;
	return true;
}

/* Returns the next job from *need on that takes a helper, and moves behind it; NULL: none. */
static const struct helper_job *next_need(const struct conf *conf, struct need *need)
{
	for (; need->listen < conf->listener_count; need->listen++, need->job = 0) {
		const struct service *service = service_find(conf->listeners[need->listen].service);

		while (service && need->job < service->job_count) {
			const struct helper_job *job = service->jobs[need->job++];

			if ((!job->is_shared || is_first_of_service(conf, need->listen)) &&
			    (!job->is_needed || job->is_needed(conf)))
				return job;
		}
	}
	return NULL;
}

unsigned helper_count(const struct conf *conf)
{
	struct need need = { 0 };
	unsigned count = 0;

	while (next_need(conf, &need))
		count++;
	return count;
}

unsigned helper_files(const struct conf *conf, unsigned capacity)
{
	return helper_count(conf) * (2 * capacity + 2);
}

static bool open_helper(struct helper *helper, struct helper_links *links, unsigned capacity)
{
	if (helper->job->is_shared)
		return packets_open(&helper->reports, &helper->report);
	links->conf = helper->conf;
	helper->lacks = calloc(capacity, sizeof(*helper->lacks));
	links->list = malloc(capacity * sizeof(*links->list));
	for (unsigned i = 0; links->list && i < capacity; i++)
		links->list[i] = (struct helper_link){ -1, -1 };
	for (unsigned i = 0; links->list && i < capacity; i++)
		if (!packets_open(&links->list[i].worker, &links->list[i].helper))
			return false;
	return links->list && helper->lacks && packets_open(&helper->reports, &helper->report);
}

bool helper_set_new(struct helper_set *set, const struct conf *conf, unsigned capacity)
{
	unsigned most = helper_count(conf);
	const struct helper_job *job;
	struct need need = { 0 };

	*set = (struct helper_set){ .link_count = capacity };
	if (most == 0)
		return true;
	set->list = calloc(most, sizeof(*set->list));
	set->links = calloc(most, sizeof(*set->links));
	if (!set->list || !set->links)
		return false;
	while ((job = next_need(conf, &need))) {
		unsigned at = set->count++;

		set->list[at] = (struct helper){ .conf = &conf->listeners[need.listen],
						 .job = job,
						 .reports = -1,
						 .report = -1 };
		if (!open_helper(&set->list[at], &set->links[at], capacity))
			return false;
	}
	return true;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		sys_close(*fd);
	*fd = -1;
}

void helper_set_close_links(struct helper_set *set)
{
	for (unsigned i = 0; i < set->count; i++)
		for (unsigned k = 0; set->links[i].list && k < set->link_count; k++) {
			close_fd(&set->links[i].list[k].worker);
			close_fd(&set->links[i].list[k].helper);
		}
}

void helper_set_free(struct helper_set *set)
{
	helper_set_close_links(set);
	for (unsigned i = 0; i < set->count; i++) {
		BUG_ON(set->list[i].pid);
		close_fd(&set->list[i].reports);
		close_fd(&set->list[i].report);
		free(set->links[i].list);
		free(set->list[i].lacks);
	}
	free(set->list);
	free(set->links);
	*set = (struct helper_set){ 0 };
}

bool helper_set_watch(const struct helper_set *set, int bells)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };

	for (unsigned i = 0; i < set->count; i++)
		if (sys_epoll_ctl(bells, EPOLL_CTL_ADD, set->list[i].reports, &event) < 0)
			return false;
	return true;
}

unsigned helper_set_in(const struct helper_set *set, enum helper_state state)
{
	unsigned count = 0;

	for (unsigned i = 0; i < set->count; i++)
		count += set->list[i].state == state;
	return count;
}

bool helper_set_leave(struct helper_set *set, int signal, int64_t now_ms)
{
	for (unsigned i = 0; i < set->count; i++)
		if (set->list[i].state < HELPER_LEAVING)
			helper_tell_to_leave(&set->list[i], signal, now_ms);
	return helper_set_in(set, HELPER_GONE) == set->count;
}

/* Takes the first byte of the next message, and drops the rest. */
static bool next_message(int end, char *first)
{
	return sys_recv(end, first, sizeof(*first), MSG_DONTWAIT) > 0;
}

void helper_started(struct helper_set *set, unsigned index, pid_t pid, int64_t now_ms)
{
	struct helper *helper = &set->list[index];

	if (helper->lacks)
		memset(helper->lacks, 0, set->link_count * sizeof(*helper->lacks));
	helper->pid = pid;
	helper->started_ms = now_ms;
	helper->beat_ms = now_ms + START_MS;
	set_state(helper, HELPER_STARTING);
}

bool helper_hear(struct helper *helper, int64_t now_ms)
{
	bool is_ready = false;
	char report;

	if (helper->pid == 0)
		return false;
	for (unsigned i = 0; i < REPORTS_AT_ONCE && next_message(helper->reports, &report); i++) {
		if (report == HELPER_IS_READY && helper->state == HELPER_STARTING) {
			set_state(helper, HELPER_READY);
			is_ready = true;
		}
		if (helper->state == HELPER_READY)
			helper->beat_ms = now_ms;
	}
	return is_ready;
}

void helper_grant(struct helper *helper, int64_t now_ms)
{
	if (helper->beat_ms < now_ms)
		helper->beat_ms = now_ms;
}

int64_t helper_kill_silent(struct helper *helper, int64_t hang_ms, int64_t now_ms)
{
	int64_t silent_ms = now_ms - helper->beat_ms;

	if ((helper->state != HELPER_STARTING && helper->state != HELPER_READY) ||
	    silent_ms <= hang_ms)
		return 0;
	(void)sys_kill(helper->pid, SIGKILL);
	helper->beat_ms = now_ms; /* where that fails, it is killed the next time */
	return silent_ms;
}

void helper_give_up(struct helper *helper)
{
	helper->pid = 0;
	set_state(helper, HELPER_GONE);
}

/*
 * What nobody has read: reports of a dead helper, or orders to it. An order has a link, and all
 * that waits in that.
 */
static void drop_messages(int end)
{
	struct brief brief;
	char first;

	brief_begin(&brief);
	while (next_message(end, &first))
		;
	brief_end(&brief);
}

void helper_respawn(struct helper *helper, int64_t now_ms)
{
	int64_t delay_ms;

	if (helper->state == HELPER_LEAVING) {
		helper_give_up(helper);
		return;
	}
	drop_messages(helper->reports);
	drop_messages(helper->report);
	delay_ms = respawn_backoff_ms(&helper->respawn, now_ms - helper->started_ms, false);
	helper->pid = 0;
	helper->due_ms = now_ms + delay_ms;
	set_state(helper, HELPER_WAITING);
	if (delay_ms > 0)
		LOG(EVENT_helper_respawn_delayed, LOG_STR("service", helper->job->name),
		    LOG_STR("listen", helper->conf->address), LOG_NUM("delay_ms", delay_ms));
}

static int64_t time_to_leave_ms(int signal)
{
	if (signal == SIGNAL_HELPER_LEAVE)
		return HELPER_LEAVE_MS + LEAVE_MARGIN_MS;
	return signal == SIGNAL_HELPER_STOP ? HELPER_LEAVE_FAST_MS + LEAVE_MARGIN_MS : END_MS;
}

/*
 * A stopped one would not act on the order (member.c tells why SIGCONT comes first). One that has
 * not heard it is told again.
 */
void helper_tell_to_leave(struct helper *helper, int signal, int64_t now_ms)
{
	int64_t kill_ms = now_ms + time_to_leave_ms(signal);

	if (helper->state == HELPER_WAITING)
		helper_give_up(helper);
	if (helper->pid == 0)
		return;
	sys_kill(helper->pid, SIGCONT);
	if (sys_kill(helper->pid, signal) < 0)
		return;
	if (helper->state != HELPER_LEAVING) {
		set_state(helper, HELPER_LEAVING);
		helper->kill_ms = kill_ms;
	}
	if (kill_ms < helper->kill_ms)
		helper->kill_ms = kill_ms;
}

bool helper_kill_due(struct helper *helper, int64_t now_ms)
{
	if (helper->state != HELPER_LEAVING || helper->kill_ms == 0 || helper->kill_ms > now_ms)
		return false;
	helper->kill_ms = sys_kill(helper->pid, SIGKILL) == 0 ? 0 : now_ms + KILL_AGAIN_MS;
	return helper->kill_ms == 0;
}
