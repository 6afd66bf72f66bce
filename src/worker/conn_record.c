/* SPDX-License-Identifier: MIT */
/*
 * Reads and writes a connection in hand: its state, why and in which phase it ends, and its lines
 * in the logs.
 */
#include "worker/conn_record.h"

#include "accesslog/accesslog.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/sys.h"

/*
 * The next worker must not take another file for it. Where fstat(2) fails, the next worker ends the
 * connection.
 */
static void set_file(struct record *r, int fd)
{
	struct stat st;

	r->file = fd;
	r->file_id = sys_fstat(fd, &st) == 0 ? record_file_id(&st) : 0;
}

void conn_hold_file(struct conn *c, int fd)
{
	struct record *r = c->record;

	BUG_ON(record_has_file(r));
	set_file(r, fd);
	r->file_offset = 0;
	r->holds_file = true;
}

void conn_send_held(struct conn *c, uint64_t offset, uint64_t length)
{
	struct record *r = c->record;

	BUG_ON(!r->holds_file || r->file_left > 0 || length == 0);
	r->file_offset = offset;
	r->file_left = length;
}

void conn_drop_file(struct conn *c)
{
	struct record *r = c->record;

	BUG_ON(!r->holds_file || r->file_left > 0);
	(void)sys_close(r->file);
	r->file = 0;
	r->file_offset = 0;
	r->holds_file = false;
}

void conn_send_file(struct conn *c, int fd, uint64_t offset, uint64_t length)
{
	struct record *r = c->record;

	BUG_ON(r->file_left > 0 || length == 0);
	if (r->holds_file)
		conn_drop_file(c);
	set_file(r, fd);
	r->file_offset = offset;
	r->file_left = length;
}

void conn_send_memory(struct conn *c, const struct lent *lent)
{
	BUG_ON(conn_range_left(c) > 0 || lent->length == 0 ||
	       (lent->fd < 0 && lent->length > buf_room(&c->out)));
	c->lent = *lent;
}

void conn_set_deadline(struct conn *c, int64_t in_ms)
{
	c->record->due_ms = in_ms > 0 ? clock_ms() + in_ms : 0;
}

static struct record_buf limits_of(const struct buf *b)
{
	return (struct record_buf){ b->number, b->start, b->end };
}

void conn_store(struct conn *c)
{
	c->record->in = limits_of(&c->in);
	c->record->out = limits_of(&c->out);
	if (!c->peer)
		return;
	c->peer->record->in = limits_of(&c->peer->in);
	c->peer->record->out = limits_of(&c->peer->out);
}

static bool is_empty(const struct conn *c)
{
	return buf_used(&c->in) == 0 && !conn_has_output(c);
}

const struct proxy_facts *conn_proxy_facts(const struct conn *side)
{
	const struct conn *c = conn_is_client(side) ? side : side->peer;

	return c->record->proxy == PROXY_KNOWN ? &c->proxy->facts : NULL;
}

const char *conn_proxy_text(const struct conn *side, enum proxy_text which, size_t *length)
{
	const struct conn *c = conn_is_client(side) ? side : side->peer;
	const struct proxy_facts *facts = conn_proxy_facts(c);

	*length = 0;
	return facts ? proxy_facts_text(facts, c->proxy_texts, which, length) : NULL;
}

/* While one end of a pair has ended its stream, the other's answer may still come. */
static bool is_half_closed(const struct conn *c)
{
	return c->peer && conn_in_ended(c) != conn_in_ended(c->peer);
}

bool conn_is_between_messages(const struct conn *c)
{
	if (c->service->is_stream && c->record->state == CONN_OPEN)
		return false;
	if (c->service->idle && !record_is_ending(c->record) && c->record->proxy != PROXY_AWAITED)
		return c->service->idle(c);
	return is_empty(c) && (!c->peer || is_empty(c->peer)) && !is_half_closed(c);
}

bool conn_rests(const struct conn *c)
{
	return c->record->state == CONN_LINGERING ||
	       (c->record->state == CONN_OPEN && conn_is_between_messages(c));
}

void conn_set_phase(struct conn *c, enum close_reason reason)
{
	conn_store(c);
	c->record->phase =
		(uint8_t)record_phase_letter(c->record, reason, conn_is_between_messages(c));
}

/* The service has finished, but not all of its answer has gone out: that is no good end yet. */
static bool is_unsent(const struct conn *c)
{
	return c->record->state == CONN_FLUSHING && c->record->ending == CLOSE_service_finished &&
	       conn_has_output(c);
}

void conn_set_close_reason(struct conn *c, enum close_reason reason)
{
	c = conn_client(c);
	if (c->record->ending != CLOSE_none && !is_unsent(c))
		return;
	conn_set_phase(c, reason);
	c->record->ending = (uint8_t)reason;
}

void conn_log_ended(const struct conn *c, int64_t now_us, int error)
{
	const struct record *r = c->record;
	char remote[ADDR_TEXT];

	if (!log_wants(EVENT_connection_ended))
		return;
	LOG(EVENT_connection_ended, LOG_STR("remote", record_remote(r, remote)),
	    LOG_STR("service", c->service->name), LOG_STR("ending", close_reason_name(r->ending)),
	    LOG_NUM("bytes_in", r->bytes_in), LOG_NUM("bytes_out", r->bytes_out),
	    LOG_NUM("messages", r->messages), LOG_NUM("ms", (now_us - r->opened_us) / 1000),
	    LOG_STR("error", r->ending == CLOSE_system_error ? strerrorname_np(error) : "none"));
}

static struct access_text text_of(const char *text, size_t length)
{
	return (struct access_text){ length > 0 ? text : NULL, length };
}

static struct access_text authority_of(const struct conn *c)
{
	size_t length;
	const char *text = conn_proxy_text(c, PROXY_TEXT_authority, &length);

	return text_of(text, length);
}

/* What was wrong with a header that was refused. */
static struct access_text detail_of(const struct conn *c)
{
	const char *name;

	if (c->record->proxy != PROXY_AWAITED || c->proxy->error == PROXY_ERROR_none ||
	    c->proxy->error >= PROXY_ERRORS)
		return (struct access_text){ NULL, 0 };
	name = proxy_error_name((enum proxy_error)c->proxy->error);
	return text_of(name, strlen(name));
}

/* The byte is checked: a service may have overwritten it. */
static char phase_of(const struct record *r)
{
	return r->phase == 'R' || r->phase == 'D' || r->phase == 'L' ? (char)r->phase : '-';
}

/* Silence of a stream is the fault of the side that was to speak: the client's, if none was. */
static bool is_server_late(const struct conn *c)
{
	const struct record *r = c->record;

	return c->service->is_stream && r->is_answer_due &&
	       (r->ending == CLOSE_idle_timeout || r->ending == CLOSE_half_close_timeout);
}

/* What an entry of a connection and one of its requests have in common. */
static struct access_entry entry_of(const struct conn *c, const char *what)
{
	const struct record *r = c->record;

	return (struct access_entry){
		.what = what,
		.worker = r->birth_worker,
		.generation = r->birth_generation,
		.connection = r->number,
		.listen = c->conf->address,
		.service = c->service->name,
		.remote = { &r->remote, r->remote_port },
		.authority = authority_of(c),
	};
}

void conn_log_access(const struct conn *c, int64_t now_us)
{
	const struct record *r = c->record;
	struct access_entry entry = entry_of(c, RECORD_LOG_WHAT);
	char state[3];

	entry.bytes_in = r->bytes_in;
	entry.bytes_out = r->bytes_out;
	entry.messages = r->messages;
	entry.seconds = now_us - r->opened_us;
	entry.ending = close_reason_name(r->ending);
	entry.state = record_state_letters(state, r->ending, phase_of(r));
	entry.detail = detail_of(c);
	if (is_server_late(c))
		state[0] = 's';
	if (c->service->tell)
		c->service->tell(c, &entry);
	accesslog_add(&entry);
}

void conn_log_refused(const struct conn_refused *refused)
{
	struct net net;
	uint16_t port = net_from_addr(&net, refused->remote);
	char state[3];
	struct access_entry entry = {
		.what = RECORD_LOG_WHAT,
		.worker = refused->worker,
		.generation = refused->generation,
		.connection = refused->number,
		.listen = refused->conf->address,
		.service = refused->conf->service,
		.remote = { &net, port },
		.ending = close_reason_name(refused->ending),
		.state = record_state_letters(state, refused->ending, '-'),
	};

	accesslog_add(&entry);
}

bool conn_logs(void)
{
	return accesslog_is_on;
}

void conn_log_request(const struct conn *c, const struct conn_request *request)
{
	const struct record *r = c->record;
	enum close_reason ending = request->is_cut ? r->ending : CLOSE_none;
	char state[3];
	struct access_entry entry;

	if (!accesslog_is_on)
		return;
	entry = entry_of(c, "request");
	entry.bytes_in = request->bytes_in;
	entry.bytes_out = request->bytes_out;
	entry.messages = request->is_cut ? 0 : 1;
	entry.ending = close_reason_name(ending);
	entry.state = record_state_letters(state, ending, request->is_cut ? phase_of(r) : '-');
	entry.method = request->method;
	entry.path = request->path;
	entry.status = request->status;
	entry.user = request->user;
	entry.referer = request->referer;
	entry.user_agent = request->user_agent;
	entry.request = request->line;
	entry.body_bytes = request->body_bytes;
	if (r->begun_us != 0)
		entry.seconds = accesslog_now_us() - r->begun_us;
	accesslog_add(&entry);
}
