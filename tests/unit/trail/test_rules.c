/* test_rules.c -- the rules are the settings of one section, compiled, compared and told.
 *
 * Goal:   what decides about events is a rule and nothing else is; rules own what was given to them; values are told as
 *         valid JSON within a bound, whatever bytes an operator wrote.
 * Method: settings loaded from strings; the JSON is read back with the reader.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "trail/rules.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void load(struct settings *settings, const char *first, const char *second)
{
    struct settings_report report;
    const char *const      options[] = { "AUDIT_TRAIL_STATE_DIR=/nowhere", first, second, NULL };
    struct settings_input  input = { .options = options, .env_file = "" };
    assert_int_equal(settings_load(settings, &input, &report), TRAIL_OK);
    settings_report_done(&report);
}

static void what_decides_about_events_is_a_rule_and_nothing_else_is(void **state)
{
    (void)state;
    static const enum setting_id rules[] = { SETTING_ENABLED,           SETTING_LEVEL,         SETTING_EXCLUDE_ACTIONS,
                                             SETTING_EXCLUDE_RESOURCES, SETTING_ALWAYS_RECORD, SETTING_ACTION_MAP,
                                             SETTING_SAMPLE_RATE,       SETTING_SAMPLE_READS };
    static const enum setting_id others[] = { SETTING_REDACT_FIELDS, SETTING_MAX_VALUE_BYTES, SETTING_STATE_DIR,
                                              SETTING_ASYNC,         SETTING_DATABASE_URL,    SETTING_SERVICE };
    for (size_t i = 0; i < COUNT_OF(rules); i++)
        assert_true(rules_cover(rules[i]));
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_false(rules_cover(others[i]));
}

static void only_rules_make_a_difference(void **state)
{
    (void)state;
    static const struct {
        const char *first;
        const char *second;
        bool        same;
    } cases[] = {
        { "AUDIT_TRAIL_LEVEL=writes_only", NULL, true }, /* The default. */
        { "AUDIT_TRAIL_LEVEL=all", NULL, false },
        { "AUDIT_TRAIL_ENABLED=false", NULL, false },
        { "AUDIT_TRAIL_ENABLED=yes", NULL, true },
        { "AUDIT_TRAIL_EXCLUDE_ACTIONS=a", NULL, false },
        { "AUDIT_TRAIL_EXCLUDE_ACTIONS= ", NULL, true },
        { "AUDIT_TRAIL_ALWAYS_RECORD=denied", NULL, false },
        { "AUDIT_TRAIL_ACTION_MAP=poll=read", NULL, false },
        { "AUDIT_TRAIL_SAMPLE_RATE=0.5", NULL, false },
        { "AUDIT_TRAIL_SAMPLE_READS=0.5", NULL, false },
        { "AUDIT_TRAIL_SAMPLE_RATE=1", "AUDIT_TRAIL_SAMPLE_READS=1.0", true },
        { "AUDIT_TRAIL_ASYNC=false", "AUDIT_TRAIL_REDACT_FIELDS=x", true },
    };
    struct settings standard;
    load(&standard, NULL, NULL);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct settings other;
        load(&other, cases[i].first, cases[i].second);
        if (rules_same(&standard, &other) != cases[i].same)
            fail_msg("%s", cases[i].first);
        settings_done(&other);
    }
    settings_done(&standard);
}

static void settings_are_lent_or_become_theirs(void **state)
{
    (void)state;
    struct settings lent;
    struct settings taken;
    struct rules   *first = NULL;
    struct rules   *second = NULL;
    char            line[64];

    load(&lent, "AUDIT_TRAIL_LEVEL=all", NULL);
    load(&taken, "AUDIT_TRAIL_LEVEL=deletes_only", "AUDIT_TRAIL_EXCLUDE_ACTIONS=a");
    assert_int_equal(rules_lend(&first, &lent, NULL, NULL), TRAIL_OK);
    assert_ptr_equal(first->settings, &lent);
    assert_int_equal(rules_take(&second, &taken, NULL, NULL), TRAIL_OK);
    assert_null(taken.exclude_actions); /* Moved. */
    assert_string_equal(second->settings->exclude_actions, "a");
    (void)policy_describe(second->policy, line, sizeof line);
    assert_memory_equal(line, "level deletes_only", 18);
    second->former = first;
    rules_free(second); /* The first too, as the leak checker sees; not what was lent. */
    settings_done(&taken);
    assert_int_equal(lent.level, 0);
    settings_done(&lent);
    rules_free(NULL);
}

static void rules_that_cannot_be_made_leave_the_settings_alone(void **state)
{
    (void)state;
    struct settings    settings;
    struct rules      *rules = NULL;
    struct trail_error error = { .code = TRAIL_OK };
    char               list[600] = "AUDIT_TRAIL_EXCLUDE_ACTIONS=";
    memset(list + strlen(list), 'x', 500); /* Longer than a pattern may be. */
    load(&settings, list, NULL);
    assert_int_equal(rules_take(&rules, &settings, NULL, &error), TRAIL_ECONFIG);
    assert_non_null(strstr(error.message, "AUDIT_TRAIL_EXCLUDE_ACTIONS"));
    assert_null(rules);
    assert_non_null(settings.exclude_actions);
    settings_done(&settings);
}

static void assert_is_json(const struct buf *text)
{
    struct json_reader reader;
    struct trail_text  value;
    json_start(&reader, buf_text(text));
    assert_true(json_take_value(&reader, &value));
    assert_int_equal(json_next(&reader), JSON_END);
}

static void every_rule_is_told_by_its_name(void **state)
{
    (void)state;
    struct settings settings;
    struct rules   *rules = NULL;
    struct buf      out;
    load(&settings, "AUDIT_TRAIL_LEVEL=all", "AUDIT_TRAIL_EXCLUDE_ACTIONS=a\"b, c");
    assert_int_equal(rules_lend(&rules, &settings, NULL, NULL), TRAIL_OK);
    buf_init(&out, NULL, 0);
    buf_append_string(&out, "{");
    rules_append_members(rules, &out);
    buf_append_string(&out, "}");
    assert_false(buf_failed(&out));
    assert_is_json(&out);
    buf_append(&out, "", 1);
    assert_non_null(strstr(out.data, "{\"policy\":\"level all; not recorded: nothing; excluded actions: a\\\"b, c\","));
    assert_non_null(strstr(out.data, "\"AUDIT_TRAIL_ENABLED\":\"true\""));
    assert_non_null(strstr(out.data, "\"AUDIT_TRAIL_LEVEL\":\"all\""));
    assert_non_null(strstr(out.data, "\"AUDIT_TRAIL_EXCLUDE_RESOURCES\":\"\""));
    assert_null(strstr(out.data, "AUDIT_TRAIL_ASYNC"));
    buf_done(&out);
    rules_free(rules);
    settings_done(&settings);
}

static void a_long_value_is_cut_and_told_by_its_size(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t      shown;
        const char *expected;
    } cases[] = {
        { "", 8, "\"\"" },
        { "12345678", 8, "\"12345678\"" },
        { "123456789", 8, "\"12345678 ... (9 bytes)\"" },
        { "1234567\xc3\xa4", 8, "\"1234567 ... (9 bytes)\"" }, /* Not half a character. */
        { "a\xff\x01", 100, "\"a\xef\xbf\xbd\\u0001\"" },
        { "a\xff", SIZE_MAX, "\"a\xef\xbf\xbd\"" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out;
        buf_init(&out, NULL, 0);
        rules_append_text(trail_str(cases[i].text), cases[i].shown, &out);
        assert_int_equal(out.size, strlen(cases[i].expected));
        assert_memory_equal(out.data, cases[i].expected, out.size);
        assert_is_json(&out);
        buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_decides_about_events_is_a_rule_and_nothing_else_is),
        cmocka_unit_test(only_rules_make_a_difference),
        cmocka_unit_test(settings_are_lent_or_become_theirs),
        cmocka_unit_test(rules_that_cannot_be_made_leave_the_settings_alone),
        cmocka_unit_test(every_rule_is_told_by_its_name),
        cmocka_unit_test(a_long_value_is_cut_and_told_by_its_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
