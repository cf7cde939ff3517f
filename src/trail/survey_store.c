/* survey_store.c -- what the store itself can tell an operator: how much comes in, the last flush, the last clean-up.
 */
#include "trail/survey_store.h"

#include <string.h>

#include "base/text.h"

#define ROW_COLUMNS_MAX 8

/* What one row is read into: numbers in the order of the columns, and the text of the last one. */
struct row {
    uint64_t numbers[ROW_COLUMNS_MAX];
    char    *text; /* Of `text_size`; NULL: no column is text. */
    size_t   text_size;
    bool     any;
};

static bool take_row(void *context, const struct store_value *columns, size_t column_count)
{
    struct row *row = context;
    uint32_t    flags = 0;

    row->any = true;
    for (size_t i = 0; i < column_count && i < ROW_COLUMNS_MAX; i++) {
        row->numbers[i] = columns[i].kind == STORE_INTEGER ? (uint64_t)columns[i].integer : 0;
        if (columns[i].kind == STORE_TEXT && row->text != NULL)
            row->text[text_clean(columns[i].text, row->text_size - 1, row->text, &flags)] = '\0';
    }
    return false;
}

/* The index audit_batches_recorded leads to these rows alone. */
static enum trail_err read_flow(struct survey_store *numbers, struct store *store, int64_t now_us,
                                struct trail_error *ret_error)
{
    static const char sql[] =
        "SELECT coalesce(sum(event_count), 0), count(*), "
        "coalesce(sum(CASE WHEN recorded_at >= ?2 THEN event_count ELSE 0 END), 0), "
        "coalesce(sum(CASE WHEN recorded_at >= ?2 THEN 1 ELSE 0 END), 0) FROM audit_batches WHERE recorded_at >= ?1";
    const struct store_value since[] = {
        { .kind = STORE_TIME, .integer = now_us - 7 * SURVEY_DAY_US },
        { .kind = STORE_TIME, .integer = now_us - SURVEY_DAY_US },
    };
    struct row row = { .any = false };

    enum trail_err err = store_select(store, sql, since, 2, take_row, &row, ret_error);
    numbers->week = (struct survey_flow){ row.numbers[0], row.numbers[1] };
    numbers->day = (struct survey_flow){ row.numbers[2], row.numbers[3] };
    return err;
}

static enum trail_err read_flush(struct survey_store *numbers, struct store *store, struct trail_error *ret_error)
{
    static const char newest_sql[] =
        "SELECT recorded_at, event_count FROM audit_batches ORDER BY recorded_at DESC LIMIT 1";
    static const char oldest_sql[] = "SELECT min(recorded_at) FROM audit_batches";
    struct row        newest = { .any = false };
    struct row        oldest = { .any = false };

    enum trail_err err = store_select(store, newest_sql, NULL, 0, take_row, &newest, ret_error);
    if (err == TRAIL_OK)
        err = store_select(store, oldest_sql, NULL, 0, take_row, &oldest, ret_error);
    numbers->flush_us = (int64_t)newest.numbers[0];
    numbers->flush_events = newest.numbers[1];
    numbers->ledger_since_us = (int64_t)oldest.numbers[0];
    return err;
}

static enum trail_err read_cleanup(struct survey_store *numbers, struct store *store, struct trail_error *ret_error)
{
    static const char last_sql[] = "SELECT started_at, finished_at, cut_off, duration, events_deleted, batches, "
                                   "refused FROM audit_cleanups ORDER BY id DESC LIMIT 1";
    static const char sum_sql[] = "SELECT coalesce(sum(events_deleted), 0) FROM audit_cleanups";

    struct survey_cleanup *last = &numbers->cleanup;
    struct row             row = { .text = last->refused, .text_size = sizeof last->refused };
    struct row             sum = { .any = false };

    enum trail_err err = store_select(store, last_sql, NULL, 0, take_row, &row, ret_error);
    if (err == TRAIL_OK)
        err = store_select(store, sum_sql, NULL, 0, take_row, &sum, ret_error);
    last->any = row.any;
    last->started_us = (int64_t)row.numbers[0];
    last->finished_us = (int64_t)row.numbers[1];
    last->cut_off_us = (int64_t)row.numbers[2];
    last->duration_us = (int64_t)row.numbers[3];
    last->events_deleted = row.numbers[4];
    last->batches = row.numbers[5];
    numbers->events_deleted = sum.numbers[0];
    return err;
}

static enum trail_err read_dead_letters(struct survey_store *numbers, struct store *store,
                                        struct trail_error *ret_error)
{
    static const char count_sql[] = "SELECT count(*) FROM audit_dead_letters";
    static const char newest_sql[] =
        "SELECT recorded_at, error FROM audit_dead_letters ORDER BY recorded_at DESC, seq DESC LIMIT 1";
    struct row count = { .any = false };
    struct row newest = { .text = numbers->dead_letter_error, .text_size = sizeof numbers->dead_letter_error };

    enum trail_err err = store_select(store, count_sql, NULL, 0, take_row, &count, ret_error);
    if (err == TRAIL_OK && count.numbers[0] > 0)
        err = store_select(store, newest_sql, NULL, 0, take_row, &newest, ret_error);
    numbers->dead_letters = count.numbers[0];
    numbers->dead_letter_us = (int64_t)newest.numbers[0];
    return err;
}

enum trail_err survey_store_read(struct survey_store *ret_numbers, struct store *store, int64_t now_us,
                                 struct trail_error *ret_error)
{
    struct survey_store numbers = { .flush_us = 0 };

    enum trail_err err = read_flow(&numbers, store, now_us, ret_error);
    if (err == TRAIL_OK)
        err = read_flush(&numbers, store, ret_error);
    if (err == TRAIL_OK)
        err = read_cleanup(&numbers, store, ret_error);
    if (err == TRAIL_OK)
        err = read_dead_letters(&numbers, store, ret_error);
    if (err == TRAIL_OK)
        *ret_numbers = numbers;
    return err;
}
