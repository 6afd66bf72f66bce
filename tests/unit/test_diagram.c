/* SPDX-License-Identifier: MIT */
/* Tests of demo/diagram.c: the look of a diagram, and the counting of claims. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "demo/diagram.h"

static char drawn[8192];

/* Runs draw() with a file in place of stdout, without colour, and reads the result into drawn. */
static void record_output(void (*draw)(struct diagram *out), struct claims *claims)
{
	FILE *file = tmpfile();
	int stdout_then = dup(STDOUT_FILENO);
	struct diagram out;
	size_t n;

	assert_non_null(file);
	fflush(stdout);
	assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
	diagram_init(&out, claims);
	draw(&out);
	fflush(stdout);
	assert_true(dup2(stdout_then, STDOUT_FILENO) >= 0);
	close(stdout_then);
	rewind(file);
	n = fread(drawn, 1, sizeof(drawn) - 1, file);
	drawn[n] = '\0';
	fclose(file);
}

static const char *const pair[] = { "server", NULL };
static const char *const crowd[] = { "master", "worker 1", "worker 2", "worker 3", NULL };

static void draw_lines(struct diagram *out)
{
	diagram_columns(out, pair);
	diagram_scene(out, "(a) a scene");
	diagram_cell(out, 0, "connect() = 0");
	diagram_arrow(out, TO_SERVER, "SYN");
	diagram_line(out);
	diagram_lifeline(out, 1, false);
	diagram_arrow(out, TO_CLIENT, "FIN");
	diagram_line(out);
	diagram_line(out);
}

static void line__of_cells_and_arrow__has_lifelines_elsewhere(void **state)
{
	struct claims claims = { 0 };

	(void)state;
	record_output(draw_lines, &claims);
	assert_string_equal(drawn, "\n(a) a scene\n\n"
				   " client                      wire        server\n"
				   " connect() = 0            ---- SYN --->  |\n"
				   " |                        <--- FIN ----  .\n"
				   " |                                       .\n");
}

static void draw_crowd(struct diagram *out)
{
	diagram_columns(out, crowd);
	diagram_cell(out, 2, "send() = ENOTCONN");
	diagram_line(out);
	diagram_cell(out, 4, "recv() = 10 \"1234567890\"");
	diagram_line(out);
}

static void cell__that_does_not_fit__moves_left_and_covers_its_neighbour(void **state)
{
	struct claims claims = { 0 };

	(void)state;
	record_output(draw_crowd, &claims);
	assert_string_equal(drawn,
			    " |                               |          send() = ENOTCONN     |\n"
			    " |                               |          |           recv() = 10 "
			    "\"1234567890\"\n");
}

static void draw_long(struct diagram *out)
{
	diagram_columns(out, crowd);
	diagram_cell(out, 1, "%0200d", 7);
	diagram_line(out);
	diagram_arrow(out, TO_SERVER, "a label that is too long");
	diagram_line(out);
	diagram_paragraph(out, "%0100d and a few words that go to the next line because of it", 1);
}

/* A line is longer than the width only when it is a single long word. */
static void text__that_is_too_long__is_cut(void **state)
{
	struct claims claims = { 0 };
	char *end;

	(void)state;
	record_output(draw_long, &claims);
	end = strchr(drawn, '\n');
	assert_int_equal(end - drawn, DIAGRAM_WIDTH);
	assert_non_null(strstr(drawn, "- a label t > "));
}

static void draw_claims(struct diagram *out)
{
	diagram_claim(out, true, "one %d", 1);
	diagram_claim(out, false,
		      "a sentence that is long enough to need a second line, where it "
		      "goes on below its beginning");
	diagram_skip_claim(out, "no permission", "three");
	diagram_kernel(out, "%s", "all is well");
}

static void claims__of_each_outcome__are_shown_and_counted(void **state)
{
	struct claims claims = { 0 };

	(void)state;
	record_output(draw_claims, &claims);
	assert_string_equal(
		drawn, "  ok      one 1\n"
		       "  BROKEN  a sentence that is long enough to need a second line, where it "
		       "goes\n"
		       "          on below its beginning\n"
		       "  ?       three (not checkable here: no permission)\n"
		       "    kernel: all is well\n");
	assert_int_equal(claims.held, 1);
	assert_int_equal(claims.broken, 1);
	assert_int_equal(claims.skipped, 1);
}

static void draw_colour(struct diagram *out)
{
	out->has_colour = true;
	diagram_claim(out, true, "one");
}

static void colour__only_where_it_was_wanted(void **state)
{
	struct claims claims = { 0 };

	(void)state;
	record_output(draw_colour, &claims);
	assert_string_equal(drawn, "  \033[32mok    \033[0m  one\n");
}

static void draw_skip_rest(struct diagram *out)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		errno = EPERM;
		diagram_skip_rest(out, "socket()");
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void skip_rest__says_why_and_ends_the_process(void **state)
{
	struct claims claims = { 0 };

	(void)state;
	record_output(draw_skip_rest, &claims);
	assert_string_equal(drawn,
			    "  ?       the rest of this lesson (not checkable here: socket(): "
			    "Operation not\n          permitted)\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line__of_cells_and_arrow__has_lifelines_elsewhere),
		cmocka_unit_test(cell__that_does_not_fit__moves_left_and_covers_its_neighbour),
		cmocka_unit_test(text__that_is_too_long__is_cut),
		cmocka_unit_test(claims__of_each_outcome__are_shown_and_counted),
		cmocka_unit_test(colour__only_where_it_was_wanted),
		cmocka_unit_test(skip_rest__says_why_and_ends_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
