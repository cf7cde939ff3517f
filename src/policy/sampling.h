/* sampling.h -- decides which of the ordinary events are left out, and what the others then stand for.
 *
 *     event  ->  [policy]  ->  spool  ->  drain  ->  store
 *
 * A rate keeps the events whose number is below rate * 2^64. The number is a keyed hash of the correlation id, so that
 * the events of one request are kept or left together, what a low rate keeps a higher one keeps as well, and a
 * caller who chooses correlation ids cannot know which of them are kept: the key stays in the state directory
 * (policy/sampling_key.h). An event without a correlation id gets a random number of the calling thread.
 * What is kept carries the weight 1 / rate, so that a sum of weights estimates how many there were.
 *
 * Thread: build on one thread; read-only afterwards. sampling_after_fork() in a child that has no other thread yet.
 * Memory: borrows the key, which must be filled before the first event is decided. The random numbers' state is the
 *         thread's own.
 * Errors: none.
 */
#ifndef TRAIL_POLICY_SAMPLING_H
#define TRAIL_POLICY_SAMPLING_H

#include "base/hash.h"
#include "event/event.h"

struct sampling_rate {
    double   rate;
    double   weight; /* Of an event that is kept. */
    uint64_t below;  /* Numbers that are kept, unless the rate is 1. */
};

struct sampling {
    uint32_t               operations; /* Bits 1 << operation: those of which some are left out. */
    struct sampling_rate   ordinary;
    struct sampling_rate   reads;
    const struct hash_key *key;
};

/* `rate` for every operation that may be sampled, `reads` for reads alone; both are 0 to 1. */
void sampling_init(struct sampling *sampling, double rate, double reads, const struct hash_key *key);

/* The operations that sampling may leave out at all: ordinary ones, of which one event is like the other. */
uint32_t sampling_operations(void);

static inline const struct sampling_rate *sampling_rate_of(const struct sampling *sampling,
                                                           enum trail_operation   operation)
{
    return operation == TRAIL_OPERATION_READ ? &sampling->reads : &sampling->ordinary;
}

/* True when some event of this operation and outcome is left out. What did not succeed never is. */
static inline bool sampling_concerns(const struct sampling *sampling, const struct trail_event *event,
                                     enum trail_operation operation)
{
    return event->outcome == TRAIL_OUTCOME_SUCCESS && (sampling->operations >> (unsigned)operation & 1) != 0;
}

/* Decide an event that sampling concerns. True: it is kept, and *ret_weight is how many events it stands for. */
bool sampling_keeps(const struct sampling *sampling, const struct trail_event *event, enum trail_operation operation,
                    double *ret_weight);

/* Give the child random numbers of its own. */
void sampling_after_fork(void);

#endif
