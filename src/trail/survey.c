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
#include "base/err.h"
#include "base/text.h"
#include "spool/destination.h"
#include "spool/remains.h"
#include "trail/survey_spool.h"

/* Under a load that commits all the time the last attempt counts, a batch or so out. */
#define SURVEY_ATTEMPTS_MAX 8

struct surveyor {
    struct survey *survey;
    size_t         capacity;
    bool           out_of_memory;
};

/* Writer 0 is no process: it is the sum of those whose rows a clean-up has removed. */
static const char writers_sql[] =
    "SELECT w.id, a.operation, a.stored, a.dead_lettered, a.level, a.excluded, a.sampled, a.rejected, a.dropped, "
    "w.uuid, w.service, w.host, w.pid, w.started_at, w.last_seq, "
    "(SELECT max(b.last_seq) FROM audit_batches b WHERE b.writer = w.id) "
    "FROM audit_writers w LEFT JOIN audit_accounting a ON a.writer = w.id "
    "UNION ALL SELECT 0, operation, stored, dead_lettered, level, excluded, sampled, rejected, dropped, NULL, NULL, "
    "NULL, 0, NULL, 0, 0 FROM audit_accounting WHERE writer = 0 ORDER BY 1";

enum {
    COLUMN_WRITER,
    COLUMN_OPERATION,
    COLUMN_STORED,
    COLUMN_DEAD_LETTERED,
    COLUMN_LEVEL,
    COLUMN_EXCLUDED,
    COLUMN_SAMPLED,
    COLUMN_REJECTED,
    COLUMN_DROPPED,
    COLUMN_UUID,
    COLUMN_SERVICE,
    COLUMN_HOST,
    COLUMN_PID,
    COLUMN_STARTED,
    COLUMN_LAST_SEQ,
    COLUMN_LEDGER_SEQ,
    COLUMN_COUNT
};

static const char positions_sql[] = "SELECT coalesce(sum(last_seq), 0) FROM audit_writers";

/* The writer's entry, made if need be. NULL: out of memory. */
static struct survey_writer *writer_entry(struct surveyor *surveyor, const struct uuid *uuid)
{
    struct survey *survey = surveyor->survey;
    /* From the end: the rows of one writer come one after the other. */
    for (size_t i = survey->writer_count; i > 0; i--) {
        if (uuid_equal(&survey->writers[i - 1].uuid, uuid))
            return &survey->writers[i - 1];
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
    uint32_t flags = 0;
    out[text_clean(text, size - 1, out, &flags)] = '\0';
}

/* Who the row is about; NULL: nobody (its uuid is none), or out of memory. */
static struct survey_writer *take_writer(struct surveyor *surveyor, const struct store_value *columns)
{
    struct uuid uuid;

    if (columns[COLUMN_UUID].text.size != sizeof uuid.bytes)
        return NULL;
    memcpy(uuid.bytes, columns[COLUMN_UUID].text.data, sizeof uuid.bytes);
    struct survey_writer *writer = writer_entry(surveyor, &uuid);
    if (writer == NULL)
        return NULL;
    copy_text(writer->service, sizeof writer->service, columns[COLUMN_SERVICE].text);
    copy_text(writer->host, sizeof writer->host, columns[COLUMN_HOST].text);
    writer->pid = columns[COLUMN_PID].integer;
    writer->started_us = columns[COLUMN_STARTED].integer;
    writer->last_seq = (uint64_t)columns[COLUMN_LAST_SEQ].integer;
    writer->ledger_seq = (uint64_t)columns[COLUMN_LEDGER_SEQ].integer;
    writer->in_store = true;
    return writer;
}

static bool take_writer_row(void *context, const struct store_value *columns, size_t column_count)
{
    struct surveyor       *surveyor = context;
    struct survey_account *operations = surveyor->survey->departed;
    int64_t                operation = columns[COLUMN_OPERATION].integer;

    if (column_count != COLUMN_COUNT)
        return true;
    if (columns[COLUMN_WRITER].integer != 0) {
        struct survey_writer *writer = take_writer(surveyor, columns);
        if (writer == NULL)
            return !surveyor->out_of_memory;
        operations = writer->operations;
    }
    if (columns[COLUMN_OPERATION].kind != STORE_INTEGER || operation < 0 || operation >= TRAIL_OPERATION_COUNT)
        return true;
    operations[operation] = (struct survey_account){
        .stored = (uint64_t)columns[COLUMN_STORED].integer,
        .dead_lettered = (uint64_t)columns[COLUMN_DEAD_LETTERED].integer,
        .level = (uint64_t)columns[COLUMN_LEVEL].integer,
        .excluded = (uint64_t)columns[COLUMN_EXCLUDED].integer,
        .sampled = (uint64_t)columns[COLUMN_SAMPLED].integer,
        .rejected = (uint64_t)columns[COLUMN_REJECTED].integer,
        .dropped = (uint64_t)columns[COLUMN_DROPPED].integer,
    };
    surveyor->survey->events_stored += (uint64_t)columns[COLUMN_STORED].integer;
    return true;
}

static bool take_number(void *context, const struct store_value *columns, size_t column_count)
{
    if (column_count == 1)
        *(uint64_t *)context = (uint64_t)columns[0].integer;
    return true;
}

/* One writer's spool; one that is gone meanwhile is left out. */
static void take_spool(struct surveyor *surveyor, const struct uuid *writer_uuid, const struct survey_asker *asker)
{
    struct survey *survey = surveyor->survey;
    struct remains remains;
    struct home    home = { .writer = *writer_uuid, .lock_fd = -1 };
    char           name[UUID_TEXT_SIZE];

    uuid_format(writer_uuid, name);
    if (!os_path_join(home.path, survey->spool_dir, name) ||
        remains_open(&remains, &home, REMAINS_LOOK, NULL) != TRAIL_OK)
        return;
    struct survey_writer *writer = remains.has_identity ? writer_entry(surveyor, writer_uuid) : NULL;
    if (writer != NULL)
        survey_spool_read(writer, &remains, asker);
    /* What a living owner has just begun to write may look damaged for a moment. */
    uint64_t damaged = remains.quarantined + (remains.unreadable && !home_is_owned(home.path) ? 1 : 0);
    if (damaged > 0)
        snprintf(survey->damaged_path, sizeof survey->damaged_path, "%s", home.path);
    survey->damaged_segments += damaged;
    remains_close(&remains);
}

static void take_spools(struct surveyor *surveyor, const struct survey_asker *asker)
{
    DIR        *list = NULL;
    struct uuid writer;

    if (home_list(surveyor->survey->spool_dir, &list, NULL) != TRAIL_OK)
        return;
    while (home_next(list, &writer))
        take_spool(surveyor, &writer, asker);
    closedir(list);
}

/* Forget what the attempt before found. */
static void start_again(struct survey *survey)
{
    survey->writer_count = 0;
    survey->events_stored = 0;
    survey->damaged_segments = 0;
    memset(survey->departed, 0, sizeof survey->departed);
}

/* Read the store, the spools, and where the store stands then. */
static enum trail_err look_once(struct surveyor *surveyor, struct store *store, const struct survey_asker *asker,
                                struct trail_error *ret_error)
{
    uint64_t       before = 0;
    uint64_t       after = 0;
    enum trail_err err = TRAIL_OK;

    start_again(surveyor->survey);
    if (store != NULL)
        err = store_select(store, positions_sql, NULL, 0, take_number, &before, ret_error);
    if (store != NULL && err == TRAIL_OK)
        err = store_select(store, writers_sql, NULL, 0, take_writer_row, surveyor, ret_error);
    if (err != TRAIL_OK)
        return err;
    take_spools(surveyor, asker);
    if (store != NULL)
        err = store_select(store, positions_sql, NULL, 0, take_number, &after, ret_error);
    surveyor->survey->steady = before == after;
    return err;
}

/* Look with this store, or, with NULL, at the spools alone. */
static enum trail_err look(struct surveyor *surveyor, struct store *store, const struct uuid *url_hash,
                           struct trail_error *ret_error)
{
    struct survey            *survey = surveyor->survey;
    const struct survey_asker asker = { .store = store != NULL ? store_identity(store) : NULL, .url_hash = url_hash };
    enum trail_err            err = TRAIL_OK;

    /* Before the writers: the ledger of a store that goes on growing is then never ahead of the accounts. */
    if (store != NULL)
        err = survey_store_read(&survey->store, store, survey->taken_us, ret_error);
    for (int i = 0; i < SURVEY_ATTEMPTS_MAX && !survey->steady && err == TRAIL_OK; i++)
        err = look_once(surveyor, store, &asker, ret_error);
    if (err == TRAIL_OK && store != NULL)
        survey->store_bytes = store_bytes(store);
    if (err == TRAIL_OK && surveyor->out_of_memory)
        err = error_set(ret_error, TRAIL_ENOMEM, 0, "out of memory for a survey");
    return err;
}

enum trail_err survey_take(struct survey *ret_survey, const struct settings *settings, struct trail_error *ret_error)
{
    struct survey      survey = { .taken_us = clock_wall_us(&clock_system) };
    struct surveyor    surveyor = { .survey = &survey };
    struct store      *store = NULL;
    struct trail_error away = { .code = TRAIL_OK };
    struct uuid        url_hash;

    snprintf(survey.spool_dir, sizeof survey.spool_dir, "%s", settings->spool_dir);
    settings_format_value(settings, SETTING_DATABASE_URL, survey.store_url, sizeof survey.store_url);
    enum trail_err err = destination_of_url(settings->database_url, &url_hash);
    if (err != TRAIL_OK)
        return error_set(ret_error, err, 0, "out of memory for a survey");

    survey.store_reachable = store_open_reader(&store, settings->database_url, &away) == TRAIL_OK;
    snprintf(survey.store_error, sizeof survey.store_error, "%s", away.message);
    err = look(&surveyor, store, &url_hash, ret_error);
    store_close(store);
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

uint64_t survey_writer_waiting(const struct survey_writer *writer)
{
    uint64_t waiting = 0;
    for (size_t i = 0; i < TRAIL_OPERATION_COUNT; i++)
        waiting += writer->operations[i].waiting;
    return waiting;
}

bool survey_writer_is_orphan(const struct survey_writer *writer)
{
    return writer->in_spool && !writer->alive && survey_writer_waiting(writer) > 0;
}
