/* SPDX-License-Identifier: MIT */
/* Takes what is received apart. */
#include "client/hear.h"

void hear_init(struct hear *hear, enum framing framing, uint64_t most)
{
	hear->frame = (struct frame){ .framing = framing, .expected = UINT64_MAX };
	hear->most = most;
	hear->answers = hear->part = hear->size = hear->excess = 0;
	hear->is_deaf = false;
}

bool hear_finish(struct hear *hear, struct err *err)
{
	hear->answers++;
	hear->size = hear->part;
	hear->part = 0;
	hear->frame = (struct frame){ .framing = hear->frame.framing, .expected = UINT64_MAX };
	return show_end(&hear->show, err);
}

static bool take_piece(struct hear *hear, const char *bytes, size_t n, size_t *used,
		       struct err *err)
{
	struct piece piece = framing_take(&hear->frame, bytes, n);

	if (piece.is_wrong)
		return err_set(err, CODE_FAILED, "%u bytes are no length of a frame (at most %d)",
			       hear->frame.length, FRAMING_LENGTH_MOST);
	hear->part += piece.used;
	*used = piece.used;
	return show_bytes(&hear->show, bytes + piece.content_at, piece.content, err) &&
	       (!piece.is_whole || hear_finish(hear, err));
}

bool hear_take(struct hear *hear, const char *bytes, size_t n, struct err *err)
{
	size_t used = 0;

	if (hear->is_deaf)
		return true;
	for (; n > 0 && hear->answers < hear->most; bytes += used, n -= used)
		if (!take_piece(hear, bytes, n, &used, err))
			return false;
	hear->excess += n;
	return show_flush(&hear->show, err);
}

bool hear_end(struct hear *hear, struct err *err)
{
	if (hear->part == 0)
		return true;
	hear->part = 0;
	return show_end(&hear->show, err);
}
