/* SPDX-License-Identifier: MIT */
/* Causes events in a server, and checks only that they happened. */
#include "scenes.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "client.h"
#include "copy.h"
#include "figures.h"
#include "process.h"
#include "upstream.h"

enum { HELD_MOST = 100 };

static int held[HELD_MOST]; /* connections of the current scene, until its end */
static unsigned held_count;
static int passed_fd; /* written by scenes_pass_listener, like the next */
static char passed_listen[96];
static char access_path[96], access_option[128]; /* written by scenes_log_accesses */

void scenes_log_accesses(struct plan *plan)
{
	snprintf(access_path, sizeof(access_path), "%s/access", harness_folder());
	snprintf(access_option, sizeof(access_option), "log.access=%s", access_path);
	plan->set[0] = access_option;
}

static int hold(int fd)
{
	assert_true(held_count < HELD_MOST);
	held[held_count++] = fd;
	return fd;
}

void scenes_pass_listener(struct plan *plan)
{
	char address[64];

	passed_fd = hold(client_listener(address, sizeof(address)));
	snprintf(passed_listen, sizeof(passed_listen), "%s=ack", address);
	plan->listen[0] = passed_listen;
	plan->pass_fd = passed_fd;
}

void scenes_let_go(void)
{
	while (held_count > 0)
		close(held[--held_count]);
}

static int hold_one(const struct server *s)
{
	int fd = hold(client_connect(FIRST(s)));

	client_say(fd, "x");
	client_hear(fd, ACK);
	return fd;
}

static void serve(struct server *s)
{
	static const char request[] =
		"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	int fd = client_connect(s->addresses[1]);
	char answer[64];

	client_say(fd, request);
	client_drain(fd, answer, sizeof(answer));
	assert_memory_equal(answer, "HTTP/1.1 200 ", 13);
	close(fd);
	hold_one(s);
	hold_one(s);
	client_ask(FIRST(s), "x", ACK);
}

static void refuse(struct server *s)
{
	char byte[2];
	int fd = client_connect(FIRST(s));

	client_drain(fd, byte, sizeof(byte));
	close(fd);
}

static void lean(struct server *s)
{
	hold_one(s);
}

static double kicks(struct server *s)
{
	struct figures now;

	figures_read(s, &now);
	return now.of[METRIC_accept_kicks_total];
}

/*
 * One of two workers is new and has no connection. It is stopped, so the kernel wakes it to no
 * effect and the other worker accepts; the other worker then kicks it.
 */
static void lose(struct server *s)
{
	pid_t fresh;

	for (int i = 0; i < 40; i++)
		hold_one(s);
	kill(server_worker(s, 1), SIGKILL);
	server_wait_count(s, 2, "worker_ready", "worker=1");
	fresh = server_worker(s, 1);
	WAIT_UNTIL(s, process_sleeps(fresh));
	kill(fresh, SIGSTOP);
	hold(client_connect(FIRST(s)));
	for (int i = 0; i < 40 && kicks(s) == 0; i++) {
		hold_one(s);
		harness_tick();
	}
	kill(fresh, SIGCONT);
}

static void exhaust(struct server *s)
{
	for (int i = 0; i < 60; i++)
		client_say(hold(client_connect(FIRST(s))), "x");
	server_wait_event(s, "accept_paused", NULL);
	scenes_let_go();
	server_wait_event(s, "accept_resumed", NULL);
}

static void tamper(struct server *s)
{
	assert_int_equal(fcntl(passed_fd, F_SETFL, 0), 0);
	hold_one(s);
	server_wait_event(s, "listener_mended", NULL);
}

static void crash(struct server *s)
{
	pid_t victim;

	hold_one(s);
	victim = server_worker(s, 0);
	WAIT_UNTIL(s, process_sleeps(victim));
	kill(victim, SIGKILL);
	server_wait_event(s, "connections_recovered", NULL);
}

static void hang(struct server *s)
{
	kill(server_worker(s, 0), SIGSTOP);
	server_wait_event(s, "worker_hung", NULL);
}

static void vanish(struct server *s)
{
	assert_int_equal(unlink(access_path), 0);
	client_ask(FIRST(s), "x", ACK);
	server_wait_event(s, "access_log_failed", NULL);
}

static void reopen_in_vain(struct server *s)
{
	char said[1024];

	s->errors[0] = "log_reopen_failed";
	assert_int_equal(unlink(access_path), 0);
	assert_int_equal(mkdir(access_path, 0700), 0);
	assert_int_equal(server_verb(s, "reopen", said, sizeof(said)), 1);
	assert_int_equal(rmdir(access_path), 0);
}

/* Removes the log while a worker and the master have lines to write. */
static void vanish_log(struct server *s)
{
	assert_int_equal(unlink(s->log_path), 0);
	client_ask(FIRST(s), "x", ACK);
	server_signal(s, SIGTTIN);
}

/* Starts a connection that need not be established. */
static void knock(const struct server *s)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = hold(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));

	to.sin_port = htons((uint16_t)strtoul(strrchr(FIRST(s), ':') + 1, NULL, 10));
	assert_true(connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 || errno == EINPROGRESS);
}

static void overflow(struct server *s)
{
	kill(server_worker(s, 0), SIGSTOP);
	for (int i = 0; i < 6; i++)
		knock(s);
}

static void wake(struct server *s)
{
	kill(server_worker(s, 0), SIGCONT);
}

/* Handshakes stay in the SYN queue until data arrives; one of them fills it. */
static void flood(struct server *s)
{
	for (int i = 0; i < 4; i++)
		knock(s);
}

#define CONF(options) "workers = 1\nlisten \"127.0.0.1:0\" { service = ack " options "}\n"

static void reload_as(struct server *s, const char *conf)
{
	char said[1024];

	server_configure(s, conf);
	assert_int_equal(server_verb(s, "reload", said, sizeof(said)), 0);
}

static void reload(struct server *s)
{
	reload_as(s, CONF("backlog = 77 "));
}

static void move(struct server *s)
{
	hold_one(s);
	reload(s);
}

static void stay(struct server *s)
{
	hold_one(s);
	reload_as(s, CONF("framing = line "));
}

static void reload_in_vain(struct server *s)
{
	char said[1024];

	s->errors[0] = "reload_failed";
	server_configure(s, "workers = many\n");
	assert_int_equal(server_verb(s, "reload", said, sizeof(said)), 1);
}

static void add_worker(struct server *s)
{
	server_signal(s, SIGTTIN);
}

static void count_by_name(struct server *s)
{
	int fd = hold(client_connect(FIRST(s)));

	client_say(fd, "once\n");
	client_hear(fd, "one hello\none 1 once\n");
}

static void begin_stop(struct server *s)
{
	int fd = hold(client_connect(FIRST(s)));

	client_say(fd, "one\ntw");
	client_hear(fd, ACK "\n");
	server_signal(s, SIGTERM);
}

/* Answers the first connection that says something: checks end without a word. */
static void answer_one(const struct upstream *u)
{
	char byte;
	int one;

	for (;;) {
		one = upstream_accept(u);
		if (recv(one, &byte, 1, 0) == 1)
			break;
		close(one);
	}
	hold(one);
	client_say(one, "y");
}

#define PASSING                                                                                  \
	"workers = 1\nupstream \"u\" { server = {\"%s\"} check = connect "                       \
	"check_interval = 100ms }\nupstream \"d\" { server = {\"127.0.0.1:1\"} check = connect " \
	"check_interval = 100ms  queue_timeout = 1h }\n"                                         \
	"listen \"127.0.0.1:0\" { service = proxy  upstream = \"u\" }\n"                         \
	"listen \"127.0.0.1:0\" { service = proxy  upstream = \"d\" }\n"                         \
	"listen \"127.0.0.1:0\" { service = proxy  to = {\"127.0.0.1:1\"} }\n"

/* One connection reaches its server, one finds none, one waits; a server fails, and is drained. */
static void pass_on(struct server *s)
{
	const char *const drain[] = { "-p", s->pid_file, "-s", "drain", "d/127.0.0.1:1", NULL };
	char conf[1024], said[512];
	struct upstream u;
	int client;

	upstream_open(&u);
	hold(u.fd);
	snprintf(conf, sizeof(conf), PASSING, u.address);
	reload_as(s, conf);
	client = hold(client_connect(FIRST(s)));
	client_say(client, "x");
	answer_one(&u);
	client_hear(client, "y");
	close(client_connect(s->addresses[2]));
	if (harness_run(said, sizeof(said), drain) != 0)
		server_fail(s, "-s drain: %s", said);
	hold(client_connect(s->addresses[1]));
}

/* The second connection of the source waits. */
static void crowd(struct server *s)
{
	hold_one(s);
	hold(client_connect(FIRST(s)));
	server_wait_event(s, "limit_reached", "on_limit=wait");
}

static void begin_lame_duck(struct server *s)
{
	server_signal(s, SIGTERM);
}

struct server *scenes_run_program(void)
{
	return copy_server(&(struct copy_plan){ .words = { "ready", "beat" },
						.options = "watchdog = 2s\n"
							   "max_memory = 24m\n" });
}

static void grow_program(struct server *s)
{
	server_signal(s, SIGTTIN);
	server_wait_event(s, "program_ready", "copy=1");
}

static void hear_program(struct server *s)
{
	copy_ask(FIRST(s), "say something", "done\n");
	copy_ask(FIRST(s), "flood", "done\n");
}

/* One copy crashes, the next one hangs, and the last one becomes large. */
static void end_copies(struct server *s)
{
	int fd = hold(client_connect(FIRST(s)));

	client_say(fd, "exit\n");
	server_wait_event(s, "program_crashed", "code=3");
	copy_ask(FIRST(s), "mute", "done\n");
	server_wait_event(s, "program_crashed", "reason=watchdog");
	copy_ask(FIRST(s), "leak", "done\n");
	server_wait_event(s, "program_recycled", NULL);
}

const struct scene scenes[] = {
	[SERVE] = { .plan.listen = { "127.0.0.1:0=ack", "127.0.0.1:0=status" },
		    .logs_access = true,
		    .act = serve },
	[REFUSE] = { .plan.set = { "listen.deny=127.0.0.1" }, .act = refuse },
	[LEAN] = { .plan.workers = 2, .act = lean },
	[LOSE] = { .plan = { .workers = 2, .set = { "keep_connections=no" } }, .act = lose },
	[EXHAUST] = { .plan.set = { "rlimit_nofile=100" }, .act = exhaust },
	[TAMPER] = { .passes_listener = true, .act = tamper },
	[CRASH] = { .act = crash },
	[HANG] = { .plan.set = { "hang_timeout=300ms" }, .act = hang },
	[VANISH] = { .logs_access = true, .act = vanish },
	[REOPEN_IN_VAIN] = { .logs_access = true, .act = reopen_in_vain },
	[VANISH_LOG] = { .plan.log_file = true, .act = vanish_log },
	[OVERFLOW] = { .plan.listen = { "127.0.0.1:0=ack,backlog=1" },
		       .act = overflow,
		       .end = wake },
	[FLOOD] = { .plan.listen = { "127.0.0.1:0=ack,backlog=1,defer_accept=yes" }, .act = flood },
	[RELOAD] = { .plan.conf = CONF(""), .act = reload },
	[RELOAD_IN_VAIN] = { .plan.conf = CONF(""), .act = reload_in_vain },
	[MOVE] = { .plan.conf = CONF(""), .act = move },
	[STAY] = { .plan.conf = CONF(""), .act = stay },
	[ADD_WORKER] = { .act = add_worker },
	[COUNT_BY_NAME] = { .loads_module = true, .act = count_by_name },
	[GROW_PROGRAM] = { .runs_program = true, .act = grow_program },
	[HEAR_PROGRAM] = { .runs_program = true, .act = hear_program },
	[END_COPIES] = { .runs_program = true, .act = end_copies },
	[PASS_ON] = { .plan.conf = "workers = 1\nlisten \"127.0.0.1:0\" { service = ack }\n"
				   "listen \"127.0.0.1:0\" { service = ack }\n"
				   "listen \"127.0.0.1:0\" { service = ack }\n",
		      .act = pass_on },
	[CROWD] = { .plan.listen = { "127.0.0.1:0=ack,max_per_source=1" }, .act = crowd },
	[LEAVE] = { .plan.set = { "lame_duck=10m" }, .act = begin_lame_duck },
	[STOP] = { .plan.listen = { "127.0.0.1:0=ack,framing=line" },
		   .act = begin_stop,
		   .ends_by_itself = true },
};
