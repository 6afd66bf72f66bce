/* SPDX-License-Identifier: MIT */
/* The reasons as rows, and when a listener's last line was. */
#include "services/files/open/file_log.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "services/files/open/place.h"

enum { INTERVAL_MS = 1000, PATH_TEXT = 2 * PATH_MAX };

static const struct reason {
	enum log_event event;
	const char *text; /* NULL: the system's own */
} reasons[FILE_REASONS] = {
	[FILE_REASON_ERROR] = { EVENT_file_failed, NULL },
	[FILE_REASON_OUTSIDE] = { EVENT_file_failed, "a symbolic link leads out of the root" },
	[FILE_REASON_LINK] = { EVENT_file_failed,
			       "a symbolic link that follow_symlinks does not allow, or too many" },
	[FILE_REASON_KIND] = { EVENT_file_failed, "neither a regular file nor a folder" },
	[FILE_REASON_SHORTER] = { EVENT_file_failed, "the file became shorter while it was read" },
	[FILE_REASON_HIDDEN] = { EVENT_file_refused, "a name begins with a dot (hidden = no)" },
	[FILE_REASON_FOLDER] = { EVENT_file_refused, "a folder without an index (autoindex = no)" },
};

/* The lines of one event for one listener. */
struct said {
	int64_t until_ms; /* no line before */
	uint64_t left_out;
};
struct listener_said {
	struct said failed, refused;
};

/* Of this worker, by the number of the listener; written by it alone. */
static struct listener_said *said_of;

bool file_log_start(unsigned listeners)
{
	if (!said_of)
		said_of = calloc(listeners, sizeof(*said_of));
	return said_of != NULL;
}

static bool may_log(struct said *said, int64_t now_ms)
{
	if (now_ms < said->until_ms) {
		said->left_out++;
		return false;
	}
	said->until_ms = now_ms + INTERVAL_MS;
	return true;
}

static void log_reason(unsigned place, const char *path, unsigned status,
		       const struct reason *reason, int error)
{
	unsigned listener = place_listener(place);
	struct said *said = reason->event == EVENT_file_failed ? &said_of[listener].failed :
								 &said_of[listener].refused;
	char bytes[PATH_TEXT];
	struct strbuf text = strbuf_on(bytes, sizeof(bytes) - 1);

	if (!log_wants(reason->event) || !may_log(said, clock_ms()))
		return;
	strbuf_raw(&text, place_conf(place)->root);
	strbuf_raw(&text, "/");
	strbuf_raw(&text, path);
	bytes[text.used] = '\0';
	LOG(reason->event, LOG_STR("listen", place_conf(place_of_listener(listener))->address),
	    LOG_STR("path", bytes), LOG_NUM("status", status),
	    LOG_STR("reason", reason->text ? reason->text : strerror(error)),
	    LOG_NUM("count", said->left_out + 1));
	said->left_out = 0;
}

void file_log_reason(unsigned place, const char *path, unsigned status, enum file_reason reason)
{
	log_reason(place, path, status, &reasons[reason], 0);
}

static enum file_reason reason_of(int error)
{
	switch (error) {
	case EXDEV:
		return FILE_REASON_OUTSIDE;
	case ELOOP:
		return FILE_REASON_LINK;
	case ENXIO:
	case ENODEV:
		return FILE_REASON_KIND;
	default:
		return FILE_REASON_ERROR;
	}
}

void file_log_error(unsigned place, const char *path, unsigned status, int error)
{
	log_reason(place, path, status, &reasons[reason_of(error)], error);
}
