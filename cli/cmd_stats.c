/* cmd_stats.c -- `audittrail stats`: where every event went, over all writers of the store and the spool directory. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/load_settings.h"
#include "cli/stats_report.h"

static const char *take_output(void *context, const char *value)
{
    bool *json = context;
    *json = strcmp(value, "json") == 0;
    return *json || strcmp(value, "table") == 0 ? NULL : "table or json";
}

static const struct option_info stats_options[] = {
    { "output", 'o', "FORMAT", "table (if not given) or json", take_output, "table json" },
    { .name = NULL },
};

static const struct usage stats_usage = {
    .command = "stats",
    .synopsis = "[options]",
    .about = "Show where every event went: recorded, or left out and why, by operation, over all processes that\n"
             "record into this store, living and gone; what waits in the spool, and how large it all is.",
    .options = stats_options,
};

const struct usage *usage_stats(void)
{
    return &stats_usage;
}

static int report(const struct survey *survey, bool json)
{
    struct buf text;
    int        exit_code = survey->store_reachable ? EXIT_CODE_OK : EXIT_CODE_UNREACHABLE;

    if (!json) {
        stats_report_table(survey, stdout);
        return exit_code;
    }
    buf_init(&text, NULL, 0);
    stats_report_json(survey, &text);
    if (buf_failed(&text)) {
        fputs("audittrail stats: out of memory\n", stderr);
        exit_code = EXIT_CODE_FAILURE;
    } else {
        fwrite(text.data, 1, text.size, stdout);
    }
    buf_done(&text);
    return exit_code;
}

static int take_and_report(const struct settings *settings, bool json)
{
    struct survey      survey;
    struct trail_error error = { .code = TRAIL_OK };
    enum trail_err     err = survey_take(&survey, settings, &error);
    if (err != TRAIL_OK) {
        fprintf(stderr, "audittrail stats: %s\n", error.message[0] != '\0' ? error.message : trail_strerror(err));
        return err == TRAIL_EAWAY ? EXIT_CODE_UNREACHABLE : EXIT_CODE_FAILURE;
    }
    int exit_code = report(&survey, json);
    survey_done(&survey);
    return exit_code;
}

int cmd_stats(int argc, char **argv)
{
    struct options  options;
    struct settings settings;
    bool            json = false;
    int             exit_code = EXIT_CODE_USAGE;

    (void)argc;
    if (!options_parse(&options, &stats_usage, argv, &json))
        return options.exit_code;
    if (load_settings(&settings, &options, "stats"))
        exit_code = take_and_report(&settings, json);
    settings_done(&settings);
    return exit_code;
}
