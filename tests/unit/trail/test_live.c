/* test_live.c -- the running part is made once, by the first event, and frames what it stores with its own start and stop.
 *
 * Goal:   threads that offer the first event together open one spool; the trail says when it began and ended, and under which policy.
 * Method: a real trail; what is stored is asked of the database.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include "support/trail_bench.h"
#include "trail/trail_state.h"

#define THREADS 8

static struct trail_bench bench;
static pthread_barrier_t  start;

static int set_up(void **state)
{
    (void)state;
    trail_bench_init(&bench);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    trail_bench_done(&bench);
    return 0;
}

static void close_trail(void)
{
    struct trail *trail = bench.trail;
    bench.trail = NULL;
    assert_int_equal(trail_close(trail, NULL), TRAIL_OK);
}

static void *record_first(void *argument)
{
    (void)argument;
    pthread_barrier_wait(&start);
    return (void *)(uintptr_t)(trail_bench_record(&bench, "create") == TRAIL_OK);
}

static void threads_that_come_first_together_open_one_spool(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    trail_bench_open(&bench, NULL);
    pthread_barrier_init(&start, NULL, THREADS);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, record_first, NULL), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        void *accepted = NULL;
        pthread_join(threads[i], &accepted);
        assert_non_null(accepted);
    }
    pthread_barrier_destroy(&start);
    assert_int_equal(temp_dir_count(temp_dir_at(&bench.dir, "spool")), 1);
    close_trail();
    assert_int_equal(trail_bench_count(&bench, "create"), THREADS);
    assert_int_equal(trail_bench_count(&bench, "trail_started"), 1);
    assert_int_equal(trail_bench_number(&bench, "SELECT count(*) FROM audit_writers"), 1);
}

static void start_and_stop_frame_what_was_recorded_between_them(void **state)
{
    (void)state;
    trail_bench_open(&bench, NULL);
    assert_int_equal(trail_bench_record(&bench, "create"), TRAIL_OK);
    close_trail();
    assert_int_equal(trail_bench_number(&bench, "SELECT seq FROM audit_trail WHERE action = 'trail_started'"), 1);
    assert_int_equal(trail_bench_number(&bench, "SELECT seq FROM audit_trail WHERE action = 'create'"), 2);
    assert_int_equal(trail_bench_number(&bench, "SELECT seq FROM audit_trail WHERE action = 'trail_stopped'"), 3);
    assert_int_equal(trail_bench_number(&bench, "SELECT context LIKE '%AUDIT_TRAIL_LEVEL\":\"all\"%' FROM audit_trail "
                                                "WHERE action = 'trail_started'"),
                     1);
}

static void a_trail_that_refused_everything_has_neither_start_nor_stop(void **state)
{
    (void)state;
    static const char *const settings[] = { "AUDIT_TRAIL_LEVEL=deletes_only", NULL };
    trail_bench_open(&bench, settings);
    assert_int_equal(trail_bench_record(&bench, "create"), TRAIL_REFUSED);
    close_trail();
    assert_int_equal(trail_bench_number(&bench, "SELECT count(*) FROM audit_events"), 0);
    assert_int_equal(trail_bench_number(&bench, "SELECT count(*) FROM audit_writers"), 1); /* Its accounts are there. */
    assert_int_equal(temp_dir_count(temp_dir_at(&bench.dir, "spool")), 0);
}

int main(void)
{
#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FACT(threads_that_come_first_together_open_one_spool),
        FACT(start_and_stop_frame_what_was_recorded_between_them),
        FACT(a_trail_that_refused_everything_has_neither_start_nor_stop),
    };
#undef FACT
    return cmocka_run_group_tests(tests, NULL, NULL);
}
