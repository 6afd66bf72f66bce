/* SPDX-License-Identifier: MIT */
/*
 * The process group of a program after its leader was reaped. The leader's number stays the group's
 * while it has processes, and may be another's afterwards. Helper only.
 */
#ifndef SERVICES_EXEC_EXEC_GROUP_H
#define SERVICES_EXEC_EXEC_GROUP_H

#include <stdbool.h>
#include <sys/types.h>

struct exec_group {
	pid_t pid; /* of its leader */
	int fd;    /* a pidfd of the leader; -1: none */
};

/*
 * Makes it the group of a leader that is not reaped yet. With a descriptor, which exec_group_close
 * closes, the group is signalled for certain; it may lack one.
 */
void exec_group_hold(struct exec_group *group, pid_t leader, bool with_descriptor);
void exec_group_close(struct exec_group *group);

/* Signals all that is left of it, with 0 no signal. Returns false when nothing is left. */
bool exec_group_signal(const struct exec_group *group, int number);

#endif
