/* SPDX-License-Identifier: MIT */
/* Makes the socket of a peer (socket(7), tcp(7)). It decides nothing about servers. */
#include "worker/pair/pair_connect.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "base/sys.h"
#include "worker/conn.h"
#include "worker/pair/pair.h"
#include "worker/pool.h"

enum { PROBES = 3 }; /* that may fail before the kernel takes the server for dead */

static void set_int(int fd, int level, int option, int64_t value)
{
	int number = value < INT32_MAX ? (int)value : INT32_MAX;

	(void)sys_setsockopt(fd, level, option, &number, sizeof(number));
}

static void set_keepalive(int fd, int64_t after_ms)
{
	int64_t seconds = after_ms >= 1000 ? after_ms / 1000 : 1;

	set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
	set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, seconds);
	set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, PROBES);
}

/* What the kernel refuses of these makes the connection no worse than without them. */
static void set_options(int fd, const struct pair_target *target)
{
	set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (target->keepalive_ms > 0)
		set_keepalive(fd, target->keepalive_ms);
	if (target->user_timeout_ms > 0)
		set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, target->user_timeout_ms);
}

static bool is_source_for(const struct addr *from, const struct addr *to)
{
	return from && from->len > 0 && from->sa.sa_family == to->sa.sa_family;
}

bool pair_bind_source(int fd, const struct addr *from, const struct addr *to)
{
	if (!is_source_for(from, to))
		return true;
	set_int(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	return sys_bind(fd, &from->sa, from->len) == 0;
}

static bool set_up_socket(int fd, const struct pair_target *target)
{
	if (target->to->sa.sa_family == AF_UNIX)
		return true;
	set_options(fd, target);
	return pair_bind_source(fd, target->from, target->to);
}

/* From that address no way leads there (EINVAL), as from 127.0.0.1 to another host. */
static enum pair_start find_failure(const struct pair_target *target)
{
	return errno == EINVAL && is_source_for(target->from, target->to) ? PAIR_UNBOUND :
									    PAIR_FAILED;
}

/*
 * On the loopback device the handshake is over when connect(2) returns, and no event needs to tell
 * it.
 */
static bool is_established(int fd)
{
	struct tcp_info info;
	socklen_t len = offsetof(struct tcp_info, tcpi_ca_state);

	return sys_getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
	       info.tcpi_state == TCP_ESTABLISHED;
}

static bool is_full(const struct pool *pool, const struct pair_target *target)
{
	const struct server_count *count = &pool->servers;

	return target->most > 0 && server_count_live(count, target->row) > target->most;
}

static enum pair_start drop_failed(struct conn *client, enum pair_start outcome)
{
	int kept = errno;

	conn_drop_peer(client);
	errno = kept;
	return outcome;
}

/*
 * It counts first, and then looks: of two workers that take the last place at the same time, one
 * sees the other.
 */
enum pair_start pair_connect(struct conn *client, const struct pair_target *target)
{
	struct pool *pool = client->pool;
	int fd =
		sys_socket(target->to->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct conn *peer;

	if (fd < 0)
		return PAIR_FAILED;
	peer = pair_attach(client, fd, true);
	if (!peer) {
		(void)sys_close(fd);
		errno = ENOBUFS;
		return PAIR_FAILED;
	}
	pool_set_server(pool, peer->record, target->row + 1);
	if (is_full(pool, target))
		return drop_failed(client, PAIR_FULL);
	if (!set_up_socket(fd, target))
		return drop_failed(client, errno == ENOMEM || errno == ENOBUFS ? PAIR_FAILED :
										 PAIR_UNBOUND);
	if (target->user_timeout_ms > 0 && !pool_is_unix(pool, client->record))
		set_int(client->record->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, target->user_timeout_ms);
	if (sys_connect(fd, &target->to->sa, target->to->len) < 0) {
		if (errno != EINPROGRESS)
			return drop_failed(client, find_failure(target));
		if (!is_established(fd))
			return PAIR_CONNECTING;
	}
	peer->record->is_connecting = false;
	return PAIR_CONNECTED;
}

int pair_connect_error(const struct conn *peer)
{
	return peer->pool->hand.connect_error;
}

bool pair_local_address(const struct conn *client, struct addr *address)
{
	*address = (struct addr){ .len = sizeof(address->un) };
	return sys_getsockname(client->record->fd, &address->sa, &address->len) == 0;
}
