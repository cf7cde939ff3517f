/* simulate_json.c -- a simulation as one JSON object: what `simulate -o json` and the HTTP service answer. */
#include "query/simulate_json.h"

#include <assert.h>
#include <inttypes.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/json_write.h"
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

/* ---- Parts -------------------------------------------------------------------------------------- */

static void append_policy(struct buf *out, const char *name, const struct draft *draft)
{
    size_t     size = policy_describe(draft->policy, NULL, 0) + 1;
    struct buf line;
    buf_init(&line, NULL, 0);
    char *room = buf_reserve(&line, size);
    if (room != NULL)
        policy_describe(draft->policy, room, size);
    json_put_text(out, name, room != NULL ? room : "");
    buf_done(&line);
}

static void append_rows(struct buf *out, const struct simulate_totals *totals)
{
    json_open(out, "rows", "{");
    json_put_rounded(out, "now", totals->now);
    json_put_rounded(out, "draft_low", totals->then_low);
    json_put_rounded(out, "draft_high", totals->then_high);
    json_put_rounded(out, "lost", totals->lost);
    json_put_rounded(out, "gained_low", totals->gained_low);
    json_put_rounded(out, "gained_high", totals->gained_high);
    json_close(out, "}");
}

/* `factor` 0: there is nothing to say. */
static void append_amounts(struct buf *out, const char *name, double factor, const double amounts[3])
{
    if (factor <= 0) {
        json_put_null(out, name);
        return;
    }
    json_open(out, name, "{");
    json_put_rounded(out, "now", amounts[0] * factor);
    json_put_rounded(out, "draft_low", amounts[1] * factor);
    json_put_rounded(out, "draft_high", amounts[2] * factor);
    json_close(out, "}");
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
    json_open(out, "bytes_basis", "{");
    json_put_text(out, "kind", bases[bytes->basis]);
    json_put_number(out, "bytes", bytes->store_bytes);
    json_put_number(out, "events", bytes->store_events);
    json_close(out, "}");
}

static void append_examples(struct buf *out, const char *name, const struct simulate_examples *examples)
{
    json_open(out, name, "[");
    for (size_t i = 0; i < examples->count; i++) {
        const struct simulate_example *example = &examples->list[i];
        json_open(out, NULL, "{");
        json_put_time(out, "time", example->timestamp_us);
        json_put_text(out, "user", example->user_id);
        json_put_text(out, "operation", operation_name(example->operation));
        json_put_text(out, "action", example->action);
        json_put_text(out, "resource_type", example->resource_type);
        json_put_text(out, "resource_id", example->resource_id);
        const char *outcome = outcome_name(example->outcome);
        json_put_text(out, "outcome", outcome != NULL ? outcome : "unknown");
        json_close(out, "}");
    }
    json_close(out, "]");
}

static void append_patterns(struct buf *out, const struct pattern_list *list, const double *events)
{
    json_open(out, "patterns", "[");
    for (size_t i = 0; i < list->item_count; i++) {
        json_open(out, NULL, "{");
        json_append_name(out, "pattern");
        json_append_string(out, list->items[i]);
        json_put_rounded(out, "events", events[i]);
        json_close(out, "}");
    }
    json_close(out, "]");
}

static void append_rules(struct buf *out, const struct simulation *simulation)
{
    json_open(out, "rules", "{");
    for (size_t i = DRAFT_KEPT + 1; i < DRAFT_RULE_COUNT; i++) {
        const struct simulate_rule *rule = &simulation->rules[i];
        json_open(out, simulate_rule_name((enum draft_rule)i), "{");
        json_put_rounded(out, "events", rule->events);
        json_put_rounded(out, "lost", rule->lost);
        append_examples(out, "examples", &rule->examples);
        if (i == DRAFT_ACTION)
            append_patterns(out, &simulation->draft->actions, simulation->action_events);
        if (i == DRAFT_RESOURCE)
            append_patterns(out, &simulation->draft->resources, simulation->resource_events);
        json_close(out, "}");
    }
    json_close(out, "}");
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
        json_put_rounded(out, counts[i].name, counts[i].value);
    }
    json_open(out, "refused", "{");
    for (size_t i = DRAFT_KEPT + 1; i < DRAFT_RULE_COUNT; i++)
        json_put_rounded(out, simulate_rule_name((enum draft_rule)i), operation->refused[i]);
    json_close(out, "}");
    json_open(out, "unseen_now", "{");
    json_put_rounded(out, "level", operation->unseen_now.level);
    json_put_rounded(out, "excluded", operation->unseen_now.excluded);
    json_put_rounded(out, "sampled", operation->unseen_now.sampled);
    json_close(out, "}");
}

static void append_operations(struct buf *out, const struct simulation *simulation)
{
    json_open(out, "operations", "{");
    for (size_t i = 0; i < TRAIL_OPERATION_COUNT; i++) {
        json_open(out, simulate_operation_name(i), "{");
        append_operation(out, &simulation->operations[i]);
        json_close(out, "}");
    }
    json_close(out, "}");
}

static void append_notes(struct buf *out, const struct simulation *simulation)
{
    struct simulate_note notes[SIMULATE_NOTES_MAX];
    size_t               count = simulation_notes(simulation, notes);
    json_open(out, "notes", "[");
    for (size_t i = 0; i < count; i++) {
        json_open(out, NULL, "{");
        json_put_text(out, "code", notes[i].code);
        json_put_text(out, "text", notes[i].text);
        json_close(out, "}");
    }
    json_close(out, "]");
}

void simulation_to_json(const struct simulation *simulation, uint64_t lines_in_error, struct buf *out)
{
    const struct simulate_totals totals = simulation_totals(simulation);

    json_open(out, NULL, "{");
    json_put_text(out, "source", simulation->of_store ? "store" : "input");
    json_put_time(out, "since", simulation->since_us);
    json_put_time(out, "until", simulation->until_us);
    json_append_name(out, "days");
    buf_printf(out, "%.6f", totals.days);
    json_open(out, "policy", "{");
    append_policy(out, "now", simulation->now);
    append_policy(out, "draft", simulation->draft);
    json_close(out, "}");
    json_put_number(out, "events", simulation->events);
    json_put_number(out, "lines_in_error", lines_in_error);
    append_rows(out, &totals);
    append_volumes(out, simulation, &totals);
    append_rules(out, simulation);
    append_examples(out, "gained_examples", &simulation->gained);
    append_operations(out, simulation);
    append_notes(out, simulation);
    json_close(out, "}\n");
}
