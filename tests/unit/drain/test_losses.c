/* test_losses.c -- what was lost is told once, with its number and its time.
 *
 * Goal:   no loss is told twice or forgotten, whichever thread notes it.
 * Method: notes and takes on one thread, then on several at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "drain/losses.h"

#define THREADS 4
#define NOTES 5000

static void an_episode_is_told_once_with_its_first_and_last_time(void **state)
{
    (void)state;
    struct losses losses;
    struct loss   loss;
    struct buf    context;
    losses_init(&losses);
    buf_init(&context, NULL, 0);
    assert_false(losses_any(&losses));
    assert_false(losses_take(&losses, &loss));
    assert_true(losses_add(&losses, false, 1000000)); /* The first. */
    assert_false(losses_add(&losses, true, 2000000));
    assert_false(losses_add(&losses, false, 3000000));
    assert_true(losses_any(&losses));
    assert_true(losses_take(&losses, &loss));
    loss_describe(&loss, &context);
    buf_append(&context, "", 1);
    assert_string_equal(context.data,
                        "{\"reason\":\"spool_full\",\"count\":3,\"rejected\":2,\"dropped\":1,"
                        "\"first\":\"1970-01-01T00:00:01.000000Z\",\"last\":\"1970-01-01T00:00:03.000000Z\"}");
    assert_false(losses_any(&losses));
    assert_false(losses_take(&losses, &loss));
    buf_done(&context);
    losses_done(&losses);
}

static void what_could_not_be_recorded_is_added_to_what_is_lost_since(void **state)
{
    (void)state;
    struct losses losses;
    struct loss   loss;
    losses_init(&losses);
    (void)losses_add(&losses, false, 1000000);
    assert_true(losses_take(&losses, &loss));
    (void)losses_add(&losses, true, 5000000);
    losses_put_back(&losses, &loss);
    assert_true(losses_take(&losses, &loss));
    assert_int_equal(loss.rejected, 1);
    assert_int_equal(loss.dropped, 1);
    assert_int_equal(loss.first_us, 1000000);
    assert_int_equal(loss.last_us, 5000000);
    losses_done(&losses);
}

static void *note_many(void *argument)
{
    for (unsigned i = 0; i < NOTES; i++)
        (void)losses_add(argument, false, i);
    return NULL;
}

static void several_threads_lose_no_loss(void **state)
{
    (void)state;
    struct losses losses;
    pthread_t     threads[THREADS];
    uint64_t      told = 0;
    losses_init(&losses);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, note_many, &losses), 0);
    while (told < (uint64_t)THREADS * NOTES) {
        struct loss loss;
        if (losses_take(&losses, &loss))
            told += loss.rejected + loss.dropped;
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(told, THREADS * NOTES);
    assert_false(losses_any(&losses));
    losses_done(&losses);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_episode_is_told_once_with_its_first_and_last_time),
        cmocka_unit_test(what_could_not_be_recorded_is_added_to_what_is_lost_since),
        cmocka_unit_test(several_threads_lose_no_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
