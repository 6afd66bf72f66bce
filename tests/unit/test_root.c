/* SPDX-License-Identifier: MIT */
/* Tests of services/files/open/root: the folder of a place, and what it costs in descriptors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "config/option.h"
#include "services/files/open/root.h"
#include "unit/folder.h"
#include "unit/ranged.h"

enum { SECOND = 2 }; /* more than a folder holds */

static int64_t ahead_s; /* of the clock: seconds that pass at once */
static struct listen_conf conf;
static char path[64];

/* In the place of libc's. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
	if (syscall(SYS_clock_gettime, clock, now) < 0)
		return -1;
	now->tv_sec += ahead_s;
	return 0;
}

static int set_up(void **state)
{
	struct err err;
	unsigned fds;

	if (folder_make(state) != 0)
		return -1;
	snprintf(path, sizeof(path), "%s/www", (const char *)*state);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_true(option_defaults(SECTION_listen, &conf, &err));
	free(conf.root);
	free(conf.types);
	conf.root = strdup(path);
	conf.types = strdup("none");
	assert_true(root_make(1));
	fds = ranged_fds();
	root_start(0, &conf);
	assert_int_equal(ranged_fds(), fds);
	return 0;
}

static int tear_down(void **state)
{
	option_free(SECTION_listen, &conf);
	return folder_remove(state);
}

static ino_t folder_now(void)
{
	struct stat st;
	int fd = root_open(0);

	return fd >= 0 && fstat(fd, &st) == 0 ? st.st_ino : 0;
}

static ino_t folder_at(const char *name)
{
	struct stat st;

	assert_int_equal(stat(name, &st), 0);
	return st.st_ino;
}

static void replace_folder(void)
{
	char other[sizeof(path) + 8];

	snprintf(other, sizeof(other), "%s.new", path);
	assert_int_equal(mkdir(other, 0755), 0);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rename(other, path), 0);
	ahead_s += SECOND;
}

static void folder__that_is_replaced__is_found(void **state)
{
	(void)state;
	assert_int_equal(folder_now(), folder_at(path));
	replace_folder();
	assert_int_equal(folder_now(), folder_at(path));
}

static void folder__that_is_gone__is_not_there(void **state)
{
	(void)state;
	assert_int_equal(rmdir(path), 0);
	ahead_s += SECOND;
	assert_int_equal(root_open(0), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(mkdir(path, 0755), 0);
	ahead_s += SECOND;
	assert_int_equal(folder_now(), folder_at(path));
}

static void folder__stays__while_no_descriptor_is_left(void **state)
{
	const ino_t before = folder_now();
	struct rlimit limit, none = { 0 };
	unsigned fds = ranged_fds();

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none.rlim_max = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	ahead_s += SECOND;
	assert_int_equal(folder_now(), before);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(ranged_fds(), fds);
	replace_folder();
	assert_int_equal(folder_now(), folder_at(path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folder__that_is_replaced__is_found),
		cmocka_unit_test(folder__that_is_gone__is_not_there),
		cmocka_unit_test(folder__stays__while_no_descriptor_is_left),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
