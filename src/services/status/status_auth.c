/* SPDX-License-Identifier: MIT */
/*
 * Decides whether a request may go on. It must neither keep nor log a password: what it remembers
 * are hashes under keys that the worker chose.
 */
#include "services/status/status_auth.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/siphash.h"
#include "base/sys.h"
#include "config/auth_users.h"
#include "services/http/http.h"
#include "services/http/parse/http_basic.h"
#include "services/http/parse/http_field.h"
#include "services/status/status_page.h"

#define REALM "WWW-Authenticate: Basic realm=\"prefork-srv\", charset=\"UTF-8\"\r\n"

enum {
	REMEMBERED = 256, /* credentials; twice as many as the users of two listeners */
	WAYS = 4,         /* places that one of them may have */
	SOURCES = 256,
	WAIT_MS = 1000, /* after the first failure; doubled by each further one */
	DOUBLINGS = 4,
	FORGET_MS = 60 * 1000, /* after its wait, a source has not failed */
	SHARE = 10,            /* one part of so many of the worker's time is for checks */
	BURST_US = 1000 * 1000 /* after a quiet time */
};

/* 128 bits; all zero: none. */
struct tag {
	uint64_t halves[2];
};

struct source {
	struct net block;
	int64_t until_ms; /* when it may ask again; 0: the place is free */
	unsigned failures;
};

/* This worker's alone, written here only. */
static struct {
	struct siphash_key keys[2];
	struct tag remembered[REMEMBERED];
	unsigned next_way;
	struct source sources[SOURCES];
	int64_t left_us, filled_us; /* time for checks, and when it was filled up */
	struct crypt_data room;
} state;

bool status_auth_start(const struct listen_conf *conf)
{
	static bool has_keys;

	if (!conf->users || has_keys)
		return true;
	if (sys_getrandom(state.keys, sizeof(state.keys)) != (ssize_t)sizeof(state.keys))
		return false;
	state.left_us = BURST_US;
	state.filled_us = clock_us();
	has_keys = true;
	return true;
}

/* --- Credentials that were right --- */

/* Of the user's hash as well, so that another listener's user of that name is another one. */
static struct tag make_tag(const struct http_basic *basic, const char *hash)
{
	char text[HTTP_BASIC_MOST + 1 + AUTH_HASH_MOST + 1];
	size_t length = strlen(hash) + 1;
	struct tag tag;

	memcpy(text, hash, length);
	memcpy(text + length, basic->bytes, basic->length);
	for (unsigned i = 0; i < 2; i++)
		tag.halves[i] = siphash(&state.keys[i], text, length + basic->length);
	explicit_bzero(text, sizeof(text));
	return tag;
}

static struct tag *find_set(const struct tag *tag)
{
	return &state.remembered[tag->halves[0] % (REMEMBERED / WAYS) * WAYS];
}

static bool is_remembered(const struct tag *tag)
{
	const struct tag *set = find_set(tag);
	bool found = false;

	for (unsigned i = 0; i < WAYS; i++)
		found |= auth_hash_same(&set[i], tag, sizeof(*tag));
	return found;
}

static void remember(const struct tag *tag)
{
	find_set(tag)[state.next_way++ % WAYS] = *tag;
}

/* --- Sources that have failed --- */

static struct net find_block(const struct conn *c)
{
	struct net block;

	/* clients of a unix socket have no address, and are one source */
	if (!net_block(&c->record->remote, (unsigned)c->conf->source_prefix4,
		       (unsigned)c->conf->source_prefix6, &block))
		block = (struct net){ .family = AF_UNIX };
	return block;
}

static struct source *find_source(const struct net *block, int64_t now_ms)
{
	for (unsigned i = 0; i < SOURCES; i++) {
		struct source *source = &state.sources[i];

		if (source->until_ms != 0 && source->until_ms + FORGET_MS > now_ms &&
		    net_equal(&source->block, block))
			return source;
	}
	return NULL;
}

/* Takes the place of the source that may ask again first. */
static struct source *add_source(const struct net *block)
{
	struct source *oldest = &state.sources[0];

	for (unsigned i = 1; i < SOURCES; i++)
		if (state.sources[i].until_ms < oldest->until_ms)
			oldest = &state.sources[i];
	*oldest = (struct source){ .block = *block };
	return oldest;
}

static void note_failure(const struct net *block, int64_t now_ms)
{
	struct source *source = find_source(block, now_ms);
	unsigned doublings;

	if (!source)
		source = add_source(block);
	doublings = source->failures < DOUBLINGS ? source->failures : DOUBLINGS;
	source->failures++;
	source->until_ms = now_ms + ((int64_t)WAIT_MS << doublings);
}

static void forget_failures(const struct net *block, int64_t now_ms)
{
	struct source *source = find_source(block, now_ms);

	if (source)
		*source = (struct source){ .until_ms = 0 };
}

/* --- The time for checks --- */

static void fill_up(int64_t now_us)
{
	state.left_us += (now_us - state.filled_us) / SHARE;
	state.filled_us = now_us;
	if (state.left_us > BURST_US)
		state.left_us = BURST_US;
}

static struct status_auth refuse(unsigned status, int64_t wait_ms)
{
	return (struct status_auth){ status, wait_ms > 0 ? (unsigned)((wait_ms + 999) / 1000) : 1 };
}

/* --- A request --- */

static bool read_credentials(const struct conn *c, const struct http_request *request,
			     struct http_basic *basic)
{
	return !http_field_is_repeated(request, HTTP_FIELD_AUTHORIZATION) &&
	       http_basic_read(basic, http_field_value(request, buf_head(&c->in),
						       HTTP_FIELD_AUTHORIZATION));
}

/* For a user that there is not, the hash of another one takes the same time. */
static const char *find_hash(const struct auth_users *users, const char *name, bool *is_user)
{
	const char *hash = users->list[0].hash;

	*is_user = false;
	for (size_t i = 0; i < users->count; i++) {
		if (strcmp(users->list[i].name, name) != 0)
			continue;
		hash = users->list[i].hash;
		*is_user = true;
	}
	return hash;
}

static void log_failed(const struct conn *c, const char *user)
{
	char remote[ADDR_TEXT];

	LOG(EVENT_authentication_failed, LOG_STR("listen", c->conf->address),
	    LOG_STR("remote", record_remote(c->record, remote)), LOG_STR("user", user));
}

static struct status_auth check(const struct conn *c, const struct http_basic *basic,
				const char *hash, bool is_user)
{
	struct net block = find_block(c);
	int64_t began_us = clock_us(), now_ms = began_us / 1000;
	const struct source *source = find_source(&block, now_ms);
	enum auth_match match;

	if (source && source->until_ms > now_ms)
		return refuse(429, source->until_ms - now_ms);
	fill_up(began_us);
	if (state.left_us <= 0)
		return refuse(503, -state.left_us * SHARE / 1000);
	match = auth_hash_match(hash, basic->password, &state.room);
	state.left_us -= clock_us() - began_us;
	if (match == AUTH_FAILED)
		return refuse(503, WAIT_MS);
	if (match == AUTH_MATCHES && is_user) {
		forget_failures(&block, now_ms);
		return (struct status_auth){ 0, 0 };
	}
	note_failure(&block, clock_ms());
	log_failed(c, basic->user);
	return refuse(401, 0);
}

static struct status_auth ask(const struct conn *c, const struct http_basic *basic)
{
	bool is_user;
	const char *hash = find_hash(c->conf->users, basic->user, &is_user);
	struct tag tag = make_tag(basic, hash);
	struct status_auth auth = { 0, 0 };

	if (is_user && is_remembered(&tag))
		return auth;
	auth = check(c, basic, hash, is_user);
	if (auth.status == 0)
		remember(&tag);
	return auth;
}

struct status_auth status_auth_ask(const struct conn *c, const struct http_request *request)
{
	struct status_auth auth = { 0, 0 };
	struct http_basic basic;

	if (!c->conf->users)
		return auth;
	auth = read_credentials(c, request, &basic) ? ask(c, &basic) : refuse(401, 0);
	explicit_bzero(&basic, sizeof(basic));
	return auth;
}

struct http_text status_auth_user(const struct conn *c, const struct http_request *request)
{
	static char user[AUTH_NAME_MOST + 1];
	struct http_text text = { NULL, 0 };
	struct http_basic basic;

	if (c->conf->users && read_credentials(c, request, &basic)) {
		text = (struct http_text){ user, strnlen(basic.user, AUTH_NAME_MOST) };
		memcpy(user, basic.user, text.length);
	}
	explicit_bzero(&basic, sizeof(basic));
	return text;
}

unsigned status_auth_refuse(struct buf *out, struct http_request *request, struct status_auth auth)
{
	char headers[sizeof(PAGE_GUARDS) + 64];

	if (auth.status == 401)
		return http_error(out, request, 401, PAGE_GUARDS REALM) ? 401 : 0;
	snprintf(headers, sizeof(headers), PAGE_GUARDS "Retry-After: %u\r\n", auth.retry_s);
	return http_error(out, request, auth.status, headers) ? auth.status : 0;
}
