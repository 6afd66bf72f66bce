/* SPDX-License-Identifier: MIT */
/*
 * The health of servers, which all workers share: what one has found holds for all.
 *
 *   HEALTHY --max_fails failures within fail_timeout, unless it is the last one--> FAILED
 *   FAILED --a trial, after fail_timeout, or a check succeeds--> HEALTHY
 *   HEALTHY, FAILED --two checks in a row fail--> CHECK_FAILED --a check succeeds--> HEALTHY
 *
 * Each change is made by one process, which logs it. Any process that may write the servers' part
 * of the scoreboard.
 */
#ifndef SERVICES_PROXY_HEALTH_H
#define SERVICES_PROXY_HEALTH_H

#include "services/proxy/upstream.h"

/* A connection to the server could not be made, or was reset before anything came. */
void health_note_failure(const struct upstream *upstream, const struct server *server,
			 enum close_reason why, int64_t now_ms);

/* This side's own address cannot be used for it, by that errno: this is said, once. */
void health_note_unbound(const struct upstream *upstream, const struct server *server, int error);

/* This host permits no connection to it, by that errno: this is said, once a minute. */
void health_note_prevented(const struct upstream *upstream, const struct server *server, int error,
			   int64_t now_ms);

/* The server has accepted a connection, after that time. */
void health_note_success(const struct upstream *upstream, const struct server *server,
			 int64_t took_us, int64_t now_ms);

/* A check of the server has ended. Returns true when it is to be checked again soon. */
bool health_note_check(const struct upstream *upstream, const struct server *server,
		       enum close_reason why, int64_t now_ms);

/* True for errors that say nothing about servers: this process or host lacks something. */
bool health_is_own_failure(int error);

/* True for errors that say nothing about this server, but another one may do. */
bool health_is_prevented(int error);

struct server_verdict health_of(const struct upstream *upstream, const struct server *server);

/* True when the server is FAILED and its trial is due, which the caller's connection then is. */
bool health_takes_trial(const struct upstream *upstream, const struct server *server,
			int64_t now_ms);

/* The share of its weight, 1 to 1000, that a server has within slow_start; 1000 otherwise. */
unsigned health_share(const struct upstream *upstream, const struct server *server, int64_t now_ms);

#endif
