/* SPDX-License-Identifier: MIT */
/* Why a connection ended: the rows of tables/endings.def. Pure; any process. */
#ifndef STATS_CLOSE_REASON_H
#define STATS_CLOSE_REASON_H

enum close_reason {
#define CLOSE_REASON(name, who, sentence) CLOSE_##name,
#include "tables/close_reasons.def"
	CLOSE_COUNT
};

/* As in the table and in the log. */
const char *close_reason_name(enum close_reason reason);

/* Whose doing it was: the table's letter. */
char close_reason_who(enum close_reason reason);

/* The ending for an errno of recv(2) or send(2) on a connection. */
enum close_reason close_reason_of(int error);

#endif
