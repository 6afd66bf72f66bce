/* SPDX-License-Identifier: MIT */
/*
 * One request and its reply over netlink, and the names of the TCP states. It does not know the
 * owners of the sockets.
 */
#include "base/sockdiag.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <string.h>

#include "base/sys.h"

enum { ANSWER_SIZE = 512 }; /* for one socket; a longer reply does not belong to this request */

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

/* A request: the netlink header and the body of the address family. */
struct question {
	struct nlmsghdr head;
	union {
		struct unix_diag_req local;
		struct inet_diag_req_v2 inet;
	};
};

static bool send_question(struct sockdiag *diag, struct question *question, size_t body_size)
{
	size_t size = offsetof(struct question, local) + body_size;

	question->head = (struct nlmsghdr){ .nlmsg_len = (uint32_t)size,
					    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
					    .nlmsg_flags = NLM_F_REQUEST,
					    .nlmsg_seq = ++diag->seq };
	return sys_send(diag->fd, question, size, 0) == (ssize_t)size;
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

/* SOCKDIAG_FOUND for a reply that is not an error. */
static enum sockdiag_answer read_head(const char *bytes, size_t size)
{
	struct nlmsghdr head;
	struct nlmsgerr refusal;

	memcpy(&head, bytes, sizeof(head));
	if (head.nlmsg_type == NLMSG_ERROR && size >= NLMSG_HDRLEN + sizeof(refusal)) {
		memcpy(&refusal, bytes + NLMSG_HDRLEN, sizeof(refusal));
		errno = -refusal.error;
		return errno == ENOMEM || errno == ENOBUFS ? SOCKDIAG_NOTHING : SOCKDIAG_REFUSED;
	}
	return head.nlmsg_type == SOCK_DIAG_BY_FAMILY ? SOCKDIAG_FOUND : SOCKDIAG_NOTHING;
}

/*
 * Receives the reply to the last request. *size is the buffer's size, then the reply's. Late
 * replies to earlier requests are skipped.
 */
static enum sockdiag_answer receive_answer(struct sockdiag *diag, char *bytes, size_t *size)
{
	struct nlmsghdr head;
	ssize_t n;

	while ((n = sys_recv(diag->fd, bytes, *size, MSG_DONTWAIT)) >= NLMSG_HDRLEN) {
		memcpy(&head, bytes, sizeof(head));
		if (head.nlmsg_seq != diag->seq)
			continue;
		*size = (size_t)n;
		return read_head(bytes, *size);
	}
	return SOCKDIAG_NOTHING;
}

enum sockdiag_answer sockdiag_unix(struct sockdiag *diag, uint64_t inode,
				   struct sockdiag_queue *queue)
{
	enum { BODY_AT = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct unix_diag_msg)) };
	struct question question = { .local = { .sdiag_family = AF_UNIX,
						.udiag_states = ~0U,
						.udiag_ino = (uint32_t)inode,
						.udiag_show = UDIAG_SHOW_RQLEN,
						.udiag_cookie = { ~0U, ~0U } } };
	char bytes[ANSWER_SIZE];
	size_t size = sizeof(bytes);
	enum sockdiag_answer answer;

	if (!send_question(diag, &question, sizeof(question.local)))
		return SOCKDIAG_NOTHING;
	answer = receive_answer(diag, bytes, &size);
	if (answer != SOCKDIAG_FOUND)
		return answer;
	return size >= BODY_AT && read_lengths(bytes + BODY_AT, size - BODY_AT, queue) ?
		       SOCKDIAG_FOUND :
		       SOCKDIAG_NOTHING;
}

/* One end of a connection in the request's form: network order, IPv4 in the first word. */
static void set_end(const struct addr *addr, uint16_t *port, uint32_t *words)
{
	if (addr->sa.sa_family == AF_INET) {
		*port = addr->in.sin_port;
		words[0] = addr->in.sin_addr.s_addr;
	} else {
		*port = addr->in6.sin6_port;
		memcpy(words, &addr->in6.sin6_addr, sizeof(addr->in6.sin6_addr));
	}
}

enum sockdiag_answer sockdiag_tcp(struct sockdiag *diag, const struct addr *local,
				  const struct addr *remote, int *state)
{
	struct question question = { .inet = { .sdiag_family = (uint8_t)local->sa.sa_family,
					       .sdiag_protocol = IPPROTO_TCP,
					       .idiag_states = ~0U } };
	struct inet_diag_sockid *id = &question.inet.id;
	char bytes[ANSWER_SIZE];
	size_t size = sizeof(bytes);
	struct inet_diag_msg body;
	enum sockdiag_answer answer;

	set_end(local, &id->idiag_sport, id->idiag_src);
	set_end(remote, &id->idiag_dport, id->idiag_dst);
	id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	if (!send_question(diag, &question, sizeof(question.inet)))
		return SOCKDIAG_NOTHING;
	answer = receive_answer(diag, bytes, &size);
	if (answer == SOCKDIAG_REFUSED && errno == ENOENT) {
		*state = TCP_CLOSE;
		return SOCKDIAG_FOUND;
	}
	if (answer != SOCKDIAG_FOUND)
		return answer;
	if (size < NLMSG_HDRLEN + sizeof(body))
		return SOCKDIAG_NOTHING;
	memcpy(&body, bytes + NLMSG_HDRLEN, sizeof(body));
	/* for a connection that does not exist the kernel returns the listener of that address */
	*state = body.idiag_state == TCP_LISTEN ? TCP_CLOSE : body.idiag_state;
	return SOCKDIAG_FOUND;
}

bool sockdiag_tcp_queue(int fd, struct sockdiag_queue *queue)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	if (sys_getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
		return false;
	*queue = (struct sockdiag_queue){ .length = info.tcpi_unacked, .limit = info.tcpi_sacked };
	return true;
}

bool sockdiag_drops(int fd, uint32_t *drops)
{
	uint32_t counts[SK_MEMINFO_VARS] = { 0 };
	socklen_t size = sizeof(counts);

	if (sys_getsockopt(fd, SOL_SOCKET, SO_MEMINFO, counts, &size) < 0 ||
	    size < (SK_MEMINFO_DROPS + 1) * sizeof(*counts))
		return false;
	*drops = counts[SK_MEMINFO_DROPS];
	return true;
}

int sockdiag_tcp_state(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	if (sys_getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
		return -1;
	return info.tcpi_state;
}

const char *sockdiag_state_name(int state)
{
	static const char *const names[] = {
		[TCP_ESTABLISHED] = "ESTABLISHED",
		[TCP_SYN_SENT] = "SYN_SENT",
		[TCP_SYN_RECV] = "SYN_RECV",
		[TCP_FIN_WAIT1] = "FIN_WAIT1",
		[TCP_FIN_WAIT2] = "FIN_WAIT2",
		[TCP_TIME_WAIT] = "TIME_WAIT",
		[TCP_CLOSE] = "CLOSED",
		[TCP_CLOSE_WAIT] = "CLOSE_WAIT",
		[TCP_LAST_ACK] = "LAST_ACK",
		[TCP_LISTEN] = "LISTEN",
		[TCP_CLOSING] = "CLOSING",
	};

	if (state <= 0 || state >= (int)(sizeof(names) / sizeof(names[0])))
		return "unknown";
	return names[state];
}
