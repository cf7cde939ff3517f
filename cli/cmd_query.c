/* cmd_query.c -- `audittrail query`: finds recorded events and prints them. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/commands.h"
#include "cli/event_printer.h"
#include "cli/figures.h"
#include "cli/load_settings.h"
#include "cli/pager.h"
#include "cli/query_request.h"
#include "trail/survey.h"

#define QUERY_ABOUT                                                                                       \
    "Find recorded events, the newest first. Filters narrow the result; each takes what all the others\n" \
    "leave. Times are UTC. Text is compared as it stands, but for --action, where * and ? match anything."

#define QUERY_EXAMPLES                                                                 \
    "\n\nexamples:\n"                                                                  \
    "  audittrail query --since 1h --user alice\n"                                     \
    "  audittrail query --resource tool/42 --operation update,delete --oldest-first\n" \
    "  audittrail query --since 7d --outcome denied,failure -o csv --limit all > denied.csv"

const struct usage *usage_query(void)
{
    static char         notes[COLUMNS_NOTES_SIZE];
    static struct usage usage = {
        .command = "query", .synopsis = "[options]", .about = QUERY_ABOUT, .options = query_options
    };
    usage.notes = columns_notes(notes, QUERY_EXAMPLES);
    return &usage;
}

/* What one run of the query works with. */
struct page {
    const struct query_request *request;
    struct screen               screen; /* Of standard output, before a pager came between. */
    struct event_printer        printer;
    struct pager                pager;
    struct trail_id             last; /* Of the event printed last. */
    bool                        more; /* There is at least one more. */
};

/* A table gathers its first rows before it prints any, so a pager can still be started when they turn out to be more
 * than the screen shows. */
static void page_if_long(struct page *page)
{
    const struct query_request *request = page->request;
    if (request->format == OUTPUT_TABLE && !request->no_pager && page->screen.height > 0 &&
        page->printer.count + 1 == page->screen.height)
        pager_start(&page->pager, "query");
}

/* Print up to the limit; TRAIL_ENOTFOUND when the events ended before it. */
static enum trail_err print_page(struct page *page, struct trail_query *query, struct trail_error *ret_error)
{
    const struct query_request *request = page->request;
    bool                        one = request->id.text[0] != '\0';
    for (;;) {
        struct trail_stored_event event;
        enum trail_err            err = trail_query_next(query, &event, ret_error);
        if (err != TRAIL_OK)
            return err;
        if (one && strcmp(event.id.text, request->id.text) != 0)
            continue;
        /* The limit is looked at with the next event in hand: only then is it known that there is one. */
        if (page->printer.count == request->limit) {
            page->more = !one;
            return TRAIL_OK;
        }
        printer_event(&page->printer, &event);
        page_if_long(page);
        page->last = event.id;
        if (one || pager_has_quit(&page->pager))
            return TRAIL_OK;
    }
}

static void print_hint(const struct page *page, char **argv)
{
    struct buf line;
    buf_init(&line, NULL, 0);
    query_request_next_page(page->request, argv, page->last.text, &line);
    fflush(stdout);
    if (!buf_failed(&line))
        fprintf(stderr, "next page: %.*s\n", (int)line.size, line.data);
    buf_done(&line);
}

static int fail(const struct trail_error *error)
{
    fflush(stdout);
    fprintf(stderr, "audittrail query: %s\n", error->message);
    switch ((int)error->code) {
    case TRAIL_EAWAY: return EXIT_CODE_UNREACHABLE;
    case TRAIL_ECONFIG:
    case TRAIL_EINVAL: return EXIT_CODE_USAGE;
    default: return EXIT_CODE_FAILURE;
    }
}

/* Control records apart: nobody looks for those. */
static uint64_t waiting_events(const struct survey_writer *writer)
{
    return writer->foreign ? 0 : survey_writer_waiting(writer) - writer->operations[0].waiting;
}

/* Who finds nothing in the store may be looking for what is not there yet. */
static void tell_waiting(const struct settings *settings)
{
    struct survey survey = { .writers = NULL };
    uint64_t      waiting = 0;

    if (survey_take(&survey, settings, NULL) == TRAIL_OK) {
        for (size_t i = 0; i < survey.writer_count; i++)
            waiting += waiting_events(&survey.writers[i]);
    }
    survey_done(&survey);
    if (waiting == 0)
        return;
    fprintf(stderr, "audittrail query: %s %s on this machine and not yet in the store; `audittrail tail` shows %s\n",
            figure_count(waiting).text, waiting == 1 ? "event waits" : "events wait", waiting == 1 ? "it" : "them");
}

static int run_query(struct page *page, const struct settings *settings, char **argv)
{
    const struct query_request *request = page->request;
    struct trail_error          error = { 0 };
    struct trail_query         *query = NULL;

    if (trail_query_open(&query, settings->database_url, &request->filter, &error) != TRAIL_OK) {
        int exit_code = fail(&error);
        if (error.code == TRAIL_EAWAY)
            tell_waiting(settings);
        return exit_code;
    }

    printer_begin(&page->printer, stdout, request->format, request->columns_given ? &request->columns : NULL);
    if (request->format == OUTPUT_TABLE)
        table_show_on(&page->printer.table, &page->screen);
    enum trail_err err = print_page(page, query, &error);
    trail_query_close(query);
    bool     printed = printer_end(&page->printer);
    uint64_t count = page->printer.count;
    pager_end(&page->pager);

    if (err != TRAIL_OK && err != TRAIL_ENOTFOUND)
        return fail(&error);
    if (!printed) {
        fputs("audittrail query: out of memory\n", stderr);
        return EXIT_CODE_FAILURE;
    }
    if (count == 0) {
        fflush(stdout);
        fputs("audittrail query: nothing matches\n", stderr);
        tell_waiting(settings);
        return EXIT_CODE_NO_MATCH;
    }
    if (page->more && (request->format == OUTPUT_TABLE || isatty(STDERR_FILENO)))
        print_hint(page, argv);
    return EXIT_CODE_OK;
}

int cmd_query(int argc, char **argv)
{
    struct options       options;
    struct query_request request;
    struct settings      settings;
    int                  exit_code = EXIT_CODE_USAGE;

    (void)argc;
    query_request_init(&request, clock_wall_us(&clock_system));
    if (!options_parse(&options, usage_query(), argv, &request)) {
        query_request_done(&request);
        return options.exit_code;
    }
    const char *wrong = query_request_finish(&request);
    if (wrong != NULL) {
        fprintf(stderr, "audittrail query: %s (see `audittrail query --help`)\n", wrong);
    } else {
        struct page page = { .request = &request, .screen = screen_of(stdout) };
        if (load_settings(&settings, &options, "query"))
            exit_code = run_query(&page, &settings, argv);
        settings_done(&settings);
    }
    query_request_done(&request);
    return exit_code;
}
