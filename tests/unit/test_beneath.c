/* SPDX-License-Identifier: MIT */
/* Tests of services/files/open/beneath: what is opened, what is refused and how, in both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "unit/folder.h"
#include "unit/rooted.h"
#include "unit/sandbox.h"

static const struct path_row {
	const char *path;
	enum beneath_end end;
	const char *text; /* of a file */
} rows[] = {
	{ "file", BENEATH_FILE, "file" },
	{ "./file", BENEATH_FILE, "file" },
	{ "sub/inner", BENEATH_FILE, "inner" },
	{ "sub//./inner", BENEATH_FILE, "inner" },
	{ "sub/deep/../inner", BENEATH_FILE, "inner" },
	{ "empty", BENEATH_FILE, "" },
	{ "50%.png", BENEATH_FILE, "percent" },
	{ "a%2fb", BENEATH_FILE, "escaped" },
	{ "..dots", BENEATH_FILE, "dots" },
	{ "...", BENEATH_FILE, "three" },
	{ "", BENEATH_FOLDER, NULL },
	{ ".", BENEATH_FOLDER, NULL },
	{ "./", BENEATH_FOLDER, NULL },
	{ "sub", BENEATH_FOLDER, NULL },
	{ "sub/", BENEATH_FOLDER, NULL },
	{ "sub/.", BENEATH_FOLDER, NULL },
	{ "sub/deep//", BENEATH_FOLDER, NULL },
	{ "sub/..", BENEATH_FOLDER, NULL },
	{ "none", BENEATH_NOT_FOUND, NULL },
	{ "none/", BENEATH_NOT_FOUND, NULL },
	{ "none/../file", BENEATH_NOT_FOUND, NULL },
	{ "file/", BENEATH_NOT_FOUND, NULL },
	{ "file/.", BENEATH_NOT_FOUND, NULL },
	{ "file/..", BENEATH_NOT_FOUND, NULL },
	{ "file/x", BENEATH_NOT_FOUND, NULL },
	{ "FILE", BENEATH_NOT_FOUND, NULL },
	{ "..", BENEATH_FORBIDDEN, NULL },
	{ "../", BENEATH_FORBIDDEN, NULL },
	{ "../root/file", BENEATH_FORBIDDEN, NULL },
	{ "../root-secret/file", BENEATH_FORBIDDEN, NULL },
	{ "../outside/secret", BENEATH_FORBIDDEN, NULL },
	{ "sub/../../outside/secret", BENEATH_FORBIDDEN, NULL },
	{ "sub/deep/../../../outside/secret", BENEATH_FORBIDDEN, NULL },
	{ "/", BENEATH_FORBIDDEN, NULL },
	{ "/etc/passwd", BENEATH_FORBIDDEN, NULL },
	{ "//file", BENEATH_FORBIDDEN, NULL },
	{ "fifo", BENEATH_FORBIDDEN, NULL },
	{ "socket", BENEATH_FORBIDDEN, NULL },
	{ "fifo/", BENEATH_NOT_FOUND, NULL },
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static void make_socket(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	close(fd);
}

static int set_up(void **state)
{
	if (rooted_make(state) != 0)
		return -1;
	rooted_folder("root/sub");
	rooted_folder("root/sub/deep");
	rooted_folder("root-secret");
	folder_write(*state, "root/sub/inner", "inner");
	folder_write(*state, "root/empty", "");
	folder_write(*state, "root/50%.png", "percent");
	folder_write(*state, "root/a%2fb", "escaped");
	folder_write(*state, "root/..dots", "dots");
	folder_write(*state, "root/...", "three");
	folder_write(*state, "root-secret/file", "secret");
	folder_write(*state, "root/locked", "locked");
	rooted_folder("root/closed");
	folder_write(*state, "root/closed/file", "closed");
	rooted_folder("root/unread");
	folder_write(*state, "root/unread/file", "unread");
	rooted_link("file", "root/link");
	make_socket(rooted_at("root/socket"));
	return mkfifo(rooted_at("root/fifo"), 0644) | chmod(rooted_at("root/locked"), 0) |
	       chmod(rooted_at("root/closed"), 0) | chmod(rooted_at("root/unread"), 0311);
}

static int tear_down(void **state)
{
	(void)chmod(rooted_at("root/closed"), 0755);
	(void)chmod(rooted_at("root/unread"), 0755);
	return rooted_remove(state);
}

static void expect_rows(enum rooted_way way)
{
	for (unsigned policy = 0; policy <= BENEATH_SYMLINKS_SAME_OWNER; policy++) {
		struct beneath beneath = rooted_open(way, (enum beneath_symlinks)policy);

		for (unsigned i = 0; i < ROWS; i++)
			rooted_expect(&beneath, rows[i].path, rows[i].end, rows[i].text);
		assert_int_equal(beneath.by_name, way == BY_NAME);
	}
}

static void path__by_openat2__stays_below_the_root(void **state)
{
	(void)state;
	expect_rows(BY_OPENAT2);
}

static void path__by_name__stays_below_the_root(void **state)
{
	(void)state;
	expect_rows(BY_NAME);
}

static void path__of_any_length__is_opened_or_not_found(void **state)
{
	static char path[PATH_MAX + 2], name[NAME_MAX + 2];

	(void)state;
	for (unsigned way = 0; way < WAYS; way++) {
		struct beneath beneath = rooted_open((enum rooted_way)way, BENEATH_SYMLINKS_YES);

		memset(name, 'x', sizeof(name) - 1);
		rooted_expect(&beneath, name, BENEATH_NOT_FOUND, NULL);
		name[NAME_MAX] = '\0';
		rooted_expect(&beneath, name, BENEATH_NOT_FOUND, NULL);
		memset(path, '/', sizeof(path) - 1);
		for (size_t i = 0; i < PATH_MAX; i += 2)
			path[i] = '.';
		memcpy(path + PATH_MAX - 6, "/file", 6);
		rooted_expect(&beneath, path, BENEATH_FILE, "file");
		memcpy(path + PATH_MAX - 6, "//file", 7);
		rooted_expect(&beneath, path, BENEATH_NOT_FOUND, NULL);
	}
}

static void file__without_permission__is_forbidden(void **state)
{
	(void)state;
	if (geteuid() == 0)
		skip();
	for (unsigned way = 0; way < WAYS; way++) {
		struct beneath beneath = rooted_open((enum rooted_way)way, BENEATH_SYMLINKS_YES);

		rooted_expect(&beneath, "locked", BENEATH_FORBIDDEN, NULL);
		rooted_expect(&beneath, "closed", BENEATH_FORBIDDEN, NULL);
		rooted_expect(&beneath, "closed/file", BENEATH_FORBIDDEN, NULL);
		rooted_expect(&beneath, "closed/none", BENEATH_FORBIDDEN, NULL);
		rooted_expect(&beneath, "unread", BENEATH_FORBIDDEN, NULL);
		rooted_expect(&beneath, "unread/file", BENEATH_FILE, "unread");
	}
}

static void device__is_forbidden(void **state)
{
	int fd = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	for (unsigned way = 0; way < WAYS; way++) {
		struct beneath beneath = rooted_open((enum rooted_way)way, BENEATH_SYMLINKS_YES);

		beneath.root = fd;
		rooted_expect(&beneath, "null", BENEATH_FORBIDDEN, NULL);
	}
	close(fd);
}

/* The lowest free descriptor, which tells whether any was left open. */
static int find_free(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

static void descriptors__all_in_use__is_to_be_tried_again(void **state)
{
	struct rlimit limit, low;
	int first = find_free();

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	for (unsigned way = 0; way < WAYS; way++) {
		struct beneath beneath = rooted_open((enum rooted_way)way, BENEATH_SYMLINKS_YES);

		for (int room = 0; room < 3; room++) {
			bool opens = room == 2 || (room == 1 && way == BY_OPENAT2);

			low = (struct rlimit){ (rlim_t)(first + room), limit.rlim_max };
			assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
			rooted_expect(&beneath, "sub/inner",
				      opens ? BENEATH_FILE : BENEATH_TRY_AGAIN, NULL);
			assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
		}
		for (unsigned i = 0; i < ROWS; i++)
			rooted_expect(&beneath, rows[i].path, rows[i].end, NULL);
		assert_int_equal(find_free(), first);
	}
}

/* In a child: openat2 fails with that error; what follows, and whether that is remembered. */
static void open_with(int error, enum beneath_end end, bool by_name)
{
	struct beneath beneath = rooted_open(BY_OPENAT2, BENEATH_SYMLINKS_YES);

	assert_true(sandbox_fail(SYS_openat2, SANDBOX_ANY, error));
	rooted_expect(&beneath, "none", end == BENEATH_FILE ? BENEATH_NOT_FOUND : end, NULL);
	assert_false(beneath.by_name);
	rooted_expect(&beneath, "file", end, end == BENEATH_FILE ? "file" : NULL);
	assert_int_equal(beneath.by_name, by_name);
}

static void open_on_old_kernel(void)
{
	open_with(ENOSYS, BENEATH_FILE, true);
}

static void open_with_filter(void)
{
	open_with(EPERM, BENEATH_FILE, true);
}

static void open_amid_renames(void)
{
	open_with(EAGAIN, BENEATH_FILE, false);
}

static void open_without_files(void)
{
	open_with(ENFILE, BENEATH_TRY_AGAIN, false);
}

static void open_without_memory(void)
{
	open_with(ENOMEM, BENEATH_TRY_AGAIN, false);
}

static void open_on_bad_disk(void)
{
	open_with(EIO, BENEATH_FAILED, false);
}

static void openat2__that_fails__is_replaced_or_reported(void **state)
{
	(void)state;
	assert_true(sandbox_run(open_on_old_kernel));
	assert_true(sandbox_run(open_with_filter));
	assert_true(sandbox_run(open_amid_renames));
	assert_true(sandbox_run(open_without_files));
	assert_true(sandbox_run(open_without_memory));
	assert_true(sandbox_run(open_on_bad_disk));
}

/* In a child: the call fails on the descriptor that is `above` the first free one. */
static void fail_above(enum rooted_way way, long call, int above, const char *path)
{
	struct beneath beneath = rooted_open(way, BENEATH_SYMLINKS_YES);
	int first = find_free();

	assert_true(sandbox_fail(call, first + above, EIO));
	if (call == SYS_fstat)
		assert_true(sandbox_fail(SYS_newfstatat, first + above, EIO));
	rooted_expect(&beneath, path, BENEATH_FAILED, NULL);
	assert_int_equal(find_free(), first);
}

static void fail_look_by_openat2(void)
{
	fail_above(BY_OPENAT2, SYS_fstat, 0, "sub/inner");
}

static void fail_look_at_folder(void)
{
	fail_above(BY_NAME, SYS_fstat, 0, "sub/inner");
}

static void fail_look_at_file(void)
{
	fail_above(BY_NAME, SYS_fstat, 1, "sub/inner");
}

static void fail_open_in_folder(void)
{
	fail_above(BY_NAME, SYS_openat, 0, "sub/inner");
}

static void fail_open_in_lower_folder(void)
{
	fail_above(BY_NAME, SYS_openat, 1, "sub/deep/none");
}

static void fail_read_of_link(void)
{
	fail_above(BY_NAME, SYS_readlinkat, 0, "link");
}

static void call__that_fails__leaves_nothing_open(void **state)
{
	(void)state;
	assert_true(sandbox_run(fail_look_by_openat2));
	assert_true(sandbox_run(fail_look_at_folder));
	assert_true(sandbox_run(fail_look_at_file));
	assert_true(sandbox_run(fail_open_in_folder));
	assert_true(sandbox_run(fail_open_in_lower_folder));
	assert_true(sandbox_run(fail_read_of_link));
}

static int run_cases(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path__by_openat2__stays_below_the_root),
		cmocka_unit_test(path__by_name__stays_below_the_root),
		cmocka_unit_test(path__of_any_length__is_opened_or_not_found),
		cmocka_unit_test(file__without_permission__is_forbidden),
		cmocka_unit_test(device__is_forbidden),
		cmocka_unit_test(descriptors__all_in_use__is_to_be_tried_again),
		cmocka_unit_test(openat2__that_fails__is_replaced_or_reported),
		cmocka_unit_test(call__that_fails__leaves_nothing_open),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

int main(void)
{
	return rooted_run(run_cases);
}
