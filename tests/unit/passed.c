/* SPDX-License-Identifier: MIT */
#include "unit/passed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

unsigned passed_count_open(void)
{
	unsigned count = 0;

	for (int fd = 0; fd < PASSED_OPEN_MOST; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

bool passed_raise_limit(void)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_max < 2 * RIGHTS_MOST)
		return false;
	limit.rlim_cur = limit.rlim_max < PASSED_OPEN_MOST ? limit.rlim_max : PASSED_OPEN_MOST;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	return true;
}

void passed_open(struct passed *passed, int type)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends), 0);
	*passed = (struct passed){ .sender = ends[0], .receiver = ends[1] };
	passed->open_before = passed_count_open();
}

void passed_close(struct passed *passed)
{
	rights_close(&passed->got);
	assert_int_equal(passed->got.count, 0);
	assert_int_equal(passed_count_open(), passed->open_before);
	close(passed->sender);
	close(passed->receiver);
}

ssize_t passed_send(const struct passed *passed, const char *word, const int *fds, unsigned count)
{
	const struct iovec parts = { (char *)word, strlen(word) };

	return rights_send(passed->sender, &parts, 1, fds, count, 0);
}

ssize_t passed_receive(struct passed *passed, size_t most, int flags)
{
	const struct iovec parts = { passed->text, most };

	memset(&passed->got, 0x5a, sizeof(passed->got));
	memset(passed->text, 0, sizeof(passed->text));
	return rights_receive(passed->receiver, &parts, 1, &passed->got, flags | MSG_DONTWAIT);
}

void passed_assert(const struct passed *passed, const char *word, unsigned count)
{
	assert_string_equal(passed->text, word);
	assert_int_equal(passed->got.count, count);
	assert_false(passed->got.is_cut);
	assert_false(passed->got.lacks_fds);
}
