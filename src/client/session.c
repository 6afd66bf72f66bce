/* SPDX-License-Identifier: MIT */
/*
 * Sends and receives with poll(2). A send that takes less than all is ordinary: the rest follows
 * when there is room (send(2)); a receive gives what is there (recv(2)).
 */
#include "client/session.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/sys.h"

struct exchange *exchange_new(struct link *link, const struct wish *wish, const char *name,
			      const struct story *story, struct err *err)
{
	struct exchange *x = calloc(1, sizeof(*x));
	bool is_stream = wish->message_count == 0 && wish->framing == FRAMING_RAW;

	if (x == NULL) {
		err_errno(err, CODE_OSERR, "cannot talk");
		return NULL;
	}
	x->link = link;
	x->wish = wish;
	x->name = name;
	x->story = story;
	x->moved_us = clock_us();
	feed_init(&x->feed, wish->framing);
	hear_init(&x->hear, wish->framing, UINT64_MAX);
	x->hear.is_deaf = wish->no_answers;
	show_init(&x->hear.show, wish->hex, is_stream);
	return x;
}

void exchange_free(struct exchange *x)
{
	feed_free(&x->feed);
	free(x);
}

static const char *error_name(int error)
{
	switch (error) {
	case EPIPE:
	case ECONNRESET:
		return "the peer has reset the connection";
	default:
		return strerror(error);
	}
}

/* An error of the connection, which ends it; what was received before stays received. */
static void break_off(struct exchange *x, const char *call, int error)
{
	story_tell(x->story, "%s: %s", call, error_name(error));
	x->broken = error;
	x->link->is_reset = true;
	x->is_mute = true;
	x->unsent = feed_left(&x->feed);
	feed_drop(&x->feed);
}

static bool receive(struct exchange *x, struct err *err)
{
	ssize_t n = sys_recv(x->link->fd, x->received, sizeof(x->received), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0)
		x->link->peer_ended = true;
	if (n < 0) {
		break_off(x, "recv", errno);
		return true;
	}
	if (n == 0) {
		story_tell(x->story, "recv: 0 bytes: the peer has closed its side");
		return true;
	}
	story_tell(x->story, "recv: %zd byte%s", n, n == 1 ? "" : "s");
	x->heard += (uint64_t)n;
	if (!hear_take(&x->hear, x->received, (size_t)n, err)) {
		if (err->code == CODE_FAILED)
			err_prefix(err, "%s: ", x->name);
		return false;
	}
	/* the time after it was shown: a reader of stdout may be slow */
	x->heard_us = x->moved_us = clock_us();
	return true;
}

static void tell_full(struct exchange *x)
{
	if (!x->was_full)
		story_tell(x->story, "send: the send buffer is full, %zu to go",
			   feed_left(&x->feed));
	x->was_full = true;
}

static void tell_sent(struct exchange *x, size_t n, size_t left)
{
	if (left > 0)
		story_tell(x->story, "send: %zu of %zu bytes, %zu to go", n, n + left, left);
	else
		story_tell(x->story, "send: %zu of %zu byte%s", n, n, n == 1 ? "" : "s");
}

static void send_some(struct exchange *x)
{
	size_t left = feed_left(&x->feed);
	ssize_t n = sys_send(x->link->fd, feed_head(&x->feed), left, MSG_NOSIGNAL);

	if (n < 0 && errno == EAGAIN)
		tell_full(x);
	else if (n < 0 && errno != EINTR)
		break_off(x, "send", errno);
	if (n <= 0)
		return;
	x->was_full = false;
	tell_sent(x, (size_t)n, left - (size_t)n);
	x->sent += (uint64_t)n;
	x->sent_us = x->moved_us = clock_us();
	feed_sent(&x->feed, (size_t)n);
}

static bool read_feed(struct exchange *x, struct err *err)
{
	bool was_ended = x->feed.is_ended;

	if (!feed_read(&x->feed, err))
		return false;
	x->moved_us = clock_us();
	if (x->feed.is_ended && !was_ended)
		story_tell(x->story, "the end of the input");
	return true;
}

static int wait_ms(int64_t until_us)
{
	int64_t left_us;

	if (until_us == INT64_MAX)
		return -1;
	left_us = until_us - clock_us();
	if (left_us <= 0)
		return 0;
	return left_us / 1000 < INT_MAX - 1 ? (int)((left_us + 999) / 1000) : INT_MAX;
}

bool exchange_turn(struct exchange *x, int64_t until_us, bool is_fed, struct err *err)
{
	struct pollfd polls[2] = { { .fd = x->link->fd }, { .fd = -1, .events = POLLIN } };
	bool is_sending = feed_left(&x->feed) > 0;

	if (!x->link->peer_ended)
		polls[0].events |= POLLIN;
	if (is_sending)
		polls[0].events |= POLLOUT;
	if (polls[0].events == 0)
		polls[0].fd = -1;
	if (is_fed && !is_sending && !x->feed.is_ended && !x->is_mute)
		polls[1].fd = STDIN_FILENO;
	if (sys_poll(polls, 2, wait_ms(until_us)) < 0)
		return errno == EINTR || err_errno(err, CODE_OSERR, "cannot wait");
	if (polls[0].revents != 0 && !x->link->peer_ended && !receive(x, err))
		return false;
	if ((polls[0].revents & ~POLLIN) != 0 && feed_left(&x->feed) > 0)
		send_some(x);
	return polls[1].revents == 0 || read_feed(x, err);
}

void exchange_shut(struct exchange *x)
{
	x->link->is_shut = true;
	x->link->is_first = !x->link->peer_ended;
	if (sys_shutdown(x->link->fd, SHUT_WR) < 0)
		story_tell(x->story, "shutdown(SHUT_WR): %s", strerror(errno));
	else
		story_tell(x->story, "shutdown(SHUT_WR): this side has ended sending");
	x->moved_us = clock_us();
}
