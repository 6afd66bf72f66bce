/* SPDX-License-Identifier: MIT */
/*
 * Opens many connections at a rate and keeps them until standard input ends, which prefork-client
 * bench does not do. Prints one line of CSV (crowd_columns below) and must not judge it. Started by
 * gauge.py, or by hand:
 *
 *   crowd -H|-A|-S|-F [options] ADDRESS:PORT < PIPE
 *   -H        hold: one request each, then rest     -c N   connections (64)
 *   -A        ask: one request after the other      -R N   connections a second (all at once)
 *   -S        slow: one byte a second each          -r N   bytes of an answer (64, as sent)
 *   -d TIME   end after this time (60s)             -g PATH  HTTP GET instead of 64 bytes
 *
 *   -F        flood: send requests without pause, read answers as they arrive
 *
 * -H, -S and -F print "open" to standard output once all connections are established.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/sys.h"
#include "base/units.h"
#include "client/bench/bench_stats.h"
#include "members.h"

static const char crowd_columns[] = "requests,seconds,errors,ended,first_end_ms,last_end_ms,bytes";

struct crowd {
	struct members members;
	int64_t rate; /* connections opened per second; 0: all at once */
	int64_t most_ms;
	int64_t start_ns;
	bool said_open;
};

static bool set_request(struct members *members, const char *path, struct err *err)
{
	int n = snprintf(members->message, MESSAGE_MOST,
			 "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);

	if (n >= MESSAGE_MOST)
		return err_set(err, CODE_USAGE, "-g: the path is too long");
	members->message_size = (size_t)n;
	members->is_http = true;
	return true;
}

static bool set_number(struct crowd *crowd, int letter, const char *value, struct err *err)
{
	int64_t number;

	if (!units_read_count(value, &number) || number == 0 || number > 1000000)
		return err_set(err, CODE_USAGE, "-%c %s: not a number (1 to 1000000)", letter,
			       value);
	if (letter == 'c')
		crowd->members.count = (unsigned)number;
	else if (letter == 'R')
		crowd->rate = number;
	else
		crowd->members.expected = (size_t)number;
	return true;
}

static bool take_option(struct crowd *crowd, int letter, const char *value, struct err *err)
{
	switch (letter) {
	case 'H':
		crowd->members.role = ROLE_HOLD;
		return true;
	case 'A':
		crowd->members.role = ROLE_ASK;
		return true;
	case 'S':
		crowd->members.role = ROLE_SLOW;
		return true;
	case 'F':
		crowd->members.role = ROLE_FLOOD;
		return true;
	case 'c':
	case 'R':
	case 'r':
		return set_number(crowd, letter, value, err);
	case 'g':
		return set_request(&crowd->members, value, err);
	case 'd':
		return units_read_duration(value, &crowd->most_ms) ||
		       err_set(err, CODE_USAGE, "-d %s: not a duration (1s, 500ms)", value);
	}
	return err_set(err, CODE_USAGE,
		       "unknown option, or one without its value (the head of crowd.c lists them)");
}

static bool read_options(struct crowd *crowd, int argc, char **argv, struct err *err)
{
	struct members *members = &crowd->members;
	int letter;

	members->count = 64;
	members->expected = members->message_size = 64;
	memset(members->message, 'x', 64);
	crowd->most_ms = 60000;
	opterr = 0;
	while ((letter = getopt(argc, argv, "HASFc:R:r:g:d:")) >= 0) {
		if (!take_option(crowd, letter, optarg, err))
			return false;
	}
	if (optind + 1 != argc)
		return err_set(err, CODE_USAGE, "one ADDRESS:PORT is needed");
	return addr_resolve(argv[optind], &members->to, 1, err) == 1;
}

static int64_t elapsed_ms(const struct crowd *crowd)
{
	return (bench_stats_now_ns() - crowd->start_ns) / 1000000;
}

static void open_due(struct crowd *crowd, int64_t ms)
{
	struct members *members = &crowd->members;
	int64_t due = crowd->rate ? ms * crowd->rate / 1000 + 1 : members->count;

	while (members->opened < members->count && members->opened < due)
		members_open_next(members);
}

static void drip_due(struct crowd *crowd, int64_t ms)
{
	struct members *members = &crowd->members;

	if (members->role != ROLE_SLOW || members->opened < members->count)
		return;
	while (members->dripped < (uint64_t)ms * members->count / 1000)
		members_drip(members);
}

static void say_open(struct crowd *crowd)
{
	const struct members *members = &crowd->members;

	if (members->role == ROLE_ASK || crowd->said_open ||
	    members->settled + members->ended + members->errors < members->count)
		return;
	crowd->said_open = true;
	printf("open\n");
	fflush(stdout);
}

static void run(struct crowd *crowd)
{
	const struct members *members = &crowd->members;
	bool stopped = false;

	crowd->start_ns = bench_stats_now_ns();
	for (int64_t ms = 0; ms < crowd->most_ms && !stopped; ms = elapsed_ms(crowd)) {
		bool is_paced = members->opened < members->count || members->role == ROLE_SLOW;

		say_open(crowd);
		open_due(crowd, ms);
		drip_due(crowd, ms);
		stopped = members_turn(&crowd->members, is_paced ? 1 : 10);
	}
}

static void print_result(const struct crowd *crowd)
{
	const struct members *members = &crowd->members;

	printf("%s\n%" PRIu64 ",%.3f,%" PRIu64 ",%" PRIu64 ",%" PRId64 ",%" PRId64 ",%" PRIu64 "\n",
	       crowd_columns, members->requests, (double)elapsed_ms(crowd) / 1e3, members->errors,
	       members->ended, members->first_end_ms, members->last_end_ms, members->bytes);
}

static void raise_limit(void)
{
	struct rlimit limit;

	if (sys_getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		sys_setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int main(int argc, char **argv)
{
	static struct crowd crowd;
	struct err err = { 0 };

	if (!read_options(&crowd, argc, argv, &err)) {
		fprintf(stderr, "crowd: %s\n", err.text);
		return err.code;
	}
	raise_limit();
	if (!members_new(&crowd.members) || !members_watch_stop(&crowd.members, STDIN_FILENO)) {
		fprintf(stderr, "crowd: cannot begin: %s (standard input must be a pipe)\n",
			strerror(errno));
		return CODE_OSERR;
	}
	run(&crowd);
	print_result(&crowd);
	members_free(&crowd.members);
	return CODE_OK;
}
