/* SPDX-License-Identifier: MIT */
/*
 * Carries out a verb: sends the running server a signal and waits for the outcome, or prints its
 * status. It changes nothing itself. It finds the server by the lock on its pid file, sees its end
 * by a pidfd, and reads the outcome in its scoreboard.
 */
#include "ctl/control.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/quote.h"
#include "base/sys.h"
#include "base/units.h"
#include "config/foreign.h"
#include "config/pidfile.h"
#include "ctl/drain.h"
#include "ctl/status_print.h"
#include "ctl/watch.h"
#include "master/reload_times.h"
#include "stats/report.h"
#include "stats/scoreboard.h"

enum { BOARD_MS = 2000 }; /* for a server that is starting */
enum { STOP_MARGIN_MS = 10 * 1000, NO_BOARD_STOP_MS = 40 * 1000 };
enum { POLL_FIRST_MS = 5, POLL_LAST_MS = 50, POLL_STOP_MS = 1000 };

struct control {
	const char *verb, *argument;
	pid_t pid;
	int pidfd;
	const struct scoreboard *board; /* NULL where it cannot be read */
	int64_t started_ms;
	bool quiet;
};

/* 1: the server has exited; 0: not yet; -1: errno */
static int poll_pidfd(const struct control *control, int wait_ms)
{
	struct pollfd fd = { .fd = control->pidfd, .events = POLLIN };
	int ready = sys_poll(&fd, 1, wait_ms);

	return ready < 0 && errno == EINTR ? 0 : ready;
}

/* workers 0, moves "": not told. */
static bool print_ok(const struct control *control, unsigned workers, int64_t took_ms,
		     const char *moves)
{
	if (control->quiet)
		return true;
	printf("%s: ok, ", control->verb);
	if (workers > 0)
		printf("%u worker%s, ", workers, workers == 1 ? "" : "s");
	printf("%" PRId64 " ms%s%s\n", took_ms, moves[0] != '\0' ? ", " : "", moves);
	return true;
}

/*
 * Only the server knows the shutdown timeouts of all its workers, those of earlier configurations
 * included: once it has received the signal, it writes the time by which it stops.
 */
static int64_t exit_due_ms(const struct control *control)
{
	int64_t due_ms;

	if (control->board == NULL)
		return control->started_ms + NO_BOARD_STOP_MS;
	due_ms = atomic_load_explicit(&control->board->stop_due_ms, memory_order_relaxed);
	return (due_ms > control->started_ms ? due_ms : control->started_ms) + STOP_MARGIN_MS;
}

static bool wait_for_exit(const struct control *control, struct err *err)
{
	int64_t left_ms;
	int exited = 0;

	while (exited == 0 && (left_ms = exit_due_ms(control) - clock_ms()) > 0)
		exited = poll_pidfd(control, left_ms < POLL_STOP_MS ? (int)left_ms : POLL_STOP_MS);
	if (exited < 0)
		return err_errno(err, CODE_FAILED, "cannot wait for the server");
	if (exited == 0)
		return err_set(err, CODE_FAILED,
			       "%s: the server (pid %d) is still there after %" PRId64
			       " s (kill -9 ends it)",
			       control->verb, (int)control->pid,
			       (clock_ms() - control->started_ms) / 1000);
	if (control->board != NULL &&
	    atomic_load_explicit(&control->board->has_ended, memory_order_acquire) == 0)
		return err_set(err, CODE_FAILED,
			       "%s: the server (pid %d) is gone, but died before it had stopped in "
			       "order",
			       control->verb, (int)control->pid);
	return print_ok(control, 0, clock_ms() - control->started_ms, "");
}

static bool print_outcome(const struct control *control, const struct request *request,
			  struct err *err)
{
	char moves[REPORT_MOVES] = "";
	struct outcome outcome;

	scoreboard_read_request(request, &outcome);
	if (request == &control->board->reload)
		report_moves(&outcome, moves);
	if (outcome.failed == 0)
		return print_ok(control, outcome.workers, outcome.took_ms, moves);
	return err_set(err, CODE_FAILED, "%s", outcome.message);
}

/* True once `done` has reached `wanted`; both wrap around. */
static bool is_done(const struct request *request, uint32_t wanted)
{
	uint32_t done = atomic_load_explicit(&request->done, memory_order_acquire);

	return (int32_t)(done - wanted) >= 0;
}

static bool wait_for_request(const struct control *control, const struct request *request,
			     uint32_t wanted, struct err *err)
{
	uint32_t before = wanted - atomic_load_explicit(&request->done, memory_order_acquire);
	int64_t usual_ms = control->started_ms + (int64_t)before * RELOAD_REQUEST_MS;
	int64_t due_ms = usual_ms;
	int wait_ms = POLL_FIRST_MS, exited = 0;

	while (exited == 0 && clock_ms() < due_ms) {
		if (is_done(request, wanted))
			return print_outcome(control, request, err);
		exited = poll_pidfd(control, wait_ms);
		if (wait_ms < POLL_LAST_MS)
			wait_ms += POLL_FIRST_MS;
		due_ms = scoreboard_request_due_ms(request, wanted, RELOAD_REQUEST_MS, usual_ms);
	}
	if (is_done(request, wanted))
		return print_outcome(control, request, err);
	if (exited > 0)
		return err_set(err, CODE_FAILED, "%s: the server (pid %d) died before it was done",
			       control->verb, (int)control->pid);
	return err_set(err, CODE_FAILED,
		       "%s: the server (pid %d) has not answered within %d s (it may still carry "
		       "out the order)",
		       control->verb, (int)control->pid,
		       (int)((due_ms - control->started_ms) / 1000));
}

enum { SIGNONE = 0, SIGDRAIN = -1, SIGUNDRAIN = -2 };
static const struct {
	const char *name;
	int signal;
	const char *argument;
} verbs[] = {
#define VERB(name, signal, argument, sentence) { #name, SIG##signal, argument },
#include "tables/verbs.def"
};
enum { VERB_COUNT = sizeof(verbs) / sizeof(verbs[0]) };

/* The request that has the outcome of the signal; NULL: the server exits. */
static const struct request *find_request(const struct control *control, int number)
{
	if (number == SIGHUP)
		return &control->board->reload;
	return number == SIGUSR1 ? &control->board->reopen : NULL;
}

/* Returns the row's index in verbs; -1 with err. */
static int find_verb(const char *verb, struct err *err)
{
	const char *names[VERB_COUNT], *hint = foreign_find(FOREIGN_verb, verb), *near;
	char shown[QUOTE_TEXT], all[128], meant[64] = "";

	for (size_t i = 0; i < VERB_COUNT; i++) {
		names[i] = verbs[i].name;
		if (strcmp(names[i], verb) == 0)
			return (int)i;
	}
	near = units_nearest(verb, names, VERB_COUNT);
	if (near != NULL)
		snprintf(meant, sizeof(meant), "did you mean %s?", near);
	if (hint == NULL && near != NULL)
		hint = meant;
	err_set(err, CODE_USAGE, "-s %s: is not a verb (%s%s%s)", quote_show(verb, shown),
		quote_list(names, VERB_COUNT, all, sizeof(all)), hint ? "; " : "",
		hint ? hint : "");
	return -1;
}

bool control_check_argument(const struct control_options *opts, struct err *err)
{
	int verb = find_verb(opts->verb, err);
	char shown[QUOTE_TEXT];

	if (verb < 0)
		return false;
	if (verbs[verb].argument[0] == '\0' && opts->argument != NULL)
		return err_set(err, CODE_USAGE, "%s: no arguments are taken (-h lists the flags)",
			       quote_show(opts->argument, shown));
	if (verbs[verb].argument[0] != '\0' && opts->argument == NULL)
		return err_set(err, CODE_USAGE, "-s %s: %s is missing (-s %s 10.0.0.1:5432)",
			       opts->verb, verbs[verb].argument, opts->verb);
	return true;
}

static bool resolve_pid_file(const struct conf_source *source, char *path, size_t size,
			     struct err *err)
{
	struct conf *conf = conf_load(source, err);
	bool is_found = conf != NULL && pidfile_path(conf, false, path, size, err);

	conf_free(conf);
	return is_found;
}

/*
 * Only the pid file is needed: a configuration that does not load is no error when -p names the pid
 * file, nor when a server holds the default one. At a reload that server reports the error.
 */
static bool find_pid_file(const struct conf_source *source, char *path, size_t size,
			  struct err *err)
{
	const struct conf_source bare = { .pid_file = source->pid_file,
					  .directory = source->directory,
					  .file = "/dev/null",
					  .listeners = (const char *[]){ "0=ack" },
					  .listener_count = 1 };
	struct err ignored;

	if (source->pid_file != NULL)
		return resolve_pid_file(&bare, path, size, err);
	if (resolve_pid_file(source, path, size, err))
		return true;
	if (err->code == CODE_USAGE)
		return false;
	if (resolve_pid_file(&bare, path, size, &ignored) && pidfile_owner(path) > 0)
		return true;
	return err_set(err, CODE_FAILED, "%s; so the pid file is not known (-p can name it)",
		       err->text);
}

static bool signal_server(const struct control *control, int number, struct err *err)
{
	if (sys_pidfd_send_signal(control->pidfd, number, NULL) == 0)
		return true;
	if (errno == EPERM)
		return err_set(
			err, CODE_FAILED,
			"%s: no permission to signal the server (pid %d; be its user or root)",
			control->verb, (int)control->pid);
	return err_errno(err, CODE_FAILED, "%s: the server (pid %d) cannot be signalled",
			 control->verb, (int)control->pid);
}

static bool signal_and_wait(const struct control *control, int number, struct err *err)
{
	const struct request *request = control->board != NULL ? find_request(control, number) :
								 NULL;
	uint32_t wanted = 0;

	if (request != NULL)
		wanted = atomic_load_explicit(&request->begun, memory_order_acquire) + 1;
	if (!signal_server(control, number, err))
		return false;
	return request != NULL ? wait_for_request(control, request, wanted, err) :
				 wait_for_exit(control, err);
}

/* Reads the pid again once the pidfd is open: until then another process may have got it. */
static bool find_server(struct control *control, const char *path, struct err *err)
{
	control->pid = pidfile_owner(path);
	if (control->pid > 0)
		control->pidfd = sys_pidfd_open(control->pid, 0);
	if (control->pid > 0 && control->pidfd < 0 && errno != ESRCH)
		return err_errno(err, CODE_FAILED, "cannot watch the server (pid %d)",
				 (int)control->pid);
	if (control->pidfd >= 0 && pidfile_owner(path) == control->pid)
		return true;
	return pidfile_nobody(path, err);
}

/* Returns NULL with err when there is none, or only that of another server. */
static const struct scoreboard *view_own_board(const struct control *control, const char *path,
					       struct err *err)
{
	const struct scoreboard *board = scoreboard_view(path, err);

	if (board && atomic_load(&board->master_pid) != (uint32_t)control->pid) {
		scoreboard_unview(board);
		err_set(err, CODE_FAILED, "%s is of a server that has died", path);
		return NULL;
	}
	return board;
}

/*
 * A server that has just been started writes its pid file first, and the scoreboard of the one
 * before it, which was killed, may still be there. Waits a moment for its own.
 */
static const struct scoreboard *find_board(const struct control *control, const char *path,
					   int64_t wait_ms, struct err *err)
{
	int64_t until_ms = clock_ms() + wait_ms;
	const struct scoreboard *board = view_own_board(control, path, err);

	while (!board && clock_ms() < until_ms && poll_pidfd(control, POLL_FIRST_MS) == 0)
		board = view_own_board(control, path, err);
	return board;
}

static bool run_verb(struct control *control, int number, const char *path, struct err *err)
{
	bool is_stop = number == SIGINT || number == SIGQUIT;
	char board_path[4096];

	if (!find_server(control, path, err))
		return false;
	scoreboard_path(path, board_path, sizeof(board_path));
	control->board = find_board(control, board_path, is_stop ? 0 : BOARD_MS, err);
	/*
	 * a server that is still starting, or has lost its scoreboard, can be stopped, but the
	 * outcome of another verb can be read nowhere
	 */
	if (control->board == NULL && !is_stop)
		return err_prefix(err, "%s: the server (pid %d) cannot be asked: ", control->verb,
				  (int)control->pid);
	err->text[0] = '\0';
	if (number == SIGDRAIN || number == SIGUNDRAIN)
		return drain_run(&(struct drain){ control->verb, control->argument,
						  number == SIGDRAIN, control->quiet,
						  control->board, control->pidfd },
				 err);
	return signal_and_wait(control, number, err);
}

static enum exit_code ask_server(const struct control_options *opts, int number, const char *path,
				 struct err *err)
{
	struct control control = { .verb = opts->verb,
				   .argument = opts->argument,
				   .pidfd = -1,
				   .quiet = opts->quiet,
				   .started_ms = clock_ms() };
	bool is_good = run_verb(&control, number, path, err);

	if (control.board != NULL)
		scoreboard_unview(control.board);
	if (control.pidfd >= 0)
		sys_close(control.pidfd);
	return is_good ? CODE_OK : err->code;
}

static enum exit_code refuse_no_pid_file(const struct control_options *opts,
					 const struct conf_source *source, struct err *err)
{
	err_set(err, source->pid_file != NULL ? CODE_USAGE : CODE_FAILED,
		"-s %s: a server that keeps no pid file (%s) cannot be found: signal its master, "
		"or ask the service status",
		opts->verb, source->pid_file != NULL ? "-p none" : "pid_file = none");
	return err->code;
}

enum exit_code control_run(const struct control_options *opts, const struct conf_source *source,
			   struct err *err)
{
	char path[4096];
	int verb = find_verb(opts->verb, err), number;

	if (verb < 0 || !find_pid_file(source, path, sizeof(path), err))
		return err->code;
	number = verbs[verb].signal;
	if (path[0] == '\0')
		return refuse_no_pid_file(opts, source, err);
	err->text[0] = '\0';
	if (number != SIGNONE)
		return ask_server(opts, number, path, err);
	if (opts->watch)
		return watch_run(path, err);
	return status_print(path, opts->quiet, opts->json, err);
}
