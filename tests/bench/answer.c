/* SPDX-License-Identifier: MIT */
/* Knows when an answer is whole. Must not look at what it says beyond that. Called by links.c. */
#include "answer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The value of the header Content-Length; 0 when there is none. */
static size_t content_length(const char *head)
{
	static const char name[] = "\r\nContent-Length:";

	for (const char *at = head; (at = strstr(at, "\r\n")) != NULL; at += 2) {
		if (strncasecmp(at, name, sizeof(name) - 1) == 0)
			return strtoul(at + sizeof(name) - 1, NULL, 10);
	}
	return 0;
}

static void take_head(struct answer *a, const char *bytes, size_t n)
{
	size_t fits = n < ANSWER_HEAD - a->head ? n : ANSWER_HEAD - a->head;
	char *end;

	memcpy(a->text + a->head, bytes, fits);
	a->head += fits;
	a->text[a->head] = '\0';
	end = strstr(a->text, "\r\n\r\n");
	if (!end)
		return;
	end[2] = '\0';
	a->whole = (size_t)(end - a->text) + 4 + content_length(a->text);
}

bool answer_take(struct answer *a, enum answer_kind kind, size_t expected, const char *bytes,
		 size_t n)
{
	if (kind == ANSWER_HTTP && a->whole == 0)
		take_head(a, bytes, n);
	a->got += n;
	switch (kind) {
	case ANSWER_BYTES:
		return a->got >= expected;
	case ANSWER_HTTP:
		return a->whole > 0 && a->got >= a->whole;
	case ANSWER_END:
		break;
	}
	return false;
}

void answer_begin(struct answer *a)
{
	a->got = a->head = a->whole = 0;
}
