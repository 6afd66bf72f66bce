/* SPDX-License-Identifier: MIT */
/* The events that can happen to a server, each with the plan of its server. */
#ifndef E2E_SCENES_H
#define E2E_SCENES_H

#include "harness.h"

enum scene_name {
	SERVE,
	REFUSE,
	LEAN,
	LOSE,
	EXHAUST,
	TAMPER,
	CRASH,
	HANG,
	VANISH,
	REOPEN_IN_VAIN,
	VANISH_LOG,
	OVERFLOW,
	FLOOD,
	RELOAD,
	RELOAD_IN_VAIN,
	MOVE,
	STAY,
	ADD_WORKER,
	COUNT_BY_NAME,
	GROW_PROGRAM,
	HEAR_PROGRAM,
	END_COPIES,
	PASS_ON,
	CROWD,
	LEAVE,
	STOP
};

struct scene {
	struct plan plan;
	void (*act)(struct server *s);
	void (*end)(struct server *s); /* runs before the server is stopped; NULL: nothing */
	bool logs_access;
	bool loads_module;    /* its first listener is a module's */
	bool runs_program;    /* copies of a program accept on its first listener */
	bool passes_listener; /* a listener that this process holds as well */
	bool ends_by_itself;
};
extern const struct scene scenes[]; /* by enum scene_name */

/* Adds an access log in a folder of its own to the plan. */
void scenes_log_accesses(struct plan *plan);

/* Passes the server its only listener, which this process holds until scenes_let_go. */
void scenes_pass_listener(struct plan *plan);

/* Starts a server with a program, whose copies must report themselves and stay small. */
struct server *scenes_run_program(void);

/* Closes the connections that a scene has left open. */
void scenes_let_go(void);

#endif
