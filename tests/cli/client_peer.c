/* SPDX-License-Identifier: MIT */
/* The client and the listening socket of a test. */
#include "cli/client_peer.h"

#include <sys/socket.h>

#include "e2e/client.h"
#include "e2e/harness.h"

struct client_peer client_peer;

int client_peer_set_up(void **state)
{
	(void)state;
	client_process_reset(&client_peer.client);
	client_peer.listener = client_listener(client_peer.address, sizeof(client_peer.address));
	return 0;
}

int client_peer_tear_down(void **state)
{
	close(client_peer.listener);
	return harness_teardown(state);
}

int client_peer_accept(void)
{
	int fd = accept4(client_peer.listener, NULL, NULL, SOCK_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

void client_peer_assert(enum exit_code code, const char *out, const char *why)
{
	char err[512] = "";

	client_process_wait(&client_peer.client);
	if (why != NULL)
		snprintf(err, sizeof(err), "prefork-client: %s: %s\n", client_peer.address, why);
	assert_string_equal(client_peer.client.err, err);
	assert_string_equal(client_peer.client.out, out);
	assert_int_equal(client_peer.client.code, code);
}
