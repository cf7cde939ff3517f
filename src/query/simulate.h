/* simulate.h -- what a draft policy would keep of events that happened: counted by rule and operation, with examples.
 *
 *     store  ->  [query]
 *
 * Events come from a store (simulate_store.h), which holds what the policy in force kept, or one by one from a caller
 * who has everything that was offered. Each is shown to the draft. Counts are expected values: a stored event stands
 * for `weight` offered ones, and sampling keeps a share; so they need not be whole numbers.
 *
 *     now   rows that there are (of a store), or that the policy in force would write (of offered events)
 *     then  rows that the draft would write of the same events
 *     lost  the part of `now` that would be missing then, by rule;   gained: the part of `then` that is missing now
 *
 * then = now - lost + gained, for every operation: that under which the draft sees the event. What a store never saw is
 * added as bounds (unseen.h).
 *
 * Thread: one owner per simulation.
 * Memory: borrows both drafts; a few kilobytes whatever the number of events; simulation_done() frees them.
 * Errors: simulation_init(): TRAIL_ENOMEM.
 */
#ifndef TRAIL_QUERY_SIMULATE_H
#define TRAIL_QUERY_SIMULATE_H

#include "query/draft.h"
#include "query/unseen.h"

/* Of one rule, each of another action or type of resource: enough to see what it is about. */
#define SIMULATE_EXAMPLES_MAX 5

struct simulate_example {
    int64_t              timestamp_us; /* 0: it said none. */
    enum trail_operation operation;
    enum trail_outcome   outcome;
    char                 action[101]; /* Clean text, cut as it is when it is stored. */
    char                 resource_type[101];
    char                 resource_id[256];
    char                 user_id[256];
};

struct simulate_examples {
    struct simulate_example list[SIMULATE_EXAMPLES_MAX];
    size_t                  count;
};

struct simulate_rule {
    double                   events;   /* Offered ones that the draft refuses by this rule. */
    double                   lost;     /* Rows of now among them. */
    struct simulate_examples examples; /* Of what is lost. */
};

struct simulate_operation {
    double               events; /* Offered ones that were looked at, or that those stand for. */
    double               now;
    double               then;
    double               lost;
    double               gained;
    double               refused[DRAFT_RULE_COUNT]; /* Of `events`, by rule. */
    bool                 weighed;                   /* Some stored event stands for more than itself. */
    struct unseen_counts unseen_now;                /* Offered and not recorded now, by the numbers alone. */
    struct unseen_bounds unseen;                    /* Rows of the draft among those: more than `then`. */
};

/* What a row costs on the disk, and how that is known. */
enum simulate_basis { SIMULATE_BYTES_UNKNOWN, SIMULATE_BYTES_OF_STORE, SIMULATE_BYTES_ENCODED };

struct simulate_bytes {
    enum simulate_basis basis;
    double              now; /* Of all rows of now. */
    double              low; /* Of all rows of the draft. */
    double              high;
    uint64_t            store_bytes; /* OF_STORE: divided by ... */
    uint64_t            store_events;
};

struct simulation {
    const struct draft *now;
    const struct draft *draft;
    bool                of_store;
    uint64_t            remapped; /* Stored events that the draft\'s action map gives another operation. */
    double contradicting; /* Events that the policy in force cannot have kept, or refused: another one was in force. */
    uint64_t                  events;                            /* Looked at, the trail's own records left out. */
    struct simulate_operation operations[TRAIL_OPERATION_COUNT]; /* Index 0: the trail's own records. */
    struct simulate_rule      rules[DRAFT_RULE_COUNT];           /* DRAFT_KEPT is unused. */
    struct simulate_examples  gained;                            /* Examples. */
    double                   *action_events;                     /* By item of the draft's lists. */
    double                   *resource_events;                   /* NULL: the list is empty. */
    int64_t                   since_us; /* The time that the events cover; both 0: not known. */
    int64_t                   until_us;
    double                    encoded_now; /* Bytes, as in the spool; of offered events only. */
    double                    encoded_then;
    struct simulate_bytes     bytes;
    void (*on_progress)(void *context, uint64_t events); /* Called now and then while a store is read; or NULL. */
    void  *progress_context;
    bool   unseen_asked; /* The filter allowed to look at what was not recorded. */
    bool   unseen_spread;
    double unseen_unplaced;
};

/* Sums over all operations, the trail's own records included. */
struct simulate_totals {
    double events;
    double now;
    double then_low;
    double then_high;
    double lost;
    double gained_low;
    double gained_high;
    double unseen_now;
    double days;    /* Covered; 0: not known. */
    double per_day; /* Factor that makes a day of it; 0: the time is not known, or too short to speak of a day. */
};

TRAIL_MUST_CHECK enum trail_err simulation_init(struct simulation *simulation, const struct draft *now,
                                                const struct draft *draft, struct trail_error *ret_error);
void                            simulation_done(struct simulation *simulation);

/* Show both policies an event as it is offered; it has passed event_check(). `encoded_bytes`: its size in the spool. */
void simulation_offer(struct simulation *simulation, const struct trail_event *event, size_t encoded_bytes);

/* Show the draft a stored event, with its stored operation; `weight` as it is stored. */
void simulation_stored(struct simulation *simulation, const struct trail_event *event, double weight);

/* Count one of the trail's own stored records. */
void simulation_control(struct simulation *simulation);

/* After the last event: what the rows cost. `store_bytes` and `store_events` of the store that they go to, or 0. */
void simulation_weigh(struct simulation *simulation, uint64_t store_bytes, uint64_t store_events);

struct simulate_totals simulation_totals(const struct simulation *simulation);

#endif
