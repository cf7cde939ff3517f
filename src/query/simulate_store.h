/* simulate_store.h -- shows a draft policy the events of a store, and what the store knows of those it never saw.
 *
 *     store  ->  [query]
 *
 * Reads every event of the filter once, the newest first, in pages by key; no read transaction outlives a page.
 * What was not recorded is asked for only when the filter restricts time and operation and nothing else: of the
 * rest the accounting knows nothing.
 *
 * Thread: as the store.
 * Memory: constant.
 * Errors: as the store's; what was counted until then stays in the simulation.
 */
#ifndef TRAIL_QUERY_SIMULATE_STORE_H
#define TRAIL_QUERY_SIMULATE_STORE_H

#include "query/simulate.h"

/* Count everything in [filter->since_us, filter->until_us); an until_us that is 0 or in the future is `now_us`. The
 * filter's order and `after` are ignored. The simulation's time becomes the part of that in which the store has
 * events. */
TRAIL_MUST_CHECK enum trail_err simulate_store(struct simulation *simulation, struct store *store,
                                               const struct trail_filter *filter, int64_t now_us,
                                               struct trail_error *ret_error);

/* How many events the ledger says there are, and weigh the simulation by it. */
TRAIL_MUST_CHECK enum trail_err simulate_weigh_by(struct simulation *simulation, struct store *store,
                                                  struct trail_error *ret_error);

#endif
