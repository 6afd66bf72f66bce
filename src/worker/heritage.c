/* SPDX-License-Identifier: MIT */
/* Finds the descriptors of the heritage. */
#include "worker/heritage.h"

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
	for (unsigned i = 0; h->loaded && i < h->loaded->fd_count; i++)
		fds[n++] = h->loaded->fds[i];
	for (unsigned i = 0; i < h->helper_count; i++)
		if (h->helpers[i].list)
			fds[n++] = h->helpers[i].list[h->number].worker;
	return n;
}

int heritage_link(const struct heritage *h, const struct listen_conf *conf)
{
	for (unsigned i = 0; i < h->helper_count; i++)
		if (h->helpers[i].conf == conf)
			return h->helpers[i].list[h->number].worker;
	return -1;
}

/* Of the generations to come, only those that were made from this one have the doors of `next`. */
static bool has_doors(const struct doors *doors, const struct slot_info *info, unsigned own,
		      unsigned generation)
{
	if (generation > own)
		return atomic_load(&info->before) == own;
	return generation == doors->generation;
}

int heritage_doorbell(const struct heritage *h, const struct slot_info *info)
{
	unsigned own =
		atomic_load_explicit(&heritage_own_slot(h)->generation, memory_order_relaxed);
	unsigned generation = atomic_load(&info->generation), number = atomic_load(&info->number);
	const struct doors *doors = generation > own ? &h->next : &h->previous;

	if (generation == own)
		return number < h->peer_count ? h->wires[number].fds[WIRE_DOORBELL] : -1;
	if (number >= doors->count || !has_doors(doors, info, own, generation))
		return -1;
	return doors->fds[number];
}
