/* SPDX-License-Identifier: MIT */
/*
 * echo: returns every byte (RFC 862). Honours half-close: what came before the client's end is
 * returned, then our side ends. While the client does not read, nothing more is read from it.
 */
#include "services/services.h"
#include "worker/conn.h"

static enum verdict input(struct conn *c)
{
	if (buf_used(&c->out) == 0) { /* no byte is copied: the buffers change places */
		struct buf full = c->in;

		c->in = c->out;
		c->out = full;
	} else {
		buf_drop(&c->in, buf_put(&c->out, buf_head(&c->in), buf_used(&c->in)));
	}
	return c->in_ended && buf_used(&c->in) == 0 ? FINISH : MORE;
}

const struct service service_echo = {
	.name = "echo",
	.input = input,
};
