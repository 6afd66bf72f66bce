/* SPDX-License-Identifier: MIT */
/*
 * The functions that a loaded service calls (<prefork-srv/service.h>). A wrong argument costs the
 * module's own connection at most.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/sys.h"
#include "base/units.h"
#include "services/module/module.h"
#include "stats/scoreboard.h"
#include "worker/pool.h"

enum { LOG_MOST = 512, REFUSAL = 256 };

_Static_assert(PREFORK_ADDRESS_SIZE >= ADDR_TEXT, "an address has no room");
_Static_assert(PREFORK_NAME_MOST + 1 == SERVICE_NAME, "a name has another length here");
_Static_assert(PREFORK_COUNTERS_MOST == SERVICE_COUNTERS, "there are more counters here");

static char refusal[REFUSAL]; /* written by prefork_refuse */

static struct conn *conn_of(const struct prefork_conn *c)
{
	return (struct conn *)(uintptr_t)c;
}

/* --- Input and output --- */

const char *prefork_input(const struct prefork_conn *c, size_t *size)
{
	const struct buf *in = &conn_of(c)->in;

	*size = buf_used(in);
	return in->base ? buf_head(in) : "";
}

void prefork_consume(struct prefork_conn *c, size_t size)
{
	struct buf *in = &conn_of(c)->in;

	buf_drop(in, size < buf_used(in) ? size : buf_used(in));
}

bool prefork_input_ended(const struct prefork_conn *c)
{
	return conn_in_ended(conn_of(c));
}

static size_t find_room(const struct conn *c)
{
	return c->record->file_left > 0 ? 0 : buf_room(&c->out);
}

size_t prefork_room(const struct prefork_conn *c)
{
	return find_room(conn_of(c));
}

bool prefork_write(struct prefork_conn *connection, const void *bytes, size_t size)
{
	struct conn *c = conn_of(connection);

	return size <= find_room(c) && buf_put(&c->out, bytes, size) == size;
}

/* A text that fills the room has no place for its NUL there: behind it is another's buffer. */
__attribute__((format(printf, 3, 0))) static bool write_to_the_end(struct conn *c, size_t room,
								   const char *format,
								   va_list arguments)
{
	static char text[ARENA_BUF_SIZE + 1]; /* written here alone */

	return room < sizeof(text) && vsnprintf(text, room + 1, format, arguments) == (int)room &&
	       buf_put(&c->out, text, room) == room;
}

bool prefork_printf(struct prefork_conn *connection, const char *format, ...)
{
	struct conn *c = conn_of(connection);
	size_t room = find_room(c);
	va_list arguments, again;
	bool is_written = false;
	int length;

	if (room == 0)
		return false;
	va_start(arguments, format);
	va_copy(again, arguments);
	length = vsnprintf(c->out.base + c->out.end, room, format, arguments);
	if (length >= 0 && (size_t)length < room) {
		c->out.end += (uint32_t)length;
		is_written = true;
	} else if (length >= 0 && (size_t)length == room) {
		is_written = write_to_the_end(c, room, format, again);
	}
	va_end(again);
	va_end(arguments);
	return is_written;
}

char *prefork_output(struct prefork_conn *connection, size_t *size)
{
	struct conn *c = conn_of(connection);

	*size = find_room(c);
	return *size > 0 ? c->out.base + c->out.end : NULL;
}

void prefork_produce(struct prefork_conn *connection, size_t size)
{
	struct conn *c = conn_of(connection);
	size_t room = find_room(c);

	c->out.end += (uint32_t)(size < room ? size : room);
}

bool prefork_send_file(struct prefork_conn *connection, int fd, uint64_t offset, uint64_t size)
{
	struct conn *c = conn_of(connection);
	struct stat st;

	if (c->record->file_left > 0 || fd <= STDERR_FILENO || size == 0 || size > INT64_MAX ||
	    offset > INT64_MAX - size || sys_fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	conn_send_file(c, fd, offset, size);
	return true;
}

/* --- The connection --- */

void *prefork_state(const struct prefork_conn *c)
{
	return conn_state(conn_of(c));
}

void prefork_count_message(struct prefork_conn *c)
{
	conn_count_message(conn_of(c));
}

static void set_reason(struct conn *c, const char *reason)
{
	char *text = module_reason(c);

	if (c->record->ending != CLOSE_none)
		return;
	snprintf(text, MODULE_REASON, "%s", reason);
	conn_set_close_reason(c, CLOSE_service_ended);
}

enum prefork_verdict prefork_finish(struct prefork_conn *c, const char *reason)
{
	set_reason(conn_of(c), reason);
	return PREFORK_FINISH;
}

enum prefork_verdict prefork_abort(struct prefork_conn *c, const char *reason)
{
	set_reason(conn_of(c), reason);
	return PREFORK_ABORT;
}

void prefork_set_deadline(struct prefork_conn *c, int64_t in_ms)
{
	conn_set_deadline(conn_of(c), in_ms);
}

const char *prefork_remote(const struct prefork_conn *c, char *text)
{
	return record_remote(conn_of(c)->record, text);
}

const char *prefork_local(const struct prefork_conn *c, char *text)
{
	const struct proxy_facts *facts = conn_proxy_facts(conn_of(c));
	struct addr local = { .len = sizeof(local) - offsetof(struct addr, sa) };

	if (facts && facts->destination.family != AF_UNSPEC)
		return net_write(&facts->destination, facts->destination_port, text);
	if (sys_getsockname(conn_of(c)->record->fd, &local.sa, &local.len) < 0)
		snprintf(text, ADDR_TEXT, "unknown");
	else
		addr_write(&local, text);
	return text;
}

const char *prefork_ending(const struct prefork_conn *c)
{
	return close_reason_name(conn_of(c)->record->ending);
}

const struct prefork_listener *prefork_listener_of(const struct prefork_conn *c)
{
	return &module_of(conn_of(c))->listener;
}

unsigned prefork_worker(const struct prefork_conn *c)
{
	const struct pool *pool = conn_of(c)->pool;

	return pool ? pool->number : 0;
}

void prefork_log(const struct prefork_conn *connection, const char *text)
{
	const struct conn *c = conn_of(connection);
	char line[LOG_MOST + 1], remote[ADDR_TEXT];

	if (!log_wants(EVENT_module_logged))
		return;
	snprintf(line, sizeof(line), "%s", text);
	LOG(EVENT_module_logged, LOG_STR("module", c->service->loaded_name),
	    LOG_STR("listen", c->conf->address),
	    LOG_STR("remote", record_remote(c->record, remote)), LOG_STR("message", line));
}

/* The master has named the row's counters before any worker of the generation. */
static uint8_t find_cell(const struct module *module, unsigned row, unsigned counter)
{
	const struct listener_row *names = &module->board->listeners[row];

	for (unsigned i = 0; i < METRIC_NAMED; i++)
		if (strncmp(names->counters[i], module->counters[counter], METRIC_COUNTER_NAME) ==
		    0)
			return (uint8_t)(i + 1);
	return METRIC_NAMED + 1;
}

void prefork_count(struct prefork_conn *connection, unsigned counter, uint64_t n)
{
	const struct conn *c = conn_of(connection);
	struct module *module = module_of(c);
	uint8_t *cell;
	unsigned row;

	if (!c->pool || counter >= SERVICE_COUNTERS || module->counters[counter][0] == '\0')
		return;
	row = pool_row(c->pool, c->record);
	cell = &module->cells[row][counter];
	if (*cell == MODULE_CELL_UNKNOWN)
		*cell = find_cell(module, row, counter);
	if (*cell <= METRIC_NAMED)
		cell_add(&c->pool->slot->tally.listeners[row].module_counts_total[*cell - 1], n);
}

/* --- The listen --- */

const char *prefork_listener_address(const struct prefork_listener *listener)
{
	return listener->conf->address;
}

size_t prefork_arguments(const struct prefork_listener *listener)
{
	return listener->conf->arguments.count;
}

const char *prefork_argument(const struct prefork_listener *listener, size_t index)
{
	const struct text_list *list = &listener->conf->arguments;

	return index < list->count ? list->texts[index] : NULL;
}

const char *prefork_argument_value(const struct prefork_listener *listener, const char *name)
{
	const struct text_list *list = &listener->conf->arguments;
	size_t length = strlen(name);

	for (size_t i = 0; i < list->count; i++)
		if (strncmp(list->texts[i], name, length) == 0 && list->texts[i][length] == '=')
			return list->texts[i] + length + 1;
	return NULL;
}

bool prefork_argument_size(const struct prefork_listener *listener, const char *name, size_t *size)
{
	const char *text = prefork_argument_value(listener, name);
	int64_t value;

	if (!text)
		return true;
	if (!units_read_size(text, &value) || value < 0)
		return false;
	*size = (size_t)value;
	return true;
}

void *prefork_shared(const struct prefork_listener *listener, size_t *size)
{
	if (size)
		*size = listener->shared_size;
	return listener->shared;
}

bool prefork_refuse(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(refusal, sizeof(refusal), format, arguments);
	va_end(arguments);
	return false;
}

const char *prefork_refusal(void)
{
	static char said[REFUSAL]; /* written here alone */

	memcpy(said, refusal, sizeof(said));
	refusal[0] = '\0';
	return said;
}
