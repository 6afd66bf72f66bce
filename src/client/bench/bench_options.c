/* SPDX-License-Identifier: MIT */
/* Reads the command line of a bench; starts nothing. */
#include "client/bench/bench_options.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/flags.h"
#include "base/quote.h"
#include "base/units.h"
#include "client/bench/hex.h"
#include "client/bench/pace.h"

static const struct flag rows[] = {
#define FLAG_ROW(letter, name, argument, sentence) { letter, name, argument, sentence },
#include "tables/bench_flags.def"
};

enum { FLAG_VERIFY = 1, FLAG_SOURCES, FLAG_SERVER_PID, FLAG_JSON, FLAG_CSV };
enum { DURATION_MS = 10000, TIMEOUT_MS = 10000, SIZE = 64, SOURCES_MOST = 1 << 16 };

static bool take_number(int64_t *number, const char *name, const char *value, int64_t most,
			struct err *err)
{
	char shown[QUOTE_TEXT];

	if (units_read_count(value, number) && *number >= 1 && *number <= most)
		return true;
	if (most == INT64_MAX)
		return err_set(err, CODE_USAGE, "--%s %s: is not a number from 1 on", name,
			       quote_show(value, shown));
	return err_set(err, CODE_USAGE, "--%s %s: is not a number from 1 to %lld", name,
		       quote_show(value, shown), (long long)most);
}

static bool take_int(int *number, const char *name, const char *value, int most, struct err *err)
{
	int64_t read = 0;

	if (!take_number(&read, name, value, most, err))
		return false;
	*number = (int)read;
	return true;
}

/* Beyond 24 days a time is as good as for ever. */
static bool take_time(int64_t *time_ms, const char *name, const char *value, struct err *err)
{
	char shown[QUOTE_TEXT];

	if (!units_read_seconds(value, time_ms))
		return err_set(err, CODE_USAGE, "--%s %s: is not a time (0.5, 250ms, 30s, 5m)",
			       name, quote_show(value, shown));
	if (*time_ms == 0)
		return err_set(err, CODE_USAGE, "--%s %s: nothing happens within no time", name,
			       quote_show(value, shown));
	if (*time_ms > INT_MAX)
		*time_ms = INT_MAX;
	return true;
}

static bool take_timeout(struct plan *plan, const char *value, struct err *err)
{
	int64_t time_ms;

	if (!take_time(&time_ms, "timeout", value, err))
		return false;
	plan->timeout_ms = (int)time_ms;
	return true;
}

static bool take_size(struct plan *plan, const char *value, struct err *err)
{
	char shown[QUOTE_TEXT];

	if (units_read_size(value, &plan->size) && plan->size <= MESSAGE_MOST)
		return true;
	return err_set(err, CODE_USAGE, "--size %s: is not a size from 0 to 64m",
		       quote_show(value, shown));
}

static bool take_answer(struct plan *plan, const char *value, struct err *err)
{
	char shown[QUOTE_TEXT];
	int64_t size = 0;

	plan->answer = value;
	plan->answer_size = UINT64_MAX;
	if (strcmp(value, "end") == 0)
		return true;
	if (!units_read_size(value, &size) || size == 0)
		return err_set(err, CODE_USAGE, "--answer %s: is neither a size from 1 on nor end",
			       quote_show(value, shown));
	plan->answer_size = (uint64_t)size;
	return true;
}

static bool take_pid(struct plan *plan, const char *value, struct err *err)
{
	if (plan->server_pid_count == PLAN_PIDS_MOST)
		return err_set(err, CODE_USAGE, "--server-pid: at most %d of them", PLAN_PIDS_MOST);
	return take_int(&plan->server_pids[plan->server_pid_count++], "server-pid", value, INT_MAX,
			err);
}

static bool take_form(struct plan *plan, enum plan_form form, struct err *err)
{
	if (plan->form != PLAN_TEXT && plan->form != form)
		return err_set(err, CODE_USAGE, "--json and --csv do not go together");
	plan->form = form;
	return true;
}

static bool take(void *owner, int letter, const char *value, struct err *err)
{
	struct plan *plan = owner;

	switch (letter) {
	case '4':
		return target_take_family(&plan->family, AF_INET, err);
	case '6':
		return target_take_family(&plan->family, AF_INET6, err);
	case 'c':
		return take_int(&plan->connections, "connections", value, PLAN_CONNECTIONS_MOST,
				err);
	case 'd':
		return take_time(&plan->duration_ms, "duration", value, err);
	case 'n':
		return take_number(&plan->count, "count", value, INT64_MAX, err);
	case 'r':
		return take_number(&plan->rate, "rate", value, PACE_RATE_MOST, err);
	case 's':
		return take_size(plan, value, err);
	case 'm':
		plan->text = value;
		return true;
	case 'f':
		plan->has_framing = true;
		return framing_read(value, &plan->framing, err);
	case 'a':
		return take_answer(plan, value, err);
	case 'k':
		return take_number(&plan->per_connection, "requests", value, INT64_MAX, err);
	case 't':
		return take_int(&plan->processes, "processes", value, PLAN_PROCESSES_MOST, err);
	case 'w':
		return take_timeout(plan, value, err);
	case 'q':
		plan->is_quiet = true;
		return true;
	case FLAG_VERIFY:
		plan->verifies = true;
		return true;
	case FLAG_SOURCES:
		return take_int(&plan->sources, "sources", value, SOURCES_MOST, err);
	case FLAG_SERVER_PID:
		return take_pid(plan, value, err);
	case FLAG_JSON:
		return take_form(plan, PLAN_JSON, err);
	case FLAG_CSV:
		return take_form(plan, PLAN_CSV, err);
	default:
		plan->action = letter;
		return true;
	}
}

static bool refuse(struct err *err, const char *what)
{
	return err_set(err, CODE_USAGE, "%s", what);
}

static bool check_http(const struct plan *plan, struct err *err)
{
	if (plan->size >= 0 || plan->text != NULL || plan->has_framing || plan->answer != NULL)
		return refuse(err, "-s, -m, -f and -a do not go with http, which sends a GET");
	return !plan->verifies || refuse(err, "--verify goes with an echo, not with http");
}

static bool check_silence(const struct plan *plan, struct err *err)
{
	if (plan->verifies)
		return refuse(err, "--verify goes with messages that are sent, not with -s 0");
	if (plan->per_connection > 1)
		return refuse(err, "-k goes with messages that are sent, not with -s 0");
	return plan->framing != FRAMING_RAW || plan->answer != NULL ||
	       refuse(err, "-s 0 needs -a BYTES or -a end, to know the answer's end");
}

static bool check_loop(const struct plan *plan, struct err *err)
{
	const struct sockaddr_in *in = &plan->target.addresses[0].in;

	if (plan->processes > plan->connections)
		return refuse(err, "-t: there are fewer connections (-c) than processes");
	if (plan->sources == 0)
		return true;
	for (int i = 0; i < plan->target.count; i++, in = &plan->target.addresses[i].in)
		if (in->sin_family != AF_INET || ntohl(in->sin_addr.s_addr) >> 24 != IN_LOOPBACKNET)
			return refuse(err, "--sources goes with 127.0.0.1 and the like only");
	return true;
}

static bool check(const struct plan *plan, struct err *err)
{
	if (!check_loop(plan, err))
		return false;
	if (plan->target.is_http)
		return check_http(plan, err);
	if (plan->text != NULL && plan->size >= 0)
		return refuse(err, "-m and -s do not go together");
	if (plan->answer != NULL && plan->framing != FRAMING_RAW)
		return refuse(err, "-a goes with -f raw: line and length tell an answer's end");
	if (plan->verifies && plan->answer != NULL)
		return refuse(err, "--verify: an echo has as many bytes as were sent, so no -a");
	if (plan->text != NULL && plan->text[0] == '\0' && plan->framing == FRAMING_RAW)
		return refuse(err, "-m: an empty message is nothing to send with -f raw");
	if (plan->size == 0)
		return check_silence(plan, err);
	if (plan->answer_size == UINT64_MAX && plan->answer != NULL && plan->per_connection > 1)
		return refuse(err, "-a end takes a connection for each message, so no -k");
	return true;
}

/* The byte that the text begins with, and how many characters that takes; 0: a wrong escape. */
static int read_escape(const char *text, char *byte)
{
	static const char letters[] = "rnt\\", bytes[] = "\r\n\t\\";
	const char *at;

	*byte = text[0];
	if (text[0] != '\\')
		return 1;
	at = text[1] != '\0' ? strchr(letters, text[1]) : NULL;
	if (at != NULL) {
		*byte = bytes[at - letters];
		return 2;
	}
	if (text[1] != 'x' || hex_digit(text[2]) < 0 || hex_digit(text[3]) < 0)
		return 0;
	*byte = (char)(hex_digit(text[2]) * 16 + hex_digit(text[3]));
	return 4;
}

/*
 * What a shell's user writes as \r, \n, \t, \\ or \xHH becomes one byte. Others are refused: sent
 * as they stand, they would be another message than the one that was meant.
 */
static bool unescape(char *made, size_t *size, const char *text, struct err *err)
{
	const char *at = text;

	for (*size = 0; *at != '\0'; (*size)++) {
		int taken = read_escape(at, made + *size);

		if (taken == 0)
			return err_set(err, CODE_USAGE,
				       "-m: the backslash at byte %zu begins no escape; there are "
				       "\\r, \\n, \\t, \\\\ and \\xHH (two digits)",
				       (size_t)(at - text) + 1);
		at += taken;
	}
	return true;
}

static bool make_text(struct plan *plan, const char *text, struct err *err)
{
	char *made = malloc(strlen(text) + 1);
	size_t size;
	bool is_good;

	if (made == NULL)
		return err_errno(err, CODE_OSERR, "no memory for the message");
	if (!unescape(made, &size, text, err))
		is_good = false;
	else if (plan->framing == FRAMING_LINE && memchr(made, '\n', size) != NULL)
		is_good = refuse(err, "-m: a newline ends a message with -f line, so this would be "
				      "more than one");
	else
		is_good = message_make(&plan->message, plan->framing, made, size, false, err);
	free(made);
	return is_good;
}

static bool make_request(struct plan *plan, struct err *err)
{
	char text[2 * TARGET_TEXT + 64];

	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", plan->target.path,
		 plan->target.name);
	return message_make(&plan->message, FRAMING_RAW, text, strlen(text), false, err);
}

static bool make_message(struct plan *plan, struct err *err)
{
	if (plan->target.is_http)
		return make_request(plan, err);
	if (plan->text != NULL)
		return make_text(plan, plan->text, err);
	if (plan->size == 0)
		return true; /* not even a frame */
	return message_make(&plan->message, plan->framing, NULL, (size_t)plan->size, plan->verifies,
			    err);
}

/* What follows from what was said. */
static void complete(struct plan *plan)
{
	if (plan->duration_ms < 0)
		plan->duration_ms = plan->count > 0 ? 0 : DURATION_MS;
	if (plan->size < 0)
		plan->size = SIZE;
	if (plan->size == 0 || (plan->answer != NULL && plan->answer_size == UINT64_MAX))
		plan->per_connection = 1;
}

bool plan_read(struct plan *plan, int argc, char **argv, struct err *err)
{
	int end, used;

	*plan = (struct plan){ .family = AF_UNSPEC,
			       .connections = 64,
			       .processes = 1,
			       .duration_ms = -1,
			       .timeout_ms = TIMEOUT_MS,
			       .size = -1 };
	end = flags_read(FLAGS(rows), argc, argv, take, plan, err);
	if (end < 0)
		return false;
	if (plan->action != 0)
		return true;
	used = target_read(&plan->target, argv + end, argc - end, plan->family, true, err);
	if (used == 0)
		return false;
	if (end + used < argc) {
		char shown[QUOTE_TEXT];

		return err_set(err, CODE_USAGE, "%s: is one word too many (-m sends a text)",
			       quote_show(argv[end + used], shown));
	}
	if (!check(plan, err))
		return false;
	complete(plan);
	if (!make_message(plan, err))
		return false;
	if (plan->answer == NULL)
		plan->answer_size = plan->message.size;
	return true;
}

void plan_free(struct plan *plan)
{
	message_free(&plan->message);
}

void plan_help(void)
{
	puts("usage: prefork-client bench [flags] HOST PORT | unix:PATH | http://HOST:PORT/\n"
	     "Sends messages, one after another on each connection, and times the answers.");
	flags_help(FLAGS(rows), stdout);
}
