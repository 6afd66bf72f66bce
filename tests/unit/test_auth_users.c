/* SPDX-License-Identifier: MIT */
/* The users of a listener: of its options and of its file, and what of them is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/auth_users.h"
#include "unit/configured.h"
#include "unit/folder.h"

#define BCRYPT "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"
#define SHA256 "$5$abcdefgh$gruCpC7VkOTspMQTTSAR8mtlO9Upms.fwqE5y16JVM."

static struct conf *load_conf(void **state)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "listen \"127.0.0.1:0\" { service = status\nstatus_password_file = "
		 "\"%s/users\" }\n",
		 (const char *)*state);
	return configured_load_good(*state, text);
}

static struct conf *load_file(void **state, const char *text, struct err *err)
{
	struct conf *conf;

	folder_write(*state, "users", text);
	conf = load_conf(state);
	if (auth_users_load(conf, err))
		return conf;
	conf_free(conf);
	return NULL;
}

static void options__make_one_user(void **state)
{
	struct conf *conf = configured_load_good(
		*state, "listen \"127.0.0.1:0\" { service = status  status_user = ops\n"
			"status_password = \"" BCRYPT "\" }\n"
			"listen \"127.0.0.1:0\" { service = status }\n");
	struct err err;

	assert_true(auth_users_load(conf, &err));
	assert_int_equal(conf->listeners[0].users->count, 1);
	assert_string_equal(conf->listeners[0].users->list[0].name, "ops");
	assert_string_equal(conf->listeners[0].users->list[0].hash, BCRYPT);
	assert_null(conf->listeners[1].users);
	conf_free(conf);
}

static void file__has_users_comments_and_ends_of_other_systems(void **state)
{
	struct err err;
	struct conf *conf = load_file(state,
				      "# users\n\n \t\nann:" BCRYPT "\nbob:" SHA256
				      ":a comment\r\nc d:" BCRYPT,
				      &err);
	const struct auth_users *users;

	assert_non_null(conf);
	users = conf->listeners[0].users;
	assert_int_equal(users->count, 3);
	assert_string_equal(users->list[0].name, "ann");
	assert_string_equal(users->list[1].hash, SHA256);
	assert_string_equal(users->list[2].name, "c d");
	assert_string_equal(users->list[2].hash, BCRYPT);
	conf_free(conf);
}

static void file__that_is_wrong__is_refused_with_its_line(void **state)
{
	static const struct {
		const char *text, *said;
	} rows[] = {
		{ "", "has no user (lines USER:HASH)" },
		{ "# none\n", "has no user" },
		{ "ann:" BCRYPT "\nsecret\n", "users:2: is not USER:HASH" },
		{ ":" BCRYPT "\n", "users:1: is not USER:HASH" },
		{ "ann:secret\n", "users:1: the password is plain text" },
		{ "ann:\n", "users:1: the password is plain text" },
		{ "ann:$apr1$abcdefgh$secret\n", "begin with $apr1$ are not taken" },
		{ "ann:" BCRYPT "\n\nann:" SHA256 "\n", "users:3: the user is there twice" },
	};
	struct err err;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (load_file(state, rows[i].text, &err))
			fail_msg("taken: %s", rows[i].text);
		if (!strstr(err.text, rows[i].said) || strstr(err.text, "secret") ||
		    !strstr(err.text, "x.conf:2: listen.status_password_file: "))
			fail_msg("%s: %s", rows[i].text, err.text);
		assert_int_equal(err.code, CODE_CONFIG);
	}
}

static void file__of_64_users__is_the_longest(void **state)
{
	static char text[AUTH_USERS_MOST * 100];
	struct conf *conf;
	struct err err;
	int used = 0;

	for (int i = 0; i < AUTH_USERS_MOST; i++)
		used += snprintf(text + used, sizeof(text) - (size_t)used, "user%d:" SHA256 "\n",
				 i);
	conf = load_file(state, text, &err);
	assert_non_null(conf);
	assert_int_equal(conf->listeners[0].users->count, AUTH_USERS_MOST);
	conf_free(conf);
	snprintf(text + used, sizeof(text) - (size_t)used, "more:" SHA256 "\n");
	assert_null(load_file(state, text, &err));
	assert_non_null(strstr(err.text, "users:65: there are more than 64 users"));
}

static void file__that_is_none__is_refused_at_once(void **state)
{
	struct conf *conf = load_conf(state);
	char path[128];
	struct err err;

	snprintf(path, sizeof(path), "%s/users", (const char *)*state);
	unlink(path);
	assert_false(auth_users_load(conf, &err));
	assert_non_null(strstr(err.text, "cannot be opened: No such file"));
	conf_free(conf);
	conf = load_conf(state);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_false(auth_users_load(conf, &err)); /* without waiting for a writer */
	assert_non_null(strstr(err.text, "is not a regular file"));
	conf_free(conf);
	unlink(path);
}

static void options__that_contradict_each_other__are_refused(void **state)
{
#define LISTEN "listen \"127.0.0.1:0\" { service = status\n"
	static const struct {
		const char *text, *said[3];
	} rows[] = {
		{ LISTEN "status_user = a }\n",
		  { "x.conf:2: listen.status_user: has no effect without status_password" } },
		{ LISTEN "status_password = \"" SHA256 "\" }\n",
		  { "x.conf:2: listen.status_password: has no effect without status_user" } },
		{ LISTEN "status_user = a\nstatus_password = \"" SHA256
			 "\"\nstatus_password_file = /users }\n",
		  { "x.conf:2: listen.status_user: ", "status_password_file (", "x.conf:4)" } },
		{ LISTEN "status_user = \"a:b\"  status_password = \"" SHA256 "\" }\n",
		  { "x.conf:2: listen.status_user: a user's name has no colon" } },
		{ LISTEN "status_user = a  status_password = geheim }\n",
		  { "x.conf:2: ", "status_password: is plain text", "mkpasswd" } },
		{ "listen \"127.0.0.1:0\" { service = ack  status_user = a }\n",
		  { "belongs to service status, not ack" } },
	};
	struct err err;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_null(configured_load(*state, rows[i].text, &err));
		for (size_t k = 0; k < 3 && rows[i].said[k]; k++)
			if (!strstr(err.text, rows[i].said[k]) || strstr(err.text, "geheim"))
				fail_msg("no \"%s\": %s", rows[i].said[k], err.text);
	}
}

static void file__that_all_may_read__is_warned_of(void **state)
{
	char path[128], text[AUTH_USERS_WARNING];
	struct err err;
	struct conf *conf = load_file(state, "ann:" SHA256 "\n", &err);

	assert_non_null(conf);
	snprintf(path, sizeof(path), "%s/users", (const char *)*state);
	assert_int_equal(chmod(path, 0640), 0);
	assert_false(auth_users_warns(&conf->listeners[0], text));
	assert_int_equal(chmod(path, 0644), 0);
	assert_true(auth_users_warns(&conf->listeners[0], text));
	assert_non_null(strstr(text, "every user may read \""));
	assert_int_equal(chmod(path, 0602), 0);
	assert_true(auth_users_warns(&conf->listeners[0], text));
	assert_non_null(strstr(text, "every user may change \""));
	conf_free(conf);
}

static void cost__that_is_too_high__is_refused_within_seconds(void **state)
{
	static const char slow[] = "$2b$31$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";
	char text[512];
	struct conf *conf;
	struct err err;

	snprintf(text, sizeof(text), "ann:" BCRYPT "\nbob:" BCRYPT "\n");
	conf = load_file(state, text, &err);
	assert_non_null(conf);
	assert_true(auth_users_check_cost(&conf->listeners[0], 250, &err));
	conf_free(conf);
	snprintf(text, sizeof(text), "ann:" BCRYPT "\nbob:%s\n", slow);
	conf = load_file(state, text, &err);
	assert_non_null(conf);
	assert_false(auth_users_check_cost(&conf->listeners[0], 250, &err));
	assert_non_null(strstr(err.text, "user \"bob\": one check takes longer than 250 ms"));
	assert_non_null(strstr(err.text, "lower cost"));
	conf_free(conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options__make_one_user),
		cmocka_unit_test(file__has_users_comments_and_ends_of_other_systems),
		cmocka_unit_test(file__that_is_wrong__is_refused_with_its_line),
		cmocka_unit_test(file__of_64_users__is_the_longest),
		cmocka_unit_test(file__that_is_none__is_refused_at_once),
		cmocka_unit_test(options__that_contradict_each_other__are_refused),
		cmocka_unit_test(file__that_all_may_read__is_warned_of),
		cmocka_unit_test(cost__that_is_too_high__is_refused_within_seconds),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
