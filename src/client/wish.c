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

static bool take_timeout(struct client_options *options, const char *value, struct err *err)
{
	if (!take_time(&options->timeout_ms, "timeout", value, err))
		return false;
	if (options->timeout_ms > 0)
		return true;
	return err_set(err, CODE_USAGE, "--timeout: nothing happens within no time");
}

static bool take_quiet(struct client_options *options, const char *value, struct err *err)
{
	if (!take_time(&options->quiet_time_ms, "quiet-time", value, err))
		return false;
	options->no_responses = options->quiet_time_ms == 0;
	return true;
}

static bool take_count(struct client_options *options, const char *value, struct err *err)
{
	char shown[QUOTE_TEXT];

	if (units_read_count(value, &options->count) && options->count > 0)
		return true;
	return err_set(err, CODE_USAGE, "--count %s: is not a number from 1 on",
		       quote_show(value, shown));
}

static bool take_flag(void *owner, int letter, const char *value, struct err *err)
{
	struct client_options *options = owner;

	switch (letter) {
	case '4':
		return target_take_family(&options->family, AF_INET, err);
	case '6':
		return target_take_family(&options->family, AF_INET6, err);
	case 'v':
		options->verbose = true;
		return true;
	case 'f':
		return framing_read(value, &options->framing, err);
	case 'b':
		options->bind = value;
		return true;
	case 'n':
		return take_count(options, value, err);
	case 'i':
		return take_time(&options->interval_ms, "interval", value, err);
	case 'w':
		return take_timeout(options, value, err);
	case 'N':
		options->half_close = true;
		return true;
	case 'q':
		return take_quiet(options, value, err);
	case 'x':
		options->hex = true;
		return true;
	default:
		options->action = letter;
		return true;
	}
}

bool client_options_read(struct client_options *options, int argc, char **argv, struct err *err)
{
	int end;

	*options = (struct client_options){ .family = AF_UNSPEC,
					    .count = 1,
					    .interval_ms = -1,
					    .timeout_ms = TIMEOUT_MS,
					    .quiet_time_ms = QUIET_MS };
	end = flags_read(FLAGS(rows), argc, argv, take_flag, options, err);
	if (end < 0)
		return false;
	options->arguments = argv + end;
	options->argument_count = argc - end;
	return true;
}

static bool check_message(const struct client_options *options, const char *message,
			  struct err *err)
{
	char shown[QUOTE_TEXT];

	if (options->framing == FRAMING_LINE && strchr(message, '\n') != NULL)
		return err_set(err, CODE_USAGE,
			       "message %s: a newline ends a message with -f line, so this would "
			       "be more than one",
			       quote_show(message, shown));
	if (options->framing == FRAMING_RAW && message[0] == '\0')
		return err_set(err, CODE_USAGE,
			       "an empty message is nothing to send with -f raw (-f line or "
			       "length)");
	return true;
}

bool client_options_check(const struct client_options *options, struct err *err)
{
	if (options->message_count == 0 && options->count != 1)
		return err_set(err, CODE_USAGE, "--count: goes with messages on the command line");
	if (options->message_count == 0 && options->interval_ms >= 0)
		return err_set(err, CODE_USAGE,
			       "--interval: goes with messages on the command line");
	for (int i = 0; i < options->message_count; i++)
		if (!check_message(options, options->messages[i], err))
			return false;
	return true;
}

void client_options_help(void)
{
	puts("usage: prefork-client [flags] HOST PORT | HOST:PORT | unix:PATH [MESSAGE...]\n"
	     "       prefork-client bench [flags] HOST PORT   (a load; bench -h tells more)\n"
	     "Sends each MESSAGE, or standard input as it comes, and prints the answers.\n");
	flags_help(FLAGS(rows), stdout);
	puts("\nTIME: 0.5, 2, 250ms, 1m. FRAMING raw (default): a message is its bytes, line:\n"
	     "it ends with a newline, length: four bytes, big-endian, tell its length.\n"
	     "Manual: prefork-client(1)");
}
