/* cmd_cleanup.c -- `audittrail cleanup`: deletes now what is older than the retention period, or says what would go.
 *
 * Happy path: a connection of its own, the engine of the drain stepped to its end, a record in the trail, a report.
 * When it fails: a store that is away or locked ends it with exit 5, a clock that cannot be right with exit 1; what was
 * deleted until then is deleted, and the next run goes on. A signal ends it between two transactions. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "cli/cleanup_report.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/load_settings.h"
#include "cli/notices.h"
#include "cli/progress.h"
#include "event/control.h"
#include "trail/own_record.h"

/* How long the record about the run waits for the store, which has just been there. */
#define RECORD_TIMEOUT_MS 10000

struct cleanup {
    struct options          options;
    struct notices          notices;
    char                    days[64]; /* "AUDIT_TRAIL_RETENTION_DAYS=..."; empty: not given. */
    bool                    accept_clock;
    bool                    dry_run;
    bool                    json;
    struct retention_report report;
    struct progress         progress; /* Of the run. */
};

/* ---- Options ---- */

static const char *take_accept_clock(void *context, const char *value)
{
    (void)value;
    ((struct cleanup *)context)->accept_clock = true;
    return NULL;
}

static const char *take_days(void *context, const char *value)
{
    struct cleanup    *cleanup = context;
    unsigned long long number = 0;
    if (!options_number(value, 36500, &number) || number == 0)
        return "a number of days from 1 to 36500";
    snprintf(cleanup->days, sizeof cleanup->days, "AUDIT_TRAIL_RETENTION_DAYS=%llu", number);
    return NULL;
}

static const char *take_dry_run(void *context, const char *value)
{
    (void)value;
    ((struct cleanup *)context)->dry_run = true;
    return NULL;
}

static const char *take_output(void *context, const char *value)
{
    bool *json = &((struct cleanup *)context)->json;
    *json = strcmp(value, "json") == 0;
    return *json || strcmp(value, "table") == 0 ? NULL : "table or json";
}

static const struct option_info cleanup_options[] = {
    { "dry-run", 'n', NULL, "count what would go, and change nothing", take_dry_run },
    { "days", 0, "N", "keep N days, as AUDIT_TRAIL_RETENTION_DAYS says otherwise", take_days },
    { "accept-clock", 0, NULL, "the system's clock is right: run although a clean-up was refused because of it",
      take_accept_clock },
    { "output", 'o', "FORMAT", "table (if not given) or json", take_output, "table json" },
    { .name = NULL },
};

static const struct usage cleanup_usage = {
    .command = "cleanup",
    .synopsis = "[options]",
    .about = "Delete the events that are older than AUDIT_TRAIL_RETENTION_DAYS, and what nothing uses any more\n"
             "without them, in transactions of AUDIT_TRAIL_CLEANUP_BATCH_SIZE. The processes that record do the\n"
             "same by themselves every AUDIT_TRAIL_CLEANUP_INTERVAL seconds; nothing needs to be stopped for it.",
    .options = cleanup_options,
    .notes = "examples:\n"
             "  audittrail cleanup --dry-run\n"
             "  audittrail cleanup --days 30 --dry-run -o json",
};

static int fail(enum trail_err err, const struct trail_error *error)
{
    fprintf(stderr, "audittrail cleanup: %s\n", error->message[0] != '\0' ? error->message : trail_strerror(err));
    return err == TRAIL_EAWAY ? EXIT_CODE_UNREACHABLE : err == TRAIL_ECONFIG ? EXIT_CODE_USAGE : EXIT_CODE_FAILURE;
}

/* ---- What would go ---- */

static int forecast(const struct cleanup *cleanup, const struct settings *settings)
{
    struct cleanup_forecast found;
    struct trail_error      error = { 0 };
    struct store           *store = NULL;
    char                    host[OS_HOST_SIZE];
    int64_t                 cut_off_us = retention_cut_off_us(settings, clock_wall_us(&clock_system));

    os_host_name(host);
    enum trail_err err = store_open_reader(&store, settings->database_url, &error);
    if (err == TRAIL_OK)
        err = store_cleanup_forecast(store, cut_off_us, trail_str(host), &found, &error);
    store_close(store);
    if (err != TRAIL_OK)
        return fail(err, &error);
    cleanup_report_forecast(&found, cut_off_us, settings->retention_days, cleanup->json, stdout);
    return EXIT_CODE_OK;
}

/* ---- The run ---- */

/* Leave the store to others for so long, or until a signal comes. */
static void pause_for(int64_t us)
{
    struct pollfd signalled = { .fd = interrupt_fd(), .events = POLLIN };
    (void)poll(&signalled, 1, (int)(us / 1000 + 1));
}

/* To the end of the run. */
static enum retention_result run_all(struct cleanup *cleanup, struct retention *retention, struct store *store,
                                     struct trail_error *ret_error)
{
    enum retention_result result = RETENTION_WORKING;
    progress_begin(&cleanup->progress, &(struct progress_work){ "events deleted", 0, stderr, &clock_system });
    while (result == RETENTION_WORKING && interrupt_count() == 0) {
        int64_t wait_us = retention_wait_us(retention);
        if (wait_us > 0)
            pause_for(wait_us);
        result = retention_step(retention, store, &cleanup->report, ret_error);
        progress_show(&cleanup->progress, retention->report.work.events, 0);
    }
    progress_clear(&cleanup->progress);
    if (result == RETENTION_WORKING || result == RETENTION_FAILED)
        cleanup->report = retention->report; /* So far. */
    return result;
}

/* A database that is not there yet is not made by cleaning it up. */
static enum trail_err open_store(struct store **ret_store, const struct settings *settings,
                                 struct trail_error *ret_error)
{
    struct store  *look = NULL;
    enum trail_err err = store_open_reader(&look, settings->database_url, ret_error);
    store_close(look);
    if (err != TRAIL_OK && ret_error->sys_errno == ENOENT)
        return err;
    return store_open(ret_store, settings->database_url, NULL, ret_error);
}

/* The run is a fact that belongs into the trail. */
static void record(struct cleanup *cleanup)
{
    struct trail        *trail = NULL;
    struct trail_error   error = { 0 };
    struct buf           context;
    struct trail_options options = { TRAIL_OPTIONS_INIT, .settings = cleanup->options.settings,
                                     .env_file = cleanup->options.env_file, .on_notice = notices_take,
                                     .notice_context = &cleanup->notices };

    if (!retention_is_worth_a_record(&cleanup->report))
        return;
    buf_init(&context, NULL, 0);
    retention_describe(&cleanup->report, &context);
    enum trail_err err = trail_open(&trail, &options, &error);
    if (err == TRAIL_OK)
        err = trail_record_control(trail, CONTROL_RETENTION_APPLIED, &context, &error);
    if (err == TRAIL_OK)
        err = trail_flush(trail, RECORD_TIMEOUT_MS);
    if (err == TRAIL_PENDING)
        fputs("audittrail cleanup: the record about it is safe in the spool, and not stored yet\n", stderr);
    else if (err != TRAIL_OK)
        fprintf(stderr, "audittrail cleanup: it is not recorded in the trail: %s\n",
                error.message[0] != '\0' ? error.message : trail_strerror(err));
    (void)!trail_close(trail, NULL);
    buf_done(&context);
}

static int tell(struct cleanup *cleanup, enum retention_result result, const struct trail_error *error)
{
    notices_print(&cleanup->notices, "cleanup");
    if (result == RETENTION_FAILED) {
        if (retention_is_worth_a_record(&cleanup->report))
            cleanup_report_done(&cleanup->report, cleanup->json, stdout);
        fflush(stdout);
        return fail(error->code, error);
    }
    if (result == RETENTION_REFUSED || result == RETENTION_HELD)
        return EXIT_CODE_FAILURE; /* The notice has said it. */
    cleanup_report_done(&cleanup->report, cleanup->json, stdout);
    if (result != RETENTION_WORKING)
        return EXIT_CODE_OK;
    fflush(stdout);
    fputs("audittrail cleanup: interrupted; the next run goes on\n", stderr);
    return EXIT_CODE_FAILURE;
}

static int run(struct cleanup *cleanup, const struct settings *settings)
{
    struct trail_error             error = { 0 };
    struct store                  *store = NULL;
    struct retention               retention;
    const struct retention_options options = {
        .settings = settings,
        .clock = &clock_system,
        .now = true,
        .accept_clock = cleanup->accept_clock,
        .on_notice = notices_take,
        .notice_context = &cleanup->notices,
    };

    enum trail_err err = open_store(&store, settings, &error);
    if (err != TRAIL_OK)
        return fail(err, &error);
    interrupt_install();
    retention_init(&retention, &options);
    enum retention_result result = run_all(cleanup, &retention, store, &error);
    retention_done(&retention);
    store_close(store);
    if (result != RETENTION_HELD)
        record(cleanup);
    return tell(cleanup, result, &error);
}

const struct usage *usage_cleanup(void)
{
    return &cleanup_usage;
}

int cmd_cleanup(int argc, char **argv)
{
    static struct cleanup cleanup = { .notices = NOTICES_INIT };
    struct settings       settings;
    int                   exit_code = EXIT_CODE_USAGE;

    (void)argc;
    if (!options_parse(&cleanup.options, &cleanup_usage, argv, &cleanup))
        return cleanup.options.exit_code;
    if (cleanup.days[0] != '\0' && !options_add_setting(&cleanup.options, cleanup.days)) {
        fputs("audittrail cleanup: too many --set options\n", stderr);
        return EXIT_CODE_USAGE;
    }
    if (load_settings(&settings, &cleanup.options, "cleanup")) {
        if (cleanup.dry_run)
            exit_code = forecast(&cleanup, &settings);
        else if (settings.cleanup_enabled)
            exit_code = run(&cleanup, &settings);
        else
            fputs("audittrail cleanup: AUDIT_TRAIL_CLEANUP_ENABLED is false: nothing is deleted. --dry-run says what "
                  "would go; --set AUDIT_TRAIL_CLEANUP_ENABLED=true runs it once\n",
                  stderr);
    }
    settings_done(&settings);
    return exit_code;
}
