/* SPDX-License-Identifier: MIT */
/*
 * Both fields are lists of names with weights, of which the one that names a thing most exactly
 * counts. A member whose weight is invalid is ignored.
 */
#include "services/http/parse/http_accept.h"

#include <string.h>

struct member {
	struct http_text name;
	unsigned weight;
	bool has_parameters; /* others than the weight */
};

struct preference {
	unsigned exactness; /* 0: not named */
	unsigned weight;
};

/* 0 or 1 with up to three decimals, not above 1 (12.4.2). */
static bool read_weight(struct http_text text, unsigned *weight)
{
	unsigned scale = 100;

	if (text.length == 0 || text.length > 5 || (*text.at != '0' && *text.at != '1') ||
	    (text.length > 1 && text.at[1] != '.'))
		return false;
	*weight = (unsigned)(*text.at - '0') * HTTP_WEIGHT_MOST;
	for (size_t i = 2; i < text.length; i++, scale /= 10) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
		*weight += (unsigned)(text.at[i] - '0') * scale;
	}
	return *weight <= HTTP_WEIGHT_MOST;
}

static bool read_member(struct http_text text, struct member *member)
{
	struct http_text parameter;

	*member = (struct member){ .weight = HTTP_WEIGHT_MOST };
	http_text_next(&text, ';', &member->name);
	while (http_text_next(&text, ';', &parameter)) {
		struct http_text name = { parameter.at, 2 };

		if (parameter.length >= 2 && HTTP_TEXT_IS(name, "q="))
			return read_weight((struct http_text){ parameter.at + 2,
							       parameter.length - 2 },
					   &member->weight);
		member->has_parameters = true;
	}
	return true;
}

/* How exactly a member names the wanted thing; 0: not at all. */
typedef unsigned compare_member(const struct member *member, const char *wanted);

/* The first of the most exact members. */
static struct preference find_preference(const struct http_request *r, const char *head,
					 enum http_field field, compare_member *compare,
					 const char *wanted)
{
	struct preference found = { 0, 0 };
	struct http_text line = { 0 };

	while (http_field_next(r, head, field, &line)) {
		struct http_text list = line, text;
		struct member member;

		while (http_text_next(&list, ',', &text)) {
			unsigned exactness;

			if (!read_member(text, &member))
				continue;
			exactness = compare(&member, wanted);
			if (exactness > found.exactness)
				found = (struct preference){ exactness, member.weight };
		}
	}
	return found;
}

static bool is_string(struct http_text text, const char *string)
{
	return http_text_is(text, string, strlen(string));
}

static unsigned compare_coding(const struct member *member, const char *wanted)
{
	/* the older name (8.4.1.3) */
	bool is_alias = strcmp(wanted, "gzip") == 0 && HTTP_TEXT_IS(member->name, "x-gzip");

	if (is_alias || is_string(member->name, wanted))
		return 2;
	return HTTP_TEXT_IS(member->name, "*");
}

unsigned http_accept_coding(const struct http_request *r, const char *head, const char *coding)
{
	struct preference found =
		find_preference(r, head, HTTP_FIELD_ACCEPT_ENCODING, compare_coding, coding);

	if (found.exactness == 0)
		return strcmp(coding, "identity") == 0;
	return found.weight;
}

/* A type with parameters is still that type, but less exactly. */
static unsigned compare_type(const struct member *member, const char *wanted)
{
	size_t type = strcspn(wanted, "/") + 1;
	struct http_text front = { member->name.at, type };

	if (is_string(member->name, wanted))
		return member->has_parameters ? 3 : 4;
	if (member->name.length == type + 1 && member->name.at[type] == '*' &&
	    http_text_is(front, wanted, type))
		return 2;
	return HTTP_TEXT_IS(member->name, "*/*");
}

static struct preference find_type(const struct http_request *r, const char *head, const char *type)
{
	return find_preference(r, head, HTTP_FIELD_ACCEPT, compare_type, type);
}

bool http_accept_prefers(const struct http_request *r, const char *head, const char *first,
			 const char *second)
{
	struct preference a = find_type(r, head, first), b = find_type(r, head, second);

	if (a.weight != b.weight)
		return a.weight > b.weight;
	return a.weight > 0 && a.exactness > b.exactness;
}
