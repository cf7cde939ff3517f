/* test_fork.c -- a child records into a spool of its own, and its parent notices nothing.
 *
 * Goal:   every event of parent and children is stored once, also when other threads record, close or open
 *         meanwhile; a child that was made behind libc's back is found out.
 * Method: real forks and a real SQLite store; a child's exit status tells what went wrong in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/patience.h"
#include "support/trail_bench.h"
#include "trail/trail_state.h"

#define CHILDREN 4
#define EVENTS 50

static struct trail_bench bench;

static int set_up(void **state)
{
    (void)state;
    trail_bench_init(&bench);
    trail_bench_open(&bench, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    trail_bench_done(&bench);
    return 0;
}

static void record_events(const char *action)
{
    for (unsigned i = 0; i < EVENTS; i++)
        assert_int_equal(trail_bench_record(&bench, action), TRAIL_OK);
}

/* What a child does. Its status: 0 all recorded and stored, else the step that failed. */
static int be_a_child(const char *action)
{
    for (unsigned i = 0; i < EVENTS; i++) {
        if (trail_bench_record(&bench, action) != TRAIL_OK)
            return 1;
    }
    uint64_t waiting = 0;
    return trail_close(bench.trail, &waiting) == TRAIL_OK && waiting == 0 ? 0 : 2;
}

static pid_t start_child(const char *action)
{
    pid_t child = fork();
    if (child == 0)
        _exit(be_a_child(action));
    return child;
}

static void expect_success(pid_t child)
{
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void close_trail(void)
{
    uint64_t      waiting = 0;
    struct trail *trail = bench.trail;
    bench.trail = NULL;
    enum trail_err err = trail_close(trail, &waiting);
    if (err != TRAIL_OK)
        print_message("%u events wait\n", (unsigned)waiting);
    assert_int_equal(err, TRAIL_OK);
}

static void children_and_parent_each_store_their_own(void **state)
{
    (void)state;
    pid_t children[CHILDREN];
    record_events("parent");
    assert_int_equal(trail_flush(bench.trail, 20000), TRAIL_OK); /* So that there is a connection to inherit. */
    for (unsigned i = 0; i < CHILDREN; i++)
        children[i] = start_child("child");
    record_events("parent");
    for (unsigned i = 0; i < CHILDREN; i++)
        expect_success(children[i]);
    close_trail();
    assert_int_equal(trail_bench_count(&bench, "parent"), 2 * EVENTS);
    assert_int_equal(trail_bench_count(&bench, "child"), CHILDREN * EVENTS);
    assert_int_equal(trail_bench_number(&bench, "SELECT count(*) FROM audit_writers"), CHILDREN + 1);
    assert_int_equal(trail_bench_count(&bench, "events_lost"), 0);
    assert_int_equal(temp_dir_count(temp_dir_at(&bench.dir, "spool")), 0);
    assert_int_equal(bench.notices, 0);
}

static void a_fork_before_the_first_event_opens_nothing(void **state)
{
    (void)state;
    expect_success(start_child("child"));
    assert_null(trail_live_now(bench.trail));
    close_trail();
    assert_int_equal(trail_bench_count(&bench, "child"), EVENTS);
    assert_int_equal(trail_bench_count(&bench, "trail_started"), 1);
}

static void a_child_that_records_nothing_leaves_nothing(void **state)
{
    (void)state;
    record_events("parent");
    pid_t child = fork();
    if (child == 0)
        _exit(trail_close(bench.trail, NULL) == TRAIL_OK ? 0 : 1);
    expect_success(child);
    record_events("parent");
    close_trail();
    assert_int_equal(trail_bench_count(&bench, "parent"), 2 * EVENTS);
    assert_int_equal(trail_bench_number(&bench, "SELECT count(*) FROM audit_writers"), 1);
}

static void the_events_of_a_child_that_is_killed_are_stored_by_its_parent(void **state)
{
    (void)state;
    record_events("parent");
    pid_t child = fork();
    if (child == 0) {
        for (unsigned i = 0; i < EVENTS; i++)
            (void)!trail_bench_record(&bench, "killed");
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    close_trail();
    trail_bench_open(&bench, NULL); /* A new start looks for the dead at once. */
    record_events("parent");
    close_trail();
    assert_int_equal(trail_bench_count(&bench, "killed"), EVENTS);
    assert_int_equal(trail_bench_count(&bench, "trail_recovered"), 1);
}

static void grandchildren_record_too(void **state)
{
    (void)state;
    record_events("parent");
    pid_t child = fork();
    if (child == 0) {
        for (unsigned i = 0; i < EVENTS; i++)
            (void)!trail_bench_record(&bench, "child");
        pid_t grandchild = start_child("grandchild");
        int   status = -1;
        waitpid(grandchild, &status, 0);
        _exit(status != 0 ? 3 : trail_close(bench.trail, NULL) == TRAIL_OK ? 0 : 4);
    }
    expect_success(child);
    close_trail();
    assert_int_equal(trail_bench_count(&bench, "child"), EVENTS);
    assert_int_equal(trail_bench_count(&bench, "grandchild"), EVENTS);
}

/* ---- While other threads are at work ---- */

static bool     stop_recording; /* Atomic. */
static unsigned recorded;       /* Atomic. */

static void *record_all_the_time(void *argument)
{
    (void)argument;
    for (unsigned i = 1; !__atomic_load_n(&stop_recording, __ATOMIC_ACQUIRE); i++) {
        if (trail_bench_record(&bench, "thread") == TRAIL_OK)
            __atomic_fetch_add(&recorded, 1, __ATOMIC_RELAXED);
        if (i % 10 == 0)
            (void)poll(NULL, 0, 1); /* As much as the store can take before the test is over. */
    }
    return NULL;
}

static void forks_among_recording_threads_lose_nothing(void **state)
{
    (void)state;
    pthread_t threads[2];
    stop_recording = false;
    recorded = 0;
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, record_all_the_time, NULL), 0);
    for (unsigned i = 0; i < 10; i++)
        expect_success(start_child("child"));
    __atomic_store_n(&stop_recording, true, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(trail_flush(bench.trail, 60000), TRAIL_OK);
    close_trail();
    assert_int_equal(trail_bench_count(&bench, "child"), 10 * EVENTS);
    assert_int_equal(trail_bench_count(&bench, "thread"), recorded);
    assert_int_equal(trail_bench_count(&bench, "events_lost"), 0);
}

static void *open_record_and_close(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < 30; i++) {
        struct trail_bench own = { .dir = bench.dir };
        trail_bench_open(&own, NULL);
        (void)!trail_bench_record(&own, "short");
        (void)!trail_close(own.trail, NULL);
    }
    __atomic_store_n(&stop_recording, true, __ATOMIC_RELEASE);
    return NULL;
}

static void forks_while_another_trail_opens_and_closes_find_it_whole_or_not_at_all(void **state)
{
    (void)state;
    pthread_t thread;
    unsigned  forks = 0;
    stop_recording = false;
    assert_int_equal(pthread_create(&thread, NULL, open_record_and_close, NULL), 0);
    while (!__atomic_load_n(&stop_recording, __ATOMIC_ACQUIRE)) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        expect_success(child);
        forks++;
    }
    pthread_join(thread, NULL);
    print_message("%u forks\n", forks);
    close_trail();
    assert_int_equal(trail_bench_count(&bench, "short"), 30);
}

/* ---- Behind libc's back ---- */

static void a_child_made_by_a_raw_system_call_is_found_out(void **state)
{
    (void)state;
    record_events("parent");
    pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (child == 0) {
        const struct live *inherited = trail_live_now(bench.trail);
        enum trail_err     err = trail_bench_record(&bench, "raw");
        _exit(err == TRAIL_OK && trail_live_now(bench.trail) != inherited ? 0 : 1);
    }
    expect_success(child);
    record_events("parent"); /* Its lock and its segments are untouched. */
    close_trail();
    trail_bench_open(&bench, NULL);
    record_events("parent");
    close_trail();
    assert_int_equal(trail_bench_count(&bench, "parent"), 3 * EVENTS);
    assert_int_equal(trail_bench_count(&bench, "raw"), 1);
}

int main(void)
{
#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FACT(children_and_parent_each_store_their_own),
        FACT(a_fork_before_the_first_event_opens_nothing),
        FACT(a_child_that_records_nothing_leaves_nothing),
        FACT(the_events_of_a_child_that_is_killed_are_stored_by_its_parent),
        FACT(grandchildren_record_too),
        FACT(forks_among_recording_threads_lose_nothing),
        FACT(forks_while_another_trail_opens_and_closes_find_it_whole_or_not_at_all),
        FACT(a_child_made_by_a_raw_system_call_is_found_out),
    };
#undef FACT
    return cmocka_run_group_tests(tests, NULL, NULL);
}
