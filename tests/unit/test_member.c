/* SPDX-License-Identifier: MIT */
/*
 * Tests of master/member.c: every transition of its picture, and every death in each state. A story
 * is one letter for each event; the test checks the state after the last one.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/sys.h"
#include "unit/kept.h"

static void want(void)
{
	member_want(kept.member, 0, kept.now_ms);
}

static void hang(void)
{
	member_hang(kept.member, kept.now_ms + 1000);
}

static void leave(void)
{
	member_retire(kept.member, SIGQUIT, kept.now_ms + 5 * KEPT_LATER_MS);
}

static void end_fast(void)
{
	member_signal(kept.member, SIGINT);
}

/* The killed process is not reaped. */
static void let_time_pass(void)
{
	kept.now_ms = kept.member->kill_ms;
	workers_kill_due(kept.procs, kept.now_ms);
	assert_int_equal(kept.member->kill_ms, 0);
}

static void exit_well(void)
{
	kept_exit_worker(0);
}

static void exit_for_good(void)
{
	kept_exit_worker(CODE_NO_RESPAWN);
}

static const struct {
	char letter;
	void (*act)(void);
} events[] = {
	{ 'W', want },
	{ 's', kept_start },
	{ 'c', kept_clone },
	{ 'y', kept_report_ready },
	{ 'h', hang },
	{ 'z', kept_drain },
	{ 'l', leave },
	{ 'f', end_fast },
	{ 't', let_time_pass },
	{ 'w', kept_kill_worker },
	{ 'k', kept_kill_keeper },
	{ 'e', exit_well },
	{ 'n', exit_for_good },
};

static void act(char letter)
{
	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++)
		if (events[i].letter == letter)
			events[i].act();
}

struct story {
	const char *events;
	enum member_state last;
};

static void play(const struct story *stories, size_t count)
{
	kept.keeper_stays = true;
	for (size_t i = 0; i < count; i++) {
		for (const char *at = stories[i].events; *at != '\0'; at++)
			act(*at);
		if (kept.member->state != stories[i].last)
			fail_msg("%s: state %d, not %d", stories[i].events, (int)kept.member->state,
				 (int)stories[i].last);
		kept_clear();
		kept.procs->fatal.text[0] = '\0';
	}
}

#define PLAY(stories) play(stories, sizeof(stories) / sizeof(*(stories)))

static void worker__that_is_to_stay__starts_is_ready_and_hangs(void **state)
{
	static const struct story stories[] = {
		{ "", MEMBER_EMPTY },
		{ "W", MEMBER_BACKOFF },
		{ "Ws", MEMBER_STARTING },
		{ "Wsc", MEMBER_STARTING },
		{ "Wscy", MEMBER_READY },
		{ "Wsh", MEMBER_HUNG_STARTING },
		{ "Wsch", MEMBER_HUNG_STARTING },
		{ "Wschy", MEMBER_HUNG_READY },
		{ "Wscyh", MEMBER_HUNG_READY },
		{ "Wscht", MEMBER_HUNG_STARTING },
		{ "Wscyht", MEMBER_HUNG_READY },
	};

	(void)state;
	PLAY(stories);
}

static void death__of_a_worker_that_was_to_stay__is_followed_by_another(void **state)
{
	static const struct story stories[] = {
		{ "Wscw", MEMBER_RECOVERING },        { "Wscyw", MEMBER_RECOVERING },
		{ "Wschw", MEMBER_RECOVERING },       { "Wscyhw", MEMBER_RECOVERING },
		{ "Wscyzw", MEMBER_BACKOFF },         { "Wscyws", MEMBER_STARTING },
		{ "Wsce", MEMBER_RENEWING_KEEPER },   { "Wscye", MEMBER_RENEWING_KEEPER },
		{ "Wsche", MEMBER_RENEWING_KEEPER },  { "Wscyhe", MEMBER_RENEWING_KEEPER },
		{ "Wscyes", MEMBER_RENEWING_KEEPER }, { "Wscyet", MEMBER_RENEWING_KEEPER },
		{ "Wscyek", MEMBER_BACKOFF },         { "Wscyeks", MEMBER_STARTING },
	};

	(void)state;
	PLAY(stories);
}

static void death__with_no_other_to_follow__dismisses_the_keeper(void **state)
{
	static const struct story stories[] = {
		{ "Wscn", MEMBER_DISMISSING_KEEPER },
		{ "Wscyn", MEMBER_DISMISSING_KEEPER },
		{ "Wschn", MEMBER_DISMISSING_KEEPER },
		{ "Wscyhn", MEMBER_DISMISSING_KEEPER },
		{ "Wscynk", MEMBER_EMPTY },
	};

	(void)state;
	PLAY(stories);
}

static void death__of_a_keeper__leaves_its_worker_alone(void **state)
{
	static const struct story stories[] = {
		{ "Wsk", MEMBER_BACKOFF },
		{ "Wshk", MEMBER_BACKOFF },
		{ "Wsck", MEMBER_STARTING },
		{ "Wscyk", MEMBER_READY },
		{ "Wschk", MEMBER_HUNG_STARTING },
		{ "Wscyhk", MEMBER_HUNG_READY },
		{ "Wscywk", MEMBER_BACKOFF },
		{ "Wscykw", MEMBER_BACKOFF },
		{ "Wscyke", MEMBER_BACKOFF },
		{ "Wscykn", MEMBER_EMPTY },
		{ "Wslk", MEMBER_EMPTY },
		{ "Wshlk", MEMBER_EMPTY },
		{ "Wscylk", MEMBER_DRAINING },
		{ "Wscylkw", MEMBER_EMPTY },
		{ "Wscylhk", MEMBER_HUNG_DRAINING },
		{ "Wscylhkw", MEMBER_EMPTY },
		{ "Wscylwk", MEMBER_EMPTY },
		{ "Wscylfk", MEMBER_ENDING },
		{ "Wscylfkw", MEMBER_EMPTY },
		{ "Wscylfhk", MEMBER_HUNG_ENDING },
		{ "Wscylfhkw", MEMBER_EMPTY },
		{ "Wscylek", MEMBER_EMPTY },
	};

	(void)state;
	PLAY(stories);
}

static void leave__in_each_state__drains_what_there_is(void **state)
{
	static const struct story stories[] = {
		{ "l", MEMBER_EMPTY },
		{ "Wl", MEMBER_EMPTY },
		{ "Wsl", MEMBER_DRAINING },
		{ "Wscl", MEMBER_DRAINING },
		{ "Wscyl", MEMBER_DRAINING },
		{ "Wshl", MEMBER_HUNG_DRAINING },
		{ "Wschl", MEMBER_HUNG_DRAINING },
		{ "Wscyhl", MEMBER_HUNG_DRAINING },
		{ "Wscywl", MEMBER_RECOVERING_TO_DRAIN },
		{ "Wscyzwl", MEMBER_DISMISSING_KEEPER },
		{ "Wscywkl", MEMBER_EMPTY },
		{ "Wscyel", MEMBER_DISMISSING_KEEPER },
		{ "Wscyll", MEMBER_DRAINING },
		{ "Wscylhl", MEMBER_HUNG_DRAINING },
		{ "Wscylwl", MEMBER_RECOVERING_TO_DRAIN },
		{ "Wscylfl", MEMBER_ENDING },
		{ "Wscylfhl", MEMBER_HUNG_ENDING },
		{ "Wscylel", MEMBER_DISMISSING_KEEPER },
	};

	(void)state;
	PLAY(stories);
}

/* Plays the story, and returns what the log says of its last event, at level info. */
static const char *log_of(const char *story)
{
	static char text[4096];
	char path[] = "/tmp/prefork-unit-XXXXXX";
	int fd = mkstemp(path);
	struct err err;
	ssize_t n;

	assert_true(log_open(path, LEVEL_INFO, LOG_TEXT, (uid_t)-1, &err));
	for (const char *at = story; *at != '\0'; at++)
		act(*at);
	n = pread(fd, text, sizeof(text) - 1, 0);
	assert_true(n >= 0);
	text[n] = '\0';
	assert_true(log_open("/dev/null", LEVEL_ERROR, LOG_TEXT, (uid_t)-1, &err));
	close(fd);
	unlink(path);
	return strstr(text, "worker_retired");
}

/* Whoever reads the log must know that its connections will end, or move. */
static void leave__of_a_worker__is_logged_though_it_has_just_died(void **state)
{
	char pid[32];
	const char *said;

	(void)state;
	said = log_of("Wscyl");
	assert_non_null(said);
	snprintf(pid, sizeof(pid), " child_pid=%d\n", (int)kept.member->pid);
	assert_non_null(strstr(said, pid));
	kept_clear();
	said = log_of("Wscywl");
	assert_non_null(said);
	assert_non_null(strstr(said, " child_pid=0\n"));
	kept_clear();
	assert_null(log_of("l"));
}

static void death__while_draining__is_finished_by_another(void **state)
{
	static const struct story stories[] = {
		{ "Wscyle", MEMBER_DISMISSING_KEEPER },
		{ "Wscyln", MEMBER_DISMISSING_KEEPER },
		{ "Wscyzlw", MEMBER_DISMISSING_KEEPER },
		{ "Wscylw", MEMBER_RECOVERING_TO_DRAIN },
		{ "Wscylws", MEMBER_DRAINING },
		{ "Wscylwsc", MEMBER_DRAINING },
		{ "Wscylwscy", MEMBER_DRAINING },
		{ "Wscylwsce", MEMBER_DISMISSING_KEEPER },
		{ "Wscylh", MEMBER_HUNG_DRAINING },
		{ "Wscylht", MEMBER_HUNG_DRAINING },
		{ "Wscylhw", MEMBER_RECOVERING_TO_DRAIN },
		{ "Wscylhe", MEMBER_DISMISSING_KEEPER },
		{ "Wscyzlhw", MEMBER_DISMISSING_KEEPER },
	};

	(void)state;
	PLAY(stories);
}

static void end__in_each_state__is_followed_by_no_worker(void **state)
{
	static const struct story stories[] = {
		{ "Wscylf", MEMBER_ENDING },
		{ "Wscylt", MEMBER_ENDING },
		{ "Wscylft", MEMBER_ENDING },
		{ "Wscylff", MEMBER_ENDING },
		{ "Wscylfh", MEMBER_HUNG_ENDING },
		{ "Wscylhf", MEMBER_HUNG_ENDING },
		{ "Wscylfw", MEMBER_DISMISSING_KEEPER },
		{ "Wscylfe", MEMBER_DISMISSING_KEEPER },
		{ "Wscylfhw", MEMBER_DISMISSING_KEEPER },
		{ "Wslf", MEMBER_DISMISSING_KEEPER },
		{ "Wslt", MEMBER_DISMISSING_KEEPER },
		{ "Wshlf", MEMBER_DISMISSING_KEEPER },
		{ "Wscylwf", MEMBER_DISMISSING_KEEPER },
		{ "Wscylwt", MEMBER_DISMISSING_KEEPER },
		{ "Wscylef", MEMBER_DISMISSING_KEEPER },
		{ "Wscylet", MEMBER_DISMISSING_KEEPER },
		{ "Wslfc", MEMBER_ENDING },
		{ "Wslfcw", MEMBER_DISMISSING_KEEPER },
		{ "Wslfk", MEMBER_EMPTY },
	};

	(void)state;
	PLAY(stories);
}

static void member__without_a_keeper__has_nothing_to_hand_on(void **state)
{
	static const struct story stories[] = {
		{ "Ws", MEMBER_STARTING },       { "Wsy", MEMBER_READY },
		{ "Wsh", MEMBER_HUNG_STARTING }, { "Wsyh", MEMBER_HUNG_READY },
		{ "Wsw", MEMBER_BACKOFF },       { "Wsyw", MEMBER_BACKOFF },
		{ "Wshw", MEMBER_BACKOFF },      { "Wsyhw", MEMBER_BACKOFF },
		{ "Wsye", MEMBER_BACKOFF },      { "Wsyn", MEMBER_EMPTY },
		{ "Wsywl", MEMBER_EMPTY },       { "Wsyl", MEMBER_DRAINING },
		{ "Wsylw", MEMBER_EMPTY },       { "Wsyle", MEMBER_EMPTY },
		{ "Wsylhw", MEMBER_EMPTY },      { "Wsylfw", MEMBER_EMPTY },
		{ "Wsylfhw", MEMBER_EMPTY },     { "Wsylt", MEMBER_ENDING },
	};

	(void)state;
	kept.generation->conf->keep_connections = false;
	PLAY(stories);
}

/* Its worker has left by itself, so no heartbeat is missing: the watchdog must not kill it. */
static void keeper__that_leaves_alone__is_not_judged(void **state)
{
	(void)state;
	kept.keeper_stays = true;
	for (const char *at = "Wscye"; *at != '\0'; at++)
		act(*at);
	assert_int_equal(kept.member->state, MEMBER_RENEWING_KEEPER);
	assert_false(member_must_beat(kept.member));
	kept_clear();
}

static void hang__of_an_empty_member__is_a_bug(void **state)
{
	siginfo_t info;
	pid_t pid = sys_fork();

	(void)state;
	if (pid == 0) {
		member_hang(kept.member, kept.now_ms);
		_exit(0);
	}
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED), 0);
	assert_int_not_equal(info.si_code, CLD_EXITED);
	assert_int_equal(info.si_status, SIGABRT);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, kept_make, kept_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(worker__that_is_to_stay__starts_is_ready_and_hangs),
		CASE(death__of_a_worker_that_was_to_stay__is_followed_by_another),
		CASE(death__with_no_other_to_follow__dismisses_the_keeper),
		CASE(death__of_a_keeper__leaves_its_worker_alone),
		CASE(leave__in_each_state__drains_what_there_is),
		CASE(leave__of_a_worker__is_logged_though_it_has_just_died),
		CASE(death__while_draining__is_finished_by_another),
		CASE(end__in_each_state__is_followed_by_no_worker),
		CASE(member__without_a_keeper__has_nothing_to_hand_on),
		CASE(keeper__that_leaves_alone__is_not_judged),
		CASE(hang__of_an_empty_member__is_a_bug),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
