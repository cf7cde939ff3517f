/* stats_report.c -- prints a survey: for people as a calm page, for programs as one JSON object. */
#include "cli/stats_report.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/figures.h"
#include "cli/table.h"
#include "event/operation.h"

/* ---- Sums ---- */

struct totals {
    struct survey_account operations[TRAIL_OPERATION_COUNT];
    struct survey_account all;
    uint64_t              foreign_waiting;
    uint64_t              spool_bytes;
    int64_t               oldest_waiting_us;
    size_t                alive;
    size_t                gone;
    size_t                foreign;
};

static uint64_t recorded_of(const struct survey_account *account)
{
    return account->stored + account->waiting + account->dead_lettered;
}

static uint64_t offered_of(const struct survey_account *account)
{
    return recorded_of(account) + account->level + account->excluded + account->sampled + account->rejected +
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

static void add_writer(struct totals *totals, const struct survey_writer *writer)
{
    totals->spool_bytes += writer->spool_bytes;
    if (writer->foreign) {
        totals->foreign++;
        for (size_t i = 0; i < TRAIL_OPERATION_COUNT; i++)
            totals->foreign_waiting += writer->operations[i].waiting;
        return;
    }
    if (writer->alive)
        totals->alive++;
    else
        totals->gone++;
    if (writer->oldest_waiting_us > totals->oldest_waiting_us)
        totals->oldest_waiting_us = writer->oldest_waiting_us;
    for (size_t i = 0; i < TRAIL_OPERATION_COUNT; i++) {
        add_account(&totals->operations[i], &writer->operations[i]);
        add_account(&totals->all, &writer->operations[i]);
    }
}

static struct totals add_up(const struct survey *survey)
{
    struct totals totals = { .alive = 0 };
    for (size_t i = 0; i < survey->writer_count; i++)
        add_writer(&totals, &survey->writers[i]);
    return totals;
}

/* Index 0 holds the trail's own records. */
static const char *account_name(size_t operation)
{
    return operation == 0 ? "control" : operation_name((enum trail_operation)operation);
}

/* ---- For people ---- */

static void print_account(struct table *table, const char *name, const struct survey_account *account)
{
    const uint64_t counts[] = { offered_of(account), recorded_of(account), account->level,  account->excluded,
                                account->sampled,    account->rejected,    account->dropped };
    table_cell(table, trail_str(name));
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct figure figure = figure_count(counts[i]);
        table_cell(table, trail_str(figure.text));
    }
}

static void print_accounts(const struct totals *totals, FILE *out)
{
    static const struct table_column columns[] = {
        { "operation", false }, { "offered", true }, { "recorded", true }, { "level", true },
        { "excluded", true },   { "sampled", true }, { "rejected", true }, { "dropped", true },
    };
    struct table table;

    table_begin(&table, out, columns, sizeof columns / sizeof columns[0]);
    /* The trail's own records come last: they are not what people did. */
    for (size_t i = 1; i <= TRAIL_OPERATION_COUNT; i++) {
        size_t operation = i % TRAIL_OPERATION_COUNT;
        if (offered_of(&totals->operations[operation]) > 0)
            print_account(&table, account_name(operation), &totals->operations[operation]);
    }
    print_account(&table, "total", &totals->all);
    (void)table_end(&table);

    fprintf(out, "\noffered = recorded + level + excluded + sampled + rejected + dropped\n");
    fprintf(out, "recorded %s = stored %s + waiting %s + dead-lettered %s\n\n",
            figure_count(recorded_of(&totals->all)).text, figure_count(totals->all.stored).text,
            figure_count(totals->all.waiting).text, figure_count(totals->all.dead_lettered).text);
}

static void print_places(const struct survey *survey, const struct totals *totals, FILE *out)
{
    fprintf(out, "writers   %s alive, %s gone", figure_count(totals->alive).text, figure_count(totals->gone).text);
    if (totals->foreign > 0)
        fprintf(out, "; %s of other stores, with %s waiting", figure_count(totals->foreign).text,
                figure_count(totals->foreign_waiting).text);
    fprintf(out, "\nwaiting   %s", figure_count(totals->all.waiting).text);
    if (totals->all.waiting > 0)
        fprintf(out, ", the oldest for %s", figure_age(totals->oldest_waiting_us).text);
    fprintf(out, "\nspool     %s in %s\n", figure_bytes(totals->spool_bytes).text, survey->spool_dir);
    if (survey->store_reachable)
        fprintf(out, "store     %s events, %s in %s\n", figure_count(survey->events_stored).text,
                figure_bytes(survey->store_bytes).text, survey->store_url);
    else
        fprintf(out, "store     cannot be reached: %s\n", survey->store_url);
}

void stats_report_table(const struct survey *survey, FILE *out)
{
    struct totals totals = add_up(survey);
    print_accounts(&totals, out);
    print_places(survey, &totals, out);
}

/* ---- For programs ---- */

static void append_account(struct buf *out, const char *name, const struct survey_account *account)
{
    buf_printf(out, "\"%s\":{\"offered\":%" PRIu64 ",\"recorded\":%" PRIu64, name, offered_of(account),
               recorded_of(account));
    buf_printf(out, ",\"stored\":%" PRIu64 ",\"waiting\":%" PRIu64 ",\"dead_lettered\":%" PRIu64, account->stored,
               account->waiting, account->dead_lettered);
    buf_printf(out, ",\"level\":%" PRIu64 ",\"excluded\":%" PRIu64 ",\"sampled\":%" PRIu64, account->level,
               account->excluded, account->sampled);
    buf_printf(out, ",\"rejected\":%" PRIu64 ",\"dropped\":%" PRIu64 "}", account->rejected, account->dropped);
}

static void append_accounts(struct buf *out, const struct survey_account operations[TRAIL_OPERATION_COUNT])
{
    buf_append_string(out, "\"operations\":{");
    for (size_t i = 0; i < TRAIL_OPERATION_COUNT; i++) {
        if (i > 0)
            buf_append_string(out, ",");
        append_account(out, account_name(i), &operations[i]);
    }
    buf_append_string(out, "}");
}

static void append_member(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "\"%s\":", name);
    json_append_string(out, trail_str(value));
    buf_append_string(out, ",");
}

static const char *truth(bool value)
{
    return value ? "true" : "false";
}

static void append_writer(struct buf *out, const struct survey_writer *writer)
{
    char uuid[UUID_TEXT_SIZE];
    char started[CLOCK_TEXT_SIZE];
    uuid_format(&writer->uuid, uuid);
    clock_format(writer->started_us, started);

    buf_append_string(out, "{");
    append_member(out, "uuid", uuid);
    append_member(out, "service", writer->service);
    append_member(out, "host", writer->host);
    append_member(out, "started", started);
    buf_printf(out, "\"pid\":%" PRId64 ",\"last_seq\":%" PRIu64, writer->pid, writer->last_seq);
    buf_printf(out, ",\"in_store\":%s,\"in_spool\":%s,\"alive\":%s,\"foreign\":%s", truth(writer->in_store),
               truth(writer->in_spool), truth(writer->alive), truth(writer->foreign));
    buf_printf(out, ",\"spool_bytes\":%" PRIu64 ",\"oldest_waiting_us\":%" PRId64 ",", writer->spool_bytes,
               writer->oldest_waiting_us);
    append_accounts(out, writer->operations);
    buf_append_string(out, "}");
}

void stats_report_json(const struct survey *survey, struct buf *out)
{
    struct totals totals = add_up(survey);

    buf_append_string(out, "{\"store\":{");
    append_member(out, "url", survey->store_url);
    buf_printf(out, "\"reachable\":%s,\"events\":%" PRIu64 ",\"bytes\":%" PRIu64 "},\"spool\":{",
               truth(survey->store_reachable), survey->events_stored, survey->store_bytes);
    append_member(out, "dir", survey->spool_dir);
    buf_printf(out, "\"bytes\":%" PRIu64 ",\"oldest_waiting_us\":%" PRId64 "},", totals.spool_bytes,
               totals.oldest_waiting_us);
    buf_printf(out,
               "\"writers_alive\":%zu,\"writers_gone\":%zu,\"writers_foreign\":%zu,\"foreign_waiting\":%" PRIu64 ",",
               totals.alive, totals.gone, totals.foreign, totals.foreign_waiting);
    append_account(out, "total", &totals.all);
    buf_append_string(out, ",");
    append_accounts(out, totals.operations);
    buf_append_string(out, ",\"writers\":[");
    for (size_t i = 0; i < survey->writer_count; i++) {
        if (i > 0)
            buf_append_string(out, ",");
        append_writer(out, &survey->writers[i]);
    }
    buf_append_string(out, "]}\n");
}
