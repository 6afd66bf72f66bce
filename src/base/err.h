/* SPDX-License-Identifier: MIT */
/*
 * An error that a person must act on: one sentence (what, on what, why) and the exit code it leads
 * to. Whoever gets one logs it or passes it on, never both.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>

/* The exit codes of tables/exits.def: CODE_OK, CODE_USAGE ... */
enum exit_code {
#define EXIT_ROW(name, code, server, client, demo) CODE_##name = (code),
#include "tables/exits.def"
};

struct err {
	enum exit_code code; /* what the program exits with because of it */
	char text[1024];     /* one sentence, no newline, cut when too long; "" is no error */
};

/*
 * Fills err with the sentence and the code and returns false, so that a failing function can say
 * `return err_set(...)`. Keeps errno. Any process; allocates nothing.
 */
bool err_set(struct err *err, enum exit_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* As err_set, with ": " and errno's own words added at the end. */
bool err_errno(struct err *err, enum exit_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "prefix" before the sentence that err holds; returns false. */
bool err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "EAGAIN" and the like; "?" for what is no errno. */
const char *err_name(int error);

/* The exit code for an errno of a refused permission, else `otherwise`. */
enum exit_code err_code(int error, enum exit_code otherwise);

/*
 * Ends the process with a message when a claim that must hold does not: a defect of this program.
 */
#define BUG_ON(claim_broken)                                        \
	do {                                                        \
		if (__builtin_expect(!!(claim_broken), 0))          \
			err_bug(__FILE__, __LINE__, #claim_broken); \
	} while (0)
_Noreturn void err_bug(const char *file, int line, const char *claim);

#endif
