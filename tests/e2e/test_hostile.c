/* SPDX-License-Identifier: MIT */
/*
 * http: requests in bad faith, as tests/data/hostile.requests lists them, to this server and to
 * nginx where it is installed.
 */
#include "harness.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include "accessbook.h"
#include "client.h"
#include "requestbook.h"
#include "web.h"

enum { LONG = 2048, MANY = 61 };

static void put_files(void)
{
	web_make_folder();
	web_put("f", "hello\n");
	web_age("f");
	web_put("last", "last\n");
	web_put("second", "second\n");
	web_put("smuggled", "smuggled\n");
	web_put(".secret", "secret\n");
	web_put("50%.png", "50\n");
	web_put("a%2fb", "ab\n");
	web_put_folder("sub");
	web_put("sub/index.html", "sub\n");
	web_put_link("/etc/passwd", "out");
}

static struct server *serve(void)
{
	char listen[512];

	put_files();
	snprintf(listen, sizeof(listen), "127.0.0.1:0=http,root=%s", web_folder);
	return accessbook_start(
		(struct plan){ .listen = { listen }, .set = { "log.access_format=combined" } });
}

/* What was answered otherwise. */
static struct {
	char text[4096];
	size_t used;
} wrong;

static void compare(const struct request_row *row, const char *wanted, const char *got)
{
	if (strcmp(got, wanted) != 0 && wrong.used < sizeof(wrong.text))
		wrong.used += (size_t)snprintf(wrong.text + wrong.used,
					       sizeof(wrong.text) - wrong.used,
					       "hostile.requests:%u: %s, not %s\n", row->line, got,
					       wanted);
}

static void expect_all_right(void)
{
	if (wrong.used > 0)
		fail_msg("answered otherwise:\n%s", wrong.text);
}

/* Whole, or in pieces; a long one in larger ones. */
static void ask_all(const struct server *s, size_t piece)
{
	size_t count;
	const struct request_row *rows = requestbook_read(&count);

	assert_true(count >= 300);
	wrong.used = 0;
	for (size_t i = 0; i < count; i++) {
		struct request_way way = { .address = FIRST(s), .piece = piece };

		if (piece == 1 && rows[i].size > LONG)
			way.piece = MANY;
		compare(&rows[i], rows[i].ours, requestbook_ask(&rows[i], rows[i].ours, way));
		web_begins(web_ask(s, "GET /f" WEB_LAST), "HTTP/1.1 200 OK\r\n");
	}
	expect_all_right();
}

static void expect_log(struct server *s)
{
	server_stop(s);
	assert_int_equal(accessbook_count(accessbook_read(accessbook_path), "] \"GET /smuggled"),
			 0);
	accessbook_expect_combined(s);
	accessbook_expect_goaccess(s, accessbook_lines());
}

static void requests__sent_whole__have_their_answers(void **state)
{
	struct server *s = serve();

	(void)state;
	ask_all(s, SIZE_MAX);
	expect_log(s);
}

static void requests__sent_by_byte__have_the_same_answers(void **state)
{
	struct server *s = serve();

	(void)state;
	ask_all(s, 1);
	expect_log(s);
}

/* --- nginx --- */

static const char *nginx_folder;

static void write_conf(void)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/conf", nginx_folder);
	file = fopen(path, "we");
	assert_non_null(file);
	fprintf(file,
		"daemon off;\nmaster_process off;\npid pid;\nevents {}\nhttp {\n"
		"\taccess_log off;\n\tclient_body_temp_path body;\n\tproxy_temp_path proxy;\n"
		"\tfastcgi_temp_path fastcgi;\n\tuwsgi_temp_path uwsgi;\n\tscgi_temp_path scgi;\n"
		"\tserver {\n\t\tlisten unix:%s/sock;\n\t\troot %s;\n\t}\n}\n",
		nginx_folder, web_folder);
	assert_int_equal(fclose(file), 0);
}

static pid_t start_nginx(const char *address)
{
	pid_t pid = fork();
	char errors[256];
	int fd;

	assert_true(pid >= 0);
	if (pid == 0) {
		snprintf(errors, sizeof(errors), "%s/errors", nginx_folder);
		execlp("nginx", "nginx", "-p", nginx_folder, "-c", "conf", "-e", errors,
		       (char *)NULL);
		_exit(127);
	}
	for (int64_t until_ms = clock_ms() + WAIT_MS; (fd = client_try(address)) < 0;) {
		assert_true(clock_ms() < until_ms);
		harness_tick();
	}
	close(fd);
	return pid;
}

/* Its answers are not those of other versions. */
static bool has_nginx(void)
{
	return system("nginx -v 2>&1 | grep -q 'nginx/1\\.22\\.'") == 0;
}

static void nginx__answers_as_is_noted(void **state)
{
	size_t count;
	const struct request_row *rows = requestbook_read(&count);
	char address[256];
	pid_t pid;

	(void)state;
	if (!has_nginx())
		skip();
	put_files();
	nginx_folder = harness_folder();
	write_conf();
	snprintf(address, sizeof(address), "unix:%s/sock", nginx_folder);
	pid = start_nginx(address);
	wrong.used = 0;
	for (size_t i = 0; i < count; i++) {
		const struct request_way way = { address, SIZE_MAX, .takes_reset = true };

		compare(&rows[i], rows[i].nginx, requestbook_ask(&rows[i], rows[i].nginx, way));
	}
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	expect_all_right();
}

static void differences__have_their_reasons(void **state)
{
	size_t count;
	const struct request_row *rows = requestbook_read(&count);

	(void)state;
	for (size_t i = 0; i < count; i++)
		if ((strcmp(rows[i].ours, rows[i].nginx) != 0) != rows[i].has_reason)
			fail_msg("hostile.requests:%u: %s", rows[i].line,
				 rows[i].has_reason ? "a reason for no difference" : "no reason");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(requests__sent_whole__have_their_answers),
		E2E(requests__sent_by_byte__have_the_same_answers),
		E2E(nginx__answers_as_is_noted),
		E2E(differences__have_their_reasons),
	};

	return E2E_RUN(tests);
}
