/* SPDX-License-Identifier: MIT */
/*
 * Talks to a server as the command line says: finds it, connects, sends and receives, closes. Each
 * of these is done elsewhere.
 */
#include "client/talk.h"

#include <stdio.h>
#include <stdlib.h>

#include "client/connection.h"
#include "client/farewell.h"
#include "client/session.h"
#include "client/session_run.h"
#include "client/stream.h"
#include "client/target.h"
#include "client/wish.h"

/* Leaves only the addresses that the one to connect from can reach. */
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

static bool resolve_addresses(struct client_options *options, struct target *target,
			      struct addr *source, struct err *err)
{
	int used = target_read(target, options->arguments, options->argument_count, options->family,
			       false, err);

	if (used == 0)
		return false;
	options->messages = options->arguments + used;
	options->message_count = options->argument_count - used;
	if (!client_options_check(options, err))
		return false;
	if (options->bind == NULL)
		return true;
	return target_read_source(options->bind, options->family, source, err) &&
	       keep_reachable(target, source, options->bind, err);
}

static void trace_addresses(struct trace *trace, const struct target *target)
{
	char all[512], one[ADDR_TEXT];
	size_t used = 0;

	for (int i = 0; i < target->count && used < sizeof(all); i++)
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s", i > 0 ? ", " : "",
					 addr_write(&target->addresses[i], one));
	trace_print(trace, "%s: resolved to %s", target->name, all);
}

static bool run_session(struct connection *connection, const struct client_options *options,
			const char *name, struct trace *trace, struct err *err)
{
	struct session *exchange = session_new(connection, options, name, trace, err);
	bool is_good;

	if (exchange == NULL)
		return false;
	if (options->message_count > 0)
		is_good = session_run_messages(exchange, err);
	else
		is_good = session_run_stream(exchange, err);
	session_free(exchange);
	return is_good;
}

static bool run_client(struct client_options *options, struct err *err)
{
	struct trace trace;
	struct addr source;
	struct target target;
	struct connection connection;
	bool is_good;

	trace_init(&trace, options->verbose);
	if (!resolve_addresses(options, &target, &source, err))
		return false;
	trace_addresses(&trace, &target);
	if (!connection_open(&connection, &target, options->bind != NULL ? &source : NULL,
			     options->timeout_ms, &trace, err))
		return false;
	is_good = run_session(&connection, options, target.name, &trace, err);
	connection_close(&connection, &trace);
	return is_good;
}

enum exit_code talk_main(int argc, char **argv, struct err *err)
{
	struct client_options options;

	if (!client_options_read(&options, argc, argv, err))
		return err->code;
	if (options.action == 'h') {
		client_options_help();
		return CODE_OK;
	}
	if (options.action == 'V') {
		puts("prefork-client " PACKAGE_VERSION);
		return CODE_OK;
	}
	return run_client(&options, err) ? CODE_OK : err->code;
}
