/* SPDX-License-Identifier: MIT */
/* The server's files, and servers without them. */
#include "harness.h"

#include <dirent.h>
#include <limits.h>

#include "client.h"
#include "process.h"

static void assert_no_files(const struct server *s)
{
	DIR *dir = opendir(s->dir);
	struct dirent *entry;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.' && strncmp(entry->d_name, "stderr.", 7) != 0)
			fail_msg("there is %s", entry->d_name);
	closedir(dir);
}

static void start__without_a_pid_file__serves_says_so_and_keeps_none(void **state)
{
	static const char request[] = "GET /healthz HTTP/1.0\r\n\r\n";
	struct server *s = server_start(&(struct plan){
		.listen = { "127.0.0.1:0=ack", "127.0.0.1:0=status" }, .args = { "-p", "none" } });
	char answer[4096];
	int fd;

	(void)state;
	server_wait_event(s, "pid_file_omitted", NULL);
	client_ask(s->addresses[0], "x", ACK);
	fd = client_connect(s->addresses[1]);
	client_say(fd, request);
	client_drain(fd, answer, sizeof(answer));
	assert_non_null(strstr(answer, " 200 "));
	close(fd);
	kill(server_worker(s, 0), SIGKILL);
	server_wait_count(s, 2, "worker_ready", NULL);
	server_signal(s, SIGHUP);
	server_wait_event(s, "reload_finished", NULL);
	client_ask(s->addresses[0], "x", ACK);
	assert_no_files(s);
	server_stop(s);
	assert_no_files(s);
}

static bool has_open(pid_t pid, const char *path)
{
	char folder[64], link[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(folder, sizeof(folder), "/proc/%d/fd", pid);
	dir = opendir(folder);
	assert_non_null(dir);
	while (!found && (entry = readdir(dir)) != NULL) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);

		link[n > 0 ? n : 0] = '\0';
		found = strcmp(link, path) == 0;
	}
	closedir(dir);
	return found;
}

/* Any process that holds the descriptor would keep the lock. */
static void pid_file__is_open_in_the_master_alone(void **state)
{
	struct server *kept = server_start(&(struct plan){ 0 });
	struct server *bare = server_start(&(struct plan){ .set = { "keep_connections=no" } });

	(void)state;
	assert_true(has_open(kept->master, kept->pid_file));
	assert_false(has_open(server_keeper(kept, 0), kept->pid_file));
	assert_false(has_open(server_worker(kept, 0), kept->pid_file));
	assert_false(has_open(server_worker(bare, 0), bare->pid_file));
	server_stop(kept);
	server_stop(bare);
}

static void pid_file__of_a_killed_master__is_free_while_its_workers_finish(void **state)
{
	struct server *s =
		server_start(&(struct plan){ .listen = { "127.0.0.1:0=ack,framing=line" } });
	struct server *next;
	int fd = client_connect(FIRST(s));

	(void)state;
	client_say(fd, "one\ntw");
	client_hear(fd, ACK "\n");
	server_signal(s, SIGKILL);
	assert_int_equal(server_wait_exit(s), 128 + SIGKILL);
	next = server_start(&(struct plan){ .beside = s });
	client_ask(FIRST(next), "x", ACK);
	client_say(fd, "o\n");
	client_hear(fd, ACK "\n");
	client_expect_end(fd);
	close(fd);
	next->detaches = true; /* as may those of the other server, which end now */
	server_stop(next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(start__without_a_pid_file__serves_says_so_and_keeps_none),
		E2E(pid_file__is_open_in_the_master_alone),
		E2E(pid_file__of_a_killed_master__is_free_while_its_workers_finish),
	};

	return E2E_RUN(tests);
}
