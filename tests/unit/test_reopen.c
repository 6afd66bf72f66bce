/* SPDX-License-Identifier: MIT */
/* What a master that opens its logs anew has done by the time that the workers are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "master/reopen.h"
#include "stats/scoreboard.h"
#include "unit/folder.h"

enum { ROUNDS = 200 };

/* Exits with 0 when the new file is there as soon as the request is. */
static pid_t begin_to_watch(const struct request *request, const char *path)
{
	uint32_t before = atomic_load(&request->begun);
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	while (atomic_load(&request->begun) == before)
		;
	_exit(access(path, F_OK) == 0 ? 0 : 1);
}

/* A worker that starts in that moment opens the new file, and may not be allowed to make it. */
static void file__is_there__before_the_request_is_seen(void **state)
{
	struct procs procs = { .board = mmap(NULL, sizeof(*procs.board), PROT_READ | PROT_WRITE,
					     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) };
	struct reopen reopen = { 0 };
	char path[256], old[256];
	struct err err;

	assert_true(procs.board != MAP_FAILED);
	snprintf(path, sizeof(path), "%s/log", (const char *)*state);
	snprintf(old, sizeof(old), "%s/log.1", (const char *)*state);
	assert_true(log_open(path, LEVEL_DEBUG, LOG_TEXT, (uid_t)-1, &err));
	for (unsigned i = 0; i < ROUNDS; i++) {
		pid_t watcher;
		int status;

		assert_int_equal(rename(path, old), 0);
		watcher = begin_to_watch(&procs.board->reopen, path);
		reopen_ask(&reopen, &procs);
		assert_int_equal(waitpid(watcher, &status, 0), watcher);
		assert_int_equal(status, 0);
		reopen_step(&reopen, &procs, reopen.begun_ms);
		assert_false(reopen.is_pending);
	}
	munmap(procs.board, sizeof(*procs.board));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(file__is_there__before_the_request_is_seen,
						folder_make, folder_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
