/* test_cleanup_report.c -- what a clean-up did or would do, as a few lines and as JSON.
 *
 * Goal:   every number stands where it belongs; times and reasons only where there are any; the JSON is JSON.
 * Method: reports made by hand; the JSON is read back with jansson.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cleanup_report.h"

#define WHEN INT64_C(1795500000000000)

static char text[4096];

static FILE *begin(void)
{
    memset(text, 0, sizeof text);
    FILE *out = fmemopen(text, sizeof text - 1, "w");
    assert_non_null(out);
    return out;
}

static void done(const struct retention_report *report, bool json)
{
    FILE *out = begin();
    cleanup_report_done(report, json, out);
    fclose(out);
}

static void forecast(const struct cleanup_forecast *found, bool json)
{
    FILE *out = begin();
    cleanup_report_forecast(found, WHEN, 90, json, out);
    fclose(out);
}

static int64_t member(const char *name)
{
    json_t *root = json_loads(text, 0, NULL);
    assert_non_null(root);
    int64_t value = json_integer_value(json_object_get(root, name));
    json_decref(root);
    return value;
}

static const struct retention_report report = {
    .work = { .events = 50000, .batches = 5, .references = 1, .ledger_rows = 20, .writers = 3, .dead_letters = 4 },
    .cut_off_us = WHEN,
    .days = 90,
    .duration_us = 2500000,
};

static void people_read_what_was_deleted(void **state)
{
    (void)state;
    done(&report, false);
    assert_string_equal(text,
                        "deleted   50,000 events before 2026-11-24T06:00:00.000000Z (90 days), in 5 transactions\n"
                        "also      1 reference, 20 ledger rows, 3 writers, 4 dead letters\n"
                        "took      2.5 s\n");
    struct retention_report special = report;
    special.cannot_shrink = true;
    special.superseded = true;
    special.work.partitions = 2;
    done(&special, false);
    assert_non_null(strstr(text, "days      2 partitions as a whole\n"));
    assert_non_null(strstr(text, "note      the file keeps its size"));
    assert_non_null(strstr(text, "note      another process has taken over"));
}

static void programs_read_the_same_numbers(void **state)
{
    (void)state;
    done(&report, true);
    assert_int_equal(member("deleted"), 50000);
    assert_int_equal(member("batches"), 5);
    assert_int_equal(member("ledger_rows"), 20);
    assert_int_equal(member("duration_ms"), 2500);
}

static void a_forecast_says_from_when_to_when(void **state)
{
    (void)state;
    struct cleanup_forecast found = { .work = { .events = 7, .references = 2 }, .oldest_us = 1, .newest_us = WHEN - 1 };
    forecast(&found, false);
    assert_string_equal(text, "would go  7 events before 2026-11-24T06:00:00.000000Z (90 days)\n"
                              "from      1970-01-01T00:00:00.000001Z to 2026-11-24T05:59:59.999999Z\n"
                              "also      2 references, 0 ledger rows, 0 writers, 0 dead letters\n");
    forecast(&found, true);
    assert_int_equal(member("events"), 7);
    assert_int_equal(member("partitions"), 0);
    assert_non_null(strstr(text, "\"oldest\":\"1970-01-01T00:00:00.000001Z\""));
    assert_null(strstr(text, "refused"));
}

static void with_nothing_to_go_there_is_no_time_and_a_refusal_is_shown(void **state)
{
    (void)state;
    struct cleanup_forecast found = { .refused = "the \"clock\"" };
    forecast(&found, false);
    assert_null(strstr(text, "from "));
    assert_non_null(strstr(text, "refused   the \"clock\" (see --accept-clock)\n"));
    forecast(&found, true);
    assert_int_equal(member("events"), 0);
    assert_null(strstr(text, "oldest"));
    assert_non_null(strstr(text, "\"refused\":\"the \\\"clock\\\"\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(people_read_what_was_deleted),
        cmocka_unit_test(programs_read_the_same_numbers),
        cmocka_unit_test(a_forecast_says_from_when_to_when),
        cmocka_unit_test(with_nothing_to_go_there_is_no_time_and_a_refusal_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
