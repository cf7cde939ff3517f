/* load.h -- many keep-alive connections in one epoll loop, requests at a steady rate, all of it bounded.
 *
 *     mix  ->  exchange  ->  [load]  ->  tally
 *
 * All connections are opened before the first request. A request goes to the connection that has been idle longest,
 * so each of them is used. With a rate, a request has a moment when it is due and its latency counts from there: a
 * server that stalls cannot hide it by slowing the client down.
 *
 * Thread: one owner.
 * Memory: load_run() frees all it takes.
 * Errors: false when nothing could be run; requests that got no answer are counted.
 */
#ifndef TRAFFIC_LOAD_H
#define TRAFFIC_LOAD_H

#include "tally.h"

#include <netinet/in.h>
#include <signal.h>

struct load_options {
    struct sockaddr_in           address;
    unsigned                     connections;
    unsigned                     seconds;
    unsigned                     rate;     /* Requests per second; 0 = as fast as they are answered. */
    uint64_t                     requests; /* At most; 0 = only the time limits it. */
    unsigned                     users;
    enum mix                     mix;
    uint64_t                     seed;
    const volatile sig_atomic_t *stop; /* Set, by a signal handler: send no more, wait for the answers that are due. */
};

struct load_result {
    struct tally tally;
    unsigned     connections_used; /* That got at least one answer. */
    uint64_t     sent;
    uint64_t     unanswered; /* sent - answered. */
    uint64_t     reconnects;
    double       seconds;
};

bool load_run(const struct load_options *options, struct load_result *ret_result);

#endif
