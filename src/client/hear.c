/* SPDX-License-Identifier: MIT */
/* Takes what is received apart. */
#include "client/hear.h"

void receive_init(struct hear *receive, enum framing framing, uint64_t most)
{
	receive->frame = (struct frame){ .framing = framing, .expected = UINT64_MAX };
	receive->most = most;
	receive->answers = receive->part = receive->size = receive->excess = 0;
	receive->is_deaf = false;
}

bool output_end_response(struct hear *receive, struct err *err)
{
	receive->answers++;
	receive->size = receive->part;
	receive->part = 0;
	receive->frame =
		(struct frame){ .framing = receive->frame.framing, .expected = UINT64_MAX };
	return show_end(&receive->show, err);
}

static bool take_piece(struct hear *receive, const char *bytes, size_t n, size_t *used,
		       struct err *err)
{
	struct piece piece = framing_take(&receive->frame, bytes, n);

	if (piece.is_wrong)
		return err_set(err, CODE_FAILED, "%u bytes are no length of a frame (at most %d)",
			       receive->frame.length, FRAMING_LENGTH_MOST);
	receive->part += piece.used;
	*used = piece.used;
	return show_bytes(&receive->show, bytes + piece.content_at, piece.content, err) &&
	       (!piece.is_whole || output_end_response(receive, err));
}

bool output_receive(struct hear *receive, const char *bytes, size_t n, struct err *err)
{
	size_t used = 0;

	if (receive->is_deaf)
		return true;
	for (; n > 0 && receive->answers < receive->most; bytes += used, n -= used)
		if (!take_piece(receive, bytes, n, &used, err))
			return false;
	receive->excess += n;
	return show_flush(&receive->show, err);
}

bool output_end(struct hear *receive, struct err *err)
{
	if (receive->part == 0)
		return true;
	receive->part = 0;
	return show_end(&receive->show, err);
}
