/* SPDX-License-Identifier: MIT */
#include "unit/sibling_services.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "services/services.h"
#include "unit/own_service.h"
#include "worker/pair/pair.h"

struct sibling_services sibling_services = { .peer = -1 };

unsigned char sibling_services_byte(size_t at)
{
	return (unsigned char)(at * 2654435761U >> 24);
}

static int open_file(void)
{
	unsigned char *bytes = malloc(SIBLING_FILE_SIZE);
	int fd = memfd_create("sibling", MFD_CLOEXEC);

	if (!bytes || fd < 0)
		abort();
	for (size_t i = 0; i < SIBLING_FILE_SIZE; i++)
		bytes[i] = sibling_services_byte(i);
	if (write(fd, bytes, SIBLING_FILE_SIZE) != SIBLING_FILE_SIZE)
		abort();
	free(bytes);
	return fd;
}

static enum verdict echo_input(struct conn *c)
{
	struct buf full = c->in;

	c->in = c->out;
	c->out = full;
	return conn_in_ended(c) ? FINISH : MORE;
}

static bool ask_test(const struct conn *c)
{
	return !sibling_services.is_sound || sibling_services.is_sound(c);
}

static enum verdict attach_peer(struct conn *c)
{
	if (sibling_services.peer >= 0 && !pair_attach(c, sibling_services.peer, false))
		return ABORT;
	if (sibling_services.sends_file)
		conn_send_file(c, open_file(), 0, SIBLING_FILE_SIZE);
	return MORE;
}

static const struct service service_still = { .name = "still", .input = echo_input };
static const struct service service_picky = {
	.name = "picky",
	.state_size = sizeof(uint64_t),
	.state_version = 1,
	.input = echo_input,
	.is_sound = ask_test,
};
static const struct service service_pair = {
	.name = "pair",
	.state_version = 1,
	.has_pairs = true,
	.open = attach_peer,
};

void sibling_services_add(void)
{
	own_service(&service_still);
	own_service(&service_picky);
	own_service(&service_pair);
}
