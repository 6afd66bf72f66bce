/* SPDX-License-Identifier: MIT */
/* Loading of modules: in the trial's child, in a keeper, and what a generation keeps of them. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sys.h"
#include "master/modules.h"
#include "master/trial/service_trial.h"
#include "worker/heritage.h"

static struct scoreboard board;

struct setting {
	char path[512], *texts[2];
	struct listen_conf listens[2];
	struct conf conf;
	struct identity identity;
	struct service_facts facts[2];
	struct err err;
};

/* The first listen has a service of the program's own, the second the module of that name. */
static void set_module(struct setting *s, const char *name, const char *argument)
{
	snprintf(s->path, sizeof(s->path), "%s/tests/modules/%s.so", getenv("TOP_BUILDDIR"), name);
	s->texts[0] = (char *)(uintptr_t)argument;
	s->listens[0] = (struct listen_conf){
		.address = "a:1", .origin = "x.conf:1", .service = "echo", .module = ""
	};
	s->listens[1] = (struct listen_conf){ .address = "a:2",
					      .origin = "x.conf:2",
					      .service = "module",
					      .module = s->path,
					      .arguments = { s->texts, argument ? 1 : 0 } };
	s->conf = (struct conf){ .listeners = s->listens, .listener_count = 2, .chroot = "" };
	s->identity = (struct identity){ 0 };
	s->err.text[0] = '\0';
}

static bool try_module(struct setting *s, const char *name, const char *argument)
{
	set_module(s, name, argument);
	return service_trial_run(&s->conf, &s->identity, s->facts, &s->err);
}

/* The trial fails, and says where, of what file, and why. */
static void expect_refusal(const char *name, const char *why)
{
	struct setting s;

	assert_false(try_module(&s, name, NULL));
	if (!strstr(s.err.text, why) || strncmp(s.err.text, "x.conf:2: listen.module: ", 25) != 0 ||
	    !strstr(s.err.text, s.path))
		fail_msg("%s: %s", name, s.err.text);
	assert_int_equal(s.err.code, CODE_CONFIG);
}

static void module__sound__is_described(void **state)
{
	struct setting s;

	(void)state;
	if (!try_module(&s, "every", "size=8k"))
		fail_msg("%s", s.err.text);
	assert_string_equal(s.facts[0].name, "");
	assert_string_equal(s.facts[1].name, "every");
	assert_int_equal(s.facts[1].state_version, 1);
	assert_int_equal(s.facts[1].state_size, 16 + SERVICE_NAME);
	assert_int_equal(s.facts[1].shared_size, 8192);
	assert_string_equal(s.facts[1].counters[0], "commands");
	assert_string_equal(s.facts[1].counters[1], "bytes_sent");
	assert_string_equal(s.facts[1].counters[2], "");
}

static void module__that_cannot_be_loaded__is_named(void **state)
{
	(void)state;
	expect_refusal("absent", "No such file");
	expect_refusal("odd_symbol", "has no symbol prefork_service");
	expect_refusal("odd_abi", "has ABI 2, and this server has ABI 1");
	expect_refusal("odd_short", "has a struct prefork_service of 16 bytes");
	expect_refusal("odd_name", "has a name that is missing, too long or not plain");
	expect_refusal("odd_counter", "has a counter whose name is not of a-z, 0-9, _");
	expect_refusal("odd_state", "wants more state");
	expect_refusal("odd_share", "wants to share more than 64 GiB");
}

/* The path leads to the file outside alone. */
static void module__that_is_not_in_the_chroot__is_named_with_it(void **state)
{
	struct setting s;

	(void)state;
	if (geteuid() != 0)
		skip();
	set_module(&s, "echo", NULL);
	s.conf.chroot = (char *)(uintptr_t) "/usr";
	assert_false(service_trial_run(&s.conf, &s.identity, s.facts, &s.err));
	assert_non_null(strstr(s.err.text, "x.conf:2: in the chroot \"/usr\": listen.module: "));
	assert_non_null(strstr(s.err.text, "No such file"));
}

static void module__that_refuses__says_why(void **state)
{
	struct setting s;

	(void)state;
	expect_refusal("odd_refuse", "refuses its arguments: it takes 7 arguments");
	expect_refusal("odd_silent", "refuses its arguments");
	assert_false(try_module(&s, "every", "size=many"));
	assert_non_null(strstr(s.err.text, "size=many is no size"));
	assert_false(try_module(&s, "every", "file=/nowhere/at/all"));
	assert_non_null(strstr(s.err.text, "cannot start: /nowhere/at/all cannot be opened"));
}

/* cmocka's handlers would go on in the child. */
static void forget_handlers(void)
{
	static const int numbers[] = { SIGSEGV, SIGABRT, SIGILL, SIGBUS, SIGFPE, SIGTRAP };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		signal(numbers[i], SIG_DFL);
}

static void module__that_crashes__harms_nobody(void **state)
{
	(void)state;
	forget_handlers();
	expect_refusal("odd_constructor", "crashed while it was loaded (signal 11");
	expect_refusal("odd_check", "crashed while it was loaded (signal 6");
	expect_refusal("odd_init", "crashed while it was loaded (signal ");
	expect_refusal("odd_exit", "ended the process that loaded it (exit code 7)");
}

/* Returns how many of this process's children, which all end, were killed. */
static unsigned reap_killed(void)
{
	unsigned killed = 0;
	int status;

	while (waitpid(-1, &status, 0) > 0)
		killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	return killed;
}

/* A leak check that is killed leaves a process as well. */
static void module__that_lives_on__is_ended_with_what_it_has_started(void **state)
{
	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	expect_refusal("odd_daemon", "leaves a process behind that it has started");
	assert_true(reap_killed() > 0);
	expect_refusal("odd_lives", "closed the pipe of its trial, or was killed");
	assert_true(reap_killed() > 0);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

static void module__that_starts_a_thread__is_refused(void **state)
{
	(void)state;
	expect_refusal("odd_thread", "starts a thread, which workers would not have");
}

static void module__that_hangs__is_killed(void **state)
{
	int64_t begun_ms = clock_ms();

	(void)state;
	expect_refusal("odd_hang", "was not loaded within 10 s");
	assert_in_range(clock_ms() - begun_ms, SERVICE_TRIAL_MS, 2 * SERVICE_TRIAL_MS);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
}

/* --- In a keeper --- */

/* Loads in a child, as a keeper does; true when that went well, else err is the child's. */
static bool load_in_child(struct setting *s, void *shared, unsigned *fds)
{
	void *by_listen[] = { NULL, shared };
	struct loaded loaded = { 0 };
	struct heritage heritage = {
		.conf = &s->conf, .board = &board, .facts = s->facts, .shared = by_listen
	};
	struct err *told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork();
	int status;

	assert_true(told != MAP_FAILED);
	if (pid == 0)
		_exit(heritage_load(&heritage, &loaded, told) ? 100 + (int)loaded.fd_count : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	s->err = *told;
	munmap(told, sizeof(*told));
	assert_true(WIFEXITED(status));
	*fds = (unsigned)WEXITSTATUS(status) - 100;
	return WEXITSTATUS(status) >= 100;
}

static void keeper__loads_what_the_trial_has_found(void **state)
{
	struct setting s;
	void *shared = malloc(4096);
	unsigned fds;

	(void)state;
	assert_true(try_module(&s, "every", "file=/proc/self/stat"));
	assert_true(load_in_child(&s, shared, &fds));
	assert_int_equal(fds, 1);
	free(shared);
}

static void keeper__with_a_module_that_was_replaced__says_so(void **state)
{
	char path[512];
	struct setting s;
	unsigned fds;

	(void)state;
	assert_true(try_module(&s, "every", NULL));
	snprintf(path, sizeof(path), "%s/tests/modules/every_other.so", getenv("TOP_BUILDDIR"));
	s.listens[1].module = path;
	assert_false(load_in_child(&s, NULL, &fds));
	assert_non_null(strstr(s.err.text, "x.conf:2: the module has changed since"));
	assert_true(try_module(&s, "odd_fickle", NULL));
	s.facts[1].shared_size++;
	assert_false(load_in_child(&s, NULL, &fds));
	assert_non_null(strstr(s.err.text, "and wanted"));
	assert_int_not_equal(s.err.code, CODE_NO_RESPAWN);
}

static void keeper__with_a_module_of_many_descriptors__refuses_it(void **state)
{
	struct setting s;
	unsigned fds;

	(void)state;
	assert_true(try_module(&s, "odd_descriptors", NULL));
	assert_false(load_in_child(&s, NULL, &fds));
	assert_non_null(strstr(s.err.text, "more than 64 descriptors"));
}

/* Kills it by its number in the list of the kernel. */
static void end_orphan(void)
{
	FILE *file = fopen("/proc/thread-self/children", "re");
	char text[32] = "";

	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	assert_int_equal(kill((pid_t)strtol(text, NULL, 10), SIGKILL), 0);
	assert_true(reap_killed() > 0);
}

/* The trial has found a module that does nothing of that kind, or not at that time. */
static void keeper__with_a_module_that_leaves_something_behind__refuses_it(void **state)
{
	struct setting s;
	unsigned fds;

	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	memset(s.facts, 0, sizeof(s.facts));
	set_module(&s, "odd_daemon", NULL);
	assert_false(load_in_child(&s, NULL, &fds));
	assert_non_null(strstr(s.err.text, "x.conf:2: listen.module: \""));
	assert_non_null(strstr(s.err.text, "\" leaves a process behind"));
	end_orphan();
	set_module(&s, "odd_thread", NULL);
	assert_false(load_in_child(&s, NULL, &fds));
	assert_non_null(strstr(s.err.text, "\" starts a thread"));
	assert_int_equal(s.err.code, CODE_OSERR);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

static void loaded__answers_for_each_listen(void **state)
{
	struct loaded loaded = { 0 };
	struct heritage heritage = { .board = &board };
	struct setting s;

	(void)state;
	set_module(&s, "echo", NULL);
	heritage.conf = &s.conf;
	assert_true(heritage_load(&heritage, &loaded, &s.err));
	assert_ptr_equal(loaded_service(&loaded, &s.listens[0]), service_find("echo"));
	assert_string_equal(loaded_service(&loaded, &s.listens[1])->name, "module");
	assert_string_equal(loaded_service(&loaded, &s.listens[1])->loaded_name, "echo");
	assert_non_null(loaded_service(&loaded, &s.listens[1])->input);
	assert_null(loaded_service(&loaded, &s.listens[1])->open);
	assert_ptr_equal(loaded_service(NULL, &s.listens[1]), service_find("module"));
	free(loaded.list);
}

/* --- In a generation --- */

static void *share(struct modules *modules, struct setting *s, const struct modules *before)
{
	struct err err;

	*modules = (struct modules){ 0 };
	assert_true(modules_take(modules, &s->conf, s->facts, before, &err));
	assert_null(modules->shared[0]);
	return modules->shared[1];
}

static void memory__goes_on_in_the_next_generation(void **state)
{
	struct setting s, t;
	struct modules first, second, third;
	char *at;

	(void)state;
	set_module(&s, "every", NULL);
	memset(s.facts, 0, sizeof(s.facts));
	s.facts[1] =
		(struct service_facts){ .name = "every", .state_version = 1, .shared_size = 8192 };
	t = s;
	t.conf.listeners = t.listens;
	at = share(&first, &s, NULL);
	assert_non_null(at);
	assert_int_equal(at[8191], 0);
	at[8191] = 7;
	assert_ptr_equal(share(&second, &t, &first), at);
	modules_free(&first);
	assert_int_equal(at[8191], 7);
	t.facts[1].state_version = 2;
	assert_ptr_not_equal(share(&third, &t, &second), at);
	modules_free(&third);
	t.facts[1].state_version = 1;
	s.facts[1].state_version = 1;
	s.listens[1].address = "a:3";
	assert_ptr_not_equal(share(&third, &s, &second), at);
	modules_free(&third);
	modules_free(&second);
	assert_null(second.facts);
}

static void memory__of_others_is_left(void **state)
{
	struct modules own, other, same;
	unsigned char there;
	struct setting s;
	void *at;

	(void)state;
	set_module(&s, "every", NULL);
	memset(s.facts, 0, sizeof(s.facts));
	s.facts[1].shared_size = 4096;
	at = share(&own, &s, NULL);
	(void)share(&other, &s, NULL);
	(void)share(&same, &s, &own);
	modules_leave(&same, &own);
	assert_int_equal(mincore(at, 1, &there), 0);
	at = other.shared[1];
	modules_leave(&other, &own);
	assert_int_equal(mincore(at, 1, &there), -1);
	modules_free(&same);
	modules_free(&other);
	modules_free(&own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(module__sound__is_described),
		cmocka_unit_test(module__that_cannot_be_loaded__is_named),
		cmocka_unit_test(module__that_is_not_in_the_chroot__is_named_with_it),
		cmocka_unit_test(module__that_refuses__says_why),
		cmocka_unit_test(module__that_crashes__harms_nobody),
		cmocka_unit_test(module__that_lives_on__is_ended_with_what_it_has_started),
		cmocka_unit_test(module__that_starts_a_thread__is_refused),
		cmocka_unit_test(module__that_hangs__is_killed),
		cmocka_unit_test(keeper__loads_what_the_trial_has_found),
		cmocka_unit_test(keeper__with_a_module_that_was_replaced__says_so),
		cmocka_unit_test(keeper__with_a_module_of_many_descriptors__refuses_it),
		cmocka_unit_test(keeper__with_a_module_that_leaves_something_behind__refuses_it),
		cmocka_unit_test(loaded__answers_for_each_listen),
		cmocka_unit_test(memory__goes_on_in_the_next_generation),
		cmocka_unit_test(memory__of_others_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
