/* SPDX-License-Identifier: MIT */
/* Opens listeners for tests, in a temporary folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit/listening.h"

static char folder[64];
char listening_path[96];
char listening_unix[112];

int listening_set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/test_listener.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(listening_path, sizeof(listening_path), "%s/s", folder);
	snprintf(listening_unix, sizeof(listening_unix), "unix:%s", listening_path);
	return 0;
}

int listening_tear_down(void **state)
{
	(void)state;
	unlink(listening_path);
	return rmdir(folder);
}

void listening_add(struct listening *setup, const char *address)
{
	struct listen_conf *l = &setup->listens[setup->conf.listener_count++];

	*l = (struct listen_conf){
		.address = (char *)address,
		.origin = (char *)"x.conf:1",
		.owner = (char *)"",
		.service = (char *)"",
		.backlog = 16,
		.nodelay = true,
		.mode = 0666,
	};
	setup->conf.listeners = setup->listens;
}

struct listener_set *listening_open(const struct listening *setup, const struct listener_set *old,
				    unsigned sockets)
{
	struct err err;
	struct listener_set *set = listener_open_all(&setup->conf, old, sockets, NULL, &err);

	if (!set)
		fail_msg("%s", err.text);
	return set;
}

void listening_refuses(const struct listening *setup, const struct listener_set *old,
		       enum exit_code code, const char *reason)
{
	struct err err;

	assert_null(listener_open_all(&setup->conf, old, 1, NULL, &err));
	if (err.code != code || !strstr(err.text, reason))
		fail_msg("%d: %s", err.code, err.text);
	assert_memory_equal(err.text, "x.conf:1: listen \"", 18);
}

bool listening_answers(const struct addr *addr)
{
	int fd = socket(addr->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool good = connect(fd, &addr->sa, addr->len) == 0;

	close(fd);
	return good;
}

int listening_option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	getsockopt(fd, level, name, &value, &len);
	return value;
}
