/* SPDX-License-Identifier: MIT */
/*
 * The lessons as rows (tables/lessons.def). A lesson is a function that runs in a process of its
 * own: it introduces its subject, has real processes make real calls, draws each, and checks each
 * claim. Where the system forbids a call it does not return, but skips its rest (output_skip_rest).
 */
#ifndef DEMO_LESSON_H
#define DEMO_LESSON_H

#include <stddef.h>

struct output;

struct lesson {
	const char *name, *sentence;
	void (*run)(struct output *out);
};

extern const struct lesson lessons[];
extern const size_t lesson_count;

#define LESSON(name, function, sentence) void lesson_##function(struct output *out);
#include "tables/lessons.def"

#endif
