/* stats_warnings.c -- what an operator should look at, in words, each with what helps.
 *
 * One function per warning. Each looks for its cause and says nothing when it is not there.
 */
#include "cli/stats_warnings.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/uuid.h"
#include "cli/figures.h"

/* Below it a store that comes back leaves time to act. */
#define SPOOL_FILLING_PERCENT 80

/* One interval is normal, two a store that was busy. */
#define WAITING_INTERVALS_MAX 3

/* Losses of processes that are gone are told for so long. */
#define REFUSED_TOLD_US (7 * SURVEY_DAY_US)

struct finder {
    struct stats_warnings   *warnings;
    const struct survey     *survey;
    const struct stats_sums *sums;
    const struct settings   *settings;
};

static const char *const names[] = {
#define STATS_WARNING_NAME(id, name) #name,
    STATS_WARNING_MAP(STATS_WARNING_NAME)
#undef STATS_WARNING_NAME
};

/* Begin a warning with its message. */
__attribute__((format(printf, 3, 4))) static struct stats_warning *warn(struct finder *finder, enum stats_warning_id id,
                                                                        const char *format, ...)
{
    struct stats_warning *warning = &finder->warnings->list[finder->warnings->count++];
    va_list               arguments;

    warning->name = names[id];
    warning->help[0] = '\0';
    va_start(arguments, format);
    (void)vsnprintf(warning->message, sizeof warning->message, format, arguments);
    va_end(arguments);
    return warning;
}

__attribute__((format(printf, 2, 3))) static void help(struct stats_warning *warning, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(warning->help, sizeof warning->help, format, arguments);
    va_end(arguments);
}

/* "7 events", "1 event". */
struct counted {
    char text[64];
};

static struct counted counted(uint64_t count, const char *what)
{
    struct counted counted;
    snprintf(counted.text, sizeof counted.text, "%s %s%s", figure_count(count).text, what, count == 1 ? "" : "s");
    return counted;
}

/* ---- The store ---- */

static void find_unreachable(struct finder *finder)
{
    const struct survey *survey = finder->survey;
    if (survey->store_reachable)
        return;
    help(warn(finder, STATS_WARNING_STORE_UNREACHABLE, "The store cannot be reached: %s.",
              survey->store_error[0] != '\0' ? survey->store_error : survey->store_url),
         "Accepted events wait in the spool and are stored once it is back. Check AUDIT_TRAIL_DATABASE_URL "
         "(`audittrail config show`), that the database is there, and who may read it.");
}

/* Every number that a writer gave is at most one row, and the ledger's newest batch of a writer ends where the writer
 * stands. */
static bool writer_adds_up(const struct survey_writer *writer)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < TRAIL_OPERATION_COUNT; i++)
        rows += writer->operations[i].stored + writer->operations[i].dead_lettered;
    return rows <= writer->last_seq && (writer->ledger_seq == 0 || writer->ledger_seq == writer->last_seq);
}

static void find_differing(struct finder *finder)
{
    const struct survey *survey = finder->survey;
    uint64_t             differ = 0;
    char                 first[UUID_TEXT_SIZE] = "";

    for (size_t i = 0; i < survey->writer_count; i++) {
        const struct survey_writer *writer = &survey->writers[i];
        if (!writer->in_store || writer_adds_up(writer))
            continue;
        if (differ++ == 0)
            uuid_format(&writer->uuid, first);
    }
    if (differ > 0)
        help(warn(finder, STATS_WARNING_ACCOUNTS_DIFFER,
                  "The accounts of %s do not add up (the first: %s): audit_writers, audit_accounting and audit_batches "
                  "disagree on what is stored.",
                  counted(differ, "process").text, first),
             "Somebody changed the database by hand, it was put together from several backups, or this is a bug: "
             "compare the three tables, and report it with them.");
    else if (survey->store.week.events > survey->events_stored)
        help(warn(finder, STATS_WARNING_ACCOUNTS_DIFFER,
                  "The accounts do not add up: the ledger has %s events of the last 7 days, the accounts %s of all "
                  "time.",
                  figure_count(survey->store.week.events).text, figure_count(survey->events_stored).text),
             "Somebody changed the database by hand, or this is a bug: compare audit_accounting with audit_batches, "
             "and report it with them.");
}

/* While batches are committed the store may have moved between two looks. */
static void find_missing(struct finder *finder)
{
    uint64_t missing = 0;
    for (size_t i = 0; i < finder->survey->writer_count; i++)
        missing += finder->survey->writers[i].missing;
    if (missing == 0 || !finder->survey->steady)
        return;
    help(warn(finder, STATS_WARNING_EVENTS_MISSING, "%s were accepted, and neither the store nor a spool has them.",
              counted(missing, "event").text),
         "The database is an older backup, or a spool file is damaged. They will be recorded as lost: `audittrail "
         "query --action events_lost`.");
}

/* ---- The spool ---- */

static void find_refused(struct finder *finder)
{
    uint64_t rejected = 0;
    uint64_t dropped = 0;

    for (size_t i = 0; i < finder->survey->writer_count; i++) {
        const struct survey_writer *writer = &finder->survey->writers[i];
        bool recent = writer->alive || writer->started_us >= finder->survey->taken_us - REFUSED_TOLD_US;
        for (size_t operation = 0; recent && !writer->foreign && operation < TRAIL_OPERATION_COUNT; operation++) {
            rejected += writer->operations[operation].rejected;
            dropped += writer->operations[operation].dropped;
        }
    }
    if (rejected + dropped > 0)
        help(warn(finder, STATS_WARNING_EVENTS_REFUSED,
                  "%s could not be recorded (%s rejected, %s dropped) by processes that are alive or were started in "
                  "the last 7 days.",
                  counted(rejected + dropped, "event").text, figure_count(rejected).text, figure_count(dropped).text),
             "Rejected: not a valid event, or the spool was full. `audittrail query --action events_lost` says when it "
             "was full; then raise AUDIT_TRAIL_SPOOL_MAX_BYTES, or let callers wait with AUDIT_TRAIL_OVERFLOW=block.");
}

static void find_filling(struct finder *finder)
{
    const struct survey_writer *fullest = NULL;
    uint64_t                    limit = finder->settings->spool_max_bytes;

    for (size_t i = 0; i < finder->survey->writer_count; i++) {
        const struct survey_writer *writer = &finder->survey->writers[i];
        if (writer->alive && !writer->foreign && (fullest == NULL || writer->waiting_bytes > fullest->waiting_bytes))
            fullest = writer;
    }
    uint64_t percent =
        fullest != NULL && limit > 0 ? (uint64_t)((double)fullest->waiting_bytes * 100 / (double)limit) : 0;
    if (percent <= SPOOL_FILLING_PERCENT)
        return;
    help(warn(finder, STATS_WARNING_SPOOL_FILLING,
              "The spool of %s (pid %" PRId64 ") is %" PRIu64 " %% full: %s of %s.", fullest->service, fullest->pid,
              percent, figure_bytes(fullest->waiting_bytes).text, figure_bytes(limit).text),
         "Bring the store back, or raise AUDIT_TRAIL_SPOOL_MAX_BYTES (now %s by these settings). When it is full, "
         "AUDIT_TRAIL_OVERFLOW decides what callers get.",
         figure_bytes(limit).text);
}

static void find_waiting(struct finder *finder)
{
    const struct stats_sums *sums = finder->sums;
    int64_t                  interval_us = (int64_t)finder->settings->flush_interval_s * 1000000;
    /* A store that is away cannot say that the oldest events of a spool are stored already. */
    if (sums->oldest_waiting_us <= interval_us * WAITING_INTERVALS_MAX || !finder->survey->store_reachable)
        return;
    struct stats_warning *warning =
        warn(finder, STATS_WARNING_WAITING_TOO_LONG,
             "%s not stored; the oldest has waited for %s, though AUDIT_TRAIL_BUFFER_FLUSH_INTERVAL is %s s.",
             sums->all.waiting == 1 ? "1 event is" : "Events are", figure_age(sums->oldest_waiting_us).text,
             figure_count(finder->settings->flush_interval_s).text);
    if (sums->alive == 0)
        help(warning, "The processes that recorded them are gone, and no other records into this store. The next that "
                      "does stores them: start the service.");
    else
        help(warning, "The store is away, locked or read-only, or does not keep up: the service's notices say which. "
                      "What a dead process left is taken over by a living one within a minute.");
}

/* "the store 0198...", "a store whose URL has the hash 3f2a..." */
static void format_destination(const struct survey_writer *writer, char *out, size_t size)
{
    char name[UUID_TEXT_SIZE];
    uuid_format(&writer->destination, name);
    if (writer->destination_kind == SURVEY_DESTINATION_UNKNOWN)
        snprintf(out, size, "an unknown store");
    else
        snprintf(out, size, "%s %s",
                 writer->destination_kind == SURVEY_DESTINATION_STORE ? "the store" : "the URL hash", name);
}

static void find_foreign_orphans(struct finder *finder)
{
    const struct survey_writer *first = NULL;
    uint64_t                    waiting = 0;
    char                        destination[80];

    for (size_t i = 0; i < finder->survey->writer_count; i++) {
        const struct survey_writer *writer = &finder->survey->writers[i];
        if (!writer->foreign || !survey_writer_is_orphan(writer))
            continue;
        waiting += survey_writer_waiting(writer);
        if (first == NULL)
            first = writer;
    }
    if (first == NULL)
        return;
    format_destination(first, destination, sizeof destination);
    help(warn(finder, STATS_WARNING_FOREIGN_ORPHANS,
              "%s of dead processes with up to %s for another store; the first is of %s (pid %" PRId64 "), for %s.",
              counted(finder->sums->foreign_orphaned, "spool").text, counted(waiting, "event").text, first->service,
              first->pid, destination),
         "Start that service once, or record one event, with the AUDIT_TRAIL_DATABASE_URL that it had and "
         "AUDIT_TRAIL_SPOOL_DIR=%s: they are taken over and stored.",
         finder->survey->spool_dir);
}

static void find_damaged(struct finder *finder)
{
    const struct survey *survey = finder->survey;
    if (survey->damaged_segments > 0)
        help(warn(finder, STATS_WARNING_SEGMENTS_DAMAGED, "%s of a spool cannot be read; the last lies in %s.",
                  counted(survey->damaged_segments, "segment").text, survey->damaged_path),
             "Look at the disk. `audittrail query --action events_lost` says what was lost; the files "
             "*.seg.quarantine are kept for you to look at, and may be deleted.");
}

/* ---- What the store says of itself ---- */

static void find_dead_letters(struct finder *finder)
{
    const struct survey_store *store = &finder->survey->store;
    if (store->dead_letters > 0)
        help(warn(finder, STATS_WARNING_DEAD_LETTERS, "The database refused %s; the newest error: %s.",
                  counted(store->dead_letters, "event").text, store->dead_letter_error),
             "Their text and reason are in the table audit_dead_letters. Delete its rows when you have seen to them.");
}

static void find_cleanup_refused(struct finder *finder)
{
    const struct survey_cleanup *cleanup = &finder->survey->store.cleanup;
    if (cleanup->any && cleanup->refused[0] != '\0')
        help(warn(finder, STATS_WARNING_CLEANUP_REFUSED, "The last clean-up was refused: %s.", cleanup->refused),
             "Nothing is deleted until this is mended. Check the clock of this machine (`timedatectl`), then see "
             "`audittrail cleanup --help`.");
}

void stats_warnings_find(struct stats_warnings *ret_warnings, const struct survey *survey,
                         const struct stats_sums *sums, const struct settings *settings)
{
    static void (*const finders[])(struct finder *) = {
        find_unreachable, find_differing,       find_missing,      find_refused, find_filling,
        find_waiting,     find_foreign_orphans, find_dead_letters, find_damaged, find_cleanup_refused,
    };
    struct finder finder = { ret_warnings, survey, sums, settings };

    ret_warnings->count = 0;
    for (size_t i = 0; i < sizeof finders / sizeof finders[0]; i++)
        finders[i](&finder);
}
