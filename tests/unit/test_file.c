/* SPDX-License-Identifier: MIT */
/* Tests of base/file: reading by offset, and different spellings of one path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/file.h"
#include "unit/folder.h"

static const char *folder;

/* What the next calls of pread do: each gives at most so many bytes, and one of them fails. */
static struct {
	size_t most;      /* 0: all */
	unsigned failing; /* 1: the next one; 0: none */
	int error;
} calls;

/* In the place of the library's. */
ssize_t pread(int fd, void *to, size_t size, off_t at)
{
	struct iovec part = { to, calls.most > 0 && calls.most < size ? calls.most : size };

	if (calls.failing > 0 && --calls.failing == 0) {
		errno = calls.error;
		return -1;
	}
	return preadv(fd, &part, 1, at);
}

/* FOLDER/name, valid until the next call but one. */
static const char *at(const char *name)
{
	static char texts[2][PATH_MAX];
	static unsigned next;
	char *text = texts[next++ % 2];

	snprintf(text, PATH_MAX, "%s/%s", folder, name);
	return text;
}

static int set_up(void **state)
{
	if (folder_make(state) != 0)
		return -1;
	folder = *state;
	folder_write(folder, "file", "x");
	folder_write(folder, "other", "x");
	if (mkdir(at("real"), 0700) != 0 || symlink("real", at("link")) != 0 ||
	    symlink("file", at("soft")) != 0 || link(at("file"), at("hard")) != 0 ||
	    mkdir(at("real/sub"), 0700) != 0)
		return -1;
	return 0;
}

static int tear_down(void **state)
{
	rmdir(at("real/sub"));
	rmdir(at("real"));
	return folder_remove(state);
}

static void names__in_one_folder_by_two_spellings__are_the_same(void **state)
{
	static const char *const spellings[] = { "link/x", "./real/x", "real//x", "real/./x",
						 "real/sub/../x" };

	(void)state;
	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++)
		assert_true(file_same_name(at("real/x"), at(spellings[i])));
	/* there is no folder to look at, so the text decides */
	assert_true(file_same_name(at("none/x"), at("none/x")));
	assert_false(file_same_name(at("none/x"), at("none/./x")));
	assert_true(file_same_name("/x", "//x"));
}

static void names__that_differ_or_stand_elsewhere__are_not(void **state)
{
	(void)state;
	assert_false(file_same_name(at("real/x"), at("real/y")));
	assert_false(file_same_name(at("real/x"), at("x")));
	assert_false(file_same_name(at("file"), at("hard")));
	assert_false(file_same_name(at("none/x"), at("real/x")));
}

static void files__by_two_names__are_the_same(void **state)
{
	(void)state;
	assert_true(file_same(at("file"), at("hard")));
	assert_true(file_same(at("soft"), at("file")));
	assert_true(file_same(at("link/x"), at("real/x")));
	assert_false(file_same(at("file"), at("other")));
	assert_false(file_same(at("file"), at("none")));
}

/* "0123456789", at whose fifth byte the descriptor stands. */
static int open_digits(void)
{
	int fd;

	memset(&calls, 0, sizeof(calls));
	folder_write(folder, "digits", "0123456789");
	fd = open(at("digits"), O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(lseek(fd, 5, SEEK_SET), 5);
	return fd;
}

static void assert_read(int fd, off_t from, size_t size, const char *bytes)
{
	char to[16] = "";

	assert_int_equal(file_read(fd, to, size, from), strlen(bytes));
	assert_string_equal(to, bytes);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 5);
}

static void bytes__at_an_offset__are_read_from_there(void **state)
{
	int fd = open_digits();

	(void)state;
	assert_read(fd, 0, 10, "0123456789");
	assert_read(fd, 3, 4, "3456");
	assert_read(fd, 3, 0, "");
	close(fd);
}

static void bytes__that_come_in_parts__are_read_whole(void **state)
{
	int fd = open_digits();

	(void)state;
	calls.most = 3;
	assert_read(fd, 0, 10, "0123456789");
	assert_read(fd, 2, 7, "2345678");
	close(fd);
}

static void bytes__beyond_the_end__are_missing(void **state)
{
	int fd = open_digits();

	(void)state;
	assert_read(fd, 6, 10, "6789");
	assert_read(fd, 10, 1, "");
	assert_read(fd, 99, 1, "");
	calls.most = 3;
	assert_read(fd, 1, 15, "123456789");
	close(fd);
}

static void read__that_is_interrupted__goes_on(void **state)
{
	int fd = open_digits();

	(void)state;
	calls.most = 3;
	calls.error = EINTR;
	for (unsigned call = 1; call <= 4; call++) {
		calls.failing = call;
		assert_read(fd, 0, 10, "0123456789");
		assert_int_equal(calls.failing, 0);
	}
	close(fd);
}

static void read__that_fails__says_why(void **state)
{
	int fd = open_digits();
	char to[16];

	(void)state;
	calls.most = 3;
	calls.error = EIO;
	for (unsigned call = 1; call <= 4; call++) {
		calls.failing = call;
		errno = 0;
		assert_int_equal(file_read(fd, to, 10, 0), -1);
		assert_int_equal(errno, EIO);
	}
	close(fd);
	assert_int_equal(file_read(fd, to, 10, 0), -1);
	assert_int_equal(errno, EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names__in_one_folder_by_two_spellings__are_the_same),
		cmocka_unit_test(names__that_differ_or_stand_elsewhere__are_not),
		cmocka_unit_test(files__by_two_names__are_the_same),
		cmocka_unit_test(bytes__at_an_offset__are_read_from_there),
		cmocka_unit_test(bytes__that_come_in_parts__are_read_whole),
		cmocka_unit_test(bytes__beyond_the_end__are_missing),
		cmocka_unit_test(read__that_is_interrupted__goes_on),
		cmocka_unit_test(read__that_fails__says_why),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
