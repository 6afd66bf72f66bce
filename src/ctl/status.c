/* SPDX-License-Identifier: MIT */
/*
 * Prints the status screen, or the JSON, to stdout. What they say is the business of the view and
 * of core/report.
 */
#include "ctl/status.h"

#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/stdio.h"
#include "ctl/status_screen.h"
#include "ctl/terminal.h"

enum { JSON_PART = 64 * 1024 };

static bool print_json(const struct report *report, struct err *err)
{
	struct piece_cursor at = { 0 };
	char *base = malloc(JSON_PART);
	bool is_done = false;

	if (base == NULL)
		return err_errno(err, CODE_OSERR, "cannot make room for the JSON");
	while (!is_done) {
		struct strbuf text = strbuf_on(base, JSON_PART);

		is_done = report_pieces(report, report_json, report_json_count, &at, &text);
		fwrite(text.base, 1, text.used, stdout);
		if (is_done && (text.used == 0 || text.base[text.used - 1] != '\n'))
			putchar('\n');
	}
	free(base);
	return true;
}

static void print_screen(const struct snapshot *look)
{
	struct screen screen = { .out = stdout,
				 .width = isatty(STDOUT_FILENO) ? terminal_width() :
								  screen_pipe_width(),
				 .has_colour = stdio_has_colour(STDOUT_FILENO) };

	setlocale(LC_CTYPE, "");
	screen.is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	status_screen_write(look, NULL, &screen);
}

static enum exit_code print(const struct snapshot *look, bool json, bool quiet, struct err *err)
{
	if (!quiet && look->has_board && !json)
		print_screen(look);
	if (!quiet && look->has_board && json && !print_json(&look->report, err))
		return err->code;
	*err = look->trouble;
	return err->text[0] == '\0' ? CODE_OK : err->code;
}

enum exit_code status_run(const char *pid_file, bool json, bool quiet, struct err *err)
{
	struct snapshot look;
	enum exit_code code;

	if (!snapshot_open(&look, pid_file, err))
		return err->code;
	snapshot_take(&look);
	code = print(&look, json, quiet, err);
	snapshot_close(&look);
	return code;
}
