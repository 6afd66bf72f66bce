/* SPDX-License-Identifier: MIT */
/* Writes configurations with a program, and talks to its copies. */
#include "copy.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "client.h"
#include "process.h"

enum { CONF_SIZE = 4096 };

static const char *app(void)
{
	static char path[512];
	const char *folder = getenv("TOP_BUILDDIR");

	assert_non_null(folder);
	snprintf(path, sizeof(path), "%s/tests/e2e/copy_app", folder);
	return path;
}

/* An executable file with that text. */
static const char *write_script(const char *text)
{
	static char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/script", harness_folder());
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	return path;
}

static size_t add_command(char *text, size_t size, const struct copy_plan *plan)
{
	size_t used;

	if (plan->script)
		return (size_t)snprintf(text, size, "\"%s\"", write_script(plan->script));
	if (plan->shell)
		return (size_t)snprintf(text, size, "\"/bin/sh\", \"-c\", '%s', \"%s\"",
					plan->shell, app());
	used = (size_t)snprintf(text, size, "\"%s\"", app());
	for (unsigned i = 0; i < 4 && plan->words[i]; i++)
		used += (size_t)snprintf(text + used, size - used, ", \"%s\"", plan->words[i]);
	return used;
}

/* The user is this one, who can reach the program. */
static const char *write_conf(const struct copy_plan *plan, const char *address)
{
	static char conf[CONF_SIZE];
	char command[1024];

	add_command(command, sizeof(command), plan);
	snprintf(conf, sizeof(conf),
		 "workers = 1\nuser = root\n%s\n%s"
		 "program app {\ncommand = {%s}\ncopies = %u\n%s}\n"
		 "listen \"%s\" { service = %s }\n%s",
		 plan->main ? plan->main : "",
		 plan->has_service ?
			 "listen \"127.0.0.1:0\" { service = program  program = app }\n" :
			 "",
		 command, plan->copies ? plan->copies : 1, plan->options ? plan->options : "",
		 address, plan->has_service ? "ack" : "program  program = app",
		 plan->more_listens ? plan->more_listens : "");
	return conf;
}

struct server *copy_launch(const struct copy_plan *plan)
{
	return server_launch(&(struct plan){ .conf = write_conf(plan, "127.0.0.1:0") });
}

struct server *copy_server(const struct copy_plan *plan)
{
	struct server *s = copy_launch(plan);

	server_wait_ready(s);
	return s;
}

void copy_configure(struct server *s, const struct copy_plan *plan)
{
	server_configure(s, write_conf(plan, "127.0.0.1:0"));
}

void copy_ask(const char *address, const char *line, const char *answer)
{
	int fd = client_connect(address);

	client_say(fd, line);
	client_say(fd, "\n");
	client_hear(fd, answer);
	close(fd);
}

pid_t copy_pid(const char *address)
{
	int fd = client_connect(address);
	char text[32] = "";

	client_say(fd, "pid\n");
	client_half_close(fd);
	client_drain(fd, text, sizeof(text));
	close(fd);
	return (pid_t)strtol(text, NULL, 10);
}

int64_t copy_figure(const struct server *s, const char *name)
{
	const char *const arguments[] = { "-p", s->pid_file, "-s", "status", "--json", NULL };
	static char all[65536];
	char begin[64];
	const char *at;

	assert_int_equal(harness_run(all, sizeof(all), arguments), 0);
	snprintf(begin, sizeof(begin), "\"%s\":", name);
	at = strstr(all, begin);
	assert_non_null(at);
	return strtoll(at + strlen(begin), NULL, 10);
}

void copy_stop(struct server *s, pid_t below)
{
	server_signal(s, SIGTERM);
	assert_int_equal(server_wait_exit(s), 0);
	WAIT_UNTIL(s, below == 0 || !process_lives(below));
	process_end_children();
	server_check(s, 0, 0);
}

int copy_hold(const char *address, const char *flag)
{
	int fd = client_connect(address);

	client_say(fd, "flag\n");
	client_hear(fd, flag);
	return fd;
}

void copy_reload(struct server *s)
{
	char said[256] = "";

	if (server_verb(s, "reload", said, sizeof(said)) != 0)
		server_fail(s, "%s", said);
}

const char *copy_said(const struct server *s, const char *text)
{
	static char all[65536];
	int fd = open(s->stderr_path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? 0 : read(fd, all, sizeof(all) - 1);

	if (fd >= 0)
		close(fd);
	all[got > 0 ? got : 0] = '\0';
	return strstr(all, text);
}
