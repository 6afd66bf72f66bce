/* SPDX-License-Identifier: MIT */
/*
 * Reads PROXY headers. Items that are kept are used whole once they have come; only vectors that
 * are skipped are used in part.
 */
#include "base/proxy_header.h"

#include <string.h>

#include "base/crc32c.h"
#include "base/proxy_line.h"

enum { VECTOR_HEAD = 3, SSL_HEAD = 5, CHECKSUM_SIZE = 4 };
enum { TYPE_CHECKSUM = 0x03, TYPE_SSL = 0x20 };
enum { FAMILY_UNSPEC, FAMILY_INET, FAMILY_INET6, FAMILY_UNIX, FAMILIES };
enum { TRANSPORT_UNSPEC, TRANSPORT_STREAM, TRANSPORT_DGRAM, TRANSPORTS };
enum { COMMAND_LOCAL, COMMAND_PROXY, COMMANDS };

static const char line_start[PROXY_LINE_START] = "PROXY ";
static const char signature[12] = "\r\n\r\n\0\r\nQUIT\n";
static const uint16_t address_sizes[FAMILIES] = { 0, 12, 36, 216 };

/* The header so far, and the bytes that have come and are not used. */
struct reading {
	struct proxy_header *header;
	struct proxy_texts *texts;
	const char *at;
	size_t size;
};

/* Each step returns true when there may be another one: not when bytes are missing. */
static bool refuse_header(const struct reading *r, enum proxy_error error)
{
	r->header->error = (uint8_t)error;
	return false;
}

static unsigned read_16(const char *bytes)
{
	const uint8_t *b = (const uint8_t *)bytes;

	return (unsigned)b[0] << 8 | b[1];
}

static uint32_t read_32(const char *bytes)
{
	return (uint32_t)read_16(bytes) << 16 | read_16(bytes + 2);
}

static void use_bytes(struct reading *r, size_t size)
{
	r->at += size;
	r->size -= size;
}

/* Of version 2, behind its head. */
static void use_block(struct reading *r, size_t size)
{
	struct proxy_header *h = r->header;

	h->checksum = crc32c_add(h->checksum, r->at, size);
	h->left = (uint16_t)(h->left - size);
	if (h->ssl_left > 0)
		h->ssl_left = (uint16_t)(h->ssl_left - size);
	use_bytes(r, size);
}

static bool read_line(struct reading *r)
{
	size_t length;
	enum proxy_error error = proxy_line_read(r->at, r->size, &r->header->facts, &length);

	if (error != PROXY_ERROR_none)
		return refuse_header(r, error);
	if (length == 0)
		return false;
	r->header->stage = PROXY_STAGE_DONE;
	use_bytes(r, length);
	return true;
}

static enum proxy_error check_head(unsigned version, unsigned command, unsigned family,
				   unsigned transport)
{
	if (version != 2)
		return PROXY_ERROR_version;
	if (command >= COMMANDS)
		return PROXY_ERROR_command;
	if (command == COMMAND_LOCAL)
		return PROXY_ERROR_none;
	if (family >= FAMILIES)
		return PROXY_ERROR_family;
	return transport < TRANSPORTS ? PROXY_ERROR_none : PROXY_ERROR_transport;
}

static bool read_head(struct reading *r)
{
	struct proxy_header *h = r->header;
	unsigned command, family, transport;
	enum proxy_error error;

	if (r->size < PROXY_HEAD_SIZE)
		return false;
	command = (uint8_t)r->at[12] & 15;
	family = (uint8_t)r->at[13] >> 4;
	transport = (uint8_t)r->at[13] & 15;
	error = check_head((uint8_t)r->at[12] >> 4, command, family, transport);
	if (error != PROXY_ERROR_none)
		return refuse_header(r, error);
	h->facts.version = 2;
	h->left = (uint16_t)read_16(r->at + 14);
	h->checksum = crc32c_add(0, r->at, PROXY_HEAD_SIZE);
	use_bytes(r, PROXY_HEAD_SIZE);
	h->stage = PROXY_STAGE_SKIPPED;
	if (command == COMMAND_LOCAL || family == FAMILY_UNSPEC || transport == TRANSPORT_UNSPEC)
		return true;
	if (h->left < address_sizes[family])
		return refuse_header(r, PROXY_ERROR_address_cut);
	/* a datagram's client is none of a stream */
	h->family = (uint8_t)(transport == TRANSPORT_STREAM ? family : FAMILY_UNSPEC);
	h->skip_left =
		h->family == FAMILY_INET || h->family == FAMILY_INET6 ? 0 : address_sizes[family];
	h->stage = h->skip_left > 0 ? PROXY_STAGE_VECTORS : PROXY_STAGE_ADDRESS;
	return true;
}

static bool has_prefix(const struct reading *r, const char *prefix, size_t size)
{
	return memcmp(r->at, prefix, r->size < size ? r->size : size) == 0;
}

/* Which of the two it is shows in the first byte. */
static bool read_start(struct reading *r)
{
	if (r->size == 0)
		return false;
	if (has_prefix(r, signature, sizeof(signature)))
		return read_head(r);
	if (!has_prefix(r, line_start, PROXY_LINE_START))
		return refuse_header(r, PROXY_ERROR_no_header);
	return r->size >= PROXY_LINE_START && read_line(r);
}

static void set_net(struct net *net, int family, const char *bytes, size_t size)
{
	*net = (struct net){ .family = (sa_family_t)family, .bits = (uint8_t)(size * 8) };
	memcpy(net->bytes, bytes, size);
}

static bool read_addresses(struct reading *r)
{
	struct proxy_header *h = r->header;
	int family = h->family == FAMILY_INET ? AF_INET : AF_INET6;
	size_t size = h->family == FAMILY_INET ? 4 : 16;

	if (r->size < address_sizes[h->family])
		return false;
	set_net(&h->facts.source, family, r->at, size);
	set_net(&h->facts.destination, family, r->at + size, size);
	h->facts.source_port = (uint16_t)read_16(r->at + 2 * size);
	h->facts.destination_port = (uint16_t)read_16(r->at + 2 * size + 2);
	use_block(r, address_sizes[h->family]);
	h->stage = PROXY_STAGE_VECTORS;
	return true;
}

/* Returns true when bytes of a vector that is skipped were used, or none are left of it. */
static bool skip_bytes(struct reading *r, uint16_t *left)
{
	size_t size = r->size < *left ? r->size : *left;

	if (size == 0)
		return false;
	*left = (uint16_t)(*left - size);
	use_block(r, size);
	return true;
}

static bool skip_vector(struct reading *r, unsigned length)
{
	use_block(r, VECTOR_HEAD);
	r->header->skip_left = (uint16_t)length;
	return true;
}

/* The checksum is that of the header with zeros in its own place. */
static bool read_checksum(struct reading *r, unsigned length)
{
	static const char zeros[CHECKSUM_SIZE];
	struct proxy_header *h = r->header;

	if (length != CHECKSUM_SIZE)
		return refuse_header(r, PROXY_ERROR_checksum_size);
	if (h->has_checksum)
		return refuse_header(r, PROXY_ERROR_checksum_twice);
	if (r->size < VECTOR_HEAD + CHECKSUM_SIZE)
		return false;
	use_block(r, VECTOR_HEAD);
	h->sent_checksum = read_32(r->at);
	h->has_checksum = 1;
	h->checksum = crc32c_add(h->checksum, zeros, CHECKSUM_SIZE);
	h->left = (uint16_t)(h->left - CHECKSUM_SIZE);
	use_bytes(r, CHECKSUM_SIZE);
	return true;
}

/* Of two, the first counts, as for the texts. */
static bool read_ssl(struct reading *r, unsigned length)
{
	struct proxy_header *h = r->header;

	if (length < SSL_HEAD)
		return refuse_header(r, PROXY_ERROR_ssl_cut);
	if (h->facts.has_ssl)
		return skip_vector(r, length);
	if (r->size < VECTOR_HEAD + SSL_HEAD)
		return false;
	h->facts.has_ssl = 1;
	h->facts.ssl_client = (uint8_t)r->at[VECTOR_HEAD];
	h->facts.ssl_verify = read_32(r->at + VECTOR_HEAD + 1);
	use_block(r, VECTOR_HEAD + SSL_HEAD);
	h->ssl_left = (uint16_t)(length - SSL_HEAD);
	return true;
}

static bool read_text(struct reading *r, enum proxy_text which, unsigned length)
{
	const struct proxy_text_row *row = &proxy_text_rows[which];
	struct proxy_header *h = r->header;

	if (length > row->most && !row->is_skipped_over)
		return refuse_header(r, which == PROXY_TEXT_authority ?
						PROXY_ERROR_authority_too_long :
						PROXY_ERROR_unique_id_too_long);
	if (length > row->most || h->facts.lengths[which] > 0)
		return skip_vector(r, length);
	if (r->size < VECTOR_HEAD + length)
		return false;
	memcpy((char *)r->texts + row->at, r->at + VECTOR_HEAD, length);
	h->facts.lengths[which] = (uint8_t)length;
	use_block(r, VECTOR_HEAD + length);
	return true;
}

static bool read_value(struct reading *r, unsigned type, unsigned length)
{
	bool is_ssl = r->header->ssl_left > 0;

	if (!is_ssl && type == TYPE_CHECKSUM)
		return read_checksum(r, length);
	if (!is_ssl && type == TYPE_SSL)
		return read_ssl(r, length);
	for (unsigned i = 0; i < PROXY_TEXTS; i++)
		if (proxy_text_rows[i].is_ssl == is_ssl && proxy_text_rows[i].type == type)
			return read_text(r, (enum proxy_text)i, length);
	return skip_vector(r, length);
}

static bool end_header(const struct reading *r)
{
	struct proxy_header *h = r->header;

	if (h->has_checksum && h->checksum != h->sent_checksum)
		return refuse_header(r, PROXY_ERROR_checksum_wrong);
	h->stage = PROXY_STAGE_DONE;
	return true;
}

static bool read_vector(struct reading *r)
{
	const struct proxy_header *h = r->header;
	size_t bound = h->ssl_left > 0 ? h->ssl_left : h->left;
	enum proxy_error cut = h->ssl_left > 0 ? PROXY_ERROR_ssl_vector_cut :
						 PROXY_ERROR_vector_cut;

	if (h->skip_left > 0)
		return skip_bytes(r, &r->header->skip_left);
	if (h->left == 0)
		return end_header(r);
	if (bound < VECTOR_HEAD)
		return refuse_header(r, cut);
	if (r->size < VECTOR_HEAD)
		return false;
	if (read_16(r->at + 1) > bound - VECTOR_HEAD)
		return refuse_header(r, cut);
	return read_value(r, (uint8_t)r->at[0], read_16(r->at + 1));
}

static bool read_skipped(struct reading *r)
{
	size_t size = r->size < r->header->left ? r->size : r->header->left;

	if (r->header->left == 0)
		return end_header(r);
	if (size == 0)
		return false;
	use_block(r, size);
	return true;
}

static bool read_step(struct reading *r)
{
	switch (r->header->stage) {
	case PROXY_STAGE_HEAD:
		return read_start(r);
	case PROXY_STAGE_ADDRESS:
		return read_addresses(r);
	case PROXY_STAGE_VECTORS:
		return read_vector(r);
	case PROXY_STAGE_SKIPPED:
		return read_skipped(r);
	default:
		return false;
	}
}

enum proxy_progress proxy_header_read(struct proxy_header *header, struct proxy_texts *texts,
				      const char *bytes, size_t size, size_t *used)
{
	struct reading r = { header, texts, bytes, size };

	while (read_step(&r))
		;
	*used = size - r.size;
	if (header->error != PROXY_ERROR_none)
		return PROXY_INVALID;
	return header->stage == PROXY_STAGE_DONE ? PROXY_COMPLETE : PROXY_INCOMPLETE;
}

/* The shortest line is that of UNKNOWN, and shorter than any header of version 2. */
static size_t missing_at_start(const char *rest, size_t size)
{
	enum { LINE_LEAST = 15 };

	if (size > 0 && rest[0] == signature[0])
		return PROXY_HEAD_SIZE - size;
	if (size < LINE_LEAST)
		return LINE_LEAST - size;
	return rest[size - 1] == '\r' ? 1 : 2;
}

size_t proxy_header_missing(const struct proxy_header *header, const char *rest, size_t size)
{
	return header->stage == PROXY_STAGE_HEAD ? missing_at_start(rest, size) :
						   header->left - size;
}

/* In each stage what later stages have is still zero. */
bool proxy_header_is_sound(const struct proxy_header *h)
{
	bool has_block = h->stage == PROXY_STAGE_VECTORS || h->stage == PROXY_STAGE_ADDRESS ||
			 h->stage == PROXY_STAGE_SKIPPED;

	if (h->stage >= PROXY_STAGES || h->error != PROXY_ERROR_none || h->has_checksum > 1 ||
	    h->family >= FAMILIES || !proxy_facts_are_sound(&h->facts))
		return false;
	if (h->stage == PROXY_STAGE_ADDRESS &&
	    ((h->family != FAMILY_INET && h->family != FAMILY_INET6) ||
	     h->left < address_sizes[h->family]))
		return false;
	return (has_block || h->left == 0) && h->skip_left <= h->left && h->ssl_left <= h->left &&
	       (h->ssl_left == 0 || h->skip_left <= h->ssl_left);
}
