/* SPDX-License-Identifier: MIT */
/* prefork-client bench: a load, and what became of it. */
#ifndef CLIENT_BENCH_BENCH_H
#define CLIENT_BENCH_BENCH_H

#include "base/err.h"

/*
 * Does all that the command line says (argv[0] is "bench") and returns the exit code; err's text is
 * empty when there is nothing more to say. Own process, which it may fork; SIGPIPE is ignored
 * already.
 */
enum exit_code bench_main(int argc, char **argv, struct err *err);

#endif
