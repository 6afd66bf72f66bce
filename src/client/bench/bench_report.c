/* SPDX-License-Identifier: MIT */
/*
 * Prints a bench for people: its progress and its warnings on stderr, the result on stdout. Must
 * not judge the result.
 */
#include "client/bench/bench.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/sys.h"
#include "base/units.h"

enum { REDRAW_MS = 250, LINE = 256, COLUMNS = 80 };
enum { NUMBER_TEXT = 32, ROWS_MAX = 15, BAR = 50 };

/* A dumb terminal cannot clear a line, so no line is drawn on it. */
static bool can_redraw(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term != NULL && term[0] != '\0' &&
	       strcmp(term, "dumb") != 0;
}

static int terminal_columns(void)
{
	struct winsize size = { 0 };
	const char *value = getenv("COLUMNS");
	int64_t read;

	if (sys_ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	if (value != NULL && units_read_count(value, &read) && read > 0 && read < LINE)
		return (int)read;
	return COLUMNS;
}

/* The last column stays free: a line that fills the width may wrap, and could not be redrawn. */
static void write_line(const char *line)
{
	int max = terminal_columns() - 1, n = (int)strnlen(line, LINE);

	if (n > max)
		for (n = max; n > 0 && ((unsigned char)line[n] & 0xc0) == 0x80;)
			n--; /* not in the middle of a character */
	fprintf(stderr, "\r%.*s\033[K", n, line);
}

void bench_report_progress_init(struct bench_progress *progress,
				const struct bench_options *options)
{
	*progress = (struct bench_progress){ .options = options };
	progress->is_shown = !options->is_quiet && can_redraw();
}

void bench_report_progress_start(struct bench_progress *progress, int64_t start_ns)
{
	progress->start_ns = progress->last_ns = start_ns;
}

static void draw_progress(struct bench_progress *progress, int64_t now_ns, uint64_t answers,
			  uint64_t errors)
{
	double seconds = (double)(now_ns - progress->start_ns) / 1e9;
	double rate =
		(double)(answers - progress->last) * 1e9 / (double)(now_ns - progress->last_ns);
	char line[LINE], whole[64] = "";

	if (progress->options->duration_ms > 0)
		snprintf(whole, sizeof(whole), " of %.1f",
			 (double)progress->options->duration_ms / 1e3);
	snprintf(line, sizeof(line), "%.1f%s s: %.0f answers/s, %llu answer%s, %llu error%s",
		 seconds, whole, rate, (unsigned long long)answers, answers == 1 ? "" : "s",
		 (unsigned long long)errors, errors == 1 ? "" : "s");
	write_line(line);
}

static void draw_connecting(const struct bench_progress *progress)
{
	char line[LINE];

	snprintf(line, sizeof(line), "connecting to %.200s", progress->options->target.name);
	write_line(line);
}

void bench_report_progress_update(struct bench_progress *progress, int64_t now_ns, uint64_t answers,
				  uint64_t errors)
{
	if (!progress->is_shown || now_ns - progress->last_ns < REDRAW_MS * INT64_C(1000000))
		return;
	if (progress->start_ns == 0)
		draw_connecting(progress);
	else
		draw_progress(progress, now_ns, answers, errors);
	progress->last_ns = now_ns;
	progress->last = answers;
	progress->is_drawn = true;
}

int bench_report_progress_wait_ms(const struct bench_progress *progress)
{
	return progress->is_shown ? REDRAW_MS : -1;
}

void bench_report_progress_clear(struct bench_progress *progress)
{
	if (progress->is_drawn)
		fputs("\r\033[K", stderr);
	progress->is_drawn = false;
}

void bench_report_odd_size(const struct bench_options *options, uint64_t size)
{
	fprintf(stderr,
		"prefork-client: %s: %" PRIu64 " byte%s came for an answer where %" PRIu64
		" %s awaited: give -a %" PRIu64 " if that is a whole one\n",
		options->target.name, size, size == 1 ? "" : "s", options->response_size,
		options->response_size == 1 ? "is" : "are", size);
}

/* Writes three significant digits, and the unit: 45.1 us, 1.02 s. Returns text. */
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
	if (options->requests > 0)
		printf(", %lld on a connection", (long long)options->requests);
	if (options->verifies)
		printf(", verified");
}

/* Prints the options and the length of the run. */
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

/* The handshakes before the run, when the connections are opened, are not in the rate. */
static void print_handshakes(const struct bench_stats *stats, double seconds)
{
	if (stats->handshakes == 0)
		return;
	printf("TLS       %llu handshake%s, %.0f a second during the run, %.1f %% resumed\n",
	       (unsigned long long)stats->handshakes, plural(stats->handshakes),
	       (double)stats->run_handshakes / seconds,
	       (double)stats->resumed * 100 / (double)stats->handshakes);
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
	print_handshakes(stats, seconds);
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
	if (stats->errors[BENCH_ERROR_TLS] > 0 && stats->tls_error[0] != '\0')
		printf(" (%s)", stats->tls_error);
	if (stats->errors[BENCH_ERROR_OTHER] > 0)
		printf(" (%s)", err_name(stats->other_errno));
	putchar('\n');
}

/* Prints a remedy for an error of this machine, not of the server. */
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

/* The bounds of the rows grow by these factors in turn. */
struct scale {
	int factors[3]; /* to 10; a factor of 1 is left out */
};

static const struct scale scales[] = { { { 2, 5, 10 } }, { { 3, 10, 0 } }, { { 10, 0, 0 } } };

/* Returns the smallest bound that is not below ns. */
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

static int count_rows(const struct scale *scale, uint64_t min_ns, uint64_t max_ns)
{
	uint64_t bound = round_up_bound(scale, min_ns), last = round_up_bound(scale, max_ns);
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

/* Draws the numbers of responses by their latency, in the finest scale that fits. */
static void draw_histogram(const struct latency *latency)
{
	uint64_t min_ns = bench_stats_percentile_ns(latency, 1), max_ns = latency->max_ns,
		 before = 0;
	const struct scale *scale = scales;
	uint64_t bound_ns;
	int rows;

	while (scale < scales + 2 && count_rows(scale, min_ns, max_ns) > ROWS_MAX)
		scale++;
	rows = count_rows(scale, min_ns, max_ns);
	bound_ns = round_up_bound(scale, min_ns);
	putchar('\n');
	for (int i = 0; i < rows && i < ROWS_MAX; i++) {
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
	if (stats->handshake.count > 0)
		print_latency("TLS", &stats->handshake);
	print_latency("answer", &stats->answer);
	putchar('\n');
	print_errors(stats);
	print_hint(options, stats);
	if (result->has_begun)
		print_cpu(options, result);
	if (isatty(STDOUT_FILENO) && stats->answer.count > 0)
		draw_histogram(&stats->answer);
}
