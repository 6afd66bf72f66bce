/* SPDX-License-Identifier: MIT */
/* Signals groups by a descriptor (pidfd_send_signal(2)), before Linux 6.9 by their number. */
#include "services/exec/exec_group.h"

#include "base/sys.h"

void exec_group_hold(struct exec_group *group, pid_t leader, bool with_descriptor)
{
	group->pid = leader;
	group->fd = with_descriptor ? sys_pidfd_open(leader, 0) : -1;
}

void exec_group_close(struct exec_group *group)
{
	if (group->fd >= 0)
		(void)sys_close(group->fd);
	group->fd = -1;
}

/* One that may not be signalled is there nevertheless. */
static bool has_met(int result)
{
	return result == 0 || errno == EPERM;
}

/*
 * The leader is reaped: where a process has its number again, the group has none. Most groups are
 * empty by then.
 */
static bool signal_by_number(pid_t pid, int number)
{
	return has_met(sys_kill(-pid, 0)) && !has_met(sys_kill(pid, 0)) &&
	       (number == 0 || has_met(sys_kill(-pid, number)));
}

bool exec_group_signal(const struct exec_group *group, int number)
{
	if (group->fd >= 0) {
		if (has_met(sys_pidfd_signal_group(group->fd, number)))
			return true;
		if (errno != EINVAL)
			return false;
	}
	return signal_by_number(group->pid, number);
}
