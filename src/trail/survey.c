/* survey.c -- where every event of every writer went: the store's numbers and the spools', put together.
 *
 * A batch may be committed while we look: its events would then be seen in the spool and in the store, or in neither.
 * So the store is read before and after the spools, and when a writer moved in between, everything is read again.
 */
#include "trail/survey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "event/event_wire.h"
#include "spool/destination.h"
#include "spool/remains.h"
#include "store/store.h"

/* Under a load that commits all the time the last attempt counts, a batch or so out. */
#define SURVEY_ATTEMPTS_MAX 8

struct surveyor {
    struct survey *survey;
    size_t         capacity;
    bool           out_of_memory;
};

/* Writer 0 is no process: it is the sum of those whose rows a clean-up has removed. */
static const char writers_sql[] =
    "SELECT w.uuid, w.service, w.host, w.pid, w.started_at, w.last_seq, a.operation, a.stored, a.dead_lettered, "
    "a.level, a.excluded, a.sampled, a.rejected, a.dropped "
    "FROM (SELECT id, uuid, service, host, pid, started_at, last_seq FROM audit_writers UNION ALL "
    "SELECT 0, zeroblob(16), '(removed)', NULL, 0, 0, 0 WHERE EXISTS "
    "(SELECT 1 FROM audit_accounting WHERE writer = 0)) w "
    "LEFT JOIN audit_accounting a ON a.writer = w.id ORDER BY w.id";

static const char positions_sql[] = "SELECT coalesce(sum(last_seq), 0) FROM audit_writers";

/* The writer's entry, made if need be. NULL: out of memory. */
static struct survey_writer *writer_entry(struct surveyor *surveyor, const struct uuid *uuid)
{
    struct survey *survey = surveyor->survey;
    for (size_t i = 0; i < survey->writer_count; i++) {
        if (uuid_equal(&survey->writers[i].uuid, uuid))
            return &survey->writers[i];
    }
    if (survey->writer_count == surveyor->capacity) {
        size_t                capacity = surveyor->capacity == 0 ? 16 : surveyor->capacity * 2;
        struct survey_writer *writers = realloc(survey->writers, capacity * sizeof *writers);
        if (writers == NULL) {
            surveyor->out_of_memory = true;
            return NULL;
        }
        survey->writers = writers;
        surveyor->capacity = capacity;
    }
    struct survey_writer *writer = &survey->writers[survey->writer_count++];
    *writer = (struct survey_writer){ .uuid = *uuid };
    return writer;
}

static void copy_text(char *out, size_t size, struct trail_text text)
{
    size_t copied = text.size < size - 1 ? text.size : size - 1;
    if (copied > 0)
        memcpy(out, text.data, copied);
    out[copied] = '\0';
}

static bool take_writer_row(void *context, const struct store_value *columns, size_t column_count)
{
    struct surveyor *surveyor = context;
    struct uuid      uuid;

    if (column_count != 14 || columns[0].text.size != sizeof uuid.bytes)
        return true;
    memcpy(uuid.bytes, columns[0].text.data, sizeof uuid.bytes);
    struct survey_writer *writer = writer_entry(surveyor, &uuid);
    if (writer == NULL)
        return false;
    copy_text(writer->service, sizeof writer->service, columns[1].text);
    copy_text(writer->host, sizeof writer->host, columns[2].text);
    writer->pid = columns[3].integer;
    writer->started_us = columns[4].integer;
    writer->last_seq = (uint64_t)columns[5].integer;
    writer->in_store = true;

    int64_t operation = columns[6].integer;
    if (columns[6].kind != STORE_INTEGER || operation < 0 || operation >= TRAIL_OPERATION_COUNT)
        return true;
    writer->operations[operation] = (struct survey_account){
        .stored = (uint64_t)columns[7].integer,
        .dead_lettered = (uint64_t)columns[8].integer,
        .level = (uint64_t)columns[9].integer,
        .excluded = (uint64_t)columns[10].integer,
        .sampled = (uint64_t)columns[11].integer,
        .rejected = (uint64_t)columns[12].integer,
        .dropped = (uint64_t)columns[13].integer,
    };
    surveyor->survey->events_stored += (uint64_t)columns[7].integer;
    return true;
}

static bool take_number(void *context, const struct store_value *columns, size_t column_count)
{
    if (column_count == 1)
        *(uint64_t *)context = (uint64_t)columns[0].integer;
    return true;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* The writer's own file is never behind the store. */
static void take_refusals(const struct remains *remains, struct survey_writer *writer)
{
    struct trail_account totals[TRAIL_OPERATION_COUNT] = { 0 };
    uint64_t             unclassified = 0;

    accounts_total(&remains->accounts, totals, &unclassified);
    for (size_t i = 0; i < TRAIL_OPERATION_COUNT; i++) {
        struct survey_account *account = &writer->operations[i];
        account->level = larger(account->level, totals[i].level);
        account->excluded = larger(account->excluded, totals[i].excluded);
        account->sampled = larger(account->sampled, totals[i].sampled);
        account->rejected = larger(account->rejected, totals[i].rejected);
        account->dropped = larger(account->dropped, totals[i].dropped);
    }
}

/* Count the events behind last_seq. */
static void take_waiting(const struct remains *remains, struct survey_writer *writer)
{
    struct reader      reader;
    struct frame       frame;
    struct reader_gap  gap;
    enum reader_result result;
    int64_t            oldest_us = 0;

    reader_init(&reader, remains->first, writer->last_seq + 1);
    while ((result = reader_next(&reader, &frame, &gap)) != READER_END) {
        if (result != READER_EVENT)
            continue;
        enum trail_operation operation = event_peek_operation(frame.payload);
        if ((frame.flags & TRAIL_FLAG_CONTROL) != 0)
            operation = TRAIL_OPERATION_AUTO;
        writer->operations[operation].waiting++;
        if (oldest_us == 0)
            oldest_us = frame.wall_us;
    }
    if (oldest_us != 0)
        writer->oldest_waiting_us = larger(1, (uint64_t)(clock_wall_us(&clock_system) - oldest_us)) & INT64_MAX;
}

/* True when it writes for another store. `store` NULL: it cannot be asked who it is, and nobody is called foreign who
 * may be its own. */
static bool is_foreign(const struct remains *remains, const struct uuid *store, const struct uuid *url_hash)
{
    static const struct uuid nobody = { { 0 } };
    if (store == NULL && remains->identity.destination_kind == SPOOL_DESTINATION_STORE)
        return false;
    return !remains_belong_to(remains, store != NULL ? store : &nobody, url_hash);
}

/* One writer's spool. What cannot be read (gone meanwhile, or damaged) is left out. */
static void take_spool(struct surveyor *surveyor, const struct uuid *writer_uuid, const struct uuid *store,
                       const struct uuid *url_hash)
{
    struct remains remains;
    struct home    home = { .writer = *writer_uuid, .lock_fd = -1 };
    char           name[UUID_TEXT_SIZE];

    uuid_format(writer_uuid, name);
    if (!os_path_join(home.path, surveyor->survey->spool_dir, name) ||
        remains_open(&remains, &home, REMAINS_LOOK, NULL) != TRAIL_OK)
        return;
    struct survey_writer *writer = remains.has_identity ? writer_entry(surveyor, writer_uuid) : NULL;
    if (writer != NULL) {
        if (!writer->in_store) {
            snprintf(writer->service, sizeof writer->service, "%.100s", remains.identity.service);
            writer->pid = remains.identity.pid;
            writer->started_us = remains.identity.started_us;
        }
        writer->in_spool = true;
        writer->alive = home_is_owned(home.path);
        writer->foreign = is_foreign(&remains, store, url_hash);
        writer->spool_bytes = remains.disk_bytes;
        take_refusals(&remains, writer);
        take_waiting(&remains, writer);
    }
    remains_close(&remains);
}

static void take_spools(struct surveyor *surveyor, const struct uuid *store, const struct uuid *url_hash)
{
    DIR        *list = NULL;
    struct uuid writer;

    if (home_list(surveyor->survey->spool_dir, &list, NULL) != TRAIL_OK)
        return;
    while (home_next(list, &writer))
        take_spool(surveyor, &writer, store, url_hash);
    closedir(list);
}

/* Read the store, the spools, and where the store stands then. */
static enum trail_err look_once(struct surveyor *surveyor, struct store *store, const struct uuid *url_hash,
                                bool *ret_steady, struct trail_error *ret_error)
{
    uint64_t       before = 0;
    uint64_t       after = 0;
    enum trail_err err = TRAIL_OK;

    surveyor->survey->writer_count = 0;
    surveyor->survey->events_stored = 0;
    if (store != NULL)
        err = store_select(store, positions_sql, NULL, 0, take_number, &before, ret_error);
    if (store != NULL && err == TRAIL_OK)
        err = store_select(store, writers_sql, NULL, 0, take_writer_row, surveyor, ret_error);
    if (err != TRAIL_OK)
        return err;
    take_spools(surveyor, store != NULL ? store_identity(store) : NULL, url_hash);
    if (store != NULL)
        err = store_select(store, positions_sql, NULL, 0, take_number, &after, ret_error);
    *ret_steady = before == after;
    return err;
}

enum trail_err survey_take(struct survey *ret_survey, const struct settings *settings, struct trail_error *ret_error)
{
    struct survey   survey = { 0 };
    struct surveyor surveyor = { .survey = &survey };
    struct store   *store = NULL;
    struct uuid     url_hash;
    bool            steady = false;

    snprintf(survey.spool_dir, sizeof survey.spool_dir, "%s", settings->spool_dir);
    settings_format_value(settings, SETTING_DATABASE_URL, survey.store_url, sizeof survey.store_url);
    enum trail_err err = destination_of_url(settings->database_url, &url_hash);
    if (err != TRAIL_OK)
        return error_set(ret_error, err, 0, "out of memory for a survey");

    survey.store_reachable = store_open_reader(&store, settings->database_url, NULL) == TRAIL_OK;
    for (int i = 0; i < SURVEY_ATTEMPTS_MAX && !steady && err == TRAIL_OK; i++)
        err = look_once(&surveyor, store, &url_hash, &steady, ret_error);
    if (store != NULL)
        survey.store_bytes = store_bytes(store);
    store_close(store);
    if (err == TRAIL_OK && surveyor.out_of_memory)
        err = error_set(ret_error, TRAIL_ENOMEM, 0, "out of memory for a survey");
    if (err != TRAIL_OK) {
        survey_done(&survey);
        return err;
    }
    *ret_survey = survey;
    return TRAIL_OK;
}

void survey_done(struct survey *survey)
{
    free(survey->writers);
    survey->writers = NULL;
    survey->writer_count = 0;
}
