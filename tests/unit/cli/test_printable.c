/* test_printable.c -- stored text cannot command a terminal, and is measured by what it shows.
 *
 * Goal:   no control, escape or direction character ever gets through; widths are those of a terminal.
 * Method: tables of texts, and every code point below U+0300 and of the ranges that must be spelled out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/text.h"
#include "cli/printable.h"

static void assert_printable(const char *text, size_t size, const char *expected)
{
    struct buf out;
    buf_init(&out, NULL, 0);
    printable_append(&out, text_of(text, size));
    assert_int_equal(out.size, strlen(expected));
    if (out.size > 0)
        assert_memory_equal(out.data, expected, out.size);
    buf_done(&out);
}

static void what_is_not_seen_is_spelled_out(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *expected;
    } cases[] = {
        { "", "" },
        { "plain text", "plain text" },
        { "a\nb\tc\rd", "a\\nb\\tc\\rd" },
        { "\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m" },
        { "\x7f", "\\x7f" },
        { "\xC2\x9B"
          "31m",
          "\\u009b31m" },
        { "admin\xE2\x80\xAEgnp.exe", "admin\\u202egnp.exe" },
        { "\xE2\x81\xA6x\xE2\x81\xA9", "\\u2066x\\u2069" },
        { "\xF3\xA0\x80\x81", "\\U000e0001" },
        { "bad\xFFutf8\xC3", "bad\xEF\xBF\xBDutf8\xEF\xBF\xBD" },
        { "gr\xC3\xBC\xC3\x9F", "gr\xC3\xBC\xC3\x9F" },
        { "\xE6\x97\xA5\xE6\x9C\xAC", "\xE6\x97\xA5\xE6\x9C\xAC" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_printable(cases[i].text, strlen(cases[i].text), cases[i].expected);
    assert_printable("a\0b", 3, "a\\x00b");
}

static void no_byte_below_a_blank_gets_through(void **state)
{
    (void)state;
    struct buf out;
    char       all[256];
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (char)i;
    buf_init(&out, NULL, 0);
    printable_append(&out, text_of(all, sizeof all));
    assert_true(out.size > 256);
    for (size_t i = 0; i < out.size; i++)
        assert_true((unsigned char)out.data[i] >= 0x20 && out.data[i] != 0x7F);
    assert_true(text_is_clean(buf_text(&out)));
    buf_done(&out);
}

static void width_is_what_a_terminal_shows(void **state)
{
    (void)state;
    assert_int_equal(printable_width(trail_str("")), 0);
    assert_int_equal(printable_width(trail_str("abc")), 3);
    assert_int_equal(printable_width(trail_str("gr\xC3\xBC\xC3\x9F")), 4);
    assert_int_equal(printable_width(trail_str("\xE6\x97\xA5\xE6\x9C\xAC")), 4);
    assert_int_equal(printable_width(trail_str("e\xCC\x81")), 1);
    assert_int_equal(printable_width(trail_str("\xF0\x9F\x94\x92")), 2);
}

static void a_cut_never_splits_a_character(void **state)
{
    (void)state;
    struct trail_text   text = trail_str("a\xE6\x97\xA5\xE6\x9C\xAC"
                                           "e\xCC\x81x");
    static const size_t sizes[] = { 0, 1, 1, 4, 4, 7, 10, 11, 11 };
    for (size_t width = 0; width < sizeof sizes / sizeof sizes[0]; width++)
        assert_int_equal(printable_cut(text, width).size, sizes[width]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_seen_is_spelled_out),
        cmocka_unit_test(no_byte_below_a_blank_gets_through),
        cmocka_unit_test(width_is_what_a_terminal_shows),
        cmocka_unit_test(a_cut_never_splits_a_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
