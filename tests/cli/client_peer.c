/* SPDX-License-Identifier: MIT */
/* The scene of a play: a client and a listening socket. */
#include "cli/client_peer.h"

#include <sys/socket.h>

#include "e2e/client.h"
#include "e2e/harness.h"

struct play play;

int play_set_up(void **state)
{
	(void)state;
	talking_forget(&play.talking);
	play.listener = client_listener(play.address, sizeof(play.address));
	return 0;
}

int play_tear_down(void **state)
{
	close(play.listener);
	return harness_teardown(state);
}

int play_accept(void)
{
	int fd = accept4(play.listener, NULL, NULL, SOCK_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

void play_assert(enum exit_code code, const char *out, const char *why)
{
	char err[512] = "";

	talking_wait(&play.talking);
	if (why != NULL)
		snprintf(err, sizeof(err), "prefork-client: %s: %s\n", play.address, why);
	assert_string_equal(play.talking.err, err);
	assert_string_equal(play.talking.out, out);
	assert_int_equal(play.talking.code, code);
}
