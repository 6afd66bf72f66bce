/* SPDX-License-Identifier: MIT */
/* Checks of every server that has ended: exit code, log, sanitizers, children, connections. */
#include "harness.h"

#include "process.h"

/*
 * A process that is killed during its leak check has a helper, which ends a moment later and is an
 * orphan like any other.
 */
#ifdef CHECK_LEAKS
enum { HAS_HELPERS = 1 };
#else
enum { HAS_HELPERS = 0 };
#endif

static void check_sanitizers(struct server *s, const char *path)
{
	static const char *const signs[] = { "AddressSanitizer", "LeakSanitizer",
					     "runtime error:", "UndefinedBehaviorSanitizer",
					     "defect at " };
	char line[1024];
	FILE *file = fopen(path, "re");

	while (file && fgets(line, sizeof(line), file)) {
		for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
			if (strstr(line, signs[i])) {
				fclose(file);
				server_fail(s, "%s says: %s", path, line);
			}
		}
	}
	if (file)
		fclose(file);
}

static bool is_expected(const struct server *s, const char *line)
{
	char wanted[64];

	for (unsigned i = 0; i < 4 && s->errors[i]; i++) {
		snprintf(wanted, sizeof(wanted), " %s ", s->errors[i]);
		if (strstr(line, wanted))
			return true;
	}
	return false;
}

/* Every event of level error must be one that the test named. */
static void check_errors(struct server *s)
{
	char line[1024];

	s->mark = 0;
	server_count(s, "", NULL);
	for (const char *at = s->log; at && *at; at = strchr(at, '\n'), at += at != NULL) {
		const char *level = strchr(at, ' ');

		if (!level || strncmp(level, " error ", 7) != 0)
			continue;
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
		if (!is_expected(s, line))
			server_fail(s, "an error that was not expected: %s", line);
	}
}

static void check_connections(struct server *s)
{
	const char *line;

	if (server_count(s, "server_stopped", NULL) == 0)
		return;
	line = server_wait_event(s, "server_stopped", NULL);
	if (line_number(line, "connections_accepted") < 0 ||
	    line_number(line, "connections_accepted") != line_number(line, "connections_ended"))
		server_fail(s, "accepted and ended are not equal: %s", line);
}

/* The server's orphans become children of this program: there must be none, dead or alive. */
static void check_children(struct server *s)
{
	pid_t pids[WORKERS_MOST];
	unsigned n = process_children(getpid(), pids, WORKERS_MOST);
	char title[256];

	for (unsigned i = 0; i < n; i++) {
		if (harness_knows(pids[i]))
			continue;
		if (!s->detaches && !HAS_HELPERS)
			server_fail(s, "left its child %d behind: %s", pids[i],
				    process_title(pids[i], title, sizeof(title)));
		WAIT_UNTIL(s, !process_lives(pids[i]));
		process_reap(pids[i]);
	}
}

void server_check(struct server *s, int exit_code, int wanted)
{
	if (exit_code != wanted)
		server_fail(s, "exit code %d, not %d", exit_code, wanted);
	check_sanitizers(s, s->stderr_path);
	check_errors(s);
	check_connections(s);
	check_children(s);
	if (access(s->pid_file, F_OK) == 0 && !s->leaves_pid_file)
		server_fail(s, "left its pid file");
}

void server_end(struct server *s, int number, int code)
{
	if (number)
		server_signal(s, number);
	server_check(s, server_wait_exit(s), code);
}

void server_stop(struct server *s)
{
	server_end(s, SIGTERM, 0);
}
