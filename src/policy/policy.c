/* policy.c -- decides which events enter the trail. */
#include "policy/policy.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "event/operation.h"
#include "policy/pattern.h"

/* Whether an event succeeded, as an index. */
enum { SUCCEEDED, DID_NOT_SUCCEED };

struct policy {
    struct policy_level taken; /* First: see policy_level_refuses(). */
    bool                enabled;
    enum trail_level    level;
    struct pattern_list actions;
    struct pattern_list resources;
};

/* ---- Building ----------------------------------------------------------------------------------- */

static void set_level(struct policy *policy, enum trail_level level)
{
    policy->level = level;
    policy->taken.operations[SUCCEEDED] = level == TRAIL_LEVEL_FAILURES_ONLY ? 0 : level_operations(level);
    policy->taken.operations[DID_NOT_SUCCEED] = level_operations(level);
}

enum trail_err policy_new(struct policy **ret_policy, const struct settings *settings, struct trail_error *ret_error)
{
    assert(ret_policy != NULL);
    assert(settings != NULL);

    struct policy *policy = calloc(1, sizeof *policy);
    if (policy == NULL)
        return error_set(ret_error, TRAIL_ENOMEM, 0, "out of memory for the policy");

    policy->enabled = settings->enabled;
    /* The setting counts its choices from 0, in the order of enum trail_level, which starts at 1. */
    set_level(policy, (enum trail_level)(settings->level + 1));
    enum trail_err err = pattern_list_init(&policy->actions, "AUDIT_TRAIL_EXCLUDE_ACTIONS",
                                           trail_str(settings->exclude_actions), ret_error);
    if (err != TRAIL_OK)
        goto fail;
    err = pattern_list_init(&policy->resources, "AUDIT_TRAIL_EXCLUDE_RESOURCES", trail_str(settings->exclude_resources),
                            ret_error);
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
    free(policy);
}

/* ---- Deciding ----------------------------------------------------------------------------------- */

enum policy_verdict policy_decide(const struct policy *policy, const struct trail_event *event,
                                  enum trail_operation operation)
{
    assert((unsigned)operation < TRAIL_OPERATION_COUNT);

    if (!policy->enabled)
        return POLICY_DISABLED;
    if (policy_level_refuses(policy, event, operation))
        return POLICY_LEVEL;
    if (pattern_list_matches(&policy->actions, event->action) ||
        pattern_list_matches(&policy->resources, event->resource_type))
        return POLICY_EXCLUDED;
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

static void add_operations_not_taken(struct line *line, const struct policy *policy)
{
    const char *separator = "";
    for (int i = 1; i < TRAIL_OPERATION_COUNT; i++) {
        if ((policy->taken.operations[SUCCEEDED] >> i & 1) != 0)
            continue;
        line_add(line, "%s%s", separator, operation_name((enum trail_operation)i));
        separator = ", ";
    }
    if (*separator == '\0')
        line_add(line, "nothing");
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
    line_add(&line, "level %s; not recorded: ", level_name(policy->level));
    if (policy->level == TRAIL_LEVEL_FAILURES_ONLY)
        line_add(&line, "what succeeded");
    else
        add_operations_not_taken(&line, policy);
    add_list(&line, "actions", &policy->actions);
    add_list(&line, "resources", &policy->resources);
    return line.length;
}
