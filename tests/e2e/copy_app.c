/* SPDX-License-Identifier: MIT */
/*
 * A program for the tests of programs: it accepts clients on descriptor 3, one at a time, and does
 * what each line says. Its arguments say what it does at its start:
 *
 *   ready    sends READY=1
 *   beat     sends WATCHDOG=1 every 20 ms while it waits, and while it leaks
 *   deaf     ignores SIGTERM
 *   child    starts a child that ignores SIGTERM, and never ends by itself
 *   fail     writes to stderr and exits with 7
 *   fail-if FILE   the same, if there is such a file
 *
 * The lines: pid, facts, listen, flag, block and unblock (the listener), child, exit, abort, mute
 * (no WATCHDOG=1 from now on), leak (32 MB), flood (3000 lines to stdout), say TEXT (to stderr).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { LISTENER = 3, BEAT_MS = 20, LEAK = 32 << 20, FLOOD = 3000 };

static bool beats;
static pid_t child;
static char signals_at_start[512];
static volatile sig_atomic_t is_told; /* to end: the client that is served is served to its end */

static void notify(const char *text)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t length = name ? strlen(name) : 0;
	int fd;

	if (length == 0 || length >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, name, length);
	if (to.sun_path[0] == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, text, strlen(text), 0, (const struct sockaddr *)&to,
	       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
	close(fd);
}

static void start_child(void)
{
	child = fork();
	if (child == 0) {
		signal(SIGTERM, SIG_IGN);
		for (;;)
			pause();
	}
}

static void fail(void)
{
	fputs("cannot-find-the-database\n", stderr);
	exit(7);
}

static void obey_argument(const char *word)
{
	if (strcmp(word, "ready") == 0)
		notify("STATUS=warm\nREADY=1");
	else if (strcmp(word, "beat") == 0)
		beats = true;
	else if (strcmp(word, "deaf") == 0)
		signal(SIGTERM, SIG_IGN);
	else if (strcmp(word, "child") == 0)
		start_child();
	else if (strcmp(word, "fail") == 0)
		fail();
}

static void note_signals(const char *name)
{
	FILE *file = fopen("/proc/self/status", "re");
	size_t used = strlen(signals_at_start);
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, name, strlen(name)) == 0)
			used += (size_t)snprintf(signals_at_start + used,
						 sizeof(signals_at_start) - used, "%.*s ",
						 (int)strcspn(line, "\n"), line);
	if (file)
		fclose(file);
}

static void note_term(int number)
{
	is_told = number;
}

static void wake(int number)
{
	(void)number;
}

/* SIGTERM is heard in ppoll alone, and a timer ends an accept that another copy was faster for. */
static void set_signals(void)
{
	const struct sigaction term = { .sa_handler = note_term }, alarm = { .sa_handler = wake };
	struct sigaction now;
	sigset_t mask;

	note_signals("SigBlk");
	note_signals("SigIgn");
	if (sigaction(SIGTERM, NULL, &now) == 0 && now.sa_handler != SIG_IGN)
		sigaction(SIGTERM, &term, NULL);
	sigaction(SIGALRM, &alarm, NULL);
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigprocmask(SIG_BLOCK, &mask, NULL);
}

static bool wait_for_client(void)
{
	const struct timespec beat = { .tv_nsec = BEAT_MS * 1000000L };
	struct pollfd listener = { .fd = LISTENER, .events = POLLIN };
	sigset_t none;
	int got;

	sigemptyset(&none);
	do {
		if (beats)
			notify("WATCHDOG=1");
		got = ppoll(&listener, 1, beats ? &beat : NULL, &none);
	} while (got <= 0 && !is_told);
	return !is_told;
}

static int accept_in_time(void)
{
	const struct itimerval on = { { 0, BEAT_MS * 1000 }, { 0, BEAT_MS * 1000 } }, off = { 0 };
	int fd;

	setitimer(ITIMER_REAL, &on, NULL);
	fd = accept4(LISTENER, NULL, NULL, SOCK_CLOEXEC);
	setitimer(ITIMER_REAL, &off, NULL);
	return fd;
}

/* What it inherits: descriptors, signals, umask. */
static void tell_facts(FILE *out)
{
	mode_t mask = umask(0);

	for (int fd = 0; fd < 64; fd++)
		if (fcntl(fd, F_GETFD) >= 0 && fd != fileno(out))
			fprintf(out, "%d ", fd);
	fprintf(out, "%s", signals_at_start);
	fprintf(out, "umask %03o session %s server's %s%s\n", (unsigned)mask,
		getsid(0) == getpid() ? "own" : "foreign", getenv("SERVERS_OWN") ? "yes" : "no",
		getenv("WATCHDOG_USEC") ? " watchdog" : "");
	umask(mask);
}

static void tell_listen(FILE *out)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	const char *names = getenv("LISTEN_FDNAMES");

	fprintf(out, "%s %s %s\n", pid && strtol(pid, NULL, 10) == getpid() ? "mine" : "foreign",
		fds ? fds : "none", names ? names : "none");
}

static void flood(void)
{
	for (int i = 0; i < FLOOD; i++)
		printf("line-%d\n", i);
	fflush(stdout);
}

static void set_nonblocking(bool is_on)
{
	int flags = fcntl(LISTENER, F_GETFL);

	fcntl(LISTENER, F_SETFL, is_on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

static void leak(void)
{
	static char *held; /* reachable: no leak for a sanitizer */
	volatile char *memory = held = realloc(held, LEAK);

	for (size_t i = 0; memory && i < LEAK; i += 1024) {
		memory[i] = 'x';
		if (beats && i % (1 << 20) == 0)
			notify("WATCHDOG=1");
	}
}

static void obey_line(FILE *out, const char *line)
{
	if (strcmp(line, "pid") == 0)
		fprintf(out, "%d\n", (int)getpid());
	else if (strcmp(line, "facts") == 0)
		tell_facts(out);
	else if (strcmp(line, "listen") == 0)
		tell_listen(out);
	else if (strcmp(line, "flag") == 0)
		fputs(fcntl(LISTENER, F_GETFL) & O_NONBLOCK ? "nonblocking\n" : "blocking\n", out);
	else if (strcmp(line, "block") == 0 || strcmp(line, "unblock") == 0)
		set_nonblocking(line[0] == 'u');
	else if (strcmp(line, "exit") == 0)
		exit(3);
	else if (strcmp(line, "abort") == 0)
		abort();
	else if (strcmp(line, "flood") == 0)
		flood();
	else if (strncmp(line, "say ", 4) == 0)
		fprintf(stderr, "%s\n", line + 4);
	else if (strcmp(line, "leak") == 0)
		leak();
	else if (strcmp(line, "mute") == 0)
		beats = false;
	else if (strcmp(line, "child") == 0)
		fprintf(out, "%d\n", (start_child(), (int)child));
	if (strchr("bfmslu", line[0]) && strcmp(line, "facts") != 0 &&
	    strcmp(line, "listen") != 0 && strcmp(line, "flag") != 0)
		fputs("done\n", out);
	fflush(out);
}

static void serve_client(int fd)
{
	FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");
	char line[256];

	while (in && out && fgets(line, sizeof(line), in)) {
		line[strcspn(line, "\n")] = '\0';
		obey_line(out, line);
	}
	if (in)
		fclose(in);
	if (out)
		fclose(out);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "fail-if") != 0)
			obey_argument(argv[i]);
		else if (++i < argc && access(argv[i], F_OK) == 0)
			fail();
	}
	set_signals();
	while (wait_for_client()) {
		int fd = accept_in_time();

		if (fd >= 0)
			serve_client(fd);
		else if (errno != EINTR && errno != EAGAIN && errno != ECONNABORTED)
			return 1;
	}
	return 0;
}
