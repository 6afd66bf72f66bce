/* SPDX-License-Identifier: MIT */
/*
 * Serves the requests of a connection one after the other: reads a head, has the service answer it,
 * drops the body that nobody reads, and ends the connection when an answer has announced that. It
 * logs each request: an answer that is written at once when it is written, any other when it has
 * gone out or is cut, with the bytes that were sent. It decides no answer. For HTTP services, in a
 * worker.
 *
 *   READING ----(written at once)-----------------------+
 *    |  |                                               |
 *    |  +--(more follows)--> ANSWERING                  |
 *    |                           |                      |
 *    +--(a file range)-------> SENDING --(gone out)-----+--> READING   the next request
 *                                                       +--> DROPPING  its body --> READING
 *                                                       +--> ENDING    as was announced
 *   READING --(refused)--> ENDING, and so does SENDING when a time is over and all is out
 */
#ifndef SERVICES_HTTP_HTTP_SESSION_H
#define SERVICES_HTTP_HTTP_SESSION_H

#include "services/http/http.h"
#include "services/http/parse/http_chunked.h"
#include "services/http/parse/http_text.h"
#include "worker/conn_record.h"
#include "worker/heritage.h"
#include "worker/service.h"

/* Of the services (worker/service.h): about what a request needs to cross the server's end. */
enum { HTTP_DRAIN_MS = 1000 };

enum http_stage {
	HTTP_READING,   /* a request's head and its chunks, or waiting for the next request */
	HTTP_ANSWERING, /* the service has not written all of the answer */
	HTTP_SENDING,   /* all of it is written, and goes out */
	HTTP_DROPPING,  /* the body of a request that is answered */
	HTTP_ENDING,    /* the connection ends */
	HTTP_STAGES
};

/* Of an answer in ANSWERING and SENDING, for the log. */
struct http_sent {
	uint64_t made;  /* bytes of it that are written so far: to c->out, and in file ranges */
	uint64_t frame; /* of them, the frame of its chunks */
	uint32_t head;  /* of them, its head */
	uint16_t status;
};

/* Part of a service's state, zeroed at first. The head stays in c->in until its answer is out. */
struct http_session {
	struct http_request request; /* the request being read or answered */
	struct http_chunked chunked; /* how much of its body is read */
	uint32_t body_left;          /* DROPPING: bytes of the request's body still to drop */
	uint8_t stage;               /* enum http_stage */
	bool ends_by_close;          /* of an answer that goes on: nothing else tells its end */
	struct http_sent sent;
};

struct http_handler {
	/*
	 * Answers the request whose head is at the front of c->in: writes to c->out, and may then
	 * send a file range, or call http_session_go_on when more follows. Returns the status, or 0
	 * when there is no room for the answer now, and nothing has changed.
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

/* For the hook answer: more of the answer follows, which go_on writes. */
void http_session_go_on(struct http_session *session, bool has_length);

/* True until the service has written all of an answer that goes on. */
static inline bool http_session_goes_on(const struct http_session *session)
{
	return session->stage == HTTP_ANSWERING;
}

/*
 * For the hook go_on: as http_body_open and http_body_close, with the end of the body when this
 * text is_last.
 */
struct strbuf http_session_open_body(const struct conn *c, const struct http_session *session);
void http_session_close_body(struct conn *c, struct http_session *session,
			     const struct strbuf *text, bool is_last);

/* For the hook `input`: new bytes, or room for more of the answer. */
enum verdict http_session_serve(struct conn *c, struct http_session *session,
				const struct http_handler *handler);

/*
 * For the hook `timed_out`: a request that has begun and has no answer yet is answered with 408. An
 * answer that has not gone out is cut. Of one that has, the line is written; the connection ends.
 */
enum verdict http_session_time_out(struct conn *c, struct http_session *session,
				   const struct http_handler *handler);

/* For the hook `looks_whole`. */
bool http_session_looks_whole(const struct conn *c, const struct http_session *session);

/* For the hook `is_in_head`. */
bool http_session_is_in_head(const struct http_session *session);

/*
 * For the hook `close`: logs an answer that is cut, with the bytes that were sent of it. One that
 * would pass for whole ends with a reset.
 */
void http_session_close(struct conn *c, const struct http_session *session,
			const struct http_handler *handler);

/* For the hook `idle`. */
bool http_session_is_idle(const struct conn *c, const struct http_session *session);

/* For the hook `is_sound`: it may hold any bytes. */
bool http_session_is_sound(const struct conn *c, const struct http_session *session);

#endif
