/* SPDX-License-Identifier: MIT */
/* Draws a lesson and counts its claims. Knows nothing of sockets. */
#include "demo/output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/stdio.h"
#include "demo/step.h"

enum {
	MARGIN = 1,
	WIRE_WIDTH = 13,
	FEW = 2,          /* so many processes leave room for a wide client's column */
	CLIENT_WIDE = 25, /* characters, the gap included */
	CLIENT_NARROW = 17,
	INDENT = 2,
	TEXT_MOST = 1024,
	LINE_MOST = 78,
};

static const char plain[] = "\033[0m", bold[] = "\033[1m", dim[] = "\033[2m", green[] = "\033[32m",
		  red[] = "\033[1;31m", yellow[] = "\033[33m";

static const char *colour(const struct stage *stage, const char *code)
{
	return stage->has_colour ? code : "";
}

/* A reader that has gone away ends the lesson: the parent says why. */
static void flush(void)
{
	if (fflush(stdout) != 0)
		_exit(CODE_OSERR);
}

void stage_open(struct stage *stage, struct tally *tally)
{
	memset(stage, 0, sizeof(*stage));
	stage->tally = tally;
	stage->has_colour = stdio_has_colour(STDOUT_FILENO);
}

void stage_title(struct stage *stage, const char *name, const char *sentence)
{
	printf("%s%s%s: %s\n", colour(stage, bold), name, colour(stage, plain), sentence);
	flush();
}

/*
 * Prints words filled to LINE_MOST, the first line after `used` columns, the others after `indent`.
 */
static void fill(const char *text, unsigned used, unsigned indent)
{
	bool begins = true;

	while (*text != '\0') {
		size_t word = strcspn(text, " ");

		if (!begins && used + 1 + word > LINE_MOST) {
			printf("\n%*s", (int)indent, "");
			used = indent;
			begins = true;
		}
		printf("%s%.*s", begins ? "" : " ", (int)word, text);
		used += (unsigned)word + !begins;
		begins = false;
		text += word;
		text += *text == ' ';
	}
	putchar('\n');
	flush();
}

void stage_say(struct stage *stage, const char *format, ...)
{
	char text[TEXT_MOST];
	va_list list;

	(void)stage;
	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	putchar('\n');
	fill(text, 0, 0);
}

/* What the client and the wire leave is shared by the processes. */
void stage_cast(struct stage *stage, const char *const *names)
{
	unsigned processes = 0, client, first;

	while (names[processes] != NULL)
		processes++;
	BUG_ON(processes == 0 || processes > STAGE_PROCESSES);
	client = processes <= FEW ? CLIENT_WIDE : CLIENT_NARROW;
	first = MARGIN + client + WIRE_WIDTH + 2;
	stage->columns = 1 + processes;
	stage->wire_at = MARGIN + client;
	for (unsigned i = 0; i < stage->columns; i++) {
		stage->column[i].name = i == STAGE_CLIENT ? "client" : names[i - 1];
		stage->column[i].at = i == STAGE_CLIENT ?
					      MARGIN :
					      first + (i - 1) * ((STAGE_WIDTH - first) / processes);
		stage->column[i].has_line = true;
	}
}

/* Writes text over the line at that place; left of it when it would not fit. */
static void put(struct stage *stage, unsigned at, const char *text)
{
	size_t n = strlen(text);

	if (stage->line[0] == '\0')
		snprintf(stage->line, sizeof(stage->line), "%*s", STAGE_WIDTH, "");
	if (n > STAGE_WIDTH)
		n = STAGE_WIDTH;
	if (at + n > STAGE_WIDTH)
		at = (unsigned)(STAGE_WIDTH - n);
	memcpy(stage->line + at, text, n);
}

static void print_line(struct stage *stage)
{
	size_t n = strlen(stage->line);

	while (n > 0 && stage->line[n - 1] == ' ')
		n--;
	printf("%.*s\n", (int)n, stage->line);
	stage->line[0] = '\0';
	flush();
}

void stage_scene_at_once(struct stage *stage, const char *heading)
{
	stage->has_scene = true;
	printf("\n%s%s%s\n\n", colour(stage, bold), heading, colour(stage, plain));
	for (unsigned i = 0; i < stage->columns; i++)
		put(stage, stage->column[i].at, stage->column[i].name);
	put(stage, stage->wire_at + 3, "wire");
	print_line(stage);
}

void stage_scene(struct stage *stage, const char *heading)
{
	if (stage->has_scene && !pause_wait()) {
		stage->tally->has_quit = true;
		_exit(CODE_OK);
	}
	stage_scene_at_once(stage, heading);
}

void stage_hold(struct stage *stage, unsigned column, bool holds)
{
	stage->column[column].has_line = holds;
}

void stage_cell(struct stage *stage, unsigned column, const char *format, ...)
{
	char text[STAGE_WIDTH + 1];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	put(stage, stage->column[column].at, text);
}

void stage_arrow(struct stage *stage, enum direction direction, const char *label)
{
	char arrow[WIRE_WIDTH + 1];
	size_t length = sizeof(arrow) - 1, n = strlen(label), at;

	memset(arrow, '-', length);
	arrow[length] = '\0';
	if (direction == TO_SERVER)
		arrow[length - 1] = '>';
	else
		arrow[0] = '<';
	if (n > length - 4)
		n = length - 4;
	at = (length - n) / 2;
	if (n > 0) {
		arrow[at - 1] = ' ';
		memcpy(arrow + at, label, n);
		arrow[at + n] = ' ';
	}
	put(stage, stage->wire_at, arrow);
}

void stage_line(struct stage *stage)
{
	if (stage->line[0] == '\0')
		put(stage, 0, "");
	for (unsigned i = 0; i < stage->columns; i++) {
		char *place = &stage->line[stage->column[i].at];

		/* a text that reaches over the neighbour's line hides it */
		if (place[0] == ' ' && place[-1] == ' ' && place[1] == ' ')
			place[0] = stage->column[i].has_line ? '|' : '.';
	}
	print_line(stage);
}

void stage_row(struct stage *stage, const char *format, ...)
{
	char text[STAGE_WIDTH + 1];
	va_list list;

	(void)stage;
	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	printf("    %.*s\n", STAGE_WIDTH - 4, text);
	flush();
}

void stage_kernel(struct stage *stage, const char *format, ...)
{
	char text[TEXT_MOST];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	printf("%s    kernel: ", colour(stage, dim));
	fill(text, sizeof("    kernel: ") - 1, sizeof("    kernel: ") - 1);
	printf("%s", colour(stage, plain));
	flush();
}

/* " ok " and the sentence. */
static void print_claim(const struct stage *stage, const char *word, const char *code,
			const char *text)
{
	printf("  %s%-6s%s  ", colour(stage, code), word, colour(stage, plain));
	fill(text, INDENT + 8, INDENT + 8);
}

void stage_claim(struct stage *stage, bool holds, const char *format, ...)
{
	char text[TEXT_MOST];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	if (holds)
		stage->tally->held++;
	else
		stage->tally->broken++;
	print_claim(stage, holds ? "ok" : "BROKEN", holds ? green : red, text);
}

void stage_unknown(struct stage *stage, const char *why, const char *format, ...)
{
	char text[TEXT_MOST];
	size_t used;
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	used = strlen(text);
	snprintf(text + used, sizeof(text) - used, " (not checkable here: %s)", why);
	stage->tally->unknown++;
	print_claim(stage, "?", yellow, text);
}

void stage_give_up(struct stage *stage, const char *call)
{
	char why[256];

	snprintf(why, sizeof(why), "%s: %s", call, errno == 0 ? "it has ended" : strerror(errno));
	if (stage->line[0] != '\0')
		stage_line(stage);
	stage_unknown(stage, why, "the rest of this lesson");
	flush();
	_exit(CODE_OK);
}
