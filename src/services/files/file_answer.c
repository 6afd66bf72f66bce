/* SPDX-License-Identifier: MIT */
/*
 * From a request to its file: the path, the file or the folder's index, one of its codings.
 * services/files/file_send.c answers with it.
 */
#include "services/files/file_answer.h"

#include <stdio.h>
#include <string.h>

#include "services/files/autoindex.h"
#include "services/files/coding.h"
#include "services/files/file_send.h"

#define ALLOW "Allow: GET, HEAD, OPTIONS\r\n"

/* Each byte of the path may need an escape; the query has none. */
enum { LOCATION_TEXT = 3 * HTTP_LINE_MOST + 64 + HTTP_LINE_MOST };

static unsigned answer_error(const struct asked *a, unsigned status)
{
	static const struct {
		unsigned status;
		const char *headers;
	} rows[] = { { 405, ALLOW }, { 503, "Retry-After: 1\r\n" } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].status == status)
			return file_refuse(a, status, rows[i].headers);
	return file_refuse(a, status, "");
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
	char bytes[LOCATION_TEXT];
	struct strbuf headers = strbuf_on(bytes, sizeof(bytes) - 1);

	strbuf_raw(&headers, "Location: /");
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
	return file_refuse(a, 301, bytes);
}

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

/*
 * Takes the file beside it that the client would rather have: x.css.gz for x.css. It must be as new
 * as the file, which else has changed since it was made.
 */
static const char *take_coded(const struct asked *a, struct found *file)
{
	const struct coding *codings[CODINGS];
	unsigned count = coding_choose(a->request, buf_head(&a->c->in), codings);
	char path[FILE_PATH + CODING_EXTENSION];
	struct found coded;

	for (unsigned i = 0; i < count; i++) {
		enum beneath_end end;

		snprintf(path, sizeof(path), "%s%s", a->path, codings[i]->extension);
		end = file_open(a->c, path, true, &coded);
		if (end == BENEATH_FILE && coded.st.st_mtim.tv_sec >= file->st.st_mtim.tv_sec) {
			found_close(file);
			*file = coded;
			return codings[i]->name;
		}
		found_close(&coded);
	}
	return NULL;
}

static unsigned send_found(const struct asked *a, struct found *file)
{
	return file_send(a, file, a->conf->precompressed ? take_coded(a, file) : NULL);
}

/* The path is that of a folder, with room for a name behind it. */
static unsigned answer_index(struct asked *a)
{
	size_t length = a->target.length;
	enum beneath_end end = BENEATH_NOT_FOUND;
	struct found file;

	for (size_t i = 0; i < a->conf->index.count; i++) {
		snprintf(a->path + length, sizeof(a->path) - length, "%s%s", length > 0 ? "/" : "",
			 a->conf->index.texts[i]);
		end = file_open(a->c, a->path, true, &file);
		if (end == BENEATH_FILE)
			return send_found(a, &file);
		found_close(&file);
		if (end != BENEATH_FOLDER && end != BENEATH_NOT_FOUND)
			break;
	}
	if (end != BENEATH_NOT_FOUND && end != BENEATH_FOLDER)
		return answer_error(a, status_of(end));
	if (!a->conf->autoindex)
		return answer_error(a, 403);
	a->path[length] = '\0';
	return autoindex_answer(a);
}

static unsigned answer_path(struct asked *a)
{
	struct found file;
	enum beneath_end end = file_open(a->c, a->path, false, &file);

	if (end == BENEATH_FILE && !a->target.ends_with_slash)
		return send_found(a, &file);
	found_close(&file);
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

/* Returns 0, or the status of the refusal. */
static unsigned read_path(struct asked *a)
{
	const struct http_text raw = { buf_head(&a->c->in) + a->request->path.at,
				       a->request->path.length };

	return http_target_decode(raw, a->path, HTTP_LINE_MOST, &a->target);
}

static unsigned answer_get(struct asked *a)
{
	unsigned status = read_path(a);

	if (status != 0)
		return answer_error(a, status);
	if (a->target.has_hidden && !a->conf->hidden && !is_well_known(a->path))
		return answer_error(a, 404);
	return answer_path(a);
}

static void ask(struct conn *c, struct http_session *session, struct asked *a)
{
	file_open_begin(c);
	a->c = c;
	a->request = &session->request;
	a->conf = c->conf;
}

unsigned file_answer(struct conn *c, struct http_session *session)
{
	struct asked a; /* its path is written before it is read */

	ask(c, session, &a);
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

/* The path is still in the head of the request. */
bool file_answer_more(struct conn *c, struct http_session *session)
{
	struct files *files = conn_state(c);
	struct asked a;

	ask(c, session, &a);
	return read_path(&a) == 0 ? autoindex_go_on(&a, &files->listing) : autoindex_give_up(c);
}
