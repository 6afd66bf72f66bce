/* SPDX-License-Identifier: MIT */
#include "unit/sited.h"

#include <stdlib.h>

#include "unit/board.h"
#include "unit/configured.h"
#include "unit/folder.h"

void sited_start(struct served *s, const char *text)
{
	static struct heritage heritage;
	struct conf *conf;
	void *folder;

	if (folder_make(&folder) != 0)
		abort();
	conf = configured_load_good(folder, text);
	if (folder_remove(&folder) != 0)
		abort();
	served_start(s, "http", NULL);
	option_free(SECTION_listen, &s->listen_conf);
	s->listen_conf = conf->listeners[0];
	s->listen_conf.linger_timeout = 0;
	heritage = (struct heritage){ .conf = conf,
				      .listeners = &s->set,
				      .board = board_new(),
				      .peers = &s->slot,
				      .wires = &s->wire,
				      .peer_count = 1,
				      .arena = s->pool.arena };
	if (!service_find("http")->init(&heritage, &s->listen_conf))
		abort();
}
