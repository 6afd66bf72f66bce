/* SPDX-License-Identifier: MIT */
/* Why a connection ended: the rows of tables/endings.def. Pure; any process. */
#ifndef STATS_CLOSE_REASON_H
#define STATS_CLOSE_REASON_H

enum ending {
#define ENDING(name, who, sentence) ENDING_##name,
#include "tables/close_reasons.def"
	ENDING_COUNT
};

/* As in the table and in the log. */
const char *ending_name(enum ending ending);

/* Whose doing it was: the table's letter. */
char ending_who(enum ending ending);

/* The ending for an errno of recv(2) or send(2) on a connection. */
enum ending ending_of(int error);

#endif
