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
static void end_shown(struct exchange *x)
{
	struct err ignored = { .code = CODE_OK };

	hear_end(&x->hear, &ignored);
}

bool complain_late(struct exchange *x, const char *which, struct err *err)
{
	size_t left = feed_left(&x->feed);
	uint64_t part = x->hear.part;
	char shown[UNITS_TEXT];

	/* nothing could be sent any more, and the peer had nothing more to say */
	if (x->broken != 0)
		return complain_ended(x, which, err);
	units_write_duration(x->wish->timeout_ms, shown);
	end_shown(x);
	if (left > 0)
		return err_set(err, CODE_FAILED,
			       "%s: %sthe peer has taken nothing for %s, with %zu byte%s to go",
			       x->name, which, shown, left, plural(left));
	if (part > 0)
		return err_set(err, CODE_FAILED,
			       "%s: %sthe answer stopped after %" PRIu64
			       " byte%s: nothing more for %s",
			       x->name, which, part, plural(part), shown);
	return err_set(err, CODE_FAILED, "%s: %sno answer within %s", x->name, which, shown);
}

bool complain_ended(struct exchange *x, const char *which, struct err *err)
{
	uint64_t unsent = x->broken != 0 ? x->unsent : feed_left(&x->feed), part = x->hear.part;
	const char *what = "closed its side";
	char text[128];

	end_shown(x);
	if (x->broken == EPIPE || x->broken == ECONNRESET)
		what = "reset the connection";
	else if (x->broken != 0)
		return err_set(err, CODE_FAILED, "%s: %sthe connection broke: %s", x->name, which,
			       strerror(x->broken));
	if (unsent > 0)
		snprintf(text, sizeof(text), "with %" PRIu64 " byte%s not sent", unsent,
			 plural(unsent));
	else if (part > 0)
		snprintf(text, sizeof(text),
			 "in the middle of the answer, after %" PRIu64 " byte%s", part,
			 plural(part));
	else
		snprintf(text, sizeof(text), "before the answer");
	return err_set(err, CODE_FAILED, "%s: %sthe peer has %s %s", x->name, which, what, text);
}

bool complain_unended(struct exchange *x, struct err *err)
{
	char shown[UNITS_TEXT];

	end_shown(x);
	return err_set(err, CODE_FAILED, "%s: the peer has not ended its side within %s", x->name,
		       units_write_duration(x->wish->timeout_ms, shown));
}

bool complain_glued(struct exchange *x, struct err *err)
{
	end_shown(x);
	return err_set(err, CODE_FAILED, "%s: more came than was asked for", x->name);
}
