/* table.h -- prints rows as aligned columns.
 *
 * Widths come from the first rows (TABLE_MEASURED_ROWS of them); later rows are printed as they come, so that
 * a million of them take no memory. On a terminal lines are cut to its width, with an ellipsis in the widest columns;
 * elsewhere nothing is cut, so that what is piped on is complete. Styles take no width: they are written around the
 * cells, never into them.
 *
 * Thread: one owner.
 * Memory: cells are copied; the columns are borrowed.
 * Errors: table_end() is false when memory ran out; write errors stay in the stream.
 */
#ifndef AUDITTRAIL_CLI_TABLE_H
#define AUDITTRAIL_CLI_TABLE_H

#include <stdio.h>

#include "base/buf.h"
#include "cli/screen.h"

#define TABLE_COLUMNS_MAX 64
#define TABLE_MEASURED_ROWS 1000

struct table_column {
    const char *heading;
    bool        right; /* Numbers stand on the right. */
};

struct table {
    FILE                      *out;
    const struct table_column *columns;
    size_t                     column_count;
    size_t                     terminal_width; /* 0: nothing is cut. */
    size_t                     widths[TABLE_COLUMNS_MAX];
    size_t                     next_column; /* Where the next cell goes. */
    size_t                     row_count;   /* Gathered, not yet printed. */
    bool                       colors;
    bool                       measured; /* The widths are fixed and the headings printed. */
    struct buf                 cells;    /* Gathered cells: struct cell_head, then the bytes. */
};

/* Start a table of at most TABLE_COLUMNS_MAX columns, as wide and coloured as the terminal behind `out` is, if any. */
void table_begin(struct table *table, FILE *out, const struct table_column *columns, size_t column_count);

/* Before the first cell: print for this screen, whatever is behind `out`. */
void table_show_on(struct table *table, const struct screen *screen);

/* Add the next cell of the row; the last cell of a row ends it. */
void table_cell(struct table *table, struct trail_text text);
void table_cell_styled(struct table *table, struct trail_text text, enum style style);

/* Do not measure on: print the headings and what was gathered, each column at least as wide as `least` says, and every
 * later row as it comes. */
void table_settle(struct table *table, const size_t *least);

/* Print what is left; with no rows at all the headings alone. */
bool table_end(struct table *table);

#endif
