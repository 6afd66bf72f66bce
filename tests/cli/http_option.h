/* SPDX-License-Identifier: MIT */
/* Gives service http an option, in a listen and in a location, and sees what -t says to it. */
#ifndef CLI_HTTP_OPTION_H
#define CLI_HTTP_OPTION_H

#include <stddef.h>

struct http_option_row {
	const char *option, *message; /* the message after the place and the section */
};

/* Asserts that -t refuses each option at its place. state: of a test with a folder. */
void http_option_assert_refused(void **state, const struct http_option_row *rows, size_t count);
#define ASSERT_REFUSED(state, rows) \
	http_option_assert_refused(state, rows, sizeof(rows) / sizeof(*(rows)))

/* Asserts that -t takes the option without a word. */
void http_option_assert_taken(void **state, const char *option);

#endif
