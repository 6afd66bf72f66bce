/* SPDX-License-Identifier: MIT */
/* Starts processes and collects their output through files in a folder. */
#include "cli/command.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"

enum { ARGUMENTS_MOST = 64, READY_FD = 9 };

static void must(bool is_good, const char *what)
{
	if (is_good)
		return;
	perror(what);
	abort();
}

static void send_to(const char *file, int number)
{
	int fd = open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	must(fd >= 0 && dup2(fd, number) == number, file);
}

/* A name that starts with "prefork-" is a program of this tree. */
static _Noreturn void become_words(const char *const *words)
{
	const char *folder = getenv("TOP_BUILDDIR");
	char path[512];

	must(folder != NULL, "TOP_BUILDDIR is not set");
	if (strncmp(words[0], "prefork-", strlen("prefork-")) == 0)
		snprintf(path, sizeof(path), "%s/%s", folder, words[0]);
	else
		snprintf(path, sizeof(path), "%s", words[0]);
	execvp(path, (char *const *)words);
	perror(path);
	_exit(127);
}

static _Noreturn void become(const char *const *arguments, const char *ready)
{
	const char *all[ARGUMENTS_MOST] = { "prefork-srv" };
	const char *program = getenv("PREFORK_SRV");
	size_t count = 1;

	must(program != NULL, "PREFORK_SRV is not set");
	if (ready != NULL) {
		all[count++] = "--ready-fd";
		all[count++] = ready;
	}
	while (*arguments != NULL && count < ARGUMENTS_MOST - 1)
		all[count++] = *arguments++;
	execv(program, (char *const *)all);
	perror(program);
	_exit(127);
}

static int code_of(pid_t pid)
{
	int status;

	must(waitpid(pid, &status, 0) == pid, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void read_back(const char *folder, const char *name, char *text, size_t size)
{
	char path[512];
	size_t len;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "re");
	must(file != NULL, path);
	len = fread(text, 1, size - 1, file);
	text[len] = '\0';
	fclose(file);
}

/* In the child: enters the folder and sends the output to its files. */
static void settle(const char *folder)
{
	must(chdir(folder) == 0, folder);
	send_to("out", STDOUT_FILENO);
	send_to("err", STDERR_FILENO);
}

void command_copy(const char *folder, const char *program)
{
	const char *from = getenv("TOP_BUILDDIR");
	char command[1200];

	must(from != NULL, "TOP_BUILDDIR is not set");
	snprintf(command, sizeof(command), "cp '%s/%s' '%s/copy' && chmod -R a+rX '%s'", from,
		 program, folder, folder);
	must(system(command) == 0, "copying a program");
}

void command_recall(struct said *said, const char *folder)
{
	read_back(folder, "out", said->out, sizeof(said->out));
	read_back(folder, "err", said->err, sizeof(said->err));
}

static void collect(struct said *said, const char *folder, pid_t pid)
{
	said->code = code_of(pid);
	command_recall(said, folder);
}

void command_run(struct said *said, const char *folder, const char *const *arguments)
{
	pid_t pid = fork();

	must(pid >= 0, "fork");
	if (pid == 0) {
		settle(folder);
		become(arguments, NULL);
	}
	collect(said, folder, pid);
}

void command_run_words(struct said *said, const char *folder, const char *const *words)
{
	pid_t pid = fork();

	must(pid >= 0, "fork");
	if (pid == 0) {
		settle(folder);
		become_words(words);
	}
	collect(said, folder, pid);
}

static void read_address(int fd, struct server *server)
{
	FILE *ready = fdopen(fd, "re");

	must(ready != NULL, "fdopen");
	must(fgets(server->address, sizeof(server->address), ready) != NULL, "the server's start");
	server->address[strcspn(server->address, "\n")] = '\0';
	fclose(ready);
}

void command_start(struct server *server, const char *folder, const char *const *arguments)
{
	int fds[2];

	must(pipe2(fds, O_CLOEXEC) == 0, "pipe2");
	server->pid = fork();
	must(server->pid >= 0, "fork");
	if (server->pid == 0) {
		must(chdir(folder) == 0, folder);
		send_to("log", STDOUT_FILENO);
		send_to("log", STDERR_FILENO);
		must(dup2(fds[1], READY_FD) == READY_FD, "dup2");
		become(arguments, "9");
	}
	close(fds[1]);
	read_address(fds[0], server);
}

int command_wait(const struct server *server)
{
	return code_of(server->pid);
}

bool command_is_crowded(const struct said *said)
{
	return said->code == CODE_NOPERM && strstr(said->out, "tcp_max_tw_buckets") != NULL;
}

void assert_says_one_line(const struct said *said, const char *begin, int code)
{
	if (strncmp(said->err, begin, strlen(begin)) != 0)
		fail_msg("%s", said->err);
	assert_ptr_equal(strchr(said->err, '\n') + 1, said->err + strlen(said->err));
	assert_int_equal(said->code, code);
}
