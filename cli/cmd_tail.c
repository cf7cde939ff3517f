/* cmd_tail.c -- `audittrail tail`: shows the newest events, and new ones as they are recorded. */
#include <poll.h>
#include <stdio.h>

#include "base/clock.h"
#include "cli/commands.h"
#include "cli/event_printer.h"
#include "cli/interrupt.h"
#include "cli/load_settings.h"
#include "cli/screen.h"
#include "cli/tail_marker.h"
#include "cli/tail_request.h"
#include "query/tail.h"

#define TAIL_ABOUT                                                                                           \
    "Show the newest events, the oldest of them first; with -f also every later one, within a second of\n"   \
    "being recorded: it is read from the spools on this machine, before it is stored. What other machines\n" \
    "recorded is shown when it is stored. Each event is shown once. Filters are those of `audittrail query`."

#define TAIL_NOTES                                                                                                 \
    "\n\nEvents of one process come in the order it recorded them. Numbers that neither spool nor store has are\n" \
    "shown as `-- gap: ... --` ({\"gap\": ...} in ndjson; on stderr with csv), whatever the filters say.\n"        \
    "Ctrl-C ends with exit code 0.\n"                                                                              \
    "\nexamples:\n"                                                                                                \
    "  audittrail tail -f\n"                                                                                       \
    "  audittrail tail -f -n 0 --outcome denied,failure\n"                                                         \
    "  audittrail tail -f -o ndjson --action 'delete_*' | notify"

struct session {
    const struct tail_request *request;
    struct tail               *tail;
    struct event_printer       printer;
    struct buf                 line;
};

static int fail(const struct trail_error *error)
{
    fflush(stdout);
    fprintf(stderr, "audittrail tail: %s\n", error->message);
    return error->code == TRAIL_ECONFIG || error->code == TRAIL_EINVAL ? EXIT_CODE_USAGE : EXIT_CODE_FAILURE;
}

/* Among the events, where the format has room for it, else on stderr. */
static void print_marker(struct session *session, const struct tail_item *item)
{
    enum output_format format = session->request->query.format;
    bool               record = tail_marker_is_record(item);

    buf_clear(&session->line);
    if (record && format == OUTPUT_NDJSON)
        tail_marker_json(item, &session->line);
    else
        tail_marker_text(item, &session->line);
    FILE         *out = record && format != OUTPUT_CSV ? stdout : stderr;
    struct screen screen = screen_of(out);
    buf_append(&session->line, "", 1);
    if (buf_failed(&session->line))
        return;
    fputs(record ? "" : "audittrail tail: ", out);
    screen_print(&screen, out, record && format != OUTPUT_NDJSON ? STYLE_GAP : STYLE_PLAIN, session->line.data);
    putc('\n', out);
}

/* Print what the tail found. What is about the store stands in front, on stderr; the events then follow in one go. */
static void print_items(struct session *session)
{
    size_t                  count;
    const struct tail_item *items = tail_items(session->tail, &count);
    for (size_t i = 0; i < count; i++) {
        if (items[i].kind == TAIL_EVENT)
            printer_event(&session->printer, items[i].event);
        else
            print_marker(session, &items[i]);
    }
    fflush(stdout);
}

/* Until the next look, or until someone wants us to end. False: a signal came, or nobody reads what we print. */
static bool wait_for_next_look(bool at_once)
{
    /* Asked for nothing, stdout still says when the other end of its pipe (POLLERR) or socket (POLLHUP) is closed. */
    struct pollfd ends[] = { { .fd = interrupt_fd(), .events = POLLIN }, { .fd = fileno(stdout) } };
    (void)poll(ends, 2, at_once ? 0 : TAIL_LOOK_MS);
    return interrupt_count() == 0 && (ends[1].revents & (POLLERR | POLLHUP | POLLNVAL)) == 0 && ferror(stdout) == 0;
}

static enum trail_err follow(struct session *session, struct trail_error *ret_error)
{
    bool more = true;
    while (wait_for_next_look(more)) {
        enum trail_err err = tail_look(session->tail, &more, ret_error);
        if (err != TRAIL_OK)
            return err;
        print_items(session);
    }
    return TRAIL_OK;
}

static int summary(const struct session *session, bool printed)
{
    if (!printed) {
        fputs("audittrail tail: out of memory\n", stderr);
        return EXIT_CODE_FAILURE;
    }
    if (session->request->follow || session->printer.count > 0)
        return EXIT_CODE_OK;
    if (!tail_sees_store(session->tail))
        return EXIT_CODE_UNREACHABLE; /* It was said why. */
    fflush(stdout);
    fputs("audittrail tail: nothing matches\n", stderr);
    return EXIT_CODE_NO_MATCH;
}

static int run_tail(const struct tail_request *request, const struct settings *settings)
{
    struct session            session = { .request = request };
    struct trail_error        error = { 0 };
    const struct tail_options options = {
        .database_url = settings->database_url,
        .spool_dir = request->no_spool ? NULL : settings->spool_dir,
        .filter = &request->query.filter,
    };

    if (tail_open(&session.tail, &options, &error) != TRAIL_OK)
        return fail(&error);
    buf_init(&session.line, NULL, 0);
    printer_begin(&session.printer, stdout, request->query.format,
                  request->query.columns_given ? &request->query.columns : NULL);
    enum trail_err err = tail_start(session.tail, request->query.limit, request->follow, &error);
    if (err == TRAIL_OK)
        print_items(&session);
    if (err == TRAIL_OK && request->follow) {
        printer_settle(&session.printer);
        fflush(stdout);
        err = follow(&session, &error);
    }
    bool printed = printer_end(&session.printer);
    int  exit_code = err == TRAIL_OK ? summary(&session, printed) : fail(&error);
    buf_done(&session.line);
    tail_close(session.tail);
    return exit_code;
}

const struct usage *usage_tail(void)
{
    static char         notes[COLUMNS_NOTES_SIZE];
    static struct usage usage = { .command = "tail", .synopsis = "[-f] [options]", .about = TAIL_ABOUT };
    usage.options = tail_options();
    usage.notes = columns_notes(notes, TAIL_NOTES);
    return &usage;
}

int cmd_tail(int argc, char **argv)
{
    struct options      options;
    struct tail_request request;
    struct settings     settings;
    int                 exit_code = EXIT_CODE_USAGE;

    (void)argc;
    tail_request_init(&request, clock_wall_us(&clock_system));
    if (!options_parse(&options, usage_tail(), argv, &request)) {
        tail_request_done(&request);
        return options.exit_code;
    }
    const char *wrong = tail_request_finish(&request);
    if (wrong != NULL) {
        fprintf(stderr, "audittrail tail: %s (see `audittrail tail --help`)\n", wrong);
    } else {
        interrupt_install();
        if (load_settings(&settings, &options, "tail"))
            exit_code = run_tail(&request, &settings);
        settings_done(&settings);
    }
    tail_request_done(&request);
    return exit_code;
}
