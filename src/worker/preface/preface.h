/* SPDX-License-Identifier: MIT */
/*
 * What comes before a connection is open: its PROXY header (accept_proxy), and behind it the
 * preface of its service. Only then its client's address is known and asked against access lists
 * and bans. Until then no other hook of the service is called. Worker only.
 */
#ifndef WORKER_PREFACE_PREFACE_H
#define WORKER_PREFACE_PREFACE_H

#include <stdbool.h>

#include "worker/conn_record.h"
#include "worker/preface/progress.h"

/* True for a new connection that begins with one of the two; it is in the state PREFACE then. */
bool preface_begin(struct conn *c);

/* Receives, and reads as far as it can. */
enum preface preface_read(struct conn *c);

#endif
