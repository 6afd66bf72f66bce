/* SPDX-License-Identifier: MIT */
/* What a server of an upstream does to its client: the scenes of test_endings.c. */
#ifndef E2E_ACTS_H
#define E2E_ACTS_H

#include "upstream.h"

#define QUESTION "question"

struct scene {
	struct server *s;
	struct upstream u;
	int client, other; /* other: what the server or a second client holds; -1: nothing */
	int send_error;    /* with which the client's sending has failed; 0: it has not */
};

/* Each is called before the client comes, or when it has sent QUESTION, as its row says. */
void act_answer_and_end(struct scene *x);
void act_answer_slowly(struct scene *x);
void act_reset_unread(struct scene *x);
void act_read_one_and_reset(struct scene *x);
void act_answer_and_reset(struct scene *x);
void act_end_early_and_read_on(struct scene *x);
void act_stay_silent(struct scene *x);
void act_stay_silent_after_the_end(struct scene *x);
void act_stop_process(struct scene *x);
void act_stop_after_answer(struct scene *x);
void act_kill_after_answer(struct scene *x);
void act_kill_with_unread_bytes(struct scene *x);
void act_take_nothing(struct scene *x);
void act_send_to_a_client_that_takes_nothing(struct scene *x);
void act_fail_checks(struct scene *x);
void act_drain(struct scene *x);
void act_take_the_place(struct scene *x);
void act_free_the_place(struct scene *x);

#endif
