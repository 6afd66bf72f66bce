/* SPDX-License-Identifier: MIT */
/* Says what went wrong with an exchange. Must not go on with it. */
#include "client/complain.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/sys.h"
#include "base/units.h"

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* Ends the line of what was shown; that stdout fails is said elsewhere, if at all. */
static void end_output_line(struct session *session)
{
	struct err ignored = { .code = CODE_OK };

	output_end(&session->output, &ignored);
}

bool fail_timeout(struct session *session, const char *which, struct err *err)
{
	size_t left = input_left(&session->input);
	uint64_t part = session->output.part;
	char shown[UNITS_TEXT];

	/* nothing could be sent any more, and the peer had nothing more to say */
	if (session->error != 0)
		return fail_closed(session, which, err);
	units_write_duration(session->options->timeout_ms, shown);
	end_output_line(session);
	if (left > 0)
		return err_set(err, CODE_FAILED,
			       "%s: %sthe peer has taken nothing for %s, with %zu byte%s to go",
			       session->name, which, shown, left, plural(left));
	if (part > 0)
		return err_set(err, CODE_FAILED,
			       "%s: %sthe answer stopped after %" PRIu64
			       " byte%s: nothing more for %s",
			       session->name, which, part, plural(part), shown);
	return err_set(err, CODE_FAILED, "%s: %sno answer within %s", session->name, which, shown);
}

bool fail_closed(struct session *session, const char *which, struct err *err)
{
	uint64_t unsent = session->error != 0 ? session->unsent : input_left(&session->input),
		 part = session->output.part;
	const char *what = "closed its side";
	char text[128];

	end_output_line(session);
	if (session->error == EPIPE || session->error == ECONNRESET)
		what = "reset the connection";
	else if (session->error != 0)
		return err_set(err, CODE_FAILED, "%s: %sthe connection broke: %s", session->name,
			       which, strerror(session->error));
	if (unsent > 0)
		snprintf(text, sizeof(text), "with %" PRIu64 " byte%s not sent", unsent,
			 plural(unsent));
	else if (part > 0)
		snprintf(text, sizeof(text),
			 "in the middle of the answer, after %" PRIu64 " byte%s", part,
			 plural(part));
	else
		snprintf(text, sizeof(text), "before the answer");
	return err_set(err, CODE_FAILED, "%s: %sthe peer has %s %s", session->name, which, what,
		       text);
}

bool fail_open(struct session *session, struct err *err)
{
	char shown[UNITS_TEXT];

	end_output_line(session);
	return err_set(err, CODE_FAILED, "%s: the peer has not ended its side within %s",
		       session->name, units_write_duration(session->options->timeout_ms, shown));
}

bool fail_excess(struct session *session, struct err *err)
{
	end_output_line(session);
	return err_set(err, CODE_FAILED, "%s: more came than was asked for", session->name);
}
