/* SPDX-License-Identifier: MIT */
/*
 * The shared parts of the calls in base/sys.h: their names, the record of the last call, and the
 * exit of a child.
 */
#include "base/sys.h"

#include <unistd.h>

static uint32_t own_note; /* written by each call, unless sys_last_call was moved */

uint32_t *sys_last_call = &own_note;

static const char *const names[SYS_ROW_COUNT] = {
#define SYSCALL(name, type, parameters, call, errnos) #name,
#include "tables/syscalls.def"
};

const char *sys_name(uint32_t noted)
{
	return noted == 0 || noted > SYS_ROW_COUNT ? "none" : names[noted - 1];
}

#ifdef CHECK_LEAKS
#include <sanitizer/lsan_interface.h>

/* The check reads /proc, which may be missing in a chroot. */
static void check_leaks(void)
{
	if (access("/proc/self/maps", R_OK) == 0)
		__lsan_do_leak_check();
}
#else
static void check_leaks(void)
{
}
#endif

void sys_leave(int code)
{
	check_leaks();
	_exit(code);
}
