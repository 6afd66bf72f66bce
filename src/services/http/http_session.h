/* SPDX-License-Identifier: MIT */
/*
 * Serves the requests of a connection one after the other: reads a head, has the service answer it,
 * drops the body that nobody reads, and ends the connection when an answer has announced that. It
 * decides no answer. For HTTP services, in a worker.
 */
#ifndef SERVICES_HTTP_HTTP_SESSION_H
#define SERVICES_HTTP_HTTP_SESSION_H

#include "services/http/http.h"
#include "services/http/http_chunked.h"
#include "services/http/http_text.h"
#include "worker/conn_record.h"
#include "worker/heritage.h"
#include "worker/service.h"

/* Of the services (worker/service.h): about what a request needs to cross the server's end. */
enum { HTTP_DRAIN_MS = 1000 };

/* What an answer has, in bytes. */
struct http_sent {
	uint64_t body;
	uint32_t head;
	uint16_t status;
};

/* Part of a service's state, zeroed at first. */
struct http_session {
	struct http_request request; /* the request being read or answered */
	struct http_chunked chunked; /* how much of its body is read */
	uint32_t body_left;          /* bytes of the request's body still to drop */
	bool goes_on;                /* the service has not written all of the answer */
	bool ends;                   /* the connection ends after this answer */
	bool is_sending;             /* the answer's file range goes out; its head is still there */
	struct http_sent sent;       /* then: what the answer is */
};

struct http_handler {
	/*
	 * Answers the request whose head is at the front of c->in: writes to c->out, and may then
	 * send a file range. Sets session->goes_on when more follows; then the service logs the
	 * answer itself (http_log), while the head is still there. Returns the status, or 0 when
	 * there is no room for the answer now, and nothing has changed.
	 */
	unsigned (*answer)(struct conn *c, struct http_session *session);
	/* Writes more of an answer that goes on; true once it is complete. NULL: none does. */
	bool (*go_on)(struct conn *c, struct http_session *session);
	/*
	 * The user that a request names, for the log; valid until the next call. The head is still
	 * there. NULL: none.
	 */
	struct http_text (*user)(const struct conn *c, const struct http_request *request);
	/*
	 * The header lines of the answer to a request that is no HTTP, as in struct http_answer;
	 * valid until the next call.
	 */
	const char *(*headers)(const struct conn *c);
};

/* Before the worker serves, for each of its services. The heritage lasts as long as the worker. */
void http_session_start(const struct heritage *heritage);

/* True in a worker that leaves. */
bool http_session_is_leaving(void);

/* True once the server was told to stop: from the beginning of lame_duck on. */
bool http_session_is_told_to_stop(void);

/* For the hook `input`: new bytes, or room for more of the answer. */
enum verdict http_session_serve(struct conn *c, struct http_session *session,
				const struct http_handler *handler);

/*
 * For the hook `timed_out`: a request that has begun and has no answer yet is answered with 408.
 */
enum verdict http_session_time_out(struct conn *c, struct http_session *session,
				   const struct http_handler *handler);

/* For the hook `is_in_head`. */
bool http_session_is_in_head(const struct http_session *session);

/* For the hook `close`: logs an answer that is cut, with the bytes that were sent of it. */
void http_session_close(const struct conn *c, const struct http_session *session,
			const struct http_handler *handler);

/* For the hook `idle`. */
bool http_session_is_idle(const struct conn *c, const struct http_session *session);

/* For the hook `is_sound`: it may hold any bytes. */
bool http_session_is_sound(const struct conn *c, const struct http_session *session);

#endif
