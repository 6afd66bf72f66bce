/* SPDX-License-Identifier: MIT */
/* A text of a configuration must not end a header line, nor say what no client understands. */
#include "services/files/header_check.h"

#include <string.h>

#include "base/quote.h"
#include "services/files/open/root.h"
#include "services/http/parse/http_request.h"
#include "services/http/parse/http_text.h"

static bool has_control(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return true;
	return false;
}

/* --- NAME=VALUE, of a type's parameters and of Cache-Control --- */

struct pair {
	struct http_text name, value; /* value.at is NULL: there is none */
};

/* The text between the two places. */
static struct http_text text_between(const char *at, const char *end)
{
	return (struct http_text){ at, (size_t)(end - at) };
}

static const char *skip_blanks(const char *at)
{
	return at + strspn(at, " ");
}

/* Returns what is behind the token, or NULL. */
static const char *skip_token(const char *at, const char *end)
{
	const char *behind = http_skip(at, end, HTTP_TOKEN);

	return behind > at ? behind : NULL;
}

/* The same of a quoted string (RFC 9110 5.6.4), in a text without control characters. */
static const char *skip_quoted(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++)
		if (*at == '\\')
			at++;
	return at < end ? at + 1 : NULL;
}

/* The same of NAME or NAME=VALUE. */
static const char *read_pair(const char *at, const char *end, struct pair *pair)
{
	const char *behind = skip_token(at, end), *value;

	if (behind == NULL)
		return NULL;
	*pair = (struct pair){ .name = text_between(at, behind) };
	if (*behind != '=')
		return behind;
	value = behind + 1;
	behind = *value == '"' ? skip_quoted(value, end) : skip_token(value, end);
	if (behind)
		pair->value = text_between(value, behind);
	return behind;
}

/* --- Option default_type --- */

/* TOKEN/TOKEN; returns what is behind it, or NULL. */
static const char *skip_type(const char *type, const char *end)
{
	const char *slash = skip_token(type, end);

	return slash && *slash == '/' ? skip_token(slash + 1, end) : NULL;
}

static bool is_type(const char *type)
{
	const char *end = type + strlen(type), *at = skip_type(type, end);
	struct pair parameter;

	if (has_control(type) || at == NULL)
		return false;
	for (at = skip_blanks(at); *at == ';'; at = skip_blanks(at)) {
		at = read_pair(skip_blanks(at + 1), end, &parameter);
		if (at == NULL || parameter.value.at == NULL)
			return false;
	}
	return at == end;
}

static bool check_type(const char *type, struct err *err)
{
	char shown[QUOTE_TEXT];

	return is_type(type) ||
	       err_set(err, CODE_CONFIG,
		       "default_type: %s is not a media type (write one such as text/plain or "
		       "\"text/plain; charset=utf-8\")",
		       quote_show(type, shown));
}

/* --- Option cache_control --- */

static bool takes_seconds(struct http_text name)
{
	static const char *const names[] = { "max-age", "s-maxage", "stale-if-error",
					     "stale-while-revalidate" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (http_text_is(name, names[i], strlen(names[i])))
			return true;
	return false;
}

static bool is_number(struct http_text text)
{
	for (size_t i = 0; i < text.length; i++)
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
	return text.length > 0;
}

static bool is_directive(const struct pair *pair)
{
	if (*pair->name.at >= '0' && *pair->name.at <= '9')
		return false;
	return !takes_seconds(pair->name) || is_number(pair->value);
}

/* The empty value says that there is no such header. */
static bool is_cache_control(const char *value)
{
	const char *end = value + strlen(value), *at = value;
	struct pair directive;

	if (has_control(value))
		return false;
	if (*value == '\0')
		return true;
	do {
		at = read_pair(skip_blanks(at), end, &directive);
		if (at == NULL || !is_directive(&directive))
			return false;
		at = skip_blanks(at);
	} while (*at++ == ',');
	return at - 1 == end;
}

static bool check_cache_control(const char *value, struct err *err)
{
	char shown[QUOTE_TEXT];

	return is_cache_control(value) ||
	       err_set(err, CODE_CONFIG,
		       "cache_control: %s is not a list of directives, with times in seconds "
		       "(write no-cache, or \"public, max-age=3600\")",
		       quote_show(value, shown));
}

/* --- Option headers --- */

/* What the server says itself: twice would be a contradiction. */
static const struct {
	const char *name, *instead;
} reserved[] = {
	{ "accept-ranges", "leave it out" },
	{ "allow", "leave it out" },
	{ "connection", "leave it out" },
	{ "content-encoding", "leave it out" },
	{ "content-length", "leave it out" },
	{ "content-range", "leave it out" },
	{ "content-type", "write types or default_type" },
	{ "date", "leave it out" },
	{ "etag", "leave it out" },
	{ "last-modified", "leave it out" },
	{ "location", "write redirect" },
	{ "retry-after", "leave it out" },
	{ "server", "leave it out" },
	{ "transfer-encoding", "leave it out" },
};

/* What to write in place of a header that the server writes; NULL: it does not. */
static const char *find_instead(const struct listen_conf *conf, struct http_text name)
{
	for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++)
		if (http_text_is(name, reserved[i].name, strlen(reserved[i].name)))
			return reserved[i].instead;
	if (conf->cache_control[0] != '\0' && HTTP_TEXT_IS(name, "cache-control"))
		return "it has cache_control; leave one out";
	return NULL;
}

static const char *find_mistake(const char *line)
{
	const char *colon = strchr(line, ':');

	if (has_control(line))
		return "has control characters (write each header in a text of its own)";
	if (colon == NULL)
		return "has no colon behind its name (write \"X-Frame-Options: DENY\")";
	if (colon == line || http_skip(line, colon, HTTP_TOKEN) != colon)
		return "has a name that is none (write \"X-Frame-Options: DENY\")";
	if (colon[1 + strspn(colon + 1, " ")] == '\0')
		return "has no value (write \"X-Frame-Options: DENY\")";
	if (colon[1] != ' ')
		return "has no blank behind its colon (write \"X-Frame-Options: DENY\")";
	return NULL;
}

static bool check_line(const struct listen_conf *conf, const char *line, struct err *err)
{
	const char *mistake = find_mistake(line), *instead;
	char shown[QUOTE_TEXT];

	if (mistake)
		return err_set(err, CODE_CONFIG, "headers: %s %s", quote_show(line, shown),
			       mistake);
	instead = find_instead(conf, (struct http_text){ line, strcspn(line, ":") });
	return instead == NULL ||
	       err_set(err, CODE_CONFIG, "headers: %s is written by the server itself (%s)",
		       quote_show(line, shown), instead);
}

static bool check_lines(const struct listen_conf *conf, struct err *err)
{
	size_t used = 0;

	for (size_t i = 0; i < conf->headers.count; i++) {
		if (!check_line(conf, conf->headers.texts[i], err))
			return false;
		used += strlen(conf->headers.texts[i]) + strlen("\r\n");
	}
	return used < ROOT_HEADERS ||
	       err_set(err, CODE_CONFIG, "headers: all together have more than %d bytes",
		       ROOT_HEADERS - 1);
}

bool header_check(const struct listen_conf *conf, struct err *err)
{
	return check_type(conf->default_type, err) &&
	       check_cache_control(conf->cache_control, err) && check_lines(conf, err);
}
