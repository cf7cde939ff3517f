/* test_stream.c -- each event of a writer is stored once, whatever the store says or fails to say.
 *
 * Goal:   no event twice, none missing without a gap, one refused event costs nobody else's place; the counts are true.
 * Method: a store in memory with the real fence that loses its answer, goes away, is restored from a backup, and
 *         refuses events by name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "drain/stream.h"
#include "support/fake_store.h"
#include "support/image.h"
#include "support/manual_clock.h"
#include "support/temp_dir.h"

static struct temp_dir          dir;
static struct manual_clock      manual;
static struct fake_store_state *db; /* Looked at between calls, on one thread. */
static struct stream            stream;
static struct store            *store;
static struct segment          *first;
static struct uuid              writer;
static uint64_t                 events; /* Sums of what the advances reported. */
static uint64_t                 dead_letters;
static uint64_t                 gaps;

static int set_up(void **state)
{
    (void)state;
    struct spool_identity identity = image_identity('w');
    writer = identity.writer;
    events = dead_letters = gaps = 0;
    temp_dir_make(&dir);
    manual_clock_init(&manual);
    fake_store_reset();
    db = fake_store_lock();
    fake_store_unlock();
    assert_int_equal(store_open(&store, "fake:", NULL, NULL), TRAIL_OK);
    first = image_make(dir.path, 1, 1);
    stream_init(&stream, &identity, NULL, &manual.clock, 16384);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    stream_done(&stream);
    store_close(store);
    segment_free(first);
    temp_dir_remove(&dir);
    return 0;
}

static enum trail_err advance(size_t events_max, bool *ret_at_end)
{
    struct stream_progress progress = { 0 };
    enum trail_err         err = stream_advance(&stream, store, first, events_max, &progress, NULL);
    events += progress.events;
    dead_letters += progress.dead_letters;
    gaps += progress.gaps;
    *ret_at_end = progress.at_end;
    return err;
}

/* Advance as the drain does, until nothing waits. Returns how many attempts failed. */
static unsigned advance_to_the_end(size_t events_max)
{
    unsigned failures = 0;
    bool     at_end = false;
    while (!at_end) {
        if (advance(events_max, &at_end) == TRAIL_OK)
            continue;
        at_end = false;
        failures++;
        assert_true(failures < 100);
    }
    return failures;
}

static void events_are_stored_in_order_and_in_batches_of_the_size_asked_for(void **state)
{
    (void)state;
    static const struct {
        size_t   events_max;
        unsigned transactions;
    } cases[] = { { 1, 7 }, { 3, 3 }, { 10000, 1 } };
    image_put_events(first, 1, 7, "create");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tear_down(NULL);
        set_up(NULL);
        image_put_events(first, 1, 7, "create");
        assert_int_equal(advance_to_the_end(cases[i].events_max), 0);
        assert_string_equal(fake_store_text(&writer), "1 2 3 4 5 6 7");
        assert_int_equal(fake_store_transactions(), cases[i].transactions);
        assert_int_equal(events, 7);
        assert_int_equal(stream.stored_seq, 7);
    }
}

static void a_lost_answer_to_commit_stores_nothing_twice(void **state)
{
    (void)state;
    for (unsigned lost = 0; lost < 4; lost++) {
        tear_down(NULL);
        set_up(NULL);
        image_put_events(first, 1, 10, "create");
        fake_store_fail(&db->lost_commit, lost, 1); /* Of the first, second, third, fourth batch. */
        assert_int_equal(advance_to_the_end(3), 2); /* The lost answer and the fence. */
        assert_int_equal(fault_struck(&db->lost_commit), 1);
        assert_string_equal(fake_store_text(&writer), "1 2 3 4 5 6 7 8 9 10");
        assert_int_equal(events, 10); /* What was stored behind our back is counted, and once. */
    }
}

static void events_that_came_between_a_lost_answer_and_the_next_attempt_are_stored(void **state)
{
    (void)state;
    bool at_end;
    image_put_events(first, 1, 4, "create");
    fake_store_fail(&db->lost_commit, 0, 1);
    assert_int_equal(advance(10000, &at_end), TRAIL_EAWAY);
    image_put_events(first, 5, 6, "create");
    assert_int_equal(advance_to_the_end(10000), 1);
    assert_string_equal(fake_store_text(&writer), "1 2 3 4 5 6");
    assert_int_equal(events, 6);
}

static void a_store_that_is_away_costs_nothing_but_time(void **state)
{
    (void)state;
    image_put_events(first, 1, 5, "create");
    fake_store_fail(&db->away_write, 1, 3);
    assert_int_equal(advance_to_the_end(2), 3);
    assert_string_equal(fake_store_text(&writer), "1 2 3 4 5");
    assert_int_equal(events, 5);
}

static void a_restored_backup_gets_again_what_still_exists(void **state)
{
    (void)state;
    image_put_events(first, 1, 6, "create");
    advance_to_the_end(10000);
    fake_store_restore(&writer, 2);
    image_put_events(first, 7, 8, "create");
    advance_to_the_end(10000);
    assert_string_equal(fake_store_text(&writer), "1 2 3 4 5 6 7 8");
    assert_int_equal(events, 8); /* 3 to 6 were stored twice and counted once. */

    fake_store_restore(&writer, 0); /* Not even the writer's row is left. */
    image_put_events(first, 9, 9, "create");
    advance_to_the_end(10000);
    assert_string_equal(fake_store_text(&writer), "1 2 3 4 5 6 7 8 9");
    assert_int_equal(events, 9);
}

static void a_restored_backup_gets_a_gap_for_what_is_gone(void **state)
{
    (void)state;
    struct segment *second = image_make(dir.path, 2, 5);
    image_put_events(first, 1, 4, "create");
    first->next = second;
    first->sealed = true;
    image_put_events(second, 5, 6, "create");
    advance_to_the_end(10000);
    segment_unlink(first);
    segment_free(first);
    first = second;

    fake_store_restore(&writer, 2);
    image_put_events(second, 7, 7, "create");
    advance_to_the_end(10000);
    assert_string_equal(fake_store_text(&writer), "1 2 -3 5 6 7");
    assert_string_equal(db->rows[2].context, "{\"reason\":\"damaged\",\"first_seq\":3,\"last_seq\":4,\"count\":2}");
    assert_int_equal(events, 7);
    assert_int_equal(gaps, 1);
}

static void a_dead_letter_that_is_refused_itself_gets_shorter_and_never_blocks(void **state)
{
    for (unsigned refused = 0; refused <= 4; refused++) {
        tear_down(state);
        set_up(state);
        for (uint64_t seq = 1; seq <= 9; seq++)
            image_put_events(first, seq, seq, seq % 4 == 1 ? "bad" : "good");
        db->poison = "bad";
        db->letters = refused;
        assert_int_equal(advance_to_the_end(10000), 0);
        assert_string_equal(fake_store_text(&writer), refused < 3 ? "1! 2 3 4 5! 6 7 8 9!" : "2 3 4 6 7 8");
        assert_int_equal(events, 9);
        assert_int_equal(dead_letters, 3);
    }
}

static void refused_events_become_dead_letters_and_all_others_are_stored_in_order(void **state)
{
    (void)state;
    static const struct {
        uint64_t poison[4];
        size_t   count;
    } cases[] = { { { 1 }, 1 }, { { 500 }, 1 }, { { 1000 }, 1 }, { { 1, 2, 1000 }, 3 }, { { 333, 334, 777 }, 3 } };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tear_down(NULL);
        set_up(NULL);
        segment_free(first);
        struct spool_identity identity = image_identity('w');
        assert_int_equal(segment_create(&first, temp_dir_at(&dir, "."), 9, 1 << 20, NULL), TRAIL_OK);
        segment_activate(first, &identity, 1, IMAGE_WALL_US);
        size_t next_poison = 0;
        for (uint64_t seq = 1; seq <= 1000; seq++) {
            bool poison = next_poison < cases[i].count && seq == cases[i].poison[next_poison];
            next_poison += poison;
            image_put_events(first, seq, seq, poison ? "bad" : "good");
        }
        db->poison = "bad";
        assert_int_equal(advance_to_the_end(10000), 0);
        assert_int_equal(events, 1000);
        assert_int_equal(dead_letters, cases[i].count);
        assert_int_equal(db->row_count, 1000);
        next_poison = 0;
        for (size_t row = 0; row < 1000; row++) {
            bool poison = next_poison < cases[i].count && row + 1 == cases[i].poison[next_poison];
            next_poison += poison;
            assert_int_equal(db->rows[row].seq, row + 1);
            assert_int_equal(db->rows[row].dead, poison);
        }
        print_message("%u writes for %zu refused of 1000\n", fake_store_writes(), cases[i].count);
        assert_true(fake_store_writes() <= 100 * cases[i].count); /* Halves, not one by one. */
    }
}

static void a_store_that_goes_away_between_the_halves_loses_and_repeats_nothing(void **state)
{
    (void)state;
    for (unsigned skip = 0; skip < 8; skip++) {
        for (unsigned lost = 0; lost < 2; lost++) {
            tear_down(NULL);
            set_up(NULL);
            image_put_events(first, 1, 4, "good");
            image_put_events(first, 5, 5, "bad");
            image_put_events(first, 6, 9, "good");
            db->poison = "bad";
            fake_store_fail(lost ? &db->lost_commit : &db->away_write, skip, 1);
            advance_to_the_end(10000);
            assert_string_equal(fake_store_text(&writer), "1 2 3 4 5! 6 7 8 9");
            assert_int_equal(events, 9);
        }
    }
}

static void a_refused_control_record_is_no_refused_event(void **state)
{
    (void)state;
    char         bytes[512];
    struct frame frame = { .seq = 1, .wall_us = 1, .type = FRAME_EVENT, .flags = TRAIL_FLAG_CONTROL };
    frame.payload = (struct trail_text){ bytes, image_event("bad", bytes, sizeof bytes) };
    frame_write(&first->area, first->tail, &frame, crc32c(0, frame.payload.data, frame.payload.size));
    first->tail += frame_size(frame.payload.size);
    image_put_events(first, 2, 3, "good");
    db->poison = "bad";
    advance_to_the_end(10000);
    assert_string_equal(fake_store_text(&writer), "-1! 2 3");
    assert_int_equal(events, 2);
    assert_int_equal(dead_letters, 0);
}

static void a_gap_is_stored_at_its_first_number_and_advances_past_its_last(void **state)
{
    (void)state;
    image_put_events(first, 1, 2, "create");
    image_put_events(first, 6, 6, "create");
    bool at_end;
    assert_int_equal(advance(3, &at_end), TRAIL_OK); /* The gap ends the batch. */
    assert_int_equal(stream.stored_seq, 5);
    assert_int_equal(advance_to_the_end(3), 0);
    assert_string_equal(fake_store_text(&writer), "1 2 -3 6");
    assert_string_equal(db->rows[2].context, "{\"reason\":\"damaged\",\"first_seq\":3,\"last_seq\":5,\"count\":3}");
    assert_int_equal(events, 3);
    assert_int_equal(gaps, 1);
}

static void a_lost_tail_without_a_segment_is_stored_once(void **state)
{
    (void)state;
    struct stream_progress progress = { 0 };
    stream.tail_lost = true;
    assert_int_equal(stream_advance(&stream, store, NULL, 10000, &progress, NULL), TRAIL_OK);
    assert_false(progress.at_end);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(stream_advance(&stream, store, NULL, 10000, &progress, NULL), TRAIL_OK);
        assert_true(progress.at_end);
    }
    assert_string_equal(fake_store_text(&writer), "-1");
    assert_string_equal(db->rows[0].context, "{\"reason\":\"damaged\",\"after_seq\":0}");
}

static void accounts_go_with_the_events_or_alone_and_only_when_they_changed(void **state)
{
    (void)state;
    struct accounts       accounts;
    struct spool_identity identity = image_identity('w');
    assert_int_equal(accounts_create(&accounts, dir.path, &identity, NULL), TRAIL_OK);
    stream.accounts = &accounts;

    assert_false(stream_accounts_changed(&stream));
    assert_int_equal(stream_write_accounts(&stream, store, NULL), TRAIL_OK);
    assert_int_equal(fake_store_writes(), 0);
    accounts_count(&accounts, TRAIL_OPERATION_READ, ACCOUNT_LEVEL);
    assert_true(stream_accounts_changed(&stream));
    assert_int_equal(stream_write_accounts(&stream, store, NULL), TRAIL_OK);
    assert_int_equal(db->writers[0].accounts[TRAIL_OPERATION_READ].level, 1);
    assert_false(stream_accounts_changed(&stream));
    assert_int_equal(db->writers[0].last_seq, 0);

    accounts_count(&accounts, TRAIL_OPERATION_READ, ACCOUNT_LEVEL);
    image_put_events(first, 1, 1, "create");
    advance_to_the_end(10000);
    assert_int_equal(db->writers[0].accounts[TRAIL_OPERATION_READ].level, 2);
    assert_false(stream_accounts_changed(&stream));
    assert_int_equal(fake_store_writes(), 2);

    /* A store without the writer's row: the next attempt gives it one. */
    accounts_count(&accounts, TRAIL_OPERATION_READ, ACCOUNT_LEVEL);
    fake_store_restore(&writer, 0);
    assert_int_equal(stream_write_accounts(&stream, store, NULL), TRAIL_EFENCE);
    assert_int_equal(stream_write_accounts(&stream, store, NULL), TRAIL_OK);
    assert_int_equal(db->writers[0].accounts[TRAIL_OPERATION_READ].level, 3);
    stream.accounts = NULL;
    accounts_close(&accounts);
}

int main(void)
{
#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FACT(events_are_stored_in_order_and_in_batches_of_the_size_asked_for),
        FACT(a_lost_answer_to_commit_stores_nothing_twice),
        FACT(events_that_came_between_a_lost_answer_and_the_next_attempt_are_stored),
        FACT(a_store_that_is_away_costs_nothing_but_time),
        FACT(a_restored_backup_gets_again_what_still_exists),
        FACT(a_restored_backup_gets_a_gap_for_what_is_gone),
        FACT(a_dead_letter_that_is_refused_itself_gets_shorter_and_never_blocks),
        FACT(refused_events_become_dead_letters_and_all_others_are_stored_in_order),
        FACT(a_store_that_goes_away_between_the_halves_loses_and_repeats_nothing),
        FACT(a_refused_control_record_is_no_refused_event),
        FACT(a_gap_is_stored_at_its_first_number_and_advances_past_its_last),
        FACT(a_lost_tail_without_a_segment_is_stored_once),
        FACT(accounts_go_with_the_events_or_alone_and_only_when_they_changed),
    };
#undef FACT
    return cmocka_run_group_tests(tests, NULL, NULL);
}
