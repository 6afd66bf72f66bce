/* SPDX-License-Identifier: MIT */
/* Drops privileges for good, and reports the step that the system refused. */
#include "config/privs.h"

#include "base/log.h"
#include "base/sys.h"
#include "config/cpus.h"

/* The leak sanitizer forks a process to stop this one. */
#ifdef __SANITIZE_ADDRESS__
enum { PRIVS_MAY_FORK = true };
#else
enum { PRIVS_MAY_FORK = false };
#endif

/* A shortage may be over for the next worker; a forbidden or missing object will not. */
static enum exit_code code_of(int error)
{
	switch (error) {
	case EPERM:
	case EINVAL:
	case ENOENT:
	case ENOTDIR:
		return CODE_NO_RESPAWN;
	default:
		return CODE_OSERR;
	}
}

static bool enter_root(const char *path, struct err *err)
{
	if (path[0] == '\0')
		return true;
	if (sys_chroot(path) < 0)
		return err_errno(err, code_of(errno), "chroot: cannot make \"%s\" the root", path);
	if (sys_chdir("/") < 0)
		return err_errno(err, code_of(errno), "chroot: cannot enter \"%s\"", path);
	log_forget_folder(); /* an open folder leads out of the new root */
	return true;
}

bool privs_become(const struct identity *who, struct err *err)
{
	if (!who->changes)
		return true;
	if (sys_setgroups(0, NULL) < 0)
		return err_errno(err, code_of(errno), "cannot drop the supplementary groups");
	if (sys_setresgid(who->group, who->group, who->group) < 0)
		return err_errno(err, code_of(errno), "group: cannot become group %u", who->group);
	if (sys_setresuid(who->user, who->user, who->user) < 0)
		return err_errno(err, code_of(errno), "user: cannot become user %u", who->user);
	return true;
}

bool privs_drop(const struct conf *conf, const struct identity *identity, struct err *err)
{
	if (!enter_root(conf->chroot, err) || !privs_become(identity, err))
		return false;
	if (sys_prctl(PR_SET_NO_NEW_PRIVS, 1) < 0)
		return err_errno(err, code_of(errno), "cannot forbid new privileges");
	return true;
}

/* struct landlock_ruleset_attr; older headers lack its last member. */
struct landlock_rules {
	uint64_t files, net, scope;
};
enum { SCOPE_SIGNAL = 1 << 1 }; /* LANDLOCK_SCOPE_SIGNAL */

/*
 * All workers run as one user, whose processes may otherwise kill, stop and trace each other.
 * Kernels before Linux 6.12, and those without Landlock, cannot forbid it (landlock(7)).
 */
static bool forbid_signals(void)
{
	static const struct landlock_rules rules = { .scope = SCOPE_SIGNAL };
	int fd = sys_landlock_create_ruleset(&rules, sizeof(rules));
	bool done;

	if (fd < 0)
		return errno != EMFILE && errno != ENFILE && errno != ENOMEM;
	done = sys_landlock_restrict_self(fd) == 0;
	sys_close(fd);
	return done;
}

bool privs_confine(struct err *err)
{
	static const struct rlimit none = { 0, 0 };

	/*
	 * Signals that it queued to itself would keep the master's signals from carrying their
	 * sender.
	 */
	if (sys_setrlimit(RLIMIT_SIGPENDING, &none) < 0)
		return err_errno(err, CODE_OSERR, "cannot forbid queued signals");
	if (!PRIVS_MAY_FORK && sys_setrlimit(RLIMIT_NPROC, &none) < 0)
		return err_errno(err, CODE_OSERR, "cannot forbid new processes");
	if (!forbid_signals())
		return err_errno(err, CODE_OSERR, "cannot forbid signals to other processes");
	return true;
}

bool privs_bind_cpu(const struct conf *conf, unsigned seat, struct err *err)
{
	cpu_set_t mask;
	int cpu;

	if (conf->cpu_affinity != AFFINITY_AUTO)
		return true;
	cpu = cpus_nth(seat);
	if (cpu < 0)
		return err_set(err, CODE_OSERR,
			       "cpu_affinity: cannot learn which CPUs are allowed");
	CPU_ZERO(&mask);
	CPU_SET((size_t)cpu, &mask);
	if (sys_sched_setaffinity(0, sizeof(mask), &mask) < 0)
		return err_errno(err, CODE_OSERR, "cpu_affinity: cannot bind to CPU %d", cpu);
	return true;
}
