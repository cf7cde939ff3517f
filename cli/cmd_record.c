/* cmd_record.c -- `audittrail record`: records the lines of files, and says what became of them.
 *
 * Happy path: every line goes through the recorder, then flush, close, and one line of summary. When it fails: a
 * line in error is told and left out (exit 1); a file that cannot be read ends the reading; a store that stays away
 * ends the command with exit 5, and says how many events are safe in the spool, and where. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/figures.h"
#include "cli/interrupt.h"
#include "cli/lines.h"
#include "cli/load_settings.h"
#include "cli/recorder.h"

#define RECORD_ERRORS_PRINTED 20
#define RECORD_TIMEOUT_S 30

/* How long the close waits. The flush before it has waited for the events; only the trail's own farewell is left. */
#define RECORD_CLOSE_S 3

struct record {
    struct recorder recorder;
    struct options  options;
    char            service[160]; /* "AUDIT_TRAIL_SERVICE=..."; empty: not given. */
    char            shutdown[64]; /* "AUDIT_TRAIL_SHUTDOWN_TIMEOUT=...". */
    bool            json;
    bool            stored;  /* Everything that was accepted is in the store. */
    uint64_t        waiting; /* If not, so many are in the spool. */
};

/* ---- Options ---- */

static const char *take_errors(void *context, const char *value)
{
    struct record     *record = context;
    unsigned long long number = UINT64_MAX;
    if (strcmp(value, "all") != 0 && !options_number(value, INT64_MAX, &number))
        return "a number, or all";
    record->recorder.errors_printed_max = number;
    return NULL;
}

static const char *take_output(void *context, const char *value)
{
    struct record *record = context;
    record->json = strcmp(value, "json") == 0;
    return record->json || strcmp(value, "text") == 0 ? NULL : "text or json";
}

static const char *take_service(void *context, const char *value)
{
    struct record *record = context;
    if (*value == '\0' || strlen(value) > 100)
        return "a name of 1 to 100 bytes";
    snprintf(record->service, sizeof record->service, "AUDIT_TRAIL_SERVICE=%s", value);
    return NULL;
}

static const char *take_strict(void *context, const char *value)
{
    (void)value;
    ((struct record *)context)->recorder.strict = true;
    return NULL;
}

static const char *take_timeout(void *context, const char *value)
{
    struct record     *record = context;
    unsigned long long number = 0;
    if (!options_number(value, 3600, &number) || number == 0)
        return "a number of seconds from 1 to 3600";
    record->recorder.timeout_s = (unsigned)number;
    return NULL;
}

static const struct option_info record_options[] = {
    { "strict", 0, NULL, "stop at the first line in error", take_strict },
    { "errors", 0, "N", "print the first N lines in error, or all; 20 if not given", take_errors },
    { "timeout", 0, "SECONDS", "give up when the store takes nothing for so long; 30 if not given", take_timeout },
    { "service", 0, "NAME", "who records, as AUDIT_TRAIL_SERVICE says otherwise", take_service },
    { "output", 'o', "FORMAT", "the summary: text on stderr (if not given), or json on stdout", take_output,
      "text json" },
    { .name = NULL },
};

static const struct usage record_usage = {
    .command = "record",
    .synopsis = "[options] [file...]",
    .about = "Record events given as NDJSON, one JSON object per line, from files or standard input (-).\n"
             "Required are action, resource_type and user_id; unknown fields are kept under context.extra.\n"
             "A line in error is told and left out, the others go on. Returns when everything is stored.",
    .options = record_options,
    .notes =
        "example:\n"
        "  echo '{\"action\":\"create_tool\",\"resource_type\":\"tool\",\"user_id\":\"alice\"}' | audittrail record",
    .operands_max = OPTIONS_OPERANDS_MAX,
    .operands = USAGE_OPERANDS_FILES,
};

const struct usage *usage_record(void)
{
    return &record_usage;
}

/* ---- Files ---- */

static void fail_file(struct recorder *recorder, const char *what)
{
    progress_clear(&recorder->progress);
    fprintf(stderr, "audittrail record: cannot %s %s: %s\n", what,
            recorder->file != NULL ? recorder->file : "standard input", strerror(errno));
    recorder->stop = RECORDER_BROKEN;
}

static void record_lines(struct recorder *recorder, struct lines *lines)
{
    uint64_t          bytes_before = recorder->bytes;
    struct trail_text line;
    while (recorder->stop == RECORDER_GOES_ON) {
        enum lines_result result = lines_next(lines, &line);
        if (result == LINES_END)
            return;
        if (result == LINES_FAILED) {
            fail_file(recorder, "read");
            return;
        }
        /* A signal is also noticed between two lines that are in the buffer already. */
        if (result == LINES_STOPPED || interrupt_count() > 0) {
            recorder->stop = RECORDER_INTERRUPTED;
            return;
        }
        if (result == LINES_TOO_LONG)
            recorder_long_line(recorder, lines->number);
        else if (text_trim(line).size > 0)
            recorder_line(recorder, lines->number, line);
        recorder->bytes = bytes_before + lines->bytes;
        if ((lines->number & 0x3F) == 0)
            progress_show(&recorder->progress, recorder->lines, recorder->bytes);
        if ((lines->number & 0xFFF) == 0)
            recorder_print_notices(recorder);
    }
}

static void record_file(struct recorder *recorder, const char *name)
{
    bool         is_stdin = strcmp(name, "-") == 0;
    struct lines lines;

    recorder->file = is_stdin ? NULL : name;
    int fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        fail_file(recorder, "open");
        return;
    }
    if (lines_open(&lines, fd, interrupt_fd()))
        record_lines(recorder, &lines);
    else
        fail_file(recorder, "read");
    lines_close(&lines);
    if (!is_stdin)
        close(fd);
}

/* How much there is to read; 0: not known, because it comes through a pipe or a file is not there. */
static uint64_t bytes_to_read(const struct options *options)
{
    uint64_t    total = 0;
    struct stat status;

    if (options->operand_count == 0)
        return fstat(STDIN_FILENO, &status) == 0 && S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
    for (size_t i = 0; i < options->operand_count; i++) {
        if (stat(options->operands[i], &status) != 0 || !S_ISREG(status.st_mode))
            return 0;
        total += (uint64_t)status.st_size;
    }
    return total;
}

static void record_files(struct record *record)
{
    const struct options *options = &record->options;
    struct recorder      *recorder = &record->recorder;

    progress_begin(&recorder->progress,
                   &(struct progress_work){ "lines", bytes_to_read(options), stderr, &clock_system });
    if (options->operand_count == 0)
        record_file(recorder, "-");
    for (size_t i = 0; i < options->operand_count && recorder->stop == RECORDER_GOES_ON; i++)
        record_file(recorder, options->operands[i]);
    progress_clear(&recorder->progress);
}

/* ---- What became of them ---- */

struct reason {
    const char *name;
    uint64_t    count;
};

#define REASON_COUNT 6

/* The codes say how many, the trail's own numbers for which of the policy's reasons. */
static void find_reasons(const struct recorder *recorder, struct reason reasons[REASON_COUNT])
{
    struct trail_stats stats = { .struct_size = sizeof stats };
    uint64_t           level = 0;
    uint64_t           excluded = 0;
    uint64_t           sampled = 0;
    trail_stats(recorder->trail, &stats);
    for (size_t i = 0; i < TRAIL_OPERATION_COUNT; i++) {
        level += stats.operations[i].level;
        excluded += stats.operations[i].excluded;
        sampled += stats.operations[i].sampled;
    }
    reasons[0] = (struct reason){ "level", level };
    reasons[1] = (struct reason){ "excluded", excluded };
    reasons[2] = (struct reason){ "sampled", sampled };
    reasons[3] = (struct reason){ "disabled", stats.disabled };
    reasons[4] = (struct reason){ "rejected", recorder->rejected };
    reasons[5] = (struct reason){ "dropped", recorder->dropped };
}

static void print_summary(const struct record *record, const struct reason reasons[REASON_COUNT])
{
    const struct recorder *recorder = &record->recorder;
    if (record->json) {
        printf("{\"lines\":%" PRIu64 ",\"recorded\":%" PRIu64, recorder->lines, recorder->recorded);
        for (size_t i = 0; i < REASON_COUNT; i++)
            printf(",\"%s\":%" PRIu64, reasons[i].name, reasons[i].count);
        printf(",\"waiting\":%" PRIu64 "}\n", record->waiting);
        return;
    }
    fprintf(stderr, "%s line%s: %s recorded", figure_count(recorder->lines).text, recorder->lines == 1 ? "" : "s",
            figure_count(recorder->recorded).text);
    const char *gap = "; not recorded: ";
    for (size_t i = 0; i < REASON_COUNT; i++) {
        if (reasons[i].count == 0)
            continue;
        fprintf(stderr, "%s%s %s", gap, figure_count(reasons[i].count).text, reasons[i].name);
        gap = ", ";
    }
    fputc('\n', stderr);
}

static void tell_waiting(const struct record *record)
{
    struct settings settings;
    bool            known = load_settings(&settings, &record->options, NULL);
    char            why[64] = "the store does not take them";
    if (record->recorder.stop == RECORDER_INTERRUPTED)
        snprintf(why, sizeof why, "interrupted while the store was waited for");
    else if (!notices_have((struct notices *)&record->recorder.notices, TRAIL_EVERSION))
        snprintf(why, sizeof why, "the store took nothing for %u seconds", record->recorder.timeout_s);

    fprintf(stderr, "audittrail record: %s; %s event%s safe in the spool %s until the next start with these settings\n",
            why, figure_count(record->waiting).text, record->waiting == 1 ? " is" : "s are",
            known && settings.spool_dir != NULL ? settings.spool_dir : "directory");
    settings_done(&settings);
}

static int exit_code_of(const struct record *record)
{
    const struct recorder *recorder = &record->recorder;
    if (!record->stored && recorder->stop != RECORDER_INTERRUPTED)
        return EXIT_CODE_UNREACHABLE;
    return recorder->rejected > 0 || recorder->stop != RECORDER_GOES_ON ? EXIT_CODE_FAILURE : EXIT_CODE_OK;
}

/* Flush and close the trail, and find out whether everything is stored. */
static void close_trail(struct record *record)
{
    struct recorder *recorder = &record->recorder;
    uint64_t         waiting = 0;

    progress_begin(&recorder->progress,
                   &(struct progress_work){ "events stored", recorder->recorded, stderr, &clock_system });
    record->stored = recorder->stop != RECORDER_AWAY && recorder_wait_stored(recorder, 1);
    progress_clear(&recorder->progress);
    if (interrupt_count() > 0 && recorder->stop == RECORDER_GOES_ON)
        recorder->stop = RECORDER_INTERRUPTED;

    /* The store may have come back meanwhile. The other way round only the trail's own farewell waits, no event of
     * ours; for the same reason no more than what was recorded is called waiting. */
    if (trail_close(recorder->trail, &waiting) == TRAIL_OK)
        record->stored = true;
    if (!record->stored)
        record->waiting = waiting < recorder->recorded ? waiting : recorder->recorded;
    notices_print(&recorder->notices, "record");
}

static int finish(struct record *record)
{
    struct recorder *recorder = &record->recorder;
    struct reason    reasons[REASON_COUNT];

    if (recorder->rejected > recorder->errors_printed_max)
        fprintf(stderr, "and %s more lines in error\n",
                figure_count(recorder->rejected - recorder->errors_printed_max).text);
    find_reasons(recorder, reasons);
    close_trail(record);
    print_summary(record, reasons);
    if (recorder->stop == RECORDER_STRICT)
        fprintf(stderr, "audittrail record: stopped at the first error; %s recorded before it\n",
                figure_count(recorder->recorded).text);
    if (recorder->stop == RECORDER_INTERRUPTED)
        fprintf(stderr, "audittrail record: interrupted after %s lines\n", figure_count(recorder->lines).text);
    if (!record->stored)
        tell_waiting(record);
    return exit_code_of(record);
}

/* ---- The command ---- */

static bool open_trail(struct record *record)
{
    struct notices      *notices = &record->recorder.notices;
    struct trail_error   error = { .code = TRAIL_OK };
    struct trail_options options = { TRAIL_OPTIONS_INIT, .settings = record->options.settings,
                                     .env_file = record->options.env_file, .on_notice = notices_take,
                                     .notice_context = notices };

    enum trail_err err = trail_open(&record->recorder.trail, &options, &error);
    /* A wrong setting is told as a notice, too; the same sentence is kept once. */
    if (err != TRAIL_OK)
        notices_take(notices, &error);
    notices_print(notices, "record");
    return err == TRAIL_OK;
}

/* The options of this command that are settings of the trail. */
static bool add_settings(struct record *record)
{
    unsigned timeout_s = record->recorder.timeout_s;
    snprintf(record->shutdown, sizeof record->shutdown, "AUDIT_TRAIL_SHUTDOWN_TIMEOUT=%u",
             timeout_s < RECORD_CLOSE_S ? timeout_s : RECORD_CLOSE_S);
    if (record->service[0] != '\0' && !options_add_setting(&record->options, record->service))
        return false;
    return options_add_setting(&record->options, record->shutdown);
}

int cmd_record(int argc, char **argv)
{
    static struct record record = { .recorder = { .notices = NOTICES_INIT,
                                                  .errors_printed_max = RECORD_ERRORS_PRINTED,
                                                  .timeout_s = RECORD_TIMEOUT_S } };
    struct options      *options = &record.options;

    (void)argc;
    if (!options_parse(options, &record_usage, argv, &record))
        return options->exit_code;
    if (!add_settings(&record)) {
        fputs("audittrail record: too many --set options\n", stderr);
        return EXIT_CODE_USAGE;
    }
    if (!open_trail(&record))
        return EXIT_CODE_USAGE;

    interrupt_install();
    record_files(&record);
    return finish(&record);
}
