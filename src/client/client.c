/* SPDX-License-Identifier: MIT */
/*
 * prefork-client's command line: picks talk or bench and returns its exit code. The only place that
 * prints an error on stderr.
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/stdio.h"
#include "base/sys.h"
#include "client/bench/bench.h"
#include "client/talk.h"

int main(int argc, char **argv)
{
	struct err err = { .code = CODE_OK };
	enum exit_code code;

	stdio_fill(true);
	signal(SIGPIPE, SIG_IGN);
	if (argc > 1 && strcmp(argv[1], "bench") == 0)
		code = bench_main(argc - 1, argv + 1, &err);
	else
		code = talk_main(argc, argv, &err);
	if (!stdio_flush(&err))
		code = err.code;
	if (err.text[0] != '\0')
		fprintf(stderr, "prefork-client: %s\n", err.text);
	return (int)code;
}
