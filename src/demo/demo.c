/* SPDX-License-Identifier: MIT */
/*
 * prefork-demo's command line: lists the lessons, or runs them one after the other, each in a
 * process of its own with a loopback interface that is up, and reports how many claims held. Must
 * not depend on the contents of a lesson.
 */
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/err.h"
#include "base/flags.h"
#include "base/proctitle.h"
#include "base/quote.h"
#include "base/stdio.h"
#include "base/sys.h"
#include "base/units.h"
#include "demo/diagram.h"
#include "demo/lesson.h"
#include "demo/process.h"
#include "demo/step.h"

enum { LESSON_MOST_S = 60, LESSONS_MOST = 64 };

/* The outcome of a lesson; shared with its processes. */
struct outcome {
	struct claims claims;
	int status; /* of the lesson's own process, see waitpid(2) */
	int error;  /* errno: it could not be started or waited for; else 0 */
};

const struct lesson lessons[] = {
#define LESSON(name, function, sentence) { name, sentence, lesson_##function },
#include "tables/lessons.def"
};
const size_t lesson_count = sizeof(lessons) / sizeof(lessons[0]);

static const struct flag flags[] = {
#define FLAG_ROW(letter, name, argument, sentence) { letter, name, argument, sentence },
#include "tables/demo_flags.def"
};

static void print_list(void)
{
	for (size_t i = 0; i < lesson_count; i++)
		printf("  %-18s %s\n", lessons[i].name, lessons[i].sentence);
}

static void print_overview(void)
{
	puts("Lessons on sockets, with real processes and real connections on this machine:\n");
	print_list();
	puts("\nBegin with: prefork-demo close-vs-shutdown   (all of them: prefork-demo all)");
}

static void print_help(void)
{
	puts("usage: prefork-demo [list | all | LESSON...]\n"
	     "Plays lessons on sockets; each checks every claim that it makes.\n");
	flags_help(FLAGS(flags), stdout);
	puts("\nLessons:");
	print_list();
	puts("\nManual: prefork-demo(1)");
}

static const struct lesson *find_lesson(const char *name, struct err *err)
{
	const char *names[LESSONS_MOST], *near;
	char shown[QUOTE_TEXT];

	BUG_ON(lesson_count > LESSONS_MOST);
	for (size_t i = 0; i < lesson_count; i++) {
		if (strcmp(lessons[i].name, name) == 0)
			return &lessons[i];
		names[i] = lessons[i].name;
	}
	near = units_nearest(name, names, lesson_count);
	err_set(err, CODE_USAGE, "%s: there is no such lesson%s%s%s", quote_show(name, shown),
		near != NULL ? " (did you mean " : "", near != NULL ? near : "",
		near != NULL ? "?)" : "");
	return NULL;
}

/* If loopback is up, a port without a listening socket refuses a connection. */
static bool is_loopback_up(struct diagram *out)
{
	struct addr closed = call_loopback(0);
	int bound = process_socket(out), fd = process_socket(out);
	bool is_refused;

	if (sys_bind(bound, &closed.sa, closed.len) < 0 ||
	    sys_getsockname(bound, &closed.sa, &closed.len) < 0) {
		if (errno != EADDRNOTAVAIL)
			diagram_skip_rest(out, "bind() to 127.0.0.1");
		is_refused = false;
	} else {
		is_refused = sys_connect(fd, &closed.sa, closed.len) < 0 && errno == ECONNREFUSED;
	}
	sys_close(fd);
	sys_close(bound);
	return is_refused;
}

static void bring_up_loopback(struct diagram *out)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = process_socket(out);

	if (sys_ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		diagram_skip_rest(out, "bringing up loopback");
	sys_close(fd);
}

/*
 * Makes sure that 127.0.0.1 can be used. If loopback is down, as in a new network namespace, this
 * process moves into a namespace of its own and brings loopback up there; the system outside is not
 * changed.
 */
static void ensure_loopback(struct diagram *out)
{
	if (is_loopback_up(out))
		return;
	if (sys_unshare(CLONE_NEWNET) < 0)
		diagram_skip_rest(out, "loopback is down, and unshare()");
	bring_up_loopback(out);
	if (!is_loopback_up(out)) {
		errno = ENETUNREACH;
		diagram_skip_rest(out, "connect() to 127.0.0.1");
	}
}

/* The lesson's own process: the processes that it forks die with it. */
static _Noreturn void enter_lesson(const struct lesson *lesson, struct claims *claims, pid_t parent)
{
	struct diagram out;

	sys_prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(CODE_OK);
	alarm(LESSON_MOST_S);
	proctitle_set("prefork-demo: %s", lesson->name);
	diagram_init(&out, claims);
	diagram_title(&out, lesson->name, lesson->sentence);
	ensure_loopback(&out);
	lesson->run(&out);
	_exit(CODE_OK);
}

static bool await_child(pid_t pid, int *status)
{
	pid_t got;

	do
		got = sys_waitpid(pid, status, 0);
	while (got < 0 && errno == EINTR);
	return got == pid;
}

/* When a lesson ends early, its processes die and become children of this process. */
static void reap_orphans(void)
{
	while (sys_waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

/*
 * A process between prefork-demo and the lesson. All its children belong to the lesson, while
 * prefork-demo itself may have inherited others through exec, for which it must not wait.
 */
static _Noreturn void supervise_lesson(const struct lesson *lesson, struct outcome *outcome,
				       pid_t parent)
{
	pid_t me = getpid(), pid;

	step_enter_child();
	sys_prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(CODE_OK);
	sys_prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid = sys_fork();
	if (pid == 0)
		enter_lesson(lesson, &outcome->claims, me);
	if (pid < 0 || !await_child(pid, &outcome->status))
		outcome->error = errno;
	reap_orphans();
	_exit(CODE_OK);
}

/* A process of the lesson ended by itself. */
static bool set_lost_error(const struct lesson *lesson, int status, struct err *err)
{
	if (WIFSIGNALED(status))
		return err_set(err, CODE_INTERNAL,
			       "%s: a process of it was ended by signal %d (%s)", lesson->name,
			       WTERMSIG(status), strsignal(WTERMSIG(status)));
	return err_set(err, CODE_INTERNAL, "%s: a process of it left with %d", lesson->name,
		       WEXITSTATUS(status));
}

/* Returns false with err when the lesson did not come to its end. */
static bool check_end(const struct lesson *lesson, const struct outcome *outcome, struct err *err)
{
	int status = outcome->status;

	errno = outcome->error;
	if (errno != 0)
		return err_errno(err, CODE_OSERR, "%s: cannot fork or wait for it", lesson->name);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		return err_set(err, CODE_OSERR, "%s: not over after %d seconds", lesson->name,
			       LESSON_MOST_S);
	if (WIFSIGNALED(status))
		return err_set(err, CODE_INTERNAL, "%s: ended by signal %d (%s)", lesson->name,
			       WTERMSIG(status), strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status) == CODE_INTERNAL)
		return set_lost_error(lesson, outcome->claims.lost_status, err);
	errno = outcome->claims.output_error;
	if (WEXITSTATUS(status) == CODE_OSERR)
		return err_errno(err, CODE_OSERR, "%s: cannot write to stdout", lesson->name);
	if (WEXITSTATUS(status) != CODE_OK)
		return err_set(err, CODE_INTERNAL, "%s: left with %d", lesson->name,
			       WEXITSTATUS(status));
	return true;
}

static void print_sum(const struct claims *claims)
{
	unsigned all = claims->held + claims->broken + claims->skipped;

	printf("\n%u of %u claims held", claims->held, all);
	if (claims->broken > 0)
		printf(", %u did not", claims->broken);
	if (claims->skipped > 0)
		printf(", %u could not be checked here", claims->skipped);
	puts("");
}

static void add_claims(struct claims *sum, const struct claims *claims)
{
	sum->held += claims->held;
	sum->broken += claims->broken;
	sum->skipped += claims->skipped;
}

static bool run_lesson(const struct lesson *lesson, struct outcome *outcome, struct err *err)
{
	pid_t parent = getpid(), pid;
	int status = 0;

	if (!stdio_flush(err))
		return false;
	memset(outcome, 0, sizeof(*outcome));
	pid = sys_fork();
	if (pid < 0)
		return err_errno(err, CODE_OSERR, "%s: cannot fork", lesson->name);
	if (pid == 0)
		supervise_lesson(lesson, outcome, parent);
	if (!await_child(pid, &status))
		return err_errno(err, CODE_OSERR, "%s: cannot wait for it", lesson->name);
	if (status != 0)
		outcome->status = status;
	if (!check_end(lesson, outcome, err))
		return false;
	print_sum(&outcome->claims);
	return true;
}

static enum exit_code run_lessons(const struct lesson *const *chosen, size_t count, struct err *err)
{
	struct outcome *outcome = sys_mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE,
					   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct claims sum = { 0 };
	size_t done = 0;

	if (outcome == MAP_FAILED) {
		err_errno(err, CODE_OSERR, "no memory");
		return err->code;
	}
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			puts("\n");
		if (!run_lesson(chosen[i], outcome, err))
			return err->code;
		add_claims(&sum, &outcome->claims);
		done++;
		if (outcome->claims.has_quit || (done < count && !step_wait()))
			break;
	}
	if (done > 1) {
		printf("\n%s%zu lessons:", done == count ? "all " : "", done);
		print_sum(&sum);
	}
	return sum.broken > 0 ? CODE_FAILED : sum.skipped > 0 ? CODE_NOPERM : CODE_OK;
}

/* Runs the words of the command line, none of which is a flag. */
static enum exit_code run_words(char **words, int count, bool in_steps, struct err *err)
{
	const struct lesson *chosen[LESSONS_MOST];
	size_t n = 0;

	if (count == 0 || (count == 1 && strcmp(words[0], "list") == 0)) {
		count == 0 ? print_overview() : print_list();
		return CODE_OK;
	}
	for (int i = 0; i < count; i++) {
		bool is_all = strcmp(words[i], "all") == 0;

		for (size_t k = 0; is_all && k < lesson_count && n < LESSONS_MOST; k++)
			chosen[n++] = &lessons[k];
		if (is_all)
			continue;
		if (n == LESSONS_MOST) {
			err_set(err, CODE_USAGE, "at most %d lessons at once", LESSONS_MOST);
			return err->code;
		}
		chosen[n] = find_lesson(words[i], err);
		if (chosen[n++] == NULL) {
			print_list();
			return err->code;
		}
	}
	if (in_steps && !step_enable(err))
		return err->code;
	return run_lessons(chosen, n, err);
}

/* The flags given. */
struct options {
	int letter; /* of a flag that plays no lesson; else 0 */
	bool in_steps;
};

static bool take_flag(void *owner, int letter, const char *value, struct err *err)
{
	struct options *options = owner;

	(void)value;
	(void)err;
	if (letter == 's')
		options->in_steps = true;
	else
		options->letter = letter;
	return true;
}

/* Ignored and blocked signals are inherited through exec. */
static void reset_signals(void)
{
	static const int signals[] = { SIGCHLD, SIGALRM, SIGUSR1 };
	sigset_t none;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	sys_sigprocmask(SIG_SETMASK, &none, NULL);
}

int main(int argc, char **argv)
{
	struct err err = { .code = CODE_OK };
	enum exit_code code = CODE_OK;
	struct options options = { 0 };
	int first;

	proctitle_start(argc, argv);
	stdio_fill(true);
	reset_signals();
	first = flags_read(FLAGS(flags), argc, argv, take_flag, &options, &err);
	if (first < 0)
		code = err.code;
	else if (options.letter == 'h')
		print_help();
	else if (options.letter == 'V')
		puts("prefork-demo " PACKAGE_VERSION);
	else
		code = run_words(argv + first, argc - first, options.in_steps, &err);
	if (!stdio_flush(&err))
		code = err.code;
	if (err.text[0] != '\0')
		fprintf(stderr, "prefork-demo: %s\n", err.text);
	return (int)code;
}
