/* SPDX-License-Identifier: MIT */
/* Looks an address up in a listener's lists, which are short: one after the other. */
#include "worker/acl.h"

#include "accesslog/accesslog.h"
#include "base/log.h"
#include "base/sys.h"
#include "worker/accesstell.h"

static bool holds(const struct net_list *list, const struct addr *remote)
{
	for (size_t i = 0; i < list->count; i++)
		if (net_holds(&list->nets[i], remote))
			return true;
	return false;
}

bool acl_allows(const struct listen_conf *conf, const struct addr *remote)
{
	if (holds(&conf->deny, remote))
		return false;
	return conf->allow.count == 0 || holds(&conf->allow, remote);
}

static void refuse(const struct pool *pool, unsigned index, int fd, const struct addr *remote,
		   const char *reason)
{
	const struct listener *listener = &pool->listeners->list[index];
	struct worker_tally *tally = &pool->slot->tally;

	LOG(EVENT_connection_refused, LOG_STR("listen", listener->conf->address),
	    LOG_STR("reason", reason));
	(void)sys_close(fd);
	if (accesslog_is_on)
		conn_log_refused(pool, index, remote);
	cell_add(&tally->listeners[listener->row].connections_refused_total, 1);
	cell_add(&tally->connections_ended_total[CLOSE_refused], 1);
}

bool acl_admits(const struct pool *pool, unsigned listener, const struct bans *penalties, int fd,
		const struct addr *remote)
{
	if (!acl_allows(pool->listeners->list[listener].conf, remote))
		refuse(pool, listener, fd, remote, "access");
	else if (ban_refuses(penalties, remote, pool->loop->now_ms))
		refuse(pool, listener, fd, remote, "penalty");
	else
		return true;
	return false;
}
