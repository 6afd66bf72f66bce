/* SPDX-License-Identifier: MIT */
/* discard, daytime and chargen, each against its RFC; and the list of services. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/sys.h"
#include "unit/served.h"

static void every_row__of_the_table__is_found(void **state)
{
	(void)state;
#define SERVICE(row, sentence)               \
	assert_non_null(service_find(#row)); \
	assert_string_equal(service_find(#row)->name, #row);
#include "tables/services.def"
	assert_null(service_find("ac"));
	assert_null(service_find(""));
}

static void discard__takes_all__and_ends_with_the_client(void **state)
{
	struct served s;
	int client;

	(void)state;
	served_start(&s, "discard", NULL);
	client = served_connect(&s);
	served_send(&s, client, "nothing comes back", 18);
	served_expect(&s, client, "", false);
	assert_int_equal(served_metric(&s, METRIC_bytes_in_total), 18);
	shutdown(client, SHUT_WR);
	served_expect(&s, client, "", true);
	assert_int_equal(s.pool.limit.total, 0);
	close(client);
	served_stop(&s);
}

static void daytime__is_one_line_of_now__then_the_end(void **state)
{
	struct served s;
	char text[128];
	struct tm said;
	bool ended;
	int client;
	time_t now = time(NULL);

	(void)state;
	served_start(&s, "daytime", NULL);
	client = served_connect(&s);
	served_read(&s, client, text, sizeof(text), &ended);
	assert_true(ended);
	assert_string_equal(strptime(text, "%a %b %d %H:%M:%S %Y UTC", &said), "\r\n");
	assert_in_range((uintmax_t)timegm(&said), (uintmax_t)now, (uintmax_t)now + 60);
	close(client);
	served_stop(&s);
}

/* RFC 864's figure: line n begins with the n-th printable character and has 72 of them. */
static void chargen__lines__follow_the_pattern(void **state)
{
	enum { LINE = 74, LINES = 200 };
	char text[LINE * LINES + 1];
	struct served s;
	bool ended;
	int client;

	(void)state;
	served_start(&s, "chargen", NULL);
	client = served_connect(&s);
	assert_int_equal(served_read(&s, client, text, sizeof(text), &ended), LINE * LINES);
	for (int i = 0; i < LINE * LINES; i++) {
		int line = i / LINE, column = i % LINE;
		int wanted = column == 72 ? '\r' : column == 73 ? '\n' : ' ' + (line + column) % 95;

		assert_int_equal(text[i], wanted);
	}
	close(client);
	served_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row__of_the_table__is_found),
		cmocka_unit_test(discard__takes_all__and_ends_with_the_client),
		cmocka_unit_test(daytime__is_one_line_of_now__then_the_end),
		cmocka_unit_test(chargen__lines__follow_the_pattern),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
