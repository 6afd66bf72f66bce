/* SPDX-License-Identifier: MIT */
/* The status service with users: what the real server answers, logs, and reads anew. */
#include "harness.h"

#include <sys/stat.h>

#include "accessbook.h"
#include "client.h"
#include "process.h"

#define HOST " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
#define ANN  "Authorization: Basic YW5uOnNlY3JldA==\r\n" /* ann:secret */
#define BOB  "Authorization: Basic Ym9iOnNlY3JldA==\r\n" /* bob:secret */
#define BAD  "Authorization: Basic YW5uOndyb25n\r\n"     /* ann:wrong */

/* Of "secret". */
#define BCRYPT "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"
#define SHA256 "$5$abcdefgh$gruCpC7VkOTspMQTTSAR8mtlO9Upms.fwqE5y16JVM."

static char answer[1 << 20], users[96];

static const char *ask_from(const struct server *s, const char *source, const char *request)
{
	int fd = client_try_from(source, FIRST(s));

	assert_true(fd >= 0);
	client_say(fd, request);
	client_drain(fd, answer, sizeof(answer));
	close(fd);
	return answer;
}

#define ASK(s, request) ask_from(s, NULL, request)

static void assert_begins(struct server *s, const char *text, const char *beginning)
{
	if (strncmp(text, beginning, strlen(beginning)) != 0)
		server_fail(s, "\"%.300s\" does not begin with \"%s\"", text, beginning);
}

static void write_users(const char *text)
{
	FILE *file = fopen(users, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(users, 0600), 0); /* root's server reads it before it is nobody */
}

static struct server *start_with_file(const char *text, unsigned workers)
{
	char listen[192];

	snprintf(users, sizeof(users), "%s/users", harness_folder());
	write_users(text);
	snprintf(listen, sizeof(listen), "127.0.0.1:0=status,status_password_file=%s", users);
	return accessbook_start((struct plan){ .listen = { listen },
					       .set = { "log.access_format=combined" },
					       .workers = workers });
}

static void requests__need_a_user_of_the_file(void **state)
{
	struct server *s = start_with_file("ann:" BCRYPT "\nbob:" SHA256 "\n", 2);

	(void)state;
	assert_begins(s, ASK(s, "GET /healthz" HOST "\r\n"), "HTTP/1.1 200 ");
	assert_begins(s, ASK(s, "GET /" HOST "\r\n"), "HTTP/1.1 401 ");
	assert_non_null(strstr(answer, "\r\nWWW-Authenticate: Basic realm=\"prefork-srv\", "
				       "charset=\"UTF-8\"\r\n"));
	for (unsigned i = 0; i < 8; i++) {
		assert_begins(s, ASK(s, "GET /status.json" HOST ANN "\r\n"), "HTTP/1.1 200 ");
		assert_begins(s, ASK(s, "GET /metrics" HOST BOB "\r\n"), "HTTP/1.1 200 ");
	}
	server_stop(s);
	assert_int_equal(accessbook_count(accessbook_read(accessbook_path), " - ann ["), 8);
	assert_int_equal(accessbook_count(accessbook_read(accessbook_path),
					  "\"GET /metrics HTTP/1.1\" 200 "),
			 8);
}

static void failure__is_logged_without_the_password__and_its_source_waits(void **state)
{
	struct server *s = start_with_file("ann:" BCRYPT "\n", 1);
	const char *line;

	(void)state;
	assert_begins(s, ask_from(s, "127.0.0.5", "GET /" HOST BAD "\r\n"), "HTTP/1.1 401 ");
	line = server_wait_event(s, "authentication_failed", "user=ann");
	assert_non_null(strstr(line, " remote=127.0.0.5:"));
	assert_begins(s, ask_from(s, "127.0.0.5", "GET /" HOST ANN "\r\n"), "HTTP/1.1 429 ");
	assert_non_null(strstr(answer, "\r\nRetry-After: 1\r\n"));
	assert_begins(s, ask_from(s, "127.0.0.6", "GET /" HOST ANN "\r\n"), "HTTP/1.1 200 ");
	assert_begins(s, ask_from(s, "127.0.0.5", "GET /" HOST ANN "\r\n"), "HTTP/1.1 200 ");
	server_stop(s);
	for (unsigned i = 0; i < 2; i++) {
		const char *text = accessbook_read(i ? s->stderr_path : accessbook_path);

		assert_null(strstr(text, "wrong"));
		assert_null(strstr(text, "YW5u"));
		assert_null(strstr(text, "secret"));
	}
	assert_int_equal(accessbook_count(accessbook_read(accessbook_path), "127.0.0.5 - ann ["),
			 3);
}

static void reload__reads_the_file_anew(void **state)
{
	struct server *s = start_with_file("ann:" BCRYPT "\n", 1);
	char out[2048];

	(void)state;
	assert_begins(s, ASK(s, "GET /" HOST ANN "\r\n"), "HTTP/1.1 200 ");
	write_users("bob:" BCRYPT "\n");
	assert_begins(s, ASK(s, "GET /" HOST ANN "\r\n"), "HTTP/1.1 200 ");
	assert_int_equal(server_verb(s, "reload", out, sizeof(out)), 0);
	assert_begins(s, ASK(s, "GET /" HOST BOB "\r\n"), "HTTP/1.1 200 ");
	assert_begins(s, ASK(s, "GET /" HOST ANN "\r\n"), "HTTP/1.1 401 ");
	/* one with a mistake changes nothing */
	s->errors[0] = "reload_failed";
	write_users("bob:geheim\n");
	assert_int_equal(server_verb(s, "reload", out, sizeof(out)), 1);
	assert_non_null(strstr(out, "users:1: the password is plain text"));
	assert_null(strstr(out, "geheim"));
	assert_begins(s, ask_from(s, "127.0.0.7", "GET /" HOST BOB "\r\n"), "HTTP/1.1 200 ");
	server_stop(s);
	assert_null(strstr(accessbook_read(s->stderr_path), "geheim"));
}

/* The head is in the arena: the next worker asks for nothing again, and checks it itself. */
static void worker__that_dies__is_followed_by_one_that_checks(void **state)
{
	struct server *s = start_with_file("ann:" BCRYPT "\n", 1);
	int fd = client_connect(FIRST(s));
	pid_t victim = server_worker(s, 0);

	(void)state;
	assert_begins(s, ASK(s, "GET /" HOST ANN "\r\n"), "HTTP/1.1 200 ");
	client_say(fd, "GET /status.json" HOST ANN);
	WAIT_UNTIL(s, process_sleeps(victim));
	kill(victim, SIGKILL);
	server_wait_event(s, "connections_recovered", "kept=1");
	client_say(fd, "\r\n");
	client_drain(fd, answer, sizeof(answer));
	close(fd);
	assert_begins(s, answer, "HTTP/1.1 200 ");
	server_stop(s);
}

static void listener__with_a_user_of_its_own__and_one_without(void **state)
{
	struct server *s = server_start(
		&(struct plan){ .listen = { "127.0.0.1:0=status,status_user=ann,status_password="
					    "" SHA256,
					    "127.0.0.1:0=status" } });
	int fd;

	(void)state;
	assert_begins(s, ASK(s, "GET /" HOST "\r\n"), "HTTP/1.1 401 ");
	assert_begins(s, ASK(s, "GET /" HOST ANN "\r\n"), "HTTP/1.1 200 ");
	fd = client_connect(s->addresses[1]);
	client_say(fd, "GET /" HOST "\r\n");
	client_drain(fd, answer, sizeof(answer));
	close(fd);
	assert_begins(s, answer, "HTTP/1.1 200 ");
	server_stop(s);
}

/* Every check takes a while; other connections of the worker go on in between. */
static void many__wrong_passwords__are_bounded(void **state)
{
	static const char slow[] =
		"ann:$2b$10$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u\n";
	struct server *s = start_with_file(slow, 1);
	unsigned checked = 0, busy = 0;

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		char source[32];

		snprintf(source, sizeof(source), "127.0.1.%u", i + 1);
		ask_from(s, source, "GET /" HOST BAD "\r\n");
		checked += strncmp(answer, "HTTP/1.1 401 ", 13) == 0;
		busy += strncmp(answer, "HTTP/1.1 503 ", 13) == 0;
	}
	assert_int_equal(checked + busy, 200);
	assert_true(checked >= 2 && busy > 0);
	assert_begins(s, ASK(s, "GET /healthz" HOST "\r\n"), "HTTP/1.1 200 ");
	server_wait_count(s, checked, "authentication_failed", NULL);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(requests__need_a_user_of_the_file),
		E2E(failure__is_logged_without_the_password__and_its_source_waits),
		E2E(reload__reads_the_file_anew),
		E2E(worker__that_dies__is_followed_by_one_that_checks),
		E2E(listener__with_a_user_of_its_own__and_one_without),
		E2E(many__wrong_passwords__are_bounded),
	};

	return E2E_RUN(tests);
}
