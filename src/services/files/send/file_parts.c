/* SPDX-License-Identifier: MIT */
/* Small parts go out together, large ones as file ranges, each behind its head. */
#include "services/files/send/file_parts.h"

#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/sys.h"

enum { BOUNDARY_TEXT = 2 * sizeof(uint64_t) + 1 };

static const char *write_boundary(uint64_t boundary, char text[static BOUNDARY_TEXT])
{
	hex_write(text, BOUNDARY_TEXT - 1, boundary, HEX_SMALL);
	text[BOUNDARY_TEXT - 1] = '\0';
	return text;
}

static struct http_range_body body_of(const struct file_parts *parts,
				      const struct http_ranges *ranges,
				      char boundary[static BOUNDARY_TEXT])
{
	return (struct http_range_body){
		.ranges = ranges,
		.type = parts->type,
		.boundary = write_boundary(parts->boundary, boundary),
		.size = parts->size,
	};
}

static uint64_t length_of(const struct file_parts *parts, const struct http_ranges *ranges)
{
	char boundary[BOUNDARY_TEXT];
	const struct http_range_body body = body_of(parts, ranges, boundary);

	return http_range_body_length(&body);
}

/* No file can have a boundary that is made only now. */
bool file_parts_prepare(struct file_parts *parts, const struct http_ranges *ranges,
			const char *type, uint64_t size)
{
	size_t length = strlen(type);

	*parts = (struct file_parts){ .size = size };
	if (length >= sizeof(parts->type))
		return false;
	memcpy(parts->type, type, length);
	return length_of(parts, ranges) <= size + FILE_PARTS_OVERHEAD &&
	       sys_getrandom(&parts->boundary, sizeof(parts->boundary)) ==
		       (ssize_t)sizeof(parts->boundary);
}

uint64_t file_parts_announce(const struct file_parts *parts, const struct http_ranges *ranges,
			     char type[static FILE_PARTS_HEAD])
{
	struct strbuf text = strbuf_on(type, FILE_PARTS_HEAD - 1);
	char boundary[BOUNDARY_TEXT];

	strbuf_raw(&text, HTTP_RANGE_TYPE);
	strbuf_raw(&text, write_boundary(parts->boundary, boundary));
	type[text.used] = '\0';
	return length_of(parts, ranges);
}

bool file_parts_put_bytes(struct buf *out, int fd, uint64_t offset, uint64_t length)
{
	if (file_read(fd, out->base + out->end, (size_t)length, (off_t)offset) != (ssize_t)length)
		return false;
	out->end += (uint32_t)length;
	return true;
}

/* Its bytes go out alone when they are many, or cannot be read: then the sending tells why. */
static bool is_sent_alone(struct conn *c, const struct http_range *range)
{
	return range->length > FILE_TOGETHER || range->length > buf_room(&c->out) ||
	       !file_parts_put_bytes(&c->out, c->record->file, range->offset, range->length);
}

/* Appends what comes before the next range, or the end; false: there is no room. */
static bool put_text(struct buf *out, const struct http_range_body *body, unsigned next)
{
	struct strbuf text = strbuf_on(out->base + out->end, buf_room(out));

	if (next == body->ranges->count)
		http_range_end(&text, body);
	else
		http_range_part_head(&text, body, next);
	if (!text.is_cut)
		out->end += (uint32_t)text.used;
	return !text.is_cut;
}

bool file_parts_put_all(struct buf *out, const struct file_parts *parts,
			const struct http_ranges *ranges, const char *bytes)
{
	char boundary[BOUNDARY_TEXT];
	const struct http_range_body body = body_of(parts, ranges, boundary);

	if (http_range_body_length(&body) > buf_room(out))
		return false;
	for (unsigned i = 0; i < ranges->count; i++) {
		(void)put_text(out, &body, i);
		buf_put(out, bytes + ranges->ranges[i].offset, (size_t)ranges->ranges[i].length);
	}
	return put_text(out, &body, ranges->count);
}

bool file_parts_go_on(struct conn *c, const struct http_request *request, struct file_parts *parts)
{
	char boundary[BOUNDARY_TEXT];
	struct http_ranges ranges;
	const struct http_range_body body = body_of(parts, &ranges, boundary);

	(void)http_range_judge(request, buf_head(&c->in), parts->size, &ranges);
	while (c->record->file_left == 0) {
		if (!put_text(&c->out, &body, parts->next))
			return false;
		if (parts->next == ranges.count) {
			conn_drop_file(c);
			return true;
		}
		if (is_sent_alone(c, &ranges.ranges[parts->next]))
			conn_send_held(c, ranges.ranges[parts->next].offset,
				       ranges.ranges[parts->next].length);
		parts->next++;
	}
	return false;
}

static bool is_type(const char *type)
{
	size_t length = strnlen(type, FILE_PARTS_TYPE);

	for (size_t i = 0; i < length; i++)
		if ((unsigned char)type[i] < ' ' || type[i] == 0x7f)
			return false;
	return length < FILE_PARTS_TYPE;
}

/* The length of the body was announced by what these bytes say. */
bool file_parts_is_sound(const struct conn *c, const struct http_request *request,
			 const struct file_parts *parts)
{
	struct http_ranges ranges;

	return is_type(parts->type) && parts->size <= INT64_MAX && c->record->holds_file &&
	       http_range_judge(request, buf_head(&c->in), parts->size, &ranges) == 206 &&
	       ranges.count > 1 && parts->next <= ranges.count;
}
