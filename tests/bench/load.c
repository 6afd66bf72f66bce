/* SPDX-License-Identifier: MIT */
/*
 * A bounded load generator: one process, one epoll(7), a closed loop on each connection. Prints one
 * line of CSV (load_columns below). Must not judge: gauge.py compares. Started by gauge.py, and
 * by hand:
 *
 *   load [options] ADDRESS:PORT
 *   -c N      connections (64)              -m TEXT   message to send; \r and \n as in C
 *   -d TIME   longest run (1s)              -s N      N bytes instead; 0: the server speaks first
 *   -k N      end after N requests          -r N      bytes of an answer (default: as many as sent)
 *   -o        a connection for each request -e        an answer ends with the server's end
 *   -R N      open N connections a second   -g PATH   HTTP GET, an answer ends by Content-Length
 *   -b N      from N source addresses       -p PID    count this server process's time; repeats
 *   -H        hold: one request each (none with -s 0), then rest until standard input ends
 *   -S        slow: one byte a second each, until standard input ends
 *
 * -H and -S say "open" on standard output once all connections are there. The first twentieth of a
 * second of a closed loop is not counted.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/sys.h"
#include "cputime.h"
#include "links.h"

enum { WARM_UP_MS = 50 };

static const char load_columns[] =
	"requests,seconds,rate,errors,p50_us,p99_us,max_us,server_us,client_us,"
	"ended,first_end_ms,last_end_ms";

struct load {
	struct plan plan;
	struct links links;
	bool counts; /* the warm-up is over */
	bool said_open;
	uint64_t start_ns, counted_from_ns, server_ns, client_ns;
};

static uint64_t elapsed_ms(const struct load *load)
{
	return (links_now_ns() - load->start_ns) / 1000000;
}

static void open_due(struct load *load, uint64_t ms)
{
	const struct plan *plan = &load->plan;
	uint64_t due = plan->rate ? ms * plan->rate / 1000 + 1 : plan->connections;

	while (load->links.opened < plan->connections && load->links.opened < due)
		links_open_next(&load->links);
}

static void drip_due(struct load *load, uint64_t ms)
{
	if (load->plan.role != ROLE_SLOW || load->links.opened < load->plan.connections)
		return;
	while (load->links.bytes < ms * load->plan.connections / 1000)
		links_drip(&load->links);
}

/* Times taken twice, at the beginning and the end of what counts, leave their difference. */
static void take_times(struct load *load)
{
	load->counted_from_ns = links_now_ns() - load->counted_from_ns;
	load->server_ns = cputime_ns(load->plan.pids, load->plan.pid_count) - load->server_ns;
	load->client_ns = cputime_own_ns() - load->client_ns;
}

static void note_progress(struct load *load, uint64_t ms)
{
	struct links *all = &load->links;

	if (!load->counts && (load->plan.role != ROLE_ASK || ms >= WARM_UP_MS)) {
		load->counts = true;
		links_count_anew(all);
		take_times(load);
	}
	if (load->plan.role != ROLE_ASK && !load->said_open &&
	    all->settled + all->ended + all->errors >= load->plan.connections) {
		load->said_open = true;
		printf("open\n");
		fflush(stdout);
	}
}

static void run(struct load *load)
{
	const struct plan *plan = &load->plan;
	uint64_t most_ms = plan->wait_ms + (plan->role == ROLE_ASK ? WARM_UP_MS : 0);
	bool stopped = false;

	load->start_ns = links_now_ns();
	for (uint64_t ms = 0; ms < most_ms && !stopped; ms = elapsed_ms(load)) {
		bool paced = load->links.opened < plan->connections || plan->role == ROLE_SLOW;

		note_progress(load, ms);
		open_due(load, ms);
		drip_due(load, ms);
		stopped = links_turn(&load->links, paced ? 1 : 10);
		if (load->counts && plan->requests > 0 && load->links.requests >= plan->requests)
			stopped = true;
	}
	take_times(load);
}

static void print_result(const struct load *load)
{
	const struct links *all = &load->links;
	double seconds = (double)load->counted_from_ns / 1e9;
	double n = all->requests > 0 ? (double)all->requests : 1;

	printf("%s\n", load_columns);
	printf("%" PRIu64 ",%.3f,%.0f,%" PRIu64 ",%.1f,%.1f,%.1f,%.3f,%.3f,%" PRIu64 ",%" PRIu64
	       ",%" PRIu64 "\n",
	       all->requests, seconds, (double)all->requests / seconds, all->errors,
	       (double)histogram_at(&all->latency, 0.50) / 1e3,
	       (double)histogram_at(&all->latency, 0.99) / 1e3, (double)all->latency.most_ns / 1e3,
	       (double)load->server_ns / 1e3 / n, (double)load->client_ns / 1e3 / n, all->ended,
	       all->first_end_ms, all->last_end_ms);
}

static void raise_limit(void)
{
	struct rlimit limit;

	if (sys_getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		sys_setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int main(int argc, char **argv)
{
	static struct load load;
	struct err err = { 0 };

	if (!plan_read(&load.plan, argc, argv, &err)) {
		fprintf(stderr, "load: %s\n", err.text);
		return err.code;
	}
	raise_limit();
	if (!links_new(&load.links, &load.plan) ||
	    (load.plan.role != ROLE_ASK && !links_watch_stop(&load.links, STDIN_FILENO))) {
		fprintf(stderr,
			"load: cannot begin: %s (-H and -S need a pipe as standard input)\n",
			strerror(errno));
		return CODE_OSERR;
	}
	run(&load);
	print_result(&load);
	links_free(&load.links);
	return CODE_OK;
}
