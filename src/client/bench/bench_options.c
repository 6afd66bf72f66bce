/* SPDX-License-Identifier: MIT */
/* Reads the command line of a bench, checks it, and makes the message. Must not connect. */
#include "client/bench/bench.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/flags.h"
#include "base/quote.h"
#include "base/units.h"

static const struct flag rows[] = {
#define FLAG_ROW(letter, name, argument, sentence) { letter, name, argument, sentence },
#include "tables/bench_flags.def"
};

enum { FLAG_VERIFY = 1, FLAG_SOURCES, FLAG_SERVER_PID, FLAG_JSON, FLAG_CSV };
enum { DURATION_MS = 10000, TIMEOUT_MS = 10000, SIZE = 64, SOURCES_MAX = 1 << 16 };

static bool read_number(int64_t *number, const char *name, const char *value, int64_t max,
			struct err *err)
{
	char shown[QUOTE_TEXT];

	if (units_read_count(value, number) && *number >= 1 && *number <= max)
		return true;
	if (max == INT64_MAX)
		return err_set(err, CODE_USAGE, "--%s %s: is not a number from 1 on", name,
			       quote_show(value, shown));
	return err_set(err, CODE_USAGE, "--%s %s: is not a number from 1 to %lld", name,
		       quote_show(value, shown), (long long)max);
}

static bool read_int(int *number, const char *name, const char *value, int max, struct err *err)
{
	int64_t read = 0;

	if (!read_number(&read, name, value, max, err))
		return false;
	*number = (int)read;
	return true;
}

/* More than 24 days is no limit in practice. */
static bool read_time(int64_t *time_ms, const char *name, const char *value, struct err *err)
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

static bool read_timeout(struct bench_options *options, const char *value, struct err *err)
{
	int64_t time_ms;

	if (!read_time(&time_ms, "timeout", value, err))
		return false;
	options->timeout_ms = (int)time_ms;
	return true;
}

static bool read_size(struct bench_options *options, const char *value, struct err *err)
{
	char shown[QUOTE_TEXT];

	if (units_read_size(value, &options->size) && options->size <= MESSAGE_MAX)
		return true;
	return err_set(err, CODE_USAGE, "--size %s: is not a size from 0 to 64m",
		       quote_show(value, shown));
}

static bool read_answer(struct bench_options *options, const char *value, struct err *err)
{
	char shown[QUOTE_TEXT];
	int64_t size = 0;

	options->answer = value;
	options->response_size = UINT64_MAX;
	if (strcmp(value, "end") == 0)
		return true;
	if (!units_read_size(value, &size) || size == 0)
		return err_set(err, CODE_USAGE, "--answer %s: is neither a size from 1 on nor end",
			       quote_show(value, shown));
	options->response_size = (uint64_t)size;
	return true;
}

static bool read_server_pid(struct bench_options *options, const char *value, struct err *err)
{
	if (options->server_pid_count == BENCH_SERVER_PIDS_MAX)
		return err_set(err, CODE_USAGE, "--server-pid: at most %d of them",
			       BENCH_SERVER_PIDS_MAX);
	return read_int(&options->server_pids[options->server_pid_count++], "server-pid", value,
			INT_MAX, err);
}

static bool set_format(struct bench_options *options, enum bench_format format, struct err *err)
{
	if (options->format != BENCH_TEXT && options->format != format)
		return err_set(err, CODE_USAGE, "--json and --csv do not go together");
	options->format = format;
	return true;
}

static bool read_flag(void *owner, int letter, const char *value, struct err *err)
{
	struct bench_options *options = owner;

	switch (letter) {
	case '4':
		return target_set_family(&options->family, AF_INET, err);
	case '6':
		return target_set_family(&options->family, AF_INET6, err);
	case 'c':
		return read_int(&options->connections, "connections", value, BENCH_CONNECTIONS_MAX,
				err);
	case 'd':
		return read_time(&options->duration_ms, "duration", value, err);
	case 'n':
		return read_number(&options->count, "count", value, INT64_MAX, err);
	case 'r':
		return read_number(&options->rate, "rate", value, BENCH_RATE_MAX, err);
	case 's':
		return read_size(options, value, err);
	case 'm':
		options->text = value;
		return true;
	case 'f':
		options->has_framing = true;
		return framing_read(value, &options->framing, err);
	case 'a':
		return read_answer(options, value, err);
	case 'k':
		return read_number(&options->requests, "requests", value, INT64_MAX, err);
	case 't':
		return read_int(&options->processes, "processes", value, BENCH_PROCESSES_MAX, err);
	case 'P':
		return proxy_flag_read(&options->proxy, value, err);
	case 'w':
		return read_timeout(options, value, err);
	case 'q':
		options->is_quiet = true;
		return true;
	case FLAG_VERIFY:
		options->verifies = true;
		return true;
	case FLAG_SOURCES:
		return read_int(&options->sources, "sources", value, SOURCES_MAX, err);
	case FLAG_SERVER_PID:
		return read_server_pid(options, value, err);
	case FLAG_JSON:
		return set_format(options, BENCH_JSON, err);
	case FLAG_CSV:
		return set_format(options, BENCH_CSV, err);
	default:
		if (tls_flags_own(letter))
			return tls_flags_read(&options->tls, (enum tls_flag)letter, value, err);
		options->action = letter;
		return true;
	}
}

static bool set_usage_error(struct err *err, const char *what)
{
	return err_set(err, CODE_USAGE, "%s", what);
}

static bool check_http(const struct bench_options *options, struct err *err)
{
	if (options->size >= 0 || options->text != NULL || options->has_framing ||
	    options->answer != NULL)
		return set_usage_error(err,
				       "-s, -m, -f and -a do not go with http, which sends a GET");
	return !options->verifies ||
	       set_usage_error(err, "--verify goes with an echo, not with http");
}

static bool check_without_message(const struct bench_options *options, struct err *err)
{
	if (options->verifies)
		return set_usage_error(err,
				       "--verify goes with messages that are sent, not with -s 0");
	if (options->requests > 1)
		return set_usage_error(err, "-k goes with messages that are sent, not with -s 0");
	return options->framing != FRAMING_RAW || options->answer != NULL ||
	       set_usage_error(err, "-s 0 needs -a BYTES or -a end, to know the answer's end");
}

static bool check_connections(const struct bench_options *options, struct err *err)
{
	const struct sockaddr_in *in = &options->target.addresses[0].in;

	if (options->processes > options->connections)
		return set_usage_error(err, "-t: there are fewer connections (-c) than processes");
	if (options->sources == 0)
		return true;
	for (int i = 0; i < options->target.count; i++, in = &options->target.addresses[i].in)
		if (in->sin_family != AF_INET || ntohl(in->sin_addr.s_addr) >> 24 != IN_LOOPBACKNET)
			return set_usage_error(err,
					       "--sources goes with 127.0.0.1 and the like only");
	return true;
}

static bool check_options(const struct bench_options *options, struct err *err)
{
	if (!check_connections(options, err))
		return false;
	if (options->target.is_http)
		return check_http(options, err);
	if (options->text != NULL && options->size >= 0)
		return set_usage_error(err, "-m and -s do not go together");
	if (options->answer != NULL && options->framing != FRAMING_RAW)
		return set_usage_error(err,
				       "-a goes with -f raw: line and length tell an answer's end");
	if (options->verifies && options->answer != NULL)
		return set_usage_error(
			err, "--verify: an echo has as many bytes as were sent, so no -a");
	if (options->text != NULL && options->text[0] == '\0' && options->framing == FRAMING_RAW)
		return set_usage_error(err, "-m: an empty message is nothing to send with -f raw");
	if (options->size == 0)
		return check_without_message(options, err);
	if (options->response_size == UINT64_MAX && options->answer != NULL &&
	    options->requests > 1)
		return set_usage_error(err, "-a end takes a connection for each message, so no -k");
	return true;
}

/* Reads the first byte of the text. Returns the characters that it takes; 0: a wrong escape. */
static int read_escape(const char *text, char *byte)
{
	static const char letters[] = "rnt\\", bytes[] = "\r\n\t\\";
	char digits[3] = "";
	const char *at;

	*byte = text[0];
	if (text[0] != '\\')
		return 1;
	at = text[1] != '\0' ? strchr(letters, text[1]) : NULL;
	if (at != NULL) {
		*byte = bytes[at - letters];
		return 2;
	}
	if (text[1] != 'x' || !isxdigit((unsigned char)text[2]) ||
	    !isxdigit((unsigned char)text[3]))
		return 0;
	memcpy(digits, text + 2, 2);
	*byte = (char)strtoul(digits, NULL, 16);
	return 4;
}

/*
 * \r, \n, \t, \\ and \xHH become one byte. Other escapes are refused: sent unchanged, they would be
 * another message than the user meant.
 */
static bool unescape_text(char *made, size_t *size, const char *text, struct err *err)
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

static bool make_text_message(struct bench_options *options, const char *text, struct err *err)
{
	char *made = malloc(strlen(text) + 1);
	size_t size;
	bool is_good;

	if (made == NULL)
		return err_errno(err, CODE_OSERR, "no memory for the message");
	if (!unescape_text(made, &size, text, err))
		is_good = false;
	else if (options->framing == FRAMING_LINE && memchr(made, '\n', size) != NULL)
		is_good = set_usage_error(
			err, "-m: a newline ends a message with -f line, so this would be "
			     "more than one");
	else
		is_good = message_make(&options->message, options->framing, made, size, false, err);
	free(made);
	return is_good;
}

static bool make_http_request(struct bench_options *options, struct err *err)
{
	char text[2 * TARGET_TEXT + 64];

	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", options->target.path,
		 options->target.name);
	return message_make(&options->message, FRAMING_RAW, text, strlen(text), false, err);
}

static bool make_message(struct bench_options *options, struct err *err)
{
	if (options->target.is_http)
		return make_http_request(options, err);
	if (options->text != NULL)
		return make_text_message(options, options->text, err);
	if (options->size == 0)
		return true; /* no frame either */
	return message_make(&options->message, options->framing, NULL, (size_t)options->size,
			    options->verifies, err);
}

/* Fills in the defaults that depend on the given options. */
static void set_defaults(struct bench_options *options)
{
	if (options->duration_ms < 0)
		options->duration_ms = options->count > 0 ? 0 : DURATION_MS;
	if (options->size < 0)
		options->size = SIZE;
	if (options->size == 0 || (options->answer != NULL && options->response_size == UINT64_MAX))
		options->requests = 1;
}

bool bench_options_read(struct bench_options *options, int argc, char **argv, struct err *err)
{
	int end, used;

	*options = (struct bench_options){ .family = AF_UNSPEC,
					   .connections = 64,
					   .processes = 1,
					   .duration_ms = -1,
					   .timeout_ms = TIMEOUT_MS,
					   .size = -1 };
	end = flags_read(FLAGS(rows), argc, argv, read_flag, options, err);
	if (end < 0)
		return false;
	if (options->action != 0)
		return true;
	used = target_read(&options->target, argv + end, argc - end, options->family, true, err);
	if (used == 0)
		return false;
	if (end + used < argc) {
		char shown[QUOTE_TEXT];

		return err_set(err, CODE_USAGE, "%s: is one word too many (-m sends a text)",
			       quote_show(argv[end + used], shown));
	}
	if (!check_options(options, err))
		return false;
	set_defaults(options);
	if (!make_message(options, err))
		return false;
	if (options->answer == NULL)
		options->response_size = options->message.size;
	return true;
}

bool bench_options_have_fixed_size(const struct bench_options *options)
{
	return !options->target.is_http && options->framing == FRAMING_RAW &&
	       options->response_size != UINT64_MAX;
}

void bench_options_free(struct bench_options *options)
{
	message_free(&options->message);
	tls_context_free(options->context);
}

void bench_options_help(void)
{
	puts("usage: prefork-client bench [flags] HOST PORT | unix:PATH | http[s]://HOST/\n"
	     "Sends messages, one after another on each connection, and times the answers.");
	flags_help(FLAGS(rows), stdout);
}
