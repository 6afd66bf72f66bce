/* SPDX-License-Identifier: MIT */
/*
 * A bench from its command line to its exit code: reads the options, raises the limit of
 * descriptors, runs the processes, prints the result and judges it.
 */
#include "client/bench/bench.h"

#include <signal.h>

#include "base/sys.h"

enum { OWN_DESCRIPTORS = 16, SIGNAL_CODES = 128 };

/* Each process holds its connections, a few more, and until the fork one for each process. */
static bool raise_descriptor_limit(const struct bench_options *options, struct err *err)
{
	int each = (options->connections + options->processes - 1) / options->processes;
	rlim_t needed = (rlim_t)(each + options->processes + OWN_DESCRIPTORS);
	struct rlimit limit;

	if (sys_getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return err_errno(err, CODE_OSERR, "getrlimit");
	if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= needed)
		return true;
	if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < needed)
		return err_set(err, CODE_OSERR,
			       "%d connection%s in a process need%s %llu descriptors, and the "
			       "limit is %llu: raise it (ulimit -Hn), or use more processes (-t)",
			       each, each == 1 ? "" : "s", each == 1 ? "s" : "",
			       (unsigned long long)needed, (unsigned long long)limit.rlim_max);
	limit.rlim_cur = needed;
	if (sys_setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return err_errno(err, CODE_OSERR, "cannot raise the limit of descriptors to %llu",
				 (unsigned long long)needed);
	return true;
}

static void print_result(const struct bench_options *options, const struct bench_result *result)
{
	switch (options->format) {
	case BENCH_JSON:
		bench_report_table_json(options, result);
		break;
	case BENCH_CSV:
		bench_report_table_csv(options, result);
		break;
	case BENCH_TEXT:
		bench_report_text(options, result);
		break;
	}
}

/*
 * The messages that may be unanswered at the end of a good run: one on each connection, and in an
 * open loop those that came due in the last tenth of a second, which a busy machine may delay.
 */
static uint64_t max_unanswered(const struct bench_options *options)
{
	return (uint64_t)options->connections + (uint64_t)options->rate / 10;
}

/* A run without errors has failed, too, when responses are missing. */
static bool check_answers(const struct bench_options *options, const struct bench_stats *stats,
			  struct err *err)
{
	uint64_t messages = options->rate > 0 ? stats->due : stats->sent;

	if (stats->answers == 0 && bench_stats_errors(stats) == 0)
		return err_set(err, CODE_FAILED,
			       "%s: there was no %s, to %llu message%s, when the time was up",
			       options->target.name,
			       stats->odd_size > 0 ? "whole answer" : "answer at all",
			       (unsigned long long)messages, messages == 1 ? "" : "s");
	if (stats->unanswered <= max_unanswered(options))
		return true;
	return err_set(err, CODE_FAILED,
		       "%s: %llu of %llu messages had no answer when the time was up",
		       options->target.name, (unsigned long long)stats->unanswered,
		       (unsigned long long)messages);
}

/* An interrupted run exits as if killed by the signal, after its report. */
static enum exit_code decide_exit_code(const struct bench_options *options,
				       const struct bench_result *result, struct err *err)
{
	if (result->interrupted != 0)
		return (enum exit_code)(SIGNAL_CODES + result->interrupted);
	if (!check_answers(options, &result->stats, err))
		return err->code;
	return bench_stats_errors(&result->stats) > 0 ? CODE_FAILED : CODE_OK;
}

/* An https:// address needs no --tls. */
static bool prepare_tls(struct bench_options *options, struct err *err)
{
	struct tls_flags *flags = &options->tls;

	flags->is_wanted |= options->target.is_https;
	if (options->target.is_https && flags->alpn == NULL)
		flags->alpn = "http/1.1";
	if (!tls_flags_check(flags, err))
		return false;
	if (!flags->is_wanted)
		return true;
	options->context = tls_context_new(flags, options->target.name, err);
	return options->context != NULL;
}

static enum exit_code run_bench(struct bench_options *options, struct err *err)
{
	static struct bench_result result;

	if (!prepare_tls(options, err) || !raise_descriptor_limit(options, err) ||
	    !bench_processes_run(options, &result, err))
		return err->code;
	print_result(options, &result);
	return decide_exit_code(options, &result, err);
}

enum exit_code bench_main(int argc, char **argv, struct err *err)
{
	static struct bench_options options;
	enum exit_code code;

	if (!bench_options_read(&options, argc, argv, err))
		return err->code;
	if (options.action == 'h') {
		bench_options_help();
		return CODE_OK;
	}
	code = run_bench(&options, err);
	bench_options_free(&options);
	return code;
}
