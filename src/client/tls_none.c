/* SPDX-License-Identifier: MIT */
/* What stands for TLS in a program that was built without it: the flags are refused. */
#include <errno.h>

#include "client/tls_context.h"
#include "client/tls_stream.h"

bool tls_flags_read(struct tls_flags *flags, enum tls_flag letter, const char *value,
		    struct err *err)
{
	(void)flags;
	(void)letter;
	(void)value;
	return err_set(err, CODE_USAGE,
		       "this program was built without TLS: it has no --tls, and no flag that goes "
		       "with it");
}

bool tls_flags_check(const struct tls_flags *flags, struct err *err)
{
	return !flags->is_wanted ||
	       err_set(err, CODE_USAGE, "this program was built without TLS: it has no https");
}

struct tls_context *tls_context_new(const struct tls_flags *flags, const char *target,
				    struct err *err)
{
	(void)flags;
	(void)target;
	err_set(err, CODE_USAGE, "this program was built without TLS");
	return NULL;
}

void tls_context_free(struct tls_context *context)
{
	(void)context;
}

bool tls_stream_open(struct tls_stream *stream, struct tls_context *context, int fd)
{
	(void)stream;
	(void)context;
	(void)fd;
	errno = ENOSYS;
	return false;
}

enum tls_handshake tls_stream_handshake(struct tls_stream *stream)
{
	(void)stream;
	return TLS_HANDSHAKE_FAILED;
}

ssize_t tls_stream_receive(struct tls_stream *stream, char *to, size_t size)
{
	(void)stream;
	(void)to;
	(void)size;
	errno = ENOSYS;
	return -1;
}

ssize_t tls_stream_send(struct tls_stream *stream, const char *bytes, size_t size)
{
	(void)stream;
	(void)bytes;
	(void)size;
	errno = ENOSYS;
	return -1;
}

bool tls_stream_is_resumed(const struct tls_stream *stream)
{
	(void)stream;
	return false;
}

bool tls_stream_notify(struct tls_stream *stream)
{
	(void)stream;
	return true;
}

void tls_stream_close(struct tls_stream *stream)
{
	(void)stream;
}

void tls_stream_forget(struct tls_stream *stream)
{
	(void)stream;
}

void tls_stream_read_facts(const struct tls_stream *stream, struct tls_facts *facts)
{
	(void)stream;
	*facts = (struct tls_facts){ .protocol = "", .cipher = "", .group = "" };
}

const char *tls_stream_describe_end(const struct tls_stream *stream, char *text)
{
	(void)stream;
	text[0] = '\0';
	return text;
}
