/* unseen.c -- events that were not recorded: how many there were, and what a draft would keep of them. */
#include "query/unseen.h"

#include "event/control.h"

/* ---- How many ----------------------------------------------------------------------------------- */

/* The ledger row that brought a writer to where it stands says until when it is known to have lived; the last event of
 * one that closed its trail is `trail_stopped`. */
#define STOPPED_IN(table)                                                                                              \
    "EXISTS (SELECT 1 FROM " table " e JOIN audit_actions n ON n.id = e.action"                                        \
    " WHERE e.timestamp = b.max_timestamp AND e.writer = w.id AND e.seq = w.last_seq AND n.action = '" CONTROL_STOPPED \
    "')"
#define ACCOUNTS(stopped)                                                                       \
    "SELECT a.operation, a.level, a.excluded, a.sampled, w.started_at, b.recorded_at, " stopped \
    " FROM audit_accounting a JOIN audit_writers w ON w.id = a.writer"                          \
    " LEFT JOIN audit_batches b ON b.writer = w.id AND b.last_seq = w.last_seq"                 \
    " WHERE a.operation > 0 AND a.level + a.excluded + a.sampled > 0"

static const char *const accounting_sql[] = {
    [STORE_DIALECT_SQLITE] = ACCOUNTS(STOPPED_IN("audit_events")),
    [STORE_DIALECT_POSTGRESQL] = ACCOUNTS(STOPPED_IN("audit_events") " OR " STOPPED_IN("audit_events_stray")),
};

struct loading {
    struct unseen *unseen;
    int64_t        since_us;
    int64_t        until_us;
};

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Which part of a life from `started_us` to `last_us` lies in the range. */
static double part_inside(const struct loading *loading, int64_t started_us, int64_t last_us)
{
    if (started_us >= loading->since_us && last_us <= loading->until_us)
        return 1;
    int64_t inside_us = earlier(last_us, loading->until_us) - later(started_us, loading->since_us);
    return inside_us > 0 ? (double)inside_us / (double)(last_us - started_us) : 0;
}

static bool take_account(void *context, const struct store_value *columns, size_t column_count)
{
    struct loading *loading = context;
    struct unseen  *unseen = loading->unseen;
    int64_t         operation = columns[0].integer;
    int64_t         started_us = columns[4].integer;
    if (column_count != 7 || operation <= 0 || operation >= TRAIL_OPERATION_COUNT)
        return true;
    if (started_us >= loading->until_us)
        return true;

    double  counts[] = { (double)columns[1].integer, (double)columns[2].integer, (double)columns[3].integer };
    int64_t last_us = columns[5].kind == STORE_INTEGER ? later(columns[5].integer, started_us) : started_us;
    if (started_us < loading->since_us && last_us < loading->since_us) {
        if (columns[6].integer == 0)
            unseen->unplaced += counts[0] + counts[1] + counts[2];
        return true;
    }
    double part = part_inside(loading, started_us, last_us);
    unseen->spread = unseen->spread || part < 1;
    unseen->operations[operation].level += part * counts[0];
    unseen->operations[operation].excluded += part * counts[1];
    unseen->operations[operation].sampled += part * counts[2];
    return true;
}

enum trail_err unseen_load(struct unseen *ret_unseen, struct store *store, int64_t since_us, int64_t until_us,
                           struct trail_error *ret_error)
{
    struct loading loading = { ret_unseen, since_us, until_us };
    *ret_unseen = (struct unseen){ .spread = false };
    return store_select(store, accounting_sql[store_dialect(store)], NULL, 0, take_account, &loading, ret_error);
}

/* ---- What a draft keeps ------------------------------------------------------------------------- */

#define EVERY_OUTCOME ((1U << (TRAIL_OUTCOME_UNKNOWN + 1)) - 1)

/* An event of which nothing is known but that its name is excluded, or that it is not. */
static struct trail_event event_of(const struct draft *draft, bool excluded, enum trail_outcome outcome)
{
    struct trail_event event = { TRAIL_EVENT_INIT, .outcome = outcome };
    /* A pattern matches its own text. */
    if (excluded && draft->actions.item_count > 0)
        event.action = draft->actions.items[0];
    else if (excluded)
        event.resource_type = draft->resources.items[0];
    return event;
}

static struct draft_verdict decide(const struct draft *draft, bool excluded, enum trail_operation operation,
                                   int outcome)
{
    struct trail_event event = event_of(draft, excluded, (enum trail_outcome)outcome);
    return draft_decide(draft, &event, operation);
}

/* With which outcomes, as bits, the policy in force refuses an event for this reason. */
static unsigned refused_outcomes(const struct draft *now, enum draft_rule rule, enum trail_operation operation)
{
    unsigned outcomes = 0;
    bool     excluded = rule != DRAFT_LEVEL;
    if (excluded && !draft_excludes(now))
        return 0;
    for (int outcome = 0; (EVERY_OUTCOME >> outcome & 1) != 0; outcome++) {
        enum draft_rule found = decide(now, excluded, operation, outcome).rule;
        if (found == rule || (excluded && found == DRAFT_RESOURCE))
            outcomes |= 1U << outcome;
    }
    return outcomes;
}

/* None: it was another policy that refused it, and nothing is known. */
static unsigned outcomes_or_any(const struct draft *now, enum draft_rule rule, enum trail_operation operation)
{
    unsigned outcomes = refused_outcomes(now, rule, operation);
    return outcomes != 0 ? outcomes : EVERY_OUTCOME;
}

double unseen_contradicting(const struct unseen_counts *counts, enum trail_operation operation, const struct draft *now)
{
    double contradicting = 0;
    if (refused_outcomes(now, DRAFT_LEVEL, operation) == 0)
        contradicting += counts->level;
    if (refused_outcomes(now, DRAFT_ACTION, operation) == 0)
        contradicting += counts->excluded;
    struct draft_verdict verdict = decide(now, false, operation, TRAIL_OUTCOME_SUCCESS);
    if (verdict.rule != DRAFT_KEPT || verdict.share >= 1)
        contradicting += counts->sampled;
    return contradicting;
}

/* What may be true of the events that are asked about. */
struct possible {
    enum trail_operation operation;
    unsigned             outcomes;
    bool                 named;    /* The draft may exclude them. */
    bool                 nameless; /* It may not. */
};

static void widen(struct unseen_bounds *bounds, double share)
{
    bounds->low = share < bounds->low ? share : bounds->low;
    bounds->high = share > bounds->high ? share : bounds->high;
}

/* Of what succeeded sampling keeps a share, of what failed everything. Most events succeed, so where both are kept at
 * all the share of those speaks for both. */
static void widen_by(struct unseen_bounds *bounds, const struct draft *draft, bool excluded,
                     const struct possible *possible)
{
    bool   may_succeed = (possible->outcomes >> TRAIL_OUTCOME_SUCCESS & 1) != 0;
    double succeeded = may_succeed ? decide(draft, excluded, possible->operation, TRAIL_OUTCOME_SUCCESS).share : 0;
    if (may_succeed)
        widen(bounds, succeeded);
    for (int outcome = TRAIL_OUTCOME_SUCCESS + 1; (EVERY_OUTCOME >> outcome & 1) != 0; outcome++) {
        if ((possible->outcomes >> outcome & 1) == 0)
            continue;
        double share = decide(draft, excluded, possible->operation, outcome).share;
        widen(bounds, share > 0 && succeeded > 0 ? succeeded : share);
    }
}

static void add(struct unseen_bounds *sum, double count, const struct draft *draft, const struct possible *possible)
{
    struct unseen_bounds share = { 1, 0 };
    if (possible->nameless)
        widen_by(&share, draft, false, possible);
    if (possible->named && draft_excludes(draft))
        widen_by(&share, draft, true, possible);
    if (count > 0 && share.high > 0) {
        sum->low += count * share.low;
        sum->high += count * share.high;
    }
}

struct unseen_bounds unseen_forecast(const struct unseen_counts *counts, enum trail_operation operation,
                                     bool sampled_is_weighed, const struct draft *now, const struct draft *draft)
{
    struct unseen_bounds sum = { 0, 0 };
    bool                 same_or_more = draft_excludes(now) && draft_excludes_all_of(draft, now);

    /* The level refused it before its name was looked at. */
    const struct possible by_level = { operation, outcomes_or_any(now, DRAFT_LEVEL, operation), true, true };
    add(&sum, counts->level, draft, &by_level);
    /* One of the names in force matched. */
    const struct possible by_name = { operation, outcomes_or_any(now, DRAFT_ACTION, operation), true, !same_or_more };
    add(&sum, counts->excluded, draft, &by_name);
    /* None of the names in force matched, and only what succeeds is sampled. */
    const struct possible by_lot = { operation, 1U << TRAIL_OUTCOME_SUCCESS, !draft_excludes_all_of(now, draft), true };
    if (!sampled_is_weighed)
        add(&sum, counts->sampled, draft, &by_lot);
    return sum;
}
