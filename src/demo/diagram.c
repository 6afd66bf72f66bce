/* SPDX-License-Identifier: MIT */
/* Draws a lesson and counts its claims. Must not touch sockets. */
#include "demo/diagram.h"

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
	FEW = 2,          /* the client's column is wide for up to so many processes */
	CLIENT_WIDE = 25, /* characters, the gap included */
	CLIENT_NARROW = 17,
	INDENT = 2,
	TEXT_MOST = 1024,
	LINE_MOST = 78,
};

static const char plain[] = "\033[0m", bold[] = "\033[1m", dim[] = "\033[2m", green[] = "\033[32m",
		  red[] = "\033[1;31m", yellow[] = "\033[33m";

static const char *get_colour(const struct diagram *out, const char *code)
{
	return out->has_colour ? code : "";
}

/* When the reader of stdout is gone the lesson ends; the parent reports it. */
static void flush_output(const struct diagram *out)
{
	if (fflush(stdout) == 0)
		return;
	out->claims->output_error = errno;
	_exit(CODE_OSERR);
}

void diagram_init(struct diagram *out, struct claims *claims)
{
	memset(out, 0, sizeof(*out));
	out->claims = claims;
	out->has_colour = stdio_has_colour(STDOUT_FILENO);
}

void diagram_title(struct diagram *out, const char *name, const char *sentence)
{
	printf("%s%s%s: %s\n", get_colour(out, bold), name, get_colour(out, plain), sentence);
	flush_output(out);
}

/*
 * Prints words filled to LINE_MOST, the first line after `used` columns, the others after `indent`.
 */
static void print_filled(const struct diagram *out, const char *text, unsigned used,
			 unsigned indent)
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
	flush_output(out);
}

void diagram_paragraph(struct diagram *out, const char *format, ...)
{
	char text[TEXT_MOST];
	va_list list;

	(void)out;
	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	putchar('\n');
	print_filled(out, text, 0, 0);
}

/* The processes share the width that the client and the wire leave. */
void diagram_columns(struct diagram *out, const char *const *names)
{
	unsigned processes = 0, client, first;

	while (names[processes] != NULL)
		processes++;
	BUG_ON(processes == 0 || processes > DIAGRAM_PROCESSES);
	client = processes <= FEW ? CLIENT_WIDE : CLIENT_NARROW;
	first = MARGIN + client + WIRE_WIDTH + 2;
	out->columns = 1 + processes;
	out->wire_at = MARGIN + client;
	for (unsigned i = 0; i < out->columns; i++) {
		out->column[i].name = i == DIAGRAM_CLIENT ? "client" : names[i - 1];
		out->column[i].at = i == DIAGRAM_CLIENT ?
					    MARGIN :
					    first + (i - 1) * ((DIAGRAM_WIDTH - first) / processes);
		out->column[i].has_lifeline = true;
	}
}

/* Writes text over the line at that place; further left when it would not fit. */
static void put_text(struct diagram *out, unsigned at, const char *text)
{
	size_t n = strlen(text);

	if (out->line[0] == '\0')
		snprintf(out->line, sizeof(out->line), "%*s", DIAGRAM_WIDTH, "");
	if (n > DIAGRAM_WIDTH)
		n = DIAGRAM_WIDTH;
	if (at + n > DIAGRAM_WIDTH)
		at = (unsigned)(DIAGRAM_WIDTH - n);
	memcpy(out->line + at, text, n);
}

static void print_line(struct diagram *out)
{
	size_t n = strlen(out->line);

	while (n > 0 && out->line[n - 1] == ' ')
		n--;
	printf("%.*s\n", (int)n, out->line);
	out->line[0] = '\0';
	flush_output(out);
}

void diagram_scene_at_once(struct diagram *out, const char *heading)
{
	out->has_scene = true;
	printf("\n%s%s%s\n\n", get_colour(out, bold), heading, get_colour(out, plain));
	for (unsigned i = 0; i < out->columns; i++)
		put_text(out, out->column[i].at, out->column[i].name);
	put_text(out, out->wire_at + 3, "wire");
	print_line(out);
}

void diagram_scene(struct diagram *out, const char *heading)
{
	if (out->has_scene && !step_wait()) {
		out->claims->has_quit = true;
		_exit(CODE_OK);
	}
	diagram_scene_at_once(out, heading);
}

void diagram_lifeline(struct diagram *out, unsigned column, bool holds)
{
	out->column[column].has_lifeline = holds;
}

void diagram_cell(struct diagram *out, unsigned column, const char *format, ...)
{
	char text[DIAGRAM_WIDTH + 1];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	put_text(out, out->column[column].at, text);
}

void diagram_arrow(struct diagram *out, enum direction direction, const char *label)
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
	put_text(out, out->wire_at, arrow);
}

void diagram_line(struct diagram *out)
{
	if (out->line[0] == '\0')
		put_text(out, 0, "");
	for (unsigned i = 0; i < out->columns; i++) {
		char *place = &out->line[out->column[i].at];

		/* a text that reaches over the neighbour's line hides it */
		if (place[0] == ' ' && place[-1] == ' ' && place[1] == ' ')
			place[0] = out->column[i].has_lifeline ? '|' : '.';
	}
	print_line(out);
}

void diagram_row(struct diagram *out, const char *format, ...)
{
	char text[DIAGRAM_WIDTH + 1];
	va_list list;

	(void)out;
	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	printf("    %.*s\n", DIAGRAM_WIDTH - 4, text);
	flush_output(out);
}

void diagram_kernel(struct diagram *out, const char *format, ...)
{
	char text[TEXT_MOST];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	printf("%s    kernel: ", get_colour(out, dim));
	print_filled(out, text, sizeof("    kernel: ") - 1, sizeof("    kernel: ") - 1);
	printf("%s", get_colour(out, plain));
	flush_output(out);
}

/* Prints " ok " and the sentence. */
static void print_claim(const struct diagram *out, const char *word, const char *code,
			const char *text)
{
	printf("  %s%-6s%s  ", get_colour(out, code), word, get_colour(out, plain));
	print_filled(out, text, INDENT + 8, INDENT + 8);
}

void diagram_claim(struct diagram *out, bool holds, const char *format, ...)
{
	char text[TEXT_MOST];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	if (holds)
		out->claims->held++;
	else
		out->claims->broken++;
	print_claim(out, holds ? "ok" : "BROKEN", holds ? green : red, text);
}

void diagram_skip_claim(struct diagram *out, const char *why, const char *format, ...)
{
	char text[TEXT_MOST];
	size_t used;
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	used = strlen(text);
	snprintf(text + used, sizeof(text) - used, " (not checkable here: %s)", why);
	out->claims->skipped++;
	print_claim(out, "?", yellow, text);
}

void diagram_skip_rest(struct diagram *out, const char *call)
{
	char why[256];

	snprintf(why, sizeof(why), "%s: %s", call, errno == 0 ? "it has ended" : strerror(errno));
	if (out->line[0] != '\0')
		diagram_line(out);
	diagram_skip_claim(out, why, "the rest of this lesson");
	flush_output(out);
	_exit(CODE_OK);
}
