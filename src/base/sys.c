/* SPDX-License-Identifier: MIT */
/* What the system calls of base/sys.h share: their names, and the note of the last one. */
#include "base/sys.h"

static uint32_t own_note; /* written by every call of this process, until it notes elsewhere */

uint32_t *sys_last_call = &own_note;

static const char *const names[SYS_ROW_COUNT] = {
#define SYSCALL(name, type, parameters, call, errnos) #name,
#include "tables/syscalls.def"
};

const char *sys_name(uint32_t noted)
{
	return noted == 0 || noted > SYS_ROW_COUNT ? "none" : names[noted - 1];
}
