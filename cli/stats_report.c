/* stats_report.c -- prints a survey as a calm page for people: what is wrong first, then where everything is. */
#include "cli/stats_report.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "base/uuid.h"
#include "cli/figures.h"
#include "cli/paragraph.h"
#include "cli/screen.h"
#include "cli/table.h"
#include "event/operation.h"

#define LABEL_COLUMNS 15

/* More living and orphaned writers than this are only counted: a page is for the eye. */
#define WRITERS_SHOWN_MAX 20

struct page {
    const struct stats_view *view;
    FILE                    *out;
    size_t                   width;
    struct buf               line; /* Scratch of line_begin() and line_end(). */
};

/* A labelled line is gathered in page->line, and wrapped when it is whole. */
static struct buf *line_begin(struct page *page)
{
    buf_clear(&page->line);
    return &page->line;
}

static void line_end(struct page *page, const char *label)
{
    if (!buf_failed(&page->line))
        paragraph_print(page->out, page->width, label, LABEL_COLUMNS, buf_text(&page->line));
}

static struct figure ago(const struct page *page, int64_t then_us)
{
    int64_t age_us = page->view->survey->taken_us - then_us;
    return figure_age(age_us > 0 ? age_us : 0);
}

/* ---- Warnings ---- */

static void print_warnings(struct page *page)
{
    const struct stats_warnings *warnings = page->view->warnings;

    if (warnings->count == 0) {
        fputs("No warnings.\n\n", page->out);
        return;
    }
    struct screen screen = screen_of(page->out);
    char          heading[64];
    snprintf(heading, sizeof heading, "%zu warning%s:", warnings->count, warnings->count == 1 ? "" : "s");
    screen_print(&screen, page->out, STYLE_WARNING, heading);
    fputs("\n\n", page->out);
    for (size_t i = 0; i < warnings->count; i++) {
        paragraph_print(page->out, page->width, "!", 2, trail_str(warnings->list[i].message));
        paragraph_print(page->out, page->width, "", 2, trail_str(warnings->list[i].help));
        putc('\n', page->out);
    }
}

/* ---- Accounts ---- */

static void print_account(struct table *table, const char *name, const struct survey_account *account)
{
    const uint64_t counts[] = { stats_offered(account), stats_recorded(account), account->level,  account->excluded,
                                account->sampled,       account->rejected,       account->dropped };
    table_cell(table, trail_str(name));
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct figure figure = figure_count(counts[i]);
        table_cell(table, trail_str(figure.text));
    }
}

static void print_accounts(struct page *page)
{
    static const struct table_column columns[] = {
        { "operation", false }, { "offered", true }, { "recorded", true }, { "level", true },
        { "excluded", true },   { "sampled", true }, { "rejected", true }, { "dropped", true },
    };
    const struct stats_sums *sums = page->view->sums;
    struct table             table;

    table_begin(&table, page->out, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 1; i < TRAIL_OPERATION_COUNT; i++) {
        if (stats_offered(&sums->operations[i]) > 0)
            print_account(&table, operation_name((enum trail_operation)i), &sums->operations[i]);
    }
    /* The trail's own records come last: they are not what people did. */
    if (stats_offered(&sums->operations[0]) > 0)
        print_account(&table, "control", &sums->operations[0]);
    print_account(&table, "total", &sums->all);
    (void)table_end(&table);

    fprintf(page->out, "\noffered = recorded + level + excluded + sampled + rejected + dropped\n");
    fprintf(page->out, "recorded %s = stored %s + waiting %s + dead-lettered %s\n\n",
            figure_count(stats_recorded(&sums->all)).text, figure_count(sums->all.stored).text,
            figure_count(sums->all.waiting).text, figure_count(sums->all.dead_lettered).text);
}

/* ---- Writers ---- */

/* Those that are in the store alone are gone, and only counted. */
static bool writer_is_shown(const struct survey_writer *writer)
{
    return writer->alive || survey_writer_is_orphan(writer);
}

/* "this one", "store 3f2a1b9c", "URL hash 3f2a1b9c": enough to tell them apart; the JSON has it whole. */
static struct figure destination_figure(const struct survey_writer *writer)
{
    struct figure figure = { "this one" };
    char          name[UUID_TEXT_SIZE];

    uuid_format(&writer->destination, name);
    if (writer->foreign && writer->destination_kind == SURVEY_DESTINATION_UNKNOWN)
        snprintf(figure.text, sizeof figure.text, "unknown");
    else if (writer->foreign)
        snprintf(figure.text, sizeof figure.text, "%s %.8s",
                 writer->destination_kind == SURVEY_DESTINATION_STORE ? "store" : "URL hash", name);
    return figure;
}

static void print_writer(struct table *table, const struct survey_writer *writer)
{
    struct figure pid;
    uint64_t      waiting = survey_writer_waiting(writer);
    snprintf(pid.text, sizeof pid.text, "%" PRId64, writer->pid);

    table_cell(table, trail_str(writer->service));
    table_cell(table, trail_str(pid.text));
    table_cell(table, trail_str(writer->host));
    table_cell(table, trail_str(writer->alive ? "alive" : "orphaned"));
    table_cell(table, trail_str(figure_count(waiting).text));
    table_cell(table, trail_str(waiting > 0 ? figure_age(writer->oldest_waiting_us).text : ""));
    table_cell(table, trail_str(figure_bytes(writer->spool_bytes).text));
    table_cell(table, trail_str(destination_figure(writer).text));
}

static void print_writers(struct page *page)
{
    static const struct table_column columns[] = {
        { "service", false }, { "pid", true },    { "host", false }, { "state", false },
        { "waiting", true },  { "oldest", true }, { "spool", true }, { "store", false },
    };
    const struct survey *survey = page->view->survey;
    struct table         table;
    size_t               shown = 0;

    for (size_t i = 0; i < survey->writer_count; i++)
        shown += writer_is_shown(&survey->writers[i]) ? 1 : 0;
    if (shown == 0)
        return;

    size_t room = WRITERS_SHOWN_MAX;
    table_begin(&table, page->out, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < survey->writer_count && room > 0; i++) {
        if (!writer_is_shown(&survey->writers[i]))
            continue;
        print_writer(&table, &survey->writers[i]);
        room--;
    }
    (void)table_end(&table);
    if (shown > WRITERS_SHOWN_MAX)
        fprintf(page->out, "and %s more; -o json has them all\n", figure_count(shown - WRITERS_SHOWN_MAX).text);
    putc('\n', page->out);
}

static void print_writer_counts(struct page *page)
{
    const struct stats_sums *sums = page->view->sums;
    struct buf              *line = line_begin(page);

    buf_printf(line, "%s alive, %s gone, %s orphaned", figure_count(sums->alive).text, figure_count(sums->gone).text,
               figure_count(sums->orphaned).text);
    if (sums->foreign > 0)
        buf_printf(line, "; of other stores %s, with up to %s waiting", figure_count(sums->foreign).text,
                   figure_count(sums->foreign_waiting).text);
    if (sums->foreign_orphaned > 0)
        buf_printf(line, ", %s orphaned", figure_count(sums->foreign_orphaned).text);
    line_end(page, "writers");
}

/* ---- Places ---- */

static void print_spool(struct page *page)
{
    const struct survey     *survey = page->view->survey;
    const struct stats_sums *sums = page->view->sums;
    struct buf              *line = line_begin(page);
    const char              *up_to = survey->store_reachable ? "" : "up to ";

    buf_printf(line, "%s%s", up_to, figure_count(sums->all.waiting).text);
    if (sums->all.waiting > 0)
        buf_printf(line, ", the oldest for %s%s, in %s", up_to, figure_age(sums->oldest_waiting_us).text,
                   figure_bytes(sums->waiting_bytes).text);
    if (!survey->store_reachable)
        buf_append_string(line, " (the store knows which of them it has)");
    line_end(page, "waiting");

    line = line_begin(page);
    buf_printf(line, "%s in %s", figure_bytes(sums->spool_bytes).text, survey->spool_dir);
    if (survey->damaged_segments > 0)
        buf_printf(line, "; %s damaged", figure_count(survey->damaged_segments).text);
    line_end(page, "spool");
}

static void print_store(struct page *page)
{
    const struct survey *survey = page->view->survey;
    struct buf          *line = line_begin(page);
    uint64_t             each = stats_bytes_per_event(survey);

    if (!survey->store_reachable) {
        buf_printf(line, "cannot be reached: %s", survey->store_url);
        line_end(page, "store");
        return;
    }
    buf_printf(line, "%s events, %s in %s", figure_count(stats_events_kept(survey)).text,
               figure_bytes(survey->store_bytes).text, survey->store_url);
    if (each > 0)
        buf_printf(line, ", %s each", figure_bytes(each).text);
    line_end(page, "store");
}

/* ---- What comes in ---- */

static void print_flow(struct page *page, const char *label, const struct survey_flow *flow, uint64_t rows_per_day)
{
    const struct survey *survey = page->view->survey;
    struct buf          *line = line_begin(page);
    uint64_t             each = stats_bytes_per_event(survey);

    buf_printf(line, "%s rows in %s transaction%s", figure_count(flow->events).text,
               figure_count(flow->transactions).text, flow->transactions == 1 ? "" : "s");
    if (flow->transactions > 0 && each > 0)
        buf_printf(line, ", about %s", figure_bytes(flow->events * each).text);
    if (rows_per_day > 0)
        buf_printf(line, "; %s rows a day", figure_count(rows_per_day).text);
    line_end(page, label);
}

static void print_flush(struct page *page)
{
    const struct survey_store *store = &page->view->survey->store;
    struct buf                *line = line_begin(page);

    if (store->flush_us == 0)
        buf_append_string(line, "none");
    else
        buf_printf(line, "%s ago, %s row%s", ago(page, store->flush_us).text, figure_count(store->flush_events).text,
                   store->flush_events == 1 ? "" : "s");
    line_end(page, "last flush");
}

/* What the settings of whoever asks say is to happen; what did happen stands in front of it. */
static void append_retention(const struct settings *settings, struct buf *line)
{
    if (settings->cleanup_enabled)
        buf_printf(line, "; retention %s %s", figure_count((uint64_t)settings->retention_days).text,
                   settings->retention_days == 1 ? "day" : "days");
    else
        buf_append_string(line, "; switched off here: nothing is deleted (AUDIT_TRAIL_CLEANUP_ENABLED=false)");
}

static void print_cleanup(struct page *page)
{
    const struct survey_cleanup *cleanup = &page->view->survey->store.cleanup;
    struct buf                  *line = line_begin(page);
    struct figure                since = ago(page, cleanup->started_us);

    if (!cleanup->any)
        buf_append_string(line, "none so far");
    else if (cleanup->refused[0] != '\0')
        buf_printf(line, "refused %s ago: %s", since.text, cleanup->refused);
    else if (cleanup->finished_us == 0)
        buf_printf(line, "began %s ago and goes on: %s events deleted so far", since.text,
                   figure_count(cleanup->events_deleted).text);
    else
        buf_printf(line, "%s ago, took %s: %s events deleted that were older than %s", since.text,
                   figure_age(cleanup->duration_us).text, figure_count(cleanup->events_deleted).text,
                   figure_age(cleanup->started_us - cleanup->cut_off_us).text);
    append_retention(page->view->settings, line);
    line_end(page, "last clean-up");
}

static void print_dead_letters(struct page *page)
{
    const struct survey_store *store = &page->view->survey->store;
    struct buf                *line = line_begin(page);

    if (store->dead_letters == 0)
        buf_append_string(line, "none");
    else
        buf_printf(line, "%s, the newest %s ago: %s", figure_count(store->dead_letters).text,
                   ago(page, store->dead_letter_us).text, store->dead_letter_error);
    line_end(page, "dead letters");
}

/* ---- What is not recorded ---- */

static void print_policy(struct page *page)
{
    const struct stats_refusals *refusals = &page->view->sums->refusals;
    struct buf                  *line = line_begin(page);

    buf_append_string(line, page->view->policy);
    line_end(page, "policy here");
    if (refusals->last == NULL)
        return;

    line = line_begin(page);
    buf_printf(line, "level %s, excluded %s, sampled %s", figure_count(refusals->account.level).text,
               figure_count(refusals->account.excluded).text, figure_count(refusals->account.sampled).text);
    if (refusals->living > 0)
        buf_printf(line, " by %s living process%s", figure_count(refusals->living).text,
                   refusals->living == 1 ? "" : "es");
    else
        buf_printf(line, " by the last (%s, pid %" PRId64 ", started %s ago)", refusals->last->service,
                   refusals->last->pid, ago(page, refusals->last->started_us).text);
    line_end(page, "left out");
}

void stats_report_page(const struct stats_view *view, FILE *out)
{
    struct page                page = { .view = view, .out = out, .width = paragraph_width(out) };
    const struct survey_store *store = &view->survey->store;

    buf_init(&page.line, NULL, 0);
    print_warnings(&page);
    print_accounts(&page);
    print_writers(&page);
    print_writer_counts(&page);
    print_spool(&page);
    print_store(&page);
    if (view->survey->store_reachable) {
        putc('\n', out);
        print_flow(&page, "last 24 hours", &store->day, 0);
        print_flow(&page, "last 7 days", &store->week, stats_rows_per_day(view->survey));
        print_flush(&page);
        print_cleanup(&page);
        print_dead_letters(&page);
    }
    putc('\n', out);
    print_policy(&page);
    if (!view->survey->steady)
        fputs("\nBatches were committed all the while: what is stored and what waits may be a batch out.\n", out);
    buf_done(&page.line);
}
