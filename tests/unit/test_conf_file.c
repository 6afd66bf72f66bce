/* SPDX-License-Identifier: MIT */
/*
 * Tests of config/conf_file and config/conf_text: an error in a file is reported with file and
 * line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/conf.h"
#include "config/conf_load.h"
#include "unit/folder.h"

#define GOOD "listen \"8080\" { service = ack }\n"

struct wrong {
	const char *text, *message;
};

static const struct wrong wrongs[] = {
	{ "# one\n\n# two // three\nbacklgo = 3\n",
	  "x.conf:4: backlgo: unknown option (did you mean backlog?)" },
	{ "/* a\n b */ worker = 3\n", "x.conf:2: worker: unknown option (did you mean workers?)" },
	{ "zzzzzzzz = 3\n", "x.conf:1: zzzzzzzz: unknown option" },
	{ "log.level = debug\n",
	  "x.conf:1: log.level: unknown option (write log { level = ... })" },
	{ "log {\n log.level = debug }\n",
	  "x.conf:2: log.level: unknown option (write level = ...)" },
	{ "listen.reply = x\n", "x.conf:1: listen.reply: unknown option (write listen "
				"\"127.0.0.1:8081\" { reply = ... })" },
	{ "log.workers = 3\n", "x.conf:1: log.workers: unknown option (write workers = ...)" },
	{ "log { main.workers = 3 }\n", "x.conf:1: main.workers: unknown option (write workers = "
					"... outside of any section)" },
	{ "log.levle = debug\n", "x.conf:1: log.levle: unknown option" },
	{ "include(\"\")\n", "x.conf:1: write include(\"FILE\")" },
	{ "level = debug\n", "x.conf:1: level: does not belong here (it belongs to section log)" },
	{ "log { workers = 3 }\n",
	  "x.conf:1: workers: does not belong here (it belongs to the top level)" },
	{ "workers = lots\n", "x.conf:1: workers: \"lots\" is not a number (1 to 256, or auto)" },
	{ "workers 3\n", "x.conf:1: workers: \"=\" is missing after it" },
	{ "workers += 3\n", "x.conf:1: workers: is not a list (use \"=\")" },
	{ "workers = = 3\n",
	  "x.conf:1: \"=\" is not expected here (NAME = VALUE is; quote a value that has blanks or "
	  "any of = , ( ) { } in it)" },
	{ "workers = 3 /x = 4\n",
	  "x.conf:1: /x: unknown option (quote a value that has blanks in it)" },
	{ "workers = 1\n\nworkers = 2\n", "x.conf:3: workers: is given twice (first: x.conf:1)" },
	{ "log { level = debug }\nlog {\n level = info }\n",
	  "x.conf:2: log: is given twice (first: x.conf:1)" },
	{ "log { level = debug }\n\nlog { }\n", "x.conf:3: log: is given twice (first: x.conf:1)" },
	{ "log { }\nlog {\nformat = json }\n", "x.conf:2: log: is given twice (first: x.conf:1)" },
	{ "log { level = debug\n level = info }\n",
	  "x.conf:2: log.level: is given twice (first: x.conf:1)" },
	{ "workers =\n", "x.conf:2: the file ends in the middle of something" },
	{ "user = \"a\nb\n", "x.conf:1: the string that begins here does not end" },
	{ "\nuser = 'a\nb\n", "x.conf:2: the string that begins here does not end" },
	{ "\n/* no end\n", "x.conf:2: the comment that begins here does not end" },
	{ "workers = 1\n}\n", "x.conf:2: \"}\" closes nothing" },
	{ "\nlog {\nlevel = info\n", "x.conf:2: the \"{\" of this line is not closed" },
	{ "user = \"a\\000b\"\n", "x.conf:1: a value cannot hold a NUL byte" },
	{ "user = \"a\\x0\"\n", "x.conf:1: a value cannot hold a NUL byte" },
	{ "user = \"\\777\"\n", "x.conf:1: \"\\777\" is not a character (\\000 to \\377)" },
	{ "user = \"${HOME\"\n", "x.conf:1: the \"${\" of this line is not closed on it" },
	{ "listen *:80 { service = ack }\n", "x.conf:1: \"*\" must stand in quotes" },
	{ "listen { service = ack }\n",
	  "x.conf:1: listen: the address is missing (listen \"127.0.0.1:8081\" { ... })" },
	{ "upstream { server = {\"a:1\"} }\n",
	  "x.conf:1: upstream: the title is missing (upstream \"db\" { ... })" },
	{ "program { }\n", "x.conf:1: program: the title is missing (program \"app\" { ... })" },
	{ "log = 3\n", "x.conf:1: log: \"{\" is missing" },
	{ "\nlisten 8080 {\n framing = line }\n",
	  "x.conf:2: listen \"8080\": the service is missing (service = ack)" },
	{ "listen 8080 { }\n",
	  "x.conf:1: listen \"8080\": the service is missing (service = ack)" },
	{ "listen 8080 { service = ehco }\n",
	  "x.conf:1: listen.service: \"ehco\" is not a service "
	  "(ack, echo, discard, daytime, chargen, status, http, module, "
	  "program, proxy or exec; "
	  "did you mean echo?)" },
	{ "listen 8080 {\n framing = line\n service = echo }\n",
	  "x.conf:2: framing: belongs to service ack, not echo" },
	{ "listen 8080 { service = ack }\nlisten \":8080\" { service = ack }\n",
	  "x.conf:2: listen \":8080\": the address is given twice (first: x.conf:1)" },
	{ "listen 8080 { service = ack # x\n backlog = 70000 }\n",
	  "x.conf:2: listen.backlog: \"70000\" is out of range (1 to 65535)" },
	{ "listen 8080 { service = ack\n allow = {10.0.0.0/8,\n ten} }\n",
	  "x.conf:3: listen.allow: \"ten\" is not a block of addresses (192.0.2.1, 10.0.0.0/8, "
	  "2001:db8::/32 or unix)" },
	{ "exempt = {10.0.0.0/8,\n ten}\n",
	  "x.conf:2: exempt: \"ten\" is not a block of addresses (192.0.2.1, 10.0.0.0/8, "
	  "2001:db8::/32 or unix)" },
	{ "listen 8080 { service = ack\n allow = {::1}\n allow = {10.0.0.1} }\n",
	  "x.conf:3: listen.allow: is given twice (first: x.conf:2)" },
	{ "listen 8080 { service = ack\n allow = {::1}\n allow = {} }\n",
	  "x.conf:2: listen.allow: is given twice (the second empties it)" },
	{ "include(\"none\")\n",
	  "x.conf:1: include: none: cannot be opened: No such file or directory" },
	{ "include(\"x.conf\")\n", "x.conf:1: include: x.conf: includes itself" },
	{ "include(\".\")\n", "x.conf:1: include: .: is a directory (a file is needed)" },
	{ "include(a, b)\n", "x.conf:1: write include(\"FILE\")" },
	{ "include()\n", "x.conf:1: write include(\"FILE\")" },
	{ "include(\"a\"", "x.conf:1: write include(\"FILE\")" },
	{ "a|b = 3\n", "x.conf:1: a: unknown option" },
	{ "\"\" = 3\n", "x.conf:1: cannot be understood here (NAME = VALUE is expected)" },
	{ "\nworker_processes = 4\n",
	  "x.conf:2: worker_processes: unknown option (write workers)" },
	{ "error_log /var/log/x\n",
	  "x.conf:1: error_log: unknown option (write log { path = FILE }, "
	  "or -o log.path=FILE)" },
	{ "events { worker_connections = 4 }\n",
	  "x.conf:1: events: unknown option (its options stand at the top level, outside of any "
	  "section)" },
	{ "listen 80 { service = ack\nTimeout = 4 }\n",
	  "x.conf:2: Timeout: unknown option (write hang_timeout for workers, idle_timeout or "
	  "message_timeout for clients)" },
	{ "workers = 4;\n",
	  "x.conf:1: \"4;\": no semicolons are needed (leave it out, or write the "
	  "value in quotes)" },
	{ "listen 80 {\nservice = \"ack\" ;\n}\n", "x.conf:2: \";\": no semicolons are needed "
						   "(leave it out, or write the value in quotes)" },
	{ "listen 80 {\nservice = ack };\n", "x.conf:2: \";\": no semicolons are needed (leave it "
					     "out, or write the value in quotes)" },
	{ "worker_processes 4;\n",
	  "x.conf:1: \"4;\": no semicolons are needed (leave it out, or write "
	  "the value in quotes)" },
	{ "", "x.conf: listen: is missing (listen \"127.0.0.1:8081\" { service = ack })" },
};

static struct conf *load(void **state, struct err *err)
{
	struct conf_source source = { .file = "x.conf", .directory = *state };

	return conf_load(&source, err);
}

static void grammar__with_wrong_files__says_what_and_where(void **state)
{
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		struct err err;

		folder_write(*state, "x.conf", wrongs[i].text);
		assert_null(load(state, &err));
		assert_string_equal(err.text, wrongs[i].message);
		assert_int_equal(err.code, CODE_CONFIG);
	}
}

static void include__inside_a_section__keeps_file_and_line(void **state)
{
	struct err err;
	struct conf *conf;

	folder_write(*state, "inner", "# one\nreply = \"inner\"\n");
	folder_write(*state, "outer", "service = ack\ninclude(\"inner\")\n");
	folder_write(*state, "x.conf", "listen 8080 {\n include(\"outer\")\n backlog = 5\n}\n");
	conf = load(state, &err);
	assert_non_null(conf);
	assert_string_equal(conf->listeners[0].reply, "inner");
	assert_int_equal(conf->listeners[0].backlog, 5);
	conf_free(conf);

	folder_write(*state, "x.conf", "listen 8080 {\n include(\"outer\")\n reply = x\n}\n");
	assert_null(load(state, &err));
	assert_string_equal(err.text, "x.conf:3: listen.reply: is given twice (first: inner:2)");

	folder_write(*state, "inner", "# one\n\nbacklgo = 3\n");
	assert_null(load(state, &err));
	assert_string_equal(err.text, "inner:3: backlgo: unknown option (did you mean backlog?)");
}

static void section__in_two_files__is_refused_with_both(void **state)
{
	struct err err;

	folder_write(*state, "inner", "\nlog { }\n");
	folder_write(*state, "x.conf", "include(\"inner\")\n\nlog {\n level = debug }\n" GOOD);
	assert_null(load(state, &err));
	assert_string_equal(err.text, "x.conf:3: log: is given twice (first: inner:2)");
	folder_write(*state, "inner", "level = debug\n");
	folder_write(*state, "x.conf",
		     "log {\n include(\"inner\") }\nlog { include(\"inner\") }\n");
	assert_null(load(state, &err));
	assert_string_equal(err.text, "x.conf:3: log: is given twice (first: x.conf:1)");
}

static void include__that_ends__goes_on_with_the_outer_line(void **state)
{
	struct err err;

	folder_write(*state, "inner", "workers = 1\n\n\n\n");
	folder_write(*state, "x.conf", "include(\"inner\")\n\numask = 9\n");
	assert_null(load(state, &err));
	assert_string_equal(err.text,
			    "x.conf:3: umask: \"9\" is not an octal number (octal, 0 to 0777)");
}

static void include__in_a_circle__is_refused(void **state)
{
	struct err err;

	folder_write(*state, "inner", "include(\"x.conf\")\n");
	folder_write(*state, "x.conf", "\ninclude(\"inner\")\n");
	assert_null(load(state, &err));
	assert_string_equal(err.text, "inner:1: include: x.conf: includes itself");
}

static void include__without_measure__is_refused(void **state)
{
	char name[16], text[4096] = "";
	struct err err;

	for (int depth = 4; depth >= 0; depth--) {
		char line[32];

		text[0] = '\0';
		snprintf(line, sizeof(line), "include(\"f%d\")\n", depth + 1);
		for (int i = 0; i < 64; i++)
			strncat(text, line, sizeof(text) - strlen(text) - 1);
		snprintf(name, sizeof(name), "f%d", depth);
		folder_write(*state, name, text);
	}
	folder_write(*state, "f5", "# nothing\n");
	folder_write(*state, "x.conf", "include(\"f0\")\n");
	assert_null(load(state, &err));
	assert_non_null(strstr(err.text, ": include: f5: one file too many (at most 1000)"));
}

static void file__that_is_no_text__is_refused(void **state)
{
	struct conf_source source = { .directory = *state };
	struct err err;
	char path[512];
	FILE *file;

	source.file = ".";
	assert_null(conf_load(&source, &err));
	assert_string_equal(err.text, ".: is a directory (a file is needed)");
	source.file = "";
	assert_null(conf_load(&source, &err));
	assert_string_equal(err.text, "-c \"\": a path is needed");
	assert_int_equal(err.code, CODE_USAGE);
	source.file = "/dev/zero";
	assert_null(conf_load(&source, &err));
	assert_string_equal(err.text, "/dev/zero: is too big (at most 4m)");
	source.file = "none";
	assert_null(conf_load(&source, &err));
	assert_string_equal(err.text, "none: cannot be opened: No such file or directory");

	snprintf(path, sizeof(path), "%s/x.conf", (char *)*state);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite("\n\nworkers\0 = 3", 1, 14, file), 14);
	fclose(file);
	assert_null(load(state, &err));
	assert_string_equal(err.text, "x.conf:3: a NUL byte (this is not a text file)");
}

static const char nothing_there[] =
	": is no regular file, and there is nothing to read in it (a pipe can be read once, while "
	"a process writes to it; a reload needs a file)";

/* A pipe is read once; a FIFO without a writer has nothing. */
static void file__that_is_a_pipe__is_read_while_it_has_bytes(void **state)
{
	struct conf_source source = { .directory = *state };
	char name[32], wanted[512], path[512];
	struct conf *conf;
	struct err err;
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_true(write(fds[1], GOOD, strlen(GOOD)) > 0);
	close(fds[1]);
	snprintf(name, sizeof(name), "/dev/fd/%d", fds[0]);
	source.file = name;
	conf = conf_load(&source, &err);
	assert_non_null(conf);
	conf_free(conf);
	assert_null(conf_load(&source, &err));
	snprintf(wanted, sizeof(wanted), "%s%s", name, nothing_there);
	assert_string_equal(err.text, wanted);
	assert_int_equal(err.code, CODE_CONFIG);
	close(fds[0]);

	snprintf(path, sizeof(path), "%s/fifo", (char *)*state);
	assert_int_equal(mkfifo(path, 0600), 0);
	source.file = "fifo";
	source.listeners = (const char *[]){ "0=ack" };
	source.listener_count = 1;
	assert_null(conf_load(&source, &err));
	snprintf(wanted, sizeof(wanted), "fifo%s", nothing_there);
	assert_string_equal(err.text, wanted);
	unlink(path);

	source.file = "/dev/null";
	conf = conf_load(&source, &err);
	assert_non_null(conf);
	conf_free(conf);
}

static int next_descriptor(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

static void conf_load__many_times__keeps_nothing_open(void **state)
{
	int before = next_descriptor();

	folder_write(*state, "inner", "backlgo = 3\n");
	for (int i = 0; i < 2000; i++) {
		struct err err;
		struct conf *conf;

		folder_write(*state, "x.conf", i % 2 ? GOOD : "include(\"inner\")\n");
		conf = load(state, &err);
		assert_int_equal(conf != NULL, i % 2);
		conf_free(conf);
	}
	assert_int_equal(next_descriptor(), before);
}

static void file__with_crlf_and_a_byte_order_mark__is_read(void **state)
{
	struct err err;
	struct conf *conf;

	folder_write(*state, "x.conf",
		     "\xef\xbb\xbfworkers = 2\r\nlisten 8080 {\r\nservice = ack\r\n}\r\n");
	conf = load(state, &err);
	assert_non_null(conf);
	assert_int_equal(conf->workers, 2);
	assert_string_equal(conf->listeners[0].service, "ack");
	conf_free(conf);
}

static void file__with_comments_in_strings__keeps_them(void **state)
{
	struct err err;
	struct conf *conf;

	folder_write(*state, "x.conf",
		     "listen 8080 { service = ack reply = \"a # b // c /* d */\" }\n"
		     "user = http://x#y\n");
	conf = load(state, &err);
	assert_non_null(conf);
	assert_string_equal(conf->listeners[0].reply, "a # b // c /* d */");
	assert_string_equal(conf->user, "http://x");
	conf_free(conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grammar__with_wrong_files__says_what_and_where),
		cmocka_unit_test(include__inside_a_section__keeps_file_and_line),
		cmocka_unit_test(section__in_two_files__is_refused_with_both),
		cmocka_unit_test(include__that_ends__goes_on_with_the_outer_line),
		cmocka_unit_test(include__in_a_circle__is_refused),
		cmocka_unit_test(include__without_measure__is_refused),
		cmocka_unit_test(file__that_is_no_text__is_refused),
		cmocka_unit_test(file__that_is_a_pipe__is_read_while_it_has_bytes),
		cmocka_unit_test(conf_load__many_times__keeps_nothing_open),
		cmocka_unit_test(file__with_crlf_and_a_byte_order_mark__is_read),
		cmocka_unit_test(file__with_comments_in_strings__keeps_them),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
