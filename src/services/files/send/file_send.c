/* SPDX-License-Identifier: MIT */
/*
 * What the client has of a file already, the range that it wants; then head and bytes.
 * services/http reads and writes HTTP.
 */
#include "services/files/send/file_send.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/sys.h"
#include "services/files/send/error_page.h"
#include "services/files/send/files_state.h"
#include "services/files/open/file_log.h"
#include "services/files/open/place.h"
#include "services/files/open/root.h"
#include "services/http/parse/http_condition.h"

enum {
	COPIED_MOST = 8 * 1024, /* bytes of a body */
	TAG_TEXT = 80,
	TICK_NS = 20 * 1000 * 1000, /* the clock of file systems goes on at least that often */
	RANGE_TEXT = 128,
	HEADERS_TEXT = ROOT_HEADERS + 4 * HTTP_LINE_MOST,
};

/*
 * While the file system's clock stands, the file may change again, and look the same: then its tag
 * would stand for two states (RFC 9110 8.8.1).
 */
static bool is_past(struct timespec changed, struct timespec now)
{
	int64_t seconds = (int64_t)now.tv_sec - changed.tv_sec;

	return seconds < 0 || seconds > 1 ||
	       seconds * 1000000000 + now.tv_nsec - changed.tv_nsec > TICK_NS;
}

/* That of a file which changes now is of this answer alone. */
static struct http_text write_tag(const struct stat *st, struct timespec now, char *tag)
{
	const uint64_t changed_ns =
		(uint64_t)st->st_mtim.tv_sec * 1000000000 + (uint64_t)st->st_mtim.tv_nsec;
	struct strbuf text = strbuf_on(tag, TAG_TEXT - 1);

	strbuf_raw(&text, "\"");
	strbuf_hex(&text, st->st_ino);
	strbuf_raw(&text, "-");
	strbuf_hex(&text, (uint64_t)st->st_size);
	strbuf_raw(&text, "-");
	strbuf_hex(&text, changed_ns);
	if (!is_past(st->st_mtim, now)) {
		strbuf_raw(&text, "-");
		strbuf_hex(&text, (uint64_t)clock_us());
	}
	strbuf_raw(&text, "\"");
	BUG_ON(text.is_cut);
	tag[text.used] = '\0';
	return (struct http_text){ tag, text.used };
}

/* A file that is open, and what is said of it. */
struct shown {
	const struct found *file;
	const char *coding; /* NULL: none */
	const char *name;   /* that its type is found by */
	const char *lines;  /* of a page for an error: all that is said of it; NULL: it is none */
	uint64_t size;
	struct http_validators validators;
	char tag[TAG_TEXT];
};

/* What of it is sent. */
struct part {
	unsigned status;
	uint64_t offset, length;
};

static void show_file(const struct asked *a, const struct found *file, const char *coding,
		      struct shown *shown)
{
	struct http_validators *v = &shown->validators;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	shown->file = file;
	shown->coding = coding;
	shown->name = a->path;
	shown->lines = NULL;
	shown->size = (uint64_t)file->st.st_size;
	v->now_s = now.tv_sec;
	v->modified_s = file->st.st_mtim.tv_sec < v->now_s ? file->st.st_mtim.tv_sec : v->now_s - 1;
	v->tag = a->conf->etag ? write_tag(&file->st, now, shown->tag) : (struct http_text){ 0 };
}

static void put_field(struct strbuf *headers, const char *name, const char *value)
{
	strbuf_raw(headers, name);
	strbuf_raw(headers, ": ");
	strbuf_raw(headers, value);
	strbuf_raw(headers, "\r\n");
}

/* The header lines that tell of the file, as a text. range: NULL when all of it is sent. */
static void write_headers(const struct asked *a, const struct shown *shown, unsigned status,
			  const struct http_range *range, char *text)
{
	struct strbuf headers = strbuf_on(text, HEADERS_TEXT - 1);
	char date[HTTP_DATE];

	put_field(&headers, "Last-Modified", http_date(shown->validators.modified_s, date));
	put_field(&headers, "Accept-Ranges", "bytes");
	if (shown->validators.tag.at)
		put_field(&headers, "ETag", shown->tag);
	if (a->conf->cache_control[0] != '\0')
		put_field(&headers, "Cache-Control", a->conf->cache_control);
	/* the plain answer too: another client is not to get it from a cache (RFC 9110 12.5.5) */
	if (a->conf->precompressed)
		put_field(&headers, "Vary", "Accept-Encoding");
	if (shown->coding && status != 304) /* RFC 9110 15.4.5 */
		put_field(&headers, "Content-Encoding", shown->coding);
	strbuf_raw(&headers, root_headers(a->place));
	if (range)
		http_range_field(&headers, range, shown->size);
	BUG_ON(headers.is_cut);
	text[headers.used] = '\0';
}

static const char *find_type(const struct asked *a, const char *name)
{
	return media_types_find(root_types(a->place), name, strlen(name), a->conf->default_type);
}

static bool put_head(const struct asked *a, const struct shown *shown, const struct part *part)
{
	const struct http_range range = { part->offset, part->length };
	char headers[HEADERS_TEXT];
	const struct http_answer answer = {
		.status = part->status,
		.type = part->status == 304 ? NULL : find_type(a, shown->name),
		.headers = shown->lines ? shown->lines : headers,
		.length = (int64_t)part->length,
	};

	if (!shown->lines)
		write_headers(a, shown, part->status, part->status == 206 ? &range : NULL, headers);
	return http_head(&a->c->out, a->request, &answer);
}

/* Of a page for an error its status is told in one line; of a file another status. */
static unsigned refuse_instead(const struct asked *a, const struct shown *shown,
			       const struct part *part, unsigned status, const char *headers)
{
	if (!shown->lines)
		return file_refuse(a, status, headers);
	return http_error(&a->c->out, a->request, part->status, shown->lines) ? part->status : 0;
}

/* Whether the body goes out, and why not. */
enum sent { SENT, SENT_NOT_NOW, SENT_SHORTER, SENT_NO_FD };

/* From memory. It is cheaper to copy a little than to have the kernel gather two pieces. */
static enum sent lend_body(const struct asked *a, const struct found *file, const struct part *part)
{
	const struct lent lent = { file->bytes + part->offset, (size_t)part->length, part->offset,
				   file->fd };
	struct buf *out = &a->c->out;

	if (file->fd < 0 && part->length > buf_room(out))
		return SENT_NOT_NOW;
	if (part->length <= COPIED_MOST && part->length <= buf_room(out))
		buf_put(out, lent.bytes, lent.length);
	else
		conn_send_memory(a->c, &lent);
	return SENT;
}

/* From the file, which is ended. */
static enum sent send_body(const struct asked *a, const struct found *file, const struct part *part)
{
	struct buf *out = &a->c->out;
	enum sent sent = SENT;
	int fd;

	if (part->length > FILE_TOGETHER || part->length > buf_room(out)) {
		fd = found_take(file);
		if (fd < 0)
			return SENT_NO_FD;
		conn_send_file(a->c, fd, part->offset, part->length);
		return SENT;
	}
	if (!file_parts_put_bytes(out, file->fd, part->offset, part->length))
		sent = SENT_SHORTER;
	found_close(file);
	return sent;
}

/* The file is ended. */
static unsigned send_part(const struct asked *a, const struct shown *shown, const struct part *part)
{
	bool has_body = http_wants_body(a->request) && part->length > 0 && part->status != 304;
	const struct found *file = shown->file;
	uint32_t before = a->c->out.end;
	enum sent sent;

	if (!put_head(a, shown, part) || !has_body) {
		found_close(file);
		return a->c->out.end > before ? part->status : 0;
	}
	sent = file->bytes ? lend_body(a, file, part) : send_body(a, file, part);
	if (sent == SENT)
		return part->status;
	a->c->out.end = before;
	if (sent == SENT_NOT_NOW)
		return 0;
	if (sent == SENT_SHORTER) {
		file_log_reason(a->place, shown->name, 500, FILE_REASON_SHORTER);
		return refuse_instead(a, shown, part, 500, "");
	}
	file_log_error(a->place, shown->name, 503, errno);
	return refuse_instead(a, shown, part, 503, FILE_RETRY);
}

/* The same for every client: without conditions, ranges, and what caches would keep. */
static unsigned send_page(const struct asked *a, const struct found *page, const char *name,
			  unsigned status, const char *lines)
{
	const struct shown shown = { .file = page, .name = name, .lines = lines };
	const struct part part = { status, 0, (uint64_t)page->st.st_size };

	return send_part(a, &shown, &part);
}

/* The parts follow: those of a small file from memory at once, others by file_parts_go_on. */
static bool begin_parts(const struct asked *a, const struct found *file,
			const struct file_parts *parts, const struct http_ranges *ranges)
{
	struct files *files = conn_state(a->c);
	int fd;

	if (file->fd < 0)
		return file_parts_put_all(&a->c->out, parts, ranges, file->bytes);
	fd = found_take(file);
	if (fd < 0)
		return false;
	conn_hold_file(a->c, fd);
	http_session_go_on(&files->session, true);
	files->answer = FILES_PARTS;
	files->parts = *parts;
	return true;
}

static unsigned send_parts(const struct asked *a, const struct shown *shown,
			   const struct file_parts *parts, const struct http_ranges *ranges)
{
	char headers[HEADERS_TEXT], type[FILE_PARTS_HEAD];
	uint64_t length = file_parts_announce(parts, ranges, type);
	const struct http_answer answer = {
		.status = 206, .type = type, .headers = headers, .length = (int64_t)length
	};
	struct buf *out = &a->c->out;
	uint32_t before = out->end;

	write_headers(a, shown, 206, NULL, headers);
	if (!http_head(out, a->request, &answer)) {
		found_close(shown->file);
		return 0;
	}
	if (!begin_parts(a, shown->file, parts, ranges)) {
		out->end = before;
		if (shown->file->fd < 0)
			return 0;
		file_log_error(a->place, shown->name, 503, errno);
		return file_refuse(a, 503, FILE_RETRY);
	}
	return 206;
}

/* The lines but those of which option headers has one of that name; Vary is a list, with both. */
static void put_lines(struct strbuf *to, unsigned place, const char *lines)
{
	while (lines[0] != '\0') {
		size_t length = strcspn(lines, "\n") + 1;

		if (strncmp(lines, "Vary:", 5) == 0 || !root_has_header(place, lines))
			strbuf_put(to, lines, length);
		lines += length;
	}
}

/* Of an answer without a file. */
static void write_lines(unsigned place, const char *headers, const char *cache_control, char *text)
{
	struct strbuf lines = strbuf_on(text, HEADERS_TEXT - 1);

	put_lines(&lines, place, FILE_GUARDS);
	strbuf_raw(&lines, root_headers(place));
	put_lines(&lines, place, headers);
	if (cache_control[0] != '\0')
		put_field(&lines, "Cache-Control", cache_control);
	BUG_ON(lines.is_cut);
	text[lines.used] = '\0';
}

bool file_send_head(const struct asked *a, const char *type, const char *headers)
{
	char text[HEADERS_TEXT];
	const struct http_answer answer = {
		.status = 200, .type = type, .headers = text, .length = HTTP_LENGTH_UNKNOWN
	};

	write_lines(a->place, headers, a->conf->cache_control, text);
	return http_head(&a->c->out, a->request, &answer);
}

unsigned file_send_nothing(const struct asked *a, const char *headers)
{
	char text[HEADERS_TEXT];
	const struct http_answer answer = { .status = 200, .headers = text, .length = 0 };

	write_lines(a->place, headers, "", text);
	return http_head(&a->c->out, a->request, &answer) ? 200 : 0;
}

/* Such a request has no path. */
const char *file_send_lines(const struct conn *c)
{
	static char text[HEADERS_TEXT];

	write_lines(place_of_listener(c->record->listener), "", "", text);
	return text;
}

unsigned file_refuse(const struct asked *a, unsigned status, const char *headers)
{
	char text[HEADERS_TEXT];
	struct found page;
	const char *name;

	write_lines(a->place, headers, "", text);
	name = error_page_open(a->place, status, &page);
	if (name)
		return send_page(a, &page, name, status, text);
	return http_error(&a->c->out, a->request, status, text) ? status : 0;
}

unsigned file_error(const struct asked *a, unsigned status)
{
	static const struct {
		unsigned status;
		const char *headers;
	} rows[] = { { 405, FILE_ALLOW }, { 503, FILE_RETRY } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].status == status)
			return file_refuse(a, status, rows[i].headers);
	return file_refuse(a, status, "");
}

static unsigned refuse_file(const struct asked *a, const struct shown *shown, unsigned status)
{
	char text[RANGE_TEXT];
	struct strbuf headers = strbuf_on(text, sizeof(text) - 1);

	found_close(shown->file);
	if (status == 416)
		http_range_field(&headers, NULL, shown->size);
	text[headers.used] = '\0';
	return file_refuse(a, status, text);
}

unsigned file_send(const struct asked *a, const struct found *file, const char *coding)
{
	const char *head = buf_head(&a->c->in);
	struct part part = { .offset = 0 };
	struct http_ranges ranges;
	struct file_parts parts;
	struct shown shown;

	show_file(a, file, coding, &shown);
	part.length = shown.size;
	part.status = http_condition_judge(a->request, head, &shown.validators);
	if (part.status == 200 && http_condition_allows_range(a->request, head, &shown.validators))
		part.status = http_range_judge(a->request, head, shown.size, &ranges);
	if (part.status == 412 || part.status == 416)
		return refuse_file(a, &shown, part.status);
	if (part.status == 206 && ranges.count > 1) {
		if (file_parts_prepare(&parts, &ranges, find_type(a, shown.name), shown.size))
			return send_parts(a, &shown, &parts, &ranges);
		part.status = 200; /* a server may (RFC 9110 14.2) */
	} else if (part.status == 206) {
		part.offset = ranges.ranges[0].offset;
		part.length = ranges.ranges[0].length;
	}
	return send_part(a, &shown, &part);
}
