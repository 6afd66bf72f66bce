/* SPDX-License-Identifier: MIT */
/*
 * The sizes of shares: the bytes keep a bulk transfer within the cache; answers and time bound
 * short answers that are expensive.
 */
#include "worker/share.h"

enum { HEAVY_BYTES = 16 * 1024 }; /* a visit that moved so many delays others noticeably */
enum { LIGHT_US = 200 };          /* so does one whose service computed for so long */

struct share {
	size_t bytes;
	unsigned answers;
	int64_t us; /* after the first answer */
};

static const struct share whole = { 256 * 1024, 16, 500 };
static const struct share small = { 8 * 1024, 4, LIGHT_US };

enum conn_weight share_weigh(enum conn_weight before, size_t moved_bytes, int64_t asked_us)
{
	if (moved_bytes >= HEAVY_BYTES)
		return WEIGHT_HEAVY;
	if (asked_us >= LIGHT_US)
		return before >= WEIGHT_SLOW ? WEIGHT_HEAVY : WEIGHT_SLOW;
	return moved_bytes > 0 ? WEIGHT_LIGHT : before;
}

bool share_is_spent(bool is_ahead, size_t moved_bytes, unsigned answers, int64_t past_us)
{
	const struct share *share = is_ahead ? &small : &whole;

	return moved_bytes >= share->bytes || answers >= share->answers ||
	       (answers > 1 && past_us >= share->us);
}
