/* SPDX-License-Identifier: MIT */
/* Decides when copies start and end. Must not know workers: the two live side by side. */
#include "master/program/programs.h"

#include <string.h>

#include "base/log.h"
#include "base/sys.h"
#include "master/program/copy.h"
#include "master/program/program_board.h"
#include "master/program/replacing.h"

/* For each program of the set, and for each of its copies. */
#define EACH_PROGRAM(p, programs)                                      \
	for (struct program *p = (programs) ? (programs)->list : NULL; \
	     p && p < (programs)->list + (programs)->count; p++)
#define EACH_COPY(c, program) \
	for (struct copy *c = (program)->copies; c < (program)->copies + (program)->capacity; c++)

void programs_begin(struct programs *programs, struct loop *loop, struct scoreboard *board,
		    unsigned generation, int64_t now_ms)
{
	EACH_PROGRAM(program, programs)
	{
		program->loop = loop;
		program->board = board;
		program->generation = generation;
		program->begun_ms = now_ms;
		program_board_enlist(program);
		if (program->told)
			LOG(EVENT_program_told, LOG_STR("program", program->conf->title),
			    LOG_STR("argument", program->told));
		for (unsigned i = 0; i < program->wanted; i++)
			member_want(&program->copies[i].member, i, now_ms);
	}
}

void programs_put_in_force(const struct programs *programs, struct scoreboard *board)
{
	program_board_put_in_force(board, programs ? programs->list : NULL,
				   programs ? programs->count : 0);
}

static unsigned count_copies(const struct program *program, bool (*is)(const struct member *))
{
	unsigned count = 0;

	EACH_COPY(copy, program)
	count += is(&copy->member);
	return count;
}

static bool blame_late(const struct program *program, const char *what, struct err *err)
{
	const struct program_conf *conf = program->conf;
	unsigned late = 0;

	while (late + 1 < program->capacity && member_is_ready(&program->copies[late].member))
		late++;
	return err_set(err, CODE_OSERR,
		       "program \"%s\": %scopy %u was not ready within ready_timeout, %lld ms%s",
		       conf->title, what, late, (long long)conf->ready_timeout,
		       conf->ready_after == 0 ?
			       " (with ready_after = notify it has to send READY=1)" :
			       "");
}

static bool has_started(struct program *program, const char *what, int64_t now_ms, struct err *err)
{
	if (program->has_started)
		return true;
	if (program->failure.text[0] != '\0')
		*err = program->failure;
	else if (count_copies(program, member_is_ready) >= program->wanted)
		program->has_started = true;
	else if (now_ms >= program->begun_ms + program->conf->ready_timeout)
		blame_late(program, what, err);
	return program->has_started;
}

bool programs_have_started(struct programs *programs, const char *what, int64_t now_ms,
			   struct err *err)
{
	bool all = true;

	EACH_PROGRAM(program, programs)
	if (err->text[0] == '\0' && !has_started(program, what, now_ms, err))
		all = false;
	return all;
}

int64_t programs_timeout_ms(const struct programs *programs, int64_t least_ms)
{
	int64_t longest_ms = least_ms;

	EACH_PROGRAM(program, programs)
	if (program->conf->ready_timeout > longest_ms)
		longest_ms = program->conf->ready_timeout;
	return longest_ms;
}

/* A program that cannot start gets no more copies. */
static bool may_start(const struct copy *copy)
{
	return copy->program->has_started || copy->program->failure.text[0] == '\0';
}

void programs_look(struct programs *programs, int64_t now_ms)
{
	EACH_PROGRAM(program, programs)
	{
		EACH_COPY(copy, program)
		copy_step(copy, now_ms);
		replacing_step(program, now_ms);
	}
}

void programs_start_due(struct programs *programs, int64_t now_ms)
{
	EACH_PROGRAM(program, programs)
	EACH_COPY(copy, program)
	if (member_wants_worker(&copy->member) && copy->member.due_ms <= now_ms && may_start(copy))
		copy_start(copy, now_ms);
}

int64_t programs_due_ms(const struct programs *programs, int64_t otherwise_ms)
{
	int64_t due_ms = otherwise_ms;

	EACH_PROGRAM(program, programs)
	{
		int64_t late_ms = program->begun_ms + program->conf->ready_timeout;

		EACH_COPY(copy, program)
		if (member_is_alive(&copy->member) ||
		    (member_wants_worker(&copy->member) && may_start(copy)))
			due_ms = copy_due_ms(copy, due_ms);
		if (!program->has_started && count_copies(program, member_is_staying) > 0 &&
		    late_ms < due_ms)
			due_ms = late_ms;
		due_ms = replacing_due_ms(program, due_ms);
	}
	return due_ms;
}

void programs_retire(struct programs *programs)
{
	EACH_PROGRAM(program, programs)
	{
		program->wanted = 0;
		EACH_COPY(copy, program)
		copy_retire(copy, "retired", program->loop->now_ms + program->shutdown_ms);
	}
}

void programs_hurry(struct programs *programs, bool is_kill)
{
	EACH_PROGRAM(program, programs)
	EACH_COPY(copy, program)
	copy_hurry(copy, is_kill);
}

bool programs_more(struct programs *programs, int64_t now_ms)
{
	bool is_done = false;

	EACH_PROGRAM(program, programs)
	{
		struct copy *copy = program_find_empty(program);

		if (!copy)
			continue;
		member_want(&copy->member, copy->member.number, now_ms);
		program->wanted++;
		is_done = true;
	}
	return is_done;
}

bool programs_less(struct programs *programs, int64_t kill_ms)
{
	bool is_done = false;

	EACH_PROGRAM(program, programs)
	{
		if (program->wanted <= 1)
			continue;
		program->wanted--;
		replacing_trim(program, kill_ms);
		is_done = true;
	}
	return is_done;
}

static unsigned count_all(const struct programs *programs, bool (*is)(const struct member *))
{
	unsigned count = 0;

	EACH_PROGRAM(program, programs)
	count += count_copies(program, is);
	return count;
}

unsigned programs_alive(const struct programs *programs)
{
	return count_all(programs, member_is_alive);
}

unsigned programs_ready(const struct programs *programs)
{
	return count_all(programs, member_is_ready);
}

unsigned programs_wanted(const struct programs *programs)
{
	unsigned wanted = 0;

	EACH_PROGRAM(program, programs)
	wanted += program->wanted;
	return wanted;
}

unsigned programs_wanted_of(const struct programs *programs, const char *title)
{
	EACH_PROGRAM(program, programs)
	if (strcmp(program->conf->title, title) == 0)
		return program->wanted;
	return 0;
}

static struct copy *find_copy(const struct programs *programs, pid_t pid)
{
	EACH_PROGRAM(program, programs)
	EACH_COPY(copy, program)
	if (copy->member.pid == pid)
		return copy;
	return NULL;
}

void programs_end_group(const struct programs *programs, pid_t pid)
{
	const struct copy *copy = find_copy(programs, pid);

	if (copy)
		copy_end_group(copy);
}

bool programs_reap(struct programs *programs, pid_t pid, int status, int64_t now_ms)
{
	struct copy *copy = find_copy(programs, pid);

	if (copy)
		copy_end(copy, status, now_ms);
	return copy != NULL;
}

pid_t programs_next_pid(const struct programs *programs, pid_t after, bool *has_passed)
{
	EACH_PROGRAM(program, programs)
	EACH_COPY(copy, program)
	{
		if (copy->member.pid > 0 && *has_passed)
			return copy->member.pid;
		*has_passed = *has_passed || copy->member.pid == after;
	}
	return 0;
}

void programs_sample(struct programs *programs)
{
	EACH_PROGRAM(program, programs)
	program_board_sample(program);
}

void programs_publish(const struct programs *programs)
{
	if (programs)
		program_board_publish(programs->list->board, programs->list, programs->count);
}
