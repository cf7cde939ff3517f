/* test_stats_json.c -- the JSON of stats is whole, adds up, and says null where there is nothing.
 *
 * Goal:   every name is there, with the survey's own number; times are RFC 3339; what there is not is null.
 * Method: the survey of stats_fixture.c, read back with jansson, which refuses names that are there twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/stats_json.h"
#include "unit/cli/stats_fixture.h"

static struct stats_fixture fixture;
static json_t              *root;

static int make(void **state)
{
    (void)state;
    stats_fixture_make(&fixture);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    json_decref(root);
    root = NULL;
    return 0;
}

static void write_it(void)
{
    struct buf        text;
    json_error_t      error;
    struct stats_view view = stats_fixture_view(&fixture);

    buf_init(&text, NULL, 0);
    stats_json_write(&view, &text);
    assert_false(buf_failed(&text));
    assert_int_equal(text.data[text.size - 1], '\n');
    root = json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES, &error);
    buf_done(&text);
    assert_non_null(root);
}

/* "store.bytes", "writers.2.pid" */
static const json_t *at(const char *path)
{
    const json_t *value = root;
    char          name[64];

    while (*path != '\0') {
        size_t size = strcspn(path, ".");
        snprintf(name, sizeof name, "%.*s", (int)size, path);
        value = json_is_array(value) ? json_array_get(value, (size_t)(name[0] - '0')) : json_object_get(value, name);
        path += size + (path[size] == '.' ? 1 : 0);
    }
    assert_non_null(value);
    return value;
}

static void assert_numbers(void)
{
    static const struct {
        const char *path;
        json_int_t  value;
    } expected[] = {
        { "store.events", 11501 },
        { "store.bytes", 12582912 },
        { "store.bytes_per_event", 1094 },
        { "spool.bytes", 41943040 },
        { "spool.waiting_bytes", 21504 },
        { "spool.max_bytes_per_writer", 1073741824 },
        { "spool.oldest_waiting_us", 40000000 },
        { "spool.damaged_segments", 0 },
        { "flow.last_24_hours.rows", 1501 },
        { "flow.last_24_hours.transactions", 12 },
        { "flow.last_7_days.rows", 10501 },
        { "flow.last_7_days.transactions", 40 },
        { "flow.rows_per_day", 1500 },
        { "flow.bytes_per_day", 1500 * 1094 },
        { "last_flush.rows", 500 },
        { "last_cleanup.events_deleted", 15000 },
        { "last_cleanup.batches", 2 },
        { "last_cleanup.duration_us", 1200000 },
        { "retention.days", 90 },
        { "dead_letters.count", 0 },
        { "policy.left_out.level", 4 },
        { "policy.left_out.excluded", 5 },
        { "policy.left_out.sampled", 6 },
        { "writers_alive", 1 },
        { "writers_gone", 1 },
        { "writers_orphaned", 1 },
        { "writers_foreign", 2 },
        { "foreign_orphaned", 0 },
        { "foreign_waiting", 7 },
        { "total.offered", 31501 + 22 + 94 + 6 + 6 },
        { "total.recorded", 31501 + 22 },
        { "operations.create.stored", 31500 },
        { "operations.update.waiting", 2 },
        { "operations.control.stored", 1 },
        { "departed.create.stored", 30000 },
        { "departed.create.excluded", 1 },
        { "writers.0.pid", 1 },
        { "writers.0.last_seq", 1001 },
        { "writers.0.ledger_seq", 1001 },
        { "writers.0.waiting", 20 },
        { "writers.0.waiting_bytes", 20480 },
        { "writers.0.spool_bytes", 16777216 },
        { "writers.0.oldest_waiting_us", 12000000 },
        { "writers.0.missing", 0 },
        { "writers.0.operations.create.sampled", 6 },
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_true(json_is_integer(at(expected[i].path)));
        assert_int_equal(json_integer_value(at(expected[i].path)), expected[i].value);
    }
}

static void assert_texts(void)
{
    static const struct {
        const char *path;
        const char *value; /* NULL: null. */
    } expected[] = {
        { "taken", "2026-11-24T05:20:00.123456Z" },
        { "store.url", "sqlite:/a.db" },
        { "store.error", NULL },
        { "spool.dir", "/spool" },
        { "spool.damaged_dir", NULL },
        { "flow.ledger_since", "2026-09-25T05:20:00.123456Z" },
        { "last_flush.recorded", "2026-11-24T05:19:35.123456Z" },
        { "last_cleanup.started", "2026-11-24T05:10:00.123456Z" },
        { "last_cleanup.finished", "2026-11-24T05:10:01.123456Z" },
        { "last_cleanup.cut_off", "2026-08-26T05:10:00.123456Z" },
        { "last_cleanup.refused", NULL },
        { "dead_letters.newest", NULL },
        { "dead_letters.error", NULL },
        { "policy.here", "level writes_only; not recorded: read, access" },
        { "policy.left_out.by", "the living" },
        { "writers.0.service", "gate\"way" },
        { "writers.0.host", "node-1" },
        { "writers.0.uuid", "01010101-0101-0101-0101-010101010101" },
        { "writers.0.started", "2026-11-24T04:20:00.123456Z" },
        { "writers.0.destination", NULL },
        { "writers.3.destination.url_hash", "abababab-abab-abab-abab-abababababab" },
        { "writers.4.destination.store", "cdcdcdcd-cdcd-cdcd-cdcd-cdcdcdcdcdcd" },
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        if (expected[i].value == NULL)
            assert_true(json_is_null(at(expected[i].path)));
        else
            assert_string_equal(json_string_value(at(expected[i].path)), expected[i].value);
    }
}

static void everything_is_there(void **state)
{
    (void)state;
    write_it();
    assert_numbers();
    assert_texts();
    assert_true(json_is_true(at("steady")));
    assert_true(json_is_true(at("store.reachable")));
    assert_true(json_is_true(at("retention.enabled")));
    assert_int_equal(json_array_size(at("warnings")), 0);
    assert_int_equal(json_array_size(at("writers")), 5);
    assert_int_equal(json_object_size(at("operations")), TRAIL_OPERATION_COUNT);
}

static void each_writer_says_what_it_is(void **state)
{
    (void)state;
    static const char *const names[] = { "in_store", "in_spool", "alive", "orphaned", "foreign" };
    static const char *const writers[] = { "yyy--", "y----", "-y-y-", "-y--y", "-yy-y" };
    write_it();
    for (size_t writer = 0; writer < 5; writer++) {
        for (size_t i = 0; i < 5; i++) {
            char path[64];
            snprintf(path, sizeof path, "writers.%zu.%s", writer, names[i]);
            assert_true(json_is_boolean(at(path)));
            assert_int_equal(json_is_true(at(path)), writers[writer][i] == 'y');
        }
    }
}

static void what_there_is_not_is_null(void **state)
{
    (void)state;
    static const char *const paths[] = { "last_flush",         "last_cleanup",      "flow.rows_per_day",
                                         "flow.bytes_per_day", "flow.ledger_since", "store.bytes_per_event" };
    fixture.survey.store = (struct survey_store){ .flush_us = 0 };
    fixture.survey.events_stored = 10;
    fixture.survey.writer_count = 0;
    fixture.survey.steady = false;
    write_it();
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        assert_true(json_is_null(at(paths[i])));
    assert_string_equal(json_string_value(at("policy.left_out.by")), "nobody");
    assert_int_equal(json_array_size(at("writers")), 0);
    assert_true(json_is_false(at("steady")));
}

static void trouble_has_names_and_texts(void **state)
{
    (void)state;
    struct survey *survey = &fixture.survey;
    survey->store_reachable = false;
    snprintf(survey->store_error, sizeof survey->store_error, "it is \"away\"");
    survey->damaged_segments = 2;
    snprintf(survey->damaged_path, sizeof survey->damaged_path, "/spool/x");
    survey->store.dead_letters = 1;
    survey->store.dead_letter_us = FIXTURE_NOW_US;
    snprintf(survey->store.dead_letter_error, sizeof survey->store.dead_letter_error, "too\nbig");
    snprintf(survey->store.cleanup.refused, sizeof survey->store.cleanup.refused, "why");
    survey->store.cleanup.finished_us = 0;
    fixture.settings.cleanup_enabled = false;
    write_it();
    assert_int_equal(json_array_size(at("warnings")), 4);
    assert_string_equal(json_string_value(at("warnings.0.name")), "store_unreachable");
    assert_non_null(strstr(json_string_value(at("warnings.0.message")), "it is \"away\""));
    assert_true(json_string_length(at("warnings.0.help")) > 0);
    assert_string_equal(json_string_value(at("store.error")), "it is \"away\"");
    assert_string_equal(json_string_value(at("spool.damaged_dir")), "/spool/x");
    assert_string_equal(json_string_value(at("dead_letters.error")), "too\nbig");
    assert_string_equal(json_string_value(at("dead_letters.newest")), "2026-11-24T05:20:00.123456Z");
    assert_string_equal(json_string_value(at("last_cleanup.refused")), "why");
    assert_true(json_is_null(at("last_cleanup.finished")));
    assert_true(json_is_false(at("retention.enabled")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(everything_is_there, make, stop),
        cmocka_unit_test_setup_teardown(each_writer_says_what_it_is, make, stop),
        cmocka_unit_test_setup_teardown(what_there_is_not_is_null, make, stop),
        cmocka_unit_test_setup_teardown(trouble_has_names_and_texts, make, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
