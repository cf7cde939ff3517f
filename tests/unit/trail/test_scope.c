/* test_scope.c -- an operation that was begun is recorded once, with the outcome it had, or as unknown.
 *
 * Goal:   neither a second end nor a forgotten one falsifies the trail.
 * Method: the outcomes that are stored, counted in the database.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "support/trail_bench.h"

static struct trail_bench bench;
static struct trail_event event;

static int set_up(void **state)
{
    (void)state;
    trail_bench_init(&bench);
    trail_bench_open(&bench, NULL);
    event = (struct trail_event){ TRAIL_EVENT_INIT, .action = TRAIL_TEXT("create"), .resource_type = TRAIL_TEXT("tool"),
                                  .user_id = TRAIL_TEXT("alice") };
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    trail_bench_done(&bench);
    return 0;
}

static int64_t stored_with(enum trail_outcome outcome)
{
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM audit_events WHERE outcome = %d AND operation = 1", (int)outcome);
    assert_int_equal(trail_flush(bench.trail, 20000), TRAIL_OK);
    return trail_bench_number(&bench, sql);
}

static void what_really_happened_is_recorded_once(void **state)
{
    (void)state;
    struct trail_scope scope;
    trail_begin(&scope, bench.trail, &event);
    assert_int_equal(trail_end(&scope, TRAIL_OUTCOME_FAILURE, TRAIL_TEXT("no such tool")), TRAIL_OK);
    assert_int_equal(trail_end(&scope, TRAIL_OUTCOME_SUCCESS, (struct trail_text){ 0 }), TRAIL_OK);
    trail_scope_done(&scope);
    assert_int_equal(stored_with(TRAIL_OUTCOME_FAILURE), 1);
    assert_int_equal(stored_with(TRAIL_OUTCOME_SUCCESS), 0);
    assert_int_equal(stored_with(TRAIL_OUTCOME_UNKNOWN), 0);
}

static void an_end_that_was_forgotten_is_unknown(void **state)
{
    (void)state;
    struct trail_scope scope;
    trail_begin(&scope, bench.trail, &event);
    trail_scope_done(&scope);
    trail_scope_done(&scope);
    assert_int_equal(stored_with(TRAIL_OUTCOME_UNKNOWN), 1);
    assert_int_equal(stored_with(TRAIL_OUTCOME_SUCCESS), 0);
}

static void a_scope_of_nothing_records_nothing(void **state)
{
    (void)state;
    struct trail_scope scope;
    struct trail_event wrong = event;
    wrong.struct_size = 1;
    trail_begin(&scope, bench.trail, &wrong);
    trail_scope_done(&scope);
    trail_begin(&scope, bench.trail, NULL);
    assert_int_equal(trail_end(&scope, TRAIL_OUTCOME_SUCCESS, (struct trail_text){ 0 }), TRAIL_OK);
    trail_begin(&scope, NULL, &event);
    trail_scope_done(&scope);
    assert_int_equal(trail_flush(bench.trail, 20000), TRAIL_OK);
    assert_int_equal(trail_bench_count(&bench, "create"), -1); /* Not even a database. */
}

int main(void)
{
#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FACT(what_really_happened_is_recorded_once),
        FACT(an_end_that_was_forgotten_is_unknown),
        FACT(a_scope_of_nothing_records_nothing),
    };
#undef FACT
    return cmocka_run_group_tests(tests, NULL, NULL);
}
