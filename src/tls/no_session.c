/* SPDX-License-Identifier: MIT */
/*
 * What stands for tls/session.c in a program without TLS: no listener has it there (config/conf_tls
 * sees to that), so that a call is a defect.
 */
#include "tls/session.h"

#include "base/err.h"

bool session_start(struct sessions *sessions, const struct session_memory *memory, uint32_t maker)
{
	(void)sessions;
	(void)memory;
	(void)maker;
	BUG_ON(true);
}

void session_begin_claims(struct sessions *sessions)
{
	(void)sessions;
	BUG_ON(true);
}

bool session_claim(struct sessions *sessions, uint32_t number)
{
	(void)sessions;
	(void)number;
	BUG_ON(true);
}

void session_disown(struct sessions *sessions, uint32_t number)
{
	(void)sessions;
	(void)number;
	BUG_ON(true);
}

void session_settle(struct sessions *sessions)
{
	(void)sessions;
	BUG_ON(true);
}

uint64_t session_strays(void)
{
	BUG_ON(true);
}

size_t session_memory_used(const struct sessions *sessions)
{
	(void)sessions;
	BUG_ON(true);
}

bool session_open(struct sessions *sessions, uint32_t number, struct ssl_ctx_st *context, int fd)
{
	(void)sessions;
	(void)number;
	(void)context;
	(void)fd;
	BUG_ON(true);
}

enum session_end session_handshake(struct sessions *sessions, uint32_t number)
{
	(void)sessions;
	(void)number;
	BUG_ON(true);
}

enum session_end session_receive(struct sessions *sessions, uint32_t number, char *to, size_t size,
				 size_t *moved)
{
	(void)sessions;
	(void)number;
	(void)to;
	(void)size;
	(void)moved;
	BUG_ON(true);
}

size_t session_owed(const struct sessions *sessions, uint32_t number)
{
	(void)sessions;
	(void)number;
	BUG_ON(true);
}

enum session_end session_send(struct sessions *sessions, uint32_t number, const char *bytes,
			      size_t size, size_t *moved)
{
	(void)sessions;
	(void)number;
	(void)bytes;
	(void)size;
	(void)moved;
	BUG_ON(true);
}

enum session_end session_finish(struct sessions *sessions, uint32_t number)
{
	(void)sessions;
	(void)number;
	BUG_ON(true);
}

bool session_has_input(const struct sessions *sessions, uint32_t number)
{
	(void)sessions;
	(void)number;
	BUG_ON(true);
}

void session_close(struct sessions *sessions, uint32_t number)
{
	(void)sessions;
	(void)number;
	BUG_ON(true);
}

void session_facts(struct sessions *sessions, uint32_t number, struct session_facts *facts)
{
	(void)sessions;
	(void)number;
	(void)facts;
	BUG_ON(true);
}

const char *session_reason_text(void)
{
	BUG_ON(true);
}

bool session_is_plain_http(void)
{
	BUG_ON(true);
}
