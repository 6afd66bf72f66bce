/* SPDX-License-Identifier: MIT */
/* Maps the workers' hints, and sets and takes the masks. It trusts none of them. */
#include "stats/hints.h"

#include "base/sys.h"

enum { BITS = 64 };

static size_t size_of(unsigned count)
{
	return 2 * count * sizeof(_Atomic uint64_t);
}

bool hints_new(struct hints *hints, unsigned count)
{
	void *base = sys_mmap(NULL, size_of(count), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (base == MAP_FAILED)
		return false;
	hints->words = base;
	hints->asked = hints->words + count;
	hints->count = count;
	return true;
}

void hints_free(struct hints *hints)
{
	if (hints->words)
		(void)sys_munmap(hints->words, size_of(hints->count));
	*hints = (struct hints){ 0 };
}

uint64_t hints_mask(unsigned listener)
{
	return UINT64_C(1) << listener % BITS;
}

void hints_ask(const struct hints *hints, unsigned number, unsigned listener)
{
	atomic_fetch_or(&hints->asked[number], hints_mask(listener));
}

uint64_t hints_asked(const struct hints *hints, unsigned number)
{
	return atomic_exchange(&hints->asked[number], 0);
}
