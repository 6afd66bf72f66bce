/* SPDX-License-Identifier: MIT */
/*
 * Prints the result of a bench for programs: a list of names and values, as JSON and as CSV. Names
 * must not change or be removed.
 */
#include "client/bench/bench.h"

#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"

enum { FIELDS_MAX = 64 };

/* The value is the text or, if that is NULL, the number with so many decimals. */
struct field {
	const char *name;
	const char *text;
	double number;
	int digits;
	bool is_missing;
};

struct table {
	struct field fields[FIELDS_MAX];
	int count;
};

static struct field *add_field(struct table *table, const char *name)
{
	struct field *field = &table->fields[table->count++];

	BUG_ON(table->count > FIELDS_MAX);
	*field = (struct field){ .name = name };
	return field;
}

static void add_text(struct table *table, const char *name, const char *text)
{
	add_field(table, name)->text = text;
}

static void add_number(struct table *table, const char *name, double number, int digits)
{
	struct field *field = add_field(table, name);

	field->number = number;
	field->digits = digits;
}

static void add_count(struct table *table, const char *name, uint64_t count)
{
	add_number(table, name, (double)count, 0);
}

/* Without any latency there is no percentile: 0 would look like the best one. */
static void add_us(struct table *table, const char *name, const struct latency *latency,
		   uint64_t ns)
{
	add_number(table, name, (double)ns / 1e3, 1);
	table->fields[table->count - 1].is_missing = latency->count == 0;
}

/* The names are written out, so that a reader can search for them. */
static void add_latencies(struct table *table, const struct latency *connect,
			  const struct latency *answer)
{
	add_us(table, "connect_p50_us", connect, bench_stats_percentile_ns(connect, 5000));
	add_us(table, "connect_p90_us", connect, bench_stats_percentile_ns(connect, 9000));
	add_us(table, "connect_p99_us", connect, bench_stats_percentile_ns(connect, 9900));
	add_us(table, "connect_p999_us", connect, bench_stats_percentile_ns(connect, 9990));
	add_us(table, "connect_max_us", connect, connect->max_ns);
	add_us(table, "answer_p50_us", answer, bench_stats_percentile_ns(answer, 5000));
	add_us(table, "answer_p90_us", answer, bench_stats_percentile_ns(answer, 9000));
	add_us(table, "answer_p99_us", answer, bench_stats_percentile_ns(answer, 9900));
	add_us(table, "answer_p999_us", answer, bench_stats_percentile_ns(answer, 9990));
	add_us(table, "answer_max_us", answer, answer->max_ns);
	add_us(table, "answer_mean_us", answer,
	       answer->count > 0 ? answer->sum_ns / answer->count : 0);
}

static void add_handshakes(struct table *table, const struct bench_stats *stats, double seconds)
{
	const struct latency *handshake = &stats->handshake;

	add_count(table, "handshakes", stats->handshakes);
	add_count(table, "resumed", stats->resumed);
	add_number(table, "handshake_rate", (double)stats->run_handshakes / seconds, 1);
	add_us(table, "handshake_p50_us", handshake, bench_stats_percentile_ns(handshake, 5000));
	add_us(table, "handshake_p99_us", handshake, bench_stats_percentile_ns(handshake, 9900));
	add_us(table, "handshake_max_us", handshake, handshake->max_ns);
}

static void add_errors(struct table *table, const struct bench_stats *stats)
{
	const char *other = "";

	if (stats->other_errno != 0)
		other = strerrorname_np(stats->other_errno);
	add_count(table, "errors", bench_stats_errors(stats));
	add_count(table, "refused", stats->errors[BENCH_ERROR_REFUSED]);
	add_count(table, "reset", stats->errors[BENCH_ERROR_RESET]);
	add_count(table, "timed_out", stats->errors[BENCH_ERROR_TIMED_OUT]);
	add_count(table, "closed", stats->errors[BENCH_ERROR_CLOSED]);
	add_count(table, "wrong", stats->errors[BENCH_ERROR_WRONG]);
	add_count(table, "tls", stats->errors[BENCH_ERROR_TLS]);
	add_count(table, "other", stats->errors[BENCH_ERROR_OTHER]);
	add_text(table, "other_errno", other != NULL ? other : "");
}

static void add_options(struct table *table, const struct bench_options *options)
{
	add_text(table, "target", options->target.name);
	add_text(table, "path", options->target.path);
	add_count(table, "connections", (uint64_t)options->connections);
	add_count(table, "processes", (uint64_t)options->processes);
	add_count(table, "message_bytes", options->message.size);
	add_count(table, "asked_rate", (uint64_t)options->rate);
}

static void add_server(struct table *table, const struct bench_options *options,
		       const struct bench_result *result)
{
	add_number(table, "server_cpu_us", bench_stats_cpu_us(&result->stats, result->server.ns),
		   3);
	table->fields[table->count - 1].is_missing = !result->server.is_known;
	add_count(table, "server_ended", (uint64_t)result->server.ended);
	table->fields[table->count - 1].is_missing = options->server_pid_count == 0;
}

static void fill_table(struct table *table, const struct bench_options *options,
		       const struct bench_result *result)
{
	const struct bench_stats *stats = &result->stats;
	double seconds = bench_stats_seconds(stats);

	table->count = 0;
	add_options(table, options);
	add_number(table, "seconds", seconds, 3);
	add_count(table, "connects", stats->connects);
	add_count(table, "due", stats->due);
	add_count(table, "sent", stats->sent);
	add_count(table, "answers", stats->answers);
	add_count(table, "unanswered", stats->unanswered);
	add_number(table, "rate", (double)stats->answers / seconds, 1);
	table->fields[table->count - 1].is_missing = !result->has_begun;
	add_count(table, "bytes_out", stats->bytes_out);
	add_count(table, "bytes_in", stats->bytes_in);
	add_handshakes(table, stats, seconds);
	add_latencies(table, &stats->connect, &stats->answer);
	add_errors(table, stats);
	add_number(table, "client_cpu_us", bench_stats_cpu_us(stats, stats->cpu_ns), 3);
	add_server(table, options, result);
}

static void print_json(const struct field *field)
{
	char room[2048];
	struct strbuf text = strbuf_on(room, sizeof(room));

	if (field->is_missing) {
		fputs("null", stdout);
	} else if (field->text == NULL) {
		printf("%.*f", field->digits, field->number);
	} else {
		strbuf_escaped(&text, STRBUF_JSON, field->text, strlen(field->text));
		printf("\"%.*s\"", (int)text.used, text.base);
	}
}

void bench_report_table_json(const struct bench_options *options, const struct bench_result *result)
{
	struct table table;

	fill_table(&table, options, result);
	for (int i = 0; i < table.count; i++) {
		printf("%s\n  \"%s\": ", i == 0 ? "{" : ",", table.fields[i].name);
		print_json(&table.fields[i]);
	}
	puts("\n}");
}

/* Writes bytes that are not ASCII as UTF-8, so that a reader of CSV gets valid UTF-8 only. */
static size_t print_non_ascii(const char *from)
{
	char room[2048];
	struct strbuf text = strbuf_on(room, sizeof(room));
	size_t n = 0;

	while ((unsigned char)from[n] >= 0x80)
		n++;
	strbuf_escaped(&text, STRBUF_LABEL, from, n);
	fwrite(text.base, 1, text.used, stdout);
	return n;
}

static void print_csv_text(const char *c)
{
	while (*c != '\0') {
		if ((unsigned char)*c >= 0x80) {
			c += print_non_ascii(c);
			continue;
		}
		printf("%s%c", *c == '"' ? "\"" : "", *c);
		c++;
	}
}

/* RFC 4180: a text is quoted where it must be, and a quote in it is doubled. */
static void print_csv(const struct field *field)
{
	if (field->is_missing)
		return;
	if (field->text == NULL) {
		printf("%.*f", field->digits, field->number);
		return;
	}
	if (strpbrk(field->text, ",\"\r\n") == NULL) {
		print_csv_text(field->text);
		return;
	}
	putchar('"');
	print_csv_text(field->text);
	putchar('"');
}

void bench_report_table_csv(const struct bench_options *options, const struct bench_result *result)
{
	struct table table;

	fill_table(&table, options, result);
	for (int i = 0; i < table.count; i++)
		printf("%s%s", i > 0 ? "," : "", table.fields[i].name);
	putchar('\n');
	for (int i = 0; i < table.count; i++) {
		if (i > 0)
			putchar(',');
		print_csv(&table.fields[i]);
	}
	putchar('\n');
}
