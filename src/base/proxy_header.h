/* SPDX-License-Identifier: MIT */
/*
 * The header of the PROXY protocol, versions 1 and 2 (proxy-protocol.txt of HAProxy), by which a
 * proxy names the client of a connection before the first byte of the client: reading and building.
 * Pure: no system call, no allocation; any process. It lies in base, since prefork-client sends
 * what the server reads.
 *
 * A header is read as it comes, cut anywhere, and may have every length that the protocol allows:
 * vectors that are not kept are skipped piece by piece. What has no addresses to use, because it is
 * LOCAL, of unknown or unix family, or of another transport than a stream, is valid: then the ends
 * of the connection itself count. The bytes behind a LOCAL head, or one of unknown family or
 * transport, are skipped unread: nothing says where vectors would begin.
 */
#ifndef BASE_PROXY_HEADER_H
#define BASE_PROXY_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/proxy_facts.h"

enum {
	PROXY_HEAD_SIZE = 16,            /* bytes of version 2, before the addresses */
	PROXY_HEADER_MOST = 16 + 0xffff, /* bytes of version 2 */
	PROXY_REST_MOST = 3 + 255,       /* bytes that proxy_header_read leaves for the next call */
};

enum proxy_stage {
	PROXY_STAGE_HEAD,    /* nothing is known yet */
	PROXY_STAGE_ADDRESS, /* version 2: its addresses follow, */
	PROXY_STAGE_VECTORS, /* its vectors, */
	PROXY_STAGE_SKIPPED, /* or bytes that do not matter */
	PROXY_STAGE_DONE,    /* the header is complete */
	PROXY_STAGES
};

/* A header as far as it was read: plain bytes, zeroed at first. */
struct proxy_header {
	struct proxy_facts facts; /* whole at DONE */
	uint32_t checksum;        /* of the bytes so far */
	uint32_t sent_checksum;   /* has_checksum: the one in the header */
	uint16_t left;            /* version 2: bytes of the header that have not been read, */
	uint16_t skip_left;       /* of these in a vector that is skipped, */
	uint16_t ssl_left;        /* and in the vector on SSL */
	uint8_t family;           /* as the head of version 2 has it */
	uint8_t has_checksum;     /* 0 or 1 */
	uint8_t stage;            /* enum proxy_stage */
	uint8_t error;            /* enum proxy_error */
};

enum proxy_progress { PROXY_INCOMPLETE, PROXY_COMPLETE, PROXY_INVALID };

/*
 * Reads on in the bytes that have come behind those used before, and sets *used to how many are
 * used now. At INCOMPLETE the caller drops them, and calls again with the rest, at most
 * PROXY_REST_MOST bytes, and at least one more. At COMPLETE the header ends behind them. At INVALID
 * header->error says why. Writes to texts only what header->facts then has a length of.
 */
enum proxy_progress proxy_header_read(struct proxy_header *header, struct proxy_texts *texts,
				      const char *bytes, size_t size, size_t *used);

/*
 * After INCOMPLETE, or before the first byte: how many bytes will come at least before the header
 * ends, from 1 on, where `rest` are those that were left.
 */
size_t proxy_header_missing(const struct proxy_header *header, const char *rest, size_t size);

/*
 * True when proxy_header_read can have left this, complete or not, without an error. It may hold
 * any bytes.
 */
bool proxy_header_is_sound(const struct proxy_header *header);

/* What a header is to say. Zeroed members are left out. */
struct proxy_build {
	unsigned version; /* 1 or 2 */
	bool is_local;    /* version 2: LOCAL; version 1: UNKNOWN */
	/* Both, or NULL: unknown. Where one is IPv6, the other is mapped to it. */
	const struct addr *source, *destination;
	/* The rest is for version 2, unless it is local. */
	const char *texts[PROXY_TEXTS];
	uint8_t lengths[PROXY_TEXTS]; /* what is longer than its row allows is cut */
	bool has_ssl;                 /* without it, the texts on SSL are left out */
	uint8_t ssl_client;
	uint32_t ssl_verify;
	bool has_checksum;
};

/* Large enough for any header that is built. */
enum {
	PROXY_BUILD_MOST =
		PROXY_HEAD_SIZE + 216 + 3 * PROXY_TEXTS + sizeof(struct proxy_texts) + 3 + 5 + 3 + 4
};

/*
 * Writes the header to `to`, of PROXY_BUILD_MOST bytes, and returns its length
 * (base/proxy_build.c).
 */
size_t proxy_header_build(const struct proxy_build *build, char *to);

/* Sets all but the addresses to what a header has said; texts must last as long as build. */
void proxy_build_set_facts(struct proxy_build *build, const struct proxy_facts *facts,
			   const struct proxy_texts *texts);

#endif
