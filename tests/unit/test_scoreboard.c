/* SPDX-License-Identifier: MIT */
/* Tests of stats/scoreboard: the file, its checks, and counts across a worker's death. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stats/scoreboard.h"
#include "stats/tally.h"

static char folder[64];
static char path[96];

static int set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/test_scoreboard.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/s.scoreboard", folder);
	return 0;
}

static int tear_down(void **state)
{
	char fresh[128];

	(void)state;
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	unlink(fresh);
	unlink(path);
	return rmdir(folder);
}

static struct scoreboard *make(void)
{
	struct err err;
	struct scoreboard *board = scoreboard_new(path, &err);

	if (!board)
		fail_msg("%s", err.text);
	scoreboard_use(board, SCOREBOARD_SLOTS, SCOREBOARD_WORKERS);
	return board;
}

static void new__then_view__shows_what_the_master_writes(void **state)
{
	struct scoreboard *board = make();
	const struct scoreboard *view;
	struct err err;
	struct stat st;

	(void)state;
	view = scoreboard_view(path, &err);
	assert_non_null(view);
	assert_int_equal(atomic_load(&view->master_pid), getpid());
	cell_set(&board->server.generation, 7);
	assert_int_equal(cell_get(&view->server.generation), 7);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(st.st_size, sizeof(*board));
	scoreboard_unview(view);
	scoreboard_free(board, path, true);
	assert_int_equal(access(path, F_OK), -1);
}

/* Counts as a living worker does. */
static void count(struct scoreboard *board, unsigned i, uint64_t messages)
{
	struct slot *slot = &board->slots[i];

	atomic_store(&slot->state, SLOT_READY);
	atomic_store(&board->infos[i].is_taken, 1);
	cell_add(&slot->tally.listeners[2].messages_total, messages);
}

static void new__is_shared_with_children(void **state)
{
	struct scoreboard *board = make();
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		count(board, 3, 5);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(tally_sum(board, METRIC_messages_total), 5);
	scoreboard_free(board, path, true);
}

static void new__over_an_older_file__replaces_it_and_leaves_the_old_mapping(void **state)
{
	struct scoreboard *old = make(), *board;

	(void)state;
	cell_set(&old->server.generation, 1);
	board = make();
	assert_int_equal(cell_get(&board->server.generation), 0);
	assert_int_equal(cell_get(&old->server.generation), 1);
	scoreboard_free(old, path, true); /* the file is no longer its own */
	assert_int_equal(access(path, F_OK), 0);
	scoreboard_free(board, path, true);
}

static void new__does_not_follow_a_link_in_its_way(void **state)
{
	char fresh[128], victim[128];
	struct scoreboard *board;
	struct stat st;

	(void)state;
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	snprintf(victim, sizeof(victim), "%s/victim", folder);
	close(open(victim, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_int_equal(symlink(victim, fresh), 0);
	board = make();
	assert_int_equal(stat(victim, &st), 0);
	assert_int_equal(st.st_size, 0);
	assert_int_equal(unlink(fresh), 0);
	scoreboard_free(board, path, true);
	unlink(victim);
}

static void new__in_no_folder__says_so(void **state)
{
	struct err err;

	(void)state;
	assert_null(scoreboard_new("/nonexistent/s", &err));
	assert_int_equal(err.code, CODE_CONFIG);
	assert_non_null(strstr(err.text, "/nonexistent/s"));
}

static void refuses(const char *reason)
{
	struct err err;

	assert_null(scoreboard_view(path, &err));
	assert_int_equal(err.code, CODE_FAILED);
	if (!strstr(err.text, reason))
		fail_msg("%s", err.text);
}

static void view__of_what_is_no_scoreboard__is_refused(void **state)
{
	struct scoreboard *board;

	(void)state;
	refuses("No such file");
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	refuses("not a scoreboard");
	assert_int_equal(truncate(path, sizeof(*board)), 0);
	refuses("not a scoreboard");
	unlink(path);
	board = make();
	board->version++;
	refuses("not a scoreboard");
	board->version--;
	board->magic = 0;
	refuses("not a scoreboard");
	scoreboard_free(board, path, true);
	assert_int_equal(mkfifo(path, 0600), 0);
	refuses("not a scoreboard");
}

static void fold__keeps_counters_and_what_is_open(void **state)
{
	struct scoreboard *board = make();
	struct slot *slot = &board->slots[1];
	const uint32_t live[METRIC_LISTENERS] = { [0] = 1, [METRIC_LISTENERS - 1] = 2 };

	(void)state;
	count(board, 1, 10);
	scoreboard_set_live(slot, live);
	assert_int_equal(atomic_load(&slot->live), 3);
	cell_set(&slot->tally.worker_memory_bytes, 4096);
	count(board, 2, 1);
	scoreboard_fold(board, slot, 1);
	assert_int_equal(tally_sum(board, METRIC_messages_total), 11);
	assert_int_equal(tally_sum(board, METRIC_connections_live), 3);
	assert_int_equal(atomic_load(&slot->live), 3);
	assert_int_equal(tally_sum(board, METRIC_worker_memory_bytes), 0);
	scoreboard_set_live(slot, NULL);
	assert_int_equal(atomic_load(&slot->live), 0);
	assert_int_equal(tally_sum(board, METRIC_connections_live), 0);
	scoreboard_fold(board, slot, 1);
	assert_int_equal(tally_sum(board, METRIC_messages_total), 11);
	scoreboard_free(board, path, true);
}

static void sum__of_what_no_worker_can_have_counted__is_neither_negative_nor_small(void **state)
{
	struct scoreboard *board = make();
	metric_cell *cell = &board->slots[0].tally.listeners[2].messages_total;

	(void)state;
	count(board, 0, 0);
	count(board, 1, 7);
	cell_set(cell, (uint64_t)-3);
	assert_int_equal(tally_sum(board, METRIC_messages_total), 7);
	cell_set(cell, INT64_MAX - 1);
	assert_true(tally_sum(board, METRIC_messages_total) == INT64_MAX);
	scoreboard_fold(board, &board->slots[0], 0);
	scoreboard_fold(board, &board->slots[1], 0);
	assert_true(tally_sum(board, METRIC_messages_total) == INT64_MAX);
	cell_set(cell, (uint64_t)-3);
	scoreboard_fold(board, &board->slots[0], 1);
	assert_int_equal(metric_sum(&board->past[1].tally, METRIC_messages_total), 0);
	scoreboard_free(board, path, true);
}

static void sum__after_a_fold_that_never_ended__still_answers(void **state)
{
	struct scoreboard *board = make();

	(void)state;
	count(board, 0, 2);
	atomic_store(&board->folds, 1);
	assert_int_equal(tally_sum(board, METRIC_messages_total), 2);
	scoreboard_free(board, path, true);
}

static void sum__while_another_process_folds__never_falls(void **state)
{
	struct scoreboard *board = make();
	uint64_t last = 0;
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(60); /* a bound, in case the reader fails */
		for (unsigned i = 0; i < 2000; i++) {
			count(board, 1000, 1000);
			scoreboard_fold(board, &board->slots[1000], 7);
			/* the reader's turn: otherwise a fold would be under way in every sum */
			while (cell_get(&board->server.generation) < i)
				sched_yield();
		}
		_exit(0);
	}
	while (waitpid(pid, &status, WNOHANG) == 0) {
		uint64_t sum = tally_sum(board, METRIC_messages_total);

		assert_true(sum >= last);
		last = sum;
		cell_add(&board->server.generation, 1);
	}
	assert_int_equal(tally_sum(board, METRIC_messages_total), 2000000);
	scoreboard_free(board, path, true);
}

static void worker__adds_up_the_dead_and_the_living_of_its_number(void **state)
{
	struct scoreboard *board = make();
	struct worker_tally tally;
	struct tally crew;

	(void)state;
	count(board, 5, 3);
	cell_add(&board->slots[5].tally.connections_ended_total[CLOSE_drained], 2);
	histogram_add(&board->slots[5].tally.message_seconds, 7, 3);
	scoreboard_fold(board, &board->slots[5], 4);
	count(board, 6, 5);
	atomic_store(&board->infos[6].number, 4);
	count(board, 7, 9);
	atomic_store(&board->infos[7].number, 5);
	tally_look(&crew, board);
	tally_worker(&crew, board, 4, &tally);
	assert_int_equal(metric_sum(&tally, METRIC_messages_total), 8);
	assert_int_equal(cell_get(&tally.listeners[2].messages_total), 8);
	assert_int_equal(tally.connections_ended_total[CLOSE_drained], 2);
	assert_int_equal(metric_sum(&tally, METRIC_message_seconds), 3);
	assert_int_equal(tally.message_seconds.sum_us, 21);
	tally_total(board, &tally);
	assert_int_equal(metric_sum(&tally, METRIC_messages_total), 17);
	scoreboard_free(board, path, true);
}

static void enlist__gives_a_listener_its_row_again_and_the_last_one_to_all_beyond(void **state)
{
	struct scoreboard *board = make();
	char address[32];

	(void)state;
	for (unsigned i = 0; i < METRIC_LISTENERS + 3; i++) {
		snprintf(address, sizeof(address), "127.0.0.1:%u", i + 1);
		assert_int_equal(scoreboard_enlist(board, address, "echo"),
				 i < METRIC_LISTENERS ? i : METRIC_LISTENERS - 1);
	}
	assert_int_equal(scoreboard_enlist(board, "127.0.0.1:4", "echo"), 3);
	assert_int_equal(scoreboard_enlist(board, "127.0.0.1:4", "ack"), METRIC_LISTENERS - 1);
	assert_string_equal(board->listeners[METRIC_LISTENERS - 1].address, "other");
	scoreboard_free(board, path, true);
}

static void enlist__without_a_free_row__takes_that_of_one_that_is_gone(void **state)
{
	struct scoreboard *board = make();
	struct listener_row *other = &board->listeners[METRIC_LISTENERS - 1];
	char address[32];

	(void)state;
	for (unsigned i = 0; i < METRIC_LISTENERS - 1; i++) {
		snprintf(address, sizeof(address), "127.0.0.1:%u", i + 1);
		scoreboard_enlist(board, address, "echo");
	}
	count(board, 0, 3); /* for row 2 */
	scoreboard_fold(board, &board->slots[0], 1);
	count(board, 0, 4);
	atomic_store(&board->listeners[2].life, LISTENER_GONE);
	/* a living worker counts there */
	assert_int_equal(scoreboard_enlist(board, "127.0.0.1:80", "echo"), METRIC_LISTENERS - 1);
	scoreboard_fold(board, &board->slots[0], 1);
	atomic_store(&board->infos[0].is_taken, 0);
	cell_set(&board->listeners[2].queue.accept_queue_dropped_segments_total, 5);
	assert_int_equal(scoreboard_enlist(board, "127.0.0.1:80", "echo"), 2);
	assert_string_equal(board->listeners[2].address, "127.0.0.1:80");
	assert_int_equal(tally_sum(board, METRIC_messages_total), 7);
	assert_int_equal(cell_get(&board->past[1].tally.listeners[2].messages_total), 0);
	assert_int_equal(cell_get(&other->queue.accept_queue_dropped_segments_total), 5);
	scoreboard_free(board, path, true);
}

static void bucket__holds_what_is_at_most_its_bound(void **state)
{
	(void)state;
	for (unsigned b = 1; b < HISTOGRAM_BUCKETS - 1; b++) {
		assert_true(histogram_bound_us(b) > histogram_bound_us(b - 1));
		assert_int_equal(histogram_bucket(histogram_bound_us(b)), b);
		assert_int_equal(histogram_bucket(histogram_bound_us(b) + 1), b + 1);
	}
	assert_int_equal(histogram_bucket(0), 0);
	assert_int_equal(histogram_bucket(1), 0);
	assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}

static void path__replaces_or_follows_the_pid_files(void **state)
{
	char text[64];

	(void)state;
	assert_string_equal(scoreboard_path("/run/x.pid", text, sizeof(text)), "/run/x.scoreboard");
	assert_string_equal(scoreboard_path("/run/x", text, sizeof(text)), "/run/x.scoreboard");
	assert_string_equal(scoreboard_path(".pid", text, sizeof(text)), ".pid.scoreboard");
}

static void slots__lie_on_pages_of_their_own(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct slot) % SCOREBOARD_PAGE, 0);
	assert_int_equal(offsetof(struct scoreboard, slots) % SCOREBOARD_PAGE, 0);
	assert_string_equal(metric_rows[METRIC_messages_total].name, "messages_total");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(new__then_view__shows_what_the_master_writes),
		CASE(new__is_shared_with_children),
		CASE(new__over_an_older_file__replaces_it_and_leaves_the_old_mapping),
		CASE(new__does_not_follow_a_link_in_its_way),
		CASE(new__in_no_folder__says_so),
		CASE(view__of_what_is_no_scoreboard__is_refused),
		CASE(fold__keeps_counters_and_what_is_open),
		CASE(sum__of_what_no_worker_can_have_counted__is_neither_negative_nor_small),
		CASE(sum__after_a_fold_that_never_ended__still_answers),
		CASE(sum__while_another_process_folds__never_falls),
		CASE(worker__adds_up_the_dead_and_the_living_of_its_number),
		CASE(enlist__gives_a_listener_its_row_again_and_the_last_one_to_all_beyond),
		CASE(enlist__without_a_free_row__takes_that_of_one_that_is_gone),
		cmocka_unit_test(bucket__holds_what_is_at_most_its_bound),
		cmocka_unit_test(path__replaces_or_follows_the_pid_files),
		cmocka_unit_test(slots__lie_on_pages_of_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
