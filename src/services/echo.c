/* SPDX-License-Identifier: MIT */
/*
 * echo: returns every byte (RFC 862). Supports half-close: the bytes before the client's end are
 * returned, then the server ends its side. While the client does not read, the server reads no more
 * from it.
 */
#include "services/services.h"
#include "worker/conn_record.h"

/* c->out is empty here, so the buffers are swapped and no byte is copied. */
static enum verdict echo_input(struct conn *c)
{
	struct buf full = c->in;

	c->in = c->out;
	c->out = full;
	return conn_in_ended(c) ? FINISH : MORE;
}

const struct service service_echo = {
	.name = "echo",
	.state_version = 1,
	.input = echo_input,
};
