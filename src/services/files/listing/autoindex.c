/* SPDX-License-Identifier: MIT */
/*
 * The names of a folder are counted first. Few are sorted, for which all are looked at before the
 * first goes out; many are sent as they are read. Either way a turn looks at a few entries, so that
 * other connections need not wait.
 */
#include "services/files/listing/autoindex.h"

#include <string.h>

#include "base/sys.h"
#include "services/files/find.h"
#include "services/files/open/file_log.h"
#include "services/files/listing/index_page.h"
#include "services/http/parse/http_accept.h"

/* The page has a style of its own, and nothing else. */
#define INDEX_HEADERS      \
	"Vary: Accept\r\n" \
	"Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n"

/* --- What is asked for --- */

static bool is_json(const struct asked *a)
{
	return http_accept_prefers(a->request, buf_head(&a->c->in), INDEX_PAGE_JSON, "text/html");
}

static void read_parameter(struct http_text text, struct index_order *order)
{
	static const char *const sorts[INDEX_SORTS] = { "sort=name", "sort=size", "sort=date" };

	for (enum index_sort sort = 0; sort < INDEX_SORTS; sort++)
		if (http_text_is(text, sorts[sort], strlen(sorts[sort])))
			order->sort = sort;
	if (HTTP_TEXT_IS(text, "order=desc"))
		order->is_descending = true;
}

static struct index_order find_order(const struct asked *a)
{
	struct index_order order = { INDEX_BY_NAME, false };
	struct http_text query, part;

	query = (struct http_text){ buf_head(&a->c->in) + a->request->query.at,
				    a->request->has_query ? a->request->query.length : 0 };
	while (http_text_next(&query, '&', &part))
		read_parameter(part, &order);
	return order;
}

static struct index_folder folder_of(const struct asked *a, int fd)
{
	return (struct index_folder){ a->place, fd, a->path, a->conf->hidden };
}

static struct index_owner owner_of(const struct conn *c)
{
	const struct record *r = c->record;

	return (struct index_owner){
		.number = r->number,
		.generation = (uint64_t)r->birth_generation << 32 | r->birth_worker,
		.messages = r->messages + 1,
	};
}

/* --- The beginning --- */

static bool put_head(const struct asked *a)
{
	return file_send_head(a, is_json(a) ? INDEX_PAGE_JSON : INDEX_PAGE_HTML, INDEX_HEADERS);
}

/* The folder becomes the connection's, or is closed. */
static unsigned begin_listing(const struct asked *a, int fd)
{
	const struct index_folder folder = folder_of(a, fd);
	struct files *files = conn_state(a->c);
	struct listing listing = { 0 };
	enum index_step step = INDEX_OTHER;

	if (http_wants_body(a->request))
		step = index_names_judge(&folder);
	if (step == INDEX_FAILED || !put_head(a)) {
		if (step == INDEX_FAILED)
			file_log_error(a->place, a->path, 500, errno);
		(void)sys_close(fd);
		return step == INDEX_FAILED ? file_error(a, 500) : 0;
	}
	if (!http_wants_body(a->request)) {
		(void)sys_close(fd);
		return 200;
	}
	listing.is_sorted = step == INDEX_END;
	conn_hold_file(a->c, fd);
	files->listing = listing;
	files->answer = FILES_LISTING;
	http_session_go_on(&files->session, false);
	return 200;
}

unsigned autoindex_answer(const struct asked *a)
{
	struct beneath_file folder;
	enum beneath_end end = file_open_afresh(a->place, a->path, &folder);

	if (end == BENEATH_FOLDER)
		return begin_listing(a, folder.fd);
	if (folder.fd >= 0)
		(void)sys_close(folder.fd);
	/* a file has taken the folder's place */
	return find_refuse(a, end == BENEATH_FILE ? BENEATH_NOT_FOUND : end);
}

/* --- The rest --- */

static size_t room_for_next(const struct asked *a, const struct listing *listing)
{
	return INDEX_PAGE_ENTRY + (listing->has_begun ? 0 : INDEX_PAGE_ENDS + 12 * strlen(a->path));
}

static bool has_room(const struct strbuf *text)
{
	return text->size - text->used >= INDEX_PAGE_ENTRY;
}

/*
 * INDEX_END: the table is that of this listing, if need be once more: a row that differs, even one
 * that was sent, is of another state of the folder.
 */
static enum index_step keep_table(const struct asked *a, struct listing *listing)
{
	const struct index_owner owner = owner_of(a->c);
	const struct index_folder folder = folder_of(a, a->c->record->file);
	enum index_step step = index_names_make(&folder, find_order(a), &owner);

	if (step == INDEX_ENTRY)
		return step;
	if (step != INDEX_END)
		return INDEX_FAILED;
	if (!listing->is_made) {
		listing->count = index_names_count();
		listing->hash = index_names_hash();
		listing->is_made = true;
	}
	return index_names_count() == listing->count && index_names_hash() == listing->hash ?
		       INDEX_END :
		       INDEX_FAILED;
}

static enum index_step put_sorted(const struct asked *a, struct listing *listing,
				  const struct index_page *page, struct strbuf *text)
{
	enum index_step step = keep_table(a, listing);

	if (step != INDEX_END)
		return step;
	for (; listing->sent < listing->count; listing->sent++) {
		struct index_entry entry;

		if (!has_room(text))
			return INDEX_ENTRY;
		index_names_get(listing->sent, &entry);
		index_page_entry(page, &entry, listing->sent == 0, text);
	}
	return INDEX_END;
}

static enum index_step put_unsorted(const struct asked *a, struct listing *listing,
				    const struct index_page *page, struct strbuf *text)
{
	const struct index_folder folder = folder_of(a, a->c->record->file);
	struct index_walk walk = { .folder = &folder, .at = listing->at };
	enum index_step step = INDEX_ENTRY;

	while (!index_turn_is_over(&walk.turn) && has_room(text) && step <= INDEX_OTHER) {
		struct index_entry entry;

		step = index_walk_next(&walk, &entry);
		if (step == INDEX_ENTRY)
			index_page_entry(page, &entry, listing->sent++ == 0, text);
	}
	listing->at = walk.at;
	return step;
}

static enum index_step put_pieces(const struct asked *a, struct listing *listing,
				  struct strbuf *text)
{
	const struct index_page page = { a->path, is_json(a), listing->is_sorted, find_order(a) };
	enum index_step step;

	if (!listing->has_begun)
		index_page_begin(&page, text);
	listing->has_begun = true;
	step = listing->is_sorted ? put_sorted(a, listing, &page, text) :
				    put_unsorted(a, listing, &page, text);
	if (step == INDEX_END)
		index_page_end(&page, text);
	/* without output there would be no further turn */
	if (text->used == 0)
		strbuf_raw(text, "\n");
	return step;
}

/* Not even an end may follow, by which the client would take the listing for complete. */
bool autoindex_give_up(struct conn *c)
{
	conn_set_close_reason(c, CLOSE_folder_changed);
	conn_set_reset(c);
	return false;
}

bool autoindex_go_on(const struct asked *a, struct files *files)
{
	struct listing *listing = &files->listing;
	struct strbuf text = http_session_open_body(a->c, &files->session);
	enum index_step step;

	if (text.size < room_for_next(a, listing))
		return false;
	step = put_pieces(a, listing, &text);
	BUG_ON(text.is_cut);
	if (step == INDEX_FAILED)
		return autoindex_give_up(a->c);
	http_session_close_body(a->c, &files->session, &text, step == INDEX_END);
	if (step == INDEX_END)
		conn_drop_file(a->c);
	return step == INDEX_END;
}

bool autoindex_is_sound(const struct conn *c, const struct http_request *request,
			const struct listing *listing)
{
	return *(const uint8_t *)&listing->is_sorted <= 1 &&
	       *(const uint8_t *)&listing->is_made <= 1 &&
	       *(const uint8_t *)&listing->has_begun <= 1 && request->method == HTTP_GET &&
	       c->record->holds_file && c->record->file_left == 0 &&
	       (!listing->is_sorted ||
		(listing->count <= INDEX_SORTED_MOST && listing->sent <= listing->count &&
		 (listing->is_made || listing->count == 0)));
}
