/* SPDX-License-Identifier: MIT */
/* Prints a status once. */
#include "ctl/status_print.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/pidfile.h"
#include "ctl/snapshot.h"
#include "ctl/status_screen.h"
#include "stats/report.h"

enum { JSON_PIECE = 64 * 1024 };

static bool print_json(const struct report *report, struct err *err)
{
	struct piece_cursor at = { 0 };
	char *base = malloc(JSON_PIECE);
	bool is_done = false;

	if (base == NULL)
		return err_errno(err, CODE_OSERR, "cannot make room for the JSON");
	while (!is_done) {
		struct strbuf text = strbuf_on(base, JSON_PIECE);

		is_done = report_pieces(report, report_json, report_json_count, &at, &text);
		fwrite(text.base, 1, text.used, stdout);
		if (is_done && (text.used == 0 || text.base[text.used - 1] != '\n'))
			putchar('\n');
	}
	free(base);
	return true;
}

enum exit_code status_print(const char *path, bool quiet, bool json, struct err *err)
{
	struct snapshot snapshot;
	bool is_good = true;

	if (!snapshot_open(&snapshot, path, err))
		return err->code;
	snapshot_take(&snapshot);
	if (!quiet && snapshot.has_board && !json)
		status_screen_print(&snapshot);
	if (!quiet && snapshot.has_board && json)
		is_good = print_json(&snapshot.report, err);
	if (is_good)
		*err = snapshot.problem;
	snapshot_close(&snapshot);
	is_good = is_good && err->text[0] == '\0';
	/* that no server runs is the answer then, and the exit status tells it */
	if (quiet && snapshot.pid == 0 && !pidfile_is_hidden(path))
		err->text[0] = '\0';
	return is_good ? CODE_OK : err->code;
}
