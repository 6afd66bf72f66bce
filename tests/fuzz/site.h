/* SPDX-License-Identifier: MIT */
/*
 * The folder that the fuzz target of service http serves, what lies beside it, and the check of
 * what came back: every answer whole, every byte that of a file in it.
 */
#ifndef FUZZ_SITE_H
#define FUZZ_SITE_H

#include <stdbool.h>
#include <stddef.h>

enum { SITE_ANSWERS = 32 << 20 }; /* bytes of all answers to one input: more than they can have */

/* Ends the target with a message when the claim does not hold. */
void demand(bool claim, const char *what);

/* Once: makes it below a new folder, which is removed at exit. Returns the lines of a listen. */
const char *site_make(char *conf, size_t size);

/*
 * Aborts unless the bytes are the answers to the requests: one to each, in their order, up to the
 * first that ends the connection, each as long as its head says.
 */
void site_check(const char *requests, size_t asked, const char *answers, size_t answered);

#endif
