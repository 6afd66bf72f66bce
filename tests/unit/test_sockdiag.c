/* SPDX-License-Identifier: MIT */
/* Tests of base/sockdiag.c against the kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>

#include "base/sockdiag.h"
#include "base/sys.h"
#include "unit/listening.h"

enum { BACKLOG = 4 };

static uint64_t inode_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

static struct listener_set *open_unix(struct listening *setup)
{
	listening_add(setup, listening_unix);
	setup->listens[0].backlog = BACKLOG;
	return listening_open(setup, NULL, 1);
}

static void unix__of_a_listening_socket__tells_its_queue(void **state)
{
	struct listening setup = { 0 };
	struct listener_set *set = open_unix(&setup);
	struct sockdiag diag = { .fd = -1 };
	struct sockdiag_queue queue = { 0 };
	uint64_t inode = inode_of(set->list[0].fds[0]);

	(void)state;
	assert_true(sockdiag_open(&diag));
	for (unsigned waiting = 0; waiting < 3; waiting++) {
		assert_int_equal(sockdiag_unix(&diag, inode, &queue), SOCKDIAG_FOUND);
		assert_int_equal(queue.length, waiting);
		assert_int_equal(queue.limit, BACKLOG);
		assert_true(listening_answers(&set->list[0].bound));
	}
	sockdiag_close(&diag);
	assert_int_equal(diag.fd, -1);
	listener_close_all(set, NULL, true);
}

static void unix__of_no_unix_socket__is_refused(void **state)
{
	struct sockdiag diag = { .fd = -1 };
	struct sockdiag_queue queue = { 0 };

	(void)state;
	assert_true(sockdiag_open(&diag));
	assert_int_equal(sockdiag_unix(&diag, inode_of(diag.fd), &queue), SOCKDIAG_REFUSED);
	assert_int_equal(errno, ENOENT);
	sockdiag_close(&diag);
}

/* Sends a question whose answer comes first and describes another socket. */
static void leave_a_question(const struct sockdiag *diag, uint64_t inode)
{
	struct {
		struct nlmsghdr head;
		struct unix_diag_req body;
	} question = {
		.head = { .nlmsg_len = sizeof(question),
			  .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			  .nlmsg_flags = NLM_F_REQUEST },
		.body = { .sdiag_family = AF_UNIX,
			  .udiag_ino = (uint32_t)inode,
			  .udiag_show = UDIAG_SHOW_RQLEN,
			  .udiag_cookie = { ~0U, ~0U } },
	};

	assert_int_equal(send(diag->fd, &question, sizeof(question), 0), sizeof(question));
}

static void unix__after_an_answer_that_nobody_fetched__takes_its_own(void **state)
{
	struct listening setup = { 0 };
	struct listener_set *set = open_unix(&setup);
	struct sockdiag diag = { .fd = -1 };
	struct sockdiag_queue queue = { 0 };
	int fds[2];

	(void)state;
	assert_true(sockdiag_open(&diag));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	leave_a_question(&diag, inode_of(fds[0]));
	assert_int_equal(sockdiag_unix(&diag, inode_of(set->list[0].fds[0]), &queue),
			 SOCKDIAG_FOUND);
	assert_int_equal(queue.limit, BACKLOG);
	close(fds[0]);
	close(fds[1]);
	sockdiag_close(&diag);
	listener_close_all(set, NULL, true);
}

static void unix__without_a_socket_to_ask_by__is_nothing(void **state)
{
	struct sockdiag diag = { .fd = -1 };
	struct sockdiag_queue queue = { 0 };

	(void)state;
	assert_int_equal(sockdiag_unix(&diag, 1, &queue), SOCKDIAG_NOTHING);
	sockdiag_close(&diag);
}

#define WITH_FOLDER(test) \
	cmocka_unit_test_setup_teardown(test, listening_set_up, listening_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FOLDER(unix__of_a_listening_socket__tells_its_queue),
		WITH_FOLDER(unix__of_no_unix_socket__is_refused),
		WITH_FOLDER(unix__after_an_answer_that_nobody_fetched__takes_its_own),
		WITH_FOLDER(unix__without_a_socket_to_ask_by__is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
