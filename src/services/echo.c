/* SPDX-License-Identifier: MIT */
/*
 * echo: returns every byte (RFC 862). Honours half-close: what came before the client's end is
 * returned, then our side ends. While the client does not read, nothing more is read from it.
 */
#include "services/services.h"
#include "worker/conn_record.h"

/* c->out is empty here, so no byte is copied: the buffers change places. */
static enum verdict echo_input(struct conn *c)
{
	struct buf full = c->in;

	c->in = c->out;
	c->out = full;
	return c->in_ended ? FINISH : MORE;
}

const struct service service_echo = {
	.name = "echo",
	.input = echo_input,
};
