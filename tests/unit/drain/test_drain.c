/* test_drain.c -- events go to the store when the settings say so, and a store that is away is waited for.
 *
 * Goal:   the four combinations of async and buffer; nothing too early; one notice per outage; a stop that says what
 *         is left; dead neighbours are emptied; a fork finds no connection, and a child that nobody prepared for
 *         closes none.
 * Method: a real spool, a store in memory that fails as told, and a clock turned by hand: what happens while it
 *         stands still happens without waiting. More than 600 lines, because all of it is one loop on one bench.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drain/drain.h"
#include "event/control.h"
#include "event/event_wire.h"
#include "spool/remains.h"
#include "spool/spool_state.h"
#include "support/fake_store.h"
#include "support/image.h"
#include "support/patience.h"
#include "support/spool_bench.h"

static struct spool_bench       bench;
static struct settings          settings;
static struct drain            *drain;
static struct fake_store_state *db;
static struct uuid              writer;
static unsigned                 intervals; /* How often the drain called its owner. Atomic. */
static int64_t                  interval_us;
static unsigned                 notices; /* Of the drain. Atomic. */
static char                     last_notice[256];

static void on_notice(void *context, const struct trail_error *notice)
{
    (void)context;
    snprintf(last_notice, sizeof last_notice, "%s", notice->message);
    __atomic_fetch_add(&notices, 1, __ATOMIC_RELEASE);
}

static unsigned notices_now(void)
{
    return __atomic_load_n(&notices, __ATOMIC_ACQUIRE);
}

static int set_up(void **state)
{
    (void)state;
    static char url[] = "fake:";
    fake_store_reset();
    db = fake_store_lock();
    fake_store_unlock();
    spool_bench_init(&bench);
    spool_bench_open(&bench);
    writer = spool_identity(bench.spool)->writer;
    settings = (struct settings){
        .async = true,
        .buffer_enabled = true,
        .flush_interval_s = 30,
        .buffer_max_size_events = 500,
        .database_url = url,
        .spool_dir = bench.dir.path,
        .max_value_bytes = 16384,
    };
    notices = 0;
    intervals = 0;
    interval_us = 0;
    return 0;
}

static void on_interval(void *context)
{
    __atomic_fetch_add((unsigned *)context, 1, __ATOMIC_RELEASE);
}

static void start(void)
{
    struct drain_options options = {
        .settings = &settings,
        .spool = bench.spool,
        .waker = &bench.drain_waker,
        .url_hash = image_identity('w').destination,
        .clock = &bench.clock.clock,
        .on_notice = on_notice,
        .on_interval = on_interval,
        .interval_context = &intervals,
        .interval_us = interval_us,
    };
    assert_int_equal(drain_start(&drain, &options, NULL), TRAIL_OK);
}

static uint64_t stop(uint32_t timeout_ms, bool *ret_complete)
{
    uint64_t waiting = drain_stop(drain, timeout_ms, ret_complete);
    drain_free(drain);
    drain = NULL;
    return waiting;
}

static int tear_down(void **state)
{
    (void)state;
    bool complete;
    if (drain != NULL)
        stop(0, &complete);
    assert_int_equal(db->open_now, 0); /* No connection was leaked. */
    spool_bench_done(&bench);
    return 0;
}

static uint64_t record(const char *action)
{
    char               bytes[512];
    uint64_t           seq = 0;
    struct spool_entry entry = {
        .payload = { bytes, image_event(action, bytes, sizeof bytes) },
        .wall_us = clock_wall_us(&bench.clock.clock),
    };
    assert_int_equal(spool_append(bench.spool, &entry, &seq, NULL), TRAIL_OK);
    drain_note_appended(drain);
    return seq;
}

static void record_many(const char *action, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        record(action);
}

static bool has_rows(void *context)
{
    waker_wake(&bench.drain_waker);
    return fake_store_rows() >= *(const size_t *)context;
}

static bool rows_become(size_t count)
{
    return patience_until(has_rows, &count) && fake_store_rows() == count;
}

/* The drain has looked at what waits, and knows since when. */
static bool has_looked(void *context)
{
    (void)context;
    waker_wake(&bench.drain_waker);
    return drain_oldest_waiting_us(drain) > 0;
}

static void buffered_events_wait_for_the_interval_and_then_go_together(void **state)
{
    (void)state;
    start();
    record_many("create", 20);
    manual_clock_advance(&bench.clock, 29999999);
    assert_true(patience_until(has_looked, NULL));
    assert_int_equal(fake_store_writes(), 0);
    manual_clock_advance(&bench.clock, 1);
    assert_true(rows_become(20));
    assert_int_equal(fake_store_transactions(), 1);
}

static void enough_waiting_events_do_not_wait_for_the_interval(void **state)
{
    (void)state;
    start();
    record_many("create", 499);
    manual_clock_advance(&bench.clock, 1);
    assert_true(patience_until(has_looked, NULL));
    assert_int_equal(fake_store_writes(), 0);
    record("create");
    assert_true(rows_become(500));
    assert_int_equal(fake_store_transactions(), 1);
}

static void without_a_buffer_events_go_at_once_and_what_gathered_goes_together(void **state)
{
    (void)state;
    settings.buffer_enabled = false;
    start();
    record_many("create", 200);
    assert_true(rows_become(200));
    assert_true(fake_store_transactions() <= 200);
    drain_note_appended(drain);
}

static void callers_that_wait_are_stored_at_once(void **state)
{
    (void)state;
    settings.async = false;
    start();
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(drain_wait_stored(drain, record("create"), 20000), TRAIL_OK);
    assert_int_equal(fake_store_rows(), 10);
}

static void without_async_and_buffer_each_event_has_its_own_transaction(void **state)
{
    (void)state;
    settings.async = false;
    settings.buffer_enabled = false;
    start();
    record_many("create", 25);
    assert_true(rows_become(25));
    assert_int_equal(fake_store_transactions(), 25);
}

static void a_flush_does_not_wait_for_the_interval(void **state)
{
    (void)state;
    start();
    record_many("create", 3);
    assert_int_equal(drain_wait_stored(drain, spool_last_seq(bench.spool), 20000), TRAIL_OK);
    assert_string_equal(fake_store_text(&writer), "1 2 3");
    assert_int_equal(drain_wait_stored(drain, 3, 0), TRAIL_OK);
    record("create");
    assert_int_equal(spool_waiting_events(bench.spool), 1);
}

static bool has_failed_often(void *context)
{
    struct drain_numbers numbers;
    manual_clock_advance(&bench.clock, 5000000); /* Beyond any back-off. */
    waker_wake(&bench.drain_waker);
    drain_read_numbers(drain, &numbers);
    return numbers.store_errors >= *(const uint64_t *)context;
}

static bool has_been_tried(void *context)
{
    (void)context;
    return fault_struck(&db->away_open) > 0;
}

static void an_outage_is_told_once_and_so_is_its_end(void **state)
{
    (void)state;
    uint64_t often = 5;
    fake_store_fail(&db->away_open, 0, FAULT_FOREVER);
    start();
    record_many("create", 4);
    assert_int_equal(drain_wait_stored(drain, 4, 0), TRAIL_PENDING);
    assert_true(patience_until(has_been_tried, NULL));
    assert_int_equal(drain_wait_stored(drain, 4, 50), TRAIL_PENDING);
    unsigned attempts = fault_struck(&db->away_open);
    assert_int_equal(attempts, 1); /* The clock stands still: the back-off is not over. */
    assert_true(patience_until(has_failed_often, &often));
    assert_int_equal(notices_now(), 1);
    assert_string_equal(last_notice, "the fake store is away");

    fake_store_fail(&db->away_open, 0, 0);
    manual_clock_advance(&bench.clock, 5000000);
    assert_true(rows_become(4));
    assert_int_equal(drain_wait_stored(drain, 4, 20000), TRAIL_OK);
    bool complete = false;
    assert_int_equal(stop(20000, &complete), 0);
    assert_true(complete);
    assert_int_equal(notices_now(), 2);
    assert_non_null(strstr(last_notice, "reachable again"));
}

static bool was_called(void *context)
{
    waker_wake(&bench.drain_waker);
    return __atomic_load_n(&intervals, __ATOMIC_ACQUIRE) >= *(const unsigned *)context;
}

static void the_owner_is_called_every_interval_also_while_the_store_is_away(void **state)
{
    (void)state;
    interval_us = 10000000;
    fake_store_fail(&db->away_open, 0, FAULT_FOREVER);
    start();
    record("create");
    assert_int_equal(drain_wait_stored(drain, 1, 50), TRAIL_PENDING);
    assert_int_equal(fault_struck(&db->away_open), 1); /* It went round, and the back-off holds. */
    assert_int_equal(intervals, 0);
    for (unsigned count = 1; count <= 3; count++) {
        manual_clock_advance(&bench.clock, interval_us);
        assert_true(patience_until(was_called, &count));
        assert_int_equal(__atomic_load_n(&intervals, __ATOMIC_ACQUIRE), count);
    }
}

static void a_stop_stores_what_waits(void **state)
{
    (void)state;
    bool complete = false;
    start();
    record_many("create", 30);
    assert_int_equal(stop(20000, &complete), 0);
    assert_true(complete);
    assert_int_equal(fake_store_rows(), 30);
}

static void a_stop_without_a_store_says_how_many_events_are_left(void **state)
{
    (void)state;
    bool complete = true;
    fake_store_fail(&db->away_open, 0, FAULT_FOREVER);
    start();
    record_many("create", 30);
    assert_int_equal(stop(50, &complete), 30);
    assert_false(complete);
    assert_int_equal(fake_store_rows(), 0);
}

static void a_lost_answer_at_the_stop_is_cleared_up_before_it_says_complete(void **state)
{
    (void)state;
    bool complete = false;
    start();
    fake_store_fail(&db->lost_commit, 0, 1);
    record_many("create", 5);
    assert_int_equal(drain_wait_stored(drain, 5, 50), TRAIL_PENDING);
    manual_clock_advance(&bench.clock, 5000000);
    assert_int_equal(stop(20000, &complete), 0);
    assert_true(complete);
    assert_string_equal(fake_store_text(&writer), "1 2 3 4 5");
}

static bool account_is_stored(void *context)
{
    waker_wake(&bench.drain_waker);
    struct fake_store_state *now = fake_store_lock();
    bool stored = now->writer_count > 0 && now->writers[0].accounts[TRAIL_OPERATION_READ].level == *(uint64_t *)context;
    fake_store_unlock();
    return stored;
}

static void refusals_reach_the_store_without_any_event(void **state)
{
    (void)state;
    uint64_t one = 1;
    start();
    accounts_count(spool_accounts(bench.spool), TRAIL_OPERATION_READ, ACCOUNT_LEVEL);
    manual_clock_advance(&bench.clock, 30000000);
    assert_true(patience_until(account_is_stored, &one));
    assert_int_equal(fake_store_rows(), 0);

    uint64_t two = 2; /* And at the stop, whatever the clock says. */
    bool     complete = false;
    accounts_count(spool_accounts(bench.spool), TRAIL_OPERATION_READ, ACCOUNT_LEVEL);
    stop(20000, &complete);
    assert_true(complete);
    assert_true(account_is_stored(&two));
}

static bool is_appended(void *context)
{
    (void)context;
    waker_wake(&bench.drain_waker);
    return spool_last_seq(bench.spool) >= 1;
}

/* The drain may wake between two of them: then the rest is told ten seconds later. */
static bool all_losses_are_told(void *context)
{
    unsigned told = 0;
    (void)context;
    manual_clock_advance(&bench.clock, 30000000);
    waker_wake(&bench.drain_waker);
    size_t rows = fake_store_rows();
    for (size_t i = 0; i < rows; i++) {
        unsigned    count = 0;
        const char *at = strstr(db->rows[i].context, "\"count\":");
        if (at != NULL && sscanf(at, "\"count\":%u", &count) == 1)
            told += count;
    }
    return told == 4;
}

static void what_a_full_spool_could_not_take_becomes_a_record(void **state)
{
    (void)state;
    start();
    for (unsigned i = 0; i < 3; i++)
        drain_note_lost(drain, false, clock_wall_us(&bench.clock.clock));
    drain_note_lost(drain, true, clock_wall_us(&bench.clock.clock));
    assert_true(patience_until(is_appended, NULL));
    assert_true(patience_until(all_losses_are_told, NULL));
    assert_in_range(fake_store_rows(), 1, 2);
    assert_string_equal(db->rows[0].action, "events_lost");
    assert_true(db->rows[0].control);
}

static void *stop_in_time(void *stopping)
{
    bool complete = false;
    __atomic_store_n((bool *)stopping, true, __ATOMIC_RELEASE);
    uint64_t waiting = stop(20000, &complete);
    return (void *)(uintptr_t)(complete && waiting == 0);
}

static bool is_set(void *flag)
{
    return __atomic_load_n((bool *)flag, __ATOMIC_ACQUIRE);
}

static bool is_connected_and_idle(void *context)
{
    (void)context;
    waker_wake(&bench.drain_waker);
    return db->open_now == 1 && !__atomic_load_n(&bench.drain_waker.asleep, __ATOMIC_ACQUIRE);
}

static void fill_with_control_records(struct trail_text context)
{
    struct trail_event event;
    struct buf         payload;
    uint32_t           flags = TRAIL_FLAG_CONTROL;
    uint64_t           seq = 0;

    buf_init(&payload, NULL, 0);
    control_event(&event, "filler", context, clock_wall_us(&bench.clock.clock));
    assert_int_equal(event_encode(&event, 1, &payload, &flags), TRAIL_OK);
    struct spool_entry entry = {
        .payload = buf_text(&payload), .wall_us = event.timestamp_us, .flags = TRAIL_FLAG_CONTROL, .control = true
    };
    while (spool_append(bench.spool, &entry, &seq, NULL) == TRAIL_OK)
        continue;
    buf_done(&payload);
}

/* The spool is full to the end of the reserve when the stop begins; only the last batch makes room. */
static void a_stop_tells_what_was_lost_although_there_is_no_room_at_first(void **state)
{
    (void)state;
    static char big[60000];
    bool        stopping = false;
    pthread_t   stopper;
    void       *complete = NULL;

    start();
    record("create_x"); /* Once it is stored, the dead have been looked for as well. */
    manual_clock_advance(&bench.clock, 30000000);
    assert_true(rows_become(1));
    assert_true(patience_until(is_connected_and_idle, NULL));
    fake_store_fail(&db->away_write, 0, 1);
    memset(big, ' ', sizeof big);
    fill_with_control_records((struct trail_text){ big, sizeof big });
    fill_with_control_records((struct trail_text){ 0 });
    drain_note_lost(drain, true, clock_wall_us(&bench.clock.clock));
    assert_int_equal(pthread_create(&stopper, NULL, stop_in_time, &stopping), 0);
    assert_true(patience_until(is_set, &stopping));
    while (pthread_tryjoin_np(stopper, &complete) != 0) {
        manual_clock_advance(&bench.clock, 10000); /* Through the back-off. */
        waker_wake(&bench.drain_waker);
    }
    assert_true(complete != NULL);
    assert_string_equal(db->rows[fake_store_rows() - 1].action, "events_lost");
}

static void a_full_spool_is_emptied_although_nothing_is_due(void **state)
{
    (void)state;
    static char big[100000];
    start();
    struct spool_entry entry = { .payload = { big, sizeof big }, .wall_us = clock_wall_us(&bench.clock.clock) };
    uint64_t           seq = 0;
    unsigned           accepted = 0;
    /* Far fewer than buffer_max_size_events fit; the clock stands still. */
    for (unsigned refused = 0; accepted < 100 && refused < 20000;) {
        if (spool_append(bench.spool, &entry, &seq, NULL) == TRAIL_OK)
            accepted++;
        else
            refused += !spool_wait_room(bench.spool, 1);
    }
    assert_int_equal(accepted, 100);
}

/* ---- Dead neighbours ---- */

static void leave_dead_spool(char letter, char destination, uint64_t events)
{
    struct home           home;
    struct segment       *segment = NULL;
    struct spool_identity identity = image_identity(letter);
    memset(identity.destination.bytes, destination, sizeof identity.destination.bytes);
    if (destination == 's')
        identity.destination_kind = SPOOL_DESTINATION_STORE;
    assert_int_equal(home_create(&home, bench.dir.path, &identity.writer, NULL), TRAIL_OK);
    assert_int_equal(segment_create(&segment, home.path, 1, IMAGE_SIZE, NULL), TRAIL_OK);
    segment_activate(segment, &identity, 1, IMAGE_WALL_US);
    image_put_events(segment, 1, events, "left");
    segment_free(segment);
    home_release(&home);
}

static void spools_of_the_dead_are_stored_when_they_are_meant_for_this_store(void **state)
{
    (void)state;
    leave_dead_spool('a', 'u', 3); /* By our URL. */
    leave_dead_spool('b', 's', 2); /* By our store's uuid. */
    leave_dead_spool('c', 'x', 4); /* For somebody else. */
    bool complete = false;
    start();
    assert_int_equal(stop(20000, &complete), 0);
    assert_true(complete);
    assert_int_equal(fake_store_count("left"), 5);
    struct uuid a = image_identity('a').writer;
    assert_string_equal(fake_store_text(&a), "1 2 3");
    assert_string_equal(fake_store_text(&writer), "-1 -2"); /* Two records of recovery. */
    assert_int_equal(temp_dir_count(bench.dir.path), 2);    /* Ours and the stranger's. */
}

static void a_take_over_that_is_interrupted_goes_on_where_it_was(void **state)
{
    (void)state;
    leave_dead_spool('a', 'u', 3);
    fake_store_fail(&db->lost_commit, 0, 1);
    bool complete = false;
    start();
    stop(100, &complete); /* The clock stands still: the back-off never ends. */
    assert_true(fault_struck(&db->lost_commit) == 1);
    assert_int_equal(temp_dir_count(bench.dir.path), 2);
    start();
    assert_int_equal(stop(20000, &complete), 0);
    struct uuid a = image_identity('a').writer;
    assert_string_equal(fake_store_text(&a), "1 2 3");
    assert_int_equal(temp_dir_count(bench.dir.path), 1);
}

/* ---- fork() ---- */

static void around_a_fork_there_is_no_connection_and_nobody_is_told_of_an_outage(void **state)
{
    (void)state;
    settings.buffer_enabled = false;
    start();
    record_many("create", 5);
    assert_true(rows_become(5));
    for (unsigned i = 0; i < 20; i++) {
        drain_fork_lock(drain);
        assert_int_equal(fake_store_lock()->open_now, 0);
        fake_store_unlock();
        drain_fork_unlock(drain);
        record("create");
    }
    assert_true(rows_become(25));
    assert_int_equal(notices_now(), 0);
}

/* 0: it let go of the connection and closed none; 2: the drain was in the middle of something. */
static int what_a_child_does_that_nobody_prepared_for(void)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        drain_abandon(drain, false);
        _exit(db->open_now != 1 ? 1 : db->abandoned == 1 ? 0 : 2);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void a_child_that_nobody_prepared_for_does_not_close_what_is_its_parents(void **state)
{
    (void)state;
    settings.buffer_enabled = false;
    start();
    record_many("create", 5);
    assert_true(rows_become(5));
    int did = 2;
    for (unsigned i = 0; i < 1000 && did == 2; i++)
        did = what_a_child_does_that_nobody_prepared_for();
    assert_int_equal(did, 0);
    record("create");
    assert_true(rows_become(6));
    assert_int_equal(db->opened, 1);
    assert_int_equal(notices_now(), 0);
}

int main(void)
{
#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FACT(buffered_events_wait_for_the_interval_and_then_go_together),
        FACT(enough_waiting_events_do_not_wait_for_the_interval),
        FACT(without_a_buffer_events_go_at_once_and_what_gathered_goes_together),
        FACT(callers_that_wait_are_stored_at_once),
        FACT(without_async_and_buffer_each_event_has_its_own_transaction),
        FACT(a_flush_does_not_wait_for_the_interval),
        FACT(an_outage_is_told_once_and_so_is_its_end),
        FACT(the_owner_is_called_every_interval_also_while_the_store_is_away),
        FACT(a_stop_stores_what_waits),
        FACT(a_stop_without_a_store_says_how_many_events_are_left),
        FACT(a_lost_answer_at_the_stop_is_cleared_up_before_it_says_complete),
        FACT(refusals_reach_the_store_without_any_event),
        FACT(what_a_full_spool_could_not_take_becomes_a_record),
        FACT(a_stop_tells_what_was_lost_although_there_is_no_room_at_first),
        FACT(a_full_spool_is_emptied_although_nothing_is_due),
        FACT(spools_of_the_dead_are_stored_when_they_are_meant_for_this_store),
        FACT(a_take_over_that_is_interrupted_goes_on_where_it_was),
        FACT(around_a_fork_there_is_no_connection_and_nobody_is_told_of_an_outage),
        FACT(a_child_that_nobody_prepared_for_does_not_close_what_is_its_parents),
    };
#undef FACT
    return cmocka_run_group_tests(tests, NULL, NULL);
}
