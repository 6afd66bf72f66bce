/* SPDX-License-Identifier: MIT */
/* Reads the command line of a talk; does nothing of it. */
#include "client/wish.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/flags.h"
#include "base/quote.h"
#include "base/units.h"
#include "client/target.h"

static const struct flag rows[] = {
#define FLAG_ROW(letter, name, argument, sentence) { letter, name, argument, sentence },
#include "tables/client_flags.def"
};

enum { TIMEOUT_MS = 10000, QUIET_MS = 200 };

/* Beyond 24 days a time is as good as for ever, and fits in what poll(2) takes. */
static bool take_time(int *time_ms, const char *name, const char *value, struct err *err)
{
	char shown[QUOTE_TEXT];
	int64_t read_ms;

	if (!units_read_seconds(value, &read_ms))
		return err_set(err, CODE_USAGE, "--%s %s: is not a time (0.5, 250ms, 30s, 5m)",
			       name, quote_show(value, shown));
	*time_ms = read_ms < INT_MAX ? (int)read_ms : INT_MAX;
	return true;
}

static bool take_timeout(struct wish *wish, const char *value, struct err *err)
{
	if (!take_time(&wish->timeout_ms, "timeout", value, err))
		return false;
	if (wish->timeout_ms > 0)
		return true;
	return err_set(err, CODE_USAGE, "--timeout: nothing happens within no time");
}

static bool take_quiet(struct wish *wish, const char *value, struct err *err)
{
	if (!take_time(&wish->quiet_ms, "quiet-time", value, err))
		return false;
	wish->no_answers = wish->quiet_ms == 0;
	return true;
}

static bool take_rounds(struct wish *wish, const char *value, struct err *err)
{
	char shown[QUOTE_TEXT];

	if (units_read_count(value, &wish->rounds) && wish->rounds > 0)
		return true;
	return err_set(err, CODE_USAGE, "--count %s: is not a number from 1 on",
		       quote_show(value, shown));
}

static bool take(void *owner, int letter, const char *value, struct err *err)
{
	struct wish *wish = owner;

	switch (letter) {
	case '4':
		return target_take_family(&wish->family, AF_INET, err);
	case '6':
		return target_take_family(&wish->family, AF_INET6, err);
	case 'v':
		wish->verbose = true;
		return true;
	case 'f':
		return framing_read(value, &wish->framing, err);
	case 'b':
		wish->bind = value;
		return true;
	case 'n':
		return take_rounds(wish, value, err);
	case 'i':
		return take_time(&wish->interval_ms, "interval", value, err);
	case 'w':
		return take_timeout(wish, value, err);
	case 'N':
		wish->half_close = true;
		return true;
	case 'q':
		return take_quiet(wish, value, err);
	case 'x':
		wish->hex = true;
		return true;
	default:
		wish->action = letter;
		return true;
	}
}

bool wish_read(struct wish *wish, int argc, char **argv, struct err *err)
{
	int end;

	*wish = (struct wish){ .family = AF_UNSPEC,
			       .rounds = 1,
			       .interval_ms = -1,
			       .timeout_ms = TIMEOUT_MS,
			       .quiet_ms = QUIET_MS };
	end = flags_read(FLAGS(rows), argc, argv, take, wish, err);
	if (end < 0)
		return false;
	wish->words = argv + end;
	wish->word_count = argc - end;
	return true;
}

static bool check_message(const struct wish *wish, const char *message, struct err *err)
{
	char shown[QUOTE_TEXT];

	if (wish->framing == FRAMING_LINE && strchr(message, '\n') != NULL)
		return err_set(err, CODE_USAGE,
			       "message %s: a newline ends a message with -f line, so this would "
			       "be more than one",
			       quote_show(message, shown));
	if (wish->framing == FRAMING_RAW && message[0] == '\0')
		return err_set(err, CODE_USAGE,
			       "an empty message is nothing to send with -f raw (-f line or "
			       "length)");
	return true;
}

bool wish_check(const struct wish *wish, struct err *err)
{
	if (wish->message_count == 0 && wish->rounds != 1)
		return err_set(err, CODE_USAGE, "--count: goes with messages on the command line");
	if (wish->message_count == 0 && wish->interval_ms >= 0)
		return err_set(err, CODE_USAGE,
			       "--interval: goes with messages on the command line");
	for (int i = 0; i < wish->message_count; i++)
		if (!check_message(wish, wish->messages[i], err))
			return false;
	return true;
}

void wish_help(void)
{
	puts("usage: prefork-client [flags] HOST PORT | HOST:PORT | unix:PATH [MESSAGE...]\n"
	     "       prefork-client bench [flags] HOST PORT   (a load; bench -h tells more)\n"
	     "Sends each MESSAGE, or standard input as it comes, and prints the answers.\n");
	flags_help(FLAGS(rows), stdout);
	puts("\nTIME: 0.5, 2, 250ms, 1m. FRAMING raw (default): a message is its bytes, line:\n"
	     "it ends with a newline, length: four bytes, big-endian, tell its length.\n"
	     "Manual: prefork-client(1)");
}
