/* stats_sums.c -- the sums over a survey's writers that the page, the JSON and the warnings of `stats` share. */
#include "cli/stats_sums.h"

/* An empty store takes some 130 KiB. Of fewer events than this most of their share would be that. */
#define BYTES_PER_EVENT_EVENTS_MIN 10000

uint64_t stats_recorded(const struct survey_account *account)
{
    return account->stored + account->waiting + account->dead_lettered;
}

uint64_t stats_offered(const struct survey_account *account)
{
    return stats_recorded(account) + account->level + account->excluded + account->sampled + account->rejected +
           account->dropped;
}

static void add_account(struct survey_account *sum, const struct survey_account *account)
{
    sum->stored += account->stored;
    sum->waiting += account->waiting;
    sum->dead_lettered += account->dead_lettered;
    sum->level += account->level;
    sum->excluded += account->excluded;
    sum->sampled += account->sampled;
    sum->rejected += account->rejected;
    sum->dropped += account->dropped;
}

static void add_operations(struct stats_sums *sums, const struct survey_account operations[TRAIL_OPERATION_COUNT])
{
    for (size_t i = 0; i < TRAIL_OPERATION_COUNT; i++) {
        add_account(&sums->operations[i], &operations[i]);
        add_account(&sums->all, &operations[i]);
    }
}

static void add_foreign(struct stats_sums *sums, const struct survey_writer *writer)
{
    sums->foreign++;
    sums->foreign_waiting += survey_writer_waiting(writer);
    if (survey_writer_is_orphan(writer))
        sums->foreign_orphaned++;
}

static void add_writer(struct stats_sums *sums, const struct survey_writer *writer)
{
    sums->spool_bytes += writer->spool_bytes;
    if (writer->foreign) {
        add_foreign(sums, writer);
        return;
    }
    if (writer->alive)
        sums->alive++;
    else if (survey_writer_is_orphan(writer))
        sums->orphaned++;
    else
        sums->gone++;
    sums->waiting_bytes += writer->waiting_bytes;
    if (writer->oldest_waiting_us > sums->oldest_waiting_us)
        sums->oldest_waiting_us = writer->oldest_waiting_us;
    add_operations(sums, writer->operations);
}

static struct stats_refusals refusals_of(const struct survey *survey)
{
    struct stats_refusals refusals = { .living = 0 };

    for (size_t i = 0; i < survey->writer_count; i++) {
        const struct survey_writer *writer = &survey->writers[i];
        if (writer->foreign)
            continue;
        if (refusals.last == NULL || writer->started_us >= refusals.last->started_us)
            refusals.last = writer;
        refusals.living += writer->alive ? 1 : 0;
    }
    for (size_t i = 0; i < survey->writer_count; i++) {
        const struct survey_writer *writer = &survey->writers[i];
        bool counts = refusals.living > 0 ? writer->alive && !writer->foreign : writer == refusals.last;
        for (size_t operation = 0; counts && operation < TRAIL_OPERATION_COUNT; operation++)
            add_account(&refusals.account, &writer->operations[operation]);
    }
    return refusals;
}

struct stats_sums stats_sums_of(const struct survey *survey)
{
    struct stats_sums sums = { .refusals = refusals_of(survey) };

    for (size_t i = 0; i < survey->writer_count; i++)
        add_writer(&sums, &survey->writers[i]);
    add_operations(&sums, survey->departed);
    return sums;
}

uint64_t stats_events_kept(const struct survey *survey)
{
    uint64_t deleted = survey->store.events_deleted;
    return survey->events_stored > deleted ? survey->events_stored - deleted : 0;
}

uint64_t stats_bytes_per_event(const struct survey *survey)
{
    uint64_t kept = stats_events_kept(survey);
    return kept >= BYTES_PER_EVENT_EVENTS_MIN ? survey->store_bytes / kept : 0;
}

uint64_t stats_rows_per_day(const struct survey *survey)
{
    int64_t known_us = survey->taken_us - survey->store.ledger_since_us;
    if (survey->store.ledger_since_us == 0 || known_us < SURVEY_DAY_US)
        return 0;
    double days = known_us < 7 * SURVEY_DAY_US ? (double)known_us / (double)SURVEY_DAY_US : 7;
    return (uint64_t)((double)survey->store.week.events / days + 0.5);
}
