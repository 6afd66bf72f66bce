/* SPDX-License-Identifier: MIT */
/*
 * mixed: does by lines what a connection can do beside answering, one thing beside the other. Only
 * in a build made with --enable-faults, and in unit tests.
 *
 *   hello                 the preface, which comes first, within 20 seconds
 *   file OFFSET LENGTH    answers LENGTH as a line, then that range of a file: byte n is n % 251
 *   connect PORT          relays to that port of 127.0.0.1 from now on
 *   connect unix:/PATH    likewise
 *   deadline MS           answers "late" as a line after that time, within message_timeout
 *   free                  reads while an answer waits for the client
 *
 * A line waits until the answer to the one before it has gone out. Any other line is invalid.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/sys.h"
#include "services/services.h"
#include "worker/conn_record.h"
#include "worker/pair/pair.h"

enum {
	LINE_MOST = 256, /* bytes of a line with its LF */
	FILE_SIZE = 1024 * 1024,
	FILE_PATTERN = 251,
	BLOCK_SIZE = FILE_PATTERN * 64,
	DEADLINE_MOST_MS = 24 * 3600 * 1000,
	PREFACE_MS = 20000
};

/* The line "late". */
enum owes {
	OWES_NOTHING,
	OWES_LATER, /* the deadline is set */
	OWES_NOW    /* it has passed, and other output comes first */
};

struct mixed {
	uint8_t owes; /* enum owes */
};

static int file = -1; /* set by the first init of the worker */

static bool write_all(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t n = sys_write(fd, bytes, size);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			bytes += n;
			size -= (size_t)n;
		}
	}
	return true;
}

static bool write_pattern(int fd)
{
	char block[BLOCK_SIZE];

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (char)(i % FILE_PATTERN);
	for (size_t left = FILE_SIZE, n; left > 0; left -= n) {
		n = left < sizeof(block) ? left : sizeof(block);
		if (!write_all(fd, block, n))
			return false;
	}
	return true;
}

static bool make_file(const struct heritage *heritage, const struct listen_conf *conf)
{
	(void)heritage;
	(void)conf;
	if (file >= 0)
		return true;
	file = sys_memfd_create("mixed", MFD_CLOEXEC);
	return file >= 0 && write_pattern(file);
}

static enum verdict read_preface(struct conn *c)
{
	static const char hello[] = "hello\n";
	size_t used = buf_used(&c->in), size = sizeof(hello) - 1;

	if (memcmp(buf_head(&c->in), hello, used < size ? used : size) != 0)
		return ABORT;
	if (used < size)
		return MORE;
	buf_drop(&c->in, size);
	return FINISH;
}

/* Reads a number of at most `most` and moves *text behind it and one blank. */
static bool read_number(const char **text, unsigned long most, unsigned long *number)
{
	char *end;

	if (**text < '0' || **text > '9')
		return false;
	*number = strtoul(*text, &end, 10);
	*text = *end == ' ' ? end + 1 : end;
	return *number <= most;
}

static enum verdict run_file(struct conn *c, const char *text)
{
	unsigned long offset, length;
	char line[32];
	int own;

	if (!read_number(&text, FILE_SIZE, &offset) ||
	    !read_number(&text, FILE_SIZE - offset, &length) || *text != '\0' || length == 0)
		return conn_finish(c, CLOSE_message_invalid);
	own = sys_fcntl_int(file, F_DUPFD_CLOEXEC, 0);
	if (own < 0)
		return conn_finish(c, CLOSE_system_error);
	buf_put(&c->out, line, (size_t)snprintf(line, sizeof(line), "%lu\n", length));
	conn_send_file(c, own, offset, length);
	return MORE;
}

static bool read_address(const char *text, struct addr *at)
{
	static const char scheme[] = "unix:";
	size_t size = sizeof(scheme) - 1;
	unsigned long port;

	memset(at, 0, sizeof(*at));
	if (strncmp(text, scheme, size) == 0) {
		at->un.sun_family = AF_UNIX;
		at->len = sizeof(at->un);
		return (size_t)snprintf(at->un.sun_path, sizeof(at->un.sun_path), "%s",
					text + size) < sizeof(at->un.sun_path);
	}
	if (!read_number(&text, UINT16_MAX, &port) || *text != '\0')
		return false;
	at->in.sin_family = AF_INET;
	at->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	at->in.sin_port = htons((uint16_t)port);
	at->len = sizeof(at->in);
	return true;
}

/* Returns a socket that is connected or connecting, or -1 with errno set. */
static int open_peer(const struct addr *at)
{
	int fd = sys_socket(at->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || sys_connect(fd, &at->sa, at->len) == 0 || errno == EINPROGRESS)
		return fd;
	(void)sys_close(fd);
	return -1;
}

static enum verdict run_connect(struct conn *c, const char *text)
{
	struct addr at;
	bool is_connecting;
	int fd;

	if (!read_address(text, &at))
		return conn_finish(c, CLOSE_message_invalid);
	errno = 0;
	fd = open_peer(&at);
	is_connecting = fd >= 0 && errno == EINPROGRESS;
	if (fd >= 0 && pair_attach(c, fd, is_connecting))
		return MORE;
	if (fd >= 0)
		(void)sys_close(fd);
	return conn_finish(c, CLOSE_system_error);
}

static enum verdict run_deadline(struct conn *c, const char *text)
{
	struct mixed *m = conn_state(c);
	unsigned long ms;

	if (!read_number(&text, DEADLINE_MOST_MS, &ms) || *text != '\0' || ms == 0)
		return conn_finish(c, CLOSE_message_invalid);
	conn_set_deadline(c, (int64_t)ms);
	m->owes = OWES_LATER;
	return MORE;
}

static enum verdict run_free(struct conn *c, const char *text)
{
	if (*text != '\0')
		return conn_finish(c, CLOSE_message_invalid);
	conn_set_flow(c, FLOW_FREE);
	return MORE;
}

static const struct command {
	const char *word;
	enum verdict (*run)(struct conn *c, const char *text);
} commands[] = {
	{ "file", run_file },
	{ "connect", run_connect },
	{ "deadline", run_deadline },
	{ "free", run_free },
};

static enum verdict run_line(struct conn *c, char *line)
{
	char *blank = strchr(line, ' ');
	const char *text = blank ? blank + 1 : "";

	if (blank)
		*blank = '\0';
	conn_count_message(c);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (strcmp(commands[i].word, line) == 0)
			return commands[i].run(c, text);
	return conn_finish(c, CLOSE_message_invalid);
}

/* Takes a line without its LF, as a text of at most LINE_MOST bytes. */
static bool take_line(struct conn *c, char *line)
{
	size_t used = buf_used(&c->in);
	const char *head = buf_head(&c->in);
	const char *lf = used > 0 ? memchr(head, '\n', used < LINE_MOST ? used : LINE_MOST) : NULL;
	size_t size = lf ? (size_t)(lf - head) : 0;

	if (!lf)
		return false;
	memcpy(line, head, size);
	line[size] = '\0';
	buf_drop(&c->in, size + 1);
	return true;
}

/* No line is left that can be run now. */
static enum verdict end_lines(struct conn *c)
{
	const struct mixed *m = conn_state(c);

	if (conn_has_output(c))
		return MORE;
	if (buf_used(&c->in) >= LINE_MOST)
		return conn_finish(c, CLOSE_message_too_long);
	if (!conn_in_ended(c) || m->owes != OWES_NOTHING)
		return MORE;
	return conn_finish(c,
			   buf_used(&c->in) > 0 ? CLOSE_message_incomplete : CLOSE_client_closed);
}

static enum verdict read_lines(struct conn *c)
{
	char line[LINE_MOST];

	while (!c->peer && !conn_has_output(c) && take_line(c, line)) {
		enum verdict verdict = run_line(c, line);

		if (verdict != MORE)
			return verdict;
	}
	return c->peer ? pair_relay(c) : end_lines(c);
}

/* A range that waits must go out first, and what is relayed is not interrupted. */
static enum verdict say_late(struct conn *c)
{
	static const char late[] = "late\n";
	struct mixed *m = conn_state(c);

	m->owes = OWES_NOW;
	if (conn_has_output(c))
		return MORE;
	if (c->record->output == OUTPUT_OPEN)
		buf_put(&c->out, late, sizeof(late) - 1);
	m->owes = OWES_NOTHING;
	return MORE;
}

static enum verdict go_on(struct conn *c)
{
	const struct mixed *m = conn_state(c);

	if (conn_is_client(c) && m->owes == OWES_NOW)
		return say_late(c);
	return c->peer ? pair_relay(c->peer) : read_lines(c);
}

static bool is_empty(const struct conn *c)
{
	return buf_used(&c->in) == 0 && !conn_has_output(c);
}

static bool is_idle(const struct conn *c)
{
	const struct mixed *m = conn_state_const(c);

	if (m->owes != OWES_NOTHING || !is_empty(c))
		return false;
	return !c->peer || (is_empty(c->peer) && conn_in_ended(c) == conn_in_ended(c->peer));
}

static bool is_sound(const struct conn *c)
{
	const struct mixed *m = conn_state_const(c);

	return m->owes <= OWES_NOW && (m->owes == OWES_LATER) == (c->record->due_ms != 0);
}

const struct service service_mixed = {
	.name = "mixed",
	.state_size = sizeof(struct mixed),
	.state_version = 1,
	.has_pairs = true,
	.conn_files = 2,
	.preface_ms = PREFACE_MS,
	.init = make_file,
	.preface = read_preface,
	.input = read_lines,
	.drained = go_on,
	.expired = say_late,
	.idle = is_idle,
	.is_sound = is_sound,
};
