/* simulate.c -- what a draft policy would keep of events that happened: counted by rule and operation. */
#include "query/simulate.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* Below, a store is mostly pages that every store has, and its bytes per event say nothing of the next million. */
#define STORE_EVENTS_MIN 1000

#define US_PER_DAY 86400e6

/* From less than a minute nothing can be said of a day. */
#define PER_DAY_MIN_US 60e6

/* What weight times rate may be off by: far above the last bit of a weight, far below one event in a million. */
#define ROUNDING 1e-7

enum trail_err simulation_init(struct simulation *simulation, const struct draft *now, const struct draft *draft,
                               struct trail_error *ret_error)
{
    *simulation = (struct simulation){ .now = now, .draft = draft };
    size_t actions = draft->actions.item_count;
    size_t resources = draft->resources.item_count;
    simulation->action_events = actions > 0 ? calloc(actions, sizeof(double)) : NULL;
    simulation->resource_events = resources > 0 ? calloc(resources, sizeof(double)) : NULL;
    if ((actions > 0 && simulation->action_events == NULL) || (resources > 0 && simulation->resource_events == NULL)) {
        simulation_done(simulation);
        return error_set(ret_error, TRAIL_ENOMEM, 0, "out of memory for a simulation");
    }
    return TRAIL_OK;
}

void simulation_done(struct simulation *simulation)
{
    if (simulation == NULL)
        return;
    free(simulation->action_events);
    free(simulation->resource_events);
    *simulation = (struct simulation){ 0 };
}

/* ---- Examples ----------------------------------------------------------------------------------- */

#define COPY_CLEAN(field, text) copy_clean((field), sizeof(field), (text))

static void copy_clean(char *out, size_t size, struct trail_text text)
{
    uint32_t flags = 0;
    out[text_clean(text_trim(text), size - 1, out, &flags)] = '\0';
}

static bool is_shown(const struct simulate_examples *examples, const struct trail_event *event)
{
    for (size_t i = 0; i < examples->count; i++) {
        if (text_equal_nocase(trail_str(examples->list[i].action), text_trim(event->action)) &&
            text_equal_nocase(trail_str(examples->list[i].resource_type), text_trim(event->resource_type)))
            return true;
    }
    return false;
}

static void show(struct simulate_examples *examples, const struct trail_event *event, enum trail_operation operation)
{
    if (examples->count == SIMULATE_EXAMPLES_MAX || is_shown(examples, event))
        return;
    struct simulate_example *example = &examples->list[examples->count++];
    example->timestamp_us = event->timestamp_us;
    example->operation = operation;
    example->outcome = event->outcome;
    COPY_CLEAN(example->action, event->action);
    COPY_CLEAN(example->resource_type, event->resource_type);
    COPY_CLEAN(example->resource_id, event->resource_id);
    COPY_CLEAN(example->user_id, event->user_id);
}

/* ---- Counting ----------------------------------------------------------------------------------- */

/* An event once both sides of the comparison are known. */
struct compared {
    const struct trail_event *event;
    enum trail_operation      operation; /* As the draft sees it. */
    double                    weight;    /* Offered events that it stands for. */
    double                    now;       /* Rows. */
    struct draft_verdict      verdict;   /* The draft's. */
};

static void count_refused(struct simulation *simulation, const struct compared *compared, enum draft_rule rule,
                          double events)
{
    simulation->operations[compared->operation].refused[rule] += events;
    simulation->rules[rule].events += events;
    if (rule == DRAFT_ACTION)
        simulation->action_events[compared->verdict.item] += events;
    else if (rule == DRAFT_RESOURCE)
        simulation->resource_events[compared->verdict.item] += events;
}

static bool is_nothing(double difference)
{
    return difference < ROUNDING && difference > -ROUNDING;
}

static void count(struct simulation *simulation, const struct compared *compared)
{
    struct simulate_operation *operation = &simulation->operations[compared->operation];
    double                     then = compared->weight * compared->verdict.share;
    enum draft_rule            rule = compared->verdict.rule != DRAFT_KEPT ? compared->verdict.rule : DRAFT_SAMPLED;
    double                     refused = compared->weight - then;

    simulation->events++;
    /* A tenth of what stands for ten is one, whatever the last bit says. */
    if (is_nothing(then - compared->now))
        then = compared->now;
    operation->events += compared->weight;
    operation->now += compared->now;
    operation->then += then;
    if (refused > ROUNDING)
        count_refused(simulation, compared, rule, refused);
    if (then < compared->now) {
        operation->lost += compared->now - then;
        simulation->rules[rule].lost += compared->now - then;
        show(&simulation->rules[rule].examples, compared->event, compared->operation);
    } else if (then > compared->now) {
        operation->gained += then - compared->now;
        show(&simulation->gained, compared->event, compared->operation);
    }
}

void simulation_offer(struct simulation *simulation, const struct trail_event *event, size_t encoded_bytes)
{
    const struct draft  *now = simulation->now;
    enum trail_operation operation = draft_operation(simulation->draft, event);
    struct compared      compared = { .event = event, .operation = operation, .weight = 1 };

    compared.now = draft_decide(now, event, draft_operation(now, event)).share;
    compared.verdict = draft_decide(simulation->draft, event, operation);
    count(simulation, &compared);
    simulation->encoded_now += compared.now * (double)encoded_bytes;
    simulation->encoded_then += compared.verdict.share * (double)encoded_bytes;
    if (event->timestamp_us == 0)
        return;
    if (simulation->since_us == 0 || event->timestamp_us < simulation->since_us)
        simulation->since_us = event->timestamp_us;
    if (event->timestamp_us > simulation->until_us)
        simulation->until_us = event->timestamp_us;
}

void simulation_stored(struct simulation *simulation, const struct trail_event *event, double weight)
{
    enum trail_operation operation = draft_operation_stored(simulation->draft, event->action, event->operation);
    struct compared      compared = { .event = event, .operation = operation, .weight = weight, .now = 1 };

    simulation->of_store = true;
    /* No event stands for less than itself. */
    if (!(weight >= 1))
        compared.weight = weight = 1;
    if (operation != event->operation)
        simulation->remapped++;
    if (draft_decide(simulation->now, event, event->operation).share <= 0)
        simulation->contradicting++;
    if (weight > 1)
        simulation->operations[event->operation].weighed = true;
    compared.verdict = draft_decide(simulation->draft, event, operation);
    count(simulation, &compared);
}

/* No rule refuses them, but with the trail off there are none. */
void simulation_control(struct simulation *simulation)
{
    struct simulate_operation *own = &simulation->operations[0];
    simulation->of_store = true;
    own->events++;
    own->now++;
    if (simulation->draft->enabled) {
        own->then++;
        return;
    }
    own->lost++;
    own->refused[DRAFT_DISABLED]++;
    simulation->rules[DRAFT_DISABLED].events++;
    simulation->rules[DRAFT_DISABLED].lost++;
}

/* ---- Sums --------------------------------------------------------------------------------------- */

struct simulate_totals simulation_totals(const struct simulation *simulation)
{
    double                 covered_us = (double)(simulation->until_us - simulation->since_us);
    struct simulate_totals totals = { .days = covered_us / US_PER_DAY };
    if (covered_us >= PER_DAY_MIN_US)
        totals.per_day = US_PER_DAY / covered_us;
    for (size_t i = 0; i < TRAIL_OPERATION_COUNT; i++) {
        const struct simulate_operation *operation = &simulation->operations[i];
        const struct unseen_counts      *unseen = &operation->unseen_now;
        totals.events += operation->events;
        totals.now += operation->now;
        totals.then_low += operation->then + operation->unseen.low;
        totals.then_high += operation->then + operation->unseen.high;
        totals.lost += operation->lost;
        totals.gained_low += operation->gained + operation->unseen.low;
        totals.gained_high += operation->gained + operation->unseen.high;
        totals.unseen_now += unseen->level + unseen->excluded + (operation->weighed ? 0 : unseen->sampled);
    }
    return totals;
}

void simulation_weigh(struct simulation *simulation, uint64_t store_bytes, uint64_t store_events)
{
    struct simulate_totals totals = simulation_totals(simulation);
    struct simulate_bytes *bytes = &simulation->bytes;
    *bytes = (struct simulate_bytes){ .store_bytes = store_bytes, .store_events = store_events };
    if (store_events > 0 && (simulation->of_store || store_events >= STORE_EVENTS_MIN)) {
        double per_event = (double)store_bytes / (double)store_events;
        bytes->basis = SIMULATE_BYTES_OF_STORE;
        bytes->now = totals.now * per_event;
        bytes->low = totals.then_low * per_event;
        bytes->high = totals.then_high * per_event;
    } else if (!simulation->of_store) {
        bytes->basis = SIMULATE_BYTES_ENCODED;
        bytes->now = simulation->encoded_now;
        bytes->low = simulation->encoded_then;
        bytes->high = simulation->encoded_then;
    }
}
