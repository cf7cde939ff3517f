/* draft.h -- a policy that says by which of its rules it decided, and of a list by which item.
 *
 *     store  ->  [query]
 *
 * policy_decide() gives the verdict, here as in a service, so that a forecast cannot disagree with what then happens.
 * A draft adds what an operator asks next: which pattern was it, and how large a share does sampling keep.
 * Sampling is answered as a share, not by drawing lots: a forecast of a million events is the same as one lot of each.
 *
 * Thread: build on one thread; read-only afterwards.
 * Memory: owns its policy and lists; draft_done() frees them.
 * Errors: only building can fail; the draft needs no draft_done() then.
 */
#ifndef TRAIL_QUERY_DRAFT_H
#define TRAIL_QUERY_DRAFT_H

#include "policy/pattern.h"
#include "policy/policy.h"

/* In the order in which a policy asks its questions. */
enum draft_rule {
    DRAFT_KEPT,
    DRAFT_DISABLED,
    DRAFT_LEVEL,
    DRAFT_ACTION,   /* An excluded action. */
    DRAFT_RESOURCE, /* An excluded type of resource. */
    DRAFT_SAMPLED,  /* Never a verdict: the part that sampling leaves of what is kept. */
    DRAFT_RULE_COUNT
};

struct draft {
    struct policy      *policy;
    struct pattern_list actions; /* What the policy excludes, once more: to name the item. */
    struct pattern_list resources;
    double              rate; /* Of sampling. */
    double              rate_of_reads;
    bool                enabled;
};

struct draft_verdict {
    enum draft_rule rule;
    size_t          item;  /* Of `actions` or `resources`, for the rules of these names. */
    double          share; /* Kept of many events like this one: 1, less where sampled, 0 where a rule refuses. */
};

/* As policy_new(). */
TRAIL_MUST_CHECK enum trail_err draft_init(struct draft *draft, const struct settings *settings,
                                           struct trail_error *ret_error);
void                            draft_done(struct draft *draft);

/* The operation under which the draft looks at an event as its caller offers it. */
enum trail_operation draft_operation(const struct draft *draft, const struct trail_event *offered);

/* The same for an event that is stored under `stored`. Whether its caller said so or its name did is not stored: it
 * keeps its operation, unless the draft's action map names its action. */
enum trail_operation draft_operation_stored(const struct draft *draft, struct trail_text action,
                                            enum trail_operation stored);

struct draft_verdict draft_decide(const struct draft *draft, const struct trail_event *event,
                                  enum trail_operation operation);

/* True when everything that `other` excludes by name stands in the lists of `draft` too. */
bool draft_excludes_all_of(const struct draft *draft, const struct draft *other);

/* True when it excludes anything by name. */
bool draft_excludes(const struct draft *draft);

#endif
