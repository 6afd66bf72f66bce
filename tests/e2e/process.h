/* SPDX-License-Identifier: MIT */
/* Processes as shown by /proc: children, titles, descriptors. */
#ifndef E2E_PROCESS_H
#define E2E_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct server;

/*
 * Lists the children of parent, including dead ones that are not reaped; returns how many, at most
 * `most`.
 */
unsigned process_children(pid_t parent, pid_t *pids, unsigned most);
/* The only child of parent, 0 unless there is exactly one. */
pid_t process_child(pid_t parent);

/* True while the process exists and is not a zombie. */
bool process_lives(pid_t pid);

/* True while it sleeps, as a worker does with nothing in hand. */
bool process_sleeps(pid_t pid);

/*
 * Stops a worker that waits for events, and so has nothing in hand; false: it did something, and
 * goes on. What sleeps may be woken at any moment; what is stopped is not.
 */
bool process_stop_waiting(pid_t pid);

/* True once SIGSTOP has stopped it. */
bool process_is_stopped(pid_t pid);

/* The processor time that it has used, in milliseconds. */
int64_t process_used_ms(pid_t pid);

/* Its title as in ps(1). text: size bytes; "" when the process is gone. Returns text. */
const char *process_title(pid_t pid, char *text, size_t size);

/* The count of open descriptors; 0 when the process is gone. */
unsigned process_descriptors(pid_t pid);
/*
 * The count of those that are a file whose path begins with `path`; *lowest, unless it is NULL, is
 * set to the first of them.
 */
unsigned process_files(pid_t pid, const char *path, int *lowest);
/*
 * The number of a field in /proc/PID/status ("VmHWM" in kB, "NoNewPrivs", "Uid"); -1 when there is
 * none.
 */
long process_status(pid_t pid, const char *name);

/*
 * Living workers of the server, unordered, without those that leave (that move their connections,
 * or drain); server_draining counts the latter.
 */
unsigned server_workers(const struct server *s, pid_t *pids, unsigned most);
unsigned server_draining(const struct server *s);
/* Living helpers of listeners with that service, and the only one. */
unsigned server_helpers(const struct server *s, const char *service, pid_t *pids, unsigned most);
pid_t server_helper(struct server *s, const char *service);
/* Waits for the worker of that number that does not leave, and returns its pid. */
pid_t server_worker(struct server *s, unsigned number);
/* The same for the one that leaves, and for the keeper. */
pid_t server_drainer(struct server *s, unsigned number);
pid_t server_keeper(struct server *s, unsigned number);

/* Waits for a child of this program. */
void process_reap(pid_t pid);
/* Reaps the dead orphans that this program has adopted; returns how many of them live. */
unsigned process_reap_orphans(void);
/* Kills and reaps every child of this program. */
void process_end_children(void);

#endif
