/* test_unseen.c -- of events that nobody recorded: how many fall into a time, and what a draft may keep of them.
 *
 * Goal:   a writer inside the range counts in full, one that reaches beyond it in part, one that stopped before it
 *         not at all, one that fell silent is told apart. The bounds are as narrow as what is known allows, and no
 *         narrower.
 * Method: writers with accounts and a ledger in a real store; a table of policies in force, drafts and bounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "query/unseen.h"
#include "store/fixture.h"
#include "unit/query/draft_fixture.h"

#define HOUR_US INT64_C(3600000000)
#define OP(operation) TRAIL_OPERATION_##operation

/* A writer that started `begin` hours after FIXTURE_TIME_US, and whose last batch came at `end`. */
static void add_writer(const struct fixture *fixture, int id, int begin, int end, const char *last_action)
{
    char sql[1024];
    snprintf(
        sql, sizeof sql,
        "INSERT INTO audit_writers (id, uuid, id_hash, last_seq, started_at) VALUES (%d, randomblob(16), 1, 5, %lld);"
        "INSERT INTO audit_accounting (writer, operation, level, excluded, sampled) VALUES (%d, 2, 1000, 100, 10),"
        " (%d, 1, 0, 7, 0), (%d, 0, 0, 0, 0);"
        "INSERT INTO audit_batches (writer, first_seq, last_seq, event_count, min_timestamp, max_timestamp,"
        " recorded_at) VALUES (%d, 1, 5, 5, %lld, %lld, %lld);"
        "INSERT OR IGNORE INTO audit_actions (id, digest, action, operation) VALUES (%d, randomblob(16), '%s', 1);"
        "INSERT INTO audit_events (timestamp, writer, seq, actor, resource, action, operation, outcome, level, flags,"
        " data_classification, requires_review, weight) VALUES (%lld, %d, 5, 1, 1, %d, 1, 0, 1, 0, 0, 0, 1.0)",
        id, (long long)(FIXTURE_TIME_US + begin * HOUR_US), id, id, id, id,
        (long long)(FIXTURE_TIME_US + begin * HOUR_US), (long long)(FIXTURE_TIME_US + end * HOUR_US),
        (long long)(FIXTURE_TIME_US + end * HOUR_US), id, last_action, (long long)(FIXTURE_TIME_US + end * HOUR_US), id,
        id);
    fixture_execute(fixture, sql);
}

static struct unseen load(const struct fixture *fixture, int since, int until)
{
    struct unseen      unseen;
    struct trail_error error = { 0 };
    if (unseen_load(&unseen, fixture->store, FIXTURE_TIME_US + since * HOUR_US, FIXTURE_TIME_US + until * HOUR_US,
                    &error) != TRAIL_OK)
        fail_msg("%s", error.message);
    return unseen;
}

static void a_writer_counts_for_its_part_of_the_range(void **state)
{
    static const struct {
        int    begin, end; /* Of the writer. */
        double part;       /* In the hours 10 to 20. */
        bool   spread;
    } rows[] = {
        { 10, 20, 1, false },  { 12, 13, 1, false },  { 15, 15, 1, false }, { 0, 20, 0.5, true },
        { 0, 40, 0.25, true }, { 15, 25, 0.5, true }, { 20, 30, 0, false }, { 0, 12, 1.0 / 6, true },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        fixture_open(&fixture);
        add_writer(&fixture, 70, rows[i].begin, rows[i].end, "create_tool");
        struct unseen unseen = load(&fixture, 10, 20);
        assert_near(unseen.operations[OP(READ)].level, 1000 * rows[i].part);
        assert_near(unseen.operations[OP(READ)].excluded, 100 * rows[i].part);
        assert_near(unseen.operations[OP(READ)].sampled, 10 * rows[i].part);
        assert_near(unseen.operations[OP(CREATE)].excluded, 7 * rows[i].part);
        assert_int_equal(unseen.spread, rows[i].spread);
        assert_near(unseen.unplaced, 0);
        fixture_close(&fixture);
    }
}

static void writers_add_up(void **state)
{
    struct fixture fixture;
    (void)state;
    fixture_open(&fixture);
    add_writer(&fixture, 70, 11, 12, "create_tool");
    add_writer(&fixture, 71, 0, 20, "create_tool");
    assert_near(load(&fixture, 10, 20).operations[OP(READ)].level, 1500);
    fixture_close(&fixture);
}

static void a_writer_that_fell_silent_is_told_apart_from_one_that_stopped(void **state)
{
    struct fixture fixture;
    (void)state;
    fixture_open(&fixture);
    add_writer(&fixture, 70, 0, 5, "create_tool");
    add_writer(&fixture, 71, 1, 6, "trail_stopped");
    struct unseen unseen = load(&fixture, 10, 20);
    assert_near(unseen.unplaced, 1000 + 100 + 10 + 7);
    assert_near(unseen.operations[OP(READ)].level, 0);
    fixture_close(&fixture);
}

/* ---- Bounds ---- */

struct side {
    enum trail_level level;
    const char      *actions;
    uint32_t         always;
    double           reads;
};

static const struct bounds_row {
    const char          *what;
    struct side          now;
    struct side          draft;
    struct unseen_counts counts; /* Of reads. */
    double               low;
    double               high;
} bounds[] = {
    { "a wider level takes all of them", { 2, "", 0, 1 }, { 1, "", 0, 1 }, { 100, 0, 0 }, 100, 100 },
    { "the same level takes none", { 2, "", 0, 1 }, { 2, "", 0, 1 }, { 100, 0, 0 }, 0, 0 },
    { "a narrower one neither", { 2, "", 0, 1 }, { 4, "", 0, 1 }, { 100, 0, 0 }, 0, 0 },
    { "outcomes are not known", { 2, "", 0, 1 }, { 5, "", 0, 1 }, { 100, 0, 0 }, 0, 100 },
    { "but those of what failures_only refused are", { 5, "", 0, 1 }, { 1, "", 0, 1 }, { 100, 0, 0 }, 100, 100 },
    { "and it kept those that failed", { 5, "", 0, 1 }, { 2, "", 1, 1 }, { 100, 0, 0 }, 0, 0 },
    { "so does a floor", { 2, "", 1, 1 }, { 5, "", 0, 1 }, { 100, 0, 0 }, 0, 0 },
    { "a new floor takes some", { 2, "", 0, 1 }, { 2, "", 1, 1 }, { 100, 0, 0 }, 0, 100 },
    { "names are not known", { 2, "", 0, 1 }, { 1, "health_*", 0, 1 }, { 100, 0, 0 }, 0, 100 },
    { "a share of all", { 2, "", 0, 1 }, { 1, "", 0, 0.1 }, { 100, 0, 0 }, 10, 10 },
    { "an exclusion that goes", { 1, "a", 0, 1 }, { 1, "", 0, 1 }, { 0, 100, 0 }, 100, 100 },
    { "one that stays", { 1, "a", 0, 1 }, { 1, "a", 0, 1 }, { 0, 100, 0 }, 0, 0 },
    { "one that stays among others", { 1, "a", 0, 1 }, { 1, "b,A", 0, 1 }, { 0, 100, 0 }, 0, 0 },
    { "one of two that goes", { 1, "a,b", 0, 1 }, { 1, "a", 0, 1 }, { 0, 100, 0 }, 0, 100 },
    { "one that goes below the level", { 1, "a", 0, 1 }, { 2, "", 0, 1 }, { 0, 100, 0 }, 0, 0 },
    { "one that stays, over a floor", { 1, "a", 0, 1 }, { 1, "a", 1, 1 }, { 0, 100, 0 }, 0, 100 },
    { "the same floor as before", { 1, "a", 1, 1 }, { 1, "a", 1, 1 }, { 0, 100, 0 }, 0, 0 },
    { "sampled away", { 1, "", 0, 0 }, { 1, "", 0, 0.5 }, { 0, 0, 100 }, 50, 50 },
    { "sampled away, names as before", { 1, "a", 0, 0 }, { 1, "a", 0, 1 }, { 0, 0, 100 }, 100, 100 },
    { "sampled away, another name", { 1, "a", 0, 0 }, { 1, "b", 0, 1 }, { 0, 0, 100 }, 0, 100 },
    { "all reasons", { 2, "a", 0, 1 }, { 1, "", 0, 1 }, { 100, 10, 1 }, 111, 111 },
};

static struct draft draft_of_side(const struct side *side)
{
    struct settings settings = settings_of(side->level, side->actions, "");
    settings.always_record = side->always;
    settings.sample_reads = side->reads;
    return draft_of(&settings);
}

static void bounds_are_as_narrow_as_what_is_known_allows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        struct draft         now = draft_of_side(&bounds[i].now);
        struct draft         draft = draft_of_side(&bounds[i].draft);
        struct unseen_bounds found = unseen_forecast(&bounds[i].counts, OP(READ), false, &now, &draft);
        if (found.low < bounds[i].low - 1e-6 || found.low > bounds[i].low + 1e-6 ||
            found.high < bounds[i].high - 1e-6 || found.high > bounds[i].high + 1e-6)
            fail_msg("%s: %g to %g, expected %g to %g", bounds[i].what, found.low, found.high, bounds[i].low,
                     bounds[i].high);
        draft_done(&now);
        draft_done(&draft);
    }
}

static void what_stored_events_stand_for_is_not_counted_twice(void **state)
{
    const struct unseen_counts counts = { .sampled = 900 };
    (void)state;
    struct draft draft = draft_with(TRAIL_LEVEL_ALL, "", "");
    assert_near(unseen_forecast(&counts, OP(READ), true, &draft, &draft).high, 0);
    assert_near(unseen_forecast(&counts, OP(READ), false, &draft, &draft).low, 900);
    draft_done(&draft);
}

static void refusals_by_another_policy_are_told(void **state)
{
    static const struct {
        struct side now;
        double      contradicting; /* Of 5 by level, 3 excluded, 1 sampled. */
    } rows[] = {
        { { 2, "a", 0, 0.5 }, 1 + 3 }, /* The level takes no reads, so none was excluded or sampled. */
        { { 1, "a", 0, 0.5 }, 5 },     { { 1, "", 0, 0.5 }, 8 },
        { { 1, "a", 0, 1 }, 6 },       { { 5, "a", 1, 1 }, 4 }, /* All failures are above the exclusions. */
    };
    const struct unseen_counts counts = { 5, 3, 1 };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct draft now = draft_of_side(&rows[i].now);
        assert_near(unseen_contradicting(&counts, OP(READ), &now), rows[i].contradicting);
        draft_done(&now);
    }
}

static void a_draft_that_is_off_keeps_nothing(void **state)
{
    const struct unseen_counts counts = { 100, 100, 100 };
    struct settings            settings = settings_of(TRAIL_LEVEL_ALL, "", "");
    (void)state;
    struct draft now = draft_with(TRAIL_LEVEL_WRITES_ONLY, "", "");
    settings.enabled = false;
    struct draft draft = draft_of(&settings);
    assert_near(unseen_forecast(&counts, OP(READ), false, &now, &draft).high, 0);
    draft_done(&now);
    draft_done(&draft);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_writer_counts_for_its_part_of_the_range),
        cmocka_unit_test(writers_add_up),
        cmocka_unit_test(a_writer_that_fell_silent_is_told_apart_from_one_that_stopped),
        cmocka_unit_test(bounds_are_as_narrow_as_what_is_known_allows),
        cmocka_unit_test(what_stored_events_stand_for_is_not_counted_twice),
        cmocka_unit_test(refusals_by_another_policy_are_told),
        cmocka_unit_test(a_draft_that_is_off_keeps_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
