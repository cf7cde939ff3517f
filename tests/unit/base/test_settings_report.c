/* test_settings_report.c -- the sentences an operator gets about a wrong configuration.
 *
 * Goal:   a sentence names setting, value, place and what is allowed, shows no secret and fits its room.
 * Method: reports with known content; a table of misspelt names and what was meant.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/settings_report.h"
#include "base/text.h"

static void a_wrong_value_is_told_with_its_place_and_what_is_allowed(void **state)
{
    (void)state;
    struct settings_report report = { 0 };

    report_invalid(&report, setting_info(SETTING_LEVEL), trail_str("write_only"), "environment",
                   trail_str("allowed are all"));
    assert_int_equal(report.problem_count, 1);
    assert_int_equal(report.error_count, 1);
    assert_false(report.problems[0].warning);
    assert_string_equal(report.problems[0].name, "AUDIT_TRAIL_LEVEL");
    assert_string_equal(report.problems[0].value, "write_only");
    assert_string_equal(report.problems[0].message,
                        "AUDIT_TRAIL_LEVEL=write_only (environment) is not valid: allowed are all");
    settings_report_done(&report);
    settings_report_done(NULL);
}

static void a_secret_is_masked_and_an_escape_sequence_is_harmless(void **state)
{
    (void)state;
    struct settings_report report = { 0 };

    report_invalid(&report, setting_info(SETTING_DATABASE_URL), trail_str("mysql://u:geheim@h"), "option",
                   trail_str("no"));
    report_invalid(&report, setting_info(SETTING_SERVICE), trail_str("a\x1B[2J\nb"), "option", trail_str("no"));
    assert_null(strstr(report.problems[0].message, "geheim"));
    assert_null(strstr(report.problems[0].value, "geheim"));
    assert_string_equal(report.problems[1].value, "a?[2J?b");
    settings_report_done(&report);
}

static void a_sentence_quotes_others_without_their_controls_and_is_cut_between_characters(void **state)
{
    (void)state;
    char                   quoted[641];
    struct settings_report report = { 0 };
    for (size_t i = 0; i < 640; i += 2)
        memcpy(quoted + i, "\xC3\xA4", 2);
    quoted[640] = '\0';

    report_sentence(&report, true, "", "not NAME=VALUE: %s",
                    "a\x1B[2J\xC2\x9B"
                    "b\xC3");
    report_sentence(&report, true, "", "x%s", quoted);
    assert_string_equal(report.problems[0].message, "not NAME=VALUE: a?[2J?b\xEF\xBF\xBD");
    assert_true(text_is_clean(trail_str(report.problems[1].message)));
    assert_string_equal(report.problems[1].message + strlen(report.problems[1].message) - 3, "...");
    settings_report_done(&report);
}

static void what_is_too_long_is_cut_between_characters(void **state)
{
    (void)state;
    char                   value[401];
    struct settings_report report = { 0 };
    for (size_t i = 0; i < 400; i += 2)
        memcpy(value + i, "\xC3\xA4", 2);
    value[400] = '\0';

    report_invalid(&report, setting_info(SETTING_SERVICE), trail_str(value), "option", trail_str(value));
    const struct settings_problem *problem = &report.problems[0];
    assert_int_equal(strlen(problem->value), 63);
    assert_string_equal(problem->value + 58, "\xC3\xA4...");
    assert_true(strlen(problem->message) < sizeof problem->message);
    assert_string_equal(problem->message + strlen(problem->message) - 3, "...");
    settings_report_done(&report);
}

static void the_name_that_was_meant_is_found_when_it_is_near(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *expected; /* NULL: nothing is near. */
    } cases[] = {
        { "AUDIT_TRAIL_LEVLE", "AUDIT_TRAIL_LEVEL" },
        { "AUDIT_TRAIL_ENABLE", "AUDIT_TRAIL_ENABLED" },
        { "AUDIT_TRAIL_EXCLUDE_ACTION", "AUDIT_TRAIL_EXCLUDE_ACTIONS" },
        { "AUDIT_TRAIL_FLUSH_INTERVAL", "AUDIT_TRAIL_BUFFER_FLUSH_INTERVAL" },
        { "AUDIT_TRAIL_DATABASE_URI", "AUDIT_TRAIL_DATABASE_URL" },
        { "AUDIT_TRAIL_COLOUR_OF_THE_SKY", NULL },
        { "AUDIT_TRAIL_", NULL },
        { "AUDIT_TRAIL_XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX", NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct setting_info *nearest = setting_nearest(trail_str(cases[i].name));
        if (cases[i].expected == NULL)
            assert_null(nearest);
        else
            assert_string_equal(nearest->name, cases[i].expected);
    }
}

static void an_unknown_name_is_a_warning_without_its_value(void **state)
{
    (void)state;
    struct settings_report report = { 0 };

    report_unknown(&report, trail_str("AUDIT_TRAIL_LEVLE"), ".env:3", true);
    report_unknown(&report, trail_str("LEVEL_OF_DETAIL"), "option", false);
    assert_int_equal(report.error_count, 1);
    assert_true(report.problems[0].warning);
    assert_string_equal(report.problems[0].message,
                        "AUDIT_TRAIL_LEVLE (.env:3) is not a setting of audittrail " TRAIL_VERSION
                        "; did you mean AUDIT_TRAIL_LEVEL?");
    assert_string_equal(report.problems[1].message,
                        "LEVEL_OF_DETAIL (option) is not a setting of audittrail " TRAIL_VERSION);
    settings_report_done(&report);
}

static void the_first_error_is_described_and_a_warning_is_none(void **state)
{
    (void)state;
    struct settings_report report = { 0 };
    struct trail_error     error = { .code = TRAIL_OK };

    assert_int_equal(settings_report_first(&report, TRAIL_ENOMEM, &error), TRAIL_ENOMEM);
    assert_int_equal(error.code, TRAIL_ENOMEM);
    assert_true(strlen(error.message) > 0);
    report_sentence(&report, true, "", "only a warning");
    report_sentence(&report, false, "", "the first");
    report_sentence(&report, false, "", "the second");
    assert_int_equal(settings_report_first(&report, TRAIL_ECONFIG, &error), TRAIL_ECONFIG);
    assert_int_equal(error.code, TRAIL_ECONFIG);
    assert_string_equal(error.message, "the first");
    assert_int_equal(settings_report_first(&report, TRAIL_ECONFIG, NULL), TRAIL_ECONFIG);
    settings_report_done(&report);
}

static void ten_thousand_problems_are_counted_and_the_first_hundred_kept(void **state)
{
    (void)state;
    struct settings_report report = { 0 };

    for (int i = 0; i < 10000; i++)
        report_sentence(&report, false, "", "line %d", i);
    assert_int_equal(report.error_count, 10000);
    assert_int_equal(report.problem_count, 100);
    assert_string_equal(report.problems[99].message, "line 99");
    settings_report_done(&report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_value_is_told_with_its_place_and_what_is_allowed),
        cmocka_unit_test(a_secret_is_masked_and_an_escape_sequence_is_harmless),
        cmocka_unit_test(a_sentence_quotes_others_without_their_controls_and_is_cut_between_characters),
        cmocka_unit_test(what_is_too_long_is_cut_between_characters),
        cmocka_unit_test(the_name_that_was_meant_is_found_when_it_is_near),
        cmocka_unit_test(an_unknown_name_is_a_warning_without_its_value),
        cmocka_unit_test(the_first_error_is_described_and_a_warning_is_none),
        cmocka_unit_test(ten_thousand_problems_are_counted_and_the_first_hundred_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
