/* test_scdoc.c -- text comes out of scdoc as it went in.
 *
 * Goal:   nothing in a help text or a setting is taken for markup, and what is laid out stays so.
 * Method: tables of texts and the sources that scdoc must be given (manual_pages of tests/integration reads the pages).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "cli/scdoc.h"

struct source_case {
    const char *text;
    const char *source;
};

static void check(const struct buf *out, const char *source)
{
    assert_int_equal(out->size, strlen(source));
    assert_memory_equal(out->data, source, out->size);
}

static void words_are_no_markup(void **state)
{
    (void)state;
    static const struct source_case cases[] = {
        { "plain", "plain" },
        { "AUDIT_TRAIL_X", "AUDIT\\_TRAIL\\_X" },
        { "a * b", "a \\* b" },
        { "`x` \\n", "\\`x\\` \\\\n" },
        { "--set", "\\--set" },
        { "a --set", "a --set" },
        { "# no heading", "\\# no heading" },
        { "[x] | .", "\\[x] | ." },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out;
        buf_init(&out, NULL, 0);
        scdoc_words(&out, trail_str(cases[i].text));
        check(&out, cases[i].source);
        buf_done(&out);
    }
}

static void prose_flows_and_columns_stay(void **state)
{
    (void)state;
    static const struct source_case cases[] = {
        { "one\ntwo", "one\ntwo\n" },
        { "one\n\ntwo", "one\n\ntwo\n" },
        { "show   this\ncheck  that\nthen", "\n```\nshow   this\ncheck  that\n```\n\nthen\n" },
        { "so:\n  a_b\n  c", "so:\n\n```\n  a_b\n  c\n```\n\n" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out;
        buf_init(&out, NULL, 0);
        scdoc_prose(&out, trail_str(cases[i].text));
        check(&out, cases[i].source);
        buf_done(&out);
    }
}

static void a_literal_block_loses_its_indent_only(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, NULL, 0);
    scdoc_literal(&out, trail_str("  a_*\n    b\n c"), 2);
    check(&out, "```\na_*\n  b\nc\n```\n");
    buf_done(&out);
}

static void markdown_becomes_scdoc(void **state)
{
    (void)state;
    static const struct source_case cases[] = {
        { "Use `a_b` now.", "Use *a\\_b* now.\n" },
        { "x\n\n| A | `b` |\n|---|---|\n| c | |\n\ny", "x\n\n[[ A\n:[ *b*\n|[ c\n:[ \n\ny\n" },
        { "- one\n- `two`", "- one\n- *two*\n" },
        { "```sh\n# a_b | c\n```\nz", "```\n# a_b | c\n```\nz\n" },
        { "a - b", "a - b\n" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out;
        buf_init(&out, NULL, 0);
        scdoc_markdown(&out, cases[i].text);
        check(&out, cases[i].source);
        buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_no_markup),
        cmocka_unit_test(prose_flows_and_columns_stay),
        cmocka_unit_test(a_literal_block_loses_its_indent_only),
        cmocka_unit_test(markdown_becomes_scdoc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
