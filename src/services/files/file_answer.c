/* SPDX-License-Identifier: MIT */
/*
 * From a request to its file: the path, the file or the folder's index, one of its codings.
 * services/files/send/file_send.c answers with it.
 */
#include "services/files/file_answer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "services/files/listing/autoindex.h"
#include "services/files/coding.h"
#include "services/files/send/file_send.h"
#include "services/files/find.h"
#include "services/files/open/file_log.h"
#include "services/files/open/place.h"
#include "services/files/redirect.h"

static unsigned answer_options(const struct asked *a)
{
	return file_send_nothing(a, FILE_ALLOW);
}

/*
 * Takes the file beside it that the client would rather have: x.css.gz for x.css. It must be as new
 * as the file, which else has changed since it was made.
 */
static const char *take_coded(const struct asked *a, struct found *file, struct find_unread *unread)
{
	const struct coding *codings[CODINGS];
	unsigned count = coding_choose(a->request, buf_head(&a->c->in), codings);
	struct found coded;
	char path[SERVED_PATH + CODING_EXTENSION];

	for (unsigned i = 0; i < count; i++) {
		enum beneath_end end;

		snprintf(path, sizeof(path), "%s%s", a->path, codings[i]->extension);
		end = file_open(a->place, path, true, &coded);
		if (end == BENEATH_FILE && coded.st.st_mtim.tv_sec >= file->st.st_mtim.tv_sec) {
			found_close(file);
			*file = coded;
			return codings[i]->name;
		}
		if (beneath_is_failure(end))
			find_keep_unread(unread, path, errno);
		found_close(&coded);
	}
	return NULL;
}

static unsigned send_found(const struct asked *a, struct found *file)
{
	struct find_unread unread; /* its path is written before it is read */
	const char *coding;
	unsigned status;

	unread.error = 0;
	coding = a->conf->precompressed ? take_coded(a, file, &unread) : NULL;
	status = file_send(a, file, coding);
	if (status != 0)
		find_log_unread(&unread, a->place, status);
	return status;
}

/* The path is that of a folder, with room for a name behind it. */
static unsigned answer_index(struct asked *a)
{
	struct found file;
	enum beneath_end end = find_index(a, &file);

	if (end == BENEATH_FILE)
		return send_found(a, &file);
	if (end != BENEATH_NOT_FOUND && end != BENEATH_FOLDER)
		return find_refuse(a, end);
	a->path[a->target.length] = '\0';
	if (a->conf->autoindex)
		return autoindex_answer(a);
	file_log_reason(a->place, a->path, 403, FILE_REASON_FOLDER);
	return file_error(a, 403);
}

static unsigned answer_missing(struct asked *a)
{
	struct found file;
	unsigned status = find_fallback(a, &file);

	return status == 200 ? send_found(a, &file) : file_error(a, status);
}

static unsigned answer_hidden(struct asked *a)
{
	if (a->conf->try.count == 0)
		file_log_reason(a->place, a->path, 404, FILE_REASON_HIDDEN);
	return answer_missing(a);
}

static unsigned answer_path(struct asked *a)
{
	struct found file;
	enum beneath_end end;

	if (find_is_hidden(a))
		return answer_hidden(a);
	end = file_open(a->place, a->path, false, &file);
	if (end == BENEATH_FILE && !a->target.ends_with_slash)
		return send_found(a, &file);
	found_close(&file);
	if (end == BENEATH_FILE || end == BENEATH_NOT_FOUND)
		return answer_missing(a);
	if (end != BENEATH_FOLDER)
		return find_refuse(a, end);
	return a->target.ends_with_slash ? answer_index(a) : redirect_to_folder(a);
}

/*
 * Fills in what is asked for. Returns 0, or the status of a path that is none; then the listener's
 * own options hold.
 */
static unsigned ask(struct conn *c, struct http_session *session, struct asked *a)
{
	const struct http_text raw = { buf_head(&c->in) + session->request.path.at,
				       session->request.path.length };
	unsigned status = http_target_decode(raw, a->path, HTTP_LINE_MOST, &a->target);
	unsigned listener = c->record->listener;

	file_open_begin(c);
	a->c = c;
	a->request = &session->request;
	a->place = status == 0 ? place_find(listener, a->path, a->target.length) :
				 place_of_listener(listener);
	a->conf = place_conf(a->place);
	return status;
}

unsigned file_answer(struct conn *c, struct http_session *session)
{
	struct asked a; /* its path is written before it is read */
	const struct redirect *redirect;
	unsigned status;

	status = ask(c, session, &a);
	redirect = status == 0 ? redirect_find(&a) : NULL;
	if (redirect)
		return redirect_answer(&a, redirect);
	switch (a.request->method) {
	case HTTP_GET:
	case HTTP_HEAD:
		return status == 0 ? answer_path(&a) : file_error(&a, status);
	case HTTP_OPTIONS:
		return answer_options(&a);
	default:
		return file_error(&a, http_method_status(a.request));
	}
}

/* The path is still in the head of the request. */
bool file_answer_more(struct conn *c, struct http_session *session)
{
	struct files *files = conn_state(c);
	struct asked a;

	return ask(c, session, &a) == 0 ? autoindex_go_on(&a, files) : autoindex_give_up(c);
}
