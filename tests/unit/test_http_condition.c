/* SPDX-License-Identifier: MIT */
/* Tests of http_condition: each field, their order, and values that are wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/http/parse/http_condition.h"
#include "services/http/parse/http_parse.h"

/* The file: tag "v", last modified at 08:49:37, and it is long after that. */
#define EARLIER "Sun, 06 Nov 1994 08:49:36 GMT"
#define EXACTLY "Sun, 06 Nov 1994 08:49:37 GMT"
#define LATER   "Sun, 06 Nov 1994 08:49:38 GMT"

#define IM  "If-Match: "
#define INM "If-None-Match: "
#define IMS "If-Modified-Since: "
#define IUS "If-Unmodified-Since: "
#define IR  "If-Range: "

enum { MODIFIED_S = 784111777, NOW_S = 1795341600 };

static const struct http_validators file = { { "\"v\"", 3 }, MODIFIED_S, NOW_S };

/* Parses in memory of just that size, which the caller frees. */
static char *ask(struct http_request *r, const char *method, const char *lines)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "%s / HTTP/1.0\r\n%s\r\n", method, lines);
	char *exact = malloc((size_t)n);

	assert_true(n < (int)sizeof(text));
	memcpy(exact, text, (size_t)n);
	http_parse_begin(r);
	assert_int_equal(http_parse(r, exact, (size_t)n), HTTP_WHOLE);
	return exact;
}

static unsigned judge(const char *method, const char *lines, const struct http_validators *v)
{
	struct http_request r;
	char *head = ask(&r, method, lines);
	unsigned status = http_condition_judge(&r, head, v);

	free(head);
	return status;
}

static const struct {
	unsigned get, put; /* the result, for a GET and for a method that is neither GET nor HEAD */
	const char *lines;
} conditions[] = {
	{ 200, 200, "" },
	/* 13.1.1: If-Match compares strongly */
	{ 200, 200, IM "*\r\n" },
	{ 200, 200, IM "\"v\"\r\n" },
	{ 200, 200, IM "\"a\", \"v\"\r\n" },
	{ 200, 200, IM "\"a\",\"v\",\"b\"\r\n" },
	{ 200, 200, IM "\"a\"\r\n" IM "\"v\"\r\n" },
	{ 412, 412, IM "W/\"v\"\r\n" },
	{ 412, 412, IM "\"a\"\r\n" },
	{ 412, 412, IM "\"a\", W/\"v\"\r\n" },
	{ 412, 412, IM "\"vv\"\r\n" },
	{ 412, 412, IM "\"V\"\r\n" },
	{ 412, 412, IM "\"\"\r\n" },
	{ 412, 412, IM "\"a\"\r\n" IM "\"b\"\r\n" },
	{ 412, 412, IM "\r\n" },
	{ 412, 412, IM ",\r\n" },
	{ 412, 412, IM "v\r\n" },
	{ 412, 412, IM "'v'\r\n" },
	{ 412, 412, IM "\"v\r\n" },
	{ 412, 412, IM "v\"\r\n" },
	{ 412, 412, IM "\"v\" \"a\"\r\n" },
	{ 412, 412, IM "\"v\"\"a\"\r\n" },
	{ 412, 412, IM "\"v\", a\r\n" },
	{ 412, 412, IM "\"v\"\r\n" IM "a\r\n" },
	{ 412, 412, IM "*, \"v\"\r\n" },
	{ 412, 412, IM "\"v\", *\r\n" },
	{ 412, 412, IM "*\r\n" IM "*\r\n" },
	{ 412, 412, IM "\"*\"\r\n" },
	/* 13.1.2: If-None-Match compares weakly */
	{ 304, 412, INM "*\r\n" },
	{ 304, 412, INM "\"v\"\r\n" },
	{ 304, 412, INM "W/\"v\"\r\n" },
	{ 304, 412, INM "\"a\" , W/\"v\"\r\n" },
	{ 304, 412, INM ",, \"a\",\t,\"v\" ,\r\n" },
	{ 304, 412, INM "\"a,b\",\"v\"\r\n" },
	{ 304, 412, INM "\"\\\",\"v\"\r\n" },
	{ 304, 412, INM "\"\xe9!\", \"v\"\r\n" },
	{ 304, 412, INM "\"a\"\r\nA: b\r\n" INM "\"v\"\r\n" },
	{ 200, 200, INM "\"a\"\r\n" },
	{ 200, 200, INM "\"a\", W/\"b\"\r\n" },
	{ 200, 200, INM "\"a,\"v\",b\"\r\n" },
	{ 200, 200, INM "\"\r\n" },
	{ 200, 200, INM "\r\n" },
	{ 200, 200, INM "w/\"v\"\r\n" },
	{ 200, 200, INM "W /\"v\"\r\n" },
	{ 200, 200, INM "W/ \"v\"\r\n" },
	{ 200, 200, INM "W/\r\n" },
	{ 200, 200, INM "W/W/\"v\"\r\n" },
	{ 200, 200, INM "v\r\n" },
	{ 200, 200, INM "\"v \"\r\n" },
	{ 200, 200, INM "\"v\"; a\r\n" },
	{ 200, 200, INM "*, \"v\"\r\n" },
	{ 200, 200, INM "\"v\"\r\n" INM "*\r\n" },
	{ 200, 200, INM "**\r\n" },
	/* 13.1.3: If-Modified-Since, for GET and HEAD */
	{ 304, 200, IMS EXACTLY "\r\n" },
	{ 304, 200, IMS LATER "\r\n" },
	{ 304, 200, IMS "Sunday, 06-Nov-94 08:49:37 GMT\r\n" },
	{ 304, 200, IMS "Sun Nov  6 08:49:37 1994\r\n" },
	{ 200, 200, IMS EARLIER "\r\n" },
	{ 200, 200, IMS "\r\n" },
	{ 200, 200, IMS "1\r\n" },
	{ 200, 200, IMS "Mon, 06 Nov 1994 08:49:37 GMT\r\n" },
	{ 200, 200, IMS LATER ", " LATER "\r\n" },
	{ 200, 200, IMS LATER "\r\n" IMS LATER "\r\n" },
	/* 13.1.4: If-Unmodified-Since */
	{ 200, 200, IUS EXACTLY "\r\n" },
	{ 200, 200, IUS LATER "\r\n" },
	{ 412, 412, IUS EARLIER "\r\n" },
	{ 412, 412, IUS "Sunday, 06-Nov-94 08:49:36 GMT\r\n" },
	{ 200, 200, IUS "\r\n" },
	{ 200, 200, IUS "yesterday\r\n" },
	{ 200, 200, IUS EARLIER ", " EARLIER "\r\n" },
	{ 200, 200, IUS EARLIER "\r\n" IUS EARLIER "\r\n" },
	/* 13.2.2: the tags replace the dates, even if they are wrong; the order */
	{ 200, 200, IM "\"v\"\r\n" IUS EARLIER "\r\n" },
	{ 412, 412, IUS LATER "\r\n" IM "\"a\"\r\n" },
	{ 412, 412, IM "v\r\n" IUS LATER "\r\n" },
	{ 200, 200, INM "\"a\"\r\n" IMS LATER "\r\n" },
	{ 200, 200, INM "v\r\n" IMS LATER "\r\n" },
	{ 200, 200, INM "\r\n" IMS LATER "\r\n" },
	{ 304, 412, IMS EARLIER "\r\n" INM "\"v\"\r\n" },
	{ 412, 412, IM "\"a\"\r\n" INM "\"v\"\r\n" },
	{ 304, 412, IM "\"v\"\r\n" INM "\"v\"\r\n" },
	{ 304, 200, IM "\"v\"\r\n" IMS LATER "\r\n" },
	{ 412, 412, IUS EARLIER "\r\n" INM "\"v\"\r\n" },
	{ 412, 412, IUS EARLIER "\r\n" IMS LATER "\r\n" },
	{ 304, 200, IUS LATER "\r\n" IMS LATER "\r\n" },
	{ 304, 200, IUS "x\r\n" IMS LATER "\r\n" },
	/* If-Range and Range are judged apart */
	{ 200, 200, "Range: bytes=0-1\r\n" IR "\"a\"\r\n" },
	{ 304, 412, "Range: bytes=0-1\r\n" IR "\"a\"\r\n" INM "\"v\"\r\n" },
};

static void conditions__have_their_status(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
		const char *lines = conditions[i].lines;
		unsigned get = judge("GET", lines, &file), put = judge("PUT", lines, &file);

		if (get != conditions[i].get || put != conditions[i].put)
			fail_msg("%u and %u: %s", get, put, lines);
		assert_int_equal(judge("HEAD", lines, &file), get);
	}
}

/* A file without a tag exists all the same. */
static void no_tag__matches_none(void **state)
{
	const struct http_validators untagged = { .modified_s = MODIFIED_S, .now_s = NOW_S };

	(void)state;
	assert_int_equal(judge("GET", IM "*\r\n", &untagged), 200);
	assert_int_equal(judge("GET", IM "\"v\"\r\n", &untagged), 412);
	assert_int_equal(judge("GET", INM "*\r\n", &untagged), 304);
	assert_int_equal(judge("GET", INM "\"v\", \"\"\r\n", &untagged), 200);
	assert_int_equal(judge("GET", IMS EXACTLY "\r\n", &untagged), 304);
}

static bool allows(const char *lines, const struct http_validators *v)
{
	struct http_request r;
	char *head = ask(&r, "GET", lines);
	bool is_allowed = http_condition_allows_range(&r, head, v);

	free(head);
	return is_allowed;
}

/* 13.1.5 */
static void if_range__allows_only_what_is_sure(void **state)
{
	static const struct {
		bool is_allowed;
		const char *lines;
	} rows[] = {
		{ true, "" },
		{ true, INM "\"a\"\r\n" },
		{ true, IR "\"v\"\r\n" },
		{ true, IR "\t \"v\" \r\n" },
		{ false, IR "W/\"v\"\r\n" },
		{ false, IR "\"a\"\r\n" },
		{ false, IR "\"va\"\r\n" },
		{ false, IR "\"av\"\r\n" },
		{ false, IR "\"V\"\r\n" },
		{ false, IR "\"v\r\n" },
		{ false, IR "v\r\n" },
		{ false, IR "\r\n" },
		{ false, IR "*\r\n" },
		{ false, IR "\"a\", \"v\"\r\n" },
		{ false, IR "\"v\", \"a\"\r\n" },
		{ false, IR "\"v\",\r\n" },
		{ false, IR "\"v\" \"v\"\r\n" },
		{ false, IR "\"v\"\r\n" IR "\"v\"\r\n" },
		{ true, IR EXACTLY "\r\n" },
		{ true, IR "Sunday, 06-Nov-94 08:49:37 GMT\r\n" },
		{ false, IR EARLIER "\r\n" },
		{ false, IR LATER "\r\n" },
		{ false, IR EXACTLY ", " EXACTLY "\r\n" },
		{ false, IR EXACTLY "\r\n" IR EXACTLY "\r\n" },
		{ false, IR "784111777\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (allows(rows[i].lines, &file) != rows[i].is_allowed)
			fail_msg("%s", rows[i].lines);
}

/* 8.8.2.2: in the second of the last change, which the second before stands for, it may change. */
static void if_range__with_the_date_of_now__allows_none(void **state)
{
	static const struct {
		int64_t age_s;
		bool is_allowed;
	} rows[] = { { -1, false }, { 0, false }, { 1, false }, { 2, true } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_validators v = file;

		v.now_s = v.modified_s + rows[i].age_s;
		assert_int_equal(allows(IR EXACTLY "\r\n", &v), rows[i].is_allowed);
		assert_true(allows(IR "\"v\"\r\n", &v));
		v.tag = (struct http_text){ 0 };
		assert_int_equal(allows(IR EXACTLY "\r\n", &v), rows[i].is_allowed);
		assert_false(allows(IR "\"v\"\r\n", &v));
		assert_false(allows(IR "\r\n", &v));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions__have_their_status),
		cmocka_unit_test(no_tag__matches_none),
		cmocka_unit_test(if_range__allows_only_what_is_sure),
		cmocka_unit_test(if_range__with_the_date_of_now__allows_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
