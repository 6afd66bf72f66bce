/* SPDX-License-Identifier: MIT */
/* What the logs say of a record. It follows no number in it: the record may be a dead worker's. */
#include "worker/record.h"

const char *record_remote(const struct record *r, char *text)
{
	return net_write(&r->remote, r->remote_port, text);
}

char record_phase_letter(const struct record *r, enum close_reason reason, bool is_between_messages)
{
	if (r->state == CONN_LINGERING)
		return reason == CLOSE_client_closed ? '-' : 'L';
	if (reason == CLOSE_message_invalid || reason == CLOSE_message_too_long ||
	    reason == CLOSE_message_incomplete || reason == CLOSE_message_timeout ||
	    r->proxy == PROXY_AWAITED)
		return 'R';
	if (record_has_output(r))
		return 'D';
	return r->state == CONN_FLUSHING || is_between_messages ? '-' : 'R';
}

const char *record_state_letters(char *state, enum close_reason reason, char phase)
{
	state[0] = close_reason_who(reason);
	state[1] = phase;
	state[2] = '\0';
	return state;
}
