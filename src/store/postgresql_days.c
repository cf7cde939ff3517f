/* postgresql_days.c -- which days have a partition; makes those that are needed.
 *
 * The happy path of a batch is: every day of its events is known, nothing is asked. Once a day, and after a start, the
 * catalogue is looked at, and the days ahead are made before the first event needs them.
 *
 * Possible failure modes are:
 *
 * - This role may not make partitions, or a lock is not to be had: the events of such days are strays, and it is not
 *   asked again for a minute.
 * - A day was dropped after we saw it: the COPY fails, postgresql_days_forget(), and the batch is begun anew.
 * - A flood of old dates: all missing days of a batch are made in one transaction, DAYS_MADE_MAX of them; the events of
 *   the others are strays, until a later batch asks for them. */
#include "store/postgresql_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define DAY_US (INT64_C(86400) * 1000000)

/* Today, tomorrow and the day after: audit_create_days() makes no later one. */
#define DAYS_AHEAD 2

/* audit_create_days() makes none that lies further back. */
#define DAYS_BACK_MAX 3660

/* More than the 92 of the default retention period; each takes a few locks until the transaction ends, and a server of
 * default size has 6,400. */
#define DAYS_MADE_MAX 100

#define ASK_AGAIN_US (INT64_C(60) * 1000000)

/* Days that are needed and not known, in the order in which they were met. */
struct missing {
    int32_t days[DAYS_MADE_MAX];
    size_t  count;
};

static int32_t day_of(int64_t timestamp_us)
{
    int64_t day = timestamp_us / DAY_US;
    return (int32_t)(timestamp_us % DAY_US < 0 ? day - 1 : day);
}

static int compare_days(const void *a, const void *b)
{
    int32_t left = *(const int32_t *)a;
    int32_t right = *(const int32_t *)b;
    return (left > right) - (left < right);
}

static bool knows(const struct postgresql_days *days, int32_t day)
{
    return days->count > 0 && bsearch(&day, days->known, days->count, sizeof day, compare_days) != NULL;
}

bool postgresql_days_has(const struct postgresql_store *store, int64_t timestamp_us)
{
    return knows(&store->days, day_of(timestamp_us));
}

void postgresql_days_forget(struct postgresql_store *store)
{
    store->days.count = 0;
    store->days.ahead_until = 0;
    store->days.looked = false;
}

/* ---- What is missing ---- */

static void want(const struct postgresql_days *days, int32_t day, struct missing *missing)
{
    if (missing->count == DAYS_MADE_MAX || knows(days, day))
        return;
    for (size_t i = 0; i < missing->count; i++) {
        if (missing->days[i] == day)
            return;
    }
    missing->days[missing->count++] = day;
}

static void want_ahead(const struct postgresql_days *days, int32_t today, struct missing *missing)
{
    missing->count = 0;
    for (int32_t day = today; day <= today + DAYS_AHEAD && days->ahead_until < today + DAYS_AHEAD; day++)
        want(days, day, missing);
}

/* Days of the events from the retention period on, those ahead apart. */
static void want_past(const struct postgresql_store *store, const struct event_record *events, size_t event_count,
                      int32_t today, struct missing *missing)
{
    int32_t back = store->retention_days < DAYS_BACK_MAX ? (int32_t)store->retention_days : DAYS_BACK_MAX;
    int32_t last = INT32_MIN; /* Neighbours are mostly of the same day. */
    missing->count = 0;
    for (size_t i = 0; i < event_count; i++) {
        int32_t day = day_of(events[i].event.timestamp_us);
        if (day != last && day >= today - back && day <= today + DAYS_AHEAD)
            want(&store->days, day, missing);
        last = day;
    }
}

/* ---- Asking the server ---- */

static bool have_room(struct postgresql_days *days, size_t count)
{
    if (count <= days->capacity)
        return true;
    int32_t *known = realloc(days->known, count * sizeof *known);
    if (known == NULL)
        return false;
    days->known = known;
    days->capacity = count;
    return true;
}

/* What the catalogue has. */
static enum trail_err look(struct postgresql_store *store, struct trail_error *ret_error)
{
    static const char       sql[] = PG_BEGIN "SELECT day - date '1970-01-01' FROM audit_days ORDER BY 1; COMMIT";
    struct postgresql_days *days = &store->days;
    PGresult               *results[PG_BEGIN_RESULTS + 1];
    enum trail_err err = pg_run(&store->connection, sql, "list the days of", results, PG_BEGIN_RESULTS + 1, ret_error);
    if (err != TRAIL_OK) {
        pg_rollback(&store->connection);
        return err;
    }
    const PGresult *rows = results[PG_BEGIN_RESULTS];
    size_t          count = (size_t)PQntuples(rows);
    if (have_room(days, count)) {
        for (size_t i = 0; i < count; i++)
            days->known[i] = (int32_t)pg_number(rows, (int)i, 0, INT32_MIN);
        days->count = count;
        days->looked = true;
    } else {
        err = error_set(ret_error, TRAIL_ENOMEM, 0, "no memory for the days of a store");
    }
    for (size_t i = 0; i <= PG_BEGIN_RESULTS; i++)
        PQclear(results[i]);
    return err;
}

/* Make the missing days, all or none, then look again. */
static enum trail_err make(struct postgresql_store *store, struct missing *missing, struct trail_error *ret_error)
{
    struct buf *sql = &store->sql;
    qsort(missing->days, missing->count, sizeof missing->days[0], compare_days);
    buf_clear(sql);
    buf_append_string(sql, PG_BEGIN);
    for (size_t first = 0, last; first < missing->count; first = last + 1) {
        last = first;
        while (last + 1 < missing->count && missing->days[last + 1] == missing->days[last] + 1)
            last++;
        buf_printf(sql, "SELECT audit_create_days(date '1970-01-01' + (%d), date '1970-01-01' + (%d)); ",
                   missing->days[first], missing->days[last]);
    }
    buf_append(sql, "COMMIT", sizeof "COMMIT");
    if (buf_failed(sql))
        return error_set(ret_error, TRAIL_ENOMEM, 0, "no memory for the days of a store");
    enum trail_err err = pg_run(&store->connection, sql->data, "make days in", NULL, 0, ret_error);
    if (err != TRAIL_OK) {
        pg_rollback(&store->connection);
        return err;
    }
    return look(store, ret_error);
}

static bool may_ask(const struct postgresql_days *days)
{
    return days->refused_until_us == 0 || clock_mono_us(&clock_system) >= days->refused_until_us;
}

/* Whatever the server says, the batch goes on; only without a connection it cannot. */
static enum trail_err judge(struct postgresql_store *store, enum trail_err err)
{
    if (err == TRAIL_OK || err == TRAIL_ENOMEM || store->connection.broken)
        return err;
    store->days.refused_until_us = clock_mono_us(&clock_system) + ASK_AGAIN_US;
    return TRAIL_OK;
}

enum trail_err postgresql_days_prepare(struct postgresql_store *store, const struct event_record *events,
                                       size_t event_count, struct trail_error *ret_error)
{
    struct postgresql_days *days = &store->days;
    int32_t                 today = day_of(clock_wall_us(&clock_system));
    struct missing          missing;
    enum trail_err          err = TRAIL_OK;

    /* After a start, at a new day, and when events come of a day that another process may have made. */
    want_ahead(days, today, &missing);
    size_t ahead_count = missing.count;
    want_past(store, events, event_count, today, &missing);
    if (ahead_count + missing.count == 0)
        return TRAIL_OK;
    if (!days->looked || may_ask(days))
        err = judge(store, look(store, ret_error));

    /* Those ahead by themselves: what may be wrong with an old day does not keep today from being made. */
    want_ahead(days, today, &missing);
    if (err == TRAIL_OK && missing.count > 0 && may_ask(days))
        err = judge(store, make(store, &missing, ret_error));
    want_past(store, events, event_count, today, &missing);
    if (err == TRAIL_OK && missing.count > 0 && may_ask(days))
        err = judge(store, make(store, &missing, ret_error));
    if (err == TRAIL_OK && knows(days, today) && knows(days, today + 1) && knows(days, today + DAYS_AHEAD))
        days->ahead_until = today + DAYS_AHEAD;
    return err;
}
