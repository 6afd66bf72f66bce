/* SPDX-License-Identifier: MIT */
/* Makes links, and passes ends on by the socket of the reports. Must not wait for a helper. */
#include "master/helper/helper_links.h"

#include "base/brief.h"
#include "base/rights.h"
#include "base/sys.h"
#include "net/packets.h"
#include "worker/helper.h"

bool helper_links_are_shut(const struct helper_set *set, unsigned number)
{
	for (unsigned i = 0; i < set->count; i++)
		if (set->links[i].list && packets_are_shut(set->links[i].list[number].helper))
			return true;
	return false;
}

static void give_ends(struct helper *helper, const struct helper_link *links, unsigned count)
{
	struct helper_order order = { 0 };
	struct iovec part = { .iov_base = &order, .iov_len = sizeof(order) };

	for (order.link = 0; order.link < count; order.link++)
		if (helper->lacks[order.link] &&
		    rights_send(helper->reports, &part, 1, &links[order.link].helper, 1,
				MSG_DONTWAIT) == (ssize_t)sizeof(order))
			helper->lacks[order.link] = false;
}

void helper_links_give(struct helper_set *set)
{
	for (unsigned i = 0; i < set->count; i++)
		if (set->links[i].list &&
		    (set->list[i].state == HELPER_STARTING || set->list[i].state == HELPER_READY))
			give_ends(&set->list[i], set->links[i].list, set->link_count);
}

void helper_links_renew(struct helper_set *set, unsigned number)
{
	for (unsigned i = 0; i < set->count; i++) {
		struct helper_link *link, fresh;

		if (!set->links[i].list)
			continue;
		link = &set->links[i].list[number];
		if (!packets_are_shut(link->helper) || !packets_open(&fresh.worker, &fresh.helper))
			continue;
		brief_close(link->worker);
		brief_close(link->helper); /* requests may wait in it */
		*link = fresh;
		set->list[i].lacks[number] = true;
	}
	helper_links_give(set);
}
