/* unseen.h -- events that were not recorded: how many there were, and what a draft would keep of them.
 *
 *     store  ->  [query]
 *
 * Of an event that was refused there is nothing but a number: each writer's total by operation and reason
 * (audit_accounting). It has no time, no name and no outcome. So a forecast of them has two bounds, which meet
 * where the draft decides by operation alone.
 *
 * Time: a writer's numbers are spread evenly from its start to its last row of the ledger. A writer that lived
 * within the range counts in full, one that stopped before it not at all. One that never stopped, and has stored
 * nothing since the range began, cannot be placed; its numbers are `unplaced` and in no forecast.
 *
 * Thread: any.
 * Memory: allocates nothing.
 * Errors: reading fails as the store does.
 */
#ifndef TRAIL_QUERY_UNSEEN_H
#define TRAIL_QUERY_UNSEEN_H

#include "query/draft.h"
#include "store/store.h"

/* Events of one operation that the policy in force refused. */
struct unseen_counts {
    double level;
    double excluded;
    double sampled;
};

struct unseen {
    struct unseen_counts operations[TRAIL_OPERATION_COUNT];
    double               unplaced; /* Refused by writers that cannot be placed in time. */
    bool                 spread;   /* Some writer lived before or after the range as well. */
};

struct unseen_bounds {
    double low;
    double high;
};

/* What was refused in [since_us, until_us), by the numbers of all writers. */
TRAIL_MUST_CHECK enum trail_err unseen_load(struct unseen *ret_unseen, struct store *store, int64_t since_us,
                                            int64_t until_us, struct trail_error *ret_error);

/* How many of `counts` the draft would keep. `now` is the policy that refused them. What sampling left out is counted
 * only if no stored event stands for it (`sampled_is_weighed`). */
struct unseen_bounds unseen_forecast(const struct unseen_counts *counts, enum trail_operation operation,
                                     bool sampled_is_weighed, const struct draft *now, const struct draft *draft);

/* How many of `counts` the policy `now` cannot have refused, by the reason that is counted: another one did. */
double unseen_contradicting(const struct unseen_counts *counts, enum trail_operation operation,
                            const struct draft *now);

#endif
