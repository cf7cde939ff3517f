/* test_paragraph.c -- text is broken at blanks and stays within the width, beside its label.
 *
 * Goal:   no line is wider than allowed unless a single word is; nothing is lost; control characters do no harm.
 * Method: a temporary file, which is no terminal; the whole text compared.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/text.h"
#include "cli/paragraph.h"

static const char *printed(size_t width, const char *label, size_t indent, const char *text)
{
    static char out[1024];
    FILE       *file = tmpfile();

    assert_non_null(file);
    paragraph_print(file, width, label, indent, trail_str(text));
    rewind(file);
    out[fread(out, 1, sizeof out - 1, file)] = '\0';
    (void)fclose(file);
    return out;
}

static void text_that_fits_stays_in_one_line(void **state)
{
    (void)state;
    assert_string_equal(printed(20, "label", 8, "twelve chars"), "label   twelve chars\n");
    assert_string_equal(printed(20, "", 0, ""), "\n");
}

static void longer_text_goes_on_below_itself(void **state)
{
    (void)state;
    assert_string_equal(printed(20, "label", 8, "twelve charsX"), "label   twelve\n        charsX\n");
    assert_string_equal(printed(12, "!", 2, "aaa bbb ccc ddd eee"), "! aaa bbb\n  ccc ddd\n  eee\n");
}

static void a_long_word_stays_whole(void **state)
{
    (void)state;
    assert_string_equal(printed(10, "a", 2, "in /a/long/path end"), "a in\n  /a/long/path\n  end\n");
    assert_string_equal(printed(1, "a", 2, "b c"), "a b\n  c\n");
}

static void width_is_counted_in_columns_and_control_characters_are_spelled_out(void **state)
{
    (void)state;
    assert_string_equal(printed(8, "", 0, "\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4 \xC3\xB6\xC3\xB6\xC3\xB6"),
                        "\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4 \xC3\xB6\xC3\xB6\xC3\xB6\n");
    assert_string_equal(printed(80, "", 0, "a\x1b[31mb\nc"), "a\\x1b[31mb\\nc\n");
}

static void where_there_is_no_terminal_the_width_is_fixed(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(paragraph_width(file), PARAGRAPH_WIDTH);
    (void)fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_that_fits_stays_in_one_line),
        cmocka_unit_test(longer_text_goes_on_below_itself),
        cmocka_unit_test(a_long_word_stays_whole),
        cmocka_unit_test(width_is_counted_in_columns_and_control_characters_are_spelled_out),
        cmocka_unit_test(where_there_is_no_terminal_the_width_is_fixed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
