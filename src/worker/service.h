/* SPDX-License-Identifier: MIT */
/*
 * The interface of a service: the work that a worker does for a client. A service reads c->in,
 * writes c->out and returns a verdict. It makes no system call on the connection's descriptor,
 * keeps nothing on the heap, and finds its own zeroed state in conn_state(c). Every hook may be
 * NULL and then has the default that its comment names.
 */
#ifndef WORKER_SERVICE_H
#define WORKER_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "accesslog/accessentry.h"
#include "base/err.h"
#include "config/conf.h"
#include "stats/metric.h"

struct access_entry;
struct conn;
struct helper_job;
struct heritage;
struct scoreboard;
struct identity;

enum verdict {
	MORE,   /* wait for more */
	FINISH, /* send c->out, then end */
	ABORT   /* end now */
};

enum { SERVICE_NAME = 32, SERVICE_COUNTERS = 8, SERVICE_STATE_MOST = 64 * 1024 };
#define SERVICE_SHARED_MOST (UINT64_C(64) << 30)

/* A file as stat(2) reports it. Another file in its place differs, and so does a changed one. */
struct service_file {
	uint64_t device, inode, size, changed_ns;
};

/*
 * What a loaded service says of itself, and its file, as plain bytes: one for each listen, all zero
 * where the service is this program's own.
 */
struct service_facts {
	char name[SERVICE_NAME];
	uint32_t state_version;
	uint32_t state_size;  /* at most SERVICE_STATE_MOST, all that is kept with a connection */
	uint64_t shared_size; /* bytes that all workers share, at most SERVICE_SHARED_MOST */
	struct service_file file;
	char counters[SERVICE_COUNTERS][METRIC_COUNTER_NAME]; /* its own; "": none */
};

/* Where a service is loaded. */
struct service_place {
	const struct listen_conf *conf;
	const struct scoreboard *board; /* NULL: in a trial, in a process that serves no client */
	void *shared;                   /* what all workers share; NULL: nothing, or in a trial */
	size_t shared_size;
};

/*
 * Once a connection is ending (FLUSHING or LINGERING in worker/conn.h), no hook but close and tell
 * is called for it: to all other code its state means nothing from then on.
 */
struct service {
	const char *name;
	size_t state_size; /* zeroed bytes kept with each connection, in the arena */
	/*
	 * Raised with every change of what the state's bytes mean. 0: the state refers to something
	 * outside, so that the connection cannot move to another worker.
	 */
	unsigned state_version;
	/* The name that a loaded one gives itself; NULL: it is this program's own. */
	const char *loaded_name;
	bool gives_sockets;  /* to other processes (worker/give.h) */
	bool has_pairs;      /* it attaches peers (worker/pair/pair.h) */
	bool holds_files;    /* conn_hold_file; is_sound tells whether the record may hold one */
	unsigned conn_files; /* descriptors that a connection needs; 0: its socket alone */
	bool sends_files;    /* and one more while a file goes out */
	unsigned own_files;  /* descriptors that a worker keeps for each listener, without its
			      * locations, which have one each */
	/*
	 * It relays a stream of which it knows no messages: a connection is never between
	 * messages, and what ends it in silence depends on whether one end has ended its stream.
	 */
	bool is_stream;
	/*
	 * In a draining worker, how long a connection between messages waits for one that may be on
	 * its way; 0: it ends at once.
	 */
	int64_t drain_ms;
	int64_t preface_ms; /* with a preface: the time within which it must be complete */
	/*
	 * Master, at load: returns false with err set when the listener's options conflict. NULL:
	 * they never do.
	 */
	bool (*check)(const struct listen_conf *conf, struct err *err);
	/*
	 * Of a service that stands for files: loads what the listen names, in a process that has
	 * dropped its privileges and serves nobody. Returns the service that the connections of the
	 * listen have, which lasts as long as the process, and sets *facts but for the file; or
	 * NULL with err, which lacks the listen's place. Never in the master. NULL: the service is
	 * complete.
	 */
	const struct service *(*load)(const struct service_place *place,
				      struct service_facts *facts, struct err *err);
	/*
	 * -t, the start before it detaches, and the child that tries a reload: the same for what
	 * may wait, such as the user database. identity is the workers'. NULL: nothing to check.
	 */
	bool (*check_system)(const struct conf *conf, const struct listen_conf *listen,
			     const struct identity *identity, struct err *err);
	const struct helper_job *const *jobs; /* of its helpers (worker/helper.h) */
	unsigned job_count;
	/*
	 * Worker, once for each listener, before it accepts: returns false when it cannot serve.
	 * The heritage lasts as long as the worker. NULL: nothing to do.
	 */
	bool (*init)(const struct heritage *heritage, const struct listen_conf *conf);
	/*
	 * Worker, about once a second for each listener, by its number, when it serves no
	 * connection. It may not wait. NULL: nothing to do.
	 */
	void (*each_second)(unsigned listener, int64_t now_ms);
	/*
	 * New bytes in c->in before the connection is open: MORE, FINISH once the preface is
	 * complete, ABORT when it is invalid. Access lists and bans are asked after it. NULL: there
	 * is no preface.
	 */
	enum verdict (*preface)(struct conn *c);
	/* A new connection; the service may fill c->out. NULL: MORE. */
	enum verdict (*open)(struct conn *c);
	/*
	 * New bytes in c->in, or the end of the client's stream (conn_in_ended). Leaves bytes that
	 * it cannot use yet in c->in. Of a pair: c is the side that has received. NULL: in a pair,
	 * relays to the other side (pair_relay); else drops all, FINISH at the end.
	 */
	enum verdict (*input)(struct conn *c);
	/*
	 * This side's output has gone out. NULL: calls input once more, unless the connection is
	 * between messages; in a pair pair_relay.
	 */
	enum verdict (*drained)(struct conn *c);
	/*
	 * The connect(2) of this peer has ended, with pair_connect_error. NULL: MORE, or the end
	 * when it has failed.
	 */
	enum verdict (*connected)(struct conn *peer);
	/*
	 * This side, a peer, was lost with pair_connect_error: true when the service has taken
	 * another one, or has decided otherwise what follows, which *verdict then says. NULL:
	 * false.
	 */
	bool (*lost)(struct conn *peer, enum verdict *verdict);
	/* The deadline that conn_set_deadline set for this side has passed. NULL: FINISH. */
	enum verdict (*expired)(struct conn *c);
	/*
	 * A timeout of the options ends the connection, for the reason in its record; output waits
	 * only at the end of max_lifetime. The service may tell its client. The verdict is not
	 * MORE. NULL: FINISH.
	 */
	enum verdict (*timed_out)(struct conn *c);
	/*
	 * By the state, which may hold any bytes: true when an answer is cut if the connection ends
	 * now, and would pass for whole. Such a connection is reset when its worker dies with it in
	 * hand. NULL: false, but for a stream.
	 */
	bool (*looks_whole)(const struct conn *c);
	/*
	 * By the state alone, while a message is in progress: true until its head is complete, for
	 * which there is header_timeout. NULL: messages have no heads, and no such time.
	 */
	bool (*is_in_head)(const void *state);
	/*
	 * True between messages: the connection may be ended now. NULL: c->in and c->out are empty,
	 * and in a pair not one end alone has ended its stream. A pair that is not between messages
	 * may pause for message_timeout.
	 */
	bool (*idle)(const struct conn *c);
	/*
	 * After a worker's death, or from another worker: true when this service can have written
	 * the state. It may hold any bytes. Not called for a connection that is ending, unless
	 * there is a hook close. NULL: true.
	 */
	bool (*is_sound)(const struct conn *c);
	/*
	 * A connection of another worker comes, whose state may be unsound: true when it can go on
	 * under the options of its listener here. Its record, which does not count yet, may be
	 * adapted to them. NULL: true.
	 */
	bool (*takes)(struct conn *c);
	/*
	 * A connection that was open ends; the descriptor is still open. NULL: nothing to do.
	 */
	void (*close)(struct conn *c, enum close_reason reason);
	/*
	 * Fills in what the service tells of a connection that has ended; its state may hold any
	 * bytes. NULL: nothing.
	 */
	void (*tell)(const struct conn *c, struct access_entry *entry);
};

/* The service of that name, or NULL. */
const struct service *service_find(const char *name);

#endif
