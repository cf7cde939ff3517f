/* event_printer.h -- prints stored events one after the other, as a table, JSON, NDJSON or CSV.
 *
 * json is one array, ndjson one object per line, csv RFC 4180 with a line of headings. Nothing but the table
 * cuts or rewords anything, except that csv on a terminal spells out what a terminal would obey.
 *
 * Thread: one owner.
 * Memory: events are borrowed for the call; a table gathers up to TABLE_MEASURED_ROWS of them.
 * Errors: printer_end() is false when memory ran out; write errors stay in the stream.
 */
#ifndef AUDITTRAIL_CLI_EVENT_PRINTER_H
#define AUDITTRAIL_CLI_EVENT_PRINTER_H

#include "cli/columns.h"
#include "cli/output_format.h"
#include "cli/table.h"

struct event_printer {
    FILE               *out;
    enum output_format  format;
    bool                is_terminal;
    struct columns      columns; /* Of table and csv. */
    struct table_column headings[COLUMNS_MAX];
    struct table        table;
    struct buf          line;
    uint64_t            count;  /* Events printed. */
    bool                failed; /* Out of memory. */
};

/* `columns` NULL: the usual ones of the format. */
void printer_begin(struct event_printer *printer, FILE *out, enum output_format format, const struct columns *columns);

void printer_event(struct event_printer *printer, const struct trail_stored_event *event);

/* From now on every event is printed when it comes, also in a table, whose columns then get their usual widths. */
void printer_settle(struct event_printer *printer);

bool printer_end(struct event_printer *printer);

#endif
