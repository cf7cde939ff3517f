/* cleanup_report.c -- prints what a clean-up did, or would do: for people as a few lines, for programs as JSON. */
#include "cli/cleanup_report.h"

#include <inttypes.h>

#include "base/json.h"
#include "cli/figures.h"

static void print_json(FILE *out, const struct buf *text)
{
    if (buf_failed(text))
        fputs("{}\n", out);
    else
        fprintf(out, "%.*s\n", (int)text->size, text->data);
}

/* "1,234 references", with a word of its own for one. */
static void print_count(FILE *out, const char *before, uint64_t count, const char *one, const char *many)
{
    fprintf(out, "%s%s %s", before, figure_count(count).text, count == 1 ? one : many);
}

static void print_rest(FILE *out, const struct cleanup_work *work)
{
    if (work->partitions > 0) { /* Where a day is a table. */
        print_count(out, "days      ", work->partitions, "partition", "partitions");
        fputs(" as a whole\n", out);
    }
    print_count(out, "also      ", work->references, "reference", "references");
    print_count(out, ", ", work->ledger_rows, "ledger row", "ledger rows");
    print_count(out, ", ", work->writers, "writer", "writers");
    print_count(out, ", ", work->dead_letters, "dead letter", "dead letters");
    fputc('\n', out);
}

void cleanup_report_done(const struct retention_report *report, bool json, FILE *out)
{
    struct buf text;
    char       cut_off[CLOCK_TEXT_SIZE];

    if (json) {
        buf_init(&text, NULL, 0);
        retention_describe(report, &text);
        print_json(out, &text);
        buf_done(&text);
        return;
    }
    clock_format(report->cut_off_us, cut_off);
    print_count(out, "deleted   ", report->work.events, "event", "events");
    fprintf(out, " before %s (%" PRIu64 " days)", cut_off, report->days);
    print_count(out, ", in ", report->work.batches, "transaction", "transactions");
    fputc('\n', out);
    print_rest(out, &report->work);
    fprintf(out, "took      %s\n", figure_age(report->duration_us).text);
    if (report->cannot_shrink)
        fputs(
            "note      the file keeps its size, because it was made without incremental auto-vacuum; the space is used "
            "again\n",
            out);
    if (report->superseded)
        fputs("note      another process has taken over the clean-up\n", out);
}

static void forecast_json(const struct cleanup_forecast *forecast, const char *cut_off, uint64_t days, FILE *out)
{
    const struct cleanup_work *work = &forecast->work;
    struct buf                 text;
    char                       oldest[CLOCK_TEXT_SIZE];
    char                       newest[CLOCK_TEXT_SIZE];

    clock_format(forecast->oldest_us, oldest);
    clock_format(forecast->newest_us, newest);
    buf_init(&text, NULL, 0);
    buf_printf(&text, "{\"dry_run\":true,\"cut_off\":\"%s\",\"days\":%" PRIu64 ",\"events\":%" PRIu64, cut_off, days,
               work->events);
    if (work->events > 0)
        buf_printf(&text, ",\"oldest\":\"%s\",\"newest\":\"%s\"", oldest, newest);
    buf_printf(&text, ",\"partitions\":%" PRIu64, work->partitions);
    buf_printf(&text, ",\"references\":%" PRIu64 ",\"ledger_rows\":%" PRIu64, work->references, work->ledger_rows);
    buf_printf(&text, ",\"writers\":%" PRIu64 ",\"dead_letters\":%" PRIu64, work->writers, work->dead_letters);
    if (forecast->refused[0] != '\0') {
        buf_append_string(&text, ",\"refused\":");
        json_append_string(&text, trail_str(forecast->refused));
    }
    buf_append_string(&text, "}");
    print_json(out, &text);
    buf_done(&text);
}

void cleanup_report_forecast(const struct cleanup_forecast *forecast, int64_t cut_off_us, uint64_t days, bool json,
                             FILE *out)
{
    char cut_off[CLOCK_TEXT_SIZE];
    char oldest[CLOCK_TEXT_SIZE];
    char newest[CLOCK_TEXT_SIZE];

    clock_format(cut_off_us, cut_off);
    if (json) {
        forecast_json(forecast, cut_off, days, out);
        return;
    }
    print_count(out, "would go  ", forecast->work.events, "event", "events");
    fprintf(out, " before %s (%" PRIu64 " days)\n", cut_off, days);
    if (forecast->work.events > 0) {
        clock_format(forecast->oldest_us, oldest);
        clock_format(forecast->newest_us, newest);
        fprintf(out, "from      %s to %s\n", oldest, newest);
    }
    print_rest(out, &forecast->work);
    if (forecast->refused[0] != '\0')
        fprintf(out, "refused   %s (see --accept-clock)\n", forecast->refused);
}
