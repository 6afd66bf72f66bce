/* SPDX-License-Identifier: MIT */
/* Damage done from outside in what a worker keeps of its connections: the next worker finds it. */
#ifndef E2E_DAMAGE_H
#define E2E_DAMAGE_H

#include <stdbool.h>
#include <sys/types.h>

struct record;

/* Overwrites the head of the worker's arena; false where that is forbidden (proc_pid_mem(5)). */
bool damage_head(pid_t worker);

/* Changes the record of the connection whose client is at fd, by TCP. Returns as damage_head. */
bool damage_record(pid_t worker, int fd, void (*change)(struct record *r));

#endif
