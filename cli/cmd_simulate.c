/* cmd_simulate.c -- `audittrail simulate`: what another policy would keep, before anyone switches to it. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/commands.h"
#include "cli/draft_settings.h"
#include "cli/load_settings.h"
#include "cli/progress.h"
#include "cli/query_request.h"
#include "cli/simulate_input.h"
#include "cli/simulate_report.h"
#include "query/simulate_json.h"
#include "query/simulate_store.h"

/* A whole day: what is done at night and in the morning is in it, and a busy store is read in seconds. */
#define SINCE_DEFAULT_US (INT64_C(86400) * 1000000)

struct simulate {
    struct query_request query; /* First: the options that are filters are those of `query`, and take this. */
    struct options       options;
    const char          *policy_file; /* NULL: none. */
    const char          *input;       /* NULL: the store. */
    bool                 stored;      /* The store, whatever standard input is. */
    bool                 json;
    uint64_t             lines_in_error;
};

/* ---- Options ------------------------------------------------------------------------------------ */

static const char *take_policy(void *context, const char *value)
{
    ((struct simulate *)context)->policy_file = value;
    return *value != '\0' ? NULL : "an env file";
}

static const char *take_input(void *context, const char *value)
{
    ((struct simulate *)context)->input = value;
    return *value != '\0' ? NULL : "a file, or - for standard input";
}

static const char *take_stored(void *context, const char *value)
{
    (void)value;
    ((struct simulate *)context)->stored = true;
    return NULL;
}

static const char *take_output(void *context, const char *value)
{
    struct simulate *simulate = context;
    simulate->json = strcmp(value, "json") == 0;
    return simulate->json || strcmp(value, "table") == 0 ? NULL : "table or json";
}

static const struct option_info own_options[] = {
    { "policy", 0, "FILE", "the draft is the policy of this env file; what it leaves out is the default", take_policy },
    { "input", 0, "FILE", "try it on the events of an NDJSON file, - for standard input", take_input },
    { "stored", 0, NULL, "try it on the stored events, even if standard input is a file or a pipe", take_stored },
    { "output", 'o', "FORMAT", "table (if not given) or json", take_output, "table json" },
};

#define OWN_OPTION_COUNT (sizeof own_options / sizeof own_options[0])
#define OPTIONS_MAX 32

#define SIMULATE_ABOUT                                                                                    \
    "Show what another policy would keep: rows and bytes per day, what each rule leaves out, and what\n"  \
    "would no longer be seen, with examples. Nothing is changed. SETTING=VALUE changes the policy in\n"   \
    "force (LEVEL=deletes_only is short for AUDIT_TRAIL_LEVEL=deletes_only). It is tried on the stored\n" \
    "events of the last 24 hours, or on NDJSON when standard input is a file or a pipe. A store holds\n"  \
    "only what was recorded; of the rest it knows numbers by operation, and the forecast says so."

#define SIMULATE_NOTES                                                             \
    "examples:\n"                                                                  \
    "  audittrail simulate LEVEL=deletes_only\n"                                   \
    "  audittrail simulate --since 7d LEVEL=all 'EXCLUDE_ACTIONS=health_*,ping'\n" \
    "  audittrail simulate --policy new.env -o json\n"                             \
    "  audittrail simulate LEVEL=mutations_only < events.ndjson"

/* Our own options and the filters of `query`: those before --id, which is no filter any more. */
const struct usage *usage_simulate(void)
{
    static struct option_info options[OPTIONS_MAX];
    static struct usage       usage = { .command = "simulate",
                                        .synopsis = "[options] [SETTING=VALUE...]",
                                        .about = SIMULATE_ABOUT,
                                        .options = options,
                                        .notes = SIMULATE_NOTES,
                                        .operands_max = OPTIONS_OPERANDS_MAX,
                                        .operands = USAGE_OPERANDS_SETTINGS };
    size_t                    count = OWN_OPTION_COUNT;
    memcpy(options, own_options, sizeof own_options);
    for (size_t i = 0; strcmp(query_options[i].name, "id") != 0 && count + 1 < OPTIONS_MAX; i++)
        options[count++] = query_options[i];
    options[count].name = NULL;
    return &usage;
}

static bool is_filtered(const struct query_request *query)
{
    const struct trail_filter *filter = &query->filter;
    size_t texts = filter->user_id.size + filter->user_email.size + filter->team_id.size + filter->resource_type.size +
                   filter->resource_id.size + filter->action.size + filter->correlation_id.size;
    return texts > 0 || query->since_given || query->until_given || filter->operations != 0 || filter->outcomes != 0 ||
           filter->level != 0 || filter->data_classification != 0 || filter->requires_review != TRAIL_REVIEW_AUTO;
}

/* What someone redirects into a command is meant to be read; a terminal or /dev/null is not. */
static bool stdin_is_given(void)
{
    struct stat status;
    return fstat(STDIN_FILENO, &status) == 0 && (S_ISREG(status.st_mode) || S_ISFIFO(status.st_mode));
}

/* After the last option: where the events come from. NULL, or what is wrong. */
static const char *choose_source(struct simulate *simulate)
{
    bool filtered = is_filtered(&simulate->query);
    if (simulate->options.operand_count == 0 && simulate->policy_file == NULL)
        return "expected a draft: SETTING=VALUE, such as LEVEL=deletes_only, or --policy FILE";
    if (simulate->input != NULL && (filtered || simulate->stored))
        return filtered ? "filters are for the stored events, and --input gives others"
                        : "--input and --stored exclude each other";
    if (simulate->input == NULL && !simulate->stored && !filtered && stdin_is_given())
        simulate->input = "-";
    if (!simulate->query.since_given) {
        const struct trail_filter *filter = &simulate->query.filter;
        int64_t                    until_us = simulate->query.until_given ? filter->until_us : simulate->query.now_us;
        simulate->query.filter.since_us = until_us > SINCE_DEFAULT_US ? until_us - SINCE_DEFAULT_US : 1;
    }
    return NULL;
}

/* ---- The two sources ---------------------------------------------------------------------------- */

static int fail(const struct trail_error *error)
{
    fprintf(stderr, "audittrail simulate: %s\n", error->message);
    switch ((int)error->code) {
    case TRAIL_EAWAY: return EXIT_CODE_UNREACHABLE;
    case TRAIL_ECONFIG:
    case TRAIL_EINVAL: return EXIT_CODE_USAGE;
    default: return EXIT_CODE_FAILURE;
    }
}

static void show_progress(void *context, uint64_t events)
{
    progress_show(context, events, 0);
}

/* Both return how the command ends; what was read is only told when it is EXIT_CODE_OK. */
static int read_store(struct simulate *simulate, struct simulation *simulation, const char *database_url)
{
    struct trail_error error = { 0 };
    struct store      *store = NULL;
    struct progress    progress;
    progress_begin(&progress, &(struct progress_work){ "events", 0, stderr, &clock_system });
    simulation->on_progress = show_progress;
    simulation->progress_context = &progress;
    enum trail_err err = store_open_reader(&store, database_url, &error);
    if (err == TRAIL_OK)
        err = simulate_store(simulation, store, &simulate->query.filter, simulate->query.now_us, &error);
    if (err == TRAIL_OK)
        err = simulate_weigh_by(simulation, store, &error);
    store_close(store);
    simulation->on_progress = NULL;
    progress_clear(&progress);
    return err == TRAIL_OK ? EXIT_CODE_OK : fail(&error);
}

/* A store, if there is one, says what such events cost on the disk. */
static int read_input(struct simulate *simulate, struct simulation *simulation, const char *database_url)
{
    struct store *store = NULL;
    if (!simulate_input(simulation, simulate->input, &simulate->lines_in_error))
        return EXIT_CODE_FAILURE;
    if (store_open_reader(&store, database_url, NULL) != TRAIL_OK ||
        simulate_weigh_by(simulation, store, NULL) != TRAIL_OK)
        simulation_weigh(simulation, 0, 0);
    store_close(store);
    return EXIT_CODE_OK;
}

/* ---- All of it ---------------------------------------------------------------------------------- */

static bool print(const struct simulate *simulate, const struct simulation *simulation)
{
    struct buf text;
    if (!simulate->json)
        return simulate_report(simulation, simulate->lines_in_error, stdout);
    buf_init(&text, NULL, 0);
    simulation_to_json(simulation, simulate->lines_in_error, &text);
    bool complete = !buf_failed(&text);
    if (complete)
        fwrite(text.data, 1, text.size, stdout);
    buf_done(&text);
    return complete;
}

static int tell_nothing(const struct simulate *simulate)
{
    if (simulate->input == NULL)
        fputs("audittrail simulate: nothing matches\n", stderr);
    else
        fprintf(stderr, "audittrail simulate: no event in %s%s\n",
                strcmp(simulate->input, "-") == 0 ? "standard input" : simulate->input,
                simulate->lines_in_error > 0 ? "" : " (--stored tries the draft on the stored events)");
    return EXIT_CODE_NO_MATCH;
}

static int tell(const struct simulate *simulate, const struct simulation *simulation)
{
    struct simulate_totals totals = simulation_totals(simulation);
    int                    exit_code = EXIT_CODE_OK;
    if (totals.events + totals.unseen_now <= 0) {
        exit_code = tell_nothing(simulate);
    } else if (!print(simulate, simulation)) {
        fputs("audittrail simulate: out of memory\n", stderr);
        exit_code = EXIT_CODE_FAILURE;
    }
    return simulate->lines_in_error > 0 ? EXIT_CODE_FAILURE : exit_code;
}

static int run(struct simulate *simulate, const struct draft *now, const struct draft *draft, const char *database_url)
{
    struct trail_error error = { 0 };
    struct simulation  simulation;
    if (simulation_init(&simulation, now, draft, &error) != TRAIL_OK)
        return fail(&error);
    int exit_code = simulate->input != NULL ? read_input(simulate, &simulation, database_url)
                                            : read_store(simulate, &simulation, database_url);
    if (exit_code == EXIT_CODE_OK)
        exit_code = tell(simulate, &simulation);
    simulation_done(&simulation);
    return exit_code;
}

static int compare(struct simulate *simulate, const struct settings *now, const struct settings *then)
{
    struct trail_error error = { 0 };
    struct draft       in_force;
    struct draft       draft;
    if (draft_init(&in_force, now, &error) != TRAIL_OK)
        return fail(&error);
    int exit_code;
    if (draft_init(&draft, then, &error) != TRAIL_OK) {
        exit_code = fail(&error);
    } else {
        exit_code = run(simulate, &in_force, &draft, now->database_url);
        draft_done(&draft);
    }
    draft_done(&in_force);
    return exit_code;
}

static int load_and_compare(struct simulate *simulate)
{
    struct settings now;
    struct settings then = { 0 };
    int             exit_code = EXIT_CODE_USAGE;
    if (load_settings(&now, &simulate->options, "simulate")) {
        const struct draft_request request = { .now = &now,
                                               .file = simulate->policy_file,
                                               .changes = simulate->options.operands,
                                               .change_count = simulate->options.operand_count,
                                               .command = "simulate" };
        if (draft_settings_load(&then, &request))
            exit_code = compare(simulate, &now, &then);
    }
    settings_done(&then);
    settings_done(&now);
    return exit_code;
}

int cmd_simulate(int argc, char **argv)
{
    static struct simulate simulate;
    struct query_request  *query = &simulate.query;
    int                    exit_code = EXIT_CODE_USAGE;

    (void)argc;
    query_request_init(query, clock_wall_us(&clock_system));
    if (options_parse(&simulate.options, usage_simulate(), argv, &simulate)) {
        const char *wrong = query_request_finish(query);
        if (wrong == NULL)
            wrong = choose_source(&simulate);
        if (wrong == NULL)
            exit_code = load_and_compare(&simulate);
        else
            fprintf(stderr, "audittrail simulate: %s (see `audittrail simulate --help`)\n", wrong);
    } else {
        exit_code = simulate.options.exit_code;
    }
    query_request_done(query);
    return exit_code;
}
