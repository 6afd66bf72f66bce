/* SPDX-License-Identifier: MIT */
/*
 * Reloads that change what a connection depends on: its listener, its framing, who may connect, and
 * whether connections move at all.
 */
#include "harness.h"

#include "client.h"
#include "figures.h"
#include "process.h"

#define ACK_AT(address, options) \
	"listen \"" address "\" { service = ack\n framing = line\n reply = ok\n" options "}\n"
#define FRAMED(framing) \
	"listen \"127.0.0.3:0\" { service = ack\n framing = " framing "\n reply = ok\n}\n"

/* The second listener goes; the third one has another framing. */
#define BEFORE "workers = 2\n" ACK_AT("127.0.0.1:0", "") ACK_AT("127.0.0.2:0", "") FRAMED("line")
#define AFTER  "workers = 2\n" ACK_AT("127.0.0.1:0", "") FRAMED("raw")

static void ask(int fd, const char *question)
{
	client_say(fd, question);
	client_hear(fd, "ok\n");
}

/* A connection between messages. */
static int open_idle(struct server *s, unsigned listener)
{
	int fd = client_connect(s->addresses[listener]);

	ask(fd, "hello\n");
	return fd;
}

/* A connection whose server has the first part of a message, together with the one before. */
static int open_busy(struct server *s, unsigned listener)
{
	int fd = client_connect(s->addresses[listener]);

	ask(fd, "hello\nthe sec");
	return fd;
}

static void end_busy(int fd)
{
	ask(fd, "ond message\n");
	client_expect_end(fd);
	close(fd);
}

/* Applies the configuration; says what the reload did with connections. */
static void apply(struct server *s, const char *conf, const char *moves)
{
	char said[512];

	server_configure(s, conf);
	if (server_verb(s, "reload", said, sizeof(said)) != 0 || !strstr(said, moves))
		server_fail(s, "-s reload, not \"%s\": %s", moves, said);
}

static uint64_t stayed(struct server *s, enum stay_reason reason)
{
	struct worker_tally tally;

	figures_tally(s, &tally);
	return cell_get(&tally.connections_not_moved_total[reason]);
}

static void check_status(struct server *s, const char *reason)
{
	char said[1 << 14];

	assert_int_equal(server_verb(s, "status", said, sizeof(said)), 0);
	if (!strstr(said, reason))
		server_fail(s, "the status does not say \"%s\":\n%s", reason, said);
}

static void listeners__gone_or_framed_otherwise__keep_their_connections_to_the_end(void **state)
{
	struct server *s = server_start(&(struct plan){ .conf = BEFORE });
	int stays = open_idle(s, 0), goes_on = open_busy(s, 0);
	int gone = open_busy(s, 1), idle = open_idle(s, 1);
	int framed = open_busy(s, 2), idle_framed = open_idle(s, 2);

	(void)state;
	apply(s, AFTER, ", 2 connections moved, ");
	client_expect_end(idle);
	client_expect_end(idle_framed);
	close(idle);
	close(idle_framed);
	server_wait_count(s, 2, "connection_ended", "ending=drained");
	assert_int_equal(stayed(s, STAY_listener_gone), 2);
	assert_int_equal(stayed(s, STAY_options_changed), 2);
	check_status(s, "listener_gone");
	check_status(s, "options_changed");
	assert_true(client_try(s->addresses[1]) < 0);
	ask(stays, "again\n");
	ask(goes_on, "ond message\n");
	end_busy(gone);
	end_busy(framed);
	WAIT_UNTIL(s, server_draining(s) == 0);
	ask(goes_on, "and again\n");
	close(stays);
	close(goes_on);
	server_stop(s);
}

#define DENYING(deny) "workers = 2\n" ACK_AT("127.0.0.1:0", deny) ACK_AT("127.0.0.2:0", "")

static void deny__of_an_address__ends_its_connections_at_their_next_message(void **state)
{
	struct server *s = server_start(&(struct plan){ .conf = DENYING("") });
	int idle = open_idle(s, 0), busy = open_busy(s, 0), other = open_idle(s, 1), denied;

	(void)state;
	apply(s, DENYING("deny = 127.0.0.0/8\n"), ", 3 connections moved\n");
	denied = client_connect(FIRST(s));
	client_expect_end(denied);
	assert_int_equal(server_count(s, "connection_ended", "ending=access_withdrawn"), 0);
	end_busy(busy); /* its message had begun before */
	server_wait_count(s, 1, "connection_ended", "ending=access_withdrawn");
	assert_false(client_ended(idle, 0));
	apply(s, DENYING("deny = 127.0.0.0/8\n"), ", 2 connections moved\n");
	client_say(idle, "one more\n");
	client_expect_end(idle);
	close(idle);
	server_wait_count(s, 2, "connection_ended", "ending=access_withdrawn");
	ask(other, "again\n");
	close(denied);
	close(other);
	server_stop(s);
}

static void deny__taken_back_in_time__costs_no_connection(void **state)
{
	struct server *s = server_start(&(struct plan){ .conf = DENYING("") });
	int fd = open_idle(s, 0);

	(void)state;
	apply(s, DENYING("deny = 127.0.0.1\n"), ", 1 connection moved\n");
	apply(s, DENYING(""), ", 1 connection moved\n");
	ask(fd, "again\n");
	ask(fd, "and again\n");
	close(fd);
	server_stop(s);
}

#define STAYING "move_connections = no\n" ACK_AT("127.0.0.1:0", "")

static void move_connections__off__leaves_them_to_the_old_workers(void **state)
{
	struct server *s = server_start(&(struct plan){ .conf = "workers = 2\n" STAYING });
	int idle = open_idle(s, 0), busy = open_busy(s, 0);

	(void)state;
	apply(s, "workers = 2\n" STAYING, ", 0 connections moved, ");
	client_expect_end(idle);
	close(idle);
	server_wait_count(s, 1, "connection_ended", "ending=drained");
	end_busy(busy);
	WAIT_UNTIL(s, server_draining(s) == 0);
	server_stop(s);
}

/* The new configuration decides. */
static void move_connections__switched__applies_to_that_reload(void **state)
{
	struct server *s = server_start(&(struct plan){ .conf = "workers = 2\n" STAYING });
	int fd = open_idle(s, 0);

	(void)state;
	apply(s, "workers = 2\n" ACK_AT("127.0.0.1:0", ""), ", 1 connection moved\n");
	ask(fd, "again\n");
	apply(s, "workers = 2\n" STAYING, ", 0 connections moved, ");
	client_expect_end(fd);
	close(fd);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(listeners__gone_or_framed_otherwise__keep_their_connections_to_the_end),
		E2E(deny__of_an_address__ends_its_connections_at_their_next_message),
		E2E(deny__taken_back_in_time__costs_no_connection),
		E2E(move_connections__off__leaves_them_to_the_old_workers),
		E2E(move_connections__switched__applies_to_that_reload),
	};

	return E2E_RUN(tests);
}
