/* SPDX-License-Identifier: MIT */
/* Small judgements that several readers of a dead worker's arena share. */
#include "worker/remains.h"

bool remains_is_whole(const struct arena *arena, struct conn *c)
{
	return c->magic == CONN_MAGIC && *conn_guard(c, arena->conn_stride) == CONN_MAGIC;
}

const struct listen_conf *remains_conf(const struct conf *conf, const struct conn *c)
{
	for (size_t i = 0; i < conf->listener_count; i++)
		if (c->conf == &conf->listeners[i])
			return c->conf;
	return NULL;
}

bool remains_has_remote(const struct net *remote)
{
	return remote->family == AF_INET || remote->family == AF_INET6 || remote->family == AF_UNIX;
}
