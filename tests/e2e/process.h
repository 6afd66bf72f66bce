/* SPDX-License-Identifier: MIT */
/* Processes as /proc shows them: children, titles, descriptors. */
#ifndef E2E_PROCESS_H
#define E2E_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

struct server;

/*
 * The children of parent, dead ones that nobody has reaped included; returns how many, at most
 * `most`.
 */
unsigned process_children(pid_t parent, pid_t *pids, unsigned most);
/* Its only child, 0 when there is none. */
pid_t process_child(pid_t parent);

/* True while the process exists and is not a zombie. */
bool process_lives(pid_t pid);

/* True while it waits for something, as a worker does that has nothing in hand. */
bool process_sleeps(pid_t pid);

/* What ps(1) shows of it. text: size bytes; "" when it is gone. Returns text. */
const char *process_title(pid_t pid, char *text, size_t size);

/* Open descriptors; 0 when it is gone. */
unsigned process_descriptors(pid_t pid);
/*
 * The number of a name in /proc/PID/status ("VmHWM" in kB, "NoNewPrivs", "Uid"); -1 when there is
 * none.
 */
long process_status(pid_t pid, const char *name);

/* Living workers of the server, in no order; those that drain are left out unless asked for. */
unsigned server_workers(const struct server *s, pid_t *pids, unsigned most);
unsigned server_draining(const struct server *s);
/* The worker of that number that does not drain, waited for. */
pid_t server_worker(struct server *s, unsigned number);
/* The one that drains, and the keeper, likewise. */
pid_t server_drainer(struct server *s, unsigned number);
pid_t server_keeper(struct server *s, unsigned number);

/* Waits for a child of this program. */
void process_reap(pid_t pid);
/* Kills and reaps every child of this program. */
void process_end_children(void);

#endif
