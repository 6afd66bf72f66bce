/* SPDX-License-Identifier: MIT */
/*
 * One question and its answer over netlink. It does not know whose sockets these are. Called by the
 * master's sampling of accept queues.
 */
#include "base/sockdiag.h"

#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <string.h>

#include "base/sys.h"

enum { ANSWER_SIZE = 512 }; /* of one socket; what is longer is no answer to this question */

bool sockdiag_open(struct sockdiag *diag)
{
	diag->fd = sys_socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			      NETLINK_SOCK_DIAG);
	return diag->fd >= 0;
}

void sockdiag_close(struct sockdiag *diag)
{
	if (diag->fd >= 0)
		sys_close(diag->fd);
	diag->fd = -1;
}

static bool ask(struct sockdiag *diag, uint64_t inode)
{
	struct {
		struct nlmsghdr head;
		struct unix_diag_req body;
	} question = {
		.head = { .nlmsg_len = sizeof(question),
			  .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			  .nlmsg_flags = NLM_F_REQUEST,
			  .nlmsg_seq = ++diag->seq },
		.body = { .sdiag_family = AF_UNIX,
			  .udiag_states = ~0U,
			  .udiag_ino = (uint32_t)inode,
			  .udiag_show = UDIAG_SHOW_RQLEN,
			  .udiag_cookie = { ~0U, ~0U } },
	};

	return sys_send(diag->fd, &question, sizeof(question), 0) == sizeof(question);
}

static bool read_lengths(const char *attributes, size_t size, struct sockdiag_queue *queue)
{
	struct unix_diag_rqlen lengths;
	struct nlattr head;

	for (size_t at = 0; size - at >= sizeof(head); at += (size_t)NLA_ALIGN(head.nla_len)) {
		memcpy(&head, attributes + at, sizeof(head));
		if (head.nla_len < sizeof(head) || (size_t)NLA_ALIGN(head.nla_len) > size - at)
			return false;
		if (head.nla_type != UNIX_DIAG_RQLEN ||
		    head.nla_len < sizeof(head) + sizeof(lengths))
			continue;
		memcpy(&lengths, attributes + at + sizeof(head), sizeof(lengths));
		queue->length = lengths.udiag_rqueue;
		queue->limit = lengths.udiag_wqueue;
		return true;
	}
	return false;
}

static enum sockdiag_answer read_answer(const char *bytes, size_t size,
					struct sockdiag_queue *queue)
{
	enum { BODY_AT = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct unix_diag_msg)) };
	struct nlmsghdr head;
	struct nlmsgerr refusal;

	memcpy(&head, bytes, sizeof(head));
	if (head.nlmsg_type == NLMSG_ERROR && size >= NLMSG_HDRLEN + sizeof(refusal)) {
		memcpy(&refusal, bytes + NLMSG_HDRLEN, sizeof(refusal));
		errno = -refusal.error;
		return errno == ENOMEM || errno == ENOBUFS ? SOCKDIAG_NOTHING : SOCKDIAG_REFUSED;
	}
	if (head.nlmsg_type == SOCK_DIAG_BY_FAMILY && size >= BODY_AT &&
	    read_lengths(bytes + BODY_AT, size - BODY_AT, queue))
		return SOCKDIAG_FOUND;
	return SOCKDIAG_NOTHING;
}

/* An answer that was not fetched when it came lies before the one to this question. */
enum sockdiag_answer sockdiag_unix(struct sockdiag *diag, uint64_t inode,
				   struct sockdiag_queue *queue)
{
	char bytes[ANSWER_SIZE];
	struct nlmsghdr head;
	ssize_t n;

	if (!ask(diag, inode))
		return SOCKDIAG_NOTHING;
	while ((n = sys_recv(diag->fd, bytes, sizeof(bytes), MSG_DONTWAIT)) >= NLMSG_HDRLEN) {
		memcpy(&head, bytes, sizeof(head));
		if (head.nlmsg_seq == diag->seq)
			return read_answer(bytes, (size_t)n, queue);
	}
	return SOCKDIAG_NOTHING;
}
