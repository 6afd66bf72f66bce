/* SPDX-License-Identifier: MIT */
/*
 * Writes the answer to /healthz. A load balancer asks every second, so the usual answer is made
 * once a second. It must not decide what the health is.
 */
#include "services/status/status_health.h"

#include <string.h>
#include <time.h>

#include "services/status/status_page.h"

#define TEXT_PLAIN "text/plain; charset=utf-8"

enum { HEALTH_SIZE = 512 };

static const char *const bodies[] = {
	[HEALTH_OK] = "ok\n",
	[HEALTH_LAME_DUCK] = "lame_duck: the server is leaving\n",
	[HEALTH_DRAINING] = "draining\n",
};

static bool put_health(struct buf *out, struct http_request *request, enum health health)
{
	const struct http_answer answer = {
		.status = health == HEALTH_OK ? 200 : 503,
		.type = TEXT_PLAIN,
		.headers = PAGE_GUARDS,
		.length = (int64_t)strlen(bodies[health]),
	};

	return http_answer(out, request, &answer, bodies[health]);
}

/* The answer to nearly every probe. */
static bool put_usual_health(struct buf *out)
{
	static char bytes[HEALTH_SIZE]; /* this and made_s: written here only */
	static struct buf made = { .base = bytes, .size = HEALTH_SIZE };
	static int64_t made_s = -1;
	struct http_request request = { .method = HTTP_GET, .minor = 1, .keep_alive = true };
	int64_t now_s = time(NULL);

	if (now_s != made_s) {
		made.end = 0;
		BUG_ON(!put_health(&made, &request, HEALTH_OK));
		made_s = now_s;
	}
	if (buf_room(out) < buf_used(&made))
		return false;
	buf_put(out, bytes, buf_used(&made));
	return true;
}

unsigned status_health(struct buf *out, struct http_request *request, enum health health)
{
	bool is_usual = request->method == HTTP_GET && request->minor == 1 && request->keep_alive;
	bool is_done = health == HEALTH_OK && is_usual ? put_usual_health(out) :
							 put_health(out, request, health);

	if (!is_done)
		return 0;
	return health == HEALTH_OK ? 200 : 503;
}
