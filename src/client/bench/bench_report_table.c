/* SPDX-License-Identifier: MIT */
/*
 * The result of a bench for programs: a list of names and values, as JSON and as CSV. Names do not
 * change and are not taken away.
 */
#include "client/bench/bench_report.h"

#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"

enum { FIELDS_MOST = 64 };

/* text: the value is a text and not the number, which has so many digits behind the point. */
struct field {
	const char *name;
	const char *text;
	double number;
	int digits;
	bool is_missing;
};

struct table {
	struct field fields[FIELDS_MOST];
	int count;
};

static struct field *add(struct table *table, const char *name)
{
	struct field *field = &table->fields[table->count++];

	BUG_ON(table->count > FIELDS_MOST);
	*field = (struct field){ .name = name };
	return field;
}

static void add_text(struct table *table, const char *name, const char *text)
{
	add(table, name)->text = text;
}

static void add_number(struct table *table, const char *name, double number, int digits)
{
	struct field *field = add(table, name);

	field->number = number;
	field->digits = digits;
}

static void add_count(struct table *table, const char *name, uint64_t count)
{
	add_number(table, name, (double)count, 0);
}

/* Of nothing there is no percentile: 0 would look like the best one. */
static void add_us(struct table *table, const char *name, const struct latency *latency,
		   uint64_t ns)
{
	add_number(table, name, (double)ns / 1e3, 1);
	table->fields[table->count - 1].is_missing = latency->count == 0;
}

/* The names are whole words, so that they are found in the source. */
static void add_latencies(struct table *table, const struct latency *connect,
			  const struct latency *answer)
{
	add_us(table, "connect_p50_us", connect, latency_at(connect, 5000));
	add_us(table, "connect_p90_us", connect, latency_at(connect, 9000));
	add_us(table, "connect_p99_us", connect, latency_at(connect, 9900));
	add_us(table, "connect_p999_us", connect, latency_at(connect, 9990));
	add_us(table, "connect_max_us", connect, connect->most_ns);
	add_us(table, "answer_p50_us", answer, latency_at(answer, 5000));
	add_us(table, "answer_p90_us", answer, latency_at(answer, 9000));
	add_us(table, "answer_p99_us", answer, latency_at(answer, 9900));
	add_us(table, "answer_p999_us", answer, latency_at(answer, 9990));
	add_us(table, "answer_max_us", answer, answer->most_ns);
	add_us(table, "answer_mean_us", answer,
	       answer->count > 0 ? answer->sum_ns / answer->count : 0);
}

static void add_losses(struct table *table, const struct outcome *outcome)
{
	const char *other = "";

	if (outcome->other_errno != 0)
		other = strerrorname_np(outcome->other_errno);
	add_count(table, "errors", outcome_lost(outcome));
	add_count(table, "refused", outcome->lost[LOSS_REFUSED]);
	add_count(table, "reset", outcome->lost[LOSS_RESET]);
	add_count(table, "timed_out", outcome->lost[LOSS_TIMED_OUT]);
	add_count(table, "closed", outcome->lost[LOSS_CLOSED]);
	add_count(table, "wrong", outcome->lost[LOSS_WRONG]);
	add_count(table, "other", outcome->lost[LOSS_OTHER]);
	add_text(table, "other_errno", other != NULL ? other : "");
}

static void add_plan(struct table *table, const struct plan *plan)
{
	add_text(table, "target", plan->target.name);
	add_text(table, "path", plan->target.path);
	add_count(table, "connections", (uint64_t)plan->connections);
	add_count(table, "processes", (uint64_t)plan->processes);
	add_count(table, "message_bytes", plan->message.size);
	add_count(table, "asked_rate", (uint64_t)plan->rate);
}

static void add_server(struct table *table, const struct plan *plan, const struct result *result)
{
	add_number(table, "server_cpu_us", summary_cpu_us(&result->outcome, result->server.ns), 3);
	table->fields[table->count - 1].is_missing = !result->server.is_known;
	add_count(table, "server_ended", (uint64_t)result->server.ended);
	table->fields[table->count - 1].is_missing = plan->server_pid_count == 0;
}

static void fill(struct table *table, const struct plan *plan, const struct result *result)
{
	const struct outcome *outcome = &result->outcome;
	double seconds = summary_seconds(outcome);

	table->count = 0;
	add_plan(table, plan);
	add_number(table, "seconds", seconds, 3);
	add_count(table, "connects", outcome->connects);
	add_count(table, "due", outcome->due);
	add_count(table, "sent", outcome->sent);
	add_count(table, "answers", outcome->answered);
	add_count(table, "unanswered", outcome->unanswered);
	add_number(table, "rate", (double)outcome->answered / seconds, 1);
	table->fields[table->count - 1].is_missing = !result->has_begun;
	add_count(table, "bytes_out", outcome->bytes_out);
	add_count(table, "bytes_in", outcome->bytes_in);
	add_latencies(table, &outcome->connect, &outcome->answer);
	add_losses(table, outcome);
	add_number(table, "client_cpu_us", summary_cpu_us(outcome, outcome->cpu_ns), 3);
	add_server(table, plan, result);
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

void summary_table_json(const struct plan *plan, const struct result *result)
{
	struct table table;

	fill(&table, plan, result);
	for (int i = 0; i < table.count; i++) {
		printf("%s\n  \"%s\": ", i == 0 ? "{" : ",", table.fields[i].name);
		print_json(&table.fields[i]);
	}
	puts("\n}");
}

/* Bytes that are no ASCII, as UTF-8; a reader of the table need not cope with anything else. */
static size_t print_foreign(const char *from)
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
			c += print_foreign(c);
			continue;
		}
		printf("%s%c", *c == '"' ? "\"" : "", *c);
		c++;
	}
}

/* RFC 4180: a text is in quotes where it must be, and a quote in it is doubled. */
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

void summary_table_csv(const struct plan *plan, const struct result *result)
{
	struct table table;

	fill(&table, plan, result);
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
