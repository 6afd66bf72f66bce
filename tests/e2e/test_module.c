/* SPDX-License-Identifier: MIT */
/* A loaded service: each function of its header, its lines in the logs, and its counters. */
#include "harness.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "accessbook.h"
#include "client.h"
#include "modules.h"
#include "process.h"

static void ask(int fd, const char *line, const char *answer)
{
	client_say(fd, line);
	client_hear(fd, answer);
}

/* The module that has every hook, with a client that it has greeted. */
static struct server *start_every(const char *options, int *fd)
{
	struct server *s;

	modules_begin("every");
	s = server_start(&(struct plan){ .listen = { modules_listen(options) } });
	*fd = client_connect(FIRST(s));
	client_hear(*fd, "one hello\n");
	return s;
}

static void function__of_the_header__does_what_it_says(void **state)
{
	char answer[512], local[64];
	struct sockaddr_in in;
	socklen_t len = sizeof(in);
	struct server *s;
	int fd;

	(void)state;
	s = start_every(",arguments=size=8k,arguments=plain", &fd);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	snprintf(local, sizeof(local), "127.0.0.1:%d", ntohs(in.sin_port));
	snprintf(answer, sizeof(answer), "one remote %s local %s listen 127.0.0.1:0 worker 0\n",
		 local, FIRST(s));
	ask(fd, "addresses\n", answer);
	ask(fd, "arguments\n", "one 2 size=8k plain\n");
	ask(fd, "shared\nshared\n", "one 1 of 8192\none 2 of 8192\n");
	ask(fd, "fill\n", "filled\n");
	ask(fd, "wait\n", "late\n");
	ask(fd, "two\nthree\n", "one 7 two\none 8 three\n");
	client_say(fd, "finish\nmore\n");
	client_expect_end(fd);
	close(fd);
	server_stop(s);
}

static void text__as_long_as_the_room__is_written(void **state)
{
	static char text[64 * 1024 + 1];
	struct server *s;
	int fd;

	(void)state;
	s = start_every("", &fd);
	client_say(fd, "print\n");
	snprintf(text, sizeof(text), "%*s", (int)sizeof(text) - 1, "last\n");
	client_hear(fd, text);
	ask(fd, "next\n", "one 2 next\n");
	assert_int_equal(server_count(s, "module_logged", NULL), 0);
	close(fd);
	server_stop(s);
}

static void range__of_a_file_that_init_has_opened__is_sent(void **state)
{
	char path[112], argument[160];
	struct server *s;
	FILE *file;
	int fd;

	(void)state;
	modules_begin("every");
	snprintf(path, sizeof(path), "%s.data", modules_path);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs("0123456789", file) >= 0);
	assert_int_equal(fclose(file), 0);
	snprintf(argument, sizeof(argument), ",arguments=file=%s", path);
	s = server_start(&(struct plan){ .listen = { modules_listen(argument) } });
	fd = client_connect(FIRST(s));
	client_hear(fd, "one hello\n");
	ask(fd, "file\nthen\n", "2345one 2 then\n");
	/* the descriptor is not the worker's alone */
	for (unsigned deaths = 1; deaths <= 2; deaths++) {
		pid_t victim = server_worker(s, 0);

		WAIT_UNTIL(s, process_sleeps(victim));
		kill(victim, SIGKILL);
		server_wait_count(s, deaths, "connections_recovered", NULL);
		ask(fd, "file\n", "2345");
	}
	assert_int_equal(server_count(s, "module_logged", "message=\"a range leaves room\""), 0);
	close(fd);
	server_stop(s);
}

static void end__for_a_reason__is_in_the_access_log(void **state)
{
	struct server *s;
	int fd;

	(void)state;
	modules_begin("every");
	s = accessbook_start((struct plan){ .listen = { modules_listen("") } });
	fd = client_connect(FIRST(s));
	client_say(fd, "finish\n");
	client_hear(fd, "one hello\n");
	client_expect_end(fd);
	close(fd);
	fd = client_connect(FIRST(s));
	client_say(fd, "abort\n");
	(void)client_drain(fd, NULL, 0);
	close(fd);
	server_wait_count(s, 2, "connection_ended", "ending=service_ended");
	fd = client_connect(FIRST(s));
	client_say(fd, "odd\n");
	(void)client_drain(fd, NULL, 0);
	close(fd);
	fd = client_connect(FIRST(s));
	client_hear(fd, "one hello\n");
	close(fd);
	server_wait_event(s, "connection_ended", "ending=client_closed");
	server_end(s, SIGTERM, 0);
	accessbook_expect(s, "ending=service_ended state=-- detail=\"was told to\"\n");
	accessbook_expect(s, " detail=\"a reason that is longer than th\"\n");
	accessbook_expect(s, " detail=verdict_invalid\n");
	accessbook_expect(s, "ending=client_closed state=--\n");
}

static void line__of_a_module__is_logged(void **state)
{
	struct server *s;
	int fd;

	(void)state;
	s = start_every("", &fd);
	client_say(fd, "log\n");
	server_wait_event(s, "module_logged",
			  "module=every listen=127.0.0.1:0 message=\"said by a module\"");
	close(fd);
	server_wait_event(s, "module_logged", "message=\"closed: client_closed\"");
	server_stop(s);
}

static void counters__of_a_module__are_shown_everywhere(void **state)
{
	char page[65536];
	struct server *s;
	unsigned count;
	int fd;

	(void)state;
	modules_begin("every");
	s = server_start(&(struct plan){ .listen = { modules_listen(""), "127.0.0.1:0=status" } });
	fd = client_connect(FIRST(s));
	client_hear(fd, "one hello\n");
	ask(fd, "a\nb\nc\n", "one 1 a\none 2 b\none 3 c\n");
	assert_int_equal(server_verb(s, "status", page, sizeof(page)), 0);
	assert_non_null(strstr(page, "COUNTERS"));
	assert_int_equal(sscanf(strstr(page, "  commands "), " commands %u", &count), 1);
	assert_int_equal(count, 3);
	close(fd);
	fd = client_connect(s->addresses[1]);
	client_say(fd, "GET /metrics HTTP/1.0\r\n\r\n");
	client_drain(fd, page, sizeof(page));
	close(fd);
	assert_non_null(strstr(page, ",service=\"module\",counter=\"commands\"} 3\n"));
	assert_non_null(strstr(page, ",service=\"module\",counter=\"bytes_sent\"} 0\n"));
	fd = client_connect(s->addresses[1]);
	client_say(fd, "GET /status.json HTTP/1.0\r\n\r\n");
	client_drain(fd, page, sizeof(page));
	close(fd);
	assert_non_null(strstr(page, "\"module_counts_total\":{\"commands\":3,\"bytes_sent\":0}"));
	fd = client_connect(s->addresses[1]);
	client_say(fd, "GET / HTTP/1.0\r\n\r\n");
	client_drain(fd, page, sizeof(page));
	close(fd);
	assert_non_null(strstr(page, ">commands</td>"));
	server_stop(s);
}

/* A module that takes nothing of a full buffer must not stop its worker. */
static void input__that_a_module_never_takes__ends_its_connection(void **state)
{
	static char endless[80 * 1024];
	struct server *s;
	int fd;

	(void)state;
	memset(endless, 'x', sizeof(endless));
	s = start_every("", &fd);
	client_send(fd, endless, sizeof(endless));
	server_wait_event(s, "connection_ended", "ending=message_too_long");
	close(fd);
	assert_int_equal(server_count(s, "worker_crashed", NULL), 0);
	server_stop(s);
}

static void module__without_keepers__is_loaded_by_the_worker(void **state)
{
	struct server *s;
	int fd;

	(void)state;
	modules_begin("every");
	s = server_start(&(struct plan){ .listen = { modules_listen("") },
					 .set = { "keep_connections=no" } });
	fd = client_connect(FIRST(s));
	client_hear(fd, "one hello\n");
	ask(fd, "shared\n", "one 1 of 4096\n");
	close(fd);
	server_stop(s);
}

/* Two listeners of one file share its static variables, and neither memory nor arguments. */
static void module__of_two_listeners__knows_them_apart(void **state)
{
	char conf[512];
	struct server *s;
	int fds[2];

	(void)state;
	modules_begin("every");
	snprintf(conf, sizeof(conf),
		 "listen \"127.0.0.1:0\" { service = module\n module = \"%s\"\n arguments = {a} }\n"
		 "listen \"127.0.0.2:0\" { service = module\n module = \"%s\"\n"
		 " arguments = {b, \"size=64k\"} }\n",
		 modules_path, modules_path);
	s = server_start(&(struct plan){ .conf = conf, .workers = 1 });
	for (int i = 0; i < 2; i++) {
		fds[i] = client_connect(s->addresses[i]);
		client_hear(fds[i], "one hello\n");
	}
	ask(fds[0], "shared\narguments\n", "one 1 of 4096\none 1 a\n");
	ask(fds[1], "shared\narguments\n", "one 1 of 65536\none 2 b size=64k\n");
	ask(fds[0], "shared\n", "one 2 of 4096\n");
	close(fds[0]);
	close(fds[1]);
	server_stop(s);
}

static void start__with_a_module_that_crashes__is_refused(void **state)
{
	char said[2048], where[256];
	const char *listen;

	(void)state;
	modules_begin("odd_constructor");
	listen = modules_listen("");
	snprintf(where, sizeof(where),
		 "prefork-srv: -l %s: listen.module: \"%s\" crashed while it was loaded (signal 11",
		 listen, modules_path);
	assert_int_equal(harness_run(said, sizeof(said),
				     (const char *[]){ "-t", "-p", "none", "-l", listen, NULL }),
			 78);
	assert_non_null(strstr(said, where));
	assert_int_equal(harness_run(said, sizeof(said),
				     (const char *[]){ "-p", "none", "-l", listen, NULL }),
			 78);
	assert_non_null(strstr(said, where));
}

/* The page in which the kernel writes the pids of workers is the keeper's too, which loads it. */
static void module__that_forges_its_worker__directs_no_signal(void **state)
{
	char said[4096], argument[64];
	pid_t victim = fork();
	int status;

	(void)state;
	while (victim == 0)
		pause();
	assert_true(victim > 0);
	modules_begin("odd_forger");
	snprintf(argument, sizeof(argument), ",arguments=victim=%d", victim);
	assert_int_equal(harness_run(said, sizeof(said),
				     (const char *[]){ "-p", "none", "-w", "1", "-o",
						       "hang_timeout=300ms", "-l",
						       modules_listen(argument), NULL }),
			 71);
	assert_non_null(strstr(said, "its keeper names a process that is not its worker"));
	assert_int_equal(kill(victim, SIGKILL), 0);
	assert_int_equal(waitpid(victim, &status, 0), victim);
	assert_int_equal(WTERMSIG(status), SIGKILL); /* of no signal before */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(function__of_the_header__does_what_it_says),
		E2E(text__as_long_as_the_room__is_written),
		E2E(range__of_a_file_that_init_has_opened__is_sent),
		E2E(end__for_a_reason__is_in_the_access_log),
		E2E(line__of_a_module__is_logged),
		E2E(counters__of_a_module__are_shown_everywhere),
		E2E(input__that_a_module_never_takes__ends_its_connection),
		E2E(module__without_keepers__is_loaded_by_the_worker),
		E2E(module__of_two_listeners__knows_them_apart),
		E2E(start__with_a_module_that_crashes__is_refused),
		E2E(module__that_forges_its_worker__directs_no_signal),
	};

	return E2E_RUN(tests);
}
