/* table.c -- prints rows as aligned columns. */
#include "cli/table.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "cli/printable.h"

#define TABLE_GAP 2 /* Blanks between columns. */

/* No column is squeezed below this: a date, or enough of a name to know it. */
#define TABLE_WIDTH_MIN 10

/* In front of a gathered cell's bytes. */
struct cell_head {
    size_t     size;
    enum style style;
};

void table_begin(struct table *table, FILE *out, const struct table_column *columns, size_t column_count)
{
    assert(column_count > 0 && column_count <= TABLE_COLUMNS_MAX);

    *table = (struct table){ .out = out, .columns = columns, .column_count = column_count };
    struct screen screen = screen_of(out);
    table_show_on(table, &screen);
    buf_init(&table->cells, NULL, 0);
    for (size_t i = 0; i < column_count; i++)
        table->widths[i] = printable_width(trail_str(columns[i].heading));
}

void table_show_on(struct table *table, const struct screen *screen)
{
    table->terminal_width = screen->width;
    table->colors = screen->colors;
}

/* Take from the widest column, one by one, until a line fits. */
static void fit_to_terminal(struct table *table)
{
    size_t total = TABLE_GAP * (table->column_count - 1);
    for (size_t i = 0; i < table->column_count; i++)
        total += table->widths[i];

    while (table->terminal_width > 0 && total > table->terminal_width) {
        size_t widest = 0;
        for (size_t i = 1; i < table->column_count; i++) {
            if (table->widths[i] > table->widths[widest])
                widest = i;
        }
        if (table->widths[widest] <= TABLE_WIDTH_MIN)
            return;
        table->widths[widest]--;
        total--;
    }
}

static void print_cell(struct table *table, size_t column, struct trail_text cell, enum style style)
{
    size_t limit = table->widths[column];
    size_t width = printable_width(cell);
    bool   cut = table->terminal_width > 0 && width > limit;
    if (cut) {
        cell = printable_cut(cell, limit - 1);
        width = printable_width(cell) + 1;
    }
    int  padding = width < limit ? (int)(limit - width) : 0;
    bool last = column + 1 == table->column_count;
    bool right = table->columns[column].right;

    fprintf(table->out, "%*s", right ? padding : 0, "");
    if (!table->colors)
        style = STYLE_PLAIN;
    fputs(style_begin(style), table->out);
    fwrite(cell.data, 1, cell.size, table->out);
    if (cut)
        fputs("\xE2\x80\xA6", table->out);
    fputs(style_end(style), table->out);
    if (last)
        putc('\n', table->out);
    else
        fprintf(table->out, "%*s", (right ? 0 : padding) + TABLE_GAP, "");
}

/* Print and forget the gathered rows; the first time fixes the widths. */
static void print_gathered(struct table *table)
{
    if (!table->measured) {
        fit_to_terminal(table);
        for (size_t i = 0; i < table->column_count; i++)
            print_cell(table, i, trail_str(table->columns[i].heading), STYLE_HEADING);
        table->measured = true;
    }

    const char *at = table->cells.data;
    for (size_t cell = 0; cell < table->row_count * table->column_count; cell++) {
        struct cell_head head;
        memcpy(&head, at, sizeof head);
        print_cell(table, cell % table->column_count, text_of(at + sizeof head, head.size), head.style);
        at += sizeof head + head.size;
    }
    table->row_count = 0;
    table->cells.size = 0;
}

void table_cell(struct table *table, struct trail_text text)
{
    table_cell_styled(table, text, STYLE_PLAIN);
}

void table_cell_styled(struct table *table, struct trail_text text, enum style style)
{
    size_t           begin = table->cells.size;
    struct cell_head head = { .style = style };
    buf_append(&table->cells, &head, sizeof head);
    printable_append(&table->cells, text);
    if (buf_failed(&table->cells))
        return;

    head.size = table->cells.size - begin - sizeof head;
    memcpy(table->cells.data + begin, &head, sizeof head);
    size_t width = printable_width(text_of(table->cells.data + begin + sizeof head, head.size));
    if (!table->measured && width > table->widths[table->next_column])
        table->widths[table->next_column] = width;

    table->next_column = (table->next_column + 1) % table->column_count;
    if (table->next_column != 0)
        return;
    table->row_count++;
    if (table->measured || table->row_count == TABLE_MEASURED_ROWS)
        print_gathered(table);
}

void table_settle(struct table *table, const size_t *least)
{
    if (table->measured || buf_failed(&table->cells))
        return;
    for (size_t i = 0; i < table->column_count; i++) {
        if (table->widths[i] < least[i])
            table->widths[i] = least[i];
    }
    print_gathered(table);
}

bool table_end(struct table *table)
{
    bool complete = !buf_failed(&table->cells);
    if (complete)
        print_gathered(table);
    buf_done(&table->cells);
    return complete;
}
