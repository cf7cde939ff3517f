/* policy.c -- decides which events enter the trail. */
#include "policy/policy.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/action_map.h"
#include "base/settings_value.h"
#include "base/text.h"
#include "event/operation.h"
#include "policy/pattern.h"
#include "policy/sampling.h"

#define OUTCOME_COUNT 5
#define OUTCOME_PLACES (sizeof(struct policy_level) / sizeof(uint32_t))
#define EVERY_OPERATION UINT32_MAX

struct policy {
    struct policy_level taken; /* First: see policy_level_refuses(). */
    struct policy_level floor; /* Of that, what is always recorded. */
    bool                enabled;
    enum trail_level    level;
    uint32_t            always; /* enum always_record bits. */
    struct pattern_list actions;
    struct pattern_list resources;
    struct sampling     sampling;
    struct action_map   map;
};

/* ---- Building ----------------------------------------------------------------------------------- */

/* The operations that are recorded with this outcome whatever the rules say. */
static uint32_t floor_of(uint32_t always, enum trail_outcome outcome)
{
    uint32_t operations = 0;
    if ((always & ALWAYS_RECORD_FAILURES) != 0 && outcome != TRAIL_OUTCOME_SUCCESS)
        operations = EVERY_OPERATION;
    if ((always & ALWAYS_RECORD_DENIED) != 0 && outcome == TRAIL_OUTCOME_DENIED)
        operations = EVERY_OPERATION;
    if ((always & ALWAYS_RECORD_DELETES) != 0)
        operations |= UINT32_C(1) << TRAIL_OPERATION_DELETE;
    if ((always & ALWAYS_RECORD_AUTH) != 0)
        operations |= UINT32_C(1) << TRAIL_OPERATION_AUTH;
    return operations;
}

static void set_level(struct policy *policy, enum trail_level level, uint32_t always)
{
    policy->level = level;
    policy->always = always;
    for (int i = 0; i < OUTCOME_COUNT; i++) {
        bool takes_none = level == TRAIL_LEVEL_FAILURES_ONLY && i == TRAIL_OUTCOME_SUCCESS;
        policy->floor.operations[i] = floor_of(always, (enum trail_outcome)i);
        policy->taken.operations[i] = policy->floor.operations[i] | (takes_none ? 0 : level_operations(level));
    }
    for (size_t i = OUTCOME_COUNT; i < OUTCOME_PLACES; i++)
        policy->taken.operations[i] = EVERY_OPERATION;
}

static enum trail_err set_map(struct policy *policy, const char *value, struct trail_error *ret_error)
{
    struct buf reason;
    buf_init(&reason, NULL, 0);
    enum trail_err err = action_map_init(&policy->map, trail_str(value), &reason);
    if (err == TRAIL_EINVAL)
        err = error_set(ret_error, TRAIL_ECONFIG, 0, "AUDIT_TRAIL_ACTION_MAP: %.*s", (int)reason.size, reason.data);
    else if (err != TRAIL_OK)
        err = error_set(ret_error, err, 0, "out of memory for AUDIT_TRAIL_ACTION_MAP");
    buf_done(&reason);
    return err;
}

enum trail_err policy_new(struct policy **ret_policy, const struct settings *settings,
                          const struct hash_key *sampling_key, struct trail_error *ret_error)
{
    assert(ret_policy != NULL);
    assert(settings != NULL);

    struct policy *policy = calloc(1, sizeof *policy);
    if (policy == NULL)
        return error_set(ret_error, TRAIL_ENOMEM, 0, "out of memory for the policy");

    policy->enabled = settings->enabled;
    /* The setting counts its choices from 0, in the order of enum trail_level, which starts at 1. */
    set_level(policy, (enum trail_level)(settings->level + 1), settings->always_record);
    sampling_init(&policy->sampling, settings->sample_rate, settings->sample_reads, sampling_key);
    enum trail_err err = pattern_list_init(&policy->actions, "AUDIT_TRAIL_EXCLUDE_ACTIONS",
                                           trail_str(settings->exclude_actions), ret_error);
    if (err != TRAIL_OK)
        goto fail;
    err = pattern_list_init(&policy->resources, "AUDIT_TRAIL_EXCLUDE_RESOURCES", trail_str(settings->exclude_resources),
                            ret_error);
    if (err != TRAIL_OK)
        goto fail;
    err = set_map(policy, settings->action_map, ret_error);
    if (err != TRAIL_OK)
        goto fail;

    *ret_policy = policy;
    return TRAIL_OK;

fail:
    policy_free(policy);
    return err;
}

void policy_free(struct policy *policy)
{
    if (policy == NULL)
        return;
    pattern_list_done(&policy->actions);
    pattern_list_done(&policy->resources);
    action_map_done(&policy->map);
    free(policy);
}

bool policy_samples(const struct policy *policy)
{
    return policy->sampling.operations != 0;
}

/* ---- Classifying -------------------------------------------------------------------------------- */

enum trail_operation policy_classify(const struct policy *policy, struct trail_text action)
{
    enum trail_operation operation;
    if (policy->map.entry_count > 0 && action_map_find(&policy->map, action, &operation))
        return operation;
    return operation_classify(action);
}

bool policy_maps(const struct policy *policy, struct trail_text action)
{
    enum trail_operation operation;
    return action_map_find(&policy->map, action, &operation);
}

/* ---- Deciding ----------------------------------------------------------------------------------- */

/* A floor that no rule can hide: a typo in a rule must not be able to leave out the event that would have shown who
 * changed the rules. */
static bool always_recorded(const struct policy *policy, const struct trail_event *event,
                            enum trail_operation operation)
{
    return (policy->floor.operations[(unsigned)event->outcome & 7] >> (unsigned)operation & 1) != 0;
}

/* An empty list, as most are, is not worth a call. */
static inline bool excludes(const struct pattern_list *list, struct trail_text name)
{
    return list->item_count > 0 && pattern_list_matches(list, name);
}

enum policy_verdict policy_decide(const struct policy *policy, const struct trail_event *event,
                                  enum trail_operation operation, double *ret_weight)
{
    assert((unsigned)operation < TRAIL_OPERATION_COUNT);

    if (!policy->enabled)
        return POLICY_DISABLED;
    *ret_weight = 1;
    if (always_recorded(policy, event, operation))
        return POLICY_KEEP;
    if (policy_level_refuses(policy, event, operation))
        return POLICY_LEVEL;
    if (excludes(&policy->actions, event->action) || excludes(&policy->resources, event->resource_type))
        return POLICY_EXCLUDED;
    if (sampling_concerns(&policy->sampling, event, operation) &&
        !sampling_keeps(&policy->sampling, event, operation, ret_weight))
        return POLICY_SAMPLED_OUT;
    return POLICY_KEEP;
}

/* ---- Describing --------------------------------------------------------------------------------- */

/* A line that counts its length beyond the room there is, as snprintf() does. */
struct line {
    char  *out;
    size_t size;
    size_t length;
};

__attribute__((format(printf, 2, 3))) static void line_add(struct line *line, const char *format, ...)
{
    size_t  used = line->length < line->size ? line->length : line->size;
    va_list arguments;
    va_start(arguments, format);
    int added = vsnprintf(used < line->size ? line->out + used : NULL, line->size - used, format, arguments);
    va_end(arguments);
    assert(added >= 0);
    line->length += (size_t)added;
}

/* The names of the operations in `bits`; false: there are none. */
static bool add_operations(struct line *line, uint32_t bits)
{
    const char *separator = "";
    for (int i = 1; i < TRAIL_OPERATION_COUNT; i++) {
        if ((bits >> i & 1) == 0)
            continue;
        line_add(line, "%s%s", separator, operation_name((enum trail_operation)i));
        separator = ", ";
    }
    return *separator != '\0';
}

static void add_always(struct line *line, uint32_t always)
{
    const char       *separator = "; always recorded: ";
    struct trail_text rest = trail_str(setting_info(SETTING_ALWAYS_RECORD)->choices);
    struct trail_text word;
    for (uint32_t i = 0; text_next_item(&rest, &word); i++) {
        if ((always >> i & 1) == 0)
            continue;
        line_add(line, "%s%.*s", separator, (int)word.size, word.data);
        separator = ", ";
    }
}

/* What the level leaves out of that which succeeds. */
static void add_not_taken(struct line *line, const struct policy *policy)
{
    uint32_t taken = policy->taken.operations[TRAIL_OUTCOME_SUCCESS];

    line_add(line, "; not recorded: ");
    if (policy->level != TRAIL_LEVEL_FAILURES_ONLY) {
        if (!add_operations(line, ~taken))
            line_add(line, "nothing");
        return;
    }
    line_add(line, "what succeeded");
    if (taken != 0) {
        line_add(line, " but for ");
        (void)add_operations(line, taken);
    }
}

/* The operations of one rate that come as far as sampling. */
static void add_rate(struct line *line, const struct policy *policy, uint32_t operations, const char **separator)
{
    char     text[SETTING_RATE_SIZE];
    uint32_t reads = UINT32_C(1) << TRAIL_OPERATION_READ;
    double   rate = operations == reads ? policy->sampling.reads.rate : policy->sampling.ordinary.rate;

    operations &= policy->sampling.operations & policy->taken.operations[TRAIL_OUTCOME_SUCCESS];
    if (operations == 0)
        return;
    line_add(line, "%s%s of ", *separator, setting_rate_format(rate, text));
    (void)add_operations(line, operations);
    *separator = "; ";
}

static void add_sampling(struct line *line, const struct policy *policy)
{
    const char *separator = "; sampled, the rest is not recorded: ";
    uint32_t    reads = UINT32_C(1) << TRAIL_OPERATION_READ;
    add_rate(line, policy, reads, &separator);
    add_rate(line, policy, sampling_operations() & ~reads, &separator);
}

static void add_list(struct line *line, const char *what, const struct pattern_list *list)
{
    for (size_t i = 0; i < list->item_count; i++) {
        if (i == 0)
            line_add(line, "; excluded %s: ", what);
        line_add(line, "%s%.*s", i == 0 ? "" : ", ", (int)list->items[i].size, list->items[i].data);
    }
}

size_t policy_describe(const struct policy *policy, char *out, size_t size)
{
    struct line line = { .out = out, .size = size };
    if (size > 0)
        out[0] = '\0';

    if (!policy->enabled) {
        line_add(&line, "disabled; nothing is recorded");
        return line.length;
    }
    line_add(&line, "level %s", level_name(policy->level));
    add_always(&line, policy->always);
    add_not_taken(&line, policy);
    add_list(&line, "actions", &policy->actions);
    add_list(&line, "resources", &policy->resources);
    add_sampling(&line, policy);
    return line.length;
}
