/* SPDX-License-Identifier: MIT */
/* exec with programs that were written for inetd, and beside another server of that kind. */
#include "harness.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "client.h"
#include "process.h"

static bool has_program(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/usr/bin/%s", name);
	return access(path, X_OK) == 0;
}

/* Runs a shell command in the folder; fails unless it succeeds. */
static void run(struct server *s, const char *folder, const char *command)
{
	pid_t pid = fork();
	int status, null;

	if (pid == 0) {
		null = open("/dev/null", O_RDWR);
		if (chdir(folder) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
			_exit(127);
		setenv("HOME", folder, 1);
		setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
		execl("/bin/sh", "sh", "-ec", command, NULL);
		_exit(127);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		server_fail(s, "status %d: %s", status, command);
}

static const char git_conf[] =
	"user = root\n"
	"listen \"127.0.0.1:0\" { service = exec  command = {git, daemon, --inetd, --export-all, "
	"\"--enable=receive-pack\", \"--base-path=%s\"}  environment = {\"HOME=%s\"} }\n";

static void git_daemon__is_cloned_from_and_pushed_to(void **state)
{
	char conf[1024], command[1024], folder[80];
	struct server *s;

	(void)state;
	if (!has_program("git"))
		skip();
	snprintf(folder, sizeof(folder), "%s", harness_folder());
	run(NULL, folder,
	    "git init -q --bare -b main r.git && git init -q -b main first && cd first && "
	    "git config user.email a@b && git config user.name a && echo one > f && "
	    "git add f && git commit -qm one && git push -q ../r.git main");
	snprintf(conf, sizeof(conf), git_conf, folder, folder);
	s = server_start(&(struct plan){ .conf = conf });
	snprintf(command, sizeof(command),
		 "git clone -q git://%s/r.git second && cd second && git config user.email a@b && "
		 "git config user.name a && echo two > f && git commit -qam two && git push -q && "
		 "cd .. && git clone -q git://%s/r.git third && grep -q two third/f",
		 FIRST(s), FIRST(s));
	run(s, folder, command);
	WAIT_UNTIL(s, process_reap_orphans() == 0);
	server_stop(s);
}

/* The variables that tell of the connection, in order. */
static void read_variables(int fd, char *to, size_t size)
{
	char text[32768];
	size_t used = 0;

	client_drain(fd, text, sizeof(text));
	to[0] = '\0';
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		if ((strncmp(line, "PROTO", 5) == 0 || strncmp(line, "TCP", 3) == 0) &&
		    strncmp(line, "TCPLOCALHOST", 12) != 0 && strncmp(line, "TCPCONNNUM", 10) != 0)
			used += (size_t)snprintf(to + used, size - used, "%s\n", line);
	}
}

static pid_t start_tcpserver(char *address, size_t size)
{
	int listener = client_listener(address, size); /* for a port that is free */
	const char *port = strrchr(address, ':') + 1;
	pid_t pid;

	close(listener);
	pid = fork();
	if (pid == 0) {
		execl("/usr/bin/tcpserver", "tcpserver", "-H", "-R", "-l", "localhost", "127.0.0.1",
		      port, "/bin/sh", "-c", "env | sort", NULL);
		_exit(127);
	}
	return pid;
}

/* All variables but those that name hosts, and CONNNUM, which the other server has not. */
static void variables__are_those_that_tcpserver_gives(void **state)
{
	char theirs[1024], ours[1024], address[64], expected[1024];
	struct server *s;
	int fd = -1;
	pid_t pid;

	(void)state;
	if (!has_program("tcpserver"))
		skip();
	s = server_start(&(struct plan){ .conf = "listen \"127.0.0.1:0\" { service = exec  command "
						 "= {/bin/sh, -c, \"env | sort\"} }\n" });
	pid = start_tcpserver(address, sizeof(address));
	WAIT_UNTIL(s, (fd = client_try(address)) >= 0);
	read_variables(fd, theirs, sizeof(theirs));
	kill(pid, SIGKILL);
	process_reap(pid);
	WAIT_UNTIL(s, process_reap_orphans() == 0);
	close(fd);
	fd = client_connect(FIRST(s));
	read_variables(fd, ours, sizeof(ours));
	close(fd);
	snprintf(expected, sizeof(expected),
		 "PROTO=TCP\nTCPLOCALIP=127.0.0.1\nTCPLOCALPORT=%s\n"
		 "TCPREMOTEIP=127.0.0.1\nTCPREMOTEPORT=",
		 strrchr(FIRST(s), ':') + 1);
	assert_memory_equal(ours, expected, strlen(expected));
	snprintf(expected, sizeof(expected),
		 "PROTO=TCP\nTCPLOCALIP=127.0.0.1\nTCPLOCALPORT=%s\n"
		 "TCPREMOTEIP=127.0.0.1\nTCPREMOTEPORT=",
		 strrchr(address, ':') + 1);
	assert_memory_equal(theirs, expected, strlen(expected));
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(git_daemon__is_cloned_from_and_pushed_to),
		E2E(variables__are_those_that_tcpserver_gives),
	};

	return E2E_RUN(tests);
}
