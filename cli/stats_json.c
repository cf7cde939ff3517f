/* stats_json.c -- a survey as one JSON object for programs: all that the page shows, and every writer. */
#include "cli/stats_json.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/uuid.h"
#include "event/operation.h"

/* ---- Members: each writes a comma in front unless it is the first of its object ---- */

static void name_of(struct buf *out, const char *name)
{
    bool first = out->size > 0 && (out->data[out->size - 1] == '{' || out->data[out->size - 1] == '[');
    buf_printf(out, "%s\"%s\":", first ? "" : ",", name);
}

static void text(struct buf *out, const char *name, const char *value)
{
    name_of(out, name);
    json_append_string(out, trail_str(value));
}

static void number(struct buf *out, const char *name, uint64_t value)
{
    name_of(out, name);
    buf_printf(out, "%" PRIu64, value);
}

/* Spans and process ids. */
static void signed_number(struct buf *out, const char *name, int64_t value)
{
    name_of(out, name);
    buf_printf(out, "%" PRId64, value);
}

static void truth(struct buf *out, const char *name, bool value)
{
    name_of(out, name);
    buf_append_string(out, value ? "true" : "false");
}

static void null(struct buf *out, const char *name)
{
    name_of(out, name);
    buf_append_string(out, "null");
}

/* 0: there is none. */
static void moment(struct buf *out, const char *name, int64_t wall_us)
{
    char value[CLOCK_TEXT_SIZE];
    if (wall_us == 0) {
        null(out, name);
        return;
    }
    clock_format(wall_us, value);
    text(out, name, value);
}

static void begin(struct buf *out, const char *name, const char *bracket)
{
    name_of(out, name);
    buf_append_string(out, bracket);
}

static void end(struct buf *out, const char *bracket)
{
    buf_append_string(out, bracket);
}

/* ---- Parts ---- */

static void append_warnings(struct buf *out, const struct stats_warnings *warnings)
{
    begin(out, "warnings", "[");
    for (size_t i = 0; i < warnings->count; i++) {
        buf_append_string(out, i > 0 ? ",{" : "{");
        text(out, "name", warnings->list[i].name);
        text(out, "message", warnings->list[i].message);
        text(out, "help", warnings->list[i].help);
        end(out, "}");
    }
    end(out, "]");
}

static void append_store(struct buf *out, const struct survey *survey)
{
    uint64_t each = stats_bytes_per_event(survey);

    begin(out, "store", "{");
    text(out, "url", survey->store_url);
    truth(out, "reachable", survey->store_reachable);
    if (survey->store_reachable)
        null(out, "error");
    else
        text(out, "error", survey->store_error);
    number(out, "events", stats_events_kept(survey));
    number(out, "bytes", survey->store_bytes);
    if (each > 0)
        number(out, "bytes_per_event", each);
    else
        null(out, "bytes_per_event");
    end(out, "}");
}

static void append_spool(struct buf *out, const struct stats_view *view)
{
    begin(out, "spool", "{");
    text(out, "dir", view->survey->spool_dir);
    number(out, "bytes", view->sums->spool_bytes);
    number(out, "waiting_bytes", view->sums->waiting_bytes);
    number(out, "max_bytes_per_writer", view->settings->spool_max_bytes);
    signed_number(out, "oldest_waiting_us", view->sums->oldest_waiting_us);
    number(out, "damaged_segments", view->survey->damaged_segments);
    if (view->survey->damaged_segments > 0)
        text(out, "damaged_dir", view->survey->damaged_path);
    else
        null(out, "damaged_dir");
    end(out, "}");
}

static void append_flow(struct buf *out, const char *name, const struct survey_flow *flow)
{
    begin(out, name, "{");
    number(out, "rows", flow->events);
    number(out, "transactions", flow->transactions);
    end(out, "}");
}

static void append_flows(struct buf *out, const struct survey *survey)
{
    const struct survey_store *store = &survey->store;
    uint64_t                   rows_per_day = stats_rows_per_day(survey);
    uint64_t                   each = stats_bytes_per_event(survey);

    begin(out, "flow", "{");
    append_flow(out, "last_24_hours", &store->day);
    append_flow(out, "last_7_days", &store->week);
    moment(out, "ledger_since", store->ledger_since_us);
    if (rows_per_day > 0)
        number(out, "rows_per_day", rows_per_day);
    else
        null(out, "rows_per_day");
    if (rows_per_day > 0 && each > 0)
        number(out, "bytes_per_day", rows_per_day * each);
    else
        null(out, "bytes_per_day");
    end(out, "}");
}

static void append_flush(struct buf *out, const struct survey_store *store)
{
    if (store->flush_us == 0) {
        null(out, "last_flush");
        return;
    }
    begin(out, "last_flush", "{");
    moment(out, "recorded", store->flush_us);
    number(out, "rows", store->flush_events);
    end(out, "}");
}

static void append_cleanup(struct buf *out, const struct survey_cleanup *cleanup)
{
    if (!cleanup->any) {
        null(out, "last_cleanup");
        return;
    }
    begin(out, "last_cleanup", "{");
    moment(out, "started", cleanup->started_us);
    moment(out, "finished", cleanup->finished_us);
    moment(out, "cut_off", cleanup->cut_off_us);
    number(out, "events_deleted", cleanup->events_deleted);
    number(out, "batches", cleanup->batches);
    signed_number(out, "duration_us", cleanup->duration_us);
    if (cleanup->refused[0] != '\0')
        text(out, "refused", cleanup->refused);
    else
        null(out, "refused");
    end(out, "}");
}

/* By the settings of whoever asks. */
static void append_retention(struct buf *out, const struct settings *settings)
{
    begin(out, "retention", "{");
    number(out, "days", (uint64_t)settings->retention_days);
    truth(out, "enabled", settings->cleanup_enabled);
    end(out, "}");
}

static void append_dead_letters(struct buf *out, const struct survey_store *store)
{
    begin(out, "dead_letters", "{");
    number(out, "count", store->dead_letters);
    moment(out, "newest", store->dead_letter_us);
    if (store->dead_letters > 0)
        text(out, "error", store->dead_letter_error);
    else
        null(out, "error");
    end(out, "}");
}

static void append_policy(struct buf *out, const struct stats_view *view)
{
    const struct stats_refusals *refusals = &view->sums->refusals;

    begin(out, "policy", "{");
    text(out, "here", view->policy);
    begin(out, "left_out", "{");
    text(out, "by", refusals->last == NULL ? "nobody" : refusals->living > 0 ? "the living" : "the last");
    number(out, "level", refusals->account.level);
    number(out, "excluded", refusals->account.excluded);
    number(out, "sampled", refusals->account.sampled);
    end(out, "}}");
}

/* ---- Accounts and writers ---- */

static void append_account(struct buf *out, const char *name, const struct survey_account *account)
{
    begin(out, name, "{");
    number(out, "offered", stats_offered(account));
    number(out, "recorded", stats_recorded(account));
    number(out, "stored", account->stored);
    number(out, "waiting", account->waiting);
    number(out, "dead_lettered", account->dead_lettered);
    number(out, "level", account->level);
    number(out, "excluded", account->excluded);
    number(out, "sampled", account->sampled);
    number(out, "rejected", account->rejected);
    number(out, "dropped", account->dropped);
    end(out, "}");
}

/* Index 0 holds the trail's own records. */
static void append_accounts(struct buf *out, const char *name,
                            const struct survey_account operations[TRAIL_OPERATION_COUNT])
{
    begin(out, name, "{");
    append_account(out, "control", &operations[0]);
    for (size_t i = 1; i < TRAIL_OPERATION_COUNT; i++)
        append_account(out, operation_name((enum trail_operation)i), &operations[i]);
    end(out, "}");
}

static void append_destination(struct buf *out, const struct survey_writer *writer)
{
    char id[UUID_TEXT_SIZE];

    if (writer->destination_kind == SURVEY_DESTINATION_UNKNOWN) {
        null(out, "destination");
        return;
    }
    uuid_format(&writer->destination, id);
    begin(out, "destination", "{");
    text(out, writer->destination_kind == SURVEY_DESTINATION_STORE ? "store" : "url_hash", id);
    end(out, "}");
}

static void append_writer(struct buf *out, const struct survey_writer *writer)
{
    char uuid[UUID_TEXT_SIZE];
    uuid_format(&writer->uuid, uuid);

    buf_append_string(out, "{");
    text(out, "uuid", uuid);
    text(out, "service", writer->service);
    text(out, "host", writer->host);
    moment(out, "started", writer->started_us);
    signed_number(out, "pid", writer->pid);
    number(out, "last_seq", writer->last_seq);
    number(out, "ledger_seq", writer->ledger_seq);
    truth(out, "in_store", writer->in_store);
    truth(out, "in_spool", writer->in_spool);
    truth(out, "alive", writer->alive);
    truth(out, "orphaned", survey_writer_is_orphan(writer));
    truth(out, "foreign", writer->foreign);
    append_destination(out, writer);
    number(out, "spool_bytes", writer->spool_bytes);
    number(out, "waiting", survey_writer_waiting(writer));
    number(out, "waiting_bytes", writer->waiting_bytes);
    signed_number(out, "oldest_waiting_us", writer->oldest_waiting_us);
    number(out, "missing", writer->missing);
    append_accounts(out, "operations", writer->operations);
    end(out, "}");
}

static void append_writers(struct buf *out, const struct survey *survey)
{
    begin(out, "writers", "[");
    for (size_t i = 0; i < survey->writer_count; i++) {
        if (i > 0)
            buf_append_string(out, ",");
        append_writer(out, &survey->writers[i]);
    }
    end(out, "]");
}

void stats_json_write(const struct stats_view *view, struct buf *out)
{
    const struct survey     *survey = view->survey;
    const struct stats_sums *sums = view->sums;

    buf_append_string(out, "{");
    moment(out, "taken", survey->taken_us);
    truth(out, "steady", survey->steady);
    append_warnings(out, view->warnings);
    append_store(out, survey);
    append_spool(out, view);
    append_flows(out, survey);
    append_flush(out, &survey->store);
    append_cleanup(out, &survey->store.cleanup);
    append_retention(out, view->settings);
    append_dead_letters(out, &survey->store);
    append_policy(out, view);
    number(out, "writers_alive", sums->alive);
    number(out, "writers_gone", sums->gone);
    number(out, "writers_orphaned", sums->orphaned);
    number(out, "writers_foreign", sums->foreign);
    number(out, "foreign_orphaned", sums->foreign_orphaned);
    number(out, "foreign_waiting", sums->foreign_waiting);
    append_account(out, "total", &sums->all);
    append_accounts(out, "operations", sums->operations);
    append_accounts(out, "departed", survey->departed);
    append_writers(out, survey);
    end(out, "}\n");
}
