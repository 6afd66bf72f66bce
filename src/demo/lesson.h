/* SPDX-License-Identifier: MIT */
/*
 * The lessons as rows (tables/lessons.def). A lesson is a function that plays on a stage, in a
 * process of its own: it says what will be seen, lets real processes make real calls, draws each,
 * and checks each claim. It returns when it is over, or gives up (output_skip_rest) where the
 * system forbids a step.
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
