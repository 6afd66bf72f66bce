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

static void print_message(const struct plan *plan)
{
	static const char *const framings[] = { "raw", "line", "length" };

	if (plan->target.is_http)
		printf(", GET %s", plan->target.path);
	else if (plan->message.size == 0)
		printf(", the server speaks first, %s", framings[plan->framing]);
	else
		printf(", %zu byte%s each, %s", plan->message.size, plural(plan->message.size),
		       framings[plan->framing]);
	if (plan->per_connection > 0)
		printf(", %lld on a connection", (long long)plan->per_connection);
	if (plan->verifies)
		printf(", verified");
}

/* What was asked. */
static void print_plan(const struct plan *plan, const struct result *result)
{
	char taken[NUMBER_TEXT];

	printf("%s: %d connection%s", plan->target.name, plan->connections,
	       plural((uint64_t)plan->connections));
	if (plan->processes > 1)
		printf(" in %d processes", plan->processes);
	if (plan->rate > 0)
		printf(", %lld message%s a second", (long long)plan->rate,
		       plural((uint64_t)plan->rate));
	print_message(plan);
	if (result->has_begun)
		printf("\n%s after %s\n", result->interrupted ? "interrupted" : "ended",
		       write_time(summary_seconds(&result->outcome) * 1e9, taken));
	else
		printf("\ninterrupted while connecting, with %llu of them made\n",
		       (unsigned long long)result->outcome.connects);
}

static void print_rate(const struct plan *plan, const struct outcome *outcome)
{
	double seconds = summary_seconds(outcome);
	char out[NUMBER_TEXT], in[NUMBER_TEXT];

	printf("\nanswers   %llu, %.0f a second\n", (unsigned long long)outcome->answered,
	       (double)outcome->answered / seconds);
	printf("messages  ");
	if (plan->rate > 0)
		printf("%llu due, ", (unsigned long long)outcome->due);
	printf("%llu sent, %llu unanswered at the end\n", (unsigned long long)outcome->sent,
	       (unsigned long long)outcome->unanswered);
	printf("bytes     %s a second out, %s a second in\n",
	       write_bytes((double)outcome->bytes_out / seconds, out),
	       write_bytes((double)outcome->bytes_in / seconds, in));
}

static void print_latency(const char *name, const struct latency *latency)
{
	static const unsigned shares[] = { 5000, 9000, 9900, 9990 };
	char text[NUMBER_TEXT];

	printf("%-8s", name);
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++)
		printf("%10s", latency->count > 0 ?
				       write_time((double)latency_at(latency, shares[i]), text) :
				       "-");
	printf("%10s\n", latency->count > 0 ? write_time((double)latency->most_ns, text) : "-");
}

static void print_losses(const struct outcome *outcome)
{
	uint64_t all = outcome_lost(outcome);
	const char *before = ": ";

	printf("errors    %llu", (unsigned long long)all);
	for (int kind = 0; kind < LOSS_KINDS; kind++) {
		if (outcome->lost[kind] == 0)
			continue;
		printf("%s%llu %s", before, (unsigned long long)outcome->lost[kind],
		       outcome_loss_name((enum loss)kind));
		before = ", ";
	}
	if (outcome->lost[LOSS_OTHER] > 0)
		printf(" (%s)", err_name(outcome->other_errno));
	putchar('\n');
}

/* What helps against an error that is this machine's, not the server's. */
static void print_hint(const struct plan *plan, const struct outcome *outcome)
{
	if (outcome->other_errno != EADDRNOTAVAIL)
		return;
	if (plan->sources == 0)
		puts("          all local ports are in use: --sources gives more on loopback");
	else
		puts("          all local ports of these --sources are in use: take more of them, "
		     "or a\n          larger -k");
}

static void print_cpu(const struct plan *plan, const struct result *result)
{
	const struct outcome *outcome = &result->outcome;
	const struct cputime_used *server = &result->server;

	printf("processor %.2f us a message here", summary_cpu_us(outcome, outcome->cpu_ns));
	if (plan->server_pid_count > 0 && !server->is_known)
		printf(", - at the server (the system does not tell)");
	else if (plan->server_pid_count > 0)
		printf(", %s%.2f us at the server", server->ended > 0 ? "at least " : "",
		       summary_cpu_us(outcome, server->ns));
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
static uint64_t bound_at(const struct scale *scale, uint64_t ns)
{
	for (uint64_t decade = 1;; decade *= 10) {
		if (ns <= decade)
			return decade;
		for (int i = 0; i < 3 && scale->factors[i] != 0; i++)
			if (ns <= decade * (uint64_t)scale->factors[i])
				return decade * (uint64_t)scale->factors[i];
	}
}

static int rows_of(const struct scale *scale, uint64_t least_ns, uint64_t most_ns)
{
	uint64_t bound = bound_at(scale, least_ns), last = bound_at(scale, most_ns);
	int rows = 1;

	for (; bound < last; rows++)
		bound = bound_at(scale, bound + 1);
	return rows;
}

static void draw_row(const struct latency *latency, uint64_t bound_ns, uint64_t count)
{
	char text[NUMBER_TEXT], bar[BAR + 1];
	int length = (int)((count * BAR + latency->count - 1) / latency->count);

	memset(bar, '#', sizeof(bar));
	printf("<= %8s %6.2f%% %.*s\n", write_time((double)bound_ns, text),
	       (double)count * 100 / (double)latency->count, length, bar);
}

/* How many answers took how long. */
static void draw(const struct latency *latency)
{
	uint64_t least_ns = latency_at(latency, 1), most_ns = latency->most_ns, before = 0;
	const struct scale *scale = scales;
	uint64_t bound_ns;
	int rows;

	while (scale < scales + 2 && rows_of(scale, least_ns, most_ns) > ROWS_MOST)
		scale++;
	rows = rows_of(scale, least_ns, most_ns);
	bound_ns = bound_at(scale, least_ns);
	putchar('\n');
	for (int i = 0; i < rows && i < ROWS_MOST; i++) {
		uint64_t within = i == rows - 1 ? latency->count :
						  latency_within(latency, bound_ns);

		draw_row(latency, bound_ns, within - before);
		before = within;
		bound_ns = bound_at(scale, bound_ns + 1);
	}
}

void summary_text(const struct plan *plan, const struct result *result)
{
	const struct outcome *outcome = &result->outcome;

	print_plan(plan, result);
	if (result->has_begun)
		print_rate(plan, outcome);
	printf("\n%-8s%10s%10s%10s%10s%10s\n", "latency", "p50", "p90", "p99", "p99.9", "max");
	print_latency("connect", &outcome->connect);
	print_latency("answer", &outcome->answer);
	putchar('\n');
	print_losses(outcome);
	print_hint(plan, outcome);
	if (result->has_begun)
		print_cpu(plan, result);
	if (isatty(STDOUT_FILENO) && outcome->answer.count > 0)
		draw(&outcome->answer);
}
