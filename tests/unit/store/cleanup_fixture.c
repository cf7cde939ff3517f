/* cleanup_fixture.c -- clean-ups of a fixture's store: a request that would be granted, a run to its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/cleanup_fixture.h"

#include <string.h>

static bool nobody_lives(void *context, const struct uuid *writer, int64_t pid)
{
    (void)context;
    (void)writer;
    (void)pid;
    return false;
}

struct store_cleanup_request cleanup_request(int64_t cut_off_s)
{
    return (struct store_cleanup_request){
        .now_us = FIXTURE_TIME_US + INT64_C(91) * 86400 * 1000000,
        .boot_us = 1000000,
        .cut_off_us = CUT_OFF(cut_off_s),
        .rows_max = 1000,
        .service = TRAIL_TEXT("test"),
        .host = TRAIL_TEXT("host"),
        .pid = 1,
        .may_live = nobody_lives,
    };
}

struct store_cleanup *cleanup_claim(const struct fixture *fixture, const struct store_cleanup_request *request)
{
    struct cleanup_answer answer;
    struct store_cleanup *cleanup = NULL;
    struct trail_error    error = { 0 };
    if (store_cleanup_begin(fixture->store, request, &answer, &cleanup, &error) != TRAIL_OK)
        fail_msg("%s", error.message);
    assert_int_equal(answer.verdict, CLEANUP_CLAIMED);
    assert_non_null(cleanup);
    return cleanup;
}

static struct cleanup_step step_once(const struct fixture *fixture, struct store_cleanup *cleanup)
{
    struct cleanup_step step;
    struct trail_error  error = { 0 };
    if (store_cleanup_step(fixture->store, cleanup, 1, &step, &error) != TRAIL_OK)
        fail_msg("%s", error.message);
    return step;
}

struct cleanup_work cleanup_run_out(const struct fixture *fixture, struct store_cleanup *cleanup, unsigned *ret_steps)
{
    struct cleanup_work work = { 0 };
    struct cleanup_step step = { 0 };
    for (unsigned steps = 1; !step.finished; steps++) {
        assert_true(steps < 1000); /* Ends. */
        step = step_once(fixture, cleanup);
        work.events += step.work.events;
        work.batches += step.work.batches;
        work.dead_letters += step.work.dead_letters;
        work.references += step.work.references;
        work.ledger_rows += step.work.ledger_rows;
        work.writers += step.work.writers;
        if (ret_steps != NULL)
            *ret_steps = steps;
    }
    assert_int_equal(store_cleanup_end(fixture->store, cleanup, FIXTURE_TIME_US, 7, NULL), TRAIL_OK);
    store_cleanup_free(cleanup);
    return work;
}

struct cleanup_work cleanup_all(const struct fixture *fixture, const struct store_cleanup_request *request)
{
    return cleanup_run_out(fixture, cleanup_claim(fixture, request), NULL);
}

void cleanup_step_into(const struct fixture *fixture, struct store_cleanup *cleanup, const char *phase, unsigned times)
{
    unsigned seen = 0;
    for (unsigned steps = 0; seen < times; steps++) {
        assert_true(steps < 1000);
        seen += strcmp(step_once(fixture, cleanup).phase, phase) == 0;
    }
}
