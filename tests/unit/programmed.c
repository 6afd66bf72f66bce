/* SPDX-License-Identifier: MIT */
/* Copies without processes: their members alone change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "master/program/copy.h"
#include "unit/board.h"
#include "unit/programmed.h"

enum { NO_PID = 1 << 23 }; /* beyond the largest (proc(5), pid_max) */

int programmed_make(void **state)
{
	static char titles[PROGRAMMED_LIST][16] = { "app", "other app" };
	struct programmed *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->board = board_new();
	p->programs = (struct programs){ .list = p->list, .count = PROGRAMMED_LIST };
	for (unsigned i = 0; i < PROGRAMMED_LIST; i++) {
		p->confs[i].title = titles[i];
		p->confs[i].ready_timeout = 1000;
		p->list[i] = (struct program){ .conf = &p->confs[i],
					       .wanted = PROGRAMMED_COPIES,
					       .capacity = PROGRAMMED_ROOM,
					       .copies = p->copies[i],
					       .shutdown_ms = 500 };
		for (unsigned c = 0; c < PROGRAMMED_ROOM; c++)
			copy_init(&p->copies[i][c], &p->list[i], c);
	}
	p->loop.now_ms = PROGRAMMED_NOW;
	programs_begin(&p->programs, &p->loop, p->board, 1, PROGRAMMED_NOW);
	*state = p;
	return 0;
}

int programmed_free(void **state)
{
	struct programmed *p = *state;

	free(p->board);
	free(p);
	return 0;
}

void programmed_start(struct copy *copy, int64_t now_ms)
{
	static pid_t last = NO_PID;

	member_started(&copy->member, now_ms);
	copy->member.pid = ++last;
}

void programmed_ready(struct copy *copy)
{
	assert_true(member_note_ready(&copy->member));
	copy->was_ready = true;
}

void programmed_serve(struct programmed *p)
{
	struct err err = { 0 };

	for (unsigned i = 0; i < PROGRAMMED_LIST; i++)
		for (unsigned c = 0; c < p->list[i].wanted; c++) {
			programmed_start(&p->copies[i][c], PROGRAMMED_NOW);
			programmed_ready(&p->copies[i][c]);
		}
	assert_true(programs_have_started(&p->programs, "", PROGRAMMED_NOW, &err));
}

void programmed_end(struct programmed *p, const struct copy *copy, int status, int64_t now_ms)
{
	assert_true(programs_reap(&p->programs, copy->member.pid, status, now_ms));
}
