/* SPDX-License-Identifier: MIT */
/*
 * What a connection's record says: where it stands, why and in which phase it ends. It moves no
 * bytes and makes no transition: worker/conn.c does.
 */
#include "base/log.h"
#include "worker/conn.h"

const char *conn_remote(const struct conn *c, char *text)
{
	return net_write(&c->remote, c->remote_port, text);
}

bool conn_is_between_messages(const struct conn *c)
{
	if (c->service->idle)
		return c->service->idle(c);
	return buf_used(&c->in) == 0 && buf_used(&c->out) == 0;
}

bool conn_rests(const struct conn *c)
{
	return c->state == CONN_LINGERING || (c->state == CONN_OPEN && conn_is_between_messages(c));
}

char conn_phase_letter(const struct conn *c, enum close_reason reason, bool is_between_messages)
{
	if (c->state == CONN_LINGERING)
		return reason == CLOSE_client_closed ? '-' : 'L';
	if (reason == CLOSE_message_invalid || reason == CLOSE_message_too_long ||
	    reason == CLOSE_message_incomplete || reason == CLOSE_message_timeout)
		return 'R';
	if (buf_used(&c->out) > 0)
		return 'D';
	return c->state == CONN_FLUSHING || is_between_messages ? '-' : 'R';
}

void conn_set_phase(struct conn *c, enum close_reason reason)
{
	c->phase = (uint8_t)conn_phase_letter(c, reason, conn_is_between_messages(c));
}

void conn_set_close_reason(struct conn *c, enum close_reason reason)
{
	if (c->ending != CLOSE_none)
		return;
	conn_set_phase(c, reason);
	c->ending = (uint8_t)reason;
}

void conn_log_ended(const struct conn *c, int64_t now_us, int error)
{
	char remote[ADDR_TEXT];

	if (!log_wants(EVENT_connection_ended))
		return;
	LOG(EVENT_connection_ended, LOG_STR("remote", conn_remote(c, remote)),
	    LOG_STR("service", c->service->name), LOG_STR("ending", close_reason_name(c->ending)),
	    LOG_NUM("bytes_in", c->bytes_in), LOG_NUM("bytes_out", c->bytes_out),
	    LOG_NUM("messages", c->messages), LOG_NUM("ms", (now_us - c->opened_us) / 1000),
	    LOG_STR("error", c->ending == CLOSE_system_error ? strerrorname_np(error) : "none"));
}
