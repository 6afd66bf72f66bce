/* SPDX-License-Identifier: MIT */
/*
 * The interface of a service that prefork-srv loads (service = module): prefork-srv-module(3). The
 * shared object defines one symbol, prefork_service. Its hooks are called in a worker, one at a
 * time, on one thread. A connection outlives its worker: all that it needs lies in prefork_state,
 * its input and its output, and nothing of it on the heap. Hooks do not wait.
 */
#ifndef PREFORK_SRV_SERVICE_H
#define PREFORK_SRV_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised with each change that an object built before could not bear. */
#define PREFORK_ABI 1u

#define PREFORK_ADDRESS_SIZE  160 /* bytes of a written address, its NUL among them */
#define PREFORK_COUNTERS_MOST 8   /* counters of a module's own */
#define PREFORK_NAME_MOST     31  /* bytes of a name, and of the reason of an end */

struct prefork_conn;     /* a connection, during the call of a hook */
struct prefork_listener; /* a listen of the configuration, as long as the process lives */

enum prefork_verdict {
	PREFORK_MORE,   /* wait for more */
	PREFORK_FINISH, /* send the output, then end */
	PREFORK_ABORT   /* end now */
};

/* A hook that is NULL has the default that its comment names. New members come last. */
struct prefork_service {
	uint32_t abi;         /* PREFORK_ABI */
	uint32_t struct_size; /* sizeof(struct prefork_service) */
	const char *name;     /* letters, digits, '.', '_' and '-'; PREFORK_NAME_MOST at most */
	size_t state_size;    /* zeroed bytes kept with each connection, at most 64 KiB - 64 */
	/*
	 * Raised with every change of what the state's bytes mean. 0: the state refers to something
	 * outside, and no connection moves to another worker.
	 */
	uint32_t state_version;
	/* Names of counters (a-z, 0-9, '_'), a NULL after the last. NULL: none. */
	const char *const *counters;

	/* --- In a process that serves no client, before its workers are made --- */

	/* False when the listener's arguments are wrong (prefork_refuse). NULL: they are right. */
	bool (*check)(const struct prefork_listener *listener);
	/* Bytes that all workers share (prefork_shared), the same at each call. NULL: none. */
	size_t (*shared_size)(const struct prefork_listener *listener);
	/*
	 * Opens and prepares what every worker is to have. False when it cannot (prefork_refuse).
	 * NULL: nothing to do.
	 */
	bool (*init)(const struct prefork_listener *listener);

	/* --- In a worker --- */

	/* A new connection. NULL: PREFORK_MORE. */
	enum prefork_verdict (*open)(struct prefork_conn *c);
	/* New bytes, or the end of the client's stream. NULL: drops all, finishes at the end. */
	enum prefork_verdict (*input)(struct prefork_conn *c);
	/* All output has gone out. NULL: calls input once more, unless between messages. */
	enum prefork_verdict (*drained)(struct prefork_conn *c);
	/* The deadline of prefork_set_deadline has passed. NULL: PREFORK_FINISH. */
	enum prefork_verdict (*expired)(struct prefork_conn *c);
	/*
	 * True between messages: the connection may end or move now. Not asked while output waits.
	 * NULL: when no input waits.
	 */
	bool (*idle)(const struct prefork_conn *c);
	/*
	 * After a worker's death, or from another worker: true when this service can have written
	 * the state, which may hold any bytes. NULL: true.
	 */
	bool (*is_sound)(const struct prefork_conn *c);
	/* The connection ends. NULL: nothing to do. */
	void (*close)(struct prefork_conn *c);
};

/* The first members of a struct prefork_service: PREFORK_SERVICE, .name = "echo", ... */
#define PREFORK_SERVICE .abi = PREFORK_ABI, .struct_size = sizeof(struct prefork_service)

/* The object's one symbol. */
extern const struct prefork_service prefork_service;

/* --- Input and output --- */

/* The bytes that have come and were not consumed; *size is their number, 64 KiB at most. */
const char *prefork_input(const struct prefork_conn *c, size_t *size);
/* Drops the first bytes of the input. What is left comes again with the next bytes. */
void prefork_consume(struct prefork_conn *c, size_t size);
/* True when the client has ended its stream: there will be no more input. */
bool prefork_input_ended(const struct prefork_conn *c);

/* Bytes that the output has room for now; none while a range of a file waits. */
size_t prefork_room(const struct prefork_conn *c);
/* Adds the bytes to the output: all of them, or none and false when they have no room. */
bool prefork_write(struct prefork_conn *c, const void *bytes, size_t size);
/* The same with a text as of printf(3), without its NUL. */
bool prefork_printf(struct prefork_conn *c, const char *format, ...)
#ifdef __GNUC__
	__attribute__((format(printf, 2, 3)))
#endif
	;
/* The free room itself, *size bytes; prefork_produce adds its first bytes to the output. */
char *prefork_output(struct prefork_conn *c, size_t *size);
void prefork_produce(struct prefork_conn *c, size_t size);
/*
 * Sends the range of a regular file after the output, and takes over fd, which it closes. Until
 * drained is called there is no room for more output. False, and fd stays the caller's, when a
 * range waits already, fd is no regular file, or size is 0.
 */
bool prefork_send_file(struct prefork_conn *c, int fd, uint64_t offset, uint64_t size);

/* --- The connection --- */

/* Its state_size bytes, zeroed at first, aligned to 8. */
void *prefork_state(const struct prefork_conn *c);
/* Counts a message that has been answered. */
void prefork_count_message(struct prefork_conn *c);
/* Ends the connection for that reason, PREFORK_NAME_MOST bytes at most, which the logs show. */
enum prefork_verdict prefork_finish(struct prefork_conn *c, const char *reason);
enum prefork_verdict prefork_abort(struct prefork_conn *c, const char *reason);
/* Calls expired in so many milliseconds, unless it is set again; 0: never. */
void prefork_set_deadline(struct prefork_conn *c, int64_t in_ms);
/* Write an address to text, of PREFORK_ADDRESS_SIZE bytes, and return it. */
const char *prefork_remote(const struct prefork_conn *c, char *text);
const char *prefork_local(const struct prefork_conn *c, char *text);
/* In hook close: why it ends, such as "client_closed" (prefork-srv.conf(5)). */
const char *prefork_ending(const struct prefork_conn *c);
/* The listen of the connection, and the number of the worker that serves it. */
const struct prefork_listener *prefork_listener_of(const struct prefork_conn *c);
unsigned prefork_worker(const struct prefork_conn *c);
/* Logs a line (event module_logged), 512 bytes at most. Never waits. */
void prefork_log(const struct prefork_conn *c, const char *text);
/* Adds n to the counter of that index in prefork_service.counters. */
void prefork_count(struct prefork_conn *c, unsigned counter, uint64_t n);

/* --- The listen --- */

/* Its address, as it is written in the configuration. */
const char *prefork_listener_address(const struct prefork_listener *listener);
/* Its arguments; of an argument "name=value" the value, or NULL. */
size_t prefork_arguments(const struct prefork_listener *listener);
const char *prefork_argument(const struct prefork_listener *listener, size_t index);
const char *prefork_argument_value(const struct prefork_listener *listener, const char *name);
/*
 * Sets *size to the value of an argument such as "size=64m" (k, m, g: powers of 1024), and leaves
 * it alone when there is none. False when the value is no size.
 */
bool prefork_argument_size(const struct prefork_listener *listener, const char *name, size_t *size);
/*
 * The memory that all workers share: *size bytes (NULL: not asked for), zeroed at first. It goes
 * on across crashes, and across reloads that change neither address, name, state_version nor size.
 * NULL when shared_size has asked for none. A worker can die in the middle of any change.
 */
void *prefork_shared(const struct prefork_listener *listener, size_t *size);
/* In check and init: says why, as printf(3) does, and returns false. */
bool prefork_refuse(const char *format, ...)
#ifdef __GNUC__
	__attribute__((format(printf, 1, 2)))
#endif
	;

#ifdef __cplusplus
}
#endif

#endif
