/* SPDX-License-Identifier: MIT */
/*
 * Acquires and releases all that a server holds. Must not wait for workers: start_step is called
 * every turn.
 */
#include "master/start.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/sys.h"
#include "config/conf_limit.h"
#include "master/program/programs.h"
#include "master/spawn.h"
#include "master/trial/prestart_files.h"
#include "master/trial/prestart_tls.h"
#include "master/workers.h"
#include "net/systemd.h"

void start_empty(struct server *server, const struct conf_source *source, int ready_fd)
{
	*server = (struct server){
		.source = *source,
		.loop = { .epfd = -1 },
		.signals = { .fd = -1 },
		.bells = { .fd = -1 },
		.pidfile = { .fd = -1 },
		.procs = { .spawn = spawn_worker, .loop = &server->loop },
		.reload = { .procs = &server->procs, .source = &server->source },
		.stop = { .procs = &server->procs, .reload = &server->reload },
		.ready = { .fd = ready_fd },
		.report_fd = -1,
	};
	ticket_memory_empty(&server->tickets);
	server->procs.tickets = &server->tickets;
	sampler_start(&server->sampler);
}

/* The place where the path was given, if it was, stands before the message. */
static bool take_pid_file(struct server *server, const struct conf *conf, const char *path,
			  struct err *err)
{
	if (pidfile_open(&server->pidfile, path, err))
		return true;
	if (conf->pid_file[0] != '\0' && err->code != CODE_UNAVAILABLE)
		err_prefix(err, "%s: ", conf_place(conf, "pid_file"));
	return false;
}

/* A server without limits starts without their memory, where the system refuses it. */
static bool take_limits(struct server *server, const struct conf *conf, struct err *err)
{
	server->procs.limits = &server->limits;
	return limit_memory_new(&server->limits, (uint32_t)conf->worker_connections, err) ||
	       !conf_limit_any(conf);
}

static bool take_files(struct server *server, const struct conf *conf, struct err *err)
{
	char path[sizeof(server->pidfile.path)];

	if (!pidfile_path(conf, true, path, sizeof(path), err) ||
	    !prestart_enter(conf, server->is_daemon, err) ||
	    !take_pid_file(server, conf, path, err))
		return false;
	if (path[0] != '\0')
		scoreboard_path(path, server->board_path, sizeof(server->board_path));
	server->board = scoreboard_new(path[0] != '\0' ? server->board_path : NULL, err);
	server->procs.board = server->board;
	if (!server->board || !take_limits(server, conf, err))
		return false;
	server->board->started_ms = clock_ms();
	snprintf(server->board->program, sizeof(server->board->program), "%s", PACKAGE_VERSION);
	cell_set(&server->board->server.start_time_seconds, (uint64_t)time(NULL));
	cell_set(&server->board->server.last_reload_succeeded, 1);
	log_count_in(&server->board->server.master_log_lines_lost_total);
	server->procs.page = keeper_pids_new();
	return server->procs.page || err_errno(err, CODE_OSERR, "cannot map the page of pids");
}

static bool take_loop(struct server *server, struct err *err)
{
	if (!loop_open(&server->loop))
		return err_errno(err, CODE_OSERR, "cannot make the master's epoll");
	server->signals.fd = signals_open(true);
	if (server->signals.fd < 0 || !loop_watch(&server->loop, &server->signals, EPOLLIN))
		return err_errno(err, CODE_OSERR, "cannot make the master's signalfd");
	server->bells.fd = sys_epoll_create1(EPOLL_CLOEXEC);
	if (server->bells.fd < 0 || !loop_watch(&server->loop, &server->bells, EPOLLIN))
		return err_errno(err, CODE_OSERR, "cannot make the epoll of the workers' bells");
	server->procs.bells = server->bells.fd;
	return true;
}

/* Logs the sockets that no listen takes, in the form that would take them. */
static void drop_unused_sockets(void)
{
	char all[512] = "", text[ADDR_TEXT];
	struct addr addr;
	unsigned left;
	size_t used = 0;

	for (unsigned i = 0; used < sizeof(all) && systemd_next_listener(&i, &addr);)
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s",
					 used > 0 ? " " : "", addr_write(&addr, text));
	left = systemd_drop_listeners();
	if (left > 0)
		LOG(EVENT_environment_warned, LOG_NUM("sockets", left), LOG_STR("addresses", all),
		    LOG_STR("message", "the service manager passed sockets that no listen names; "
				       "they were closed (listen \"ADDRESS\" takes one)"));
}

static struct generation *open_generation(struct conf *conf, const struct prestart_found *found,
					  struct err *err)
{
	unsigned workers = prestart_workers(conf);
	struct listener_set *listeners;
	struct generation *generation;
	struct programs *programs;

	prestart_raise(conf, listener_count_sockets(conf, found->resolved, workers),
		       workers + GENERATION_SPARE);
	listeners = listener_open_all(conf, NULL, workers, found->resolved, err);
	if (!listeners)
		return NULL;
	drop_unused_sockets();
	if (!programs_new(conf, found->programs, listeners, &programs, err)) {
		listener_close_all(listeners, NULL, true);
		return NULL;
	}
	generation = generation_new(conf, &found->identity, listeners, workers, NULL, err);
	if (generation) {
		generation->programs = programs;
		return generation;
	}
	programs_free(programs);
	listener_close_all(listeners, NULL, true);
	return NULL;
}

static struct generation *take_generation(struct server *server, struct conf *conf,
					  const struct prestart_found *found, struct err *err)
{
	struct tls_sites *tls = ticket_memory_sites(&server->tickets, conf, err);
	struct generation *generation = tls ? open_generation(conf, found, err) : NULL;

	if (generation)
		generation->tls = tls;
	else
		tls_sites_free(tls);
	return generation;
}

/* After the log is opened as the configuration wants. */
static void log_pid_file(const struct server *server, const struct conf *conf)
{
	char text[PIDFILE_WARNING];

	if (!pidfile_path_warns(conf, server->pidfile.path, text))
		return;
	if (server->pidfile.path[0] == '\0')
		LOG(EVENT_pid_file_omitted, LOG_STR("message", text));
	else
		LOG(EVENT_environment_warned, LOG_STR("message", text));
}

bool start_take(struct server *server, struct conf *conf, const struct prestart_found *found,
		struct err *err)
{
	struct generation *generation = NULL;

	if (take_files(server, conf, err) && prestart_log(conf, &found->identity, err) &&
	    take_loop(server, err))
		generation = take_generation(server, conf, found, err);
	if (!generation) {
		conf_free(conf);
		return false;
	}
	loop_read_clock(&server->loop);
	server->deadline_ms = server->loop.now_ms + generation_ready_ms(generation);
	if (!modules_take(&generation->modules, conf, found->facts, NULL, err) ||
	    !workers_begin(&server->procs, generation, server->loop.now_ms, err)) {
		generation_close(generation, NULL, true);
		generation_free(generation);
		return false;
	}
	log_pid_file(server, conf);
	prestart_warn_of_tls(generation->tls);
	announce_listeners(generation->listeners, NULL);
	announce_conf(server->board, conf);
	return true;
}

enum start_progress start_step(struct server *server, int64_t now_ms, struct err *err)
{
	const struct generation *first = server->procs.starting;

	err->text[0] = '\0';
	if (server->is_started || !first)
		return START_NONE;
	if (!generation_has_started(first, "", now_ms, server->deadline_ms, err))
		return err->text[0] != '\0' ? START_FAILED : START_NONE;
	if (!pidfile_write(&server->pidfile, err))
		return START_FAILED;
	workers_promote(&server->procs);
	scoreboard_mark(server->board, MARK_START, 0);
	server->is_started = true;
	return START_DONE;
}

int64_t start_due_ms(const struct server *server, int64_t otherwise_ms)
{
	bool is_waiting = !server->is_started && server->stop.how == STOP_NOT;

	return is_waiting && server->deadline_ms < otherwise_ms ? server->deadline_ms :
								  otherwise_ms;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		sys_close(*fd);
	*fd = -1;
}

void start_undo(struct server *server)
{
	workers_sweep(&server->procs);
	sampler_stop(&server->sampler);
	close_fd(&server->signals.fd);
	close_fd(&server->bells.fd);
	announce_close(&server->ready);
	if (server->loop.epfd >= 0)
		loop_close(&server->loop);
	(void)keeper_pids_drop(server->procs.page);
	server->procs.page = NULL;
	log_count_in(NULL);
	if (server->board)
		atomic_store_explicit(&server->board->has_ended, 1, memory_order_release);
	scoreboard_free(server->board, server->board_path, true);
	server->board = NULL;
	limit_memory_free(&server->limits);
	ticket_memory_free(&server->tickets);
	pidfile_remove(&server->pidfile);
}
