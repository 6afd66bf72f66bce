/* SPDX-License-Identifier: MIT */
/* One row for each limit. Must not allocate or log: it runs in the child of a fork as well. */
#include "config/command_limits.h"

#include <inttypes.h>
#include <stddef.h>

#include "base/sys.h"

enum { FILES_AUTO = 1024, KINDS = 4 };

static const struct kind {
	const char *option, *how; /* how: the hard limit is raised */
	size_t place;             /* in struct command_limits */
	int resource;
} kinds[KINDS] = {
	{ "limit_memory", "ulimit -Hv or LimitAS=", offsetof(struct command_limits, memory),
	  RLIMIT_AS },
	{ "limit_core", "ulimit -Hc or LimitCORE=", offsetof(struct command_limits, core),
	  RLIMIT_CORE },
	{ "limit_files", "ulimit -Hn or LimitNOFILE=", offsetof(struct command_limits, files),
	  RLIMIT_NOFILE },
	{ "limit_processes",
	  "ulimit -Hu or LimitNPROC=", offsetof(struct command_limits, processes), RLIMIT_NPROC },
};

static rlim_t value_of(const struct command_limits *limits, const struct kind *kind)
{
	return (rlim_t) * (const int64_t *)((const char *)limits + kind->place);
}

/* A limit that cannot be read is judged when it is set. */
static bool is_above(const struct command_limits *limits, const struct kind *kind,
		     struct rlimit *now)
{
	return sys_getrlimit(kind->resource, now) == 0 && value_of(limits, kind) > now->rlim_max;
}

static bool raise_hard(const struct command_limits *limits, const struct kind *kind,
		       const struct rlimit *now)
{
	struct rlimit higher = { now->rlim_cur, value_of(limits, kind) };

	return sys_setrlimit(kind->resource, &higher) == 0;
}

static bool refuse(const struct command_limits *limits, const struct kind *kind,
		   const struct rlimit *now, struct err *err)
{
	return err_set(err, CODE_CONFIG,
		       "%s: %" PRIu64 " is above the hard limit, %" PRIu64 " (raise it by %s)",
		       kind->option, (uint64_t)value_of(limits, kind), (uint64_t)now->rlim_max,
		       kind->how);
}

bool command_limits_check(const struct command_limits *limits, struct err *err)
{
	struct rlimit now;

	for (const struct kind *kind = kinds; kind < kinds + KINDS; kind++) {
		if (!is_above(limits, kind, &now))
			continue;
		/* root may raise it, unless a container forbids that */
		if (geteuid() != 0 || !raise_hard(limits, kind, &now))
			return refuse(limits, kind, &now, err);
		(void)sys_setrlimit(kind->resource, &now);
	}
	return true;
}

bool command_limits_allow(const struct command_limits *limits, struct err *err)
{
	struct rlimit now;

	for (const struct kind *kind = kinds; kind < kinds + KINDS; kind++)
		if (is_above(limits, kind, &now) && !raise_hard(limits, kind, &now))
			return refuse(limits, kind, &now, err);
	return true;
}

static bool set(const struct kind *kind, rlim_t soft, rlim_t hard, struct err *err)
{
	struct rlimit limit = { soft, hard };

	if (sys_setrlimit(kind->resource, &limit) == 0)
		return true;
	return err_errno(err, CODE_OSERR, "%s: cannot be set", kind->option);
}

static bool set_files(const struct kind *kind, rlim_t wanted, struct err *err)
{
	struct rlimit now;

	if (sys_getrlimit(RLIMIT_NOFILE, &now) < 0)
		return err_errno(err, CODE_OSERR, "%s: cannot learn the hard limit", kind->option);
	if (wanted == 0)
		wanted = now.rlim_max < FILES_AUTO ? now.rlim_max : FILES_AUTO;
	return set(kind, wanted, wanted > now.rlim_max ? wanted : now.rlim_max, err);
}

bool command_limits_set(const struct command_limits *limits, struct err *err)
{
	bool done = true;

	for (const struct kind *kind = kinds; done && kind < kinds + KINDS; kind++) {
		rlim_t wanted = value_of(limits, kind);

		if (kind->resource == RLIMIT_NOFILE)
			done = set_files(kind, wanted, err);
		else if (wanted > 0 || kind->resource == RLIMIT_CORE)
			done = set(kind, wanted, wanted, err);
	}
	return done;
}
