/* SPDX-License-Identifier: MIT */
/* Decides on warnings of full queues. Must not read a socket or write a log: queues.c does. */
#include "master/sampling/queue_alarm.h"

#include <stdio.h>

/*
 * A queue of this length is long enough for a burst: when it stays full, the workers are too slow.
 */
enum { LONG_ENOUGH = 128 };

static bool is_full(const struct queue_alarm_sample *look)
{
	return look->limit > 0 && look->queue > look->limit;
}

void queue_alarm_note(struct queue_alarm *alarm, const struct queue_alarm_sample *look,
		      int64_t now_ms)
{
	bool may_be_told = alarm->told_ms == 0 || now_ms - alarm->told_ms >= QUEUE_ALARM_PAUSE_MS;

	alarm->dropped += look->dropped;
	if (look->queue <= look->limit / 2)
		alarm->crowded_ms = 0;
	else if (alarm->crowded_ms == 0)
		alarm->crowded_ms = now_ms;
	if (alarm->noticed_ms == 0 && may_be_told && (is_full(look) || look->dropped > 0)) {
		alarm->noticed_ms = now_ms;
		alarm->worst = *look;
	} else if (alarm->noticed_ms > 0 && look->queue > alarm->worst.queue) {
		alarm->worst = *look;
	}
}

bool queue_alarm_is_due(const struct queue_alarm *alarm, int64_t now_ms)
{
	return alarm->noticed_ms > 0 && now_ms - alarm->noticed_ms >= QUEUE_ALARM_SHOWS_MS;
}

bool queue_alarm_goes_on(const struct queue_alarm *alarm)
{
	return alarm->crowded_ms > 0 && alarm->crowded_ms <= alarm->noticed_ms;
}

void queue_alarm_told(struct queue_alarm *alarm, int64_t now_ms)
{
	alarm->told_ms = now_ms;
	alarm->noticed_ms = 0;
	alarm->dropped = 0;
	alarm->worst = (struct queue_alarm_sample){ 0 };
}

void queue_alarm_forget(struct queue_alarm *alarm)
{
	alarm->crowded_ms = alarm->noticed_ms = 0;
	alarm->worst = (struct queue_alarm_sample){ 0 };
}

/* The advice when workers do not take connections out of the queue; NULL when they do. */
static const char *advise_on_workers(const struct queue_alarm_facts *facts, char *text)
{
	if (facts->workers == 0)
		snprintf(text, QUEUE_ALARM_ADVICE,
			 "no worker accepts: see why in the log, or start them with a reload");
	else if (facts->full == facts->workers)
		snprintf(text, QUEUE_ALARM_ADVICE,
			 "all workers are full: raise worker_connections (now %u) or workers "
			 "(now %u)",
			 facts->worker_connections, facts->workers);
	else if (facts->silent + facts->full == facts->workers)
		snprintf(text, QUEUE_ALARM_ADVICE,
			 "the workers do not accept: see whether they are stopped, hang, or lack "
			 "descriptors");
	else if (facts->has_paused)
		snprintf(text, QUEUE_ALARM_ADVICE,
			 "a worker paused for want of descriptors or memory (accept_paused says "
			 "why): raise rlimit_nofile; backlog (now %u) helps against short pauses "
			 "alone",
			 facts->backlog);
	else
		return NULL;
	return text;
}

/* The length to which the kernel cuts a backlog, as far as it is known. */
static uint32_t cut(const struct queue_alarm_facts *facts)
{
	if (facts->somaxconn > 0)
		return facts->somaxconn;
	return facts->limit < facts->backlog ? facts->limit : UINT32_MAX;
}

static const char *advise_on_lengths(const struct queue_alarm_facts *facts, char *text)
{
	uint32_t backlog = facts->backlog, somaxconn = cut(facts);

	if (facts->limit < backlog && facts->limit < somaxconn)
		snprintf(text, QUEUE_ALARM_ADVICE,
			 "reload: net.core.somaxconn (now %u) was smaller when the socket began to "
			 "listen",
			 somaxconn);
	else if (backlog < somaxconn)
		snprintf(text, QUEUE_ALARM_ADVICE, "raise backlog of this listen (now %u)",
			 backlog);
	else if (backlog > somaxconn)
		snprintf(text, QUEUE_ALARM_ADVICE, "raise net.core.somaxconn (now %u), then reload",
			 somaxconn);
	else
		snprintf(text, QUEUE_ALARM_ADVICE,
			 "raise net.core.somaxconn (now %u) and backlog of this listen (now %u), "
			 "then reload",
			 somaxconn, backlog);
	return text;
}

const char *queue_alarm_advice(const struct queue_alarm_facts *facts, char *text)
{
	const char *advice = advise_on_workers(facts, text);

	if (advice)
		return advice;
	if (!facts->is_lasting || facts->limit < LONG_ENOUGH)
		return advise_on_lengths(facts, text);
	snprintf(
		text, QUEUE_ALARM_ADVICE,
		"the queue is long and stays full: raise workers (now %u), or find what slows them",
		facts->workers);
	return text;
}
