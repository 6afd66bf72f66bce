/* SPDX-License-Identifier: MIT */
/*
 * Forks an overseer, which runs no code of others, and that the child, which does. The overseer
 * reads the child's words from a pipe: the listen that it begins with, what it has found, or what
 * failed. No word is trusted. Whatever the child leaves becomes the overseer's, which ends it.
 */
#include "master/trial/service_trial.h"

#include <ctype.h>
#include <string.h>

#include "base/clock.h"
#include "base/sys.h"
#include "config/privs.h"
#include "worker/load/leftover.h"
#include "worker/load/loaded.h"

enum what { BEGINS, FINDS, FAILS, ENDS };

/* Not longer than PIPE_BUF, so that it is written whole (pipe(7)). */
struct word {
	enum what what;
	uint32_t listen;
	union {
		struct service_facts facts;
		struct err err;
	};
};

static bool send_word(int told, const struct word *word)
{
	return sys_write(told, word, sizeof(*word)) == (ssize_t)sizeof(*word);
}

static bool fail_with(int told, struct err *err)
{
	struct word word;

	memset(&word, 0, sizeof(word));
	word.what = FAILS;
	word.err = *err;
	(void)send_word(told, &word);
	return false;
}

static bool load_listen(const struct conf *conf, uint32_t i, int told)
{
	const struct service *service = service_find(conf->listeners[i].service);
	struct service_place place = { .conf = &conf->listeners[i] };
	struct word word;
	struct err err;

	if (!service->load)
		return true;
	memset(&word, 0, sizeof(word));
	word.what = BEGINS;
	word.listen = i;
	if (!send_word(told, &word))
		return false;
	word.what = FINDS;
	if (loaded_load(&place, NULL, &word.facts, &err))
		return send_word(told, &word);
	err.code = CODE_CONFIG;
	if (conf->chroot[0] != '\0')
		err_prefix(&err, "in the chroot \"%s\": ", conf->chroot);
	err_prefix(&err, "%s: ", conf->listeners[i].origin);
	return fail_with(told, &err);
}

static bool close_others(int told)
{
	return (told == STDERR_FILENO + 1 ||
		sys_close_range(STDERR_FILENO + 1, (unsigned)told - 1) == 0) &&
	       sys_close_range((unsigned)told + 1, ~0U) == 0;
}

/* A call that the system refuses here, it refuses to every worker. */
static bool become_worker(const struct conf *conf, const struct identity *identity, int told,
			  pid_t parent)
{
	struct err err;

	if (!privs_drop(conf, identity, &err)) {
		err.code = CODE_NOPERM;
		return fail_with(told, &err);
	}
	/* after the change of user, which would clear it */
	return sys_setsid() >= 0 && leftover_watch(true) && close_others(told) &&
	       sys_prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
}

static _Noreturn void try_all(const struct conf *conf, const struct identity *identity, int told,
			      pid_t parent)
{
	struct word word;
	struct err err;
	bool done = become_worker(conf, identity, told, parent);

	for (uint32_t i = 0; done && i < conf->listener_count; i++)
		done = load_listen(conf, i, told);
	if (done && !privs_confine(&err)) {
		err.code = CODE_NOPERM;
		done = fail_with(told, &err);
	}
	memset(&word, 0, sizeof(word));
	word.what = ENDS;
	sys_leave(done && send_word(told, &word) ? CODE_OK : CODE_FAILED);
}

struct trial {
	const struct conf *conf;
	struct service_facts *facts;
	const struct listen_conf *listen; /* that the child is busy with; NULL: none */
	int64_t due_ms;
	int fd;    /* the pipe, which what the child leaves may hold open */
	int pidfd; /* of the child; -1 where the system refuses one */
};

enum outcome { GOES_ON, PASSED, FAILED, DIED, LATE };

static bool is_text(const char *text, size_t size)
{
	size_t length = strnlen(text, size);

	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("._-", text[i]))
			return false;
	return length < size;
}

static bool are_sound(const struct service_facts *facts)
{
	for (unsigned i = 0; i < SERVICE_COUNTERS; i++)
		if (!is_text(facts->counters[i], sizeof(facts->counters[i])))
			return false;
	return is_text(facts->name, sizeof(facts->name)) && facts->name[0] != '\0' &&
	       facts->state_size <= SERVICE_STATE_MOST && facts->shared_size <= SERVICE_SHARED_MOST;
}

static enum outcome take_word(struct trial *trial, const struct word *word, struct err *err)
{
	if (word->what == ENDS)
		return PASSED;
	if (word->what == FAILS) {
		err_set(err, word->err.code == CODE_NOPERM ? CODE_NOPERM : CODE_CONFIG, "%.*s",
			(int)sizeof(word->err.text), word->err.text);
		return FAILED;
	}
	if (word->listen >= trial->conf->listener_count)
		return DIED;
	trial->listen = &trial->conf->listeners[word->listen];
	if (word->what == BEGINS)
		return GOES_ON;
	if (!are_sound(&word->facts))
		return DIED;
	trial->facts[word->listen] = word->facts;
	return GOES_ON;
}

static enum outcome read_word(struct trial *trial, struct err *err)
{
	struct pollfd looks[] = { { .fd = trial->fd, .events = POLLIN },
				  { .fd = trial->pidfd, .events = POLLIN } };
	int64_t left_ms = trial->due_ms - clock_ms();
	struct word word;
	ssize_t size;

	if (left_ms <= 0)
		return LATE;
	if (sys_poll(looks, 2, (int)left_ms) <= 0)
		return GOES_ON;
	if (looks[0].revents == 0)
		return DIED;
	size = sys_read(trial->fd, &word, sizeof(word));
	if (size < 0)
		return errno == EINTR ? GOES_ON : DIED;
	return size == (ssize_t)sizeof(word) ? take_word(trial, &word, err) : DIED;
}

static int await_end(pid_t pid)
{
	int status = 0;

	while (sys_waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 0;
	return status;
}

/* Puts the place before the message, and the file if the child was busy with one. */
static bool blame_listen(const struct trial *trial, struct err *err)
{
	if (!trial->listen)
		return err_prefix(err, "a child that tries to become a worker ");
	return err_prefix(err, "%s: listen.module: \"%s\" ", trial->listen->origin,
			  trial->listen->module);
}

static bool tell_death(const struct trial *trial, int status, struct err *err)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		err_set(err, CODE_CONFIG,
			"closed the pipe of its trial, or was killed, while it was loaded");
	else if (WIFSIGNALED(status))
		err_set(err, CODE_CONFIG, "crashed while it was loaded (signal %d, %s)",
			WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		err_set(err, CODE_CONFIG, "ended the process that loaded it (exit code %d)",
			WEXITSTATUS(status));
	return blame_listen(trial, err);
}

static bool follow_child(struct trial *trial, pid_t pid, struct err *err)
{
	enum outcome outcome = GOES_ON;
	int status;

	while (outcome == GOES_ON)
		outcome = read_word(trial, err);
	/*
	 * It may live on in any case: a file can lie, close the pipe, or start processes. One that
	 * is dying keeps the status that it has.
	 */
	sys_kill(-pid, SIGKILL);
	sys_kill(pid, SIGKILL);
	status = await_end(pid);
	if (outcome == LATE) {
		err_set(err, CODE_CONFIG, "was not loaded within %d s", SERVICE_TRIAL_MS / 1000);
		return blame_listen(trial, err);
	}
	return outcome == DIED ? tell_death(trial, status, err) : outcome == PASSED;
}

static bool oversee_child(const struct conf *conf, const struct identity *identity,
			  struct service_facts *facts, struct err *err)
{
	struct trial trial = { .conf = conf,
			       .facts = facts,
			       .due_ms = clock_ms() + SERVICE_TRIAL_MS };
	pid_t parent = getpid(), pid;
	int ends[2];
	bool done;

	if (sys_pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(err, CODE_OSERR, "cannot try to become a worker");
	pid = sys_fork();
	if (pid == 0)
		try_all(conf, identity, ends[1], parent);
	if (pid < 0)
		err_errno(err, CODE_OSERR, "cannot try in a child to become a worker");
	sys_close(ends[1]);
	trial.fd = ends[0];
	trial.pidfd = pid > 0 ? sys_pidfd_open(pid, 0) : -1;
	done = pid > 0 && follow_child(&trial, pid, err);
	if (trial.pidfd >= 0)
		sys_close(trial.pidfd);
	sys_close(ends[0]);
	return done;
}

/* What the overseer has found. Its child does not have the page, and must not. */
struct service_trial_page {
	bool is_passed;
	struct err err;
	struct service_facts facts[];
};

static _Noreturn void oversee(const struct conf *conf, const struct identity *identity,
			      struct service_trial_page *page, size_t size, pid_t parent)
{
	if (sys_prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent ||
	    !leftover_watch(true) || sys_madvise(page, size, MADV_DONTFORK) < 0)
		err_errno(&page->err, CODE_OSERR, "cannot oversee a child that becomes a worker");
	else
		page->is_passed = oversee_child(conf, identity, page->facts, &page->err);
	leftover_end();
	sys_leave(CODE_OK);
}

static bool take_findings(const struct service_trial_page *page, size_t count,
			  struct service_facts *facts, struct err *err)
{
	if (page->is_passed)
		memcpy(facts, page->facts, count * sizeof(*facts));
	else if (page->err.text[0] != '\0')
		*err = page->err;
	else
		err_set(err, CODE_OSERR, "the process that tries the modules was killed");
	return page->is_passed;
}

bool service_trial_run(const struct conf *conf, const struct identity *identity,
		       struct service_facts *facts, struct err *err)
{
	size_t size = sizeof(struct service_trial_page) + conf->listener_count * sizeof(*facts);
	struct service_trial_page *page =
		sys_mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t parent = getpid(), pid;
	bool done = false;

	memset(facts, 0, conf->listener_count * sizeof(*facts));
	if (page == MAP_FAILED)
		return err_errno(err, CODE_OSERR, "cannot try to become a worker");
	pid = sys_fork();
	if (pid == 0)
		oversee(conf, identity, page, size, parent);
	if (pid < 0) {
		err_errno(err, CODE_OSERR, "cannot try in a child to become a worker");
	} else {
		(void)await_end(pid);
		done = take_findings(page, conf->listener_count, facts, err);
	}
	sys_munmap(page, size);
	return done;
}
