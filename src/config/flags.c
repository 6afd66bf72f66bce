/* SPDX-License-Identifier: MIT */
/* The rows of tables/flags.def as an array. */
#include "config/flags.h"

static const struct flag rows[] = {
#define FLAG_ROW(letter, name, argument, sentence) { letter, name, argument, sentence },
#include "tables/flags.def"
};
const struct flags flags_of_server = { rows, sizeof(rows) / sizeof(rows[0]) };
