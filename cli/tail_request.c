/* tail_request.c -- what `audittrail tail` was asked for, read from its options. */
#include "cli/tail_request.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "query/tail.h"

#define OPTIONS_MAX 32

static const char *take_lines(void *context, const char *value)
{
    struct tail_request *request = context;
    unsigned long long   number = 0;
    if (!options_number(value, TAIL_HISTORY_MAX, &number))
        return "a number from 0 to 10000";
    request->query.limit = number;
    return NULL;
}

_Static_assert(TAIL_HISTORY_MAX == 10000, "as the message says");

static const char *take_follow(void *context, const char *value)
{
    (void)value;
    ((struct tail_request *)context)->follow = true;
    return NULL;
}

static const char *take_no_spool(void *context, const char *value)
{
    (void)value;
    ((struct tail_request *)context)->no_spool = true;
    return NULL;
}

static const char *take_output(void *context, const char *value)
{
    struct tail_request *request = context;
    bool known = output_format_parse(value, &request->query.format) && request->query.format != OUTPUT_JSON;
    return known ? NULL : "table, ndjson or csv";
}

static const struct option_info own_options[] = {
    { "follow", 'f', NULL, "go on: show new events as they are recorded, until Ctrl-C", take_follow },
    { "lines", 'n', "N", "how many of the newest events to show first; 10 if not given, 0 with -f for new ones alone",
      take_lines },
    { "output", 'o', "FORMAT", "table (if not given), ndjson or csv", take_output, "table ndjson csv" },
    { "no-spool", 0, NULL, "do not look into the spools of this machine: show what is stored, once it is",
      take_no_spool },
};

/* What only makes sense for a result that has an end and pages. */
static bool is_left_out(const char *name)
{
    static const char *const names[] = { "until", "id", "limit", "after", "oldest-first", "output", "no-pager" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

const struct option_info *tail_options(void)
{
    static struct option_info options[OPTIONS_MAX]; /* Zeros at its end: a NULL name. */
    size_t                    count = 0;

    for (size_t i = 0; i < sizeof own_options / sizeof own_options[0]; i++)
        options[count++] = own_options[i];
    for (const struct option_info *option = query_options; option->name != NULL; option++) {
        if (is_left_out(option->name))
            continue;
        assert(count + 1 < OPTIONS_MAX);
        options[count++] = *option;
    }
    return options;
}

void tail_request_init(struct tail_request *request, int64_t now_us)
{
    *request = (struct tail_request){ .follow = false };
    query_request_init(&request->query, now_us);
    request->query.limit = TAIL_LINES_DEFAULT;
}

void tail_request_done(struct tail_request *request)
{
    query_request_done(&request->query);
}

const char *tail_request_finish(struct tail_request *request)
{
    if (request->query.limit == 0 && !request->follow)
        return "--lines 0 is for --follow: it would show nothing";
    return query_request_finish(&request->query);
}
