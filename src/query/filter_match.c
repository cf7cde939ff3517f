/* filter_match.c -- says of an event in memory what the SQL of query_sql.h says of stored ones. */
#include "query/filter_match.h"

#include "base/err.h"
#include "base/text.h"
#include "event/operation.h"
#include "policy/pattern.h"

static void append_lower(struct buf *out, struct trail_text text)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        buf_append(out, &c, 1);
    }
}

enum trail_err filter_match_init(struct filter_match *match, const struct trail_filter *filter,
                                 struct trail_error *ret_error)
{
    *match = (struct filter_match){ .filter = filter };
    buf_init(&match->patterns, NULL, 0);
    append_lower(&match->patterns, filter->action);
    if (buf_failed(&match->patterns))
        return error_set(ret_error, TRAIL_ENOMEM, 0, "no memory for a filter");
    return TRAIL_OK;
}

void filter_match_done(struct filter_match *match)
{
    if (match != NULL)
        buf_done(&match->patterns);
}

static bool text_takes(struct trail_text wanted, struct trail_text text)
{
    return wanted.size == 0 || text_equal(wanted, text);
}

/* One of the patterns, if there is any. An event's action is short: it has a limit. */
static bool action_takes(const struct filter_match *match, struct trail_text action)
{
    char              storage[128];
    struct buf        lower;
    struct trail_text rest = buf_text(&match->patterns);
    struct trail_text pattern;
    bool              any = false;
    bool              takes = false;

    buf_init(&lower, storage, sizeof storage);
    append_lower(&lower, action);
    while (!takes && text_next_item(&rest, &pattern)) {
        if (pattern.size == 0)
            continue;
        any = true;
        takes = pattern_matches(pattern, buf_text(&lower));
    }
    buf_done(&lower);
    return takes || !any;
}

static bool texts_take(const struct trail_filter *filter, const struct trail_event *event)
{
    return text_takes(filter->user_id, event->user_id) && text_takes(filter->user_email, event->user_email) &&
           text_takes(filter->team_id, event->team_id) && text_takes(filter->resource_type, event->resource_type) &&
           text_takes(filter->resource_id, event->resource_id) &&
           text_takes(filter->correlation_id, event->correlation_id);
}

static bool kinds_take(const struct trail_filter *filter, const struct trail_event *event)
{
    return (filter->operations == 0 || (filter->operations >> event->operation & 1) != 0) &&
           (filter->outcomes == 0 || (filter->outcomes >> event->outcome & 1) != 0) &&
           (filter->level == 0 || level_takes(filter->level, event->operation, event->outcome)) &&
           (filter->data_classification == 0 || filter->data_classification == event->data_classification) &&
           (filter->requires_review == TRAIL_REVIEW_AUTO || filter->requires_review == event->requires_review);
}

bool filter_match_takes(const struct filter_match *match, const struct trail_event *event)
{
    const struct trail_filter *filter = match->filter;
    return (filter->since_us == 0 || event->timestamp_us >= filter->since_us) &&
           (filter->until_us == 0 || event->timestamp_us < filter->until_us) && kinds_take(filter, event) &&
           texts_take(filter, event) && action_takes(match, event->action);
}
