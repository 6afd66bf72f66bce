/* SPDX-License-Identifier: MIT */
/* The result of a bench for people. Must not judge it. */
#include "client/bench/bench_report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"

enum { NUMBER_TEXT = 32, ROWS_MOST = 15, BAR = 50 };

/* Three digits that count, and the unit: 45.1 us, 1.02 s. Returns text. */
static const char *write_time(double ns, char text[NUMBER_TEXT])
{
	static const struct {
		double size;
		const char *name;
	} units[] = { { 1e9, "s" }, { 1e6, "ms" }, { 1e3, "us" }, { 1, "ns" } };
	size_t i = 0;
	double value;

	while (i < 3 && ns < units[i].size)
		i++;
	value = ns / units[i].size;
	snprintf(text, NUMBER_TEXT, "%.*f %s",
		 value < 10  ? 2 :
		 value < 100 ? 1 :
			       0,
		 value, units[i].name);
	return text;
}

static const char *write_bytes(double bytes, char text[NUMBER_TEXT])
{
	static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	size_t i = 0;

	while (i < 4 && bytes >= 1024) {
		bytes /= 1024;
		i++;
	}
	snprintf(text, NUMBER_TEXT, "%.*f %s", i == 0 || bytes >= 100 ? 0 : 1, bytes, names[i]);
	return text;
}

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

static void print_message(const struct bench_options *options)
{
	static const char *const framings[] = { "raw", "line", "length" };

	if (options->target.is_http)
		printf(", GET %s", options->target.path);
	else if (options->message.size == 0)
		printf(", the server speaks first, %s", framings[options->framing]);
	else
		printf(", %zu byte%s each, %s", options->message.size,
		       plural(options->message.size), framings[options->framing]);
	if (options->requests_max > 0)
		printf(", %lld on a connection", (long long)options->requests_max);
	if (options->verifies)
		printf(", verified");
}

/* What was asked. */
static void print_options(const struct bench_options *options, const struct bench_result *result)
{
	char taken[NUMBER_TEXT];

	printf("%s: %d connection%s", options->target.name, options->connections,
	       plural((uint64_t)options->connections));
	if (options->processes > 1)
		printf(" in %d processes", options->processes);
	if (options->rate > 0)
		printf(", %lld message%s a second", (long long)options->rate,
		       plural((uint64_t)options->rate));
	print_message(options);
	if (result->has_begun)
		printf("\n%s after %s\n", result->interrupted ? "interrupted" : "ended",
		       write_time(bench_stats_seconds(&result->stats) * 1e9, taken));
	else
		printf("\ninterrupted while connecting, with %llu of them made\n",
		       (unsigned long long)result->stats.connects);
}

static void print_rate(const struct bench_options *options, const struct bench_stats *stats)
{
	double seconds = bench_stats_seconds(stats);
	char out[NUMBER_TEXT], in[NUMBER_TEXT];

	printf("\nanswers   %llu, %.0f a second\n", (unsigned long long)stats->answers,
	       (double)stats->answers / seconds);
	printf("messages  ");
	if (options->rate > 0)
		printf("%llu due, ", (unsigned long long)stats->due);
	printf("%llu sent, %llu unanswered at the end\n", (unsigned long long)stats->sent,
	       (unsigned long long)stats->unanswered);
	printf("bytes     %s a second out, %s a second in\n",
	       write_bytes((double)stats->bytes_out / seconds, out),
	       write_bytes((double)stats->bytes_in / seconds, in));
}

static void print_latency(const char *name, const struct latency *latency)
{
	static const unsigned shares[] = { 5000, 9000, 9900, 9990 };
	char text[NUMBER_TEXT];

	printf("%-8s", name);
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++)
		printf("%10s",
		       latency->count > 0 ?
			       write_time((double)bench_stats_percentile_ns(latency, shares[i]),
					  text) :
			       "-");
	printf("%10s\n", latency->count > 0 ? write_time((double)latency->max_ns, text) : "-");
}

static void print_errors(const struct bench_stats *stats)
{
	uint64_t all = bench_stats_errors(stats);
	const char *before = ": ";

	printf("errors    %llu", (unsigned long long)all);
	for (int kind = 0; kind < BENCH_ERRORS; kind++) {
		if (stats->errors[kind] == 0)
			continue;
		printf("%s%llu %s", before, (unsigned long long)stats->errors[kind],
		       bench_stats_error_name((enum bench_error)kind));
		before = ", ";
	}
	if (stats->errors[BENCH_ERROR_OTHER] > 0)
		printf(" (%s)", err_name(stats->other_errno));
	putchar('\n');
}

/* What helps against an error that is this machine's, not the server's. */
static void print_hint(const struct bench_options *options, const struct bench_stats *stats)
{
	if (stats->other_errno != EADDRNOTAVAIL)
		return;
	if (options->sources == 0)
		puts("          all local ports are in use: --sources gives more on loopback");
	else
		puts("          all local ports of these --sources are in use: take more of them, "
		     "or a\n          larger -k");
}

static void print_cpu(const struct bench_options *options, const struct bench_result *result)
{
	const struct bench_stats *stats = &result->stats;
	const struct cputime_used *server = &result->server;

	printf("processor %.2f us a message here", bench_stats_cpu_us(stats, stats->cpu_ns));
	if (options->server_pid_count > 0 && !server->is_known)
		printf(", - at the server (the system does not tell)");
	else if (options->server_pid_count > 0)
		printf(", %s%.2f us at the server", server->ended > 0 ? "at least " : "",
		       bench_stats_cpu_us(stats, server->ns));
	if (server->ended > 0)
		printf(" (%d of its processes ended)", server->ended);
	putchar('\n');
}

/* Bounds of rows that grow by these factors in turn, as many as fit. */
struct scale {
	int factors[3]; /* to 10; a factor of 1 is left out */
};

static const struct scale scales[] = { { { 2, 5, 10 } }, { { 3, 10, 0 } }, { { 10, 0, 0 } } };

/* The smallest bound that is not below ns. */
static uint64_t round_up_bound(const struct scale *scale, uint64_t ns)
{
	for (uint64_t decade = 1;; decade *= 10) {
		if (ns <= decade)
			return decade;
		for (int i = 0; i < 3 && scale->factors[i] != 0; i++)
			if (ns <= decade * (uint64_t)scale->factors[i])
				return decade * (uint64_t)scale->factors[i];
	}
}

static int count_rows(const struct scale *scale, uint64_t least_ns, uint64_t max_ns)
{
	uint64_t bound = round_up_bound(scale, least_ns), last = round_up_bound(scale, max_ns);
	int rows = 1;

	for (; bound < last; rows++)
		bound = round_up_bound(scale, bound + 1);
	return rows;
}

static void draw_histogram_row(const struct latency *latency, uint64_t bound_ns, uint64_t count)
{
	char text[NUMBER_TEXT], bar[BAR + 1];
	int length = (int)((count * BAR + latency->count - 1) / latency->count);

	memset(bar, '#', sizeof(bar));
	printf("<= %8s %6.2f%% %.*s\n", write_time((double)bound_ns, text),
	       (double)count * 100 / (double)latency->count, length, bar);
}

/* How many answers took how long. */
static void draw_histogram(const struct latency *latency)
{
	uint64_t least_ns = bench_stats_percentile_ns(latency, 1), max_ns = latency->max_ns,
		 before = 0;
	const struct scale *scale = scales;
	uint64_t bound_ns;
	int rows;

	while (scale < scales + 2 && count_rows(scale, least_ns, max_ns) > ROWS_MOST)
		scale++;
	rows = count_rows(scale, least_ns, max_ns);
	bound_ns = round_up_bound(scale, least_ns);
	putchar('\n');
	for (int i = 0; i < rows && i < ROWS_MOST; i++) {
		uint64_t within = i == rows - 1 ? latency->count :
						  bench_stats_count_within(latency, bound_ns);

		draw_histogram_row(latency, bound_ns, within - before);
		before = within;
		bound_ns = round_up_bound(scale, bound_ns + 1);
	}
}

void bench_report_text(const struct bench_options *options, const struct bench_result *result)
{
	const struct bench_stats *stats = &result->stats;

	print_options(options, result);
	if (result->has_begun)
		print_rate(options, stats);
	printf("\n%-8s%10s%10s%10s%10s%10s\n", "latency", "p50", "p90", "p99", "p99.9", "max");
	print_latency("connect", &stats->connect);
	print_latency("answer", &stats->answer);
	putchar('\n');
	print_errors(stats);
	print_hint(options, stats);
	if (result->has_begun)
		print_cpu(options, result);
	if (isatty(STDOUT_FILENO) && stats->answer.count > 0)
		draw_histogram(&stats->answer);
}
