/* SPDX-License-Identifier: MIT */
/* A page that is shared by few. It knows neither keepers nor workers. */
#include "master/pidpage.h"

#include "base/sys.h"

struct pidpage *pidpage_new(void)
{
	void *page = sys_mmap(NULL, sizeof(struct pidpage), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? NULL : page;
}

bool pidpage_drop(struct pidpage *page)
{
	return !page || sys_munmap(page, sizeof(*page)) == 0;
}

pid_t pidpage_get(const struct pidpage *page, unsigned slot)
{
	return page ? __atomic_load_n(&page->pids[slot], __ATOMIC_ACQUIRE) : 0;
}

void pidpage_clear(struct pidpage *page, unsigned slot)
{
	if (page)
		__atomic_store_n(&page->pids[slot], 0, __ATOMIC_RELEASE);
}
