/* SPDX-License-Identifier: MIT */
/*
 * A bench from its command line to its exit code: reads what is asked, sees to descriptors, has it
 * run, prints what came of it. Called by client.c.
 */
#include "client/bench.h"

#include <signal.h>

#include "base/sys.h"
#include "client/plan.h"
#include "client/summary.h"
#include "client/team.h"

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
			       "%d connections in a process need %llu descriptors, and the limit "
			       "is %llu: raise it (ulimit -Hn), or use more processes (-t)",
			       each, (unsigned long long)needed,
			       (unsigned long long)limit.rlim_max);
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

/* A run that was interrupted ends as if by that signal, its report printed. */
static enum exit_code judge(const struct result *result)
{
	if (result->interrupted != 0)
		return (enum exit_code)(SIGNAL_CODES + result->interrupted);
	return outcome_lost(&result->outcome) > 0 || result->outcome.answered == 0 ? CODE_FAILED :
										     CODE_OK;
}

static enum exit_code run(const struct plan *plan, struct err *err)
{
	static struct result result;

	if (!raise_limit(plan, err) || !team_run(plan, &result, err))
		return err->code;
	print(plan, &result);
	return judge(&result);
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
