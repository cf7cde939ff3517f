/* simulate_json.c -- a simulation as one JSON object: what `simulate -o json` and the HTTP service answer. */
#include "query/simulate_json.h"

#include <assert.h>
#include <inttypes.h>

#include "base/clock.h"
#include "base/json.h"
#include "event/operation.h"
#include "query/simulate_notes.h"

const char *simulate_rule_name(enum draft_rule rule)
{
    static const char *const names[DRAFT_RULE_COUNT] = {
        [DRAFT_KEPT] = "kept",
        [DRAFT_DISABLED] = "disabled",
        [DRAFT_LEVEL] = "level",
        [DRAFT_ACTION] = "excluded_action",
        [DRAFT_RESOURCE] = "excluded_resource",
        [DRAFT_SAMPLED] = "sampled",
    };
    assert((unsigned)rule < DRAFT_RULE_COUNT);
    return names[rule];
}

const char *simulate_operation_name(size_t operation)
{
    return operation == 0 ? "control" : operation_name((enum trail_operation)operation);
}

/* ---- Members ------------------------------------------------------------------------------------ */

/* What stands between two members or elements: nothing behind an opening bracket. */
static void append_gap(struct buf *out)
{
    if (out->size > 0 && out->data[out->size - 1] != '{' && out->data[out->size - 1] != '[')
        buf_append_string(out, ",");
}

static void append_name(struct buf *out, const char *name)
{
    append_gap(out);
    buf_printf(out, "\"%s\":", name);
}

/* Begin a member that is an object or an array. */
static void append_open(struct buf *out, const char *name, const char *bracket)
{
    append_name(out, name);
    buf_append_string(out, bracket);
}

static void append_element(struct buf *out)
{
    append_gap(out);
    buf_append_string(out, "{");
}

static void append_text(struct buf *out, const char *name, const char *value)
{
    append_name(out, name);
    json_append_string(out, trail_str(value));
}

static void append_count(struct buf *out, const char *name, double value)
{
    append_name(out, name);
    buf_printf(out, "%.0f", value);
}

static void append_number(struct buf *out, const char *name, uint64_t number)
{
    append_name(out, name);
    buf_printf(out, "%" PRIu64, number);
}

static void append_time(struct buf *out, const char *name, int64_t time_us)
{
    char text[CLOCK_TEXT_SIZE];
    append_name(out, name);
    if (time_us == 0) {
        buf_append_string(out, "null");
        return;
    }
    clock_format(time_us, text);
    json_append_string(out, trail_str(text));
}

/* ---- Parts -------------------------------------------------------------------------------------- */

static void append_policy(struct buf *out, const char *name, const struct draft *draft)
{
    size_t     size = policy_describe(draft->policy, NULL, 0) + 1;
    struct buf line;
    buf_init(&line, NULL, 0);
    char *room = buf_reserve(&line, size);
    if (room != NULL)
        policy_describe(draft->policy, room, size);
    append_text(out, name, room != NULL ? room : "");
    buf_done(&line);
}

static void append_rows(struct buf *out, const struct simulate_totals *totals)
{
    append_open(out, "rows", "{");
    append_count(out, "now", totals->now);
    append_count(out, "draft_low", totals->then_low);
    append_count(out, "draft_high", totals->then_high);
    append_count(out, "lost", totals->lost);
    append_count(out, "gained_low", totals->gained_low);
    append_count(out, "gained_high", totals->gained_high);
    buf_append_string(out, "}");
}

/* `factor` 0: there is nothing to say. */
static void append_amounts(struct buf *out, const char *name, double factor, const double amounts[3])
{
    if (factor <= 0) {
        append_name(out, name);
        buf_append_string(out, "null");
        return;
    }
    append_open(out, name, "{");
    append_count(out, "now", amounts[0] * factor);
    append_count(out, "draft_low", amounts[1] * factor);
    append_count(out, "draft_high", amounts[2] * factor);
    buf_append_string(out, "}");
}

static void append_volumes(struct buf *out, const struct simulation *simulation, const struct simulate_totals *totals)
{
    static const char *const     bases[] = { "unknown", "store", "encoded" };
    const struct simulate_bytes *bytes = &simulation->bytes;
    const double                 rows[] = { totals->now, totals->then_low, totals->then_high };
    const double                 sizes[] = { bytes->now, bytes->low, bytes->high };

    append_amounts(out, "rows_per_day", totals->per_day, rows);
    append_amounts(out, "bytes", bytes->basis != SIMULATE_BYTES_UNKNOWN ? 1 : 0, sizes);
    append_amounts(out, "bytes_per_day", bytes->basis != SIMULATE_BYTES_UNKNOWN ? totals->per_day : 0, sizes);
    append_open(out, "bytes_basis", "{");
    append_text(out, "kind", bases[bytes->basis]);
    append_number(out, "bytes", bytes->store_bytes);
    append_number(out, "events", bytes->store_events);
    buf_append_string(out, "}");
}

static void append_examples(struct buf *out, const char *name, const struct simulate_examples *examples)
{
    append_open(out, name, "[");
    for (size_t i = 0; i < examples->count; i++) {
        const struct simulate_example *example = &examples->list[i];
        append_element(out);
        append_time(out, "time", example->timestamp_us);
        append_text(out, "user", example->user_id);
        append_text(out, "operation", operation_name(example->operation));
        append_text(out, "action", example->action);
        append_text(out, "resource_type", example->resource_type);
        append_text(out, "resource_id", example->resource_id);
        const char *outcome = outcome_name(example->outcome);
        append_text(out, "outcome", outcome != NULL ? outcome : "unknown");
        buf_append_string(out, "}");
    }
    buf_append_string(out, "]");
}

static void append_patterns(struct buf *out, const struct pattern_list *list, const double *events)
{
    append_open(out, "patterns", "[");
    for (size_t i = 0; i < list->item_count; i++) {
        append_element(out);
        append_name(out, "pattern");
        json_append_string(out, list->items[i]);
        append_count(out, "events", events[i]);
        buf_append_string(out, "}");
    }
    buf_append_string(out, "]");
}

static void append_rules(struct buf *out, const struct simulation *simulation)
{
    append_open(out, "rules", "{");
    for (size_t i = DRAFT_KEPT + 1; i < DRAFT_RULE_COUNT; i++) {
        const struct simulate_rule *rule = &simulation->rules[i];
        append_open(out, simulate_rule_name((enum draft_rule)i), "{");
        append_count(out, "events", rule->events);
        append_count(out, "lost", rule->lost);
        append_examples(out, "examples", &rule->examples);
        if (i == DRAFT_ACTION)
            append_patterns(out, &simulation->draft->actions, simulation->action_events);
        if (i == DRAFT_RESOURCE)
            append_patterns(out, &simulation->draft->resources, simulation->resource_events);
        buf_append_string(out, "}");
    }
    buf_append_string(out, "}");
}

static void append_operation(struct buf *out, const struct simulate_operation *operation)
{
    const struct {
        const char *name;
        double      value;
    } counts[] = {
        { "events", operation->events },
        { "now", operation->now },
        { "draft_low", operation->then + operation->unseen.low },
        { "draft_high", operation->then + operation->unseen.high },
        { "lost", operation->lost },
        { "gained_low", operation->gained + operation->unseen.low },
        { "gained_high", operation->gained + operation->unseen.high },
    };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        append_count(out, counts[i].name, counts[i].value);
    }
    append_open(out, "refused", "{");
    for (size_t i = DRAFT_KEPT + 1; i < DRAFT_RULE_COUNT; i++)
        append_count(out, simulate_rule_name((enum draft_rule)i), operation->refused[i]);
    buf_append_string(out, "}");
    append_open(out, "unseen_now", "{");
    append_count(out, "level", operation->unseen_now.level);
    append_count(out, "excluded", operation->unseen_now.excluded);
    append_count(out, "sampled", operation->unseen_now.sampled);
    buf_append_string(out, "}");
}

static void append_operations(struct buf *out, const struct simulation *simulation)
{
    append_open(out, "operations", "{");
    for (size_t i = 0; i < TRAIL_OPERATION_COUNT; i++) {
        append_open(out, simulate_operation_name(i), "{");
        append_operation(out, &simulation->operations[i]);
        buf_append_string(out, "}");
    }
    buf_append_string(out, "}");
}

static void append_notes(struct buf *out, const struct simulation *simulation)
{
    struct simulate_note notes[SIMULATE_NOTES_MAX];
    size_t               count = simulation_notes(simulation, notes);
    append_open(out, "notes", "[");
    for (size_t i = 0; i < count; i++) {
        append_element(out);
        append_text(out, "code", notes[i].code);
        append_text(out, "text", notes[i].text);
        buf_append_string(out, "}");
    }
    buf_append_string(out, "]");
}

void simulation_to_json(const struct simulation *simulation, uint64_t lines_in_error, struct buf *out)
{
    const struct simulate_totals totals = simulation_totals(simulation);

    buf_append_string(out, "{");
    append_text(out, "source", simulation->of_store ? "store" : "input");
    append_time(out, "since", simulation->since_us);
    append_time(out, "until", simulation->until_us);
    append_name(out, "days");
    buf_printf(out, "%.6f", totals.days);
    append_open(out, "policy", "{");
    append_policy(out, "now", simulation->now);
    append_policy(out, "draft", simulation->draft);
    buf_append_string(out, "}");
    append_number(out, "events", simulation->events);
    append_number(out, "lines_in_error", lines_in_error);
    append_rows(out, &totals);
    append_volumes(out, simulation, &totals);
    append_rules(out, simulation);
    append_examples(out, "gained_examples", &simulation->gained);
    append_operations(out, simulation);
    append_notes(out, simulation);
    buf_append_string(out, "}\n");
}
