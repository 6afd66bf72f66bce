/* SPDX-License-Identifier: MIT */
/* Maps the workers' hints, and sets and takes the masks. It trusts none of them. */
#include "worker/heritage.h"

#include "base/sys.h"

enum { BITS = 64 };

static size_t size_of(unsigned count)
{
	return 2 * count * sizeof(_Atomic uint64_t);
}

bool heritage_peers_new(struct peers *peers, unsigned count)
{
	void *base = sys_mmap(NULL, size_of(count), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (base == MAP_FAILED)
		return false;
	peers->words = base;
	peers->asked = peers->words + count;
	peers->count = count;
	return true;
}

void heritage_peers_free(struct peers *peers)
{
	if (peers->words)
		(void)sys_munmap(peers->words, size_of(peers->count));
	*peers = (struct peers){ 0 };
}

uint64_t heritage_peers_mask(unsigned listener)
{
	return UINT64_C(1) << listener % BITS;
}

void heritage_peers_ask(const struct peers *peers, unsigned number, unsigned listener)
{
	atomic_fetch_or(&peers->asked[number], heritage_peers_mask(listener));
}

uint64_t heritage_peers_asked(const struct peers *peers, unsigned number)
{
	return atomic_exchange(&peers->asked[number], 0);
}

unsigned heritage_fds(const struct heritage *h, int *fds)
{
	unsigned n = 0;

	fds[n++] = h->epfd;
	fds[n++] = heritage_bell(h);
	fds[n++] = h->wires[h->number].fds[WIRE_KICKED];
	fds[n++] = h->wires[h->number].fds[WIRE_DOOR];
	for (unsigned i = 0; i < h->peer_count; i++) {
		fds[n++] = h->wires[i].fds[WIRE_KICK];
		fds[n++] = h->wires[i].fds[WIRE_DOORBELL];
	}
	for (unsigned i = 0; i < h->next.count; i++)
		fds[n++] = h->next.fds[i];
	for (unsigned i = 0; i < h->previous.count; i++)
		fds[n++] = h->previous.fds[i];
	return n;
}

int heritage_doorbell(const struct heritage *h, unsigned generation, unsigned number)
{
	unsigned own = atomic_load_explicit(&h->peers[h->number].generation, memory_order_relaxed);
	const struct doors *doors = generation > own ? &h->next : &h->previous;

	if (generation == own)
		return number < h->peer_count ? h->wires[number].fds[WIRE_DOORBELL] : -1;
	if (number >= doors->count || (generation < own && generation != doors->generation))
		return -1;
	return doors->fds[number];
}
