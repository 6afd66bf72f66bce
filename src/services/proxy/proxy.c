/* SPDX-License-Identifier: MIT */
/*
 * proxy: passes connections on to the servers of an upstream (picture:
 * services/proxy/proxy_state.h). services/proxy/proxy_try.c finds the server; worker/pair relays.
 */
#include "services/proxy/proxy_state.h"

#include <string.h>

#include "accesslog/accessentry.h"
#include "base/clock.h"
#include "services/proxy/beside.h"
#include "services/proxy/proxy_try.h"
#include "services/services.h"
#include "worker/heritage.h"
#include "worker/pair/pair.h"
#include "worker/pair/pair_connect.h"

static bool start(const struct heritage *heritage, const struct listen_conf *listen)
{
	return upstreams_add(heritage->conf, heritage->board, listen);
}

static enum verdict end_connect(struct conn *peer)
{
	struct conn *client = conn_client(peer);
	int error = pair_connect_error(peer);

	if (error != 0)
		return proxy_fail_over(client, close_reason_of_server(error));
	return proxy_begin_relay(client);
}

/*
 * Nothing that the client or the server has sent has reached the other, and nothing is lost: what
 * the client has sent is still in its buffer. A unix socket refuses bytes (EPIPE, unix(7)) before
 * it tells that it was reset.
 */
static bool is_untouched(struct conn *peer)
{
	const struct proxy *p = conn_state_const(peer);
	const struct conn *client = conn_client(peer);

	return p->phase == PROXY_RELAYING && peer->record->bytes_in == 0 &&
	       peer->record->bytes_out <= p->header_size &&
	       client->record->bytes_in == buf_used(&client->in);
}

static bool replace_lost(struct conn *peer, enum verdict *verdict)
{
	struct conn *client = conn_client(peer);

	if (!is_untouched(peer) || conn_has_output(peer))
		return false;
	*verdict = proxy_fail_over(client, close_reason_of_server(pair_connect_error(peer)));
	return true;
}

static enum verdict expire(struct conn *c)
{
	struct conn *client = conn_client(c);
	const struct proxy *p = conn_state(client);

	if (p->phase == PROXY_CONNECTING)
		return proxy_fail_over(client, CLOSE_upstream_timeout);
	return p->phase == PROXY_WAITING ? proxy_try_servers(client) : MORE;
}

static enum verdict take_input(struct conn *c)
{
	const struct proxy *p = conn_state(c);

	if (p->phase == PROXY_RELAYING)
		return proxy_relay(c);
	if (buf_room(&c->in) == 0)
		conn_set_flow(c, FLOW_PAUSED);
	return MORE;
}

/* What waited for this side's output is the input of the other. */
static enum verdict relay_more(struct conn *c)
{
	return c->peer ? proxy_relay(c->peer) : MORE;
}

/*
 * The server that it has is in this worker's configuration. One that waits has none: it waits for
 * those of this configuration.
 */
static bool take_over(struct conn *c)
{
	const struct upstream *u = upstreams_of(c->conf);

	if (c->record->server > 0)
		c->record->server = (u->list[0].row + 1) & UINT8_MAX;
	return !c->peer || c->peer->record->server == 0 ||
	       upstream_find(u, c->peer->record->server - 1U) != NULL;
}

static bool fits_phase(const struct conn *c, const struct proxy *p)
{
	switch (p->phase) {
	case PROXY_WAITING:
		return !c->peer && c->record->server > 0;
	case PROXY_CONNECTING:
		return c->peer && c->peer->record->is_connecting && c->record->server == 0;
	default:
		return c->peer && !c->peer->record->is_connecting && c->record->server == 0;
	}
}

/* It is asked before init as well: of servers nothing is known then. No time lies ahead. */
static bool is_sound(const struct conn *c)
{
	const struct proxy *p = conn_state_const(c);

	return p->phase < PROXY_PHASES && p->row <= SCOREBOARD_SERVERS &&
	       p->failure < CLOSE_COUNT && p->begun_us >= 0 && p->begun_us <= clock_us() &&
	       p->waits_ms >= 0 && p->waits_ms <= clock_ms() && fits_phase(c, p);
}

static void tell(const struct conn *c, struct access_entry *entry)
{
	const struct proxy *p = conn_state_const(c);
	const struct upstream *u = upstreams_of(c->conf);

	entry->tries = 1U + p->tries;
	if (p->connect_us > 0 && p->connect_us < INT64_MAX / 2)
		entry->connect_seconds = p->connect_us;
	if (p->row > 0 && p->row <= SCOREBOARD_SERVERS) {
		const char *address = u->board->server_rows[p->row - 1].address;

		entry->server = (struct access_text){ address, strnlen(address, ADDR_TEXT) };
	}
}

static const struct helper_job *const jobs[] = { &resolver_job, &checker_job };

const struct service service_proxy = {
	.name = "proxy",
	.state_size = sizeof(struct proxy),
	.state_version = 2,
	.has_pairs = true,
	.conn_files = 2,
	.is_stream = true,
	.jobs = jobs,
	.job_count = sizeof(jobs) / sizeof(*jobs),
	.init = start,
	.open = proxy_try_servers,
	.connected = end_connect,
	.lost = replace_lost,
	.input = take_input,
	.drained = relay_more,
	.expired = expire,
	.takes = take_over,
	.is_sound = is_sound,
	.tell = tell,
};
