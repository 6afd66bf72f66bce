/* SPDX-License-Identifier: MIT */
/*
 * The responses on standard output: counted, and written at once: unchanged, in hexadecimal, or, on
 * a terminal, with all control sequences escaped. Memory is bounded. One process.
 */
#ifndef CLIENT_OUTPUT_H
#define CLIENT_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "client/framing.h"
#include "client/screen.h"

enum {
	OUTPUT_ROW = 16,        /* bytes in a row of hexadecimal */
	OUTPUT_ESCAPE_MAX = 16, /* bytes that output_escape_byte writes at most */
};

/* Text on its way to a terminal; zeroed, it is at the start. */
struct output_escape {
	uint8_t held[4]; /* the start of a UTF-8 character, or a CR that a LF may follow */
	unsigned count;
};

struct output {
	struct screen *screen; /* the caller's */
	struct frame frame;
	bool is_discarded;      /* all received bytes are discarded */
	uint64_t max_responses; /* UINT64_MAX: unknown */
	uint64_t responses;     /* complete ones so far */
	uint64_t part;          /* bytes of the incomplete one, those of the framing included */
	uint64_t size;          /* of the last complete one */
	uint64_t excess;        /* bytes after the last one of max_responses */
	bool is_hex, is_terminal;
	bool is_stream;  /* all is one long response, to which no byte is added */
	uint64_t offset; /* bytes of the response that were written */
	char last;       /* the last of these bytes */
	uint8_t row[OUTPUT_ROW];
	unsigned row_used;
	struct output_escape escape;
	size_t used;
	char buffer[65536];
};

void output_init(struct output *output, enum framing framing, bool is_hex, bool is_stream,
		 struct screen *screen);

/*
 * Takes received bytes and writes them. Returns false with err: CODE_FAILED for bytes that cannot
 * be a response, CODE_OSERR when stdout cannot be written to.
 */
bool output_receive(struct output *output, const char *bytes, size_t n, struct err *err);

/* Ends the response: with raw framing, only silence or the peer's end marks this. */
bool output_end_response(struct output *output, struct err *err);

/* At the end of input, ends the line of an incomplete response. */
bool output_end(struct output *output, struct err *err);

/* True when bytes are held back until their row or character is complete. */
bool output_is_holding(const struct output *output);

/* Writes the bytes that are held back. */
bool output_release(struct output *output, struct err *err);

/*
 * Takes one byte and writes all bytes that can be shown by now to `out`: UTF-8, newlines, tabs and
 * CR LF pass; control characters, and bytes that are no UTF-8, become \xHH. Returns the number of
 * bytes written.
 */
size_t output_escape_byte(struct output_escape *escape, uint8_t byte, char *out);

/* Writes the held bytes, escaped, because no more follow. */
size_t output_escape_end(struct output_escape *escape, char *out);

#endif
