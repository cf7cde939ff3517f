/* tally.h -- what the client itself saw: requests by action and status, and how long they took.
 *
 * Tests compare it with the trail's own accounting, so it counts answers, not intentions.
 *
 * Thread: one owner.
 * Memory: tally_actions_json() gives the caller a reference.
 * Errors: none.
 */
#ifndef TRAFFIC_TALLY_H
#define TRAFFIC_TALLY_H

#include "mix.h"

#include <jansson.h>

#define TALLY_STATUS_MAX 599

/* Latencies in buckets of 1/16 of a power of two: an error of at most 6 %, from 1 us to 2^39 us. */
#define TALLY_BUCKET_COUNT (40 * 16)

struct tally {
    uint64_t answers[KIND_COUNT][TALLY_STATUS_MAX + 1];
    uint64_t answered;
    uint64_t latency_buckets[TALLY_BUCKET_COUNT];
    uint64_t latency_max_us;
};

void tally_add(struct tally *tally, enum kind kind, unsigned status, uint64_t latency_us);

/* The latency that `share` (0 to 1) of the requests stayed within. */
uint64_t tally_latency_us(const struct tally *tally, double share);

/* {"list_tools": {"200": 12}, ...} */
json_t *tally_actions_json(const struct tally *tally);

#endif
