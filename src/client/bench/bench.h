/* SPDX-License-Identifier: MIT */
/*
 * prefork-client bench: a load generator, and the interfaces of its parts. The options
 * (bench_options.c) control the processes (bench_processes.c); their result is printed
 * (bench_report.c, bench_report_table.c) and gives the exit code (bench.c).
 */
#ifndef CLIENT_BENCH_BENCH_H
#define CLIENT_BENCH_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "client/bench/bench_stats.h"
#include "client/bench/cputime.h"
#include "client/bench/message.h"
#include "client/framing.h"
#include "client/proxy_flag.h"
#include "client/target.h"
#include "client/tls_context.h"

/*
 * Runs the bench of the command line (argv[0] is "bench") and returns the exit code; err's text is
 * empty when there is no error to report. The process may fork; it ignores SIGPIPE already.
 */
enum exit_code bench_main(int argc, char **argv, struct err *err);

enum {
	BENCH_CONNECTIONS_MAX = 100000,
	BENCH_PROCESSES_MAX = 256,
	BENCH_SERVER_PIDS_MAX = 64,
	BENCH_RATE_MAX = 10000000,
};

enum bench_format { BENCH_TEXT, BENCH_JSON, BENCH_CSV };

/* The options of the command line (tables/bench_flags.def). */
struct bench_options {
	int action; /* 'h', or 0: run */
	struct target target;
	int family; /* AF_INET, AF_INET6 or AF_UNSPEC */
	int connections, processes;
	int sources;         /* addresses to connect from; 0: the system chooses */
	int64_t duration_ms; /* 0: no limit; -1: not given */
	int64_t count;       /* messages answered or failed; 0: no limit */
	int64_t rate;        /* messages a second (open loop); 0: a closed loop */
	int timeout_ms;
	struct proxy_flag proxy; /* begins each connection */
	struct tls_flags tls;
	struct tls_context *context; /* of TLS; NULL: connections are plain */
	int64_t size;     /* bytes of a message; 0: the server sends first; -1: not given */
	const char *text; /* the message; NULL: size bytes of a pattern */
	bool has_framing;
	enum framing framing;
	const char *answer;     /* the argument of -a; NULL: not given */
	uint64_t response_size; /* raw: bytes of a response; UINT64_MAX: until the server closes */
	int64_t requests;       /* messages on one connection; 0: no limit */
	bool is_quiet, verifies;
	enum bench_format format;
	pid_t server_pids[BENCH_SERVER_PIDS_MAX];
	int server_pid_count;
	struct message message;
};

/*
 * Reads the flags and the target, resolves its name, and makes the message. Returns false with err
 * (CODE_USAGE, CODE_NOHOST, CODE_OSERR). The caller frees it with bench_options_free.
 */
bool bench_options_read(struct bench_options *options, int argc, char **argv, struct err *err);
void bench_options_free(struct bench_options *options);

/* Prints the text of -h. */
void bench_options_help(void);

/*
 * True when a response is complete by its size alone (raw framing, -a BYTES): a server whose
 * responses are shorter would then seem to send none.
 */
bool bench_options_have_fixed_size(const struct bench_options *options);

struct bench_result {
	struct bench_stats stats;   /* of all processes */
	struct cputime_used server; /* of each --server-pid and its descendants */
	int interrupted;            /* the signal that ended the run early; 0: none */
	bool has_begun;             /* false: the signal came while connections were made */
};

/*
 * Runs the bench in options->processes processes, which end with this one. INT, TERM and HUP end
 * the run, not the process, and stay blocked. Returns false with err: CODE_UNAVAILABLE or
 * CODE_NOPERM when not one connection could be made, CODE_USAGE for a --server-pid that is no
 * process, CODE_OSERR.
 */
bool bench_processes_run(const struct bench_options *options, struct bench_result *result,
			 struct err *err);

/* Prints the result on stdout as text; with a histogram when stdout is a terminal. */
void bench_report_text(const struct bench_options *options, const struct bench_result *result);

/* Print it as one object, or as a line of names and a line of values; both have the same names. */
void bench_report_table_json(const struct bench_options *options,
			     const struct bench_result *result);
void bench_report_table_csv(const struct bench_options *options, const struct bench_result *result);

/* Warns on stderr that responses have another size than expected, and names the flag for it. */
void bench_report_odd_size(const struct bench_options *options, uint64_t size);

/* A line on stderr that shows the progress of the run, redrawn in place. */
struct bench_progress {
	const struct bench_options *options;
	bool is_shown, is_drawn;
	int64_t start_ns; /* 0: not yet */
	int64_t last_ns;  /* when the line was drawn */
	uint64_t last;    /* answers then */
};

/* No line is ever shown when stderr is no terminal or a dumb one, or with -q. */
void bench_report_progress_init(struct bench_progress *progress,
				const struct bench_options *options);

/* Starts the run's clock. */
void bench_report_progress_start(struct bench_progress *progress, int64_t start_ns);

/* Takes the counts so far and redraws the line when it is due. */
void bench_report_progress_update(struct bench_progress *progress, int64_t now_ns, uint64_t answers,
				  uint64_t errors);

/* Returns how long poll(2) may wait until the line is due; -1: no limit. */
int bench_report_progress_wait_ms(const struct bench_progress *progress);

/* Clears the line. */
void bench_report_progress_clear(struct bench_progress *progress);

#endif
