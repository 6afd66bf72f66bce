/* SPDX-License-Identifier: MIT */
/*
 * Answers a request for a folder with its listing (option autoindex). The record holds the folder;
 * how far the listing is sent is in the connection's state, so that it goes on in another worker.
 * For services/files, in a worker.
 */
#ifndef SERVICES_FILES_LISTING_AUTOINDEX_H
#define SERVICES_FILES_LISTING_AUTOINDEX_H

#include "services/files/send/file_send.h"
#include "services/files/send/files_state.h"

/* As the other answers: path is that of the folder, without a slash at its end. */
unsigned autoindex_answer(const struct asked *asked);

/*
 * Sends more; true once all of it is in c->out. When the folder has changed, so that the rest would
 * not go with what was sent, the connection is to end (conn_set_reset).
 */
bool autoindex_go_on(const struct asked *asked, struct files *files);

/* The connection is to end, for that reason. Returns false. */
bool autoindex_give_up(struct conn *c);

/* For the hook is_sound: the request is sound, the rest may hold any bytes. */
bool autoindex_is_sound(const struct conn *c, const struct http_request *request,
			const struct listing *listing);

#endif
