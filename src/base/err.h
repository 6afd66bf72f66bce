/* SPDX-License-Identifier: MIT */
/*
 * An error that a person must act on: one sentence (what, on what, why) and the exit code for it.
 * The receiver of an error logs it or returns it, never both.
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
	enum exit_code code; /* the program's exit code for this error */
	char text[1024];     /* one sentence, no newline, cut when too long; "" means no error */
};

/*
 * Fills err with the sentence and the code and returns false, so that a failing function can write
 * `return err_set(...)`. Keeps errno. Any process; does not allocate.
 */
bool err_set(struct err *err, enum exit_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* As err_set, with ": " and strerror(errno) appended. */
bool err_errno(struct err *err, enum exit_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts the formatted prefix before the sentence in err. Returns false. */
bool err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The name of an errno ("EAGAIN"), or "?" for an unknown number. */
const char *err_name(int error);

/* CODE_NOPERM for EACCES and EPERM, else `otherwise`. */
enum exit_code err_code(int error, enum exit_code otherwise);

/*
 * For a path that the configuration names and that cannot be opened: CODE_NOPERM as above,
 * CODE_CONFIG when the path itself is the reason, else CODE_OSERR.
 */
enum exit_code err_code_of_path(int error);

/* Aborts the process with a message when the claim is broken, which is a defect of this program. */
#define BUG_ON(claim_broken)                                        \
	do {                                                        \
		if (__builtin_expect(!!(claim_broken), 0))          \
			err_bug(__FILE__, __LINE__, #claim_broken); \
	} while (0)
_Noreturn void err_bug(const char *file, int line, const char *claim);

#endif
