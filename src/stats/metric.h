/* SPDX-License-Identifier: MIT */
/*
 * The metrics as rows (tables/metrics.def), and the cells that hold the counts. A cell is an atomic
 * 64-bit number with one writer; a tally is all cells of one scope. The master folds the cells of a
 * dead worker into its own tally, so that counters never fall.
 */
#ifndef STATS_METRIC_H
#define STATS_METRIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The reason for a connection's end: the rows of tables/close_reasons.def. The logs call it
 * "ending".
 */
enum close_reason {
#define CLOSE_REASON(name, who, sentence) CLOSE_##name,
#include "tables/close_reasons.def"
	CLOSE_COUNT
};

/* The cause for which a connection moves to another worker: the rows of tables/move_causes.def. */
enum move_cause {
#define MOVE_CAUSE(name, sentence) MOVE_##name,
#include "tables/move_causes.def"
	MOVE_CAUSES
};

/*
 * The reason for which a connection of a leaving worker cannot move: the rows of
 * tables/stay_reasons.def.
 */
enum stay_reason {
#define STAY_REASON(name, sentence) STAY_##name,
#include "tables/stay_reasons.def"
	STAY_REASONS
};

/* The names in the tables and in the log. */
const char *move_cause_name(enum move_cause cause);
const char *stay_reason_name(enum stay_reason reason);
const char *close_reason_name(enum close_reason reason);

/* The table's letter for the party that ended the connection. */
char close_reason_who(enum close_reason reason);

/* The ending for an errno of recv(2) or send(2) on a connection. */
enum close_reason close_reason_of(int error);

/* The same for a call on a connection to the server of an upstream, connect(2) among them. */
enum close_reason close_reason_of_server(int error);

/* The limits of a listener: the rows of tables/limits.def. */
enum limit {
#define LIMIT(name, ending) LIMIT_##name,
#include "tables/limits.def"
	LIMITS,
	LIMIT_NONE = LIMITS
};

/* The option's name, and the ending of a connection that is closed for the limit. */
const char *limit_name(enum limit limit);
enum close_reason limit_ending(enum limit limit);

/* The classes of HTTP answers by their status: the rows of tables/response_classes.def. */
enum response_class {
#define RESPONSE_CLASS(name) RESPONSE_##name,
#include "tables/response_classes.def"
	RESPONSE_CLASSES
};

/*
 * A histogram of durations in log-linear buckets: two for each doubling, from 1 us to 67 s, so that
 * a value is known to within a third. Adding costs a bit scan and two plain stores; one writer.
 * Upper bounds 1, 2, 3, 4, 6, 8, 12, 16 ... 2^26 us; the last bucket holds all longer values.
 */
enum { HISTOGRAM_BUCKETS = 53 };

struct histogram {
	_Atomic uint64_t buckets[HISTOGRAM_BUCKETS]; /* number of values, not cumulative */
	_Atomic uint64_t sum_us;
};

/* Returns the index of the bucket for a duration. */
static inline unsigned histogram_bucket(uint64_t us)
{
	uint64_t w;
	unsigned k;

	if (us <= 2)
		return us == 2;
	w = us - 1;
	k = 63U - (unsigned)__builtin_clzll(w);
	k = 2 * k + (unsigned)(w >> (k - 1) & 1);
	return k < HISTOGRAM_BUCKETS ? k : HISTOGRAM_BUCKETS - 1;
}

/* Returns the longest duration of the bucket; UINT64_MAX for the last one. */
static inline uint64_t histogram_bound_us(unsigned bucket)
{
	if (bucket < 2)
		return bucket + 1;
	if (bucket == HISTOGRAM_BUCKETS - 1)
		return UINT64_MAX;
	return bucket % 2 ? UINT64_C(1) << (bucket + 1) / 2 : UINT64_C(3) << (bucket / 2 - 1);
}

/* Counters that loaded services name: how many a listener has room for, and bytes of a name. */
enum { METRIC_NAMED = 16, METRIC_COUNTER_NAME = 32 };

/* Listeners with a row of their own; the last row is shared by all others. */
enum { METRIC_LISTENERS = 32 };

typedef _Atomic uint64_t metric_cell;

/* The largest count, which fits into a signed number. */
#define METRIC_MOST ((uint64_t)INT64_MAX)

#define CELLS_COUNTER(name)   metric_cell name;
#define CELLS_GAUGE(name)     metric_cell name;
#define CELLS_BY_ENDING(name) metric_cell name[CLOSE_COUNT];
#define CELLS_BY_CAUSE(name)  metric_cell name[MOVE_CAUSES];
#define CELLS_BY_REASON(name) metric_cell name[STAY_REASONS];
#define CELLS_BY_LIMIT(name)  metric_cell name[LIMITS];
#define CELLS_BY_CLASS(name)  metric_cell name[RESPONSE_CLASSES];
#define CELLS_BY_NAME(name)   metric_cell name[METRIC_NAMED];
#define CELLS_HISTOGRAM(name) struct histogram name;

#define CELLS_OF_LISTENER(scope_cells) scope_cells
#define CELLS_OF_WORKER(scope_cells)
#define CELLS_OF_QUEUE(scope_cells)
#define CELLS_OF_PROGRAM(scope_cells)
#define CELLS_OF_UPSTREAM(scope_cells)
#define CELLS_OF_SERVER(scope_cells)
#define METRIC(scope, kind, unit, name, sentence) CELLS_OF_##scope(CELLS_##kind(name))

/* The cells of one worker for one listener. */
struct listener_tally {
#include "tables/metrics.def"
};

#undef CELLS_OF_LISTENER
#undef CELLS_OF_WORKER
#define CELLS_OF_LISTENER(scope_cells)
#define CELLS_OF_WORKER(scope_cells)              scope_cells
#define METRIC(scope, kind, unit, name, sentence) CELLS_OF_##scope(CELLS_##kind(name))

/* The cells of one worker. */
struct worker_tally {
#include "tables/metrics.def"
	struct listener_tally listeners[METRIC_LISTENERS];
};

#undef CELLS_OF_WORKER
#undef CELLS_OF_QUEUE
#define CELLS_OF_WORKER(scope_cells)
#define CELLS_OF_QUEUE(scope_cells)               scope_cells
#define METRIC(scope, kind, unit, name, sentence) CELLS_OF_##scope(CELLS_##kind(name))

/* The cells of one listener's accept queue. */
struct queue_tally {
#include "tables/metrics.def"
};

#undef CELLS_OF_QUEUE
#undef CELLS_OF_PROGRAM
#define CELLS_OF_QUEUE(scope_cells)
#define CELLS_OF_PROGRAM(scope_cells)             scope_cells
#define METRIC(scope, kind, unit, name, sentence) CELLS_OF_##scope(CELLS_##kind(name))

/* The cells of one program. */
struct program_tally {
#include "tables/metrics.def"
};

#undef CELLS_OF_PROGRAM
#undef CELLS_OF_UPSTREAM
#define CELLS_OF_PROGRAM(scope_cells)
#define CELLS_OF_UPSTREAM(scope_cells)            scope_cells
#define METRIC(scope, kind, unit, name, sentence) CELLS_OF_##scope(CELLS_##kind(name))

/* The cells of one server of an upstream. */
struct upstream_tally {
#include "tables/metrics.def"
};

#undef CELLS_OF_UPSTREAM
#undef CELLS_OF_SERVER
#define CELLS_OF_UPSTREAM(scope_cells)
#define CELLS_OF_SERVER(scope_cells)              scope_cells
#define METRIC(scope, kind, unit, name, sentence) CELLS_OF_##scope(CELLS_##kind(name))

/* The cells of the whole server. */
struct server_tally {
#include "tables/metrics.def"
};

#undef CELLS_OF_LISTENER
#undef CELLS_OF_WORKER
#undef CELLS_OF_QUEUE
#undef CELLS_OF_PROGRAM
#undef CELLS_OF_UPSTREAM
#undef CELLS_OF_SERVER

enum metric {
#define METRIC(scope, kind, unit, name, sentence) METRIC_##name,
#include "tables/metrics.def"
	METRIC_COUNT
};

enum metric_scope {
	SCOPE_LISTENER,
	SCOPE_WORKER,
	SCOPE_QUEUE,
	SCOPE_PROGRAM,
	SCOPE_UPSTREAM,
	SCOPE_SERVER
};
enum metric_kind {
	KIND_IS_COUNTER,
	KIND_IS_GAUGE,
	KIND_IS_HISTOGRAM,
	KIND_IS_BY_ENDING,
	KIND_IS_BY_CAUSE,
	KIND_IS_BY_REASON,
	KIND_IS_BY_LIMIT,
	KIND_IS_BY_CLASS,
	KIND_IS_BY_NAME
};
enum metric_unit { UNIT_COUNT, UNIT_BYTES, UNIT_SECONDS, UNIT_RATIO, UNIT_TIME };

struct metric_row {
	const char *name; /* exported as prefork_NAME */
	enum metric_scope scope;
	enum metric_kind kind;
	enum metric_unit unit;
	const char *sentence;
	size_t offset; /* of its first cell in its scope's tally */
	size_t cells;  /* number of its cells */
};
extern const struct metric_row metric_rows[METRIC_COUNT];

/* "counter", "gauge" or "histogram", Prometheus's types. */
const char *metric_type(const struct metric_row *row);

/*
 * Returns the label that tells the cells of a row of a BY_ kind apart, such as "ending"; NULL for
 * any other row.
 */
const char *metric_label(const struct metric_row *row);

/*
 * Returns the value of that label for a cell, such as "drained"; NULL: the cell never counts, or
 * its name is the listener's (BY_NAME; report_counter_name).
 */
const char *metric_label_value(const struct metric_row *row, unsigned cell);

/* Returns the first cell of a row in a tally of its scope. */
const metric_cell *metric_cells(const struct metric_row *row, const void *tally);

/* Relaxed: a reader may see one cell before another. */
static inline uint64_t cell_get(const metric_cell *cell)
{
	return atomic_load_explicit(cell, memory_order_relaxed);
}

static inline void cell_set(metric_cell *cell, uint64_t value)
{
	atomic_store_explicit(cell, value, memory_order_relaxed);
}

/* Only for the cell's one writer: no locked instruction. */
static inline void cell_add(metric_cell *cell, uint64_t n)
{
	cell_set(cell, cell_get(cell) + n);
}

static inline void histogram_add(struct histogram *h, uint64_t us, uint64_t times)
{
	cell_add(&h->buckets[histogram_bucket(us)], times);
	cell_add(&h->sum_us, us * times);
}

/* The same where several processes add. */
static inline void cell_share(metric_cell *cell, uint64_t n)
{
	atomic_fetch_add_explicit(cell, n, memory_order_relaxed);
}

static inline void histogram_share(struct histogram *h, uint64_t us)
{
	cell_share(&h->buckets[histogram_bucket(us)], 1);
	cell_share(&h->sum_us, us);
}

/*
 * Returns sum + value. A value above METRIC_MOST, which only a worker that writes garbage has,
 * counts as 0, and the result is at most METRIC_MOST. The following sums are made of these.
 */
uint64_t metric_add_up(uint64_t sum, uint64_t value);

/* Adds every cell of `from` to `to`, gauges too. `to` has one writer, the caller. */
void metric_add_tally(struct worker_tally *to, const struct worker_tally *from);
void metric_add_listener(struct listener_tally *to, const struct listener_tally *from);

/*
 * Moves the counters of `from` to `to` and zeroes all of `from` except connections_live, whose
 * connections may outlive their worker. The writer of `from` must be gone. Both may be read
 * meanwhile; scoreboard_fold marks this time for readers.
 */
void metric_fold_tally(struct worker_tally *to, struct worker_tally *from);

/*
 * Returns the sum of a row of scope WORKER or LISTENER over all its cells: listeners, values of its
 * label, or the number of a histogram's values.
 */
uint64_t metric_sum(const struct worker_tally *tally, enum metric metric);

#endif
