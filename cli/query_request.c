/* query_request.c -- what `audittrail query` was asked for, read from its options. */
#include "cli/query_request.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/when.h"
#include "event/operation.h"

#define NAME_OF(symbol, number, name) " " name
#define CLASSIFICATIONS " public internal confidential restricted"

/* ---- One function per option; the context is the struct query_request ---- */

static const char *take_when(struct query_request *request, const char *value, int64_t *ret_us)
{
    return when_parse(trail_str(value), request->now_us, ret_us) ? NULL : WHEN_ALLOWED;
}

static const char *take_since(void *context, const char *value)
{
    struct query_request *request = context;
    request->since_given = true;
    return take_when(request, value, &request->filter.since_us);
}

static const char *take_until(void *context, const char *value)
{
    struct query_request *request = context;
    request->until_given = true;
    return take_when(request, value, &request->filter.until_us);
}

/* An empty value would mean "any" to the library, which is not what someone meant who typed --user "$nobody". */
static const char *take_text(struct trail_text *field, const char *value)
{
    *field = trail_str(value);
    return field->size > 0 ? NULL : "a value that is not empty";
}

static const char *take_user(void *context, const char *value)
{
    return take_text(&((struct query_request *)context)->filter.user_id, value);
}

static const char *take_email(void *context, const char *value)
{
    return take_text(&((struct query_request *)context)->filter.user_email, value);
}

static const char *take_team(void *context, const char *value)
{
    return take_text(&((struct query_request *)context)->filter.team_id, value);
}

static const char *take_resource_type(void *context, const char *value)
{
    return take_text(&((struct query_request *)context)->filter.resource_type, value);
}

static const char *take_resource_id(void *context, const char *value)
{
    return take_text(&((struct query_request *)context)->filter.resource_id, value);
}

static const char *take_correlation_id(void *context, const char *value)
{
    return take_text(&((struct query_request *)context)->filter.correlation_id, value);
}

static const char *take_resource(void *context, const char *value)
{
    struct query_request *request = context;
    const char           *slash = strchr(value, '/');
    if (slash == NULL)
        return take_resource_type(context, value);
    if (slash == value || slash[1] == '\0')
        return "TYPE or TYPE/ID";
    request->filter.resource_type = text_of(value, (size_t)(slash - value));
    request->filter.resource_id = trail_str(slash + 1);
    return NULL;
}

static const char *take_action(void *context, const char *value)
{
    struct query_request *request = context;
    struct trail_text     rest = trail_str(value);
    struct trail_text     name;
    bool                  any = false;
    while (text_next_item(&rest, &name)) {
        if (name.size == 0)
            continue;
        any = true;
        if (request->actions.size > 0)
            buf_append_string(&request->actions, ",");
        buf_append_text(&request->actions, name);
    }
    return any ? NULL : "names or patterns such as create_tool,delete_*";
}

static const char *take_operation(void *context, const char *value)
{
    struct query_request *request = context;
    struct trail_text     rest = trail_str(value);
    struct trail_text     name;
    while (text_next_item(&rest, &name)) {
        enum trail_operation operation;
        if (!operation_from_name(name, &operation) || operation == TRAIL_OPERATION_AUTO)
            return "one or more of, separated by commas:" TRAIL_OPERATION_MAP(NAME_OF);
        request->filter.operations |= 1u << operation;
    }
    return request->filter.operations != 0 ? NULL : "one or more of, separated by commas:" TRAIL_OPERATION_MAP(NAME_OF);
}

static const char *take_outcome(void *context, const char *value)
{
    struct query_request *request = context;
    struct trail_text     rest = trail_str(value);
    struct trail_text     name;
    while (text_next_item(&rest, &name)) {
        enum trail_outcome outcome;
        if (!outcome_from_name(name, &outcome))
            return "one or more of, separated by commas:" TRAIL_OUTCOME_MAP(NAME_OF);
        request->filter.outcomes |= 1u << outcome;
    }
    return request->filter.outcomes != 0 ? NULL : "one or more of, separated by commas:" TRAIL_OUTCOME_MAP(NAME_OF);
}

static const char *take_level(void *context, const char *value)
{
    struct query_request *request = context;
    return level_from_name(trail_str(value), &request->filter.level) ? NULL : "one of:" TRAIL_LEVEL_MAP(NAME_OF);
}

static const char *take_classification(void *context, const char *value)
{
    struct query_request *request = context;
    if (*value != '\0' && classification_from_name(trail_str(value), &request->filter.data_classification))
        return NULL;
    return "one of:" CLASSIFICATIONS;
}

static const char *take_review(void *context, const char *value)
{
    struct query_request *request = context;
    request->filter.requires_review = TRAIL_REVIEW_YES;
    if (value == NULL || strcmp(value, "yes") == 0)
        return NULL;
    request->filter.requires_review = TRAIL_REVIEW_NO;
    return strcmp(value, "no") == 0 ? NULL : "yes or no";
}

static const char *take_event_id(const char *value, struct trail_id *ret_id)
{
    struct event_id_parts parts;
    if (!event_id_parse(trail_str(value), &parts))
        return "the id of an event, as the column id shows it";
    memcpy(ret_id->text, value, sizeof ret_id->text);
    /* Ids are written in lower case and compared as text. */
    for (char *c = ret_id->text; *c != '\0'; c++) {
        if (*c >= 'A' && *c <= 'F')
            *c = (char)(*c | 0x20);
    }
    return NULL;
}

static const char *take_id(void *context, const char *value)
{
    return take_event_id(value, &((struct query_request *)context)->id);
}

static const char *take_after(void *context, const char *value)
{
    return take_event_id(value, &((struct query_request *)context)->filter.after);
}

static const char *take_limit(void *context, const char *value)
{
    struct query_request *request = context;
    unsigned long long    number = 0;
    request->limit = UINT64_MAX;
    if (strcmp(value, "all") == 0)
        return NULL;
    if (!options_number(value, INT64_MAX, &number) || number == 0)
        return "a number from 1, or all";
    request->limit = number;
    return NULL;
}

static const char *take_oldest_first(void *context, const char *value)
{
    (void)value;
    ((struct query_request *)context)->filter.oldest_first = true;
    return NULL;
}

static const char *take_output(void *context, const char *value)
{
    struct query_request *request = context;
    return output_format_parse(value, &request->format) ? NULL : "table, json, ndjson or csv";
}

static const char *take_no_pager(void *context, const char *value)
{
    (void)value;
    ((struct query_request *)context)->no_pager = true;
    return NULL;
}

static const char *take_columns(void *context, const char *value)
{
    struct query_request *request = context;
    request->columns_given = true;
    return columns_parse(&request->columns, value) ? NULL
                                                   : "one or more, separated by commas, of the columns of --help";
}

const struct option_info query_options[] = {
    { "since", 0, "WHEN", "from this moment on: 2026-11-24, 2026-11-24T04:05:06Z, 30m, 2h, 7d", take_since },
    { "until", 0, "WHEN", "before this moment", take_until },
    { "user", 0, "ID", "who did it: the user_id", take_user },
    { "email", 0, "ADDRESS", "who did it: the user_email", take_email },
    { "team", 0, "ID", "for which team", take_team },
    { "resource", 0, "TYPE[/ID]", "what it was done to", take_resource },
    { "resource-type", 0, "TYPE", "the same, where TYPE has a slash in it", take_resource_type },
    { "resource-id", 0, "ID", "the resource's id alone", take_resource_id },
    { "action", 0, "PATTERN,...", "what was done: create_tool, 'delete_*'; repeatable", take_action },
    { "operation", 0, "NAME,...", "what kind:" TRAIL_OPERATION_MAP(NAME_OF), take_operation,
      TRAIL_OPERATION_MAP(NAME_OF) },
    { "outcome", 0, "NAME,...", "how it ended:" TRAIL_OUTCOME_MAP(NAME_OF), take_outcome, TRAIL_OUTCOME_MAP(NAME_OF) },
    { "level", 0, "LEVEL", "what this level alone would have kept:" TRAIL_LEVEL_MAP(NAME_OF), take_level,
      TRAIL_LEVEL_MAP(NAME_OF) },
    { "correlation-id", 0, "ID", "what belongs to one request", take_correlation_id },
    { "classification", 0, "NAME", "how sensitive the data is:" CLASSIFICATIONS, take_classification, CLASSIFICATIONS },
    { "requires-review", 0, "[=yes|no]", "what a person must look at, or need not", take_review, "yes no" },
    { "id", 0, "ID", "this one event", take_id },
    { "limit", 'n', "N", "at most so many events, or all; 100 if not given", take_limit },
    { "after", 0, "ID", "only what comes behind this event: the next page", take_after },
    { "oldest-first", 0, NULL, "in the order in which it happened; the newest comes first otherwise",
      take_oldest_first },
    { "output", 'o', "FORMAT", "table (if not given), json, ndjson or csv", take_output, "table json ndjson csv" },
    { "columns", 0, "NAME,...", "the columns of table and csv, see below", take_columns, columns_all },
    { "no-pager", 0, NULL, "print a table that is longer than the terminal without $PAGER", take_no_pager },
    { .name = NULL },
};

/* ---- All of it ---- */

void query_request_init(struct query_request *request, int64_t now_us)
{
    *request =
        (struct query_request){ .filter = { TRAIL_FILTER_INIT }, .limit = QUERY_LIMIT_DEFAULT, .now_us = now_us };
    buf_init(&request->actions, NULL, 0);
}

void query_request_done(struct query_request *request)
{
    buf_done(&request->actions);
}

const char *query_request_finish(struct query_request *request)
{
    struct trail_filter *filter = &request->filter;

    filter->action = buf_text(&request->actions);
    if (buf_failed(&request->actions))
        return "out of memory";
    if (request->since_given && request->until_given && filter->since_us >= filter->until_us)
        return "--since must be before --until";
    if (request->columns_given && request->format != OUTPUT_TABLE && request->format != OUTPUT_CSV)
        return "--columns is for -o table and -o csv";
    if (request->id.text[0] != '\0') {
        struct event_id_parts parts;
        if (!event_id_parse(trail_str(request->id.text), &parts))
            return "--id is not the id of an event";
        /* The id says when it was; that millisecond is what has to be looked through. */
        filter->since_us = parts.timestamp_ms * 1000;
        filter->until_us = filter->since_us + 1000;
        request->limit = 1;
    }
    return NULL;
}

static void append_quoted(struct buf *out, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=:,@+%";
    buf_append_string(out, " ");
    if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
        buf_append_string(out, word);
        return;
    }
    buf_append_string(out, "'");
    for (; *word != '\0'; word++)
        buf_append(out, *word == '\'' ? "'\\''" : word, *word == '\'' ? 4 : 1);
    buf_append_string(out, "'");
}

/* Whether argv[i] is the option `name` ("--since"); *ret_words is how many words it takes up with its value. */
static bool is_option(char **argv, size_t i, const char *name, size_t *ret_words)
{
    size_t size = strlen(name);
    if (strncmp(argv[i], name, size) != 0 || (argv[i][size] != '\0' && argv[i][size] != '='))
        return false;
    *ret_words = argv[i][size] == '=' || argv[i + 1] == NULL ? 1 : 2;
    return true;
}

static void append_moment(struct buf *out, const char *option, int64_t when_us)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(when_us, text);
    buf_printf(out, " %s %s", option, text);
}

void query_request_next_page(const struct query_request *request, char **argv, const char *last, struct buf *out)
{
    buf_append_string(out, "audittrail query");
    for (size_t i = 1; argv[i] != NULL;) {
        size_t words = 1;
        if (is_option(argv, i, "--since", &words))
            append_moment(out, "--since", request->filter.since_us);
        else if (is_option(argv, i, "--until", &words))
            append_moment(out, "--until", request->filter.until_us);
        else if (!is_option(argv, i, "--after", &words))
            append_quoted(out, argv[i]);
        i += words;
    }
    buf_printf(out, " --after %s", last);
}
