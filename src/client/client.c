/* SPDX-License-Identifier: MIT */
/*
 * prefork-client's command line: runs a bench, or reads the flags, connects, and runs one session.
 * Only this file prints an error on stderr and picks the exit code of a session.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/flags.h"
#include "base/quote.h"
#include "base/stdio.h"
#include "base/sys.h"
#include "base/units.h"
#include "client/bench/bench.h"
#include "client/connection.h"
#include "client/screen.h"
#include "client/session.h"
#include "client/target.h"

static const struct flag rows[] = {
#define FLAG_ROW(letter, name, argument, sentence) { letter, name, argument, sentence },
#include "tables/client_flags.def"
};

enum { TIMEOUT_MS = 10000, QUIET_TIME_MS = 200 };

/* More than 24 days is no limit in practice; INT_MAX is the maximum of poll(2). */
static bool read_time(int *time_ms, const char *name, const char *value, struct err *err)
{
	char shown[QUOTE_TEXT];
	int64_t read_ms;

	if (!units_read_seconds(value, &read_ms))
		return err_set(err, CODE_USAGE, "--%s %s: is not a time (0.5, 250ms, 30s, 5m)",
			       name, quote_show(value, shown));
	*time_ms = read_ms < INT_MAX ? (int)read_ms : INT_MAX;
	return true;
}

static bool read_timeout(struct client_options *options, const char *value, struct err *err)
{
	if (!read_time(&options->timeout_ms, "timeout", value, err))
		return false;
	if (options->timeout_ms > 0)
		return true;
	return err_set(err, CODE_USAGE, "--timeout: nothing happens within no time");
}

static bool read_quiet_time(struct client_options *options, const char *value, struct err *err)
{
	if (!read_time(&options->quiet_time_ms, "quiet-time", value, err))
		return false;
	options->no_responses = options->quiet_time_ms == 0;
	return true;
}

static bool read_count(struct client_options *options, const char *value, struct err *err)
{
	char shown[QUOTE_TEXT];

	if (units_read_count(value, &options->count) && options->count > 0)
		return true;
	return err_set(err, CODE_USAGE, "--count %s: is not a number from 1 on",
		       quote_show(value, shown));
}

static bool read_flag(void *owner, int letter, const char *value, struct err *err)
{
	struct client_options *options = owner;

	switch (letter) {
	case '4':
		return target_set_family(&options->family, AF_INET, err);
	case '6':
		return target_set_family(&options->family, AF_INET6, err);
	case 'v':
		options->verbose = true;
		return true;
	case 'f':
		return framing_read(value, &options->framing, err);
	case 'b':
		options->bind = value;
		return true;
	case 'P':
		return proxy_flag_read(&options->proxy, value, err);
	case 'n':
		return read_count(options, value, err);
	case 'i':
		return read_time(&options->interval_ms, "interval", value, err);
	case 'w':
		return read_timeout(options, value, err);
	case 'N':
		options->half_close = true;
		return true;
	case 'q':
		return read_quiet_time(options, value, err);
	case 'x':
		options->hex = true;
		return true;
	default:
		if (tls_flags_own(letter))
			return tls_flags_read(&options->tls, (enum tls_flag)letter, value, err);
		options->action = letter;
		return true;
	}
}

static bool read_options(struct client_options *options, int argc, char **argv, struct err *err)
{
	int end;

	*options = (struct client_options){ .family = AF_UNSPEC,
					    .count = 1,
					    .interval_ms = -1,
					    .timeout_ms = TIMEOUT_MS,
					    .quiet_time_ms = QUIET_TIME_MS };
	end = flags_read(FLAGS(rows), argc, argv, read_flag, options, err);
	if (end < 0)
		return false;
	options->arguments = argv + end;
	options->argument_count = argc - end;
	return true;
}

static void print_help(void)
{
	puts("usage: prefork-client [flags] HOST PORT | HOST:PORT | unix:PATH [MESSAGE...]\n"
	     "       prefork-client bench [flags] HOST PORT   (a load; bench -h tells more)\n"
	     "Sends each MESSAGE, or standard input as it comes, and prints the answers.\n");
	flags_help(FLAGS(rows), stdout);
	puts("\nTIME: 0.5, 2, 250ms, 1m. FRAMING raw (default): a message is its bytes, line:\n"
	     "it ends with a newline, length: four bytes, big-endian, tell its length.\n"
	     "HEADER: v1 or v2, then ,SOURCE and ,DESTINATION as wanted; or local.\n"
	     "Manual: prefork-client(1)");
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

/* Refuses options that do not go together, once the messages are known. */
static bool check_options(const struct client_options *options, struct err *err)
{
	if (options->message_count == 0 && options->count != 1)
		return err_set(err, CODE_USAGE, "--count: goes with messages on the command line");
	if (options->message_count == 0 && options->interval_ms >= 0)
		return err_set(err, CODE_USAGE,
			       "--interval: goes with messages on the command line");
	for (int i = 0; i < options->message_count; i++)
		if (!check_message(options, options->messages[i], err))
			return false;
	return tls_flags_check(&options->tls, err);
}

/* Keeps only the addresses that the source can reach. */
static bool keep_reachable(struct target *target, const struct addr *source, const char *bind,
			   struct err *err)
{
	int kept = 0;

	for (int i = 0; i < target->count; i++)
		if (target->addresses[i].sa.sa_family == source->sa.sa_family)
			target->addresses[kept++] = target->addresses[i];
	target->count = kept;
	if (kept > 0)
		return true;
	return err_set(err, CODE_USAGE, "--bind %s: is of another kind than %s", bind,
		       target->name);
}

/* Reads the arguments: the address, and the messages after it. */
static bool read_arguments(struct client_options *options, struct target *target,
			   struct addr *source, struct err *err)
{
	int used = target_read(target, options->arguments, options->argument_count, options->family,
			       false, err);

	if (used == 0)
		return false;
	options->messages = options->arguments + used;
	options->message_count = options->argument_count - used;
	if (!check_options(options, err))
		return false;
	if (options->bind == NULL)
		return true;
	return target_read_source(options->bind, options->family, source, err) &&
	       keep_reachable(target, source, options->bind, err);
}

static void trace_addresses(const struct connection *conn, const struct target *target)
{
	char all[512], one[ADDR_TEXT];
	size_t used = 0;

	for (int i = 0; i < target->count && used < sizeof(all); i++)
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s", i > 0 ? ", " : "",
					 addr_write(&target->addresses[i], one));
	connection_trace(conn, "%s: resolved to %s", target->name, all);
}

static bool run_session(struct connection *conn, const struct client_options *options,
			const char *name, struct err *err)
{
	struct session *session = session_new(conn, options, name, err);
	bool is_good;

	if (session == NULL)
		return false;
	if (options->message_count > 0)
		is_good = session_run_messages(session, err);
	else
		is_good = session_run_stream(session, err);
	session_free(session);
	return is_good;
}

/* What goes before the messages: the PROXY header, then TLS. */
static bool open_session(struct connection *conn, const struct client_options *options,
			 struct tls_context *context, const char *name, struct err *err)
{
	if (connection_send_header(conn, &options->proxy, options->timeout_ms, err) &&
	    (context == NULL ||
	     connection_start_tls(conn, context, options->tls.alpn, options->timeout_ms, err)))
		return true;
	return err_prefix(err, "%s: ", name);
}

static bool connect_and_run(struct connection *conn, const struct client_options *options,
			    const struct target *target, const struct addr *source, struct err *err)
{
	struct tls_context *context = NULL;
	bool is_good;

	if (options->tls.is_wanted &&
	    (context = tls_context_new(&options->tls, target->name, err)) == NULL)
		return false;
	is_good = connection_open(conn, target, source, options->timeout_ms, err);
	if (is_good) {
		is_good = open_session(conn, options, context, target->name, err) &&
			  run_session(conn, options, target->name, err);
		connection_close(conn);
	}
	tls_context_free(context);
	return is_good;
}

static bool read_and_run(struct client_options *options, struct screen *screen, struct err *err)
{
	struct connection conn;
	struct target target;
	struct addr source;

	connection_init(&conn, options->verbose, screen);
	if (!read_arguments(options, &target, &source, err))
		return false;
	trace_addresses(&conn, &target);
	return connect_and_run(&conn, options, &target, options->bind != NULL ? &source : NULL,
			       err);
}

static enum exit_code run_client(int argc, char **argv, struct err *err)
{
	struct client_options options;
	struct screen screen;
	bool is_good;

	if (!read_options(&options, argc, argv, err))
		return err->code;
	if (options.action == 'h') {
		print_help();
		return CODE_OK;
	}
	if (options.action == 'V') {
		puts("prefork-client " PACKAGE_VERSION);
		return CODE_OK;
	}
	screen_init(&screen);
	is_good = read_and_run(&options, &screen, err);
	/* the error follows */
	if (!is_good)
		screen_break_line(&screen);
	return is_good ? CODE_OK : err->code;
}

int main(int argc, char **argv)
{
	struct err err = { .code = CODE_OK };
	enum exit_code code;

	stdio_fill(true);
	signal(SIGPIPE, SIG_IGN);
	if (argc > 1 && strcmp(argv[1], "bench") == 0)
		code = bench_main(argc - 1, argv + 1, &err);
	else
		code = run_client(argc, argv, &err);
	if (!stdio_flush(&err))
		code = err.code;
	if (err.text[0] != '\0')
		fprintf(stderr, "prefork-client: %s\n", err.text);
	return (int)code;
}
