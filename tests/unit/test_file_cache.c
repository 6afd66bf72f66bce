/* SPDX-License-Identifier: MIT */
/* Tests of services/files/open/file_cache: what is found, what makes room, whose descriptors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "services/files/open/file_cache.h"

enum { SMALL = 100, LARGE = FILE_CACHE_LEAST / 8 - 1024 };

/* They last as long as the process. */
static struct file_cache *make_cache(void)
{
	static struct file_cache *made[16];
	static unsigned count;

	assert_in_range(count, 0, 15);
	made[count] = file_cache_new(FILE_CACHE_LEAST);
	assert_non_null(made[count]);
	return made[count++];
}

static const char *name_of(unsigned number)
{
	static char name[32];

	snprintf(name, sizeof(name), "folder/file-%u", number);
	return name;
}

/* A file of `size` bytes, each of which tells the number. */
static struct file_kept *add(struct file_cache *cache, unsigned number, size_t size)
{
	struct file_kept *kept = file_cache_add(cache, 0, name_of(number), size);

	if (!kept)
		return NULL;
	kept->end = BENEATH_FILE;
	kept->st.st_size = (off_t)size;
	if (size > 0)
		memset(kept->bytes, (int)(number % 251), size);
	return kept;
}

/* True when it is there, and whole. */
static bool has(struct file_cache *cache, unsigned number)
{
	struct file_kept *kept = file_cache_find(cache, 0, name_of(number));

	if (!kept)
		return false;
	for (off_t i = 0; i < kept->st.st_size; i++)
		assert_int_equal((unsigned char)kept->bytes[i], number % 251);
	return true;
}

/* A descriptor whose number no later one has. */
static int open_one(void)
{
	static int number = 100;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), own;

	assert_true(fd >= 0);
	own = fcntl(fd, F_DUPFD_CLOEXEC, number++);
	assert_true(own >= 0);
	close(fd);
	return own;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0 || errno != EBADF;
}

static void entry__is_found_by_path_and_place(void **state)
{
	struct file_cache *cache = make_cache();

	(void)state;
	assert_null(file_cache_find(cache, 0, ""));
	assert_non_null(file_cache_add(cache, 0, "", 0));
	assert_non_null(file_cache_find(cache, 0, ""));
	assert_null(file_cache_find(cache, 1, ""));
	assert_non_null(add(cache, 7, SMALL));
	assert_true(has(cache, 7));
	assert_false(has(cache, 70));
	file_cache_drop(cache, file_cache_find(cache, 0, name_of(7)));
	assert_false(has(cache, 7));
	assert_non_null(add(cache, 7, SMALL));
	assert_true(has(cache, 7));
}

static void oldest__make_room_for_new_ones(void **state)
{
	struct file_cache *cache = make_cache();
	unsigned sum = 0;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		file_cache_release(cache);
		assert_non_null(add(cache, i, (size_t)i * 7919 % 5000));
		assert_true(has(cache, i));
		file_cache_release(cache);
		if (i % 3 == 0 && has(cache, i / 2))
			file_cache_drop(cache, file_cache_find(cache, 0, name_of(i / 2)));
	}
	for (unsigned i = 0; i < 20000; i++)
		sum += has(cache, i);
	/* the newest ones, as many as there is room for */
	assert_in_range(sum, 300, 410);
	assert_true(has(cache, 19999));
	assert_true(has(cache, 19999 - 200));
	assert_false(has(cache, 19999 - 450));
}

static void request__keeps_what_it_has_found(void **state)
{
	struct file_cache *cache = make_cache();
	unsigned count = 0;

	(void)state;
	file_cache_release(cache);
	assert_non_null(add(cache, 0, SMALL));
	file_cache_release(cache);
	assert_true(has(cache, 0));
	while (add(cache, 1 + count, LARGE))
		count++;
	assert_in_range(count, 7, 8);
	assert_true(has(cache, 0));
	file_cache_release(cache);
	assert_non_null(add(cache, 100, LARGE));
	assert_false(has(cache, 0));
}

static void entry__too_large_for_its_share__is_refused(void **state)
{
	struct file_cache *cache = make_cache();

	(void)state;
	assert_null(add(cache, 0, FILE_CACHE_LEAST / 8));
	assert_non_null(add(cache, 0, LARGE));
}

static void descriptors__are_bounded_and_closed_with_their_entry(void **state)
{
	struct file_cache *cache = make_cache();
	int fds[FILE_CACHE_FDS + 2];

	(void)state;
	for (unsigned i = 0; i < FILE_CACHE_FDS + 2; i++) {
		file_cache_release(cache);
		fds[i] = open_one();
		file_cache_keep_fd(cache, add(cache, i, 0), fds[i]);
	}
	assert_false(is_open(fds[0]));
	assert_int_equal(file_cache_find(cache, 0, name_of(0))->fd, -1);
	assert_false(is_open(fds[1]));
	for (unsigned i = 2; i < FILE_CACHE_FDS + 2; i++)
		assert_true(is_open(fds[i]));
	file_cache_drop(cache, file_cache_find(cache, 0, name_of(5)));
	assert_false(is_open(fds[5]));
	file_cache_find(cache, 0, name_of(6))->until_ms = 1000;
	file_cache_find(cache, 0, name_of(7))->until_ms = 1001;
	for (unsigned i = 8; i < FILE_CACHE_FDS + 2; i++)
		file_cache_find(cache, 0, name_of(i))->until_ms = 5000;
	file_cache_release(cache);
	file_cache_close_old(cache, 1001);
	assert_false(is_open(fds[6]));
	assert_true(is_open(fds[7]));
	file_cache_close_old(cache, INT64_MAX);
	for (unsigned i = 0; i < FILE_CACHE_FDS + 2; i++)
		assert_false(is_open(fds[i]));
}

static void descriptor__that_the_request_has_found__stays(void **state)
{
	struct file_cache *cache = make_cache();
	struct file_kept *first;
	int fd = open_one();

	(void)state;
	first = add(cache, 0, 0);
	file_cache_keep_fd(cache, first, fd);
	for (unsigned i = 1; i < 3 * FILE_CACHE_FDS; i++) {
		file_cache_release(cache);
		assert_ptr_equal(file_cache_find(cache, 0, name_of(0)), first);
		file_cache_keep_fd(cache, add(cache, i, 0), open_one());
		assert_true(is_open(fd));
		file_cache_close_old(cache, INT64_MAX);
		assert_true(is_open(fd));
	}
	file_cache_release(cache);
	file_cache_close_old(cache, INT64_MAX);
	assert_false(is_open(fd));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entry__is_found_by_path_and_place),
		cmocka_unit_test(oldest__make_room_for_new_ones),
		cmocka_unit_test(request__keeps_what_it_has_found),
		cmocka_unit_test(entry__too_large_for_its_share__is_refused),
		cmocka_unit_test(descriptors__are_bounded_and_closed_with_their_entry),
		cmocka_unit_test(descriptor__that_the_request_has_found__stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
