/* SPDX-License-Identifier: MIT */
/* Makes a root folder, and opens in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/rooted.h"

#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/folder.h"

static const char *folder; /* written by rooted_make */
static int root = -1;

const char *rooted_at(const char *name)
{
	static char texts[4][PATH_MAX];
	static unsigned next;
	char *text = texts[next++ % 4];

	snprintf(text, PATH_MAX, "%s/%s", folder, name);
	return text;
}

int rooted_make(void **state)
{
	if (folder_make(state) != 0)
		return -1;
	folder = *state;
	rooted_folder("root");
	rooted_folder("outside");
	folder_write(folder, "root/file", "file");
	folder_write(folder, "outside/secret", "secret");
	root = open(rooted_at("root"), O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root < 0 ? -1 : 0;
}

int rooted_remove(void **state)
{
	close(root);
	return folder_remove(state);
}

void rooted_link(const char *target, const char *name)
{
	assert_int_equal(symlink(target, rooted_at(name)), 0);
}

void rooted_folder(const char *name)
{
	assert_int_equal(mkdir(rooted_at(name), 0755), 0);
}

struct beneath rooted_open(enum rooted_way way, enum beneath_symlinks symlinks)
{
	return (struct beneath){ .root = root, .symlinks = symlinks, .by_name = way == BY_NAME };
}

void rooted_expect(struct beneath *beneath, const char *path, enum beneath_end end,
		   const char *text)
{
	struct beneath_file file;
	enum beneath_end found = beneath_open(beneath, path, &file);
	struct stat st;
	char read_text[16] = "";

	if (found != end)
		print_error("%.200s: %d, not %d\n", path, (int)found, (int)end);
	assert_int_equal(found, end);
	if (end != BENEATH_FILE && end != BENEATH_FOLDER) {
		assert_int_equal(file.fd, -1);
		return;
	}
	assert_true(fcntl(file.fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fstat(file.fd, &st), 0);
	assert_true(st.st_ino == file.st.st_ino && st.st_dev == file.st.st_dev);
	assert_true(end == BENEATH_FOLDER ? S_ISDIR(file.st.st_mode) : S_ISREG(file.st.st_mode));
	if (text) {
		assert_true(read(file.fd, read_text, sizeof(read_text) - 1) >= 0);
		assert_string_equal(read_text, text);
		assert_int_equal(file.st.st_size, strlen(text));
	}
	assert_int_equal(close(file.fd), 0);
}

static bool become_nobody(void)
{
	struct passwd *nobody = getpwnam("nobody");

	return nobody && setgroups(0, NULL) == 0 &&
	       setresgid(nobody->pw_gid, nobody->pw_gid, nobody->pw_gid) == 0 &&
	       setresuid(nobody->pw_uid, nobody->pw_uid, nobody->pw_uid) == 0;
}

/* Where the user namespace has no nobody, or no other groups, nothing is run. */
static _Noreturn void run_as_nobody(int (*run)(void))
{
	int failed = 0;

	/* a process that changes its user is not dumpable, and sanitizers need that */
	if (become_nobody() && prctl(PR_SET_DUMPABLE, 1) == 0)
		failed = run();
	else
		print_message("# cannot become nobody\n");
	fflush(NULL);
	_exit(failed != 0);
}

int rooted_run(int (*run)(void))
{
	int failed = run(), status;
	pid_t child;

	if (geteuid() != 0)
		return failed;
	fflush(NULL);
	child = fork();
	if (child == 0)
		run_as_nobody(run);
	return failed + (child < 0 || waitpid(child, &status, 0) != child || status != 0);
}
