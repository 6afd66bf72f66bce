/* SPDX-License-Identifier: MIT */
/*
 * evil: attacks the rest of the server as a compromised worker would, for the time that a line
 * gives, and returns every other line. The answer to "WORD MS" is "WORD TRIED SUCCEEDED", to "who"
 * it is "who PID"; meanwhile the worker does nothing else. Only in a build made with
 * --enable-faults, for tests/fault/evil.py. The words are in evil_attacks.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sys.h"
#include "services/evil.h"
#include "services/services.h"
#include "worker/conn_record.h"

enum { LINE_MOST = 128 };

const struct heritage *evil_heritage; /* set by init, before the worker serves */

static bool remember_heritage(const struct heritage *h, const struct listen_conf *conf)
{
	(void)conf;
	evil_heritage = h;
	return true;
}

static const struct evil_attack *find_attack(const char *line, unsigned long *ms)
{
	char word[16];

	if (sscanf(line, "%15s %lu", word, ms) != 2)
		return NULL;
	for (unsigned i = 0; i < evil_attack_count; i++)
		if (strcmp(evil_attacks[i].word, word) == 0)
			return &evil_attacks[i];
	return NULL;
}

/* Replaces the line by its answer. */
static void run_line(char *line, size_t size)
{
	struct attempt attempt = { .own = sys_last_call };
	const struct evil_attack *attack;
	unsigned long ms;

	if (strcmp(line, "who\n") == 0) {
		snprintf(line, size, "who %d\n", (int)getpid());
		return;
	}
	attack = find_attack(line, &ms);
	if (!attack)
		return;
	attempt.until_ms = clock_ms() + (int64_t)ms;
	do
		attack->attempt(&attempt);
	while (clock_ms() < attempt.until_ms);
	snprintf(line, size, "%s %lu %lu\n", attack->word, attempt.tried, attempt.succeeded);
}

static enum verdict read_lines(struct conn *c)
{
	char line[LINE_MOST];
	const char *lf;

	while ((lf = memchr(buf_head(&c->in), '\n', buf_used(&c->in)))) {
		size_t n = (size_t)(lf - buf_head(&c->in)) + 1;

		if (n >= sizeof(line))
			return ABORT;
		if (buf_room(&c->out) < sizeof(line))
			return MORE;
		memcpy(line, buf_head(&c->in), n);
		line[n] = '\0';
		run_line(line, sizeof(line));
		buf_put(&c->out, line, strlen(line));
		buf_drop(&c->in, n);
		conn_count_message(c);
	}
	return conn_in_ended(c) && buf_used(&c->out) == 0 ? FINISH : MORE;
}

const struct service service_evil = {
	.name = "evil",
	.init = remember_heritage,
	.input = read_lines,
};
