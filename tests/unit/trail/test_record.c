/* test_record.c -- every event that is offered gets one code and one counter.
 *
 * Goal:   offered = recorded + level + excluded + rejected + dropped, whatever becomes of an event; TRAIL_OK means stored once.
 * Method: a real trail; the caller's own tally is held against trail_stats() and the database. Disk and spool fail when told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "support/fault.h"
#include "support/trail_bench.h"

static struct trail_bench bench;
static struct fault       fallocate_fault;

int __real_posix_fallocate(int fd, off_t offset, off_t size);
int __wrap_posix_fallocate(int fd, off_t offset, off_t size);

int __wrap_posix_fallocate(int fd, off_t offset, off_t size)
{
    return fault_strikes(&fallocate_fault) ? fallocate_fault.error : __real_posix_fallocate(fd, offset, size);
}

static int set_up(void **state)
{
    (void)state;
    fault_arm(&fallocate_fault, 0, 0, 0);
    trail_bench_init(&bench);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    trail_bench_done(&bench);
    return 0;
}

static struct trail_account sum(void)
{
    struct trail_stats   stats = { .struct_size = sizeof stats };
    struct trail_account all = { 0 };
    trail_stats(bench.trail, &stats);
    for (unsigned i = 1; i < TRAIL_OPERATION_COUNT; i++) { /* 0: control records. */
        all.recorded += stats.operations[i].recorded;
        all.level += stats.operations[i].level;
        all.excluded += stats.operations[i].excluded;
        all.rejected += stats.operations[i].rejected;
        all.dropped += stats.operations[i].dropped;
    }
    return all;
}

static void each_verdict_has_its_code_and_its_counter(void **state)
{
    (void)state;
    static char              too_big[TRAIL_EVENT_BYTES_MAX];
    static const char *const settings[] = { "AUDIT_TRAIL_LEVEL=writes_only", "AUDIT_TRAIL_EXCLUDE_ACTIONS=create_noise",
                                            NULL };
    const struct trail_event good = { TRAIL_EVENT_INIT, .action = TRAIL_TEXT("create_tool"),
                                      .resource_type = TRAIL_TEXT("tool"), .user_id = TRAIL_TEXT("alice") };
    struct trail_event       read = good;
    struct trail_event       noise = good;
    struct trail_event       nobody = good;
    struct trail_event       absurd = good;
    struct trail_event       big = good;
    read.action = TRAIL_TEXT("get_tool");
    noise.action = TRAIL_TEXT("create_noise");
    nobody.user_id = (struct trail_text){ 0 };
    absurd.operation = (enum trail_operation)99;
    memset(too_big, 'x', sizeof too_big);
    big.context = (struct trail_text){ too_big, sizeof too_big };
    const struct {
        const struct trail_event *event;
        enum trail_err            expected;
    } cases[] = { { &good, TRAIL_OK },       { &read, TRAIL_REFUSED },  { &noise, TRAIL_REFUSED },
                  { &nobody, TRAIL_EINVAL }, { &absurd, TRAIL_EINVAL }, { &big, TRAIL_ETOOBIG } };

    trail_bench_open(&bench, settings);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(trail_record(bench.trail, cases[i].event, NULL, NULL), cases[i].expected);
    assert_int_equal(trail_record_json(bench.trail, TRAIL_TEXT("no event"), NULL, NULL), TRAIL_EINVAL);
    assert_int_equal(trail_record(bench.trail, NULL, NULL, NULL), TRAIL_EINVAL);
    assert_int_equal(trail_record(NULL, &good, NULL, NULL), TRAIL_EINVAL);

    struct trail_account all = sum();
    assert_int_equal(all.recorded, 1);
    assert_int_equal(all.level, 1);
    assert_int_equal(all.excluded, 1);
    assert_int_equal(all.rejected, 4);
}

static void a_spool_that_cannot_be_opened_rejects_and_is_tried_again(void **state)
{
    (void)state;
    trail_bench_open(&bench, NULL);
    fault_arm(&fallocate_fault, 0, 1, ENOSPC);
    assert_int_equal(trail_bench_record(&bench, "create"), TRAIL_EFULL);
    assert_int_equal(fault_struck(&fallocate_fault), 1);
    assert_int_equal(trail_bench_record(&bench, "create"), TRAIL_EFULL); /* Not tried again at once. */
    assert_int_equal(bench.notices, 1);
    assert_int_equal(sum().rejected, 2);
    unsigned rejected = 2;
    while (trail_bench_record(&bench, "create") != TRAIL_OK)
        rejected++;
    assert_int_equal(sum().rejected, rejected);
    assert_int_equal(sum().recorded, 1);
}

/* Offer large events until `accepted` were taken; the sums must agree whatever happened in between. */
static void offer_until_accepted(const char *overflow, enum trail_err refusal)
{
    static char        filler[15000];
    const char *const  settings[] = { "AUDIT_TRAIL_SPOOL_MAX_BYTES=4MiB", overflow, NULL };
    struct trail_event event = { TRAIL_EVENT_INIT, .action = TRAIL_TEXT("create"), .resource_type = TRAIL_TEXT("tool"),
                                 .user_id = TRAIL_TEXT("alice") };
    uint64_t           accepted = 0;
    uint64_t           refused = 0;

    memset(filler, 'x', sizeof filler);
    memcpy(filler, "{\"a\":\"", 6);
    memcpy(filler + sizeof filler - 2, "\"}", 2);
    event.context = (struct trail_text){ filler, sizeof filler };
    trail_bench_open(&bench, settings);
    while (accepted < 1000) { /* Four times what the spool holds; 500 never wait, and 30 s are not over. */
        enum trail_err err = trail_record(bench.trail, &event, NULL, NULL);
        assert_true(err == TRAIL_OK || err == refusal);
        accepted += err == TRAIL_OK;
        refused += err == refusal;
    }
    struct trail_account all = sum();
    print_message("%s: %u refused\n", overflow, (unsigned)refused);
    assert_int_equal(all.recorded, accepted);
    assert_int_equal(all.rejected + all.dropped, refused);
    assert_int_equal(all.dropped, refusal == TRAIL_DROPPED ? refused : 0);
    uint64_t waiting = 0;
    assert_int_equal(trail_close(bench.trail, &waiting), TRAIL_OK);
    bench.trail = NULL;
    assert_int_equal(trail_bench_count(&bench, "create"), accepted);
}

static void the_smallest_spool_goes_on_when_it_was_full_and_counts_what_it_refused(void **state)
{
    (void)state;
    offer_until_accepted("AUDIT_TRAIL_OVERFLOW=fail", TRAIL_EFULL);
}

static void the_smallest_spool_drops_when_told_to_and_counts_it(void **state)
{
    (void)state;
    offer_until_accepted("AUDIT_TRAIL_OVERFLOW=drop", TRAIL_DROPPED);
}

static void the_smallest_spool_waits_for_room_when_told_to(void **state)
{
    (void)state;
    offer_until_accepted("AUDIT_TRAIL_OVERFLOW=block", TRAIL_EFULL);
}

static void synchronous_events_are_stored_when_the_call_returns(void **state)
{
    (void)state;
    static const char *const both[][3] = { { "AUDIT_TRAIL_ASYNC=false", "AUDIT_TRAIL_BUFFER_ENABLED=true", NULL },
                                           { "AUDIT_TRAIL_ASYNC=false", "AUDIT_TRAIL_BUFFER_ENABLED=false", NULL } };
    for (size_t i = 0; i < 2; i++) {
        trail_bench_open(&bench, both[i]);
        for (unsigned n = 1; n <= 5; n++) {
            assert_int_equal(trail_bench_record(&bench, "create"), TRAIL_OK);
            assert_int_equal(trail_bench_count(&bench, "create"), i * 5 + n);
        }
        assert_int_equal(trail_close(bench.trail, NULL), TRAIL_OK);
        bench.trail = NULL;
    }
}

static void with_machine_an_event_is_accepted_when_the_disk_has_it(void **state)
{
    (void)state;
    static const char *const settings[] = { "AUDIT_TRAIL_DURABILITY=machine", NULL };
    trail_bench_open(&bench, settings);
    enum trail_err err = trail_bench_record(&bench, "create");
    if (err == TRAIL_EUNSUPPORTED)
        skip(); /* The folder is on a file system that cannot keep the promise. */
    assert_int_equal(err, TRAIL_OK);
}

static void the_id_that_is_told_is_the_id_that_is_stored(void **state)
{
    (void)state;
    struct trail_id    id = { "" };
    struct trail_event event = { TRAIL_EVENT_INIT, .action = TRAIL_TEXT("create"), .resource_type = TRAIL_TEXT("tool"),
                                 .user_id = TRAIL_TEXT("alice") };
    trail_bench_open(&bench, NULL);
    assert_int_equal(trail_record(bench.trail, &event, &id, NULL), TRAIL_OK);
    assert_int_equal(strlen(id.text), 36);
    assert_int_equal(id.text[14], '7');
}

/* ---- Everybody at once ---- */

static void *record_many(void *argument)
{
    (void)argument;
    uintptr_t ok = 0;
    for (unsigned i = 0; i < 2000; i++)
        ok += trail_bench_record(&bench, i % 4 == 0 ? "get" : "create") == TRAIL_OK;
    return (void *)ok;
}

static void threads_that_record_at_once_agree_with_the_database(void **state)
{
    (void)state;
    pthread_t threads[4];
    uint64_t  ok = 0;
    trail_bench_open(&bench, NULL);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, record_many, NULL), 0);
    for (unsigned i = 0; i < 4; i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        ok += (uintptr_t)result;
    }
    assert_int_equal(ok, 8000);
    assert_int_equal(sum().recorded, ok);
    assert_int_equal(trail_flush(bench.trail, 20000), TRAIL_OK);
    assert_int_equal(trail_bench_count(&bench, "create") + trail_bench_count(&bench, "get"), ok);
}

int main(void)
{
#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FACT(each_verdict_has_its_code_and_its_counter),
        FACT(a_spool_that_cannot_be_opened_rejects_and_is_tried_again),
        FACT(the_smallest_spool_goes_on_when_it_was_full_and_counts_what_it_refused),
        FACT(the_smallest_spool_drops_when_told_to_and_counts_it),
        FACT(the_smallest_spool_waits_for_room_when_told_to),
        FACT(synchronous_events_are_stored_when_the_call_returns),
        FACT(with_machine_an_event_is_accepted_when_the_disk_has_it),
        FACT(the_id_that_is_told_is_the_id_that_is_stored),
        FACT(threads_that_record_at_once_agree_with_the_database),
    };
#undef FACT
    return cmocka_run_group_tests(tests, NULL, NULL);
}
