/* SPDX-License-Identifier: MIT */
/* Programs in a reload and beside built-in services; replacement, watchdog and output. */
#include "harness.h"

#include <fcntl.h>

#include "base/output_lines.h"
#include "client.h"
#include "copy.h"
#include "figures.h"
#include "process.h"

static char text[65536];

/* Asks until the event has come so many times: each answer has to come. */
static unsigned ask_until(struct server *s, unsigned n, const char *event, const char *fields)
{
	int64_t until_ms = clock_ms() + WAIT_MS;
	unsigned asked = 0;

	while (server_count(s, event, fields) < n) {
		if (clock_ms() > until_ms)
			server_fail(s, "%s did not come", event);
		copy_ask(FIRST(s), "listen", "mine 1 app\n");
		asked++;
	}
	return asked;
}

static void reload__under_load__loses_no_request(void **state)
{
	struct server *s = copy_server(&(struct copy_plan){
		.words = { "ready" }, .copies = 2, .options = "nonblocking = yes\n" });

	(void)state;
	for (unsigned i = 1; i <= 3; i++) {
		server_signal(s, SIGHUP);
		assert_true(ask_until(s, i, "reload_finished", NULL) > 0);
	}
	ask_until(s, 6, "program_exited", "code=0");
	assert_int_equal(server_count(s, "program_crashed", NULL), 0);
	server_stop(s);
}

static void reload__to_a_program_that_never_reports__keeps_the_old_copies(void **state)
{
	struct server *s = copy_server(&(struct copy_plan){ .words = { "ready" } });
	pid_t pid = copy_pid(FIRST(s));

	(void)state;
	s->errors[0] = "reload_failed";
	copy_configure(s, &(struct copy_plan){
				  .options = "ready_after = notify\nready_timeout = 200ms\n" });
	assert_int_equal(server_verb(s, "reload", text, sizeof(text)), 1);
	assert_non_null(strstr(text, "program \"app\": new copy 0 was not ready within "
				     "ready_timeout, 200 ms"));
	assert_int_equal(copy_pid(FIRST(s)), pid);
	server_wait_event(s, "program_exited", "reason=retired");
	server_stop(s);
}

/* -s reload waits so long: its own limit is shorter. */
static void reload__to_a_program_that_may_take_long__tells_how_long(void **state)
{
	struct server *s = copy_server(&(struct copy_plan){ .words = { "ready" } });

	(void)state;
	copy_configure(
		s, &(struct copy_plan){ .options = "ready_after = notify\nready_timeout = 20m\n" });
	server_signal(s, SIGHUP);
	WAIT_UNTIL(s, figures_reload_left_ms(s) > 19 * 60 * 1000);
	assert_true(figures_reload_left_ms(s) < 22 * 60 * 1000);
	s->errors[0] = "reload_failed";
	server_stop(s);
}

static void reload__to_a_program_that_ends_at_once__keeps_the_old_copies(void **state)
{
	struct server *s = copy_server(&(struct copy_plan){ .words = { "ready" } });
	pid_t pid = copy_pid(FIRST(s));

	(void)state;
	s->errors[0] = "reload_failed";
	copy_configure(s, &(struct copy_plan){ .words = { "fail" } });
	assert_int_equal(server_verb(s, "reload", text, sizeof(text)), 1);
	assert_non_null(strstr(text, "cannot-find-the-database"));
	assert_int_equal(copy_pid(FIRST(s)), pid);
	server_stop(s);
}

static void reload__to_a_program_that_does_not_exist__is_refused(void **state)
{
	struct server *s = copy_server(&(struct copy_plan){ .words = { "ready" } });
	pid_t pid = copy_pid(FIRST(s));

	(void)state;
	s->errors[0] = "reload_failed";
	server_configure(s, "user = root\nprogram app { command = {\"/no/such\"} }\n"
			    "listen \"127.0.0.1:0\" { service = program  program = app }\n");
	assert_int_equal(server_verb(s, "reload", text, sizeof(text)), 1);
	assert_non_null(strstr(text, ": program.command: \"/no/such\" does not exist"));
	assert_int_equal(copy_pid(FIRST(s)), pid);
	server_stop(s);
}

/* Connects as often as it takes until the answer is this one. */
static bool answers(struct server *s, const char *line, const char *answer)
{
	int fd = client_connect(FIRST(s));
	char got[128] = "";

	client_say(fd, line);
	client_half_close(fd);
	client_drain(fd, got, sizeof(got));
	close(fd);
	return strcmp(got, answer) == 0;
}

static const char built_in[] =
	"workers = 1\nuser = root\nlisten \"127.0.0.1:0\" { service = echo }\n";

static void listener__changes_between_service_and_program__both_ways(void **state)
{
	struct server *s = copy_server(&(struct copy_plan){ .words = { "ready" } });

	(void)state;
	assert_int_equal(server_workers(s, (pid_t[4]){ 0 }, 4), 0);
	for (unsigned i = 0; i < 2; i++) {
		server_configure(s, built_in);
		copy_reload(s);
		WAIT_UNTIL(s, answers(s, "listen\n", "listen\n"));
		copy_configure(s, &(struct copy_plan){ .words = { "ready" } });
		copy_reload(s);
		WAIT_UNTIL(s, answers(s, "listen\n", "mine 1 app\n"));
		WAIT_UNTIL(s, answers(s, "flag\n", "blocking\n"));
	}
	assert_int_equal(server_count(s, "program_crashed", NULL), 0);
	assert_int_equal(server_count(s, "listener_mended", NULL), 0);
	server_stop(s);
}

/* The inode of the socket that listens on that port of 127.0.0.1 (proc(5), /proc/net/tcp). */
static unsigned long find_inode(const char *address)
{
	unsigned port = (unsigned)strtoul(strrchr(address, ':') + 1, NULL, 10), found, state;
	FILE *file = fopen("/proc/net/tcp", "re");
	unsigned long inode = 0, number;
	char line[256];

	while (file && inode == 0 && fgets(line, sizeof(line), file))
		if (sscanf(line, " %*u: 0100007F:%x %*s %x %*s %*s %*s %*s %*s %lu", &found, &state,
			   &number) == 3 &&
		    found == port && state == 0xa)
			inode = number;
	if (file)
		fclose(file);
	return inode;
}

static bool holds_socket(pid_t pid, unsigned long inode)
{
	char path[64], link[64], wanted[64];
	ssize_t length;

	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	for (int fd = 0; fd < 1024; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
		length = readlink(path, link, sizeof(link) - 1);
		if (length < 0)
			continue;
		link[length] = '\0';
		if (strcmp(link, wanted) == 0)
			return true;
	}
	return false;
}

static void service__beside_a_program__has_workers_without_its_sockets(void **state)
{
	struct server *s =
		copy_server(&(struct copy_plan){ .words = { "ready" }, .has_service = true });
	pid_t worker = server_worker(s, 0);

	(void)state;
	client_ask(s->addresses[1], "x", ACK);
	copy_ask(FIRST(s), "listen", "mine 1 app\n");
	assert_true(holds_socket(worker, find_inode(s->addresses[1])));
	assert_false(holds_socket(worker, find_inode(FIRST(s))));
	assert_true(holds_socket(copy_pid(FIRST(s)), find_inode(FIRST(s))));
	assert_false(holds_socket(copy_pid(FIRST(s)), find_inode(s->addresses[1])));
	kill(worker, SIGKILL);
	server_wait_event(s, "worker_crashed", NULL);
	client_ask(s->addresses[1], "x", ACK);
	copy_ask(FIRST(s), "listen", "mine 1 app\n");
	server_stop(s);
}

static void copy__without_watchdog_messages__is_replaced(void **state)
{
	struct server *s = copy_server(&(struct copy_plan){ .words = { "ready", "beat" },
							    .options = "watchdog = 300ms\n" });
	pid_t pid = copy_pid(FIRST(s));

	(void)state;
	copy_ask(FIRST(s), "mute", "done\n");
	server_wait_event(s, "program_hung", "copy=0");
	server_wait_event(s, "program_crashed", "signal=6 reason=watchdog");
	server_wait_count(s, 2, "program_ready", "copy=0");
	assert_int_not_equal(copy_pid(FIRST(s)), pid);
	server_stop(s);
}

/* ready_timeout is its limit until then. */
static void copy__before_it_is_ready__need_not_beat(void **state)
{
	struct server *s = copy_server(
		&(struct copy_plan){ .options = "watchdog = 50ms\nready_after = 500ms\n" });

	(void)state;
	assert_int_equal(server_count(s, "program_started", "copy=0"), 1);
	server_wait_event(s, "program_ready", "copy=0");
	server_wait_event(s, "program_crashed", "signal=6 reason=watchdog");
	server_stop(s);
}

static void copy__that_leaks__is_replaced_without_a_failed_request(void **state)
{
	struct server *s = copy_server(&(struct copy_plan){
		.words = { "ready" }, .options = "max_memory = 20m\nnonblocking = yes\n" });

	(void)state;
	copy_ask(FIRST(s), "leak", "done\n");
	ask_until(s, 1, "program_recycled", "reason=max_memory");
	ask_until(s, 1, "program_exited", "copy=0 reason=max_memory");
	server_wait_event(s, "program_ready", "copy=1");
	server_stop(s);
}

static void copy__of_max_age__is_replaced(void **state)
{
	struct server *s = copy_server(
		&(struct copy_plan){ .words = { "ready" }, .options = "max_age = 1s\n" });

	(void)state;
	server_wait_event(s, "program_recycled", "reason=max_age");
	server_wait_event(s, "program_exited", "reason=max_age");
	server_stop(s);
}

static void output__that_floods__is_counted_and_stops_nobody(void **state)
{
	struct server *s = copy_server(&(struct copy_plan){ .words = { "ready" } });
	const char *line;

	(void)state;
	copy_ask(FIRST(s), "flood", "done\n");
	line = server_wait_event(s, "program_output_lost", "stream=stdout");
	assert_int_equal(line_number(line, "lines") +
				 server_count(s, "program_output", "stream=stdout"),
			 3000);
	copy_ask(FIRST(s), "listen", "mine 1 app\n");
	server_stop(s);
}

/* yes(1) writes lines of two bytes, as many as anybody reads. */
static void output__without_end__is_read_no_faster_than_its_limit(void **state)
{
	struct server *s = copy_server(&(struct copy_plan){ .shell = "yes & exec \"$0\" ready" });
	long most = (OUTPUT_LINES_BYTES_A_SECOND + OUTPUT_LINES_AT_ONCE) / 2;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		const char *line = server_wait_event(s, "program_output_lost", "stream=stdout");

		assert_in_range(line_number(line, "lines"), 1, most);
		server_mark(s);
		copy_ask(FIRST(s), "listen", "mine 1 app\n");
	}
	copy_stop(s, 0);
}

/* Clients that are gone before they are accepted; then one that stays. */
static void come_and_go(struct server *s, const char *line, const char *answer)
{
	for (unsigned i = 0; i < 20; i++)
		client_reset(client_connect(FIRST(s)));
	copy_ask(FIRST(s), line, answer);
}

static void flag__changed_by_a_copy__is_that_of_all_and_of_the_next_ones(void **state)
{
	struct server *s = copy_server(&(struct copy_plan){ .words = { "ready" }, .copies = 2 });

	(void)state;
	copy_ask(FIRST(s), "unblock", "done\n");
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned k = 0; k < 4; k++)
			come_and_go(s, "flag", "nonblocking\n");
		copy_reload(s);
	}
	copy_ask(FIRST(s), "block", "done\n");
	come_and_go(s, "flag", "blocking\n");
	assert_int_equal(server_count(s, "program_crashed", NULL), 0);
	server_stop(s);
}

/* The client goes that has kept the old copy. */
static void end_old(struct server *s, int client)
{
	close(client);
	server_wait_event(s, "program_exited", "reason=retired");
}

static void flag__of_another_command__is_as_configured_until_one_changes_it(void **state)
{
	struct server *s = copy_server(&(struct copy_plan){ .words = { "ready" } });
	int old = copy_hold(FIRST(s), "blocking\n");

	(void)state;
	copy_configure(s, &(struct copy_plan){ .words = { "beat", "ready" },
					       .options = "nonblocking = yes\n" });
	copy_reload(s);
	come_and_go(s, "flag", "nonblocking\n");
	client_say(old, "block\n");
	client_hear(old, "done\n");
	come_and_go(s, "flag", "blocking\n");
	end_old(s, old);
	come_and_go(s, "flag", "blocking\n");
	assert_int_equal(server_count(s, "program_crashed", NULL), 0);
	server_stop(s);
}

/* The old copy, which a client keeps, makes the socket blocking while workers have it. */
static void workers__beside_a_copy_that_changes_the_flag__never_block(void **state)
{
	struct server *s = copy_server(
		&(struct copy_plan){ .words = { "ready" }, .options = "nonblocking = yes\n" });
	int old = copy_hold(FIRST(s), "nonblocking\n");

	(void)state;
	server_configure(s, built_in);
	copy_reload(s);
	for (unsigned i = 0; i < 4; i++) {
		client_say(old, i % 2 == 0 ? "block\n" : "unblock\n");
		client_hear(old, "done\n");
		come_and_go(s, "x", "x");
	}
	end_old(s, old);
	come_and_go(s, "x", "x");
	assert_int_equal(server_count(s, "worker_hung", NULL), 0);
	server_stop(s);
}

static void status__shows_copies(void **state)
{
	struct server *s = copy_server(&(struct copy_plan){ .words = { "ready" }, .copies = 2 });

	(void)state;
	WAIT_UNTIL(s, harness_run(text, sizeof(text),
				  (const char *const[]){ "-p", s->pid_file, "-s", "status",
							 "--json", NULL }) == 0 &&
			      strstr(text, "\"program_copies_ready\":2"));
	assert_non_null(strstr(text, "\"program\":\"app\",\"is_gone\":false"));
	assert_non_null(strstr(text, "\"state\":\"ready\",\"status\":\"warm\""));
	WAIT_UNTIL(s, server_verb(s, "status", text, sizeof(text)) == 0 &&
			      strstr(text, "   serving\n"));
	assert_non_null(strstr(text, "PROGRAMS"));
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(reload__under_load__loses_no_request),
		E2E(reload__to_a_program_that_never_reports__keeps_the_old_copies),
		E2E(reload__to_a_program_that_may_take_long__tells_how_long),
		E2E(reload__to_a_program_that_ends_at_once__keeps_the_old_copies),
		E2E(reload__to_a_program_that_does_not_exist__is_refused),
		E2E(listener__changes_between_service_and_program__both_ways),
		E2E(service__beside_a_program__has_workers_without_its_sockets),
		E2E(copy__without_watchdog_messages__is_replaced),
		E2E(copy__before_it_is_ready__need_not_beat),
		E2E(copy__that_leaks__is_replaced_without_a_failed_request),
		E2E(copy__of_max_age__is_replaced),
		E2E(output__that_floods__is_counted_and_stops_nobody),
		E2E(output__without_end__is_read_no_faster_than_its_limit),
		E2E(flag__changed_by_a_copy__is_that_of_all_and_of_the_next_ones),
		E2E(flag__of_another_command__is_as_configured_until_one_changes_it),
		E2E(workers__beside_a_copy_that_changes_the_flag__never_block),
		E2E(status__shows_copies),
	};

	return E2E_RUN(tests);
}
