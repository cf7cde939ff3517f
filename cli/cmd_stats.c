/* cmd_stats.c -- `audittrail stats`: the first look: what is wrong, where every event went, what comes in. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "cli/commands.h"
#include "cli/load_settings.h"
#include "cli/stats_json.h"
#include "policy/policy.h"

struct wishes {
    bool json;
    bool check;
};

static const char *take_output(void *context, const char *value)
{
    struct wishes *wishes = context;
    wishes->json = strcmp(value, "json") == 0;
    return wishes->json || strcmp(value, "table") == 0 ? NULL : "table or json";
}

static const char *take_check(void *context, const char *value)
{
    struct wishes *wishes = context;
    (void)value;
    wishes->check = true;
    return NULL;
}

static const struct option_info stats_options[] = {
    { "output", 'o', "FORMAT", "table (if not given) or json", take_output, "table json" },
    { "check", 0, NULL, "exit with 1 when there is a warning: for cron and monitoring", take_check },
    { .name = NULL },
};

static const struct usage stats_usage = {
    .command = "stats",
    .synopsis = "[options]",
    .about = "The first look: what is wrong and what helps; where every event went, recorded or left out and why, by\n"
             "operation, over all processes that record into this store, living and gone; what waits and how large it\n"
             "all is; what came in lately; the last flush and clean-up; what the policy leaves out.",
    .options = stats_options,
    .notes = "Intervals and limits are judged, \"policy here\" and retention are described, by the settings that this\n"
             "command is given: give it those of the service (--env-file).",
};

const struct usage *usage_stats(void)
{
    return &stats_usage;
}

static int print_json(const struct stats_view *view)
{
    struct buf text;
    bool       failed;

    buf_init(&text, NULL, 0);
    stats_json_write(view, &text);
    failed = buf_failed(&text);
    if (failed)
        fputs("audittrail stats: out of memory\n", stderr);
    else
        fwrite(text.data, 1, text.size, stdout);
    buf_done(&text);
    return failed ? EXIT_CODE_FAILURE : EXIT_CODE_OK;
}

static int report(const struct survey *survey, const struct settings *settings, const char *policy,
                  const struct wishes *wishes)
{
    const struct stats_sums sums = stats_sums_of(survey);
    struct stats_warnings   warnings;
    const struct stats_view view = { survey, &sums, &warnings, settings, policy };
    int                     exit_code = EXIT_CODE_OK;

    stats_warnings_find(&warnings, survey, &sums, settings);
    if (wishes->json)
        exit_code = print_json(&view);
    else
        stats_report_page(&view, stdout);
    if (exit_code != EXIT_CODE_OK)
        return exit_code;
    if (!survey->store_reachable)
        return EXIT_CODE_UNREACHABLE;
    return wishes->check && warnings.count > 0 ? EXIT_CODE_FAILURE : EXIT_CODE_OK;
}

/* The policy of these settings in a line. */
static enum trail_err describe_policy(const struct settings *settings, struct buf *out, struct trail_error *ret_error)
{
    static const struct hash_key no_key = { 0 }; /* It decides about nothing here. */
    struct policy               *policy = NULL;
    enum trail_err               err = policy_new(&policy, settings, &no_key, ret_error);
    if (err != TRAIL_OK)
        return err;
    size_t size = policy_describe(policy, NULL, 0) + 1;
    char  *line = buf_reserve(out, size);
    if (line != NULL)
        (void)policy_describe(policy, line, size);
    policy_free(policy);
    return line != NULL ? TRAIL_OK : TRAIL_ENOMEM;
}

static int take_and_report(const struct settings *settings, const struct wishes *wishes)
{
    struct survey      survey = { .writers = NULL };
    struct buf         policy;
    struct trail_error error = { .code = TRAIL_OK };
    int                exit_code = EXIT_CODE_OK;

    buf_init(&policy, NULL, 0);
    enum trail_err err = describe_policy(settings, &policy, &error);
    if (err == TRAIL_OK)
        err = survey_take(&survey, settings, &error);
    if (err == TRAIL_OK) {
        exit_code = report(&survey, settings, policy.data, wishes);
    } else {
        fprintf(stderr, "audittrail stats: %s\n", error.message[0] != '\0' ? error.message : trail_strerror(err));
        exit_code = err == TRAIL_EAWAY ? EXIT_CODE_UNREACHABLE : EXIT_CODE_FAILURE;
    }
    survey_done(&survey);
    buf_done(&policy);
    return exit_code;
}

int cmd_stats(int argc, char **argv)
{
    struct options  options;
    struct settings settings;
    struct wishes   wishes = { .json = false };
    int             exit_code = EXIT_CODE_USAGE;

    (void)argc;
    if (!options_parse(&options, &stats_usage, argv, &wishes))
        return options.exit_code;
    if (load_settings(&settings, &options, "stats"))
        exit_code = take_and_report(&settings, &wishes);
    settings_done(&settings);
    return exit_code;
}
