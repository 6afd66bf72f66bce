/* SPDX-License-Identifier: MIT */
/*
 * The record of one connection, as its worker leaves it to the next one of the slot, or passes it
 * to another worker. It is portable: it holds no pointer, and nothing that a worker can find out
 * again, such as deadlines and lists. Buffers and listeners are numbers of the slot that holds the
 * record.
 *
 * A pair has two records, one for each descriptor. The client's record has the service's state.
 */
#ifndef WORKER_RECORD_H
#define WORKER_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/addr.h"
#include "stats/metric.h"
#include "stats/scoreboard.h"

enum { RECORD_MAGIC = 0x636f6e6e, RECORD_GUARD = 0x64726775 };

enum record_side { SIDE_CLIENT, SIDE_PEER, SIDE_COUNT };

/* When the worker reads from the descriptor. */
enum conn_flow {
	FLOW_BOUNDED, /* while no output waits: the connection's own, or in a pair its peer's */
	FLOW_FREE,    /* while the input buffer has room */
	FLOW_PAUSED,  /* not at all */
	FLOW_COUNT
};

/* The sending side of the descriptor. */
enum conn_output {
	OUTPUT_OPEN,
	OUTPUT_ENDING, /* is shut down once the output that waits has gone out */
	OUTPUT_ENDED,  /* was shut down */
	OUTPUT_RESET,  /* the other end reset the connection; its peer is reset after its bytes */
	OUTPUT_COUNT
};

/* Where the connection is on its way to another worker (worker/door/door.h). */
enum record_passage {
	PASSAGE_NONE,
	PASSAGE_OFFERED,  /* to another worker, which may have it already: it is not served here */
	PASSAGE_ARRIVING, /* from another worker, which still has it */
	PASSAGE_COUNT
};

/* Where the connection is with its PROXY header (worker/preface/). */
enum record_proxy {
	PROXY_NONE,    /* it has none, or none that says anything */
	PROXY_AWAITED, /* the header is being read; `remote` is the proxy's address */
	PROXY_KNOWN,   /* the arena has what it said */
	PROXY_COUNT
};

/* Where the connection is with its TLS session, which lies in its region (tls/session.h). */
enum record_tls {
	TLS_NONE,
	TLS_HANDSHAKE,
	TLS_OPEN,
	TLS_FINISHED /* this side has said that no more will come */
};

struct record_buf {
	uint32_t number;     /* 1 + index of the buffer; 0: none */
	uint32_t start, end; /* the bytes in it */
};

/* The widths of the fields below; a server that runs on beyond them counts from 0 again. */
#define RECORD_NUMBER_MOST     ((UINT64_C(1) << 40) - 1)
#define RECORD_GENERATION_MOST ((UINT32_C(1) << 24) - 1)
#define RECORD_WORKER_MOST     ((UINT32_C(1) << 10) - 1)
#define RECORD_INDEX_MOST      ((UINT32_C(1) << 22) - 1)

/* Zeroed records are free. */
struct record {
	uint32_t magic;  /* RECORD_MAGIC while the record is in use */
	uint32_t serial; /* distinguishes connections that use this record in turn */
	int32_t fd;
	uint16_t listener;      /* index into the heritage's listeners */
	uint16_t watched;       /* events set in epoll; 0: not in epoll; or RECORD_WATCH_UNKNOWN */
	uint32_t state : 3;     /* enum conn_state; a peer has its client's */
	uint32_t ending : 8;    /* enum close_reason: the first reason counts */
	uint32_t phase : 7;     /* its letter then; at the close if no side is at fault */
	uint32_t side : 1;      /* enum record_side */
	uint32_t flow : 2;      /* enum conn_flow */
	uint32_t output : 2;    /* enum conn_output */
	uint32_t passage : 2;   /* enum record_passage */
	uint32_t weight : 2;    /* enum conn_weight */
	uint32_t proxy : 2;     /* enum record_proxy; of the client's record */
	bool in_ended : 1;      /* the other end has ended its side */
	bool is_unfinished : 1; /* its share was spent: the service may have more output */
	bool is_barred : 1;     /* a reload refuses its address: it ends at its next message */
	bool has_moved : 1;     /* other processes may have the descriptor, or have had it */
	bool is_inet : 1;       /* its descriptor, which moved, is an internet socket */
	bool is_given : 1;      /* another process has its socket (worker/give.h) */
	bool is_untimed : 1;    /* while it is open, only its service's own deadline counts */
	bool is_connecting : 1; /* a peer: its connect(2) has not ended */
	bool is_reset : 1;      /* it ends with a reset */
	bool is_bulk : 1;       /* its last receive filled the buffer: more may be spliced */
	bool is_piped : 1;      /* the range is what is left in a pipe, of which it has both ends */
	bool holds_file : 1;    /* `file`, a file or a folder, stays open between ranges */
	/*
	 * 1 + row of the server (stats/server_rows.h) of a peer, or for whose upstream a client
	 * waits; 0: none
	 */
	uint32_t server : 8;
	bool is_answer_due : 1;   /* a client, of a stream: it spoke last, and not the server */
	bool is_queued : 1;       /* a client: it waits in a line (worker/server_queue.h) */
	bool is_counted : 1;      /* it counts for its source (worker/limit/limiter.h) */
	bool has_half_closed : 1; /* WAITING: its client has ended its side, after unread bytes */
	uint32_t tls : 2;         /* enum record_tls */
	bool waits_to_send : 1;   /* its TLS session does, whatever it was asked for */
	uint32_t peer;            /* 1 + index of the pair's other record; 0: no pair */
	struct record_buf in, out;
	uint32_t index : 22, birth_worker : 10; /* index: of this record */
	int32_t file;     /* descriptor of the file range that goes out after `out` */
	uint32_t file_id; /* record_file_id of a file or folder when it came here; 0: none */
	union {
		uint64_t file_offset; /* bytes */
		int32_t pipe_end;     /* of the pipe: where more would go in */
	};
	uint64_t file_left; /* bytes; 0: no range, and no descriptor unless one is held */
	uint64_t bytes_in, bytes_out, messages;
	/* unique while the server runs: the worker that accepted it, and that worker's count */
	uint64_t number : 40, birth_generation : 24;
	int64_t opened_us; /* clock_us() */
	int64_t active_ms; /* when bytes last moved, or the lingering began */
	int64_t begun_us;  /* when the message in progress began; 0: between messages */
	int64_t due_ms;    /* the service's own deadline; 0: none */
	int64_t paced_us;  /* when all that was sent would have gone out at limit_rate */
	int64_t grace_ms;  /* no other deadline ends it before: it moved to other options */
	struct net remote; /* the client's address, all bits; empty for unix */
	uint16_t remote_port;
	uint16_t listen; /* index into the configuration's listeners: some have several addresses */
	_Alignas(8) char state_bytes[]; /* the service's, followed by RECORD_GUARD */
};

enum { RECORD_WATCH_UNKNOWN = UINT16_MAX };

/* Bytes of a record whose service keeps state_size bytes of state. */
static inline size_t record_size(size_t state_size)
{
	return (sizeof(struct record) + state_size + sizeof(uint32_t) + 7) / 8 * 8;
}

/* The word at the end of a record of `stride` bytes; a write beyond the state changes it. */
static inline uint32_t *record_guard(struct record *r, size_t stride)
{
	return (uint32_t *)((char *)r + stride - sizeof(uint32_t));
}

/* The value of `peer` that names this record. */
static inline uint32_t record_link(const struct record *r)
{
	return (uint32_t)r->index + 1;
}

static inline bool record_is_used(const struct record *r)
{
	return r->magic == RECORD_MAGIC;
}

/* True for the record that stands for its client: in a pair, only one of the two. */
static inline bool record_is_client(const struct record *r)
{
	return record_is_used(r) && r->side == SIDE_CLIENT;
}

/* True for a record that this worker serves: it is in use, and not on its way to another worker. */
static inline bool record_is_served(const struct record *r)
{
	return record_is_used(r) && r->passage == PASSAGE_NONE;
}

/* True when its service has said FINISH, or this server ends it: no hook but close is called. */
static inline bool record_is_ending(const struct record *r)
{
	return r->state == CONN_FLUSHING || r->state == CONN_LINGERING;
}

/* True when `file` is a descriptor of this connection. */
static inline bool record_has_file(const struct record *r)
{
	return r->file_left > 0 || r->holds_file;
}

/*
 * Tells a file from others, whose number in a damaged record would be as good. It is never 0, so
 * that a zeroed record has no file.
 */
static inline uint32_t record_file_id(const struct stat *st)
{
	uint64_t mixed = (st->st_ino ^ (uint64_t)st->st_dev << 40) * UINT64_C(0x9e3779b97f4a7c15);

	return (uint32_t)(mixed >> 32) | 1;
}

/* True for what `file` can be. */
static inline bool record_can_have(const struct record *r, const struct stat *st)
{
	if (r->is_piped)
		return S_ISFIFO(st->st_mode);
	return (S_ISREG(st->st_mode) || (S_ISDIR(st->st_mode) && r->file_left == 0)) &&
	       r->file_id == record_file_id(st);
}

/*
 * The descriptors of the range that waits, or of the file that is held: writes at most 2 to fds,
 * and returns how many.
 */
static inline unsigned record_range_fds(const struct record *r, int *fds)
{
	unsigned count = 0;

	if (record_has_file(r))
		fds[count++] = r->file;
	if (r->file_left > 0 && r->is_piped)
		fds[count++] = r->pipe_end;
	return count;
}

static inline bool record_has_output(const struct record *r)
{
	return r->out.end > r->out.start || r->file_left > 0;
}

/*
 * The phase of a connection that ends now: R a message is coming in, D an answer is going out, L
 * the last answer has gone out and the client has not ended its side properly, - none of these.
 */
char record_phase_letter(const struct record *r, enum close_reason reason,
			 bool is_between_messages);

/* Writes the client's address with its port to text, of ADDR_TEXT bytes; returns text. */
const char *record_remote(const struct record *r, char *text);

/*
 * The access log's fields "what" and "state" of a connection; writes 3 bytes to state and returns
 * it.
 */
#define RECORD_LOG_WHAT "connection"
const char *record_state_letters(char *state, enum close_reason reason, char phase);

#endif
