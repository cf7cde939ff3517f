/* draft.c -- a policy that says by which of its rules it decided, and of a list by which item. */
#include "query/draft.h"

#include <assert.h>

#include "base/text.h"
#include "event/operation.h"

/* Which of the sampled events are kept hangs on it, how many does not. */
static const struct hash_key any_key = { 0, 0 };

enum trail_err draft_init(struct draft *draft, const struct settings *settings, struct trail_error *ret_error)
{
    *draft = (struct draft){ .enabled = settings->enabled,
                             .rate = settings->sample_rate,
                             .rate_of_reads = settings->sample_reads };
    enum trail_err err = policy_new(&draft->policy, settings, &any_key, ret_error);
    if (err == TRAIL_OK)
        err = pattern_list_init(&draft->actions, "AUDIT_TRAIL_EXCLUDE_ACTIONS", trail_str(settings->exclude_actions),
                                ret_error);
    if (err == TRAIL_OK)
        err = pattern_list_init(&draft->resources, "AUDIT_TRAIL_EXCLUDE_RESOURCES",
                                trail_str(settings->exclude_resources), ret_error);
    if (err != TRAIL_OK)
        draft_done(draft);
    return err;
}

void draft_done(struct draft *draft)
{
    if (draft == NULL)
        return;
    policy_free(draft->policy);
    pattern_list_done(&draft->actions);
    pattern_list_done(&draft->resources);
    *draft = (struct draft){ 0 };
}

/* ---- Deciding ----------------------------------------------------------------------------------- */

enum trail_operation draft_operation(const struct draft *draft, const struct trail_event *offered)
{
    return offered->operation != TRAIL_OPERATION_AUTO ? offered->operation
                                                      : policy_classify(draft->policy, offered->action);
}

enum trail_operation draft_operation_stored(const struct draft *draft, struct trail_text action,
                                            enum trail_operation stored)
{
    return policy_maps(draft->policy, action) ? policy_classify(draft->policy, action) : stored;
}

/* Exclusions of actions are asked first, as the policy does. */
static struct draft_verdict excluded(const struct draft *draft, const struct trail_event *event)
{
    size_t item = pattern_list_find(&draft->actions, event->action);
    if (item != PATTERN_NONE)
        return (struct draft_verdict){ .rule = DRAFT_ACTION, .item = item };
    item = pattern_list_find(&draft->resources, event->resource_type);
    assert(item != PATTERN_NONE);
    return (struct draft_verdict){ .rule = DRAFT_RESOURCE, .item = item };
}

struct draft_verdict draft_decide(const struct draft *draft, const struct trail_event *event,
                                  enum trail_operation operation)
{
    struct draft_verdict verdict = { .rule = DRAFT_KEPT };
    double               weight = 1;
    switch (policy_decide(draft->policy, event, operation, &weight)) {
    case POLICY_DISABLED: verdict.rule = DRAFT_DISABLED; break;
    case POLICY_LEVEL: verdict.rule = DRAFT_LEVEL; break;
    case POLICY_EXCLUDED: return excluded(draft, event);
    case POLICY_KEEP: verdict.share = 1 / weight; break;
    case POLICY_SAMPLED_OUT:
        verdict.share = operation == TRAIL_OPERATION_READ ? draft->rate_of_reads : draft->rate;
        break;
    }
    return verdict;
}

/* ---- Comparing ---------------------------------------------------------------------------------- */

static bool lists(const struct pattern_list *list, struct trail_text item)
{
    for (size_t i = 0; i < list->item_count; i++) {
        if (text_equal(list->items[i], item))
            return true;
    }
    return false;
}

static bool lists_all_of(const struct pattern_list *list, const struct pattern_list *other)
{
    for (size_t i = 0; i < other->item_count; i++) {
        if (!lists(list, other->items[i]))
            return false;
    }
    return true;
}

bool draft_excludes_all_of(const struct draft *draft, const struct draft *other)
{
    return lists_all_of(&draft->actions, &other->actions) && lists_all_of(&draft->resources, &other->resources);
}

bool draft_excludes(const struct draft *draft)
{
    return draft->actions.item_count + draft->resources.item_count > 0;
}
