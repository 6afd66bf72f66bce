/* SPDX-License-Identifier: MIT */
/* The client reads until the end of the connection, so that it knows nothing of lengths. */
#include "web.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "process.h"

char web_answer[WEB_ANSWER];
const char *web_folder;

const char *web_ask(const struct server *s, const char *request)
{
	int fd = client_connect(FIRST(s));

	client_say(fd, request);
	client_drain(fd, web_answer, sizeof(web_answer));
	close(fd);
	return web_answer;
}

const char *web_body(void)
{
	const char *at = strstr(web_answer, "\r\n\r\n");

	assert_non_null(at);
	return at + 4;
}

void web_is_file(const char *text)
{
	web_begins(web_answer, "HTTP/1.1 200 OK\r\n");
	assert_string_equal(web_body(), text);
}

void web_serves(const struct server *s, const char *text)
{
	web_ask(s, "GET /a.txt" WEB_LAST);
	web_is_file(text);
}

void web_begins(const char *text, const char *beginning)
{
	if (strncmp(text, beginning, strlen(beginning)) != 0)
		fail_msg("\"%.200s\" does not begin with \"%s\"", text, beginning);
}

void web_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%.400s\" has no \"%s\"", text, part);
}

void web_make_folder(void)
{
	web_folder = harness_folder();
	assert_int_equal(chmod(web_folder, 0755), 0);
}

void web_put(const char *name, const char *text)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", web_folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, 0644), 0);
}

void web_age(const char *name)
{
	const struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", web_folder, name);
	assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
}

void web_wait_settled(const char *name)
{
	char path[256];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", web_folder, name);
	do {
		harness_tick();
		assert_int_equal(stat(path, &st), 0);
	} while (st.st_ctim.tv_sec + 2 > time(NULL));
}

void web_put_folder(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", web_folder, name);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(chmod(path, 0755), 0);
}

void web_put_link(const char *target, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", web_folder, name);
	assert_int_equal(symlink(target, path), 0);
}

struct server *web_serve(const char *options)
{
	char listen[512];

	snprintf(listen, sizeof(listen), "127.0.0.1:0=http,root=%s%s", web_folder, options);
	return server_start(&(struct plan){ .listen = { listen }, .workers = 1 });
}

void web_wait_sent(struct server *s, int fd)
{
	pid_t pid = server_worker(s, 0);
	int before, waiting = -1;

	do {
		before = waiting;
		harness_tick();
		assert_int_equal(ioctl(fd, FIONREAD, &waiting), 0);
	} while (waiting != before || !process_sleeps(pid));
}

void web_kill_worker(struct server *s, int fd)
{
	pid_t pid = server_worker(s, 0);

	do
		web_wait_sent(s, fd);
	while (!process_stop_waiting(pid));
	server_mark(s);
	assert_int_equal(kill(pid, SIGKILL), 0);
	server_wait_event(s, "connections_recovered", NULL);
}

const char *web_conf(const char *lines)
{
	static char conf[8192];

	snprintf(conf, sizeof(conf),
		 "listen \"127.0.0.1:0\" {\n\tservice = http\n\troot = \"%s\"\n%s\n}\n", web_folder,
		 lines);
	return conf;
}
