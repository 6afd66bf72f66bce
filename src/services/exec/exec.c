/* SPDX-License-Identifier: MIT */
/*
 * exec: a program for each connection, as inetd starts it. The worker accepts, and gives the socket
 * to the listener's helper, which starts the program (services/exec/exec_helper.c). The program has
 * the socket itself, so the connection's bytes pass no process of this server. The record waits for
 * the helper's report, and tells it in the access log.
 *
 *   NEW --the helper has it--> RUNS --its report, or its end--> TOLD
 *   NEW --no room in the link--> WAITING --in a while--> (as NEW)
 */
#include <string.h>

#include "accesslog/accessentry.h"
#include "config/command.h"
#include "services/exec/exec_helper.h"
#include "services/exec/exec_message.h"
#include "services/services.h"
#include "worker/give.h"
#include "worker/pool.h"

enum stage { STAGE_NEW, STAGE_WAITING, STAGE_RUNS, STAGE_TOLD, STAGES };

/* Between two tries: doubled each time, as a full link means that many programs run. */
enum { RETRY_MS = 20, RETRY_DOUBLED = 4, FULL_MS = 10 };

struct exec {
	uint8_t stage; /* enum stage */
	uint8_t tries; /* WAITING: how often the link had no room */
	struct exec_report report;
};

/* Of this worker; written by it alone. */
static const struct heritage *heritage;
static struct {
	int link; /* that had no room when it was tried last */
	int64_t until_ms;
} full = { .link = -1 };

static bool start(const struct heritage *inherited, const struct listen_conf *conf)
{
	heritage = inherited;
	(void)give_prepare();
	return heritage_link(inherited, conf) >= 0;
}

static bool check_options(const struct listen_conf *conf, struct err *err)
{
	if (conf->command.count > 0)
		return true;
	return err_set(err, CODE_CONFIG, "command: service exec needs one");
}

static bool check_command(const struct conf *conf, const struct listen_conf *listen,
			  const struct identity *identity, struct err *err)
{
	struct command_options asked = COMMAND_OPTIONS(conf, listen);
	struct command_found found;

	return command_check(&asked, identity, &found, err);
}

static enum give ask_helper(struct conn *c, int link)
{
	const struct record *r = c->record;
	const struct proxy_facts *facts = conn_proxy_facts(c);
	struct exec_request request;
	enum give done;

	if (link == full.link && c->pool->loop->now_ms < full.until_ms)
		return GIVE_LATER;
	memset(&request, 0, sizeof(request)); /* no byte of this stack leaves the worker */
	request.magic = EXEC_REQUEST_MAGIC;
	request.worker = r->birth_worker;
	request.generation = r->birth_generation;
	request.number = r->number;
	request.remote_port = r->remote_port;
	request.remote = r->remote;
	if (facts) {
		request.local = facts->destination;
		request.local_port = facts->destination_port;
	}
	done = give_socket(c, link, &request, sizeof(request));
	if (done == GIVE_LATER) {
		full.link = link;
		full.until_ms = c->pool->loop->now_ms + FULL_MS;
	}
	return done;
}

/* Nothing is read from a client that waits: the bytes are the program's. */
static enum verdict wait_for_room(struct conn *c, struct exec *e)
{
	unsigned doubled = e->tries < RETRY_DOUBLED ? e->tries++ : RETRY_DOUBLED;

	e->stage = STAGE_WAITING;
	conn_set_flow(c, FLOW_PAUSED);
	conn_set_deadline(c, RETRY_MS << doubled);
	return MORE;
}

static enum verdict give_client(struct conn *c)
{
	struct exec *e = conn_state(c);

	conn_set_untimed(c, true);
	switch (ask_helper(c, heritage_link(heritage, c->conf))) {
	case GIVE_DONE:
		e->stage = STAGE_RUNS;
		conn_set_deadline(c, 0);
		conn_set_flow(c, FLOW_FREE);
		return MORE;
	case GIVE_LATER:
		return wait_for_room(c, e);
	default:
		conn_set_close_reason(c, CLOSE_program_failed);
		return ABORT;
	}
}

static enum close_reason reason_of(const struct exec_report *report)
{
	if (report->timed_out)
		return CLOSE_program_timeout;
	if (report->outcome == EXEC_EXITED)
		return CLOSE_program_exited;
	return report->outcome == EXEC_KILLED ? CLOSE_program_killed : CLOSE_program_failed;
}

/* What comes is the helper's report; an end without one is the helper's own. */
static enum verdict hear_helper(struct conn *c)
{
	struct exec *e = conn_state(c);
	size_t size = buf_used(&c->in);
	struct exec_report report = { 0 };

	if (e->stage != STAGE_RUNS || (size == 0 && !conn_in_ended(c)))
		return MORE;
	memcpy(&report, buf_head(&c->in), size < sizeof(report) ? size : sizeof(report));
	e->stage = STAGE_TOLD;
	if (!exec_report_is_sound(&report, size)) {
		conn_set_close_reason(c, CLOSE_program_lost);
		return ABORT;
	}
	e->report = report;
	conn_count_message(c);
	conn_set_close_reason(c, reason_of(&report));
	return ABORT;
}

static enum verdict try_again(struct conn *c)
{
	const struct exec *e = conn_state(c);

	return e->stage == STAGE_WAITING ? give_client(c) : MORE;
}

/* A program that runs, or is to run, is an answer under way. */
static bool is_told(const struct conn *c)
{
	const struct exec *e = conn_state_const(c);

	return e->stage == STAGE_TOLD;
}

static bool is_sound(const struct conn *c)
{
	const struct exec *e = conn_state_const(c);

	return e->stage < STAGES && c->record->is_given == (e->stage >= STAGE_RUNS);
}

static void tell_outcome(const struct conn *c, struct access_entry *entry)
{
	const struct exec *e = conn_state_const(c);
	const struct exec_report *report = &e->report;

	if (e->stage != STAGE_TOLD || !exec_report_is_sound(report, sizeof(*report)))
		return;
	if (report->outcome == EXEC_EXITED)
		entry->exit_code = 1 + report->code;
	if (report->outcome == EXEC_KILLED)
		entry->exit_signal = report->code;
	entry->program_seconds = (int64_t)report->took_us;
}

static const struct helper_job job = { .name = "exec",
				       .run = exec_helper_run,
				       .files = exec_helper_files };
static const struct helper_job *const jobs[] = { &job };

const struct service service_exec = {
	.name = "exec",
	.state_size = sizeof(struct exec),
	.check = check_options,
	.check_system = check_command,
	.gives_sockets = true,
	.jobs = jobs,
	.job_count = 1,
	.init = start,
	.open = give_client,
	.input = hear_helper,
	.expired = try_again,
	.idle = is_told,
	.is_sound = is_sound,
	.tell = tell_outcome,
};
