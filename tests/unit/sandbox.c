/* SPDX-License-Identifier: MIT */
/* Forbids a system call by a seccomp filter. Called in children of tests. */
#include "unit/sandbox.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIELD(name) ((uint32_t)offsetof(struct seccomp_data, name))

bool sandbox_fail(long call, int first, int error)
{
	uint8_t any = first == SANDBOX_ANY;
	struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)first, 0, any ? 0 : 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(steps) / sizeof(steps[0]), .filter = steps };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

bool sandbox_forbid(long call, int first)
{
	return sandbox_fail(call, first, EPERM);
}

bool sandbox_run(void (*test)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		test(); /* a claim that fails leaves it (cmocka): the child's end is a failure */
		_exit(0);
	}
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}
