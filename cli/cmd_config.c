/* cmd_config.c -- `audittrail config`: what the settings are, whether they are valid, and what there is to set. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/settings.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/screen.h"
#include "cli/settings_pages.h"
#include "cli/table.h"
#include "store/store.h"

static const char *take_output(void *context, const char *value)
{
    bool *json = context;
    *json = strcmp(value, "json") == 0;
    return *json || strcmp(value, "table") == 0 ? NULL : "table or json";
}

static const struct option_info config_options[] = {
    { "output", 'o', "FORMAT", "of show: table (if not given) or json", take_output, "table json" },
    { .name = NULL },
};

static const struct usage config_usage = {
    .command = "config",
    .synopsis = "show | check | env | docs [options]",
    .about = "show   the value in force of every setting and where it comes from, passwords masked\n"
             "check  every mistake at once; exits 0 when there is none, 1 otherwise\n"
             "env    an env file with every setting, commented out, to start from\n"
             "docs   the page of the documentation about settings, in Markdown",
    .options = config_options,
    .operands_max = 1,
    .operands = "show check env docs",
};

const struct usage *usage_config(void)
{
    return &config_usage;
}

/* A value may be as long as a list of names can be; no one reads more of it on a screen. */
#define VALUE_SIZE (SETTING_VALUE_BYTES_MAX + 1)

static void print_table(const struct settings *settings)
{
    static const struct table_column columns[] = { { "SETTING", false }, { "SOURCE", false }, { "VALUE", false } };
    static char                      value[VALUE_SIZE];
    struct table                     table;

    table_begin(&table, stdout, columns, 3);
    for (enum setting_id id = 0; id < SETTING_COUNT; id++) {
        settings_format_value(settings, id, value, sizeof value);
        table_cell(&table, trail_str(setting_info(id)->name));
        table_cell(&table, trail_str(setting_source_name(settings->sources[id])));
        table_cell(&table, trail_str(value[0] != '\0' ? value : "(empty)"));
    }
    if (!table_end(&table))
        fputs("audittrail config: out of memory\n", stderr);
}

static void append_member(struct buf *out, const char *name, const char *value)
{
    json_append_string(out, trail_str(name));
    buf_append_string(out, ": ");
    json_append_string(out, trail_str(value));
}

/* {"AUDIT_TRAIL_LEVEL": {"value": "all", "source": "file"}, ...} */
static void append_json(const struct settings *settings, struct buf *out)
{
    static char value[VALUE_SIZE];

    buf_append_string(out, "{\n");
    for (enum setting_id id = 0; id < SETTING_COUNT; id++) {
        settings_format_value(settings, id, value, sizeof value);
        buf_append_string(out, "  ");
        json_append_string(out, trail_str(setting_info(id)->name));
        buf_append_string(out, ": {");
        append_member(out, "value", value);
        buf_append_string(out, ", ");
        append_member(out, "source", setting_source_name(settings->sources[id]));
        buf_append_string(out, id + 1 < SETTING_COUNT ? "},\n" : "}\n");
    }
    buf_append_string(out, "}\n");
}

/* Print the buffer and free it. */
static int print_page(struct buf *page)
{
    int exit_code = buf_failed(page) ? EXIT_CODE_FAILURE : EXIT_CODE_OK;
    if (exit_code != EXIT_CODE_OK)
        fputs("audittrail config: out of memory\n", stderr);
    else
        fwrite(page->data, 1, page->size, stdout);
    buf_done(page);
    return exit_code;
}

static int show(const struct settings *settings, bool json)
{
    struct buf page;

    if (!json) {
        print_table(settings);
        return EXIT_CODE_OK;
    }
    buf_init(&page, NULL, 0);
    append_json(settings, &page);
    return print_page(&page);
}

static void print_problems(const struct settings_report *report, const struct screen *screen)
{
    for (size_t i = 0; i < report->problem_count; i++) {
        bool warning = report->problems[i].warning;
        screen_print(screen, stderr, warning ? STYLE_WARNING : STYLE_BAD, warning ? "warning:" : "error:");
        fprintf(stderr, " %s\n", report->problems[i].message);
    }
    size_t told = 0;
    for (size_t i = 0; i < report->problem_count; i++)
        told += report->problems[i].warning ? 0 : 1;
    if (report->error_count > told)
        fprintf(stderr, "error: %zu more of them\n", report->error_count - told);
}

/* Would the store take this URL? Nothing is connected to. */
static bool check_database_url(const struct settings *settings)
{
    struct trail_error error = { 0 };
    if (store_check_url(settings->database_url, &error) == TRAIL_OK)
        return true;
    fprintf(stderr, "error: AUDIT_TRAIL_DATABASE_URL: %s\n", error.message);
    return false;
}

/* show and check: both read all sources and tell all problems; a wrong setting makes both fail. */
static int show_or_check(const struct options *options, bool check, bool json)
{
    struct settings        settings;
    struct settings_report report;
    struct settings_input  input = {
         .options = options->settings,
         .environment = (const char *const *)environ,
         .env_file = options->env_file,
    };
    int            exit_code = EXIT_CODE_OK;
    enum trail_err err = settings_load(&settings, &input, &report);

    struct screen screen = screen_of(stderr);
    print_problems(&report, &screen);
    if (err != TRAIL_OK && err != TRAIL_ECONFIG)
        fprintf(stderr, "audittrail config: %s\n", trail_strerror(err));
    else if (!check)
        exit_code = show(&settings, json);
    else if (err == TRAIL_OK && check_database_url(&settings))
        printf("%d settings are valid\n", (int)SETTING_COUNT);
    else
        exit_code = EXIT_CODE_FAILURE;
    if (err != TRAIL_OK)
        exit_code = EXIT_CODE_FAILURE;
    settings_done(&settings);
    settings_report_done(&report);
    return exit_code;
}

int cmd_config(int argc, char **argv)
{
    struct options options;
    struct buf     page;
    bool           json = false;

    (void)argc;
    if (!options_parse(&options, &config_usage, argv, &json))
        return options.exit_code;

    const char *what = options.operand_count > 0 ? options.operands[0] : "";
    if (strcmp(what, "show") == 0 || strcmp(what, "check") == 0)
        return show_or_check(&options, strcmp(what, "check") == 0, json);
    buf_init(&page, NULL, 0);
    if (strcmp(what, "env") == 0) {
        settings_env_page(&page);
        return print_page(&page);
    }
    if (strcmp(what, "docs") == 0) {
        settings_markdown_page(&page);
        return print_page(&page);
    }
    fprintf(stderr, "audittrail config: expected show, check, env or docs%s%.40s (see `audittrail config --help`)\n",
            what[0] != '\0' ? ", not " : "", what);
    return EXIT_CODE_USAGE;
}
