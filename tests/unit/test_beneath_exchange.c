/* SPDX-License-Identifier: MIT */
/*
 * Tests of services/files/open/beneath while another process exchanges a name between inside and
 * outside the root: whatever is opened lies inside.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/folder.h"
#include "unit/rooted.h"

enum { EXCHANGES = 100000, FEW = 5000, RENAME_EXCHANGING = 2 };

static struct stat secret;

static int set_up(void **state)
{
	if (rooted_make(state) != 0)
		return -1;
	rooted_folder("root/sub");
	rooted_folder("root/sub/deep");
	rooted_folder("root/folder");
	folder_write(*state, "root/folder/secret", "inside");
	rooted_link("file", "root/link");
	rooted_link("../outside/secret", "root/link.other");
	rooted_link("folder", "root/dir");
	rooted_link("../outside", "root/dir.other");
	rooted_link("../outside", "root/folder.other");
	rooted_link("../../file", "root/sub/deep/up");
	folder_write(*state, "file", "above the root");
	return stat(rooted_at("outside/secret"), &secret);
}

static bool is_outside(const struct stat *st)
{
	struct stat above;

	return (st->st_dev == secret.st_dev && st->st_ino == secret.st_ino) ||
	       (stat(rooted_at("file"), &above) == 0 && st->st_ino == above.st_ino);
}

static _Noreturn void exchange(const char *from, const char *to, unsigned times, unsigned flags)
{
	char a[256], b[256];

	snprintf(a, sizeof(a), "%s", rooted_at(from));
	snprintf(b, sizeof(b), "%s", rooted_at(to));
	for (unsigned i = 0; i < times; i++)
		if (syscall(SYS_renameat2, AT_FDCWD, i % 2 ? b : a, AT_FDCWD, i % 2 ? a : b,
			    flags) != 0)
			_exit(1);
	_exit(0);
}

/* What opens while the names are exchanged, until the other process is done. */
struct seen {
	unsigned opened, refused;
};

static struct seen open_amid(struct beneath *beneath, const char *path, pid_t other)
{
	struct seen seen = { 0, 0 };
	struct beneath_file file;
	int status, fd;

	do {
		enum beneath_end end = beneath_open(beneath, path, &file);

		if (end == BENEATH_FILE) {
			assert_false(is_outside(&file.st));
			close(file.fd);
			seen.opened++;
		} else {
			assert_int_equal(file.fd, -1);
			assert_in_range(end, BENEATH_NOT_FOUND, BENEATH_TRY_AGAIN);
			seen.refused++;
		}
	} while (waitpid(other, &status, WNOHANG) == 0);
	assert_int_equal(status, 0);
	fd = dup(0);
	assert_true(fd < beneath->root + 2); /* nothing was left open */
	close(fd);
	return seen;
}

static void open_amid_exchange(enum beneath_symlinks symlinks, const char *path, const char *from,
			       const char *to, unsigned times, unsigned flags)
{
	for (unsigned way = 0; way < WAYS; way++) {
		struct beneath beneath = rooted_open((enum rooted_way)way, symlinks);
		pid_t other = fork();
		struct seen seen;

		assert_true(other >= 0);
		if (other == 0)
			exchange(from, to, times, flags);
		seen = open_amid(&beneath, path, other);
		print_message("# %s: %u opened, %u refused\n", path, seen.opened, seen.refused);
		assert_true(seen.opened + seen.refused > 0);
		assert_true(symlinks == BENEATH_SYMLINKS_NO || seen.opened > 0);
	}
}

static void link__exchanged__never_yields_the_file_outside(void **state)
{
	(void)state;
	open_amid_exchange(BENEATH_SYMLINKS_YES, "link", "root/link", "root/link.other", EXCHANGES,
			   RENAME_EXCHANGING);
	open_amid_exchange(BENEATH_SYMLINKS_SAME_OWNER, "link", "root/link", "root/link.other", FEW,
			   RENAME_EXCHANGING);
}

static void link_of_a_folder__exchanged__never_yields_the_file_outside(void **state)
{
	(void)state;
	open_amid_exchange(BENEATH_SYMLINKS_YES, "dir/secret", "root/dir", "root/dir.other", FEW,
			   RENAME_EXCHANGING);
	open_amid_exchange(BENEATH_SYMLINKS_SAME_OWNER, "dir/secret", "root/dir", "root/dir.other",
			   FEW, RENAME_EXCHANGING);
}

static void folder__exchanged_with_a_link__never_yields_the_file_outside(void **state)
{
	(void)state;
	for (unsigned policy = 0; policy <= BENEATH_SYMLINKS_SAME_OWNER; policy++)
		open_amid_exchange((enum beneath_symlinks)policy, "folder/secret", "root/folder",
				   "root/folder.other", FEW, RENAME_EXCHANGING);
}

/* Its ".." leads to the root where it is now, and above the root where it is then. */
static void folder__moved_up__does_not_lead_out(void **state)
{
	(void)state;
	open_amid_exchange(BENEATH_SYMLINKS_YES, "sub/deep/up", "root/sub/deep", "root/deep", FEW,
			   0);
	open_amid_exchange(BENEATH_SYMLINKS_YES, "sub/deep/up", "root/sub/deep", "deep", FEW, 0);
}

static int run_cases(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(link__exchanged__never_yields_the_file_outside),
		cmocka_unit_test(link_of_a_folder__exchanged__never_yields_the_file_outside),
		cmocka_unit_test(folder__exchanged_with_a_link__never_yields_the_file_outside),
		cmocka_unit_test(folder__moved_up__does_not_lead_out),
	};

	return cmocka_run_group_tests(tests, set_up, rooted_remove);
}

int main(void)
{
	return rooted_run(run_cases);
}
