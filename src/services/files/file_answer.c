/* SPDX-License-Identifier: MIT */
/*
 * From a request to its file: the path, the file or the folder's index, what the client has of it
 * already, the ranges that it wants; then head and bytes. services/http reads and writes HTTP.
 */
#include "services/files/file_answer.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/sys.h"
#include "services/files/beneath.h"
#include "services/files/root.h"
#include "services/http/http_condition.h"
#include "services/http/http_range.h"
#include "services/http/http_target.h"

#define ALLOW   "Allow: GET, HEAD, OPTIONS\r\n"
#define NOSNIFF "X-Content-Type-Options: nosniff\r\n"

enum {
	TOGETHER_MOST = 32 * 1024, /* a file of at most this size goes out with its head */
	TAG_TEXT = 64,
	HEADERS_TEXT = 1024,
	LOCATION_TEXT = 3 * HTTP_LINE_MOST + 64, /* each byte may need an escape */
};

struct asked {
	struct conn *c;
	struct http_request *request;
	const struct listen_conf *conf;
	struct http_target target;
	char path[HTTP_LINE_MOST + 1 + NAME_MAX + 1]; /* with the name of an index behind it */
};

static unsigned answer_error(const struct asked *a, unsigned status)
{
	const char *headers = status == 405 ? NOSNIFF ALLOW : NOSNIFF;

	if (status == 503)
		headers = NOSNIFF "Retry-After: 1\r\n";
	return http_error(&a->c->out, a->request, status, headers) ? status : 0;
}

static unsigned answer_options(const struct asked *a)
{
	const struct http_answer answer = { .status = 200, .headers = ALLOW, .length = 0 };

	return http_head(&a->c->out, a->request, &answer) ? 200 : 0;
}

/* --- A folder without a slash at its end --- */

/* A path of this server alone: it begins with one slash, whatever was asked for. */
static void put_escaped(struct strbuf *text, const char *path, size_t length)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)path[i];
		char escape[3] = { '%', digits[c >> 4], digits[c & 15] };

		if ((http_is((char)c, HTTP_HOST) && c != '%') || c == '/')
			strbuf_put(text, &path[i], 1);
		else
			strbuf_put(text, escape, sizeof(escape));
	}
}

static unsigned answer_moved(const struct asked *a)
{
	char bytes[LOCATION_TEXT + HTTP_LINE_MOST];
	struct strbuf headers = strbuf_on(bytes, sizeof(bytes) - 1);

	strbuf_raw(&headers, NOSNIFF "Location: /");
	put_escaped(&headers, a->path, strlen(a->path));
	strbuf_raw(&headers, "/");
	if (a->request->has_query) {
		strbuf_raw(&headers, "?");
		strbuf_put(&headers, buf_head(&a->c->in) + a->request->query.at,
			   a->request->query.length);
	}
	strbuf_raw(&headers, "\r\n");
	BUG_ON(headers.is_cut);
	bytes[headers.used] = '\0';
	return http_error(&a->c->out, a->request, 301, bytes) ? 301 : 0;
}

/* --- The file --- */

static void write_tag(const struct stat *st, char *tag)
{
	snprintf(tag, TAG_TEXT, "\"%llx-%llx-%llx\"", (unsigned long long)st->st_ino,
		 (unsigned long long)st->st_size,
		 (unsigned long long)st->st_mtim.tv_sec * 1000000000 +
			 (unsigned long long)st->st_mtim.tv_nsec);
}

/* Reads it behind the head; false with the head taken back when the file has become shorter. */
static bool put_bytes(struct buf *out, int fd, uint64_t offset, uint64_t length)
{
	while (length > 0) {
		ssize_t n = sys_pread(fd, out->base + out->end, (size_t)length, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		out->end += (uint32_t)n;
		offset += (uint64_t)n;
		length -= (uint64_t)n;
	}
	return true;
}

/* A file that is open, and what is said of it. */
struct shown {
	const struct beneath_file *file;
	uint64_t size;
	struct http_validators validators;
	char tag[TAG_TEXT];
};

/* What of it is sent. */
struct part {
	unsigned status;
	uint64_t offset, length;
};

static void show_file(const struct asked *a, const struct beneath_file *file, struct shown *shown)
{
	struct http_validators *v = &shown->validators;

	shown->file = file;
	shown->size = (uint64_t)file->st.st_size;
	v->now_s = time(NULL);
	v->modified_s = file->st.st_mtim.tv_sec < v->now_s ? file->st.st_mtim.tv_sec : v->now_s;
	v->tag = (struct http_text){ 0 };
	if (!a->conf->etag)
		return;
	write_tag(&file->st, shown->tag);
	v->tag = (struct http_text){ shown->tag, strlen(shown->tag) };
}

static void put_field(struct strbuf *headers, const char *name, const char *value)
{
	strbuf_raw(headers, name);
	strbuf_raw(headers, ": ");
	strbuf_raw(headers, value);
	strbuf_raw(headers, "\r\n");
}

/* The header lines that tell of the file, as a text. range: NULL when all of it is sent. */
static void write_headers(const struct asked *a, const struct shown *shown,
			  const struct http_range *range, char *text)
{
	struct strbuf headers = strbuf_on(text, HEADERS_TEXT - 1);
	char date[HTTP_DATE];

	put_field(&headers, "Last-Modified", http_date(shown->validators.modified_s, date));
	put_field(&headers, "Accept-Ranges", "bytes");
	if (a->conf->etag)
		put_field(&headers, "ETag", shown->tag);
	if (a->conf->cache_control[0] != '\0')
		put_field(&headers, "Cache-Control", a->conf->cache_control);
	if (range)
		http_range_field(&headers, range, shown->size);
	BUG_ON(headers.is_cut);
	text[headers.used] = '\0';
}

static const char *find_type(const struct asked *a)
{
	return media_types_find(root_types(a->c->record->listener), a->path, strlen(a->path),
				a->conf->default_type);
}

static bool put_head(const struct asked *a, const struct shown *shown, const struct part *part)
{
	const struct http_range range = { part->offset, part->length };
	char headers[HEADERS_TEXT];
	const struct http_answer answer = {
		.status = part->status,
		.type = part->status == 304 ? NULL : find_type(a),
		.headers = headers,
		.length = (int64_t)part->length,
	};

	write_headers(a, shown, part->status == 206 ? &range : NULL, headers);
	return http_head(&a->c->out, a->request, &answer);
}

/* The file becomes the connection's, or is closed. */
static unsigned send_part(const struct asked *a, const struct shown *shown, const struct part *part)
{
	bool has_body = http_wants_body(a->request) && part->length > 0 && part->status != 304;
	struct buf *out = &a->c->out;
	uint32_t before = out->end;
	int fd = shown->file->fd;
	unsigned status = part->status;

	if (!put_head(a, shown, part)) {
		status = 0;
	} else if (has_body && (part->length > TOGETHER_MOST || part->length > buf_room(out))) {
		conn_send_file(a->c, fd, part->offset, part->length);
		return status;
	} else if (has_body && !put_bytes(out, fd, part->offset, part->length)) {
		out->end = before;
		status = answer_error(a, 500);
	}
	(void)sys_close(fd);
	return status;
}

static unsigned refuse_file(const struct asked *a, const struct shown *shown, unsigned status)
{
	char text[HEADERS_TEXT];
	struct strbuf headers = strbuf_on(text, sizeof(text) - 1);

	(void)sys_close(shown->file->fd);
	strbuf_raw(&headers, NOSNIFF);
	if (status == 416)
		http_range_field(&headers, NULL, shown->size);
	text[headers.used] = '\0';
	return http_error(&a->c->out, a->request, status, text) ? status : 0;
}

static unsigned send_file(const struct asked *a, const struct beneath_file *file)
{
	const char *head = buf_head(&a->c->in);
	struct part part = { .offset = 0 };
	struct http_ranges ranges;
	struct shown shown;

	show_file(a, file, &shown);
	part.length = shown.size;
	part.status = http_condition_judge(a->request, head, &shown.validators);
	if (part.status == 200 && http_condition_allows_range(a->request, head, &shown.validators))
		part.status = http_range_judge(a->request, head, shown.size, &ranges);
	if (part.status == 412 || part.status == 416)
		return refuse_file(a, &shown, part.status);
	if (part.status == 206 && ranges.count > 1)
		part.status = 200; /* a server may (RFC 9110 14.2) */
	else if (part.status == 206) {
		part.offset = ranges.ranges[0].offset;
		part.length = ranges.ranges[0].length;
	}
	return send_part(a, &shown, &part);
}

/* --- The path --- */

static unsigned status_of(enum beneath_end end)
{
	switch (end) {
	case BENEATH_NOT_FOUND:
		return 404;
	case BENEATH_FORBIDDEN:
		return 403;
	case BENEATH_TRY_AGAIN:
		return 503;
	default:
		return 500;
	}
}

static enum beneath_end open_path(const struct asked *a, struct beneath_file *file)
{
	static const enum beneath_symlinks symlinks[] = {
		[FOLLOW_YES] = BENEATH_SYMLINKS_YES,
		[FOLLOW_NO] = BENEATH_SYMLINKS_NO,
		[FOLLOW_SAME_OWNER] = BENEATH_SYMLINKS_SAME_OWNER,
	};
	/* what it learns of the kernel holds for all */
	static struct beneath beneath;

	beneath.root = root_open(a->c->record->listener);
	beneath.symlinks = symlinks[a->conf->follow_symlinks];
	if (beneath.root < 0)
		return errno == EMFILE || errno == ENFILE ? BENEATH_TRY_AGAIN : BENEATH_NOT_FOUND;
	return beneath_open(&beneath, a->path, file);
}

/* The path is that of a folder, with room for a name behind it. */
static unsigned answer_index(struct asked *a)
{
	size_t length = a->target.length;
	enum beneath_end end = BENEATH_NOT_FOUND;
	struct beneath_file file;

	for (size_t i = 0; i < a->conf->index.count; i++) {
		snprintf(a->path + length, sizeof(a->path) - length, "%s%s", length > 0 ? "/" : "",
			 a->conf->index.texts[i]);
		end = open_path(a, &file);
		if (end == BENEATH_FILE)
			return send_file(a, &file);
		if (end == BENEATH_FOLDER)
			(void)sys_close(file.fd);
		else if (end != BENEATH_NOT_FOUND)
			break;
	}
	return answer_error(a, end == BENEATH_NOT_FOUND || end == BENEATH_FOLDER ? 403 :
										   status_of(end));
}

static unsigned answer_path(struct asked *a)
{
	struct beneath_file file;
	enum beneath_end end = open_path(a, &file);

	if (end == BENEATH_FILE && !a->target.ends_with_slash)
		return send_file(a, &file);
	if (end == BENEATH_FILE || end == BENEATH_FOLDER)
		(void)sys_close(file.fd);
	if (end == BENEATH_FILE)
		return answer_error(a, 404);
	if (end != BENEATH_FOLDER)
		return answer_error(a, status_of(end));
	return a->target.ends_with_slash ? answer_index(a) : answer_moved(a);
}

/* RFC 8615: what is below it was put there to be found. */
static bool is_well_known(const char *path)
{
	static const char name[] = ".well-known/";

	return strncmp(path, name, sizeof(name) - 1) == 0 &&
	       strstr(path + sizeof(name) - 2, "/.") == NULL;
}

static unsigned answer_get(struct asked *a)
{
	const struct http_text raw = { buf_head(&a->c->in) + a->request->path.at,
				       a->request->path.length };
	unsigned status = http_target_decode(raw, a->path, HTTP_LINE_MOST, &a->target);

	if (status != 0)
		return answer_error(a, status);
	if (a->target.has_hidden && !a->conf->hidden && !is_well_known(a->path))
		return answer_error(a, 404);
	return answer_path(a);
}

unsigned file_answer(struct conn *c, struct http_session *session)
{
	struct asked a; /* its path is written before it is read */

	a.c = c;
	a.request = &session->request;
	a.conf = c->conf;
	switch (a.request->method) {
	case HTTP_GET:
	case HTTP_HEAD:
		return answer_get(&a);
	case HTTP_OPTIONS:
		return answer_options(&a);
	default:
		return answer_error(&a, 405);
	}
}
