/* test_table.c -- rows are aligned, cut only on a terminal, and any number of them takes little memory.
 *
 * Goal:   columns line up by what is shown; nothing is lost off a terminal; lines fit on one.
 * Method: tables are printed into memory; a terminal is had by setting its width.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/printable.h"
#include "cli/table.h"

static const struct table_column two_columns[] = { { "name", false }, { "count", true } };

struct printed {
    FILE  *out;
    char  *text;
    size_t size;
};

static void begin(struct printed *printed)
{
    printed->out = tmpfile();
    assert_non_null(printed->out);
}

static void end(struct printed *printed)
{
    printed->size = (size_t)ftell(printed->out);
    printed->text = calloc(1, printed->size + 1);
    assert_non_null(printed->text);
    rewind(printed->out);
    assert_int_equal(fread(printed->text, 1, printed->size, printed->out), printed->size);
    fclose(printed->out);
}

static void columns_line_up_by_what_is_shown(void **state)
{
    (void)state;
    struct printed printed;
    struct table   table;
    begin(&printed);
    table_begin(&table, printed.out, two_columns, 2);
    table_cell(&table, trail_str("alice"));
    table_cell(&table, trail_str("7"));
    table_cell(&table, trail_str("\xE6\x97\xA5\xE6\x9C\xAC"));
    table_cell(&table, trail_str("1,000"));
    table_cell(&table, trail_str("b\x1b"));
    table_cell(&table, trail_str(""));
    assert_true(table_end(&table));
    end(&printed);
    assert_string_equal(printed.text, "name   count\n"
                                      "alice      7\n"
                                      "\xE6\x97\xA5\xE6\x9C\xAC   1,000\n"
                                      "b\\x1b       \n");
    free(printed.text);
}

static void styles_take_no_width_and_leave_nothing_where_there_are_no_colours(void **state)
{
    (void)state;
    static const struct {
        bool        colors;
        const char *text;
    } cases[] = {
        { false, "name   count\nalice      7\n\xE6\x97\xA5         1\n" },
        { true, "\x1b[1mname\x1b[0m   \x1b[1mcount\x1b[0m\n"
                "\x1b[31malice\x1b[0m      7\n"
                "\xE6\x97\xA5         \x1b[35m1\x1b[0m\n" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct printed printed;
        struct table   table;
        begin(&printed);
        table_begin(&table, printed.out, two_columns, 2);
        table_show_on(&table, &(struct screen){ .colors = cases[i].colors });
        table_cell_styled(&table, trail_str("alice"), STYLE_BAD);
        table_cell_styled(&table, trail_str("7"), STYLE_PLAIN);
        table_cell(&table, trail_str("\xE6\x97\xA5"));
        table_cell_styled(&table, trail_str("1"), STYLE_GAP);
        assert_true(table_end(&table));
        end(&printed);
        assert_string_equal(printed.text, cases[i].text);
        free(printed.text);
    }
}

static void an_empty_table_has_its_headings(void **state)
{
    (void)state;
    struct printed printed;
    struct table   table;
    begin(&printed);
    table_begin(&table, printed.out, two_columns, 2);
    assert_true(table_end(&table));
    end(&printed);
    assert_string_equal(printed.text, "name  count\n");
    free(printed.text);
}

static void lines_fit_a_terminal_and_say_that_they_were_cut(void **state)
{
    (void)state;
    struct printed printed;
    struct table   table;
    begin(&printed);
    table_begin(&table, printed.out, two_columns, 2);
    table.terminal_width = 20;
    table_cell(&table, trail_str("a name that is longer than the terminal"));
    table_cell(&table, trail_str("1"));
    assert_true(table_end(&table));
    end(&printed);
    const char *row = strchr(printed.text, '\n') + 1;
    assert_int_equal(printable_width((struct trail_text){ row, strlen(row) - 1 }), 20);
    assert_non_null(strstr(row, "\xE2\x80\xA6"));
    free(printed.text);
}

static void off_a_terminal_nothing_is_cut(void **state)
{
    (void)state;
    struct printed printed;
    struct table   table;
    char           long_text[5001];
    memset(long_text, 'x', 5000);
    long_text[5000] = '\0';
    begin(&printed);
    table_begin(&table, printed.out, two_columns, 2);
    assert_int_equal(table.terminal_width, 0);
    table_cell(&table, trail_str(long_text));
    table_cell(&table, trail_str("1"));
    assert_true(table_end(&table));
    end(&printed);
    assert_non_null(strstr(printed.text, long_text));
    free(printed.text);
}

static void rows_beyond_the_measured_ones_are_not_kept(void **state)
{
    (void)state;
    struct printed printed;
    struct table   table;
    begin(&printed);
    table_begin(&table, printed.out, two_columns, 2);
    for (size_t i = 0; i < 3 * TABLE_MEASURED_ROWS; i++) {
        table_cell(&table, trail_str(i > TABLE_MEASURED_ROWS ? "a later one that is wide" : "row"));
        table_cell(&table, trail_str("1"));
        assert_true(table.row_count < TABLE_MEASURED_ROWS);
    }
    assert_true(table_end(&table));
    end(&printed);
    size_t lines = 0;
    for (const char *c = printed.text; *c != '\0'; c++)
        lines += *c == '\n';
    assert_int_equal(lines, 3 * TABLE_MEASURED_ROWS + 1);
    free(printed.text);
}

static void a_settled_table_prints_each_row_as_it_comes(void **state)
{
    (void)state;
    static const size_t least[] = { 8, 3 };
    struct printed      printed;
    struct table        table;
    begin(&printed);
    table_begin(&table, printed.out, two_columns, 2);
    table_cell(&table, trail_str("gathered"));
    table_cell(&table, trail_str("1"));
    table_settle(&table, least);
    assert_int_equal(ftell(printed.out), strlen("name      count\ngathered      1\n"));
    table_cell(&table, trail_str("x"));
    table_cell(&table, trail_str("2"));
    assert_int_equal(ftell(printed.out), strlen("name      count\ngathered      1\nx             2\n"));
    table_settle(&table, least); /* Once is enough. */
    table_cell(&table, trail_str("wider than all"));
    table_cell(&table, trail_str("3"));
    assert_true(table_end(&table));
    end(&printed);
    assert_string_equal(printed.text, "name      count\n"
                                      "gathered      1\n"
                                      "x             2\n"
                                      "wider than all      3\n");
    free(printed.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_line_up_by_what_is_shown),
        cmocka_unit_test(styles_take_no_width_and_leave_nothing_where_there_are_no_colours),
        cmocka_unit_test(an_empty_table_has_its_headings),
        cmocka_unit_test(a_settled_table_prints_each_row_as_it_comes),
        cmocka_unit_test(lines_fit_a_terminal_and_say_that_they_were_cut),
        cmocka_unit_test(off_a_terminal_nothing_is_cut),
        cmocka_unit_test(rows_beyond_the_measured_ones_are_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
