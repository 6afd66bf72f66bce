/* SPDX-License-Identifier: MIT */
/*
 * Reads the arena of a dead worker, which may be damaged, only through worker/recovery's checked
 * view.
 */
#include "master/crash_report.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/sys.h"
#include "net/ban.h"
#include "stats/scoreboard.h"
#include "worker/conn_record.h"
#include "worker/recovery.h"

static void keep(struct scoreboard *board, const struct crash_note *note)
{
	uint32_t count = atomic_load_explicit(&board->crash_count, memory_order_relaxed);

	board->crash_notes[count % SCOREBOARD_CRASHES] = *note;
	atomic_store_explicit(&board->crash_count, count + 1, memory_order_release);
}

static void describe(struct crash_note *note, const struct recovery_in_hand *scene)
{
	char remote[ADDR_TEXT];

	snprintf(note->remote, sizeof(note->remote), "%s",
		 net_write(&scene->remote, scene->remote_port, remote));
	if (!scene->conf)
		return;
	snprintf(note->listen, sizeof(note->listen), "%s", scene->conf->address);
	snprintf(note->service, sizeof(note->service), "%s", scene->conf->service);
	snprintf(note->state, sizeof(note->state), "%s", scoreboard_conn_state_name(scene->state));
	note->age_ms = scene->age_ms;
	note->bytes_in = scene->bytes_in;
	note->bytes_out = scene->bytes_out;
}

static void log_note(const struct crash_note *note)
{
	LOG(EVENT_crash_reported, LOG_NUM("worker", note->worker), LOG_NUM("child_pid", note->pid),
	    LOG_STR("listen", note->listen), LOG_STR("service", note->service),
	    LOG_STR("remote", note->remote), LOG_NUM("age_ms", note->age_ms),
	    LOG_NUM("bytes_in", note->bytes_in), LOG_NUM("bytes_out", note->bytes_out),
	    LOG_STR("state", note->state), LOG_STR("last_call", note->last_call));
}

static void penalize(struct scoreboard *board, const struct conf *conf,
		     const struct recovery_in_hand *scene, int64_t now_ms)
{
	int64_t length_ms = ban_note(&board->bans, conf, &scene->remote, now_ms);
	char remote[ADDR_TEXT], *port;

	if (length_ms == 0)
		return;
	net_write(&scene->remote, 0, remote);
	port = strrchr(remote, ':'); /* any port of the address */
	if (port)
		*port = '\0';
	LOG(EVENT_address_penalized, LOG_STR("remote", remote), LOG_NUM("ms", length_ms));
}

/*
 * Whoever sends SIGKILL does not ask what the worker has in hand; but a hang ends so too. A worker
 * whose loop has not turned had taken over what another left.
 */
static bool is_its_fault(const struct slot *slot, const struct member *member, int status)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS };

	if (!WIFSIGNALED(status) || atomic_load_explicit(&slot->turns, memory_order_relaxed) == 0)
		return false;
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		if (WTERMSIG(status) == faults[i])
			return true;
	return member_is_hung(member);
}

void crash_report_write(struct procs *procs, const struct generation *generation, unsigned number,
			int status, int64_t now_ms)
{
	const struct member *member = &generation->members[number];
	struct crash_note note = { .at_s = time(NULL),
				   .worker = number,
				   .pid = (uint32_t)member->pid,
				   .signal = WIFSIGNALED(status) ? (uint32_t)WTERMSIG(status) : 0,
				   .hung = member_is_hung(member) };
	struct recovery_in_hand scene;

	recovery_in_hand(member->arena, &generation->slots[number], generation->conf, now_ms,
			 &scene);
	snprintf(note.last_call, sizeof(note.last_call), "%s", scene.last_call);
	if (scene.has_remote)
		describe(&note, &scene);
	keep(procs->board, &note);
	if (!scene.has_remote)
		return;
	log_note(&note);
	if (is_its_fault(&generation->slots[number], member, status))
		penalize(procs->board, generation->conf, &scene, now_ms);
}
