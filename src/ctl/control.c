/* SPDX-License-Identifier: MIT */
/*
 * Asks the running server and waits for the outcome. Changes nothing itself: the server is known by
 * the lock on its pid file, asked by a signal, and watched by a pidfd and its scoreboard.
 */
#include "ctl/control.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/quote.h"
#include "base/sys.h"
#include "base/units.h"
#include "config/option.h"
#include "ctl/status.h"
#include "ctl/watch.h"
#include "master/pidfile.h"
#include "master/reload_times.h"
#include "stats/scoreboard.h"

enum { STOP_MARGIN_MS = 10 * 1000, NO_BOARD_STOP_MS = 40 * 1000 };
enum { POLL_FIRST_MS = 5, POLL_LAST_MS = 50, POLL_STOP_MS = 1000 };

struct asked {
	const char *verb;
	pid_t pid;
	int pidfd;
	const struct scoreboard *board; /* NULL where it cannot be read */
	int64_t begun_ms;
	bool quiet;
};

/* 1: the server is gone; 0: not yet; -1: errno */
static int gone_within(const struct asked *asked, int wait_ms)
{
	struct pollfd watch = { .fd = asked->pidfd, .events = POLLIN };
	int ready = sys_poll(&watch, 1, wait_ms);

	return ready < 0 && errno == EINTR ? 0 : ready;
}

static bool say(const struct asked *asked, unsigned workers, int64_t took_ms)
{
	if (asked->quiet)
		return true;
	printf("%s: ok, ", asked->verb);
	if (workers > 0)
		printf("%u worker%s, ", workers, workers == 1 ? "" : "s");
	printf("%" PRId64 " ms\n", took_ms);
	return true;
}

/*
 * Only the server knows how long it has promised its connections, also those of workers that an
 * earlier configuration started: it says so once it has heard.
 */
static int64_t gone_due_ms(const struct asked *asked)
{
	int64_t due_ms;

	if (asked->board == NULL)
		return asked->begun_ms + NO_BOARD_STOP_MS;
	due_ms = atomic_load_explicit(&asked->board->stop_due_ms, memory_order_relaxed);
	return (due_ms > asked->begun_ms ? due_ms : asked->begun_ms) + STOP_MARGIN_MS;
}

static bool wait_gone(const struct asked *asked, struct err *err)
{
	int64_t left_ms;
	int gone = 0;

	while (gone == 0 && (left_ms = gone_due_ms(asked) - clock_ms()) > 0)
		gone = gone_within(asked, left_ms < POLL_STOP_MS ? (int)left_ms : POLL_STOP_MS);
	if (gone < 0)
		return err_errno(err, CODE_FAILED, "cannot wait for the server");
	if (gone == 0)
		return err_set(err, CODE_FAILED,
			       "%s: the server (pid %d) is still there after %" PRId64
			       " s (kill -9 ends it)",
			       asked->verb, (int)asked->pid, (clock_ms() - asked->begun_ms) / 1000);
	if (asked->board != NULL &&
	    atomic_load_explicit(&asked->board->has_ended, memory_order_acquire) == 0)
		return err_set(err, CODE_FAILED,
			       "%s: the server (pid %d) is gone, but died before it had stopped in "
			       "order",
			       asked->verb, (int)asked->pid);
	return say(asked, 0, clock_ms() - asked->begun_ms);
}

static bool tell(const struct asked *asked, const struct request *deed, struct err *err)
{
	struct outcome outcome;

	scoreboard_read_request(deed, &outcome);
	if (outcome.failed == 0)
		return say(asked, outcome.workers, outcome.took_ms);
	return err_set(err, CODE_FAILED, "%s", outcome.message);
}

/* Wrapping counters: `done` has come to `wanted`. */
static bool has_come(const struct request *deed, uint32_t wanted)
{
	uint32_t done = atomic_load_explicit(&deed->done, memory_order_acquire);

	return (int32_t)(done - wanted) >= 0;
}

static bool wait_deed(const struct asked *asked, const struct request *deed, uint32_t wanted,
		      struct err *err)
{
	uint32_t before = wanted - atomic_load_explicit(&deed->done, memory_order_acquire);
	int64_t most_ms = (int64_t)before * RELOAD_REQUEST_MS;
	int wait_ms = POLL_FIRST_MS, gone = 0;

	while (gone == 0 && clock_ms() - asked->begun_ms < most_ms) {
		if (has_come(deed, wanted))
			return tell(asked, deed, err);
		gone = gone_within(asked, wait_ms);
		if (wait_ms < POLL_LAST_MS)
			wait_ms += POLL_FIRST_MS;
	}
	if (has_come(deed, wanted))
		return tell(asked, deed, err);
	if (gone > 0)
		return err_set(err, CODE_FAILED, "%s: the server (pid %d) died before it was done",
			       asked->verb, (int)asked->pid);
	return err_set(err, CODE_FAILED, "%s: the server (pid %d) has not answered within %d s",
		       asked->verb, (int)asked->pid, (int)(most_ms / 1000));
}

enum { SIGNONE = 0 };
static const struct {
	const char *name;
	int signal;
} verbs[] = {
#define VERB(name, signal, sentence) { #name, SIG##signal },
#include "tables/verbs.def"
};
enum { VERB_COUNT = sizeof(verbs) / sizeof(verbs[0]) };

/* What tells the verb's outcome; NULL: the server's end. */
static const struct request *deed_of(const struct asked *asked, int number)
{
	if (number == SIGHUP)
		return &asked->board->reload;
	return number == SIGUSR1 ? &asked->board->reopen : NULL;
}

static bool find_signal(const char *verb, int *number, struct err *err)
{
	const char *names[VERB_COUNT], *hint = option_foreign_verb(verb);
	char shown[QUOTE_TEXT], all[128];

	for (size_t i = 0; i < VERB_COUNT; i++) {
		names[i] = verbs[i].name;
		if (strcmp(names[i], verb) == 0) {
			*number = verbs[i].signal;
			return true;
		}
	}
	return err_set(err, CODE_USAGE, "-s %s: is not a verb (%s%s%s)", quote_show(verb, shown),
		       quote_list(names, VERB_COUNT, all, sizeof(all)), hint ? "; " : "",
		       hint ? hint : "");
}

static bool pid_file_of(const struct conf_source *source, char *path, size_t size, struct err *err)
{
	struct conf *conf = conf_load(source, err);
	bool is_found = conf != NULL && pidfile_path(conf, false, path, size, err);

	conf_free(conf);
	return is_found;
}

/*
 * Only the pid file matters: a configuration that does not load is no obstacle when -p names it,
 * nor when a server holds the default one. That server says itself what is wrong with a reload.
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
		return pid_file_of(&bare, path, size, err);
	if (pid_file_of(source, path, size, err))
		return true;
	if (err->code == CODE_USAGE)
		return false;
	if (pid_file_of(&bare, path, size, &ignored) && pidfile_owner(path) > 0)
		return true;
	return err_set(err, CODE_FAILED, "%s; so the pid file is not known (-p can name it)",
		       err->text);
}

static bool signal_server(const struct asked *asked, int number, struct err *err)
{
	if (sys_pidfd_send_signal(asked->pidfd, number) == 0)
		return true;
	if (errno == EPERM)
		return err_set(
			err, CODE_FAILED,
			"%s: no permission to signal the server (pid %d; be its user or root)",
			asked->verb, (int)asked->pid);
	return err_errno(err, CODE_FAILED, "%s: the server (pid %d) cannot be signalled",
			 asked->verb, (int)asked->pid);
}

static bool ask(const struct asked *asked, int number, struct err *err)
{
	const struct request *deed = asked->board != NULL ? deed_of(asked, number) : NULL;
	uint32_t wanted = 0;

	if (deed != NULL)
		wanted = atomic_load_explicit(&deed->begun, memory_order_acquire) + 1;
	if (!signal_server(asked, number, err))
		return false;
	return deed != NULL ? wait_deed(asked, deed, wanted, err) : wait_gone(asked, err);
}

/* The pid is looked up again once its pidfd is open: only then is it certain to be the server's. */
static bool find_server(struct asked *asked, const char *path, struct err *err)
{
	asked->pid = pidfile_owner(path);
	if (asked->pid > 0)
		asked->pidfd = sys_pidfd_open(asked->pid, 0);
	if (asked->pid > 0 && asked->pidfd < 0 && errno != ESRCH)
		return err_errno(err, CODE_FAILED, "cannot watch the server (pid %d)",
				 (int)asked->pid);
	if (asked->pidfd >= 0 && pidfile_owner(path) == asked->pid)
		return true;
	return pidfile_nobody(path, err);
}

static bool run(struct asked *asked, int number, const char *path, struct err *err)
{
	char board_path[4096];

	if (!find_server(asked, path, err))
		return false;
	scoreboard_path(path, board_path, sizeof(board_path));
	asked->board = scoreboard_view(board_path, err);
	/*
	 * a server that is still starting, or has lost its scoreboard, can be stopped, but not
	 * asked for more
	 */
	if (asked->board == NULL && number != SIGINT && number != SIGQUIT)
		return err_prefix(err, "%s: the server (pid %d) cannot be asked: ", asked->verb,
				  (int)asked->pid);
	err->text[0] = '\0';
	return ask(asked, number, err);
}

static enum exit_code ask_server(const struct control_options *wish, int number, const char *path,
				 struct err *err)
{
	struct asked asked = {
		.verb = wish->verb, .pidfd = -1, .quiet = wish->quiet, .begun_ms = clock_ms()
	};
	bool is_good = run(&asked, number, path, err);

	if (asked.board != NULL)
		scoreboard_unview(asked.board);
	if (asked.pidfd >= 0)
		sys_close(asked.pidfd);
	return is_good ? CODE_OK : err->code;
}

static enum exit_code refuse_none(const struct control_options *wish,
				  const struct conf_source *source, struct err *err)
{
	err_set(err, source->pid_file != NULL ? CODE_USAGE : CODE_FAILED,
		"-s %s: a server that keeps no pid file (%s) cannot be found: signal its master, "
		"or "
		"ask the service status",
		wish->verb, source->pid_file != NULL ? "-p none" : "pid_file = none");
	return err->code;
}

enum exit_code control_run(const struct control_options *wish, const struct conf_source *source,
			   struct err *err)
{
	char path[4096];
	int number = 0;

	if (!find_signal(wish->verb, &number, err) ||
	    !find_pid_file(source, path, sizeof(path), err))
		return err->code;
	if (path[0] == '\0')
		return refuse_none(wish, source, err);
	err->text[0] = '\0';
	if (number != SIGNONE)
		return ask_server(wish, number, path, err);
	if (wish->watch)
		return watch_run(path, err);
	return status_run(path, wish->json, wish->quiet, err);
}
