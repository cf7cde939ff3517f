/* test_csv.c -- cells are quoted as RFC 4180 says, and none of them is a formula.
 *
 * Goal:   a reader of CSV gets back what was written, and a spreadsheet runs nothing.
 * Method: a table of cells; each first byte that starts a formula, quoted and unquoted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "cli/csv.h"

static void cells_are_quoted_when_they_must_be(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *expected;
    } cases[] = {
        { "", "" },
        { "plain", "plain" },
        { "with blank", "with blank" },
        { " leading", "\" leading\"" },
        { "trailing ", "\"trailing \"" },
        { " ", "\" \"" },
        { "a;b", "\"a;b\"" },
        { "a\tb", "\"a\tb\"" },
        { "a,b", "\"a,b\"" },
        { "say \"hi\"", "\"say \"\"hi\"\"\"" },
        { "\"", "\"\"\"\"" },
        { "two\nlines", "\"two\nlines\"" },
        { "two\rlines", "\"two\rlines\"" },
        { "2026-11-24", "2026-11-24" },
        { "=1+1", "'=1+1" },
        { "+1", "'+1" },
        { "-1", "'-1" },
        { "@SUM(A1)", "'@SUM(A1)" },
        { "\t=1", "\"'\t=1\"" },
        { "\r=1", "\"'\r=1\"" },
        { "=A1,\"x\"", "\"'=A1,\"\"x\"\"\"" },
        { "'=1", "'=1" },
        { "a=1", "a=1" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out;
        buf_init(&out, NULL, 0);
        csv_append_cell(&out, trail_str(cases[i].text), true);
        assert_int_equal(out.size, strlen(cases[i].expected));
        if (out.size > 0)
            assert_memory_equal(out.data, cases[i].expected, out.size);
        buf_done(&out);
    }
}

/* Each begin of a formula, bare and behind everything that is looked through. */
static void no_cell_is_a_formula_in_any_disguise(void **state)
{
    (void)state;
    static const char *const begins[] = {
        "=",      "+",      "-",      "@",      "\t",     "\r",     "\n",     "\uFF1D",
        "\uFF0B", "\uFF0D", "\uFF20", "\uFE66", "\uFE62", "\uFE63", "\uFE6B",
    };
    static const char *const fronts[] = {
        "", " ", "   ", "\"", "\" ", "\u00A0", "\u3000", "\uFEFF", "\u200B", "\u200C", "\u200D", "\u2060", " \uFEFF\"",
    };
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
        for (size_t k = 0; k < sizeof fronts / sizeof fronts[0]; k++) {
            struct buf out;
            char       text[64];
            snprintf(text, sizeof text, "%s%sSUM(A1)", fronts[k], begins[i]);
            buf_init(&out, NULL, 0);
            csv_append_cell(&out, trail_str(text), true);
            size_t quote = out.data[0] == '"' ? 1 : 0;
            assert_int_equal(out.data[quote], '\'');
            buf_done(&out);
        }
    }
}

/* What looks like it and is none: it comes out as it went in. */
static void other_text_is_left_alone(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "a=1", "1+1", "2026-11-24", "a@b.org", "'=1", "\u2212 1", "\u00E9=", "\xEF\xBC", "\xEF", "%", "|calc", "#=1",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct buf out;
        buf_init(&out, NULL, 0);
        csv_append_cell(&out, trail_str(texts[i]), true);
        assert_int_equal(out.size, strlen(texts[i]));
        assert_memory_equal(out.data, texts[i], out.size);
        buf_done(&out);
    }
}

static void lines_have_commas_between_and_end_with_cr_lf(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, NULL, 0);
    csv_append_cell(&out, trail_str("a"), true);
    csv_append_cell(&out, trail_str(""), false);
    csv_append_cell(&out, trail_str("c"), false);
    csv_append_end(&out);
    assert_int_equal(out.size, 6);
    assert_memory_equal(out.data, "a,,c\r\n", 6);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_quoted_when_they_must_be),
        cmocka_unit_test(no_cell_is_a_formula_in_any_disguise),
        cmocka_unit_test(other_text_is_left_alone),
        cmocka_unit_test(lines_have_commas_between_and_end_with_cr_lf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
