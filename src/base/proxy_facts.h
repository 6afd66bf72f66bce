/* SPDX-License-Identifier: MIT */
/*
 * What a header of the PROXY protocol says of a client, and what can be wrong with one: plain bytes
 * that outlive the process that has read them. Pure; any process.
 */
#ifndef BASE_PROXY_FACTS_H
#define BASE_PROXY_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/* The texts of tables/proxy_texts.def: PROXY_TEXT_authority ... */
enum proxy_text {
#define PROXY_TEXT(name, type, place, most, over, sentence) PROXY_TEXT_##name,
#include "tables/proxy_texts.def"
	PROXY_TEXTS
};

/* Their bytes, without a NUL; the lengths are in struct proxy_facts. */
struct proxy_texts {
#define PROXY_TEXT(name, type, place, most, over, sentence) char name[most];
#include "tables/proxy_texts.def"
};

/* A row of that table. */
struct proxy_text_row {
	uint8_t type;
	bool is_ssl;          /* it lies within the vector on SSL */
	uint8_t most;         /* bytes */
	bool is_skipped_over; /* a longer one is skipped; else the header is invalid */
	size_t at;            /* in struct proxy_texts */
};
extern const struct proxy_text_row proxy_text_rows[PROXY_TEXTS];

/* What a header says of the client. */
struct proxy_facts {
	struct net source, destination; /* family 0, in both: no addresses to use */
	uint16_t source_port, destination_port;
	uint32_t ssl_verify;          /* has_ssl: 0: the client's certificate was verified */
	uint8_t version;              /* of the header, 1 or 2; 0: it is not known yet */
	uint8_t has_ssl;              /* 1: the header has the vector on SSL, else 0 */
	uint8_t ssl_client;           /* has_ssl: the flags PROXY_SSL_... */
	uint8_t lengths[PROXY_TEXTS]; /* 0: no such text */
};

enum { PROXY_SSL_USED = 1, PROXY_SSL_CERT_CONN = 2, PROXY_SSL_CERT_SESSION = 4 };

/* What is wrong with a header: the rows of tables/proxy_errors.def. */
enum proxy_error {
#define PROXY_ERROR(name, sentence) PROXY_ERROR_##name,
#include "tables/proxy_errors.def"
	PROXY_ERRORS
};

/* "line_too_long" and the like, and its sentence. */
const char *proxy_error_name(enum proxy_error error);
const char *proxy_error_sentence(enum proxy_error error);

/* True when a header says anything of a client; one that is LOCAL or unknown does not. */
bool proxy_facts_are_any(const struct proxy_facts *facts);

/* True when the header has at least one text. */
bool proxy_facts_have_texts(const struct proxy_facts *facts);

/* The text and its length; NULL when there is none. */
const char *proxy_facts_text(const struct proxy_facts *facts, const struct proxy_texts *texts,
			     enum proxy_text which, size_t *length);

/* True when a reader of headers can have left them. They may hold any bytes. */
bool proxy_facts_are_sound(const struct proxy_facts *facts);

#endif
