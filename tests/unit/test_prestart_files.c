/* SPDX-License-Identifier: MIT */
/* Tests of master/trial/prestart_files: the descriptors that a worker keeps for itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/conf_load.h"
#include "master/trial/prestart_files.h"
#include "unit/configured.h"
#include "unit/folder.h"

#define HTTP "listen \"127.0.0.1:0\" { service = http root = /srv\n"

static rlim_t count(void **state, const char *text)
{
	struct conf *conf = configured_load_good(*state, text);
	rlim_t needed = prestart_files_needed(conf, 1, 1);

	assert_int_equal(prestart_files_wanted(conf, 1, 1), needed + conf->worker_connections);
	conf_free(conf);
	return needed;
}

/* Each may have a root of its own, which a worker keeps open. */
static void locations__are_counted_like_their_listener(void **state)
{
	rlim_t none = count(state, HTTP "}\n");

	assert_int_equal(count(state, HTTP "location /a { root = /usr }\n}\n"), none + 1);
	assert_int_equal(count(state, HTTP "location /a { root = /usr }\n"
					   "location /b { root = /var }\nlocation /c { }\n}\n"),
			 none + 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(locations__are_counted_like_their_listener),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
