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
        { "\t=1", "'\t=1" },
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
        cmocka_unit_test(lines_have_commas_between_and_end_with_cr_lf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
