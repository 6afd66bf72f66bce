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

static struct http_text text_of(const char *text)
{
	return (struct http_text){ text, strlen(text) };
}

static const char *end_of(struct http_text text)
{
	return text.at + text.length;
}

/* --- NAME=VALUE, of a type's parameters and of Cache-Control --- */

static bool is_value(const char *value, const char *end)
{
	if (value < end && *value == '"')
		return end - value >= 2 && end[-1] == '"';
	return value < end && http_skip(value, end, HTTP_TOKEN) == end;
}

/* Returns where the "=" or the end of the text is; NULL: the name or the value is none. */
static const char *find_equals(struct http_text text)
{
	const char *end = end_of(text), *equals = http_skip(text.at, end, HTTP_TOKEN);

	if (equals == text.at || (equals < end && (*equals != '=' || !is_value(equals + 1, end))))
		return NULL;
	return equals;
}

/* --- Option default_type --- */

/* TOKEN/TOKEN; returns what is behind it, or NULL. */
static const char *skip_type(const char *type, const char *end)
{
	const char *slash = http_skip(type, end, HTTP_TOKEN), *behind;

	if (slash == type || slash == end || *slash != '/')
		return NULL;
	behind = http_skip(slash + 1, end, HTTP_TOKEN);
	return behind > slash + 1 ? behind : NULL;
}

static bool is_type(const char *type)
{
	const char *behind = skip_type(type, type + strlen(type));
	struct http_text rest, parameter;

	if (has_control(type) || behind == NULL)
		return false;
	behind += strspn(behind, " ");
	rest = text_of(behind);
	if (rest.length > 0 && *behind != ';')
		return false;
	while (http_text_next(&rest, ';', &parameter)) {
		const char *equals = find_equals(parameter);

		if (equals == NULL || equals == end_of(parameter))
			return false;
	}
	return true;
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

static bool is_directive(struct http_text text)
{
	const char *equals = find_equals(text), *end = end_of(text);

	if (equals == NULL || (*text.at >= '0' && *text.at <= '9'))
		return false;
	if (!takes_seconds((struct http_text){ text.at, (size_t)(equals - text.at) }))
		return true;
	for (const char *digit = equals + 1; digit < end; digit++)
		if (*digit < '0' || *digit > '9')
			return false;
	return equals < end;
}

static bool is_cache_control(const char *value)
{
	struct http_text list = text_of(value), directive;

	if (has_control(value))
		return false;
	while (http_text_next(&list, ',', &directive))
		if (!is_directive(directive))
			return false;
	return true;
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
	{ "connection", "leave it out" },
	{ "content-encoding", "leave it out" },
	{ "content-length", "leave it out" },
	{ "content-range", "leave it out" },
	{ "content-type", "write types or default_type" },
	{ "date", "leave it out" },
	{ "etag", "leave it out" },
	{ "last-modified", "leave it out" },
	{ "location", "write redirect" },
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
