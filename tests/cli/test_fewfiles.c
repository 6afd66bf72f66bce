/* SPDX-License-Identifier: MIT */
/* -t and the start where the hard limit of descriptors is low, and nobody may raise it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "cli/command.h"
#include "unit/folder.h"

static struct said said;

#define ONE "-l", "127.0.0.1:0=ack,backlog=16", "-o", "log.path=/dev/zero"

/*
 * Runs -t and the start in a process that may have `most` descriptors and cannot raise the limit.
 */
static void assert_few(const char *folder, unsigned most, const char *const *arguments,
		       const char *begin, enum exit_code code)
{
	const char *words[24] = { "prlimit",
				  NULL,
				  "setpriv",
				  "--inh-caps=-all",
				  "--bounding-set=-all",
				  getenv("PREFORK_SRV") };
	size_t first = geteuid() == 0 ? 6 : 3, count = first;
	char limit[32];

	if (geteuid() != 0)
		words[2] = words[5];
	snprintf(limit, sizeof(limit), "--nofile=%u:%u", most, most);
	words[1] = limit;
	for (size_t i = 0; arguments[i] != NULL; i++)
		words[count++] = arguments[i];
	for (int i = 0; i < 2; i++) {
		words[count] = i == 0 ? "-t" : NULL;
		command_run_words(&said, folder, words);
		if (strncmp(said.err, begin, strlen(begin)) != 0 ||
		    strstr(said.err, "(raise it by ulimit -Hn or LimitNOFILE=)\n") == NULL)
			fail_msg("%s", said.err);
		assert_int_equal(said.code, code);
	}
}

static void test__with_too_few_descriptors__says_what_the_start_says(void **state)
{
	const char *of_workers[] = { ONE, "-w", "256", "-o", "user=root", "-p", "f.pid", NULL };
	const char *of_listeners[] = { "-c", "many.conf", "-w", "1", "-p", "f.pid", NULL };
	char *many = calloc(200, 64);

	for (unsigned i = 0; i < 101; i++)
		snprintf(many + strlen(many), 64, "listen \"127.0.0.1:0\" { service = ack }\n");
	snprintf(many + strlen(many), 64, "user = root\n");
	folder_write(*state, "many.conf", many);
	free(many);
	assert_few(*state, 256, of_workers,
		   "prefork-srv: -w 256: workers: for 256 workers, room for 16 more, and 1 "
		   "listening socket: ",
		   CODE_OSERR);
	assert_few(*state, 100, of_listeners,
		   "prefork-srv: -w 1: workers: for 1 worker, room for 16 more, and 101 listening "
		   "sockets: ",
		   CODE_OSERR);
}

static void test__of_a_program_above_the_hard_limit__says_what_the_start_says(void **state)
{
	const char *arguments[] = { "-c", "p.conf", "-p", "f.pid", NULL };

	folder_write(*state, "p.conf",
		     "user = root\nworkers = 1\nlisten \"127.0.0.1:0\" { service = program  "
		     "program = app }\nprogram app { command = {true}  limit_files = 4097 }\n");
	assert_few(
		*state, 4096, arguments,
		"prefork-srv: p.conf:4: program.limit_files: 4097 is above the hard limit, 4096 ",
		CODE_CONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test__with_too_few_descriptors__says_what_the_start_says),
		cmocka_unit_test(test__of_a_program_above_the_hard_limit__says_what_the_start_says),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
