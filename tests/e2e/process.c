/* SPDX-License-Identifier: MIT */
/*
 * Reads /proc (proc(5)). It must signal no process but this program's own children, at the end of a
 * test.
 */
#include "process.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "harness.h"

/* Reads one file of a process as text; returns its length, or -1. */
static ssize_t read_proc(pid_t pid, const char *name, char *text, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n;
}

/* Reads state letter and parent from /proc/PID/stat; the name in brackets may hold anything. */
static bool read_stat(pid_t pid, char *state, pid_t *parent)
{
	char text[512];
	const char *at;
	int ppid;

	if (read_proc(pid, "stat", text, sizeof(text)) <= 0)
		return false;
	at = strrchr(text, ')');
	if (!at || sscanf(at + 1, " %c %d", state, &ppid) != 2)
		return false;
	*parent = ppid;
	return true;
}

unsigned process_children(pid_t parent, pid_t *pids, unsigned most)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	unsigned count = 0;

	while (dir && count < most && (entry = readdir(dir)) != NULL) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10), its;
		char state;

		if (pid > 0 && read_stat(pid, &state, &its) && its == parent)
			pids[count++] = pid;
	}
	if (dir)
		closedir(dir);
	return count;
}

pid_t process_child(pid_t parent)
{
	pid_t pid = 0;

	return process_children(parent, &pid, 1) == 1 ? pid : 0;
}

bool process_lives(pid_t pid)
{
	pid_t parent;
	char state;

	return read_stat(pid, &state, &parent) && state != 'Z' && state != 'X';
}

static bool has_state(pid_t pid, char wanted)
{
	pid_t parent;
	char state;

	return read_stat(pid, &state, &parent) && state == wanted;
}

bool process_sleeps(pid_t pid)
{
	return has_state(pid, 'S');
}

bool process_is_stopped(pid_t pid)
{
	return has_state(pid, 'T');
}

static const long waits[] = {
#ifdef SYS_epoll_wait
	SYS_epoll_wait,
#endif
	SYS_epoll_pwait,
	SYS_epoll_pwait2,
};

/* The call in which a stopped process is; where /proc does not tell it, any is taken for a wait. */
static bool is_in_wait(pid_t pid)
{
	char text[256];

	if (read_proc(pid, "syscall", text, sizeof(text)) < 0)
		return true;
	for (size_t i = 0; i < sizeof(waits) / sizeof(*waits); i++)
		if (strtol(text, NULL, 10) == waits[i])
			return true;
	return false;
}

bool process_stop_waiting(pid_t pid)
{
	assert_int_equal(kill(pid, SIGSTOP), 0);
	while (!process_is_stopped(pid))
		sched_yield();
	if (is_in_wait(pid))
		return true;
	assert_int_equal(kill(pid, SIGCONT), 0);
	return false;
}

int64_t process_used_ms(pid_t pid)
{
	struct timespec used;
	clockid_t clock;

	assert_int_equal(clock_getcpuclockid(pid, &clock), 0);
	assert_int_equal(clock_gettime(clock, &used), 0);
	return used.tv_sec * 1000 + used.tv_nsec / 1000000;
}

const char *process_title(pid_t pid, char *text, size_t size)
{
	ssize_t n = read_proc(pid, "cmdline", text, size);

	if (n < 0)
		text[0] = '\0';
	for (ssize_t i = 0; i + 1 < n; i++) {
		if (text[i] == '\0')
			text[i] = ' ';
	}
	return text;
}

unsigned process_files(pid_t pid, const char *path, int *lowest)
{
	char text[PATH_MAX];
	const struct dirent *entry;
	unsigned count = 0;
	DIR *list;

	snprintf(text, sizeof(text), "/proc/%d/fd", pid);
	list = opendir(text);
	while (list && (entry = readdir(list)) != NULL) {
		ssize_t n = readlinkat(dirfd(list), entry->d_name, text, sizeof(text) - 1);
		int fd = (int)strtol(entry->d_name, NULL, 10);

		text[n > 0 ? n : 0] = '\0';
		if (n <= 0 || strncmp(text, path, strlen(path)) != 0)
			continue;
		if (lowest && (count == 0 || fd < *lowest))
			*lowest = fd;
		count++;
	}
	if (list)
		closedir(list);
	return count;
}

unsigned process_descriptors(pid_t pid)
{
	return process_files(pid, "", NULL);
}

long process_status(pid_t pid, const char *name)
{
	char text[4096];
	size_t len = strlen(name);

	if (read_proc(pid, "status", text, sizeof(text)) <= 0)
		return -1;
	for (const char *at = text; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, name, len) == 0 && at[len] == ':')
			return strtol(at + len + 1, NULL, 10);
	}
	return -1;
}

static bool is_leaving(const char *title)
{
	return strstr(title, "(moving)") || strstr(title, "(draining)");
}

/* Finds the children whose title names the role and the number ("": any). */
static unsigned find(const struct server *s, const char *role, const char *number, bool leaving,
		     pid_t *pids, unsigned most)
{
	pid_t all[WORKERS_MOST];
	unsigned count = 0, n = process_children(s->master, all, WORKERS_MOST);
	char title[256], wanted[32];

	/* the helper of all listeners is named without one */
	snprintf(wanted, sizeof(wanted), ": %s%s%s", role, *number ? " " : "", number);
	for (unsigned i = 0; i < n && count < most; i++) {
		const char *at = strstr(process_title(all[i], title, sizeof(title)), wanted);

		if (!at || !process_lives(all[i]))
			continue;
		if (*number && isdigit((unsigned char)at[strlen(wanted)]))
			continue;
		if (is_leaving(title) == leaving)
			pids[count++] = all[i];
	}
	return count;
}

unsigned server_workers(const struct server *s, pid_t *pids, unsigned most)
{
	return find(s, "worker", "", false, pids, most);
}

unsigned server_draining(const struct server *s)
{
	pid_t pids[WORKERS_MOST];

	return find(s, "worker", "", true, pids, WORKERS_MOST);
}

static pid_t await(struct server *s, const char *role, unsigned number, bool leaving)
{
	char text[16];
	pid_t pid = 0;

	snprintf(text, sizeof(text), "%u", number);
	WAIT_UNTIL(s, find(s, role, text, leaving, &pid, 1) == 1);
	return pid;
}

pid_t server_worker(struct server *s, unsigned number)
{
	return await(s, "worker", number, false);
}

pid_t server_drainer(struct server *s, unsigned number)
{
	return await(s, "worker", number, true);
}

pid_t server_keeper(struct server *s, unsigned number)
{
	return await(s, "keeper", number, false);
}

unsigned server_helpers(const struct server *s, const char *service, pid_t *pids, unsigned most)
{
	return find(s, service, "", false, pids, most);
}

pid_t server_helper(struct server *s, const char *service)
{
	pid_t pids[2] = { 0 };

	WAIT_UNTIL(s, server_helpers(s, service, pids, 2) == 1);
	return pids[0];
}

void process_reap(pid_t pid)
{
	waitpid(pid, NULL, 0);
}

unsigned process_reap_orphans(void)
{
	pid_t pids[WORKERS_MOST];
	unsigned left = 0, n = process_children(getpid(), pids, WORKERS_MOST);

	for (unsigned i = 0; i < n; i++)
		left += !harness_knows(pids[i]) && waitpid(pids[i], NULL, WNOHANG) != pids[i];
	return left;
}

void process_end_children(void)
{
	pid_t pids[WORKERS_MOST];
	unsigned n;

	while ((n = process_children(getpid(), pids, WORKERS_MOST)) > 0) {
		for (unsigned i = 0; i < n; i++)
			kill(pids[i], SIGKILL);
		for (unsigned i = 0; i < n; i++)
			waitpid(pids[i], NULL, 0);
	}
}
