/* SPDX-License-Identifier: MIT */
/*
 * Reads the load generator's command line (load.c's head lists it). Must not open or start
 * anything. Called by load.c.
 */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"

static bool read_number(const char *text, unsigned *number, struct err *err)
{
	int64_t value;

	if (!units_read_count(text, &value) || value > 10000000)
		return err_set(err, CODE_USAGE, "%s: not a number (0 to 10000000)", text);
	*number = (unsigned)value;
	return true;
}

/* What a shell's user writes as \r\n. */
static void set_message(struct plan *plan, const char *text)
{
	size_t n = 0;

	for (const char *at = text; *at && n < MESSAGE_MOST; at++) {
		bool escaped = at[0] == '\\' && (at[1] == 'r' || at[1] == 'n');

		plan->message[n++] = !escaped ? *at : at[1] == 'r' ? '\r' : '\n';
		at += escaped;
	}
	plan->message_size = n;
}

static bool set_size(struct plan *plan, const char *text, struct err *err)
{
	int64_t size;

	if (!units_read_size(text, &size) || size > MESSAGE_MOST)
		return err_set(err, CODE_USAGE, "-s %s: not a size (0 to 1m)", text);
	plan->message_size = (size_t)size;
	memset(plan->message, 'x', plan->message_size);
	return true;
}

static bool set_request(struct plan *plan, const char *path, struct err *err)
{
	int n = snprintf(plan->message, MESSAGE_MOST, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n",
			 path);

	if (n >= MESSAGE_MOST)
		return err_set(err, CODE_USAGE, "-g: the path is too long");
	plan->message_size = (size_t)n;
	plan->answer = ANSWER_HTTP;
	return true;
}

static bool add_pid(struct plan *plan, const char *text, struct err *err)
{
	unsigned pid = 0;

	if (plan->pid_count == PIDS_MOST)
		return err_set(err, CODE_USAGE, "-p: at most %d processes", PIDS_MOST);
	if (!read_number(text, &pid, err))
		return false;
	plan->pids[plan->pid_count++] = (pid_t)pid;
	return true;
}

static bool set_time(struct plan *plan, const char *text, struct err *err)
{
	int64_t ms;

	if (!units_read_duration(text, &ms) || ms <= 0)
		return err_set(err, CODE_USAGE, "-d %s: not a duration (1s, 500ms)", text);
	plan->wait_ms = (uint64_t)ms;
	return true;
}

static bool take_option(struct plan *plan, int letter, const char *value, struct err *err)
{
	unsigned number = 0;

	if (strchr("ckrRb", letter) && !read_number(value, &number, err))
		return false;
	switch (letter) {
	case 'c':
		plan->connections = number;
		return true;
	case 'k':
		plan->requests = number;
		return true;
	case 'r':
		plan->expected = number;
		return true;
	case 'R':
		plan->rate = number;
		return true;
	case 'b':
		plan->sources = number;
		return true;
	case 'o':
		plan->opens_each = true;
		return true;
	case 'e':
		plan->answer = ANSWER_END;
		return true;
	case 'H':
		plan->role = ROLE_HOLD;
		return true;
	case 'S':
		plan->role = ROLE_SLOW;
		plan->message_size = 0;
		return true;
	case 'm':
		set_message(plan, value);
		return true;
	case 's':
		return set_size(plan, value, err);
	case 'g':
		return set_request(plan, value, err);
	case 'd':
		return set_time(plan, value, err);
	case 'p':
		return add_pid(plan, value, err);
	}
	return err_set(err, CODE_USAGE,
		       "unknown option, or one without its value (the head of load.c lists them)");
}

bool plan_read(struct plan *plan, int argc, char **argv, struct err *err)
{
	int letter;

	plan->connections = 64;
	plan->wait_ms = 1000;
	set_size(plan, "64", err);
	opterr = 0;
	while ((letter = getopt(argc, argv, "c:d:k:m:s:r:R:b:g:p:oeHS")) >= 0) {
		if (!take_option(plan, letter, optarg, err))
			return false;
	}
	if (optind + 1 != argc)
		return err_set(err, CODE_USAGE, "one ADDRESS:PORT is needed");
	if (plan->connections == 0)
		return err_set(err, CODE_USAGE, "-c 0: at least one connection is needed");
	if (plan->role == ROLE_ASK && plan->message_size == 0 && plan->answer != ANSWER_END &&
	    !(plan->opens_each && plan->expected > 0))
		return err_set(err, CODE_USAGE, "-s 0 needs -e, or -o with -r");
	if (plan->expected == 0)
		plan->expected = plan->message_size;
	return addr_resolve(argv[optind], &plan->to, 1, err) == 1;
}
