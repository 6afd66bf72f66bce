/* SPDX-License-Identifier: MIT */
/*
 * http: serves the files of a folder over HTTP/1.1. A file that fits goes out together with its
 * head; a larger one as a file range behind it, which outlives its worker with the connection.
 */
#include <string.h>

#include "services/files/listing/autoindex.h"
#include "services/files/send/error_page.h"
#include "services/files/file_answer.h"
#include "services/files/open/file_cache.h"
#include "services/files/open/file_open.h"
#include "services/files/send/file_send.h"
#include "services/files/find.h"
#include "services/files/header_check.h"
#include "services/files/listing/index_names.h"
#include "services/files/open/place.h"
#include "services/files/redirect.h"
#include "services/files/redirect_end.h"
#include "services/files/open/root.h"
#include "services/services.h"

static bool check_index(const struct listen_conf *conf, struct err *err)
{
	for (size_t i = 0; i < conf->index.count; i++)
		if (strchr(conf->index.texts[i], '/') != NULL || conf->index.texts[i][0] == '.')
			return err_set(err, CODE_CONFIG,
				       "index: \"%s\" is not the name of a file in the folder "
				       "(write a name such as index.html)",
				       conf->index.texts[i]);
	return true;
}

static bool check_options(const struct listen_conf *conf, struct err *err)
{
	if (conf->root[0] == '\0')
		return err_set(err, CODE_CONFIG,
			       "root: service http needs one (write root = /srv/www)");
	return check_index(conf, err) && header_check(conf, err) && find_check_try(conf, err) &&
	       redirect_check(conf, err) && error_page_check(conf, err);
}

/* The listen that the location belongs to; a listen itself is its own. */
static const struct listen_conf *find_listen(const struct conf *conf,
					     const struct listen_conf *place)
{
	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct listen_conf *listen = &conf->listeners[i];

		if (place >= listen->locations &&
		    place < listen->locations + listen->location_count)
			return listen;
	}
	return place;
}

static bool check_system(const struct conf *conf, const struct listen_conf *place,
			 const struct identity *identity, struct err *err)
{
	return redirect_end_check(find_listen(conf, place), place, err) &&
	       root_check(conf, place, identity, err);
}

static bool start(const struct heritage *heritage, const struct listen_conf *conf)
{
	http_session_start(heritage);
	return place_start(heritage, conf) && redirect_start() && error_page_start() &&
	       index_names_start() && file_open_start(heritage, conf);
}

/* More of an answer of which file_answer has sent the head. */
static bool go_on(struct conn *c, struct http_session *session)
{
	struct files *f = conn_state(c);

	if (f->answer == FILES_LISTING ? !file_answer_more(c, session) :
					 !file_parts_go_on(c, &session->request, &f->parts))
		return false;
	f->answer = FILES_NONE;
	return true;
}

static const struct http_handler handler = {
	.answer = file_answer,
	.go_on = go_on,
	.headers = file_send_lines,
};

static enum verdict read_requests(struct conn *c)
{
	struct files *f = conn_state(c);
	enum verdict verdict;

	verdict = http_session_serve(c, &f->session, &handler);
	return c->record->is_reset ? ABORT : verdict;
}

static enum verdict end_late(struct conn *c)
{
	struct files *f = conn_state(c);

	return http_session_time_out(c, &f->session, &handler);
}

static void end_request(struct conn *c, enum close_reason reason)
{
	const struct files *f = conn_state_const(c);

	(void)reason;
	http_session_close(c, &f->session, &handler);
}

static bool looks_whole(const struct conn *c)
{
	const struct files *f = conn_state_const(c);

	return http_session_looks_whole(c, &f->session);
}

static bool is_in_head(const void *state)
{
	const struct files *f = state;

	return http_session_is_in_head(&f->session);
}

static bool is_idle(const struct conn *c)
{
	const struct files *f = conn_state_const(c);

	return http_session_is_idle(c, &f->session);
}

static bool is_sound(const struct conn *c)
{
	const struct files *f = conn_state_const(c);

	if (c->record->state > CONN_OPEN)
		return true;
	if (!http_session_is_sound(c, &f->session))
		return false;
	if (!http_session_goes_on(&f->session))
		return f->answer == FILES_NONE && !c->record->holds_file;
	if (f->session.request.head_length == 0)
		return false;
	if (f->answer == FILES_LISTING)
		return autoindex_is_sound(c, &f->session.request, &f->listing);
	return f->answer == FILES_PARTS && file_parts_is_sound(c, &f->session.request, &f->parts);
}

const struct service service_http = {
	.name = "http",
	.state_version = 6,
	.state_size = sizeof(struct files),
	.check = check_options,
	.check_system = check_system,
	.init = start,
	.each_second = file_open_each_second,
	.sends_files = true,
	.own_files = 1 + FILE_CACHE_FDS,
	.holds_files = true,
	.input = read_requests,
	.close = end_request,
	.looks_whole = looks_whole,
	.drain_ms = HTTP_DRAIN_MS,
	.timed_out = end_late,
	.is_in_head = is_in_head,
	.idle = is_idle,
	.is_sound = is_sound,
};
