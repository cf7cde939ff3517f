/* test_settings_value.c -- one reader and one writer per type of setting.
 *
 * Goal:   the whole text is a value or it is refused; what is written reads back as the same value.
 * Method: a table of (setting, text, how it is written back); the table's own bounds and defaults; numbers.
 */

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/settings_value.h"
#include "base/text.h"

union field {
    bool     flag;
    uint32_t index;
    uint64_t number;
    double   rate;
    char    *string;
};

static const struct {
    enum setting_id id;
    const char     *text;
    const char     *expected; /* NULL: refused. */
} cases[] = {
    { SETTING_ENABLED, "true", "true" },
    { SETTING_ENABLED, " YES ", "true" },
    { SETTING_ENABLED, "On", "true" },
    { SETTING_ENABLED, "1", "true" },
    { SETTING_ENABLED, "FALSE", "false" },
    { SETTING_ENABLED, "no", "false" },
    { SETTING_ENABLED, "off", "false" },
    { SETTING_ENABLED, "0", "false" },
    { SETTING_ENABLED, "2", NULL },
    { SETTING_ENABLED, "tru", NULL },
    { SETTING_LEVEL, "all", "all" },
    { SETTING_LEVEL, "Failures_Only", "failures_only" },
    { SETTING_LEVEL, "write_only", NULL },
    { SETTING_LEVEL, "all,", NULL },
    { SETTING_LEVEL, "3", NULL },
    { SETTING_BUFFER_FLUSH_INTERVAL, "1", "1" },
    { SETTING_BUFFER_FLUSH_INTERVAL, "86400", "86400" },
    { SETTING_BUFFER_FLUSH_INTERVAL, "0", NULL },
    { SETTING_BUFFER_FLUSH_INTERVAL, "86401", NULL },
    { SETTING_BUFFER_FLUSH_INTERVAL, "-1", NULL },
    { SETTING_BUFFER_FLUSH_INTERVAL, "+1", NULL },
    { SETTING_BUFFER_FLUSH_INTERVAL, "30s", NULL },
    { SETTING_BUFFER_FLUSH_INTERVAL, "30 40", NULL },
    { SETTING_BUFFER_FLUSH_INTERVAL, "1K", NULL },
    { SETTING_BUFFER_FLUSH_INTERVAL, "1.5", NULL },
    { SETTING_BUFFER_FLUSH_INTERVAL, "0x10", NULL },
    { SETTING_BUFFER_FLUSH_INTERVAL, "18446744073709551617", NULL },
    { SETTING_SPOOL_MAX_BYTES, "4194304", "4MiB" },
    { SETTING_SPOOL_MAX_BYTES, "4096k", "4MiB" },
    { SETTING_SPOOL_MAX_BYTES, "4194305", "4194305" },
    { SETTING_SPOOL_MAX_BYTES, "2 GiB", "2GiB" },
    { SETTING_SPOOL_MAX_BYTES, "1t", "1TiB" },
    { SETTING_SPOOL_MAX_BYTES, "1025G", NULL },
    { SETTING_SPOOL_MAX_BYTES, "2KB", NULL },
    { SETTING_SPOOL_MAX_BYTES, "G", NULL },
    { SETTING_SPOOL_MAX_BYTES, "18014398509481985K", NULL },
    { SETTING_EXCLUDE_ACTIONS, " a , b*,, c ", "a,b*,c" },
    { SETTING_EXCLUDE_ACTIONS, ",", "" },
    { SETTING_EXCLUDE_ACTIONS, "a\nb", NULL },
    { SETTING_EXCLUDE_ACTIONS, "a\xFF", NULL },
    { SETTING_ALWAYS_RECORD, "deletes", "deletes" },
    { SETTING_ALWAYS_RECORD, " AUTH ,, Failures,auth", "failures,auth" },
    { SETTING_ALWAYS_RECORD, "failures,denied,deletes,auth", "failures,denied,deletes,auth" },
    { SETTING_ALWAYS_RECORD, ",", "" },
    { SETTING_ALWAYS_RECORD, "delete", NULL },
    { SETTING_ALWAYS_RECORD, "deletes denied", NULL },
    { SETTING_ALWAYS_RECORD, "none", NULL },
    { SETTING_SAMPLE_RATE, "0.1", "0.1" },
    { SETTING_SAMPLE_RATE, "0", "0.0" },
    { SETTING_SAMPLE_RATE, "1", "1.0" },
    { SETTING_SAMPLE_RATE, " 1.000 ", "1.0" },
    { SETTING_SAMPLE_RATE, ".5", "0.5" },
    { SETTING_SAMPLE_RATE, "00.250", "0.25" },
    { SETTING_SAMPLE_RATE, "0.000000000000001", "0.000000000000001" },
    { SETTING_SAMPLE_RATE, "0.999999999999999", "0.999999999999999" },
    { SETTING_SAMPLE_RATE, "0.333333333333333", "0.333333333333333" },
    { SETTING_SAMPLE_RATE, "0.3333333333333333", NULL },
    { SETTING_SAMPLE_RATE, "1.000000000000001", NULL },
    { SETTING_SAMPLE_RATE, "1.5", NULL },
    { SETTING_SAMPLE_RATE, "0.1.2", NULL },
    { SETTING_SAMPLE_RATE, "-1", NULL },
    { SETTING_SAMPLE_RATE, "-0", NULL },
    { SETTING_SAMPLE_RATE, "+0.5", NULL },
    { SETTING_SAMPLE_RATE, "nan", NULL },
    { SETTING_SAMPLE_RATE, "inf", NULL },
    { SETTING_SAMPLE_RATE, "10%", NULL },
    { SETTING_SAMPLE_RATE, "1e-3", NULL },
    { SETTING_SAMPLE_RATE, "0x1", NULL },
    { SETTING_SAMPLE_RATE, "0,5", NULL },
    { SETTING_SAMPLE_RATE, "0 .5", NULL },
    { SETTING_SAMPLE_RATE, "0. 5", NULL },
    { SETTING_SAMPLE_RATE, "1.", NULL },
    { SETTING_SAMPLE_RATE, ".", NULL },
    { SETTING_SAMPLE_RATE, "18446744073709551616", NULL },
    { SETTING_ACTION_MAP, " a/b = READ ,, c=other", "a/b = READ,c=other" },
    { SETTING_ACTION_MAP, ",", "" },
    { SETTING_ACTION_MAP, "create_x=creat", NULL },
    { SETTING_ACTION_MAP, "=read", NULL },
    { SETTING_ACTION_MAP, "x=", NULL },
    { SETTING_ACTION_MAP, "x=read,X=create", NULL },
    { SETTING_ACTION_MAP, "a\xFF=read", NULL },
    { SETTING_SERVICE, " m\xC3\xBCller gateway ", "m\xC3\xBCller gateway" },
    { SETTING_SERVICE, "a\x1B[2J", NULL },
};

static void a_value_is_read_whole_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct setting_info *info = setting_info(cases[i].id);
        union field                field = { 0 };
        struct buf                 text;
        buf_init(&text, NULL, 0);
        enum trail_err err = setting_value_read(info, trail_str(cases[i].text), &field, &text);
        if (cases[i].expected == NULL) {
            assert_int_equal(err, TRAIL_EINVAL);
            assert_true(text.size > 0);
            assert_int_equal(field.number, 0);
        } else {
            assert_int_equal(err, TRAIL_OK);
            assert_int_equal(text.size, 0);
            setting_value_write(info, &field, &text);
            assert_true(text_equal(buf_text(&text), trail_str(cases[i].expected)));
        }
        if (setting_is_string(info))
            free(field.string);
        buf_done(&text);
    }
}

static void every_default_and_bound_of_the_table_is_valid_and_is_written_as_it_stands(void **state)
{
    (void)state;
    for (enum setting_id id = 0; id < SETTING_COUNT; id++) {
        const struct setting_info *info = setting_info(id);
        const char *const          texts[] = { info->default_value, info->least, info->most };
        for (size_t i = 0; i < 3; i++) {
            union field field = { 0 };
            struct buf  written;
            if (texts[i] == NULL || info->derived != NULL)
                continue;
            buf_init(&written, NULL, 0);
            assert_int_equal(setting_value_read(info, trail_str(texts[i]), &field, &written), TRAIL_OK);
            setting_value_write(info, &field, &written);
            assert_true(text_equal(buf_text(&written), trail_str(texts[i])));
            if (setting_is_string(info))
                free(field.string);
            buf_done(&written);
        }
    }
}

static void a_rate_is_the_nearest_double_and_is_written_back_exactly_in_every_locale(void **state)
{
    (void)state;
    /* Of a program that speaks German; where the machine does not know the locale, nothing is lost. */
    bool german = setlocale(LC_NUMERIC, "de_DE.UTF-8") != NULL || setlocale(LC_NUMERIC, "de_DE") != NULL;
    print_message("a locale with a decimal comma: %s\n", german ? "yes" : "not on this machine");
    uint64_t units = 1;
    for (int i = 0; i < 20000; i++) {
        char   text[SETTING_RATE_SIZE];
        char   shown[SETTING_RATE_SIZE];
        double rate = -1;
        double again = -1;
        units = (units * UINT64_C(6364136223846793005) + 1442695040888963407);
        /* As many digits as come: leading zeros too. */
        snprintf(text, sizeof text, "0.%015llu", (unsigned long long)((units >> 8) % UINT64_C(1000000000000000)));
        assert_true(setting_rate_read(trail_str(text), &rate));
        assert_true(setting_rate_read(trail_str(setting_rate_format(rate, shown)), &again));
        assert_true(rate == again);
        assert_memory_equal(text, shown, strlen(shown));
        if (!german)
            assert_true(rate == strtod(text, NULL));
    }
    (void)setlocale(LC_NUMERIC, "C");
}

static void a_wrong_word_of_a_set_is_named(void **state)
{
    (void)state;
    uint32_t   bits = 7;
    struct buf reason;
    buf_init(&reason, NULL, 0);
    assert_int_equal(setting_value_read(setting_info(SETTING_ALWAYS_RECORD), trail_str("auth,deleted"), &bits, &reason),
                     TRAIL_EINVAL);
    assert_true(text_equal(buf_text(&reason), trail_str("\"deleted\" is none of failures, denied, deletes, auth")));
    assert_int_equal(bits, 7);
    buf_done(&reason);
}

static void the_largest_number_is_read_and_one_more_is_not(void **state)
{
    (void)state;
    uint64_t number = 7;

    assert_true(setting_number_read(trail_str("18446744073709551615"), false, &number));
    assert_true(number == UINT64_MAX);
    number = 7;
    assert_false(setting_number_read(trail_str("18446744073709551616"), false, &number));
    assert_false(setting_number_read(trail_str("16777216T"), true, &number));
    assert_false(setting_number_read(trail_str(""), true, &number));
    assert_int_equal(number, 7);
}

static void an_empty_list_is_written_so_that_it_is_read_as_empty(void **state)
{
    (void)state;
    static const struct {
        enum setting_id id;
        const char     *given;
        const char     *written;
    } lists[] = {
        { SETTING_REDACT_FIELDS, ",", "," },        { SETTING_REDACT_FIELDS, " , ,", "," },
        { SETTING_REDACT_FIELDS, "a", "a" },        { SETTING_EXCLUDE_ACTIONS, ",", "" },
        { SETTING_EXCLUDE_ACTIONS, "a,,b", "a,b" },
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        const struct setting_info *info = setting_info(lists[i].id);
        char                      *list = NULL;
        struct buf                 out;
        buf_init(&out, NULL, 0);
        assert_int_equal(setting_value_read(info, trail_str(lists[i].given), &list, &out), TRAIL_OK);
        setting_value_write(info, &list, &out);
        assert_true(text_equal(buf_text(&out), trail_str(lists[i].written)));
        buf_done(&out);
        free(list);
    }
}

static void text_with_control_characters_is_not_plain(void **state)
{
    (void)state;
    assert_true(setting_text_is_plain(trail_str("a b\xC3\xA4")));
    assert_true(setting_text_is_plain(trail_str("")));
    assert_false(setting_text_is_plain(trail_str("a\n")));
    assert_false(setting_text_is_plain(trail_str("a\xC2\x9B"
                                                 "2J")));
    assert_false(setting_text_is_plain(trail_str("a\xFF")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_read_whole_or_refused),
        cmocka_unit_test(every_default_and_bound_of_the_table_is_valid_and_is_written_as_it_stands),
        cmocka_unit_test(a_rate_is_the_nearest_double_and_is_written_back_exactly_in_every_locale),
        cmocka_unit_test(a_wrong_word_of_a_set_is_named),
        cmocka_unit_test(the_largest_number_is_read_and_one_more_is_not),
        cmocka_unit_test(an_empty_list_is_written_so_that_it_is_read_as_empty),
        cmocka_unit_test(text_with_control_characters_is_not_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
