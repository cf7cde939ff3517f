/* test_text.c -- text is compared, cut and made valid UTF-8 without losing more than it must.
 *
 * Goal:   clean text passes untouched; every kind of bad byte becomes U+FFFD; no cut splits a character.
 * Method: tables; the character tables of Unicode are walked in full against an own encoder.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/text.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define BAD "\xEF\xBF\xBD"

static void comparing_looks_at_every_byte(void **state)
{
    (void)state;
    assert_true(text_equal(TRAIL_TEXT("abc"), TRAIL_TEXT("abc")));
    assert_false(text_equal(TRAIL_TEXT("abc"), TRAIL_TEXT("abd")));
    assert_false(text_equal(TRAIL_TEXT("abc"), TRAIL_TEXT("ab")));
    assert_true(text_equal((struct trail_text){ 0 }, TRAIL_TEXT("")));
    assert_true(text_equal_nocase(TRAIL_TEXT("Create_TOOL"), TRAIL_TEXT("cREATE_tool")));
    assert_false(text_equal_nocase(TRAIL_TEXT("a@"), TRAIL_TEXT("a`")));
    assert_false(text_equal_nocase(TRAIL_TEXT("[a"), TRAIL_TEXT("{a")));
    assert_false(text_equal_nocase(TRAIL_TEXT("\xC3\x89"), TRAIL_TEXT("\xC3\xA9"))); /* ASCII letters only. */
    assert_true(text_starts_with(TRAIL_TEXT("abc"), TRAIL_TEXT("ab")));
    assert_true(text_starts_with((struct trail_text){ 0 }, TRAIL_TEXT("")));
    assert_false(text_starts_with(TRAIL_TEXT("ab"), TRAIL_TEXT("abc")));
}

static void trimming_takes_white_space_off_both_ends(void **state)
{
    (void)state;
    assert_true(text_equal(text_trim(TRAIL_TEXT(" \t\r\n a b \n")), TRAIL_TEXT("a b")));
    assert_int_equal(text_trim(TRAIL_TEXT(" \t ")).size, 0);
    assert_int_equal(text_trim((struct trail_text){ 0 }).size, 0);
}

static void lists_are_cut_at_commas(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        const char *items[4];
    } cases[] = {
        { "", { NULL } },
        { "a", { "a", NULL } },
        { " a , b ", { "a", "b", NULL } },
        { "a,,b", { "a", "", "b", NULL } },
        { "a,", { "a", NULL } },
        { ",", { "", NULL } },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct trail_text rest = trail_str(cases[i].list);
        struct trail_text item;
        size_t            count = 0;
        while (text_next_item(&rest, &item)) {
            assert_non_null(cases[i].items[count]);
            assert_true(text_equal(item, trail_str(cases[i].items[count])));
            count++;
        }
        assert_null(cases[i].items[count]);
    }
}

/* The UTF-8 form of any number below 0x200000, valid or not. */
static size_t encode(uint32_t c, char *out)
{
    size_t                size = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned lead[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
    for (size_t i = size - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3F));
    out[0] = (char)(lead[size] | c);
    return size;
}

static void exactly_the_characters_of_unicode_are_clean(void **state)
{
    (void)state;
    char bytes[4];
    for (uint32_t c = 0; c < 0x200000; c++) {
        bool   valid = c != 0 && c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF);
        size_t size = encode(c, bytes);
        if (text_is_clean(text_of(bytes, size)) != valid)
            fail_msg("U+%04X is taken for %s", (unsigned)c, valid ? "bad" : "good");
        if (valid && size > 1)
            assert_false(text_is_clean(text_of(bytes, size - 1)));
    }
}

static void overlong_forms_are_not_clean(void **state)
{
    (void)state;
    static const char *const forms[] = { "\xC0\x80",
                                         "\xC1\xBF",
                                         "\xE0\x80\x80",
                                         "\xE0\x9F\xBF",
                                         "\xF0\x80\x80\x80",
                                         "\xF0\x8F\xBF\xBF",
                                         "\x80",
                                         "\xBF",
                                         "\xF8\x88\x80\x80\x80",
                                         "\xFE",
                                         "\xFF" };
    for (size_t i = 0; i < COUNT_OF(forms); i++)
        assert_false(text_is_clean(trail_str(forms[i])));
}

static void a_bad_byte_is_found_at_every_place(void **state)
{
    (void)state;
    static const char bad[] = { '\0', '\x80', '\xFF', '\xC3' };
    char              text[21];
    for (size_t i = 0; i < sizeof bad; i++) {
        for (size_t at = 0; at < sizeof text; at++) {
            memset(text, 'a', sizeof text);
            assert_true(text_is_clean(text_of(text, sizeof text)));
            text[at] = bad[i];
            assert_false(text_is_clean(text_of(text, sizeof text)));
        }
    }
}

static void cleaning_repairs_and_cuts(void **state)
{
    (void)state;
    static const struct {
        struct trail_text text;
        size_t            limit;
        const char       *clean;
        uint32_t          flags;
    } cases[] = {
        { { NULL, 0 }, 10, "", 0 },
        { { "abc", 3 }, 10, "abc", 0 },
        { { "abc", 3 }, 3, "abc", 0 },
        { { "abcd", 4 }, 3, "abc", TRAIL_FLAG_TRUNCATED },
        { { "a\0b", 3 }, 10, "a" BAD "b", TRAIL_FLAG_REPAIRED },
        { { "a\xFF", 2 }, 10, "a" BAD, TRAIL_FLAG_REPAIRED },
        { { "a\xE2\x82", 3 }, 10, "a" BAD BAD, TRAIL_FLAG_REPAIRED },
        { { "a\xC3\xA9", 3 }, 3, "a\xC3\xA9", 0 },
        { { "a\xC3\xA9", 3 }, 2, "a", TRAIL_FLAG_TRUNCATED },
        { { "\xF0\x9F\x98\x80", 4 }, 3, "", TRAIL_FLAG_TRUNCATED },
        { { "ab\xFFz", 4 }, 4, "ab", TRAIL_FLAG_TRUNCATED },
        { { "\xFF\xFFz", 3 }, 4, BAD, TRAIL_FLAG_TRUNCATED | TRAIL_FLAG_REPAIRED },
        { { "abcdefgh12345678", 16 }, 12, "abcdefgh1234", TRAIL_FLAG_TRUNCATED },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char     out[32];
        uint32_t flags = 0;
        size_t   size = text_clean(cases[i].text, cases[i].limit, out, &flags);
        assert_true(text_equal(text_of(out, size), trail_str(cases[i].clean)));
        assert_int_equal(flags, cases[i].flags);
    }
}

static void cleaned_text_is_clean_and_cleaning_adds_flags_to_those_there(void **state)
{
    (void)state;
    char     noise[256];
    char     out[3 * sizeof noise];
    uint32_t flags = TRAIL_FLAG_CONTROL;
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)(i * 37 + i / 7);
    for (size_t limit = 0; limit <= sizeof out; limit++) {
        size_t size = text_clean(text_of(noise, sizeof noise), limit, out, &flags);
        assert_true(size <= limit);
        assert_true(text_is_clean(text_of(out, size)));
    }
    assert_int_equal(flags, TRAIL_FLAG_CONTROL | TRAIL_FLAG_REPAIRED | TRAIL_FLAG_TRUNCATED);
}

static void a_list_within_its_limits_is_counted_without_empty_items(void **state)
{
    (void)state;
    static const struct text_list_limits limits = { "SOME_SETTING", 4, 3 };
    static const struct {
        const char *list;
        int         count; /* -1: refused. */
        const char *said;
    } cases[] = {
        { "", 0, NULL },
        { " , ,", 0, NULL },
        { "a, ,b,,c,", 3, NULL },
        { "abcd", 1, NULL },
        { "a,abcde", -1, "SOME_SETTING: \"abcde...\" has 5 bytes; an item has at most 4" },
        { "a,b,c,d", -1, "SOME_SETTING: \"d\" is one item too many; a list has at most 3" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct trail_error error = { 0 };
        size_t             count = 77;
        enum trail_err     err = text_list_count(trail_str(cases[i].list), &limits, &count, &error);
        assert_int_equal(err, cases[i].count < 0 ? TRAIL_ECONFIG : TRAIL_OK);
        assert_int_equal(count, cases[i].count < 0 ? 77 : cases[i].count);
        if (cases[i].said != NULL)
            assert_string_equal(error.message, cases[i].said);
    }
}

static void sixteen_digits_and_six_capitals_are_hexadecimal(void **state)
{
    (void)state;
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    for (int c = -128; c < 128; c++) {
        const char *at = c != 0 ? strchr(digits, c) : NULL;
        assert_int_equal(text_hex_digit((char)c), at != NULL ? (at - digits) % 16 : -1);
    }
}

static void control_characters_take_one_byte_or_two(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t      size;
    } cases[] = {
        { "\x01", 1 }, { "\x1F", 1 },     { " ", 0 },        { "a", 0 },        { "~", 0 },        { "\x7F", 1 },
        { "\xC2", 0 }, { "\xC2\x80", 2 }, { "\xC2\x9F", 2 }, { "\xC2\xA0", 0 }, { "\xC3\x80", 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(text_control_size(trail_str(cases[i].text), 0), cases[i].size);
    assert_int_equal(text_control_size(text_of("\0", 1), 0), 1);
    assert_int_equal(text_control_size(text_of("\xC2\x80", 1), 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparing_looks_at_every_byte),
        cmocka_unit_test(trimming_takes_white_space_off_both_ends),
        cmocka_unit_test(lists_are_cut_at_commas),
        cmocka_unit_test(a_list_within_its_limits_is_counted_without_empty_items),
        cmocka_unit_test(sixteen_digits_and_six_capitals_are_hexadecimal),
        cmocka_unit_test(exactly_the_characters_of_unicode_are_clean),
        cmocka_unit_test(overlong_forms_are_not_clean),
        cmocka_unit_test(a_bad_byte_is_found_at_every_place),
        cmocka_unit_test(cleaning_repairs_and_cuts),
        cmocka_unit_test(cleaned_text_is_clean_and_cleaning_adds_flags_to_those_there),
        cmocka_unit_test(control_characters_take_one_byte_or_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
