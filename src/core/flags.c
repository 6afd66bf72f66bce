/* SPDX-License-Identifier: MIT */
/* The rows of tables/flags.def as an array. Called by main and core/manual.c. */
#include "core/flags.h"

const struct flag flags[] = {
#define FLAG_ROW(letter, name, argument, sentence) { letter, name, argument, sentence },
#include "tables/flags.def"
};
const size_t flag_count = sizeof(flags) / sizeof(flags[0]);
