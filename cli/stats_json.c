/* stats_json.c -- a survey as one JSON object for programs: all that the page shows, and every writer. */
#include "cli/stats_json.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/json_write.h"
#include "base/uuid.h"
#include "event/operation.h"

/* ---- Parts ---- */

static void append_warnings(struct buf *out, const struct stats_warnings *warnings)
{
    json_open(out, "warnings", "[");
    for (size_t i = 0; i < warnings->count; i++) {
        json_open(out, NULL, "{");
        json_put_text(out, "name", warnings->list[i].name);
        json_put_text(out, "message", warnings->list[i].message);
        json_put_text(out, "help", warnings->list[i].help);
        json_close(out, "}");
    }
    json_close(out, "]");
}

static void append_store(struct buf *out, const struct survey *survey)
{
    uint64_t each = stats_bytes_per_event(survey);

    json_open(out, "store", "{");
    json_put_text(out, "url", survey->store_url);
    json_put_bool(out, "reachable", survey->store_reachable);
    if (survey->store_reachable)
        json_put_null(out, "error");
    else
        json_put_text(out, "error", survey->store_error);
    json_put_number(out, "events", stats_events_kept(survey));
    json_put_number(out, "bytes", survey->store_bytes);
    if (each > 0)
        json_put_number(out, "bytes_per_event", each);
    else
        json_put_null(out, "bytes_per_event");
    json_close(out, "}");
}

static void append_spool(struct buf *out, const struct stats_view *view)
{
    json_open(out, "spool", "{");
    json_put_text(out, "dir", view->survey->spool_dir);
    json_put_number(out, "bytes", view->sums->spool_bytes);
    json_put_number(out, "waiting_bytes", view->sums->waiting_bytes);
    json_put_number(out, "max_bytes_per_writer", view->settings->spool_max_bytes);
    json_put_signed(out, "oldest_waiting_us", view->sums->oldest_waiting_us);
    json_put_number(out, "damaged_segments", view->survey->damaged_segments);
    if (view->survey->damaged_segments > 0)
        json_put_text(out, "damaged_dir", view->survey->damaged_path);
    else
        json_put_null(out, "damaged_dir");
    json_close(out, "}");
}

static void append_flow(struct buf *out, const char *name, const struct survey_flow *flow)
{
    json_open(out, name, "{");
    json_put_number(out, "rows", flow->events);
    json_put_number(out, "transactions", flow->transactions);
    json_close(out, "}");
}

static void append_flows(struct buf *out, const struct survey *survey)
{
    const struct survey_store *store = &survey->store;
    uint64_t                   rows_per_day = stats_rows_per_day(survey);
    uint64_t                   each = stats_bytes_per_event(survey);

    json_open(out, "flow", "{");
    append_flow(out, "last_24_hours", &store->day);
    append_flow(out, "last_7_days", &store->week);
    json_put_time(out, "ledger_since", store->ledger_since_us);
    if (rows_per_day > 0)
        json_put_number(out, "rows_per_day", rows_per_day);
    else
        json_put_null(out, "rows_per_day");
    if (rows_per_day > 0 && each > 0)
        json_put_number(out, "bytes_per_day", rows_per_day * each);
    else
        json_put_null(out, "bytes_per_day");
    json_close(out, "}");
}

static void append_flush(struct buf *out, const struct survey_store *store)
{
    if (store->flush_us == 0) {
        json_put_null(out, "last_flush");
        return;
    }
    json_open(out, "last_flush", "{");
    json_put_time(out, "recorded", store->flush_us);
    json_put_number(out, "rows", store->flush_events);
    json_close(out, "}");
}

static void append_cleanup(struct buf *out, const struct survey_cleanup *cleanup)
{
    if (!cleanup->any) {
        json_put_null(out, "last_cleanup");
        return;
    }
    json_open(out, "last_cleanup", "{");
    json_put_time(out, "started", cleanup->started_us);
    json_put_time(out, "finished", cleanup->finished_us);
    json_put_time(out, "cut_off", cleanup->cut_off_us);
    json_put_number(out, "events_deleted", cleanup->events_deleted);
    json_put_number(out, "batches", cleanup->batches);
    json_put_signed(out, "duration_us", cleanup->duration_us);
    if (cleanup->refused[0] != '\0')
        json_put_text(out, "refused", cleanup->refused);
    else
        json_put_null(out, "refused");
    json_close(out, "}");
}

/* By the settings of whoever asks. */
static void append_retention(struct buf *out, const struct settings *settings)
{
    json_open(out, "retention", "{");
    json_put_number(out, "days", (uint64_t)settings->retention_days);
    json_put_bool(out, "enabled", settings->cleanup_enabled);
    json_close(out, "}");
}

static void append_dead_letters(struct buf *out, const struct survey_store *store)
{
    json_open(out, "dead_letters", "{");
    json_put_number(out, "count", store->dead_letters);
    json_put_time(out, "newest", store->dead_letter_us);
    if (store->dead_letters > 0)
        json_put_text(out, "error", store->dead_letter_error);
    else
        json_put_null(out, "error");
    json_close(out, "}");
}

static void append_policy(struct buf *out, const struct stats_view *view)
{
    const struct stats_refusals *refusals = &view->sums->refusals;

    json_open(out, "policy", "{");
    json_put_text(out, "here", view->policy);
    json_open(out, "left_out", "{");
    json_put_text(out, "by", refusals->last == NULL ? "nobody" : refusals->living > 0 ? "the living" : "the last");
    json_put_number(out, "level", refusals->account.level);
    json_put_number(out, "excluded", refusals->account.excluded);
    json_put_number(out, "sampled", refusals->account.sampled);
    json_close(out, "}}");
}

/* ---- Accounts and writers ---- */

static void append_account(struct buf *out, const char *name, const struct survey_account *account)
{
    json_open(out, name, "{");
    json_put_number(out, "offered", stats_offered(account));
    json_put_number(out, "recorded", stats_recorded(account));
    json_put_number(out, "stored", account->stored);
    json_put_number(out, "waiting", account->waiting);
    json_put_number(out, "dead_lettered", account->dead_lettered);
    json_put_number(out, "level", account->level);
    json_put_number(out, "excluded", account->excluded);
    json_put_number(out, "sampled", account->sampled);
    json_put_number(out, "rejected", account->rejected);
    json_put_number(out, "dropped", account->dropped);
    json_close(out, "}");
}

/* Index 0 holds the trail's own records. */
static void append_accounts(struct buf *out, const char *name,
                            const struct survey_account operations[TRAIL_OPERATION_COUNT])
{
    json_open(out, name, "{");
    append_account(out, "control", &operations[0]);
    for (size_t i = 1; i < TRAIL_OPERATION_COUNT; i++)
        append_account(out, operation_name((enum trail_operation)i), &operations[i]);
    json_close(out, "}");
}

static void append_destination(struct buf *out, const struct survey_writer *writer)
{
    char id[UUID_TEXT_SIZE];

    if (writer->destination_kind == SURVEY_DESTINATION_UNKNOWN) {
        json_put_null(out, "destination");
        return;
    }
    uuid_format(&writer->destination, id);
    json_open(out, "destination", "{");
    json_put_text(out, writer->destination_kind == SURVEY_DESTINATION_STORE ? "store" : "url_hash", id);
    json_close(out, "}");
}

static void append_writer(struct buf *out, const struct survey_writer *writer)
{
    char uuid[UUID_TEXT_SIZE];
    uuid_format(&writer->uuid, uuid);

    json_open(out, NULL, "{");
    json_put_text(out, "uuid", uuid);
    json_put_text(out, "service", writer->service);
    json_put_text(out, "host", writer->host);
    json_put_time(out, "started", writer->started_us);
    json_put_signed(out, "pid", writer->pid);
    json_put_number(out, "last_seq", writer->last_seq);
    json_put_number(out, "ledger_seq", writer->ledger_seq);
    json_put_bool(out, "in_store", writer->in_store);
    json_put_bool(out, "in_spool", writer->in_spool);
    json_put_bool(out, "alive", writer->alive);
    json_put_bool(out, "orphaned", survey_writer_is_orphan(writer));
    json_put_bool(out, "foreign", writer->foreign);
    append_destination(out, writer);
    json_put_number(out, "spool_bytes", writer->spool_bytes);
    json_put_number(out, "waiting", survey_writer_waiting(writer));
    json_put_number(out, "waiting_bytes", writer->waiting_bytes);
    json_put_signed(out, "oldest_waiting_us", writer->oldest_waiting_us);
    json_put_number(out, "missing", writer->missing);
    append_accounts(out, "operations", writer->operations);
    json_close(out, "}");
}

static void append_writers(struct buf *out, const struct survey *survey)
{
    json_open(out, "writers", "[");
    for (size_t i = 0; i < survey->writer_count; i++)
        append_writer(out, &survey->writers[i]);
    json_close(out, "]");
}

void stats_json_write(const struct stats_view *view, struct buf *out)
{
    const struct survey     *survey = view->survey;
    const struct stats_sums *sums = view->sums;

    json_open(out, NULL, "{");
    json_put_time(out, "taken", survey->taken_us);
    json_put_bool(out, "steady", survey->steady);
    append_warnings(out, view->warnings);
    append_store(out, survey);
    append_spool(out, view);
    append_flows(out, survey);
    append_flush(out, &survey->store);
    append_cleanup(out, &survey->store.cleanup);
    append_retention(out, view->settings);
    append_dead_letters(out, &survey->store);
    append_policy(out, view);
    json_put_number(out, "writers_alive", sums->alive);
    json_put_number(out, "writers_gone", sums->gone);
    json_put_number(out, "writers_orphaned", sums->orphaned);
    json_put_number(out, "writers_foreign", sums->foreign);
    json_put_number(out, "foreign_orphaned", sums->foreign_orphaned);
    json_put_number(out, "foreign_waiting", sums->foreign_waiting);
    append_account(out, "total", &sums->all);
    append_accounts(out, "operations", sums->operations);
    append_accounts(out, "departed", survey->departed);
    append_writers(out, survey);
    json_close(out, "}\n");
}
