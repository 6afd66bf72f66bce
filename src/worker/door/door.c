/* SPDX-License-Identifier: MIT */
/*
 * Takes connections in. It trusts nothing in a message: worker/door/offer.c of a worker that was
 * taken over may have written any bytes.
 */
#include "worker/door/door.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/rights.h"
#include "base/sys.h"
#include "config/option.h"

enum {
	/* In one turn; a worker that was taken over must not fill the queue faster. */
	MESSAGES_AT_ONCE = 64,
	MESSAGES_US = 500,
	SAID_MS = 1000, /* between two log lines about refused messages */
};

/*
 * Of a loaded service, whatever its file: its name, and the size of its state, since a programmer
 * may forget to raise the version.
 */
static uint64_t key_of_file(const struct service *service)
{
	if (!service->loaded_name)
		return 0;
	return hash_bytes(service->loaded_name, strlen(service->loaded_name)) +
	       ((uint64_t)service->state_size << 32);
}

struct door_key door_key_of(const struct listener *listener, const struct service *service)
{
	char text[ADDR_TEXT];
	uint64_t state = option_state_key(listener->conf);
	struct door_key key = { 0 };

	addr_write(&listener->bound, text);
	key.address = hash_bytes(text, strlen(text));
	if (service->state_version > 0 && state != 0 && listener->conf->tls.count == 0)
		key.state = state + service->state_version + key_of_file(service);
	return key;
}

static bool make_keys(struct door *door)
{
	const struct listener_set *set = door->pool->listeners;

	door->keys = calloc(set->count, sizeof(*door->keys));
	for (unsigned i = 0; door->keys && i < set->count; i++)
		door->keys[i] = door_key_of(&set->list[i], door->pool->services[i]);
	return door->keys != NULL;
}

static struct scoreboard *board_of(const struct door *door)
{
	return door->heritage->board;
}

static unsigned own_slot(const struct door *door)
{
	return heritage_slot(door->heritage);
}

/* The note is written before the sender's is read, and the sender does the same (seq_cst). */
static void write_note(const struct door *door, const struct door_head *head, unsigned result)
{
	atomic_store(&door->pool->slot->door_taken[head->sender], door_note(head->batch, result));
}

static bool is_withdrawn(const struct door *door, const struct door_head *head)
{
	return atomic_load(&board_of(door)->slots[head->sender].door_withdrawn) >= head->batch;
}

/*
 * True when this batch is decided: the message was left by a worker that died before it dropped it.
 * Numbers rise, so that a worker begins with none twice, and the master can tell one that hangs.
 */
static bool is_decided(const struct door *door, const struct door_head *head)
{
	uint64_t note = atomic_load(&door->pool->slot->door_taken[head->sender]);

	return door_note_batch(note) > head->batch ||
	       (door_note_batch(note) == head->batch && !door_note_is_open(note));
}

static bool is_from_its_slot(const struct door *door, const struct door_head *head, pid_t sender)
{
	const struct slot_info *info = &board_of(door)->infos[head->sender];

	return sender > 0 && atomic_load(&info->is_taken) == 1 &&
	       atomic_load(&info->pid) == (uint32_t)sender;
}

/* True when the message is whole, and for this worker. */
static bool is_sound_head(const struct door *door, const struct door_head *head, size_t size,
			  const struct rights *rights)
{
	const struct slot *own = door->pool->slot;

	return size >= sizeof(*head) && !rights->is_cut && head->magic == DOOR_MAGIC &&
	       head->version == DOOR_VERSION && head->record_size == sizeof(struct record) &&
	       head->sender < SCOREBOARD_SLOTS && head->sender != own_slot(door) &&
	       head->receiver == own_slot(door) &&
	       head->generation == atomic_load(&own->generation) && head->cause < MOVE_CAUSES &&
	       head->batch > 0 && head->batch <= (uint64_t)clock_us() && head->conns > 0 &&
	       head->conns <= DOOR_CONNS_MOST;
}

/* The next worker of that slot takes the batch back. */
static bool is_of_the_dead(const struct door *door, const struct door_head *head, pid_t sender)
{
	const struct slot_info *info = &board_of(door)->infos[head->sender];

	return sender > 0 && atomic_load(&info->last_pid) == (uint32_t)sender &&
	       atomic_load(&info->pid) != (uint32_t)sender;
}

/* A sender that has withdrawn its batch may be gone by now. */
static bool is_authorised(const struct door *door, const struct door_head *head,
			  const struct rights *rights)
{
	return is_withdrawn(door, head) || is_from_its_slot(door, head, rights->sender) ||
	       is_of_the_dead(door, head, rights->sender);
}

/*
 * The batch is recorded. From DECIDING on, no other worker withdraws it; the master still does when
 * the sender is gone, and has then noted so itself.
 */
static bool note_taken(const struct door *door, const struct door_head *head)
{
	_Atomic uint64_t *note = &door->pool->slot->door_taken[head->sender];
	uint64_t deciding = door_note(head->batch, DOOR_DECIDING);

	write_note(door, head, DOOR_DECIDING);
	return !is_withdrawn(door, head) &&
	       atomic_compare_exchange_strong(note, &deciding, door_note(head->batch, DOOR_TAKEN));
}

/* Returns DOOR_TAKEN, or why not; notes it. */
static unsigned record_batch(const struct door *door, struct arrival *a,
			     const struct rights *rights)
{
	unsigned result = DOOR_REFUSED + STAY_unanswered;

	write_note(door, a->head, DOOR_BEGUN);
	if (!is_withdrawn(door, a->head) && door->is_open)
		result = arrival_record(a, rights);
	if (result == DOOR_TAKEN && !note_taken(door, a->head)) {
		arrival_undo(a);
		result = DOOR_REFUSED + STAY_unanswered;
	}
	if (result != DOOR_TAKEN)
		write_note(door, a->head, result);
	return result;
}

/*
 * Takes the batch, or refuses it: returns true in the first case. The rights are used up. The clock
 * is read first: the sender may have served the connections after this turn began, and a record
 * with a time ahead is refused.
 */
static bool decide_batch(const struct door *door, struct arrival *a, struct rights *rights)
{
	unsigned result;

	loop_read_clock(door->pool->loop);
	door->pool->arena->head->arriving =
		(struct arena_batch){ a->head->batch, a->head->sender, a->head->cause };
	result = record_batch(door, a, rights);
	if (result == DOOR_TAKEN) {
		arrival_serve(a);
	} else {
		rights_close(rights);
	}
	if (result == DOOR_REFUSED + STAY_damaged)
		cell_add(&door->pool->slot->tally.moves_refused_total, 1);
	door->pool->arena->head->arriving = (struct arena_batch){ 0 };
	return result == DOOR_TAKEN;
}

/* A sender that was taken over can send as many as this worker reads. */
static void log_refusal(struct door *door, const struct rights *rights, const char *reason)
{
	int64_t now_ms = door->pool->loop->now_ms;

	door->unsaid++;
	if (door->said_ms != 0 && now_ms - door->said_ms < SAID_MS)
		return;
	LOG(EVENT_move_refused, LOG_NUM("sender_pid", rights->sender), LOG_STR("reason", reason),
	    LOG_NUM("messages", door->unsaid));
	door->said_ms = now_ms;
	door->unsaid = 0;
}

static void refuse_message(struct door *door, struct rights *rights, const char *reason)
{
	log_refusal(door, rights, reason);
	rights_close(rights);
	cell_add(&door->pool->slot->tally.moves_refused_total, 1);
}

/* The end of the sender's door, which may be in this generation, the last one or the next. */
static int doorbell_of(const struct door *door, unsigned slot)
{
	const struct heritage *h = door->heritage;

	return heritage_doorbell(h, &h->board->infos[slot]);
}

/* It may be full: the sender looks at the note after a while in any case. */
static void wake_sender(const struct door *door, unsigned slot)
{
	int fd = doorbell_of(door, slot);

	if (fd >= 0)
		(void)!sys_send(fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Drops the message at the head. is_last: it may hold the last copy of a descriptor. */
static void drop_message(const struct door *door, bool is_last)
{
	if (is_last)
		rights_drop(door->watch.fd);
	else
		(void)!sys_recv(door->watch.fd, NULL, 0, MSG_DONTWAIT);
}

static void handle_batch(struct door *door, size_t size, struct rights *rights)
{
	const struct door_head *head = (const struct door_head *)door->message;
	struct arrival a = { .pool = door->pool,
			     .keys = door->keys,
			     .head = head,
			     .at = door->message + sizeof(*head),
			     .end = door->message + size,
			     .fds = rights->fds,
			     .fds_left = rights->count };
	bool has_fds = rights->count > 0 || rights->lacks_fds, is_taken = false;

	if (!is_sound_head(door, head, size, rights) || !is_authorised(door, head, rights)) {
		refuse_message(door, rights, "it is not of a worker that may pass connections on");
		drop_message(door, has_fds);
		return;
	}
	if (!is_decided(door, head) && !is_withdrawn(door, head) &&
	    !is_of_the_dead(door, head, rights->sender))
		is_taken = decide_batch(door, &a, rights);
	else
		rights_close(rights);
	drop_message(door, has_fds && !is_taken);
	wake_sender(door, head->sender);
}

/*
 * One byte is no batch: a receiver has noted what it did with one of this worker's, or a worker
 * that leaves has left connections in a queue. Returns false when no message is left.
 */
static bool handle_message(struct door *door)
{
	const struct iovec room = { door->message, DOOR_MESSAGE_MOST };
	struct rights rights;
	ssize_t size = rights_receive(door->watch.fd, &room, 1, &rights, MSG_DONTWAIT | MSG_PEEK);

	if (size < 0)
		return errno == EINTR;
	if (size > 1 || rights.count > 0 || rights.lacks_fds) {
		handle_batch(door, (size_t)size, &rights);
		return true;
	}
	drop_message(door, false);
	if (door->woken)
		door->woken(door->owner);
	return size > 0;
}

static void receive_batches(void *owner, uint32_t events)
{
	struct door *door = owner;
	int64_t until_us = clock_us() + MESSAGES_US;

	for (unsigned i = 0; i < MESSAGES_AT_ONCE && handle_message(door); i++)
		if (clock_us() >= until_us)
			break;
	/* any worker can shut it down for all, and epoll would report that for ever */
	if (events & (EPOLLRDHUP | EPOLLHUP))
		loop_unwatch(door->pool->loop, &door->watch);
}

/*
 * What the last worker of the slot had begun and not decided. It may have died of it, and its
 * sender may have died too, so that the message is no longer of any worker.
 */
static void refuse_begun(const struct door *door)
{
	for (unsigned i = 0; i < SCOREBOARD_SLOTS; i++) {
		_Atomic uint64_t *note = &door->pool->slot->door_taken[i];
		uint64_t batch = door_note_batch(atomic_load(note));

		if (batch > (uint64_t)clock_us()) /* the worker before was taken over */
			atomic_store(note, 0);
		else if (door_note_is_open(atomic_load(note)) && batch > 0)
			atomic_store(note, door_note(batch, DOOR_REFUSED + STAY_unanswered));
	}
}

bool door_start(struct door *door)
{
	int fd = door->heritage->wires[door->heritage->number].fds[WIRE_DOOR];

	door->message = sys_mmap(NULL, DOOR_MESSAGE_MOST, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (door->message == MAP_FAILED || !make_keys(door))
		return false;
	refuse_begun(door);
	door->is_open = true;
	door->watch = (struct watch){ .fd = fd, .ready = receive_batches, .owner = door };
	return loop_watch(door->pool->loop, &door->watch, EPOLLIN | EPOLLRDHUP);
}

void door_close(struct door *door)
{
	door->is_open = false;
	if (door->watch.place == 0)
		return;
	receive_batches(door, 0);
	loop_unwatch(door->pool->loop, &door->watch);
}
