/* SPDX-License-Identifier: MIT */
/* Tests of services/files/open/beneath with symbolic links: by target, policy, owner; in /proc. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "unit/folder.h"
#include "unit/rooted.h"
#include "unit/sandbox.h"

static const struct link_row {
	const char *name, *target;
	const char *path; /* to open; NULL: the name */
	enum beneath_end end;
	const char *text; /* of a file */
} rows[] = {
	{ "in", "file", NULL, BENEATH_FILE, "file" },
	{ "in_dot", "./file", NULL, BENEATH_FILE, "file" },
	{ "in_sub", "sub//inner", NULL, BENEATH_FILE, "inner" },
	{ "again", "in", NULL, BENEATH_FILE, "file" },
	{ "dir", "sub", "dir/inner", BENEATH_FILE, "inner" },
	{ "dir_slash", "sub/", "dir_slash/inner", BENEATH_FILE, "inner" },
	{ "dir_dot", "sub/.", "dir_dot//inner", BENEATH_FILE, "inner" },
	{ "dir_only", "sub", "dir_only/", BENEATH_FOLDER, NULL },
	{ "dir_itself", "sub/", NULL, BENEATH_FOLDER, NULL },
	{ "here", ".", "here/here/sub/inner", BENEATH_FILE, "inner" },
	{ "here_itself", ".", NULL, BENEATH_FOLDER, NULL },
	{ "there_and_back", "sub/deep/../../file", NULL, BENEATH_FILE, "file" },
	{ "sub/up", "../file", NULL, BENEATH_FILE, "file" },
	{ "sub/up_twice", "deep/../../sub/../file", NULL, BENEATH_FILE, "file" },
	{ "sub/up_itself", "..", NULL, BENEATH_FOLDER, NULL },
	{ "sub/up_slash", "../", "sub/up_slash/sub/inner", BENEATH_FILE, "inner" },
	{ "sub/deep/upper", "../..", "sub/deep/upper/file", BENEATH_FILE, "file" },
	{ "through", "dir/../file", NULL, BENEATH_FILE, "file" },
	{ "through_deep", "sub/to_deep/../inner", NULL, BENEATH_FILE, "inner" },
	{ "sub/to_deep", "deep", "sub/to_deep/../inner", BENEATH_FILE, "inner" },
	{ "file_slash", "file/", NULL, BENEATH_NOT_FOUND, NULL },
	{ "file_file", "file", "file_file/", BENEATH_NOT_FOUND, NULL },
	{ "dangling", "none", NULL, BENEATH_NOT_FOUND, NULL },
	{ "through_none", "none/../file", NULL, BENEATH_NOT_FOUND, NULL },
	{ "through_file", "file/../file", NULL, BENEATH_NOT_FOUND, NULL },
	{ "loop", "loop", NULL, BENEATH_FORBIDDEN, NULL },
	{ "ping", "pong", NULL, BENEATH_FORBIDDEN, NULL },
	{ "pong", "./ping", "pong/x", BENEATH_FORBIDDEN, NULL },
	{ "wheel", "sub/../wheel", NULL, BENEATH_FORBIDDEN, NULL },
	{ "out", "../outside/secret", NULL, BENEATH_FORBIDDEN, NULL },
	{ "out_dir", "../outside", "out_dir/secret", BENEATH_FORBIDDEN, NULL },
	{ "out_parent", "..", NULL, BENEATH_FORBIDDEN, NULL },
	{ "out_and_in", "../root/file", NULL, BENEATH_FORBIDDEN, NULL },
	{ "out_far", "sub/deep/../../../outside/secret", NULL, BENEATH_FORBIDDEN, NULL },
	{ "out_again", "out", NULL, BENEATH_FORBIDDEN, NULL },
	{ "out_through", "sub/deep/upper/../outside/secret", NULL, BENEATH_FORBIDDEN, NULL },
	{ "sub/out", "../../outside/secret", NULL, BENEATH_FORBIDDEN, NULL },
	{ "out_sibling", "../root-secret/file", NULL, BENEATH_FORBIDDEN, NULL },
	{ "absolute", "/etc/passwd", NULL, BENEATH_FORBIDDEN, NULL },
	{ "absolute_root", "/", "absolute_root/file", BENEATH_FORBIDDEN, NULL },
	{ "pipe", "fifo", NULL, BENEATH_FORBIDDEN, NULL },
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]), CHAIN = BENEATH_LINKS_MOST + 1 };

/* Links of names l1, l2 ...: the one of number N is N links away from the file. */
static void make_chain(void)
{
	char target[16] = "file", name[16];

	for (unsigned i = 1; i <= CHAIN; i++) {
		snprintf(name, sizeof(name), "root/l%u", i);
		rooted_link(target, name);
		snprintf(target, sizeof(target), "l%u", i);
	}
}

static int set_up(void **state)
{
	char name[64];

	if (rooted_make(state) != 0)
		return -1;
	rooted_folder("root/sub");
	rooted_folder("root/sub/deep");
	rooted_folder("root-secret");
	folder_write(*state, "root/sub/inner", "inner");
	folder_write(*state, "root-secret/file", "secret");
	for (unsigned i = 0; i < ROWS; i++) {
		snprintf(name, sizeof(name), "root/%s", rows[i].name);
		rooted_link(rows[i].target, name);
	}
	rooted_link(rooted_at("outside/secret"), "root/absolute_out");
	rooted_link(rooted_at("root/file"), "root/absolute_in");
	rooted_link(rooted_at("root"), "root/absolute_self");
	make_chain();
	return mkfifo(rooted_at("root/fifo"), 0644);
}

static void expect_rows(enum beneath_symlinks symlinks)
{
	for (unsigned way = 0; way < WAYS; way++) {
		struct beneath beneath = rooted_open((enum rooted_way)way, symlinks);

		for (unsigned i = 0; i < ROWS; i++)
			rooted_expect(&beneath, rows[i].path ? rows[i].path : rows[i].name,
				      rows[i].end, rows[i].text);
		rooted_expect(&beneath, "absolute_out", BENEATH_FORBIDDEN, NULL);
		rooted_expect(&beneath, "absolute_in", BENEATH_FORBIDDEN, NULL);
		rooted_expect(&beneath, "absolute_self/file", BENEATH_FORBIDDEN, NULL);
		rooted_expect(&beneath, "l40", BENEATH_FILE, "file");
		rooted_expect(&beneath, "here/l39", BENEATH_FILE, "file");
		rooted_expect(&beneath, "l41", BENEATH_FORBIDDEN, NULL);
		rooted_expect(&beneath, "here/l40", BENEATH_FORBIDDEN, NULL);
	}
}

static void link__when_followed__stays_below_the_root(void **state)
{
	(void)state;
	expect_rows(BENEATH_SYMLINKS_YES);
}

static void link__of_the_same_owner__is_followed_as_any(void **state)
{
	(void)state;
	expect_rows(BENEATH_SYMLINKS_SAME_OWNER);
}

static void link__when_not_followed__is_forbidden(void **state)
{
	(void)state;
	for (unsigned way = 0; way < WAYS; way++) {
		struct beneath beneath = rooted_open((enum rooted_way)way, BENEATH_SYMLINKS_NO);

		for (unsigned i = 0; i < ROWS; i++)
			rooted_expect(&beneath, rows[i].path ? rows[i].path : rows[i].name,
				      BENEATH_FORBIDDEN, NULL);
		rooted_expect(&beneath, "file", BENEATH_FILE, "file");
	}
}

/* "turn" leads to its own folder, in 1500 steps for the walk by name. */
static void link__with_too_many_steps__is_forbidden(void **state)
{
	static char target[4001];
	struct beneath by_name = rooted_open(BY_NAME, BENEATH_SYMLINKS_YES);

	(void)state;
	for (size_t i = 0; i < sizeof(target) - 1; i += 8)
		memcpy(target + i, "../deep/", 8);
	rooted_link(target, "root/sub/deep/turn");
	rooted_expect(&by_name, "sub/deep/turn/turn/turn/turn/turn/../inner", BENEATH_FILE,
		      "inner");
	rooted_expect(&by_name, "sub/deep/turn/turn/turn/turn/turn/turn/../inner",
		      BENEATH_FORBIDDEN, NULL);
}

enum { OTHER = 12345 };

static void own(const char *name)
{
	assert_int_equal(lchown(rooted_at(name), OTHER, OTHER), 0);
}

/* PATH leads, by links of which one has another owner than what it leads to, to a file. */
static void expect_foreign(const char *path, enum beneath_end end)
{
	for (unsigned way = 0; way < WAYS; way++) {
		struct beneath same =
			rooted_open((enum rooted_way)way, BENEATH_SYMLINKS_SAME_OWNER);
		struct beneath yes = rooted_open((enum rooted_way)way, BENEATH_SYMLINKS_YES);

		rooted_expect(&same, path, end, NULL);
		rooted_expect(&yes, path, end == BENEATH_FORBIDDEN ? BENEATH_FILE : end, NULL);
	}
}

static void link__of_another_owner__is_forbidden(void **state)
{
	(void)state;
	rooted_folder("root/theirs");
	if (lchown(rooted_at("root/theirs"), OTHER, OTHER) != 0)
		skip(); /* not root, or root of a namespace without that user */
	folder_write(rooted_at("root"), "theirs/file", "theirs");
	folder_write(rooted_at("root"), "theirs/ours", "ours");
	rooted_link("../file", "root/theirs/to_ours");
	rooted_link("ours", "root/theirs/from_them");
	rooted_link("file", "root/theirs/own");
	rooted_link("theirs/file", "root/to_theirs");
	rooted_link("theirs", "root/dir_of_theirs");
	rooted_link("theirs/own", "root/to_their_link");
	rooted_link("sub", "root/dir_by_them");
	rooted_link("..", "root/theirs/parent");
	rooted_link("sub/../theirs/../file", "root/round");
	own("root/theirs/file");
	own("root/theirs/to_ours");
	own("root/theirs/from_them");
	own("root/theirs/own");
	own("root/theirs/parent");
	own("root/dir_by_them");
	expect_foreign("theirs/file", BENEATH_FILE);
	expect_foreign("theirs/ours", BENEATH_FILE);
	expect_foreign("theirs/own", BENEATH_FILE);
	expect_foreign("round", BENEATH_FILE);
	expect_foreign("theirs/to_ours", BENEATH_FORBIDDEN);
	expect_foreign("theirs/from_them", BENEATH_FORBIDDEN);
	expect_foreign("to_theirs", BENEATH_FORBIDDEN);
	expect_foreign("to_their_link", BENEATH_FORBIDDEN);
	expect_foreign("dir_of_theirs/ours", BENEATH_FORBIDDEN);
	expect_foreign("dir_by_them/inner", BENEATH_FORBIDDEN);
	expect_foreign("theirs/parent/file", BENEATH_FORBIDDEN);
	/* the link's owner is that of the folder it leads to, and the file's is its own affair */
	own("root/dir_of_theirs");
	expect_foreign("dir_of_theirs/ours", BENEATH_FILE);
}

static void expect_refusal(struct beneath *beneath, const char *path)
{
	struct beneath_file opened;

	assert_in_range(beneath_open(beneath, path, &opened), BENEATH_NOT_FOUND, BENEATH_FORBIDDEN);
	assert_int_equal(opened.fd, -1);
}

/* Of this process's folder in /proc: what they lead to lies outside. */
static void expect_magic(struct beneath *beneath, int file, int pipe_end)
{
	static const char *const links[] = { "root/etc/passwd", "root", "cwd",
					     "cwd/.",           "exe",  "ns/net" };
	char path[128];

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		snprintf(path, sizeof(path), "proc/self/%s", links[i]);
		expect_refusal(beneath, path);
	}
	snprintf(path, sizeof(path), "proc/self/fd/%d", file);
	rooted_expect(beneath, path, BENEATH_FORBIDDEN, NULL);
	snprintf(path, sizeof(path), "proc/self/fd/%d/.", file);
	expect_refusal(beneath, path);
	snprintf(path, sizeof(path), "proc/self/fd/%d", pipe_end);
	expect_refusal(beneath, path);
}

/* /proc/self is a link, and an ordinary one, of root's to a folder of the process's user. */
static void expect_status(int root, enum beneath_symlinks symlinks, enum beneath_end end)
{
	for (unsigned way = 0; way < WAYS; way++) {
		struct beneath beneath = rooted_open((enum rooted_way)way, symlinks);

		beneath.root = root;
		/* its size is 0, whatever it holds */
		rooted_expect(&beneath, "proc/self/status", end, NULL);
	}
}

static void expect_no_magic(int root)
{
	int file = open(rooted_at("outside/secret"), O_RDONLY | O_CLOEXEC), ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	for (unsigned way = 0; way < WAYS; way++)
		for (unsigned policy = 0; policy <= BENEATH_SYMLINKS_SAME_OWNER; policy++) {
			struct beneath beneath =
				rooted_open((enum rooted_way)way, (enum beneath_symlinks)policy);

			beneath.root = root;
			expect_magic(&beneath, file, ends[0]);
		}
	close(file);
	close(ends[0]);
	close(ends[1]);
	expect_status(root, BENEATH_SYMLINKS_YES, BENEATH_FILE);
	expect_status(root, BENEATH_SYMLINKS_NO, BENEATH_FORBIDDEN);
	expect_status(root, BENEATH_SYMLINKS_SAME_OWNER,
		      geteuid() == 0 ? BENEATH_FILE : BENEATH_FORBIDDEN);
}

static void magic_link__of_the_whole_system__is_refused(void **state)
{
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	expect_no_magic(root);
	close(root);
}

static void mount_proc(void)
{
	rooted_folder("root/proc");
	if (unshare(CLONE_NEWNS) != 0 || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("/proc", rooted_at("root/proc"), NULL, MS_BIND | MS_REC, NULL) != 0)
		return; /* a container may forbid it */
	/* a descriptor from before is of the old namespace, which the mount is not in */
	expect_no_magic(open(rooted_at("root"), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

static void magic_link__of_proc_below_the_root__is_refused(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_true(sandbox_run(mount_proc));
}

static int run_cases(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(link__when_followed__stays_below_the_root),
		cmocka_unit_test(link__of_the_same_owner__is_followed_as_any),
		cmocka_unit_test(link__when_not_followed__is_forbidden),
		cmocka_unit_test(link__with_too_many_steps__is_forbidden),
		cmocka_unit_test(link__of_another_owner__is_forbidden),
		cmocka_unit_test(magic_link__of_the_whole_system__is_refused),
		cmocka_unit_test(magic_link__of_proc_below_the_root__is_refused),
	};

	return cmocka_run_group_tests(tests, set_up, rooted_remove);
}

int main(void)
{
	return rooted_run(run_cases);
}
