/* SPDX-License-Identifier: MIT */
/* Programs as workers: what a copy finds, how it becomes ready, ends, and is replaced. */
#include "harness.h"

#include <sys/stat.h>

#include "client.h"
#include "copy.h"
#include "process.h"

static void copy__finds_its_listeners_from_descriptor_3_on(void **state)
{
	struct server *s = copy_server(&(struct copy_plan){
		.words = { "ready" },
		.more_listens = "listen \"127.0.0.1:0\" { service = program  program = app  "
				"fd_name = \"other\" }\n" });

	(void)state;
	copy_ask(FIRST(s), "listen", "mine 2 app:other\n");
	copy_ask(FIRST(s), "flag", "blocking\n");
	server_stop(s);
}

static void command__that_names_a_socket__gets_no_variables_and_the_log_says_so(void **state)
{
	struct server *s = copy_server(
		&(struct copy_plan){ .words = { "ready", "--bind=fd://3" }, .copies = 2 });

	(void)state;
	copy_ask(FIRST(s), "listen", "foreign none none\n");
	assert_int_equal(server_count(s, "program_told", "program=app"), 1);
	copy_configure(s,
		       &(struct copy_plan){ .words = { "ready", "fd://4", "fd://2", "fd://x" } });
	copy_reload(s);
	server_wait_count(s, 2, "program_exited", NULL);
	copy_ask(FIRST(s), "listen", "mine 1 app\n");
	assert_int_equal(server_count(s, "program_told", NULL), 1);
	server_stop(s);
}

static void copy__inherits_nothing_else(void **state)
{
	struct server *s;

	(void)state;
	setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1);
	signal(SIGHUP, SIG_IGN);
	s = copy_server(&(struct copy_plan){ .words = { "ready" }, .main = "umask = 027\n" });
	s->errors[0] = "notify_failed";
	signal(SIGHUP, SIG_DFL);
	unsetenv("NOTIFY_SOCKET");
	copy_ask(FIRST(s), "facts",
		 "0 1 2 3 4 SigBlk:\t0000000000000000 SigIgn:\t0000000000000000 umask 027 session "
		 "own server's no\n");
	server_stop(s);
}

/* A wrapper that executes the program keeps its pid; one that forks does not. */
static void wrapper__that_executes__keeps_the_pid(void **state)
{
	struct server *s = copy_server(&(struct copy_plan){ .shell = "exec \"$0\" ready" });

	(void)state;
	copy_ask(FIRST(s), "listen", "mine 1 app\n");
	server_stop(s);
}

static void wrapper__that_forks__is_told_of_and_ended_whole(void **state)
{
	struct server *s = copy_server(&(struct copy_plan){ .shell = "\"$0\" ready & wait" });
	pid_t below;

	(void)state;
	server_wait_event(s, "program_ready", "how=ready_after");
	below = copy_pid(FIRST(s));
	assert_int_equal(line_number(server_wait_event(s, "program_notify_ignored", "copy=0"),
				     "sender_pid"),
			 below);
	copy_ask(FIRST(s), "listen", "foreign 1 app\n");
	copy_stop(s, below);
}

static void wrapper__that_forks__is_not_ready_by_what_its_child_says(void **state)
{
	struct server *s = copy_launch(
		&(struct copy_plan){ .shell = "\"$0\" ready & wait",
				     .options = "ready_after = notify\nready_timeout = 1s\n" });

	(void)state;
	assert_int_equal(server_wait_exit(s), 71);
	server_wait_event(s, "program_notify_ignored", "copy=0");
	assert_non_null(copy_said(s, "copy 0 was not ready within ready_timeout"));
	process_end_children();
	server_check(s, 71, 71);
}

static void copies__are_as_many_as_asked_and_ttin_and_ttou_change_them(void **state)
{
	struct server *s = copy_server(&(struct copy_plan){ .words = { "ready" }, .copies = 2 });

	(void)state;
	assert_int_equal(server_count(s, "program_ready", NULL), 2);
	server_signal(s, SIGTTIN);
	server_wait_event(s, "programs_changed", "copies=3");
	server_wait_event(s, "program_ready", "copy=2");
	server_signal(s, SIGTTOU);
	server_wait_event(s, "program_exited", "copy=2");
	server_signal(s, SIGTTOU);
	server_wait_event(s, "programs_changed", "copies=1");
	copy_ask(FIRST(s), "listen", "mine 1 app\n");
	server_stop(s);
}

static void copy__that_says_nothing__is_ready_after_a_time(void **state)
{
	struct server *s = copy_server(&(struct copy_plan){ .options = "ready_after = 50ms\n" });

	(void)state;
	server_wait_event(s, "program_ready", "how=ready_after");
	server_stop(s);
}

static void copy__that_never_reports__fails_the_start(void **state)
{
	struct server *s = copy_launch(
		&(struct copy_plan){ .options = "ready_after = notify\nready_timeout = 200ms\n" });

	(void)state;
	server_end(s, 0, 71);
	assert_non_null(copy_said(s, "program \"app\": copy 0 was not ready within ready_timeout, "
				     "200 ms (with ready_after = notify it has to send READY=1)"));
}

/* The first copy reports, the second one does not while there is a file, the third one does. */
static void copy__that_never_reports__later__is_killed_and_replaced(void **state)
{
	char shell[4096], path[2048];
	struct server *s;

	(void)state;
	snprintf(path, sizeof(path), "%s/mute", harness_folder());
	snprintf(shell, sizeof(shell), "exec \"$0\" $(test -e %s || echo ready)", path);
	s = copy_server(&(struct copy_plan){
		.shell = shell, .options = "ready_after = notify\nready_timeout = 500ms\n" });
	assert_int_equal(mkdir(path, 0755), 0);
	kill(copy_pid(FIRST(s)), SIGKILL);
	server_wait_event(s, "program_late", "copy=0");
	assert_int_equal(rmdir(path), 0);
	server_wait_event(s, "program_crashed", "reason=ready_timeout");
	server_wait_count(s, 2, "program_ready", "copy=0");
	copy_ask(FIRST(s), "listen", "mine 1 app\n");
	server_stop(s);
}

static void copy__killed__is_replaced_and_named(void **state)
{
	struct server *s = copy_server(&(struct copy_plan){ .words = { "ready" } });
	pid_t first = copy_pid(FIRST(s));
	int fd;

	(void)state;
	kill(first, SIGKILL);
	server_wait_event(s, "program_crashed", "copy=0");
	server_wait_count(s, 2, "program_ready", "copy=0");
	assert_int_not_equal(copy_pid(FIRST(s)), first);
	fd = client_connect(FIRST(s));
	client_say(fd, "say something-went-wrong\nexit\n");
	server_wait_event(s, "program_output", "stream=stderr text=something-went-wrong");
	server_wait_event(s, "program_crashed", "code=3");
	server_wait_event(s, "program_crashed", "last_line=something-went-wrong");
	close(fd);
	server_wait_count(s, 3, "program_ready", "copy=0");
	server_stop(s);
}

static void copy__killed_when_ready__starts_again_at_once(void **state)
{
	struct server *s = copy_server(&(struct copy_plan){ .words = { "ready" } });
	int fd;

	(void)state;
	for (unsigned i = 1; i <= 3; i++) {
		kill(copy_pid(FIRST(s)), i == 2 ? SIGABRT : SIGKILL);
		server_wait_count(s, i, "program_crashed", "copy=0");
		server_wait_count(s, i + 1, "program_ready", "copy=0");
	}
	assert_int_equal(server_count(s, "program_respawn_delayed", NULL), 0);
	fd = client_connect(FIRST(s));
	client_say(fd, "exit\n"); /* it was not killed: its life was too short */
	server_wait_event(s, "program_respawn_delayed", "delay_ms=100");
	close(fd);
	server_wait_count(s, 5, "program_ready", "copy=0");
	server_stop(s);
}

static void program__that_ends_at_once__fails_the_start(void **state)
{
	struct server *s = copy_launch(&(struct copy_plan){ .words = { "fail" } });

	(void)state;
	server_end(s, 0, 71);
	assert_non_null(copy_said(s, "program \"app\": copies ended 5 times before all were ready; "
				     "the last one, copy 0, with exit code 7, after it wrote "
				     "\"cannot-find-the-database\""));
	server_wait_event(s, "program_respawn_delayed", "delay_ms=100");
	server_wait_event(s, "program_respawn_delayed", "delay_ms=800");
}

static void assert_refused(struct server *s, const char *conf, const char *message)
{
	char out[1024];

	server_configure(s, conf);
	assert_int_equal(harness_run(out, sizeof(out),
				     (const char *const[]){ "-t", "-c", s->conf, NULL }),
			 78);
	assert_non_null(strstr(out, message));
}

#define LISTEN "listen \"127.0.0.1:0\" { service = program  program = app }\n"

static void program__that_cannot_be_executed__is_refused_at_load(void **state)
{
	struct server *s = copy_launch(&(struct copy_plan){ .script = "" });

	(void)state;
	s->errors[0] = "program_failed";
	server_end(s, 0, 71); /* an empty file: no format that the system knows */
	assert_refused(s, "program app { command = {\"/etc/passwd\"} }\n" LISTEN,
		       "s.conf:1: program.command: \"/etc/passwd\" cannot be executed: Permission "
		       "denied");
	assert_refused(s, "program app { command = {\"/no/such\"} }\n" LISTEN,
		       "s.conf:1: program.command: \"/no/such\" does not exist");
}

static void listener__with_a_socket_for_each_worker__is_refused(void **state)
{
	static const char message[] = "s.conf:2: listen.reuse_port: all copies of a program accept "
				      "from one socket (set no)\n";
	static const char conf[] = "program app { command = {sleep, 9} }\n"
				   "listen \"127.0.0.1:0\" { service = program  program = app\n"
				   "reuse_port = yes }\nuser = root\n";
	struct server *s = server_launch(&(struct plan){ .conf = conf });

	(void)state;
	server_end(s, 0, 78);
	assert_non_null(copy_said(s, message));
	assert_refused(s, conf, message);
	s = copy_server(&(struct copy_plan){ .words = { "ready" } });
	s->errors[0] = "reload_failed";
	server_configure(s, conf);
	server_signal(s, SIGHUP);
	assert_non_null(strstr(server_wait_event(s, "reload_failed", NULL), "reuse_port"));
	server_stop(s);
}

/* No worker would look at it. */
static void listener__of_a_program_with_an_access_list__is_refused(void **state)
{
	static const char *const options[] = { "allow = {10.0.0.0/8}", "deny = {127.0.0.1}",
					       "reserve = 5" };
	struct server *s = copy_server(&(struct copy_plan){ .words = { "ready" } });
	char conf[256], message[96];

	(void)state;
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		snprintf(conf, sizeof(conf),
			 "program app { command = {sleep, 9} }\n"
			 "listen \"127.0.0.1:0\" { service = program  program = app  %s }\n"
			 "user = root\n",
			 options[i]);
		snprintf(message, sizeof(message), "s.conf:2: listen.%.*s: has no effect",
			 (int)strcspn(options[i], " "), options[i]);
		assert_refused(s, conf, message);
	}
	server_stop(s);
}

static void script__whose_interpreter_is_missing__fails_the_start(void **state)
{
	struct server *s = copy_launch(&(struct copy_plan){ .script = "#!/no/such/interpreter\n" });

	(void)state;
	s->errors[0] = "program_failed";
	server_end(s, 0, 71);
	assert_non_null(copy_said(s, "No such file or directory"));
	assert_non_null(copy_said(s, "program \"app\": command: cannot run"));
}

/* The child ignores SIGTERM, and outlives its parent otherwise. */
static void stop__ends_the_whole_group(void **state)
{
	struct server *s = copy_server(&(struct copy_plan){ .words = { "ready" } });
	int fd = client_connect(FIRST(s));
	char line[32] = "";

	(void)state;
	client_say(fd, "child\n");
	WAIT_UNTIL(s, read(fd, line, sizeof(line) - 1) > 0);
	close(fd);
	copy_stop(s, (pid_t)strtol(line, NULL, 10));
}

static void deaf_copy__is_killed_after_shutdown_timeout(void **state)
{
	struct server *s = copy_server(&(struct copy_plan){ .words = { "deaf", "ready" },
							    .main = "shutdown_timeout = 100ms\n" });

	(void)state;
	copy_reload(s);
	server_wait_event(s, "program_killed", "copy=0");
	server_wait_event(s, "program_crashed", "signal=9 reason=shutdown_timeout");
	WAIT_UNTIL(s, copy_figure(s, "program_crashes_total") == 1);
	assert_int_equal(server_count(s, "program_exited", NULL), 0);
	server_stop(s);
}

static void copy__that_crashes_while_it_leaves__is_named(void **state)
{
	struct server *s = copy_server(&(struct copy_plan){ .words = { "ready" } });
	int fd = copy_hold(FIRST(s), "blocking\n");

	(void)state;
	copy_reload(s);
	server_wait_event(s, "program_retired", "copy=0");
	client_say(fd, "abort\n");
	server_wait_event(s, "program_crashed", "signal=6 reason=signal");
	WAIT_UNTIL(s, copy_figure(s, "program_crashes_total") == 1);
	close(fd);
	server_stop(s);
}

/* The stop itself gives workers more time than that. */
static void stop__of_a_deaf_copy__takes_no_longer_than_shutdown_timeout(void **state)
{
	struct server *s = copy_server(&(struct copy_plan){ .words = { "deaf", "ready" },
							    .main = "shutdown_timeout = 100ms\n" });

	(void)state;
	server_signal(s, SIGTERM);
	assert_int_equal(server_wait_exit(s), 0);
	server_wait_event(s, "program_killed", "copy=0");
	server_wait_event(s, "program_crashed", "reason=shutdown_timeout");
	assert_int_equal(server_count(s, "server_stopping", "how=fast"), 0);
	process_end_children();
	server_check(s, 0, 0);
}

static void master__killed__takes_its_copies_along(void **state)
{
	struct server *s = copy_server(&(struct copy_plan){ .words = { "ready" } });
	pid_t pid = copy_pid(FIRST(s));

	(void)state;
	s->leaves_pid_file = true;
	server_signal(s, SIGKILL);
	assert_int_equal(server_wait_exit(s), 128 + SIGKILL);
	WAIT_UNTIL(s, !process_lives(pid));
	process_end_children();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(copy__finds_its_listeners_from_descriptor_3_on),
		E2E(command__that_names_a_socket__gets_no_variables_and_the_log_says_so),
		E2E(copy__inherits_nothing_else),
		E2E(wrapper__that_executes__keeps_the_pid),
		E2E(wrapper__that_forks__is_told_of_and_ended_whole),
		E2E(wrapper__that_forks__is_not_ready_by_what_its_child_says),
		E2E(copies__are_as_many_as_asked_and_ttin_and_ttou_change_them),
		E2E(copy__that_says_nothing__is_ready_after_a_time),
		E2E(copy__that_never_reports__fails_the_start),
		E2E(copy__that_never_reports__later__is_killed_and_replaced),
		E2E(copy__killed__is_replaced_and_named),
		E2E(copy__killed_when_ready__starts_again_at_once),
		E2E(program__that_ends_at_once__fails_the_start),
		E2E(program__that_cannot_be_executed__is_refused_at_load),
		E2E(listener__with_a_socket_for_each_worker__is_refused),
		E2E(listener__of_a_program_with_an_access_list__is_refused),
		E2E(script__whose_interpreter_is_missing__fails_the_start),
		E2E(stop__ends_the_whole_group),
		E2E(deaf_copy__is_killed_after_shutdown_timeout),
		E2E(copy__that_crashes_while_it_leaves__is_named),
		E2E(stop__of_a_deaf_copy__takes_no_longer_than_shutdown_timeout),
		E2E(master__killed__takes_its_copies_along),
	};

	return E2E_RUN(tests);
}
