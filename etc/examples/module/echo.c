/* SPDX-License-Identifier: MIT */
/*
 * echo.c: a module of prefork-srv that returns every byte. Build it with `make` in this folder,
 * then:
 *   prefork-srv -l 9000=module,module=./echo.so
 */
#include <prefork-srv/service.h>

/* What has no room now waits as input: the hook is called again once the output has gone out. */
static enum prefork_verdict echo(struct prefork_conn *c)
{
	size_t size, room = prefork_room(c);
	const char *bytes = prefork_input(c, &size);

	if (size > room)
		size = room;
	prefork_write(c, bytes, size);
	prefork_consume(c, size);
	prefork_input(c, &size);
	return prefork_input_ended(c) && size == 0 ? PREFORK_FINISH : PREFORK_MORE;
}

const struct prefork_service prefork_service = {
	PREFORK_SERVICE,
	.name = "echo",
	.state_version = 1,
	.input = echo,
};
