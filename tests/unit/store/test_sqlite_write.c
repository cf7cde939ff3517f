/* test_sqlite_write.c -- batches: exactly once, all or nothing, and every number accounted for.
 *
 * Goal: the fence lets each number in once whoever asks; what is refused leaves nothing behind; the view shows every
 * field and the id that the library computes.
 * Method: a real file; two processes that write at once; a control without the fence that duplicates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/generator.h"
#include "store/fixture.h"
#include "store/sqlite_store.h"

/* ---- The fence ---- */

static void a_batch_is_stored_once(void **state)
{
    (void)state;
    struct fixture      fixture;
    struct event_record events[] = { fixture_event(1), fixture_event(2), fixture_event(3) };
    fixture_open(&fixture);
    assert_int_equal(fixture.last_seq, 0);
    assert_int_equal(fixture_write(&fixture, events, 3), TRAIL_OK);
    assert_int_equal(fixture.last_seq, 3);
    fixture.last_seq = 0;
    assert_int_equal(fixture_write(&fixture, events, 3), TRAIL_EFENCE);
    assert_int_equal(fixture.last_seq, 3);
    assert_int_equal(fixture_write(&fixture, events + 1, 2), TRAIL_EFENCE);
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM audit_events"), 3);
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM audit_batches"), 1);
    assert_int_equal(fixture_number(&fixture, "SELECT total(stored) FROM audit_accounting"), 3);

    fixture_disconnect(&fixture);
    fixture_connect(&fixture); /* Adding the writer again says where it stands. */
    assert_int_equal(fixture.last_seq, 3);
    fixture_close(&fixture);
}

static void numbers_are_not_skipped(void **state)
{
    (void)state;
    struct fixture      fixture;
    struct event_record event = fixture_event(2);
    fixture_open(&fixture);
    assert_int_equal(fixture_write(&fixture, &event, 1), TRAIL_EFENCE);
    assert_int_equal(fixture.last_seq, 0);
    fixture_close(&fixture);
}

/* What a batch would be without its first statement, replayed as raw SQL: the rows are there twice. */
static void control_without_the_fence_rows_are_duplicated(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture);
    for (int i = 0; i < 2; i++)
        fixture_execute(&fixture,
                        "BEGIN IMMEDIATE; UPDATE audit_writers SET last_seq = 1; INSERT INTO audit_events "
                        "VALUES (NULL, 1, 1, 1, 1, 1, 1, NULL, 1, 0, 2, 0, 0, 0, 1.0, NULL, NULL, NULL); COMMIT");
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM audit_events WHERE seq = 1"), 2);
    fixture_close(&fixture);
}

static void a_writer_without_a_row_is_away(void **state)
{
    (void)state;
    struct fixture      fixture;
    struct event_record event = fixture_event(1);
    fixture_open(&fixture);
    fixture_execute(&fixture, "DELETE FROM audit_writers");
    assert_int_equal(fixture_write(&fixture, &event, 1), TRAIL_EAWAY);
    fixture_disconnect(&fixture);
    fixture_connect(&fixture);
    assert_int_equal(fixture_write(&fixture, &event, 1), TRAIL_OK);
    fixture_close(&fixture);
}

/* ---- Gaps, dead letters, ledger ---- */

static void gaps_and_dead_letters_advance_the_writer(void **state)
{
    (void)state;
    struct fixture           fixture;
    struct event_record      events[] = { fixture_event(3), fixture_event(5) };
    struct store_dead_letter letters[] = {
        { .seq = 6,
          .operation = TRAIL_OPERATION_UPDATE,
          .event_json = TRAIL_TEXT("{\"a\":1}"),
          .error = TRAIL_TEXT("no") },
        { .seq = 7, .operation = TRAIL_OPERATION_AUDIT, .control = true, .event_json = TRAIL_TEXT("{}") },
    };
    fixture_open(&fixture);
    const struct store_batch batch = { .writer = &fixture.writer.uuid,
                                       .first_seq = 1,
                                       .last_seq = 9,
                                       .events = events,
                                       .event_count = 2,
                                       .dead_letters = letters,
                                       .dead_letter_count = 2,
                                       .recorded_at_us = 77 };
    assert_int_equal(store_write(fixture.store, &batch, &fixture.last_seq, NULL), TRAIL_OK);
    assert_int_equal(fixture.last_seq, 9);

    char row[512];
    fixture_text(&fixture,
                 "SELECT writer || ' ' || first_seq || ' ' || last_seq || ' ' || event_count || ' ' || "
                 "(max_timestamp - min_timestamp) || ' ' || recorded_at FROM audit_batches",
                 row);
    assert_string_equal(row, "1 1 9 2 2000000 77");
    fixture_text(&fixture, "SELECT group_concat(seq || error || event) FROM audit_dead_letters WHERE seq = 6", row);
    assert_string_equal(row, "6no{\"a\":1}");
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM audit_dead_letters"), 2);
    fixture_text(&fixture,
                 "SELECT group_concat(operation || ':' || stored || ':' || dead_lettered) FROM audit_accounting", row);
    assert_string_equal(row, "0:0:1,1:2:0,3:0:1");
    fixture_close(&fixture);
}

static void a_pure_gap_is_a_batch_too(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture);
    const struct store_batch batch = { .writer = &fixture.writer.uuid, .first_seq = 1, .last_seq = 4 };
    assert_int_equal(store_write(fixture.store, &batch, &fixture.last_seq, NULL), TRAIL_OK);
    assert_int_equal(fixture.last_seq, 4);
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM audit_batches WHERE min_timestamp IS NULL"), 1);
    fixture_close(&fixture);
}

/* ---- Accounting ---- */

static void refusals_are_totals_that_never_fall(void **state)
{
    (void)state;
    struct fixture       fixture;
    struct trail_account accounts[TRAIL_OPERATION_COUNT] = { 0 };
    fixture_open(&fixture);
    const struct store_batch batch = {
        .writer = &fixture.writer.uuid, .first_seq = 1, .last_seq = 0, .accounts = accounts
    };
    accounts[TRAIL_OPERATION_READ] =
        (struct trail_account){ .recorded = 99, .level = 10, .excluded = 2, .sampled = 3, .rejected = 4, .dropped = 5 };
    assert_int_equal(store_write(fixture.store, &batch, &fixture.last_seq, NULL), TRAIL_OK);
    accounts[TRAIL_OPERATION_READ].level = 7;
    accounts[TRAIL_OPERATION_READ].excluded = 20;
    assert_int_equal(store_write(fixture.store, &batch, &fixture.last_seq, NULL), TRAIL_OK);
    char row[512];
    fixture_text(&fixture,
                 "SELECT group_concat(operation || ':' || stored || ':' || level || ':' || excluded || ':' || "
                 "sampled || ':' || rejected || ':' || dropped) FROM audit_accounting",
                 row);
    assert_string_equal(row, "2:0:10:20:3:4:5");
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM audit_batches"), 0);
    assert_int_equal(fixture.last_seq, 0);

    /* With events: both in one transaction, and a control record under 0. */
    struct event_record events[] = { fixture_event(1), fixture_event(2) };
    events[1].event.operation = TRAIL_OPERATION_AUDIT;
    events[1].flags = TRAIL_FLAG_CONTROL;
    const struct store_batch full = { .writer = &fixture.writer.uuid,
                                      .first_seq = 1,
                                      .last_seq = 2,
                                      .events = events,
                                      .event_count = 2,
                                      .accounts = accounts };
    accounts[TRAIL_OPERATION_CREATE].level = 1;
    assert_int_equal(store_write(fixture.store, &full, &fixture.last_seq, NULL), TRAIL_OK);
    fixture_text(&fixture, "SELECT group_concat(operation || ':' || stored || ':' || level) FROM audit_accounting",
                 row);
    assert_string_equal(row, "0:1:0,1:1:1,2:0:10");
    fixture_close(&fixture);
}

/* ---- Refused data ---- */

static void a_poisoned_event_leaves_nothing_behind(void **state)
{
    (void)state;
    struct fixture      fixture;
    struct event_record events[] = { fixture_event(1), fixture_event(2), fixture_event(3) };
    events[1].event.error_message = TRAIL_TEXT("poison");
    fixture_open(&fixture);
    fixture_execute(&fixture, "CREATE TRIGGER poison BEFORE INSERT ON audit_events WHEN new.error_message = 'poison' "
                              "BEGIN SELECT RAISE(ABORT, 'this event is poisoned'); END");
    assert_int_equal(fixture_write(&fixture, events, 3), TRAIL_EDATA);
    assert_non_null(strstr(fixture.error.message, "this event is poisoned"));
    assert_int_equal(fixture.error.offset, 2);
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM audit_events"), 0);
    assert_int_equal(fixture_number(&fixture, "SELECT last_seq FROM audit_writers"), 0);

    assert_int_equal(fixture_write(&fixture, events, 1), TRAIL_OK); /* What a bisecting drain does next. */
    struct store_dead_letter letter = { .seq = 2, .operation = TRAIL_OPERATION_CREATE, .event_json = TRAIL_TEXT("{}") };
    const struct store_batch dead = {
        .writer = &fixture.writer.uuid, .first_seq = 2, .last_seq = 2, .dead_letters = &letter, .dead_letter_count = 1
    };
    assert_int_equal(store_write(fixture.store, &dead, &fixture.last_seq, NULL), TRAIL_OK);
    assert_int_equal(fixture_write(&fixture, events + 2, 1), TRAIL_OK);
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM audit_events"), 2);
    fixture_close(&fixture);
}

/* RAISE(ROLLBACK) ends the transaction under us. */
static void a_trigger_that_rolls_back_leaves_the_connection_usable(void **state)
{
    (void)state;
    struct fixture      fixture;
    struct event_record event = fixture_event(1);
    fixture_open(&fixture);
    fixture_execute(&fixture,
                    "CREATE TRIGGER poison BEFORE INSERT ON audit_batches BEGIN SELECT RAISE(ROLLBACK, 'x'); END");
    assert_int_equal(fixture_write(&fixture, &event, 1), TRAIL_EDATA);
    fixture_execute(&fixture, "DROP TRIGGER poison");
    assert_int_equal(fixture_write(&fixture, &event, 1), TRAIL_OK);
    fixture_close(&fixture);
}

/* ---- The view ---- */

static void the_view_shows_every_field_by_its_name(void **state)
{
    (void)state;
    struct fixture      fixture;
    struct event_record record = fixture_event(7);
    char                sql[256];
    char                shown[512];
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++)
        *event_text_at(&record.event, (enum event_field)i) = trail_str(event_fields[i].name);
    record.seq = 1;
    fixture_open(&fixture);
    assert_int_equal(fixture_write(&fixture, &record, 1), TRAIL_OK);
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++) {
        snprintf(sql, sizeof sql, "SELECT %s FROM audit_trail", event_fields[i].name);
        fixture_text(&fixture, sql, shown);
        assert_string_equal(shown, event_fields[i].name);
    }
    fixture_close(&fixture);
}

static void the_view_spells_out_numbers(void **state)
{
    (void)state;
    struct fixture      fixture;
    struct event_record record = fixture_event(1);
    char                shown[512];
    char                writer[UUID_TEXT_SIZE];
    record.event.timestamp_us = FIXTURE_TIME_US + 42;
    record.event.operation = TRAIL_OPERATION_DELETE;
    record.event.outcome = TRAIL_OUTCOME_DENIED;
    record.event.data_classification = TRAIL_CLASSIFICATION_RESTRICTED;
    record.event.requires_review = TRAIL_REVIEW_YES;
    record.weight = 4;
    record.flags = TRAIL_FLAG_REDACTED;
    fixture_open(&fixture);
    assert_int_equal(fixture_write(&fixture, &record, 1), TRAIL_OK);
    fixture_text(&fixture,
                 "SELECT timestamp || ' ' || timestamp_us || ' ' || operation || ' ' || outcome || ' ' || success "
                 "|| ' ' || level || ' ' || flags || ' ' || data_classification || ' ' || requires_review || ' ' "
                 "|| weight || ' ' || seq || ' ' || service FROM audit_trail",
                 shown);
    assert_string_equal(shown,
                        "2026-01-01T00:00:00.000042Z 1767225600000042 delete denied 0 deletes_only 16 restricted 1 "
                        "4.0 1 test");
    fixture_text(&fixture, "SELECT writer FROM audit_trail", shown);
    uuid_format(&fixture.writer.uuid, writer);
    assert_string_equal(shown, writer);
    fixture_close(&fixture);
}

static void the_view_computes_the_same_id(void **state)
{
    (void)state;
    static const struct {
        int64_t  timestamp_us;
        uint64_t seq;
    } cases[] = { { 0, 1 },
                  { FIXTURE_TIME_US + 999, 2 },
                  { INT64_C(4133980799999999), (UINT64_C(1) << 42) - 1 },
                  { FIXTURE_TIME_US, (UINT64_C(1) << 42) + 5 } };
    struct fixture fixture;
    uint64_t       next = 1;
    fixture_open(&fixture);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        /* Another writer each time, so that many hashes are seen. */
        assert_int_equal(uuid_random(&fixture.writer.uuid), TRAIL_OK);
        assert_int_equal(store_writer_add(fixture.store, &fixture.writer, &fixture.last_seq, NULL), TRAIL_OK);
        struct event_record      record = fixture_event(cases[i].seq);
        const struct store_batch batch = { .writer = &fixture.writer.uuid,
                                           .first_seq = 1,
                                           .last_seq = cases[i].seq,
                                           .events = &record,
                                           .event_count = 1 };
        record.event.timestamp_us = cases[i].timestamp_us;
        assert_int_equal(store_write(fixture.store, &batch, &next, NULL), TRAIL_OK);

        struct trail_id expected;
        char            shown[512];
        event_id_format(cases[i].timestamp_us, uuid_hash32(&fixture.writer.uuid), cases[i].seq, &expected);
        char sql[256];
        snprintf(sql, sizeof sql, "SELECT id FROM audit_trail WHERE id = '%s'", expected.text);
        fixture_text(&fixture, sql, shown);
        assert_string_equal(shown, expected.text);
    }
    fixture_close(&fixture);
}

/* ---- Many events, many processes ---- */

#define PROCESS_EVENTS 3000
#define PROCESS_BATCH 250

/* Write events 1..PROCESS_EVENTS of the generator as a writer of its own, each batch twice: the second is fenced. */
static int write_generated(struct fixture fixture, uint64_t offset)
{
    static struct generated_event   generated[PROCESS_BATCH];
    static struct event_record      records[PROCESS_BATCH];
    const struct store_open_options options = { .wait_ms = 60000 };
    if (uuid_random(&fixture.writer.uuid) != TRAIL_OK ||
        store_open_with(&fixture.store, fixture.url, &options, NULL) != TRAIL_OK ||
        store_writer_add(fixture.store, &fixture.writer, &fixture.last_seq, NULL) != TRAIL_OK)
        return 1;
    for (uint64_t first = 0; first < PROCESS_EVENTS; first += PROCESS_BATCH) {
        for (uint64_t i = 0; i < PROCESS_BATCH; i++) {
            generator_event(offset + first + i, &generated[i]);
            records[i] = generated[i].record;
            records[i].seq = first + i + 1;
        }
        if (fixture_write(&fixture, records, PROCESS_BATCH) != TRAIL_OK)
            return 2;
        if (fixture_write(&fixture, records, PROCESS_BATCH) != TRAIL_EFENCE)
            return 3;
    }
    store_close(fixture.store);
    return 0;
}

static void two_processes_share_references_and_lose_nothing(void **state)
{
    (void)state;
    struct fixture fixture;
    pid_t          children[2];
    fixture_folder(&fixture);
    for (size_t i = 0; i < 2; i++) {
        children[i] = fork();
        if (children[i] == 0)
            _exit(write_generated(fixture, 0)); /* The same events: every reference is fought for. */
    }
    for (size_t i = 0; i < 2; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM audit_events"), 2 * PROCESS_EVENTS);
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM (SELECT DISTINCT writer, seq FROM audit_events)"),
                     2 * PROCESS_EVENTS);
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM audit_trail"), 2 * PROCESS_EVENTS);
    assert_int_equal(fixture_number(&fixture,
                                    "SELECT count(*) FROM audit_trail a JOIN audit_trail b ON a.seq = b.seq AND "
                                    "a.writer < b.writer WHERE a.user_id = b.user_id AND a.resource_id = "
                                    "b.resource_id AND a.correlation_id = b.correlation_id"),
                     PROCESS_EVENTS);
    assert_int_equal(fixture_number(&fixture, "SELECT total(stored) FROM audit_accounting"), 2 * PROCESS_EVENTS);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_processes_share_references_and_lose_nothing), /* First: it forks. */
        cmocka_unit_test(a_batch_is_stored_once),
        cmocka_unit_test(numbers_are_not_skipped),
        cmocka_unit_test(control_without_the_fence_rows_are_duplicated),
        cmocka_unit_test(a_writer_without_a_row_is_away),
        cmocka_unit_test(gaps_and_dead_letters_advance_the_writer),
        cmocka_unit_test(a_pure_gap_is_a_batch_too),
        cmocka_unit_test(refusals_are_totals_that_never_fall),
        cmocka_unit_test(a_poisoned_event_leaves_nothing_behind),
        cmocka_unit_test(a_trigger_that_rolls_back_leaves_the_connection_usable),
        cmocka_unit_test(the_view_shows_every_field_by_its_name),
        cmocka_unit_test(the_view_spells_out_numbers),
        cmocka_unit_test(the_view_computes_the_same_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
