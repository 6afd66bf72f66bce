/* SPDX-License-Identifier: MIT */
/*
 * A bench from its command line to its exit code: reads what is asked, sees to descriptors, has it
 * run, prints what came of it.
 */
#include "client/bench/bench.h"

#include <signal.h>

#include "base/sys.h"
#include "client/bench/bench_options.h"
#include "client/bench/bench_processes.h"
#include "client/bench/bench_report.h"

enum { OWN_DESCRIPTORS = 16, SIGNAL_CODES = 128 };

/* Each process holds its connections and a few more, and one for each process before the fork. */
static bool raise_limit(const struct plan *plan, struct err *err)
{
	int each = (plan->connections + plan->processes - 1) / plan->processes;
	rlim_t needed = (rlim_t)(each + plan->processes + OWN_DESCRIPTORS);
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

static void print(const struct plan *plan, const struct result *result)
{
	switch (plan->form) {
	case PLAN_JSON:
		summary_table_json(plan, result);
		break;
	case PLAN_CSV:
		summary_table_csv(plan, result);
		break;
	case PLAN_TEXT:
		summary_text(plan, result);
		break;
	}
}

/*
 * Messages that may be unanswered at the end though all is well: one on each connection, and in an
 * open loop those that came due in the last tenth of a second, which a busy machine may hold up.
 */
static uint64_t in_flight(const struct plan *plan)
{
	return (uint64_t)plan->connections + (uint64_t)plan->rate / 10;
}

/* What the counts of errors do not tell. */
static bool has_answers(const struct plan *plan, const struct outcome *outcome, struct err *err)
{
	uint64_t all = plan->rate > 0 ? outcome->due : outcome->sent;

	if (outcome->answered == 0 && outcome_lost(outcome) == 0)
		return err_set(err, CODE_FAILED,
			       "%s: there was no %s, to %llu message%s, when the time was up",
			       plan->target.name,
			       outcome->came > 0 ? "whole answer" : "answer at all",
			       (unsigned long long)all, all == 1 ? "" : "s");
	if (outcome->unanswered <= in_flight(plan))
		return true;
	return err_set(err, CODE_FAILED,
		       "%s: %llu of %llu messages had no answer when the time was up",
		       plan->target.name, (unsigned long long)outcome->unanswered,
		       (unsigned long long)all);
}

/* A run that was interrupted ends as if by that signal, its report printed. */
static enum exit_code judge(const struct plan *plan, const struct result *result, struct err *err)
{
	if (result->interrupted != 0)
		return (enum exit_code)(SIGNAL_CODES + result->interrupted);
	if (!has_answers(plan, &result->outcome, err))
		return err->code;
	return outcome_lost(&result->outcome) > 0 ? CODE_FAILED : CODE_OK;
}

static enum exit_code run(const struct plan *plan, struct err *err)
{
	static struct result result;

	if (!raise_limit(plan, err) || !team_run(plan, &result, err))
		return err->code;
	print(plan, &result);
	return judge(plan, &result, err);
}

enum exit_code bench_main(int argc, char **argv, struct err *err)
{
	static struct plan plan;
	enum exit_code code;

	if (!plan_read(&plan, argc, argv, err))
		return err->code;
	if (plan.action == 'h') {
		plan_help();
		return CODE_OK;
	}
	code = run(&plan, err);
	plan_free(&plan);
	return code;
}
