/* SPDX-License-Identifier: MIT */
/*
 * The rows of the metrics, sums over cells, and the names of endings, causes and reasons. It maps
 * no memory and makes no decision.
 */
#include "stats/metric.h"

#include <errno.h>

/* Number of cells of each kind, as the structs declare them. */
#define COUNT_OF_COUNTER   1
#define COUNT_OF_GAUGE     1
#define COUNT_OF_BY_ENDING CLOSE_COUNT
#define COUNT_OF_BY_CAUSE  MOVE_CAUSES
#define COUNT_OF_BY_REASON STAY_REASONS
#define COUNT_OF_BY_LIMIT  LIMITS
#define COUNT_OF_BY_CLASS  RESPONSE_CLASSES
#define COUNT_OF_BY_NAME   METRIC_NAMED
#define COUNT_OF_HISTOGRAM (sizeof(struct histogram) / sizeof(metric_cell))

#define TALLY_LISTENER struct listener_tally
#define TALLY_WORKER   struct worker_tally
#define TALLY_QUEUE    struct queue_tally
#define TALLY_PROGRAM  struct program_tally
#define TALLY_UPSTREAM struct upstream_tally
#define TALLY_SERVER   struct server_tally

const struct metric_row metric_rows[METRIC_COUNT] = {
#define METRIC(scope, kind, unit, name, sentence)                                         \
	[METRIC_##name] = { #name,          SCOPE_##scope, KIND_IS_##kind,                \
			    UNIT_##unit,    sentence,      offsetof(TALLY_##scope, name), \
			    COUNT_OF_##kind },
#include "tables/metrics.def"
};

/* The value of a label for each cell. */
struct value {
	const char *name;
	char who; /* of endings only */
};

static const struct value endings[] = {
#define CLOSE_REASON(name, who, sentence) { #name, who },
#include "tables/close_reasons.def"
};

static const struct value causes[] = {
#define MOVE_CAUSE(name, sentence) { #name, '-' },
#include "tables/move_causes.def"
};

static const struct value reasons[] = {
#define STAY_REASON(name, sentence) { #name, '-' },
#include "tables/stay_reasons.def"
};

static const struct value limits[] = {
#define LIMIT(name, ending) { #name, '-' },
#include "tables/limits.def"
};

static const struct value classes[] = {
#define RESPONSE_CLASS(name) { #name, '-' },
#include "tables/response_classes.def"
};

static const struct {
	const char *type, *label;
	const struct value *values;
	unsigned first; /* the cells before it never count */
} kinds[] = {
	[KIND_IS_COUNTER] = { .type = "counter" },
	[KIND_IS_GAUGE] = { .type = "gauge" },
	[KIND_IS_HISTOGRAM] = { .type = "histogram" },
	[KIND_IS_BY_ENDING] = { "counter", "ending", endings, CLOSE_none + 1 },
	[KIND_IS_BY_CAUSE] = { "counter", "cause", causes, 0 },
	[KIND_IS_BY_REASON] = { "counter", "reason", reasons, 0 },
	[KIND_IS_BY_LIMIT] = { "counter", "limit", limits, 0 },
	[KIND_IS_BY_CLASS] = { "counter", "class", classes, 0 },
	[KIND_IS_BY_NAME] = { "counter", "counter", NULL, METRIC_NAMED },
};

const char *metric_type(const struct metric_row *row)
{
	return kinds[row->kind].type;
}

const char *metric_label(const struct metric_row *row)
{
	return kinds[row->kind].label;
}

const char *metric_label_value(const struct metric_row *row, unsigned cell)
{
	return cell < kinds[row->kind].first ? NULL : kinds[row->kind].values[cell].name;
}

const metric_cell *metric_cells(const struct metric_row *row, const void *tally)
{
	return (const metric_cell *)((const char *)tally + row->offset);
}

static metric_cell *own_cells(const struct metric_row *row, void *tally)
{
	return (metric_cell *)((char *)tally + row->offset);
}

uint64_t metric_add_up(uint64_t sum, uint64_t value)
{
	if (value > METRIC_MOST)
		return sum;
	return value < METRIC_MOST - sum ? sum + value : METRIC_MOST;
}

/* A tally consists of cells only. `to` has one writer, the caller, but may be read meanwhile. */
static void add_cells(metric_cell *to, const metric_cell *from, size_t bytes)
{
	for (size_t i = 0; i < bytes / sizeof(*to); i++)
		cell_set(&to[i],
			 metric_add_up(cell_get(&to[i]),
				       atomic_load_explicit(&from[i], memory_order_acquire)));
}

void metric_add_tally(struct worker_tally *to, const struct worker_tally *from)
{
	add_cells((metric_cell *)to, (const metric_cell *)from, sizeof(*to));
}

void metric_add_listener(struct listener_tally *to, const struct listener_tally *from)
{
	add_cells((metric_cell *)to, (const metric_cell *)from, sizeof(*to));
}

static void fold_cell(const struct metric_row *row, metric_cell *to, metric_cell *from)
{
	uint64_t share = atomic_exchange_explicit(from, 0, memory_order_acq_rel);

	if (share > 0 && row->kind != KIND_IS_GAUGE)
		atomic_store_explicit(to, metric_add_up(cell_get(to), share), memory_order_release);
}

static void fold_row(const struct metric_row *row, void *to, void *from)
{
	for (size_t i = 0; i < row->cells; i++)
		fold_cell(row, own_cells(row, to) + i, own_cells(row, from) + i);
}

/*
 * Folds listener by listener. Gauges of a listener count connections, which may outlive a worker.
 */
void metric_fold_tally(struct worker_tally *to, struct worker_tally *from)
{
	for (unsigned m = 0; m < METRIC_COUNT; m++) {
		const struct metric_row *row = &metric_rows[m];

		if (row->scope == SCOPE_WORKER)
			fold_row(row, to, from);
		else if (row->scope == SCOPE_LISTENER && row->kind != KIND_IS_GAUGE)
			for (unsigned l = 0; l < METRIC_LISTENERS; l++)
				fold_row(row, &to->listeners[l], &from->listeners[l]);
	}
}

static uint64_t sum_cells(const struct metric_row *row, const void *tally, uint64_t sum)
{
	size_t cells = row->kind == KIND_IS_HISTOGRAM ? HISTOGRAM_BUCKETS : row->cells;

	for (size_t i = 0; i < cells; i++)
		sum = metric_add_up(sum, cell_get(metric_cells(row, tally) + i));
	return sum;
}

uint64_t metric_sum(const struct worker_tally *tally, enum metric metric)
{
	const struct metric_row *row = &metric_rows[metric];
	uint64_t sum = 0;

	if (row->scope == SCOPE_WORKER)
		return sum_cells(row, tally, 0);
	for (unsigned l = 0; l < METRIC_LISTENERS; l++)
		sum = sum_cells(row, &tally->listeners[l], sum);
	return sum;
}

const char *move_cause_name(enum move_cause cause)
{
	return causes[cause].name;
}

const char *stay_reason_name(enum stay_reason reason)
{
	return reasons[reason].name;
}

const char *limit_name(enum limit limit)
{
	return limits[limit].name;
}

enum close_reason limit_ending(enum limit limit)
{
	static const enum close_reason of[] = {
#define LIMIT(name, ending) CLOSE_##ending,
#include "tables/limits.def"
	};

	return of[limit];
}

const char *close_reason_name(enum close_reason reason)
{
	return endings[reason].name;
}

char close_reason_who(enum close_reason reason)
{
	return endings[reason].who;
}

/* Most of these errors mean that the other end is unreachable (tcp(7)). */
enum close_reason close_reason_of(int error)
{
	switch (error) {
	case EPIPE:
	case ECONNRESET:
	case ETIMEDOUT:
	case EHOSTUNREACH:
	case EHOSTDOWN:
	case ENETUNREACH:
	case ENETDOWN:
		return CLOSE_client_reset;
	case EPROTO: /* of a TLS session */
		return CLOSE_tls_failed;
	default:
		return CLOSE_system_error;
	}
}

enum close_reason close_reason_of_server(int error)
{
	switch (error) {
	case ECONNREFUSED:
	case ENOENT: /* a unix socket that is not there */
		return CLOSE_upstream_refused;
	case ETIMEDOUT:
	case EAGAIN: /* a unix socket whose accept queue stayed full */
		return CLOSE_upstream_timeout;
	case EPIPE:
	case ECONNRESET:
		return CLOSE_upstream_reset;
	case EHOSTUNREACH:
	case EHOSTDOWN:
	case ENETUNREACH:
	case ENETDOWN:
		return CLOSE_upstream_unreachable;
	default:
		return CLOSE_system_error;
	}
}
