/* SPDX-License-Identifier: MIT */
/* Maps and unmaps pages that the system does not reserve (MAP_NORESERVE). */
#include "base/pages.h"

#include "base/sys.h"

void *pages_new(size_t size)
{
	void *pages = sys_mmap(NULL, size, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return pages == MAP_FAILED ? NULL : pages;
}

void pages_free(void *pages, size_t size)
{
	(void)sys_munmap(pages, size);
}
