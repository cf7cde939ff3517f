/* event_printer.c -- prints stored events one after the other, as a table, JSON, NDJSON or CSV. */
#include "cli/event_printer.h"

#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/csv.h"
#include "cli/printable.h"
#include "event/event_json.h"

static void flush_line(struct event_printer *printer)
{
    if (buf_failed(&printer->line))
        printer->failed = true;
    else
        fwrite(printer->line.data, 1, printer->line.size, printer->out);
    buf_clear(&printer->line);
}

void printer_begin(struct event_printer *printer, FILE *out, enum output_format format, const struct columns *columns)
{
    *printer = (struct event_printer){ .out = out, .format = format, .is_terminal = isatty(fileno(out)) == 1 };
    buf_init(&printer->line, NULL, 0);
    if (columns != NULL)
        printer->columns = *columns;
    else if (format == OUTPUT_TABLE)
        columns_for_people(&printer->columns);
    else
        columns_complete(&printer->columns);

    for (size_t i = 0; i < printer->columns.count; i++) {
        printer->headings[i].heading = column_name(printer->columns.list[i]);
        if (format == OUTPUT_CSV)
            csv_append_cell(&printer->line, trail_str(printer->headings[i].heading), i == 0);
    }
    if (format == OUTPUT_CSV) {
        csv_append_end(&printer->line);
        flush_line(printer);
    }
    if (format == OUTPUT_TABLE)
        table_begin(&printer->table, out, printer->headings, printer->columns.count);
}

static void append_json(struct buf *out, const struct trail_stored_event *event)
{
    struct event_record record = {
        .event = event->event, .seq = event->seq, .flags = event->flags, .weight = event->weight
    };
    /* A query knows the id and not the writer's uuid: the id goes in front of what the event itself says. */
    buf_printf(out, "{\"id\":\"%s\",", event->id.text);
    size_t brace = out->size;
    event_to_json(&record, NULL, out);
    if (buf_failed(out))
        return;
    memmove(out->data + brace, out->data + brace + 1, out->size - brace - 1);
    out->size -= 2;
    if (event->service.size > 0) {
        buf_append_string(out, ",\"service\":");
        json_append_string(out, event->service);
    }
    buf_append_string(out, "}");
}

/* A program reads the text as it is; a terminal would obey what stands in it. */
static void append_csv_cell(struct event_printer *printer, struct trail_text text, bool first)
{
    struct buf shown;
    if (!printer->is_terminal) {
        csv_append_cell(&printer->line, text, first);
        return;
    }
    buf_init(&shown, NULL, 0);
    printable_append(&shown, text);
    printer->failed |= buf_failed(&shown);
    csv_append_cell(&printer->line, buf_text(&shown), first);
    buf_done(&shown);
}

static void print_cells(struct event_printer *printer, const struct trail_stored_event *event)
{
    for (size_t i = 0; i < printer->columns.count; i++) {
        struct buf cell;
        char       storage[4096];
        buf_init(&cell, storage, sizeof storage);
        column_append(printer->columns.list[i], event, &cell);
        if (buf_failed(&cell))
            printer->failed = true;
        else if (printer->format == OUTPUT_CSV)
            append_csv_cell(printer, buf_text(&cell), i == 0);
        else
            table_cell_styled(&printer->table, buf_text(&cell), column_style(printer->columns.list[i], event));
        buf_done(&cell);
    }
    if (printer->format == OUTPUT_CSV) {
        csv_append_end(&printer->line);
        flush_line(printer);
    }
}

void printer_event(struct event_printer *printer, const struct trail_stored_event *event)
{
    if (printer->format == OUTPUT_TABLE || printer->format == OUTPUT_CSV) {
        print_cells(printer, event);
    } else {
        if (printer->format == OUTPUT_JSON)
            buf_append_string(&printer->line, printer->count == 0 ? "[\n" : ",\n");
        append_json(&printer->line, event);
        if (printer->format == OUTPUT_NDJSON)
            buf_append_string(&printer->line, "\n");
        flush_line(printer);
    }
    printer->count++;
}

void printer_settle(struct event_printer *printer)
{
    size_t least[COLUMNS_MAX];
    if (printer->format != OUTPUT_TABLE)
        return;
    for (size_t i = 0; i < printer->columns.count; i++)
        least[i] = column_usual_width(printer->columns.list[i]);
    table_settle(&printer->table, least);
}

bool printer_end(struct event_printer *printer)
{
    if (printer->format == OUTPUT_JSON)
        fputs(printer->count == 0 ? "[]\n" : "\n]\n", printer->out);
    if (printer->format == OUTPUT_TABLE && !table_end(&printer->table))
        printer->failed = true;
    buf_done(&printer->line);
    return !printer->failed;
}
