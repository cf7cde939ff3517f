/* unseen.c -- events that were not recorded: how many there were of each operation, and what a draft keeps of them. */
#include "query/unseen.h"

#include "event/control.h"

/* ---- How many ----------------------------------------------------------------------------------- */

/* The ledger row that brought a writer to where it stands says until when it is known to have lived; the last event of
 * one that closed its trail is `trail_stopped`. */
static const char accounting_sql[] =
    "SELECT a.operation, a.level, a.excluded, a.sampled, w.started_at, b.recorded_at,"
    " EXISTS (SELECT 1 FROM audit_events e JOIN audit_actions n ON n.id = e.action"
    " WHERE e.timestamp = b.max_timestamp AND e.writer = w.id AND e.seq = w.last_seq AND n.action = '" CONTROL_STOPPED
    "')"
    " FROM audit_accounting a JOIN audit_writers w ON w.id = a.writer"
    " LEFT JOIN audit_batches b ON b.writer = w.id AND b.last_seq = w.last_seq"
    " WHERE a.operation > 0 AND a.level + a.excluded + a.sampled > 0";

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
    return store_select(store, accounting_sql, NULL, 0, take_account, &loading, ret_error);
}

/* ---- What a draft keeps ------------------------------------------------------------------------- */

/* The shares of a nameless event that the draft keeps, over all outcomes: the least and the largest. */
static struct unseen_bounds nameless_share(const struct draft *draft, enum trail_operation operation)
{
    struct unseen_bounds bounds = { 1, 0 };
    for (int outcome = TRAIL_OUTCOME_SUCCESS; outcome <= TRAIL_OUTCOME_UNKNOWN; outcome++) {
        struct trail_event   event = { TRAIL_EVENT_INIT, .outcome = (enum trail_outcome)outcome };
        struct draft_verdict verdict = draft_decide(draft, &event, operation);
        /* Of what succeeded sampling keeps a share, of what failed everything. Most events succeed, so where both
         * are kept at all the share of those decides. */
        if (verdict.share > 0 && outcome != TRAIL_OUTCOME_SUCCESS && bounds.high > 0)
            continue;
        bounds.low = verdict.share < bounds.low ? verdict.share : bounds.low;
        bounds.high = verdict.share > bounds.high ? verdict.share : bounds.high;
    }
    return bounds;
}

static void add(struct unseen_bounds *sum, double count, double low, double high)
{
    sum->low += count * low;
    sum->high += count * high;
}

struct unseen_bounds unseen_forecast(const struct unseen_counts *counts, enum trail_operation operation,
                                     bool sampled_is_weighed, const struct draft *now, const struct draft *draft)
{
    struct unseen_bounds share = nameless_share(draft, operation);
    struct unseen_bounds sum = { 0, 0 };
    bool                 by_name = draft_excludes(draft);

    /* The level refused it before its name was looked at. */
    add(&sum, counts->level, by_name ? 0 : share.low, share.high);
    /* One of the names in force matched. */
    if (!draft_excludes_all_of(draft, now))
        add(&sum, counts->excluded, by_name ? 0 : share.low, share.high);
    /* None of the names in force matched. */
    if (!sampled_is_weighed)
        add(&sum, counts->sampled, draft_excludes_all_of(now, draft) ? share.low : 0, share.high);
    return sum;
}
