/* SPDX-License-Identifier: MIT */
/* Decides which copy is replaced, and when. Either of the two may end between two steps. */
#include "master/program/replacing.h"

#include "base/log.h"
#include "master/jitter.h"
#include "master/program/copy.h"
#include "master/program/program_board.h"

enum { LOOK_MS = 1000 }; /* memory is sampled as often */

static bool is_enabled(const struct program *program)
{
	return program->has_started && program->wanted > 0 &&
	       (program->conf->max_age > 0 || program->conf->max_memory > 0);
}

static int64_t find_kill_ms(const struct program *program, int64_t now_ms)
{
	return now_ms + program->shutdown_ms;
}

/* Returns why the copy is to be replaced, or NULL. */
static const char *find_reason(const struct copy *copy, int64_t now_ms)
{
	const struct program_conf *conf = copy->program->conf;
	const struct member *member = &copy->member;

	if (!member_is_ready(member))
		return NULL;
	if (conf->max_age > 0 &&
	    now_ms - member->started_ms >= jitter_add(conf->max_age, member->pid, member->number))
		return "max_age";
	if (conf->max_memory > 0 && copy->memory_bytes > (uint64_t)conf->max_memory)
		return "max_memory";
	return NULL;
}

static void begin_replacement(struct program *program, struct copy *old, const char *why,
			      int64_t now_ms)
{
	struct copy *fresh = program_find_empty(program);

	if (!fresh)
		return;
	program->is_replacing = true;
	program->has_retired = false;
	program->old = old->member.number;
	program->fresh = fresh->member.number;
	program->why = why;
	member_want(&fresh->member, old->member.seat, now_ms);
	cell_add(&program_board_tally(program)->program_recycled_total, 1);
	LOG(EVENT_program_recycled, LOG_STR("program", program->conf->title),
	    LOG_NUM("copy", old->member.number), LOG_NUM("child_pid", old->member.pid),
	    LOG_STR("reason", why), LOG_NUM("memory_bytes", old->memory_bytes),
	    LOG_NUM("replacement", fresh->member.number));
}

static void continue_replacement(struct program *program, int64_t now_ms)
{
	struct copy *old = &program->copies[program->old];
	const struct copy *fresh = &program->copies[program->fresh];

	if (program->has_retired) {
		program->is_replacing = member_is_leaving(&old->member);
	} else if (!member_is_running(&old->member) || !member_is_staying(&fresh->member)) {
		/* one has ended, or a signal has retired it */
		program->is_replacing = false;
		replacing_trim(program, find_kill_ms(program, now_ms));
	} else if (member_is_ready(&fresh->member)) {
		copy_retire(old, program->why, find_kill_ms(program, now_ms));
		program->has_retired = true;
	}
}

void replacing_step(struct program *program, int64_t now_ms)
{
	if (program->is_replacing) {
		continue_replacement(program, now_ms);
		return;
	}
	if (!is_enabled(program) || now_ms < program->looked_ms + LOOK_MS)
		return;
	program->looked_ms = now_ms;
	for (unsigned i = 0; i < program->capacity && !program->is_replacing; i++) {
		const char *why = find_reason(&program->copies[i], now_ms);

		if (why)
			begin_replacement(program, &program->copies[i], why, now_ms);
	}
}

int64_t replacing_due_ms(const struct program *program, int64_t otherwise_ms)
{
	int64_t due_ms = program->looked_ms + LOOK_MS;

	/* during a replacement, what the copies do wakes the master */
	if (!is_enabled(program) || program->is_replacing || due_ms > otherwise_ms)
		return otherwise_ms;
	return due_ms;
}

static struct copy *find_dispensable(const struct program *program)
{
	struct copy *found = NULL;

	for (unsigned i = 0; i < program->capacity; i++) {
		struct copy *copy = &program->copies[i];

		if (!member_is_staying(&copy->member))
			continue;
		if (!member_is_running(&copy->member))
			return copy;
		if (!found || copy->member.started_ms >= found->member.started_ms)
			found = copy;
	}
	return found;
}

static unsigned count_staying(const struct program *program)
{
	unsigned count = 0;

	for (unsigned i = 0; i < program->capacity; i++)
		count += member_is_staying(&program->copies[i].member);
	return count;
}

void replacing_trim(struct program *program, int64_t kill_ms)
{
	while (count_staying(program) > program->wanted)
		copy_retire(find_dispensable(program), "retired", kill_ms);
}
