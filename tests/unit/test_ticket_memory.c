/* SPDX-License-Identifier: MIT */
/* The memory of the keys of tickets: made when it is needed, rotated, and written by no child. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/conf_tls.h"
#include "master/ticket_memory.h"
#include "unit/configured.h"
#include "unit/contexts.h"
#include "unit/folder.h"
#include "unit/handshaken.h"

static struct conf *load(const char *folder, const char *text)
{
	char whole[2048];

	contexts_write(folder, text, whole, sizeof(whole));
	return configured_load_good(folder, whole);
}

static void memory__is_made_for_the_first_configuration_with_tls(void **state)
{
	struct conf *without = load(*state, "listen 1 { service = echo }\n");
	struct conf *with = load(*state, SECTION("a", "first", "") LISTEN("a"));
	struct ticket_memory memory;
	struct tls_sites *sites;
	struct handshaken result;
	struct err err;
	uint8_t *name;

	ticket_memory_empty(&memory);
	sites = ticket_memory_sites(&memory, without, &err);
	assert_non_null(sites);
	assert_null(memory.keys);
	assert_int_equal(ticket_memory_due_ms(&memory, with, 77), 77);
	tls_sites_free(sites);
	sites = ticket_memory_sites(&memory, with, &err);
	assert_non_null(memory.keys);
	name = memory.keys->current.name;
	handshaken_pass(tls_sites_context(sites, 0), &(struct handshaken_wish){ .version = 0 },
			&result);
	tls_sites_free(sites);
	/* the next generation has the same keys */
	sites = ticket_memory_sites(&memory, with, &err);
	assert_ptr_equal(memory.keys->current.name, name);
	tls_sites_free(sites);
	ticket_memory_free(&memory);
	assert_null(memory.keys);
	conf_free(with);
	conf_free(without);
}

static void key__is_replaced_at_the_age_of_the_configuration_in_force(void **state)
{
	struct conf *hour = load(*state, SECTION("a", "first", "") LISTEN("a"));
	struct conf *minutes =
		load(*state, SECTION("a", "first", "ticket_rotation = 2m ") LISTEN("a"));
	struct conf *none = load(*state, SECTION("a", "first", "tickets = no ") LISTEN("a"));
	struct ticket_memory memory;
	struct tls_sites *sites;
	struct err err;
	int64_t made_s, due_ms;

	ticket_memory_empty(&memory);
	sites = ticket_memory_sites(&memory, hour, &err);
	made_s = memory.keys->current.made_s;
	due_ms = ticket_memory_due_ms(&memory, hour, INT64_MAX);
	assert_int_equal(due_ms, made_s * 1000 + 3600000);
	ticket_memory_step(&memory, hour, due_ms - 1);
	assert_int_equal(memory.keys->current.made_s, made_s);
	assert_int_equal(ticket_memory_due_ms(&memory, none, 5), 5);
	due_ms = ticket_memory_due_ms(&memory, minutes, INT64_MAX);
	assert_int_equal(due_ms, made_s * 1000 + 120000);
	ticket_memory_step(&memory, none, due_ms);
	assert_int_equal(memory.keys->current.made_s, made_s);
	ticket_memory_step(&memory, minutes, due_ms);
	assert_int_equal(memory.keys->previous.made_s, made_s);
	assert_true(memory.keys->current.made_s >= made_s + 120);
	assert_true(ticket_memory_due_ms(&memory, minutes, INT64_MAX) > due_ms);
	tls_sites_free(sites);
	ticket_memory_free(&memory);
	conf_free(hour);
	conf_free(minutes);
	conf_free(none);
}

/* A child reads the keys, confines itself and writes. Returns its status. */
static int try_write(struct ticket_memory *memory, bool confines)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		struct tls_ticket_keys copy;

		signal(SIGSEGV, SIG_DFL);
		if ((confines && !ticket_memory_confine(memory)) ||
		    !tls_ticket_keys_copy(memory->keys, &copy))
			_exit(2);
		memory->keys->current.made_s = 1;
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void worker__reads_the_keys_and_cannot_write_them(void **state)
{
	struct conf *conf = load(*state, SECTION("a", "first", "") LISTEN("a"));
	struct ticket_memory memory;
	struct tls_sites *sites;
	struct err err;
	int status;

	ticket_memory_empty(&memory);
	sites = ticket_memory_sites(&memory, conf, &err);
	status = try_write(&memory, true);
	assert_true(WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 1));
	assert_int_not_equal(memory.keys->current.made_s, 1);
	assert_int_equal(try_write(&memory, false), 0);
	assert_int_equal(memory.keys->current.made_s, 1);
	tls_sites_free(sites);
	ticket_memory_free(&memory);
	conf_free(conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory__is_made_for_the_first_configuration_with_tls),
		cmocka_unit_test(key__is_replaced_at_the_age_of_the_configuration_in_force),
		cmocka_unit_test(worker__reads_the_keys_and_cannot_write_them),
	};

	return cmocka_run_group_tests(tests, contexts_make_files, folder_remove);
}
