/* test_pattern.c -- a list of names and patterns matches what an operator means by it.
 *
 * Goal:   case, white space and the two wildcards work as documented; every other character is itself; limits are
 *         errors that say what to repair.
 * Method: a table of list, name, expected; lists at and over their limits; a name set large enough to collide.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "policy/pattern.h"

static const struct match_case {
    const char *list;
    const char *name;
    bool        expected;
} cases[] = {
    { "health_check,metrics_read", "health_check", true },
    { "health_check,metrics_read", "metrics_read", true },
    { "health_check,metrics_read", "metrics_reads", false },
    { "health_check", "health_chec", false },
    { "  Health_Check ,\tMETRICS_READ\n", "metrics_read", true },
    { "health_check", "HEALTH_CHECK", true },
    { "health_check", " health_check\t", true },
    { "a", "A", true },
    { "abc", "aBc", true },
    { "[", "{", false },
    { "@", "`", false },
    { ",, ,a,,", "a", true },
    { ",, ,a,,", "", false },
    { "", "a", false },
    { " , ", "a", false },
    { "metric,health", "metrics", false },
    { "health_*", "health_check", true },
    { "health_*", "health_", true },
    { "health_*", "health", false },
    { "HEALTH_*", "health_Check", true },
    { "*", "", true },
    { "*", "anything", true },
    { "*_check", "health_check", true },
    { "*_check", "_check", true },
    { "*_check", "check", false },
    { "*_check", "health_check_x", false },
    { "*a*b*", "xxaxxbxx", true },
    { "*a*b*", "xxbxxaxx", false },
    { "*ab", "aab", true },
    { "a*a", "a", false },
    { "a?c", "abc", true },
    { "a?c", "ac", false },
    { "a?c", "abbc", false },
    { "caf?", "caf\xC3\xA9", true },
    { "caf??", "caf\xC3\xA9", false },
    { "?", "", false },
    { "??", "a", false },
    { "a**b", "ab", true },
    { "*?", "a", true },
    { "*?", "", false },
    /* fnmatch(3) and GLOB would read these as sets and escapes. */
    { "a[bc]*", "abx", false },
    { "a[bc]*", "a[bc]x", true },
    { "a\\*", "a\\x", true },
    { "a\\*", "a*", false },
    { "tools/*", "tools/a/b", true },
    { "*", ".hidden", true },
};

static void names_and_patterns_match_as_documented(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pattern_list list;
        assert_int_equal(pattern_list_init(&list, "X", trail_str(cases[i].list), NULL), TRAIL_OK);
        if (pattern_list_matches(&list, trail_str(cases[i].name)) != cases[i].expected)
            fail_msg("\"%s\" against \"%s\": expected %d", cases[i].list, cases[i].name, cases[i].expected);
        pattern_list_done(&list);
    }
}

static void the_item_that_matches_is_found(void **state)
{
    static const struct {
        const char *name;
        size_t      item;
    } found[] = {
        { "HEALTH_check", 1 }, { "health_x", 0 }, { "metrics", 2 },          { " metrics ", 2 },
        { "m_read", 3 },       { "m_write", 4 },  { "tools", PATTERN_NONE }, { "", PATTERN_NONE },
    };
    struct pattern_list list;
    (void)state;
    /* The name is listed behind a pattern that matches it too, and is found all the same; of two patterns the first. */
    const struct trail_text value = TRAIL_TEXT("health_*,Health_Check,metrics,*_read,m_*");
    assert_int_equal(pattern_list_init(&list, "X", value, NULL), TRAIL_OK);
    for (size_t i = 0; i < sizeof found / sizeof found[0]; i++) {
        if (pattern_list_find(&list, trail_str(found[i].name)) != found[i].item)
            fail_msg("\"%s\": not item %zu", found[i].name, found[i].item);
    }
    pattern_list_done(&list);
}

static void a_nul_byte_ends_no_name(void **state)
{
    struct pattern_list list;
    (void)state;
    assert_int_equal(pattern_list_init(&list, "X", trail_str("metric?,health"), NULL), TRAIL_OK);
    assert_false(pattern_list_matches(&list, (struct trail_text){ "metrics\0delete_all", 18 }));
    assert_false(pattern_list_matches(&list, (struct trail_text){ "health\0", 7 }));
    pattern_list_done(&list);
}

static void a_name_is_matched_as_it_will_be_stored(void **state)
{
    char                name[PATTERN_ITEM_BYTES_MAX + 20];
    struct pattern_list list;
    (void)state;
    memset(name, 'a', sizeof name);
    assert_int_equal(pattern_list_init(&list, "X", (struct trail_text){ name, PATTERN_ITEM_BYTES_MAX }, NULL),
                     TRAIL_OK);
    assert_true(pattern_list_matches(&list, (struct trail_text){ name, sizeof name }));
    assert_false(pattern_list_matches(&list, (struct trail_text){ name, PATTERN_ITEM_BYTES_MAX - 1 }));
    pattern_list_done(&list);

    /* The cut falls into a character: it goes as a whole. */
    assert_int_equal(pattern_list_init(&list, "X", (struct trail_text){ name, PATTERN_ITEM_BYTES_MAX - 1 }, NULL),
                     TRAIL_OK);
    memcpy(name + PATTERN_ITEM_BYTES_MAX - 1, "\xC3\xA9", 2);
    assert_true(pattern_list_matches(&list, (struct trail_text){ name, sizeof name }));
    pattern_list_done(&list);
}

static void a_full_list_finds_every_name_and_no_other(void **state)
{
    struct buf          value;
    struct pattern_list list;
    struct trail_error  error;
    (void)state;
    buf_init(&value, NULL, 0);
    for (int i = 0; i < PATTERN_ITEMS_MAX; i++)
        buf_printf(&value, "Action_%d,", i);
    assert_int_equal(pattern_list_init(&list, "X", buf_text(&value), NULL), TRAIL_OK);
    assert_int_equal(list.item_count, PATTERN_ITEMS_MAX);
    for (int i = 0; i < 2 * PATTERN_ITEMS_MAX; i++) {
        char name[32];
        snprintf(name, sizeof name, "action_%d", i);
        assert_int_equal(pattern_list_matches(&list, trail_str(name)), i < PATTERN_ITEMS_MAX);
    }
    pattern_list_done(&list);

    buf_printf(&value, "the_last_straw");
    assert_int_equal(pattern_list_init(&list, "AUDIT_TRAIL_X", buf_text(&value), &error), TRAIL_ECONFIG);
    assert_non_null(strstr(error.message, "AUDIT_TRAIL_X"));
    assert_non_null(strstr(error.message, "the_last_straw"));
    assert_non_null(strstr(error.message, "1000"));
    buf_done(&value);
}

static void an_item_that_is_too_long_is_named(void **state)
{
    char                value[PATTERN_ITEM_BYTES_MAX + 12];
    struct pattern_list list;
    struct trail_error  error;
    (void)state;
    memset(value, 'b', sizeof value);
    memcpy(value, "first,second", 12);
    assert_int_equal(pattern_list_init(&list, "AUDIT_TRAIL_X", (struct trail_text){ value, sizeof value }, &error),
                     TRAIL_ECONFIG);
    assert_non_null(strstr(error.message, "AUDIT_TRAIL_X"));
    assert_non_null(strstr(error.message, "secondbbb"));
    assert_non_null(strstr(error.message, "106 bytes"));
}

static void an_item_listed_twice_stands_once(void **state)
{
    struct pattern_list list;
    (void)state;
    assert_int_equal(pattern_list_init(&list, "X", trail_str("a,b,A"), NULL), TRAIL_OK);
    assert_int_equal(list.item_count, 2);
    pattern_list_done(&list);
    pattern_list_done(&list);
    pattern_list_done(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_patterns_match_as_documented),
        cmocka_unit_test(the_item_that_matches_is_found),
        cmocka_unit_test(a_nul_byte_ends_no_name),
        cmocka_unit_test(a_name_is_matched_as_it_will_be_stored),
        cmocka_unit_test(a_full_list_finds_every_name_and_no_other),
        cmocka_unit_test(an_item_that_is_too_long_is_named),
        cmocka_unit_test(an_item_listed_twice_stands_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
