/* stats_fixture.c -- a survey made by hand, of five writers, a store and a spool directory in which all is well. */
#include "unit/cli/stats_fixture.h"

#include <stdio.h>
#include <string.h>

#define MIB (UINT64_C(1024) * 1024)
#define SECOND_US INT64_C(1000000)

static void name_writer(struct survey_writer *writer, const char *service, int64_t pid, int64_t age_us)
{
    memset(&writer->uuid, (int)pid, sizeof writer->uuid);
    snprintf(writer->service, sizeof writer->service, "%s", service);
    snprintf(writer->host, sizeof writer->host, "node-1");
    writer->pid = pid;
    writer->started_us = FIXTURE_NOW_US - age_us;
}

static void make_own_writers(struct survey_writer *writers)
{
    name_writer(&writers[0], "gate\"way", 1, 3600 * SECOND_US);
    writers[0].in_store = writers[0].in_spool = writers[0].alive = true;
    writers[0].last_seq = writers[0].ledger_seq = 1001;
    writers[0].spool_bytes = 16 * MIB;
    writers[0].waiting_bytes = 20 * 1024;
    writers[0].oldest_waiting_us = 12 * SECOND_US;
    writers[0].operations[0].stored = 1;
    writers[0].operations[TRAIL_OPERATION_CREATE] =
        (struct survey_account){ .stored = 1000, .waiting = 20, .level = 4, .excluded = 5, .sampled = 6 };

    name_writer(&writers[1], "gateway", 2, 7200 * SECOND_US);
    writers[1].in_store = true;
    writers[1].last_seq = 503; /* The ledger's rows of it are gone. */
    writers[1].operations[TRAIL_OPERATION_CREATE].stored = 500;
    writers[1].operations[TRAIL_OPERATION_READ].level = 90;

    name_writer(&writers[2], "batch", 3, 60 * SECOND_US);
    writers[2].in_spool = true;
    writers[2].spool_bytes = 16 * MIB;
    writers[2].waiting_bytes = 1024;
    writers[2].oldest_waiting_us = 40 * SECOND_US;
    writers[2].operations[TRAIL_OPERATION_UPDATE].waiting = 2;
}

static void make_foreign_writers(struct survey_writer *writers)
{
    name_writer(&writers[0], "billing", 4, 60 * SECOND_US);
    writers[0].in_spool = writers[0].foreign = true;
    writers[0].destination_kind = SURVEY_DESTINATION_URL;
    memset(&writers[0].destination, 0xab, sizeof writers[0].destination);
    writers[0].spool_bytes = 4 * MIB;
    writers[0].oldest_waiting_us = 50 * SECOND_US;

    name_writer(&writers[1], "search", 5, 60 * SECOND_US);
    writers[1].in_spool = writers[1].foreign = writers[1].alive = true;
    writers[1].destination_kind = SURVEY_DESTINATION_STORE;
    memset(&writers[1].destination, 0xcd, sizeof writers[1].destination);
    writers[1].spool_bytes = 4 * MIB;
    writers[1].operations[TRAIL_OPERATION_DELETE].waiting = 7;
    writers[1].oldest_waiting_us = 3 * SECOND_US;
}

void stats_fixture_make(struct stats_fixture *fixture)
{
    *fixture = (struct stats_fixture){
        .survey = { .writer_count = 5,
                    .taken_us = FIXTURE_NOW_US,
                    .steady = true,
                    .store_reachable = true,
                    .store_bytes = 12 * MIB,
                    .events_stored = 31501,
                    .store_url = "sqlite:/a.db",
                    .spool_dir = "/spool" },
        .settings = { .flush_interval_s = 30,
                      .spool_max_bytes = 1024 * MIB,
                      .retention_days = 90,
                      .cleanup_enabled = true },
    };
    fixture->survey.writers = fixture->writers;
    make_own_writers(fixture->writers);
    make_foreign_writers(fixture->writers + 3);
    fixture->survey.departed[TRAIL_OPERATION_CREATE] = (struct survey_account){ .stored = 30000, .excluded = 1 };

    struct survey_store *store = &fixture->survey.store;
    store->day = (struct survey_flow){ 1501, 12 };
    store->week = (struct survey_flow){ 10501, 40 };
    store->ledger_since_us = FIXTURE_NOW_US - 60 * SURVEY_DAY_US;
    store->flush_us = FIXTURE_NOW_US - 25 * SECOND_US;
    store->flush_events = 500;
    store->events_deleted = 20000;
    store->cleanup = (struct survey_cleanup){ .any = true,
                                              .started_us = FIXTURE_NOW_US - 600 * SECOND_US,
                                              .finished_us = FIXTURE_NOW_US - 599 * SECOND_US,
                                              .cut_off_us = FIXTURE_NOW_US - 600 * SECOND_US - 90 * SURVEY_DAY_US,
                                              .duration_us = 1200000,
                                              .events_deleted = 15000,
                                              .batches = 2 };
}

struct stats_view stats_fixture_view(struct stats_fixture *fixture)
{
    fixture->sums = stats_sums_of(&fixture->survey);
    stats_warnings_find(&fixture->warnings, &fixture->survey, &fixture->sums, &fixture->settings);
    return (struct stats_view){ &fixture->survey, &fixture->sums, &fixture->warnings, &fixture->settings,
                                "level writes_only; not recorded: read, access" };
}
