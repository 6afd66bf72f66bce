/* SPDX-License-Identifier: MIT */
/*
 * The attacks of the service `evil` on the notes by which two workers agree about a batch. A worker
 * can write those of its own slot alone (stats/scoreboard.h).
 */
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "services/evil.h"
#include "worker/door/arrival.h"

static void ring(struct attempt *attempt, unsigned slot)
{
	const struct slot_info *info = &evil_heritage->board->infos[slot];
	int door = heritage_doorbell(evil_heritage, info);

	if (door < 0 || atomic_load(&info->is_taken) == 0)
		return;
	attempt->tried++;
	attempt->succeeded += send(door, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

/* Numbers of no batch, of batches of this moment and of the future; then it wakes all. */
void evil_door_notes(struct attempt *attempt)
{
	for (unsigned i = 0; i < SCOREBOARD_SLOTS; i++) {
		uint64_t batch = evil_random() % 2 ? (uint64_t)clock_us() : evil_random() >> 8;

		atomic_store(&heritage_own_slot(evil_heritage)->door_taken[i],
			     door_note(batch, (unsigned)(evil_random() % 256)));
		ring(attempt, i);
	}
	atomic_store(&heritage_own_slot(evil_heritage)->door_withdrawn,
		     evil_random() % 2 ? UINT64_MAX : evil_random());
}

/*
 * Seems to have no connections and to be alive, so that others pass theirs on to it; begins with
 * each batch, and never decides.
 */
void evil_door_begun(struct attempt *attempt)
{
	const struct wire *wire = &evil_heritage->wires[evil_heritage->number];
	struct slot *own = heritage_own_slot(evil_heritage);
	struct door_head head;
	ssize_t got;

	atomic_store(&own->live, 0);
	atomic_store(&own->heartbeat_ms, clock_ms());
	got = recv(wire->fds[WIRE_DOOR], &head, sizeof(head), MSG_PEEK | MSG_DONTWAIT);
	if (got == 1) /* no batch, but behind it may be one */
		(void)!recv(wire->fds[WIRE_DOOR], &head, 1, MSG_DONTWAIT);
	if (got != sizeof(head))
		return;
	if (head.magic != DOOR_MAGIC || head.sender >= SCOREBOARD_SLOTS)
		return;
	attempt->tried++;
	attempt->succeeded++;
	atomic_store(&own->door_taken[head.sender], door_note(head.batch, DOOR_BEGUN));
}
