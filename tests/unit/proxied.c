/* SPDX-License-Identifier: MIT */
/* Shared by the tests of connections with a PROXY header. */
#include "unit/proxied.h"

#include <unistd.h>

#include "unit/aftermath.h"

void proxied_start(struct served *s, const struct service *service)
{
	own_service(service);
	served_start(s, "proxied", "accept_proxy", "yes", "accept_proxy_timeout", "1h",
		     "idle_timeout", "20h", "linger_timeout", "0", "deny", "10.0.0.0/8", NULL);
}

void proxied_end(struct served *s, int client)
{
	close(client);
	served_settle(s);
	assert_ended(s, CLOSE_client_closed);
	served_stop(s);
}

enum verdict proxied_return_input(struct conn *c)
{
	buf_drop(&c->in, buf_put(&c->out, buf_head(&c->in), buf_used(&c->in)));
	return conn_in_ended(c) && buf_used(&c->in) == 0 ? FINISH : MORE;
}
