/* SPDX-License-Identifier: MIT */
/*
 * http: no name leads out of the root, whatever is renamed while requests are answered, and every
 * name within it leads to its file.
 */
#include "harness.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "client.h"
#include "web.h"

enum { REQUESTS_LEAST = 3000, RENAME_EXCHANGING = 2, PATH = 512 };

/*
 *   www/             the root
 *     f              "inside\n"
 *     dir/f          "inside\n"
 *     away/f         "inside\n"
 *     sub/f          "inside\n"
 *     sub/deep/up    -> ../f: in www-secret, when deep is there
 *   www-secret/      its name begins with the root's
 *     f              "foreign\n"
 *     deep/          is exchanged with sub/deep
 */
static struct server *serve(const char *options)
{
	char listen[PATH];

	web_make_folder();
	web_put_folder("www");
	web_put_folder("www-secret");
	web_put("www-secret/f", "foreign\n");
	web_put("www-secret/secret", "foreign\n");
	web_put_folder("www-secret/deep");
	web_put_link("../f", "www-secret/deep/up");
	web_put("www/f", "inside\n");
	web_put_folder("www/dir");
	web_put("www/dir/f", "inside\n");
	web_put_folder("www/sub");
	web_put("www/sub/f", "inside\n");
	web_put_folder("www/sub/deep");
	web_put_link("../f", "www/sub/deep/up");
	web_put_link("../www-secret", "www/dir.other");
	web_put_link("f", "www/link");
	web_put_link("../www-secret/f", "www/link.other");
	snprintf(listen, sizeof(listen), "127.0.0.1:0=http,root=%s/www%s", web_folder, options);
	return server_start(&(struct plan){ .listen = { listen }, .workers = 2 });
}

static const struct {
	const char *target, *text; /* NULL: it is not there, or refused */
} names[] = {
	{ "/f", "inside\n" },
	{ "/dir/%2e/f", "inside\n" },
	{ "/dir/%2e%2e/f", "inside\n" },
	{ "/./dir//.//f", "inside\n" },
	{ "/link", "inside\n" },
	{ "/a%252fb", "slash\n" },
	{ "/a%25%32fb", "slash\n" },
	{ "/50%25.png", "fifty\n" },
	{ "/50%25%2Epng", "fifty\n" },
	{ "/%252e%252e", "dots\n" },
	{ "/..%252f", "dots\n" },
	{ "/...", "dots\n" },
	{ "/a%5cb", "backslash\n" },
	{ "/a\\b", "backslash\n" },
	{ "/%c0%ae", "overlong\n" },
	{ "/%FF", "byte\n" },
	{ "/a%20b", "blank\n" },
	{ "/a+b", "plus\n" },
	{ "/%e4%b8%ad", "name\n" },
	{ "/a%3fb%23c", "marks\n" },
	{ "/-rf", "dash\n" },
	{ "/~", "tilde\n" },
	{ "/a:b", "colon\n" },
	{ "/a%2fb", NULL },
	{ "/50%.png", NULL },
	{ "/f%00", NULL },
	{ "/f%00.png", NULL },
	{ "/../www-secret/f", NULL },
	{ "/..%2fwww-secret/f", NULL },
	{ "/%2e%2e/www-secret/f", NULL },
	{ "/%2e%2e%2fwww-secret%2ff", NULL },
	{ "/%252e%252e/www-secret/f", NULL },
	{ "/%252e%252e%252fwww-secret%252ff", NULL },
	{ "/..%5cwww-secret%5cf", NULL },
	{ "/..%c0%afwww-secret/f", NULL },
	{ "/%c0%ae%c0%ae/www-secret/f", NULL },
	{ "/dir/../../www-secret/f", NULL },
	{ "/-secret/f", NULL },
	{ "/dir.other/f", NULL },
	{ "/dir.other/secret", NULL },
	{ "/link.other", NULL },
	{ "/absolute", NULL },
};

static void put_odd_names(void)
{
	char absolute[PATH];

	web_put("www/a%2fb", "slash\n");
	web_put("www/50%.png", "fifty\n");
	web_put("www/%2e%2e", "dots\n");
	web_put("www/..%2f", "dots\n");
	web_put("www/...", "dots\n");
	web_put("www/a\\b", "backslash\n");
	web_put("www/\xc0\xae", "overlong\n");
	web_put("www/\xff", "byte\n");
	web_put("www/a b", "blank\n");
	web_put("www/a+b", "plus\n");
	web_put("www/\xe4\xb8\xad", "name\n");
	web_put("www/a?b#c", "marks\n");
	web_put("www/-rf", "dash\n");
	web_put("www/~", "tilde\n");
	web_put("www/a:b", "colon\n");
	snprintf(absolute, sizeof(absolute), "%s/www-secret/f", web_folder);
	web_put_link(absolute, "www/absolute");
}

static const char *ask(const struct server *s, const char *target)
{
	char request[PATH];

	snprintf(request, sizeof(request), "GET %s" WEB_LAST, target);
	return web_ask(s, request);
}

static void name__leads_to_its_file__or_nowhere(void **state)
{
	struct server *s = serve(",hidden=yes");

	(void)state;
	put_odd_names();
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		ask(s, names[i].target);
		if (strstr(web_answer, "foreign"))
			fail_msg("%s leads out", names[i].target);
		if ((strncmp(web_answer, "HTTP/1.1 200 ", 13) == 0) != (names[i].text != NULL))
			fail_msg("%s: %.40s", names[i].target, web_answer);
		if (names[i].text)
			assert_string_equal(web_body(), names[i].text);
	}
	server_stop(s);
}

/* Exchanges both names again and again, while the test lives. */
static pid_t exchange(const char *one, const char *other)
{
	char a[PATH], b[PATH];
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(a, sizeof(a), "%s/%s", web_folder, one);
	snprintf(b, sizeof(b), "%s/%s", web_folder, other);
	while (syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGING) == 0)
		;
	_exit(1);
}

static void end_exchange(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

/* Two names that are exchanged, and what is asked for meanwhile. */
static const struct {
	const char *one, *other, *target;
	bool is_inside_always; /* but while the .. of a link is followed */
} races[] = {
	{ "www/dir", "www/dir.other", "/dir/f", false },
	{ "www/link", "www/link.other", "/link", false },
	{ "www/sub/deep", "www-secret/deep", "/sub/deep/up", true },
	{ "www/f", "www/link.other", "/f", false },
	{ "www/dir/f", "www-secret/deep", "/dir/f", false },
};

/* Asks once: true when the answer is the file. It has no byte of the other folder. */
static bool ask_meanwhile(const struct server *s, const char *target)
{
	ask(s, target);
	if (strstr(web_answer, "foreign"))
		fail_msg("%s leads out", target);
	if (strncmp(web_answer, "HTTP/1.1 200 ", 13) != 0)
		return false;
	assert_string_equal(web_body(), "inside\n");
	return true;
}

/* Asks often, and until the race has been seen to take place: both names were there. */
static void ask_often(const struct server *s, const char *target, bool is_inside_always)
{
	int64_t until_ms = clock_ms() + WAIT_MS;
	unsigned count = 0, served = 0;

	while (count < REQUESTS_LEAST || served == 0 || (served == count && !is_inside_always)) {
		if (count >= REQUESTS_LEAST && clock_ms() > until_ms)
			fail_msg("%s: %u of %u served", target, served, count);
		served += ask_meanwhile(s, target);
		count++;
	}
}

static void names__exchanged_meanwhile__lead_not_out(void **state)
{
	static const char *const options[] = { ",cache_size=off", ",cache_valid=1ms" };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(races) / sizeof(*races); i++) {
		struct server *s = serve(options[i % 2]);
		pid_t pid = exchange(races[i / 2].one, races[i / 2].other);

		ask_often(s, races[i / 2].target, races[i / 2].is_inside_always);
		end_exchange(pid);
		server_stop(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(name__leads_to_its_file__or_nowhere),
		E2E(names__exchanged_meanwhile__lead_not_out),
	};

	return E2E_RUN(tests);
}
