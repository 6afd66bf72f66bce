/* SPDX-License-Identifier: MIT */
/* The clients of the tests of limits. They look without waiting. */
#include "clients.h"

#include <sys/socket.h>

#include "client.h"

static void drop_client(struct clients *c, unsigned i)
{
	c->served -= c->is_served[i];
	c->is_served[i] = false;
	close(c->fds[i]);
	c->fds[i] = -1;
}

void clients_open(struct clients *c, const char *source, const char *address, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		int fd = client_try_from(source, address);

		if (fd < 0)
			server_fail(c->server, "a client cannot connect: %s", strerror(errno));
		assert_in_range(c->count, 0, CLIENTS_MOST - 1);
		c->fds[c->count] = fd;
		c->is_served[c->count++] = false;
		if (send(fd, "x", 1, MSG_NOSIGNAL) == 1)
			continue;
		c->reset++; /* it was turned away already */
		drop_client(c, c->count - 1);
	}
}

static void hear_client(struct clients *c, unsigned i)
{
	char byte;
	ssize_t n = recv(c->fds[i], &byte, 1, MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n == 1 && !c->is_served[i]) {
		c->is_served[i] = true;
		c->answered++;
		c->served++;
		return;
	}
	if (n == 0)
		c->ended++;
	else
		c->reset++;
	drop_client(c, i);
}

static void hear_all(struct clients *c, bool is_served)
{
	for (unsigned i = 0; i < c->count; i++)
		if (c->fds[i] >= 0 && c->is_served[i] == is_served)
			hear_client(c, i);
}

/*
 * The end of one may come after the answer to the one that has its place: the kernel delivers to
 * each socket by itself. One too many goes on being served.
 */
static void check_most(struct clients *c)
{
	int64_t until_ms = clock_ms() + WAIT_MS;

	while (c->served > c->served_most) {
		if (clock_ms() > until_ms)
			server_fail(c->server, "%u clients are served at once, the limit is %u",
				    c->served, c->served_most);
		harness_tick();
		hear_all(c, true);
	}
}

void clients_look(struct clients *c)
{
	hear_all(c, false);
	hear_all(c, true);
	if (c->served_most > 0)
		check_most(c);
}

void clients_leave(struct clients *c, unsigned count)
{
	for (unsigned i = 0; i < c->count && count > 0; i++) {
		if (!c->is_served[i])
			continue;
		drop_client(c, i);
		count--;
	}
	assert_int_equal(count, 0);
}

void clients_exchange(struct clients *c)
{
	for (unsigned i = 0; i < c->count; i++)
		if (c->is_served[i]) {
			client_say(c->fds[i], "y");
			client_hear(c->fds[i], "y");
		}
}

void clients_close(struct clients *c)
{
	for (unsigned i = 0; i < c->count; i++)
		if (c->fds[i] >= 0)
			drop_client(c, i);
	c->count = 0;
}
