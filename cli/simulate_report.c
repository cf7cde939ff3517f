/* simulate_report.c -- prints a simulation for people: policies, volumes, rules, what is lost and gained. */
#include "cli/simulate_report.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "cli/figures.h"
#include "cli/table.h"
#include "event/operation.h"
#include "query/simulate_json.h"
#include "query/simulate_notes.h"

/* ---- Figures ------------------------------------------------------------------------------------ */

typedef struct figure (*figure_fn)(uint64_t number);

struct range_text {
    char text[72]; /* "1,234 to 5,678". */
};

static uint64_t whole(double value)
{
    return value > 0 ? (uint64_t)(value + 0.5) : 0;
}

static struct range_text range(figure_fn figure, double low, double high)
{
    struct range_text range;
    struct figure     first = figure(whole(low));
    struct figure     second = figure(whole(high));
    if (strcmp(first.text, second.text) == 0)
        snprintf(range.text, sizeof range.text, "%s", first.text);
    else
        snprintf(range.text, sizeof range.text, "%s to %s", first.text, second.text);
    return range;
}

static void write_change(char *out, size_t size, double ratio)
{
    double percent = 100 * (ratio - 1);
    if (percent > -0.05 && percent < 0.05)
        snprintf(out, size, "the same");
    else if (ratio >= 10)
        snprintf(out, size, "%.0f times", ratio);
    else
        snprintf(out, size, percent > -10 && percent < 10 ? "%+.1f %%" : "%+.0f %%", percent);
}

static struct range_text change(double now, double low, double high)
{
    struct range_text change = { "" };
    char              first[32];
    char              second[32];
    if (now < 0.5)
        return change;
    write_change(first, sizeof first, low / now);
    write_change(second, sizeof second, high / now);
    if (strcmp(first, second) == 0)
        snprintf(change.text, sizeof change.text, "%s", first);
    else
        snprintf(change.text, sizeof change.text, "%s to %s", first, second);
    return change;
}

static void cell(struct table *table, const char *text)
{
    table_cell(table, trail_str(text));
}

/* Nothing is easier to see as a gap among numbers than as a zero. */
static void count_cell(struct table *table, double low, double high)
{
    cell(table, whole(high) == 0 ? "-" : range(figure_count, low, high).text);
}

/* ---- Head --------------------------------------------------------------------------------------- */

static bool print_policy(FILE *out, const char *name, const struct draft *draft)
{
    size_t size = policy_describe(draft->policy, NULL, 0) + 1;
    char  *line = malloc(size);
    if (line == NULL)
        return false;
    policy_describe(draft->policy, line, size);
    fprintf(out, "%-7s%s\n", name, line);
    free(line);
    return true;
}

static void print_events(const struct simulation *simulation, uint64_t lines_in_error, FILE *out)
{
    fprintf(out, "events %s %s", figure_count(simulation->events).text,
            simulation->of_store ? "stored" : "in the input");
    if (lines_in_error > 0)
        fprintf(out, ", %s lines in error left out", figure_count(lines_in_error).text);
    if (simulation->until_us > simulation->since_us) {
        char since[CLOCK_TEXT_SIZE];
        char until[CLOCK_TEXT_SIZE];
        clock_format(simulation->since_us, since);
        clock_format(simulation->until_us, until);
        fprintf(out, ", from %.19sZ to %.19sZ (%s)", since, until,
                figure_age(simulation->until_us - simulation->since_us).text);
    }
    fputs("\n\n", out);
}

/* ---- Volumes ------------------------------------------------------------------------------------ */

static void print_volume(struct table *table, const char *name, figure_fn figure, const double amounts[3])
{
    cell(table, name);
    cell(table, figure(whole(amounts[0])).text);
    cell(table, range(figure, amounts[1], amounts[2]).text);
    cell(table, change(amounts[0], amounts[1], amounts[2]).text);
}

static bool print_volumes(const struct simulation *simulation, const struct simulate_totals *totals, FILE *out)
{
    static const struct table_column columns[] = { { "", false }, { "now", true }, { "draft", true }, { "", true } };
    const struct simulate_bytes     *bytes = &simulation->bytes;
    double                           per_day = totals->per_day;
    struct table                     table;

    table_begin(&table, out, columns, sizeof columns / sizeof columns[0]);
    print_volume(&table, "rows", figure_count, (double[]){ totals->now, totals->then_low, totals->then_high });
    if (per_day > 0)
        print_volume(&table, "rows per day", figure_count,
                     (double[]){ totals->now * per_day, totals->then_low * per_day, totals->then_high * per_day });
    if (per_day > 0 && bytes->basis != SIMULATE_BYTES_UNKNOWN)
        print_volume(&table, "bytes per day", figure_bytes,
                     (double[]){ bytes->now * per_day, bytes->low * per_day, bytes->high * per_day });
    else if (bytes->basis != SIMULATE_BYTES_UNKNOWN)
        print_volume(&table, "bytes", figure_bytes, (double[]){ bytes->now, bytes->low, bytes->high });
    return table_end(&table);
}

/* ---- Operations --------------------------------------------------------------------------------- */

static void print_operation(struct table *table, size_t i, const struct simulate_operation *operation)
{
    const struct unseen_bounds *unseen = &operation->unseen;
    cell(table, simulate_operation_name(i));
    count_cell(table, operation->now, operation->now);
    count_cell(table, operation->then + unseen->low, operation->then + unseen->high);
    count_cell(table, operation->lost, operation->lost);
    count_cell(table, operation->gained + unseen->low, operation->gained + unseen->high);
    for (size_t rule = DRAFT_KEPT + 1; rule < DRAFT_RULE_COUNT; rule++)
        count_cell(table, operation->refused[rule], operation->refused[rule]);
}

static bool print_operations(const struct simulation *simulation, FILE *out)
{
    /* The last ones in the order of enum draft_rule. */
    static const struct table_column columns[] = {
        { "operation", false }, { "now", true },   { "draft", true },  { "lost", true },     { "new", true },
        { "off", true },        { "level", true }, { "action", true }, { "resource", true }, { "sampled", true },
    };
    struct table table;
    fputs("\nRows by operation, and events that the draft leaves out by rule:\n", out);
    table_begin(&table, out, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 1; i <= TRAIL_OPERATION_COUNT; i++) {
        /* The trail's own records come last: they are not what people did. */
        const struct simulate_operation *operation = &simulation->operations[i % TRAIL_OPERATION_COUNT];
        if (operation->events > 0 || operation->unseen.high > 0)
            print_operation(&table, i % TRAIL_OPERATION_COUNT, operation);
    }
    return table_end(&table);
}

/* ---- Patterns ----------------------------------------------------------------------------------- */

static void print_list(struct table *table, const char *what, const struct pattern_list *list, const double *events)
{
    for (size_t i = 0; i < list->item_count; i++) {
        cell(table, what);
        table_cell(table, list->items[i]);
        count_cell(table, events[i], events[i]);
        cell(table, events[i] > 0 ? "" : "matched nothing that the level takes");
    }
}

static bool print_patterns(const struct simulation *simulation, FILE *out)
{
    static const struct table_column columns[] = {
        { "excluded", false }, { "pattern", false }, { "events", true }, { "", false }
    };
    struct table table;
    if (!draft_excludes(simulation->draft))
        return true;
    fputc('\n', out);
    table_begin(&table, out, columns, sizeof columns / sizeof columns[0]);
    print_list(&table, "action", &simulation->draft->actions, simulation->action_events);
    print_list(&table, "resource", &simulation->draft->resources, simulation->resource_events);
    return table_end(&table);
}

/* ---- Examples ----------------------------------------------------------------------------------- */

static void print_resource(struct table *table, const struct simulate_example *example)
{
    struct buf text;
    buf_init(&text, NULL, 0);
    buf_printf(&text, "%s%s%s", example->resource_type, example->resource_id[0] != '\0' ? "/" : "",
               example->resource_id);
    table_cell(table, buf_text(&text));
    buf_done(&text);
}

/* `why` NULL: the table has no column for it. */
static void print_examples(struct table *table, const char *why, const struct simulate_examples *examples)
{
    for (size_t i = 0; i < examples->count; i++) {
        const struct simulate_example *example = &examples->list[i];
        const char                    *outcome = outcome_name(example->outcome);
        char                           when[CLOCK_TEXT_SIZE] = "";
        if (example->timestamp_us != 0)
            clock_format(example->timestamp_us, when);
        if (why != NULL)
            cell(table, why);
        cell(table, when);
        cell(table, example->user_id);
        cell(table, operation_name(example->operation));
        cell(table, example->action);
        print_resource(table, example);
        cell(table, outcome != NULL ? outcome : "");
    }
}

static bool print_lost_and_gained(const struct simulation *simulation, FILE *out)
{
    static const char *const reasons[] = { "", "off", "level", "excluded action", "excluded resource", "sampled" };
    static const struct table_column columns[] = { { "because of", false }, { "time", false },   { "user", false },
                                                   { "operation", false },  { "action", false }, { "resource", false },
                                                   { "outcome", false } };
    size_t                           column_count = sizeof columns / sizeof columns[0];
    size_t                           lost = 0;
    struct table                     table;
    bool                             printed = true;
    for (size_t i = 0; i < DRAFT_RULE_COUNT; i++)
        lost += simulation->rules[i].examples.count;
    if (lost > 0) {
        fputs("\nNo longer seen, for example:\n", out);
        table_begin(&table, out, columns, column_count);
        for (size_t i = 0; i < DRAFT_RULE_COUNT; i++)
            print_examples(&table, reasons[i], &simulation->rules[i].examples);
        printed = table_end(&table);
    }
    if (printed && simulation->gained.count > 0) {
        fputs("\nNewly seen, for example:\n", out);
        table_begin(&table, out, columns + 1, column_count - 1);
        print_examples(&table, NULL, &simulation->gained);
        printed = table_end(&table);
    }
    return printed;
}

/* ---- All of it ---------------------------------------------------------------------------------- */

static void print_notes(const struct simulation *simulation, FILE *out)
{
    struct simulate_note notes[SIMULATE_NOTES_MAX];
    size_t               count = simulation_notes(simulation, notes);
    if (count > 0)
        fputs("\nWhat these numbers rest on:\n", out);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "- %s.\n", notes[i].text);
}

bool simulate_report(const struct simulation *simulation, uint64_t lines_in_error, FILE *out)
{
    const struct simulate_totals totals = simulation_totals(simulation);
    if (!print_policy(out, "now", simulation->now) || !print_policy(out, "draft", simulation->draft))
        return false;
    print_events(simulation, lines_in_error, out);
    if (!print_volumes(simulation, &totals, out) || !print_operations(simulation, out) ||
        !print_patterns(simulation, out) || !print_lost_and_gained(simulation, out))
        return false;
    print_notes(simulation, out);
    return true;
}
