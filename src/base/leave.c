/* SPDX-License-Identifier: MIT */
/*
 * Ends a child. LeakSanitizer looks at what exit(3) ends, which a child never calls. Called at the
 * end of each branch of a fork.
 */
#include "base/leave.h"

#include <unistd.h>

#ifdef CHECK_LEAKS
#include <sanitizer/lsan_interface.h>

/* It reads /proc, which a chroot need not have. */
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
