/* test_settings.c -- which source wins, and that one load finds every problem.
 *
 * Goal:   option > environment > file > default; an empty value is the default; nothing wrong goes unsaid.
 * Method: loads from files, environments and options that the tests write, in a directory of their own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/settings.h"

static char directory[] = "/tmp/audittrail-settings-XXXXXX";

static int enter_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) == NULL ? -1 : chdir(directory);
}

static int remove_directory(void **state)
{
    (void)state;
    unlink(".env");
    unlink("x.env");
    return chdir("/") != 0 ? -1 : rmdir(directory);
}

static void write_file(const char *path, const char *content)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* Whether the report has a sentence with this in it. */
static bool says(const struct settings_report *report, bool warning, const char *part)
{
    for (size_t i = 0; i < report->problem_count; i++) {
        if (report->problems[i].warning == warning && strstr(report->problems[i].message, part) != NULL)
            return true;
    }
    return false;
}

static void without_any_source_every_default_holds(void **state)
{
    (void)state;
    const char *const      environment[] = { "HOME=/h", "PATH=/bin", NULL };
    struct settings_input  input = { .environment = environment, .env_file = "", .program = "gateway" };
    struct settings        settings;
    struct settings_report report;

    assert_int_equal(settings_load(&settings, &input, &report), TRAIL_OK);
    assert_int_equal(report.problem_count, 0);
    assert_true(settings.enabled);
    assert_int_equal(settings.level + 1, TRAIL_LEVEL_WRITES_ONLY);
    assert_string_equal(settings.exclude_actions, "");
    assert_int_equal(settings.flush_interval_s, 30);
    assert_int_equal(settings.spool_max_bytes, 1 << 30);
    assert_int_equal(settings.overflow, OVERFLOW_FAIL);
    assert_int_equal(settings.durability, DURABILITY_PROCESS);
    assert_int_equal(settings.max_value_bytes, 16384);
    assert_string_equal(settings.database_url, "sqlite:/h/.local/state/audittrail/audit.db");
    assert_string_equal(settings.service, "gateway");
    for (enum setting_id id = 0; id < SETTING_COUNT; id++)
        assert_int_equal(settings.sources[id], SETTING_FROM_DEFAULT);
    settings_done(&settings);
    settings_report_done(&report);
}

static void the_higher_source_wins_and_an_empty_value_is_the_default(void **state)
{
    (void)state;
    static const struct {
        const char         *file;
        const char         *environment;
        const char         *option;
        const char         *expected;
        enum setting_source source;
    } cases[] = {
        { "AUDIT_TRAIL_LEVEL=all\n", NULL, NULL, "all", SETTING_FROM_FILE },
        { "AUDIT_TRAIL_LEVEL=all\n", "AUDIT_TRAIL_LEVEL=deletes_only", NULL, "deletes_only", SETTING_FROM_ENVIRONMENT },
        { "AUDIT_TRAIL_LEVEL=all\n", "AUDIT_TRAIL_LEVEL=deletes_only", "AUDIT_TRAIL_LEVEL=failures_only",
          "failures_only", SETTING_FROM_OPTION },
        { "AUDIT_TRAIL_LEVEL=all\n", "AUDIT_TRAIL_LEVEL=", NULL, "writes_only", SETTING_FROM_DEFAULT },
        { "AUDIT_TRAIL_LEVEL=\n", NULL, NULL, "writes_only", SETTING_FROM_DEFAULT },
        { "AUDIT_TRAIL_LEVEL=wrong\n", "AUDIT_TRAIL_LEVEL=all", NULL, "all", SETTING_FROM_ENVIRONMENT },
        { "", NULL, "AUDIT_TRAIL_LEVEL=  ", "writes_only", SETTING_FROM_DEFAULT },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *const      environment[] = { "HOME=/h", cases[i].environment, NULL };
        const char *const      options[] = { cases[i].option, NULL };
        struct settings_input  input = { options, environment, NULL, "p" };
        struct settings        settings;
        struct settings_report report;
        char                   value[32];

        write_file(".env", cases[i].file);
        assert_int_equal(settings_load(&settings, &input, &report), TRAIL_OK);
        settings_format_value(&settings, SETTING_LEVEL, value, sizeof value);
        assert_string_equal(value, cases[i].expected);
        assert_int_equal(settings.sources[SETTING_LEVEL], cases[i].source);
        settings_done(&settings);
        settings_report_done(&report);
    }
    unlink(".env");
}

static void reads_are_sampled_as_everything_is_unless_it_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *rate, *reads;
        double      expected_rate, expected_reads;
    } cases[] = {
        { NULL, NULL, 1, 1 },
        { "AUDIT_TRAIL_SAMPLE_RATE=0.25", NULL, 0.25, 0.25 },
        { "AUDIT_TRAIL_SAMPLE_RATE=0.25", "AUDIT_TRAIL_SAMPLE_READS=", 0.25, 0.25 },
        { "AUDIT_TRAIL_SAMPLE_RATE=0.25", "AUDIT_TRAIL_SAMPLE_READS=0", 0.25, 0 },
        { "AUDIT_TRAIL_SAMPLE_RATE=0.25", "AUDIT_TRAIL_SAMPLE_READS=1", 0.25, 1 },
        { "AUDIT_TRAIL_SAMPLE_RATE=", "AUDIT_TRAIL_SAMPLE_READS=0.01", 1, 0.01 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *const environment[] = { "HOME=/h", cases[i].rate != NULL ? cases[i].rate : "X=1", cases[i].reads,
                                            NULL };
        struct settings_input  input = { .environment = environment, .env_file = "", .program = "p" };
        struct settings        settings;
        struct settings_report report;
        assert_int_equal(settings_load(&settings, &input, &report), TRAIL_OK);
        assert_true(settings.sample_rate == cases[i].expected_rate);
        assert_true(settings.sample_reads == cases[i].expected_reads);
        settings_done(&settings);
        settings_report_done(&report);
    }
}

static void one_load_finds_every_problem(void **state)
{
    (void)state;
    const char *const      environment[] = { "HOME=/h", "AUDIT_TRAIL_LEVEL=write_only", "AUDIT_TRAIL_LEVEL=all",
                                             "AUDIT_TRAIL_ASYCN=1", NULL };
    const char *const      options[] = { "AUDIT_TRAIL_OVERFLOW=explode", "nonsense", "OTHER=1", NULL };
    struct settings_input  input = { options, environment, "x.env", "p" };
    struct settings        settings;
    struct settings_report report;

    write_file("x.env", "OTHER_PROGRAM=1\n"
                        "what is this\n"
                        "AUDIT_TRAIL_BUFFER_MAX_SIZE=10001\n"
                        "AUDIT_TRAIL_SYNC_INTERVAL=1\n"
                        "AUDIT_TRAIL_SYNC_INTERVAL=2\n"
                        "AUDIT_TRAIL_DATABASE_URL=postgresq://u:geheim@h/d\n");
    assert_int_equal(settings_load(&settings, &input, &report), TRAIL_ECONFIG);
    assert_int_equal(report.error_count, 7);
    assert_int_equal(report.problem_count, 9);
    assert_true(says(&report, false,
                     "AUDIT_TRAIL_LEVEL=write_only (environment) is not valid: allowed are all, writes_only, "
                     "mutations_only, deletes_only, failures_only"));
    assert_true(says(&report, true, "AUDIT_TRAIL_ASYCN (environment) is not a setting"));
    assert_true(says(&report, true, "AUDIT_TRAIL_SYNC_INTERVAL (x.env:5) was given on line 4 already"));
    assert_true(says(&report, false, "x.env:2: a line is NAME=VALUE"));
    assert_true(
        says(&report, false, "AUDIT_TRAIL_BUFFER_MAX_SIZE=10001 (x.env:3) is not valid: allowed are 1 to 10000"));
    assert_true(says(&report, false, "AUDIT_TRAIL_OVERFLOW=explode (option) is not valid: allowed are fail, block"));
    assert_true(says(&report, false, "allowed are sqlite:PATH and postgresql://"));
    assert_true(says(&report, false, "not NAME=VALUE: nonsense"));
    assert_true(says(&report, false, "OTHER (option) is not a setting"));
    assert_false(says(&report, false, "geheim"));
    assert_int_equal(settings.sync_interval_s, 2);
    settings_done(&settings);
    settings_report_done(&report);
}

static void a_file_that_was_asked_for_must_be_there_and_one_that_was_not_need_not(void **state)
{
    (void)state;
    const char *const      environment[] = { "HOME=/h", NULL };
    struct settings_input  input = { NULL, environment, "missing.env", "p" };
    struct settings        settings;
    struct settings_report report;

    assert_int_equal(settings_load(&settings, &input, &report), TRAIL_ECONFIG);
    assert_true(says(&report, false, "missing.env"));
    settings_done(&settings);
    settings_report_done(&report);

    input.env_file = NULL;
    assert_int_equal(mkdir(".env", 0700), 0);
    assert_int_equal(settings_load(&settings, &input, &report), TRAIL_OK);
    assert_int_equal(report.problem_count, 0);
    settings_done(&settings);
    settings_report_done(&report);
    assert_int_equal(rmdir(".env"), 0);
}

static void a_value_over_the_limit_is_an_error(void **state)
{
    (void)state;
    static char            option[SETTING_VALUE_BYTES_MAX + 64];
    int                    prefix = snprintf(option, sizeof option, "AUDIT_TRAIL_EXCLUDE_ACTIONS=");
    const char *const      options[] = { option, "AUDIT_TRAIL_STATE_DIR=/s", NULL };
    struct settings_input  input = { .options = options, .env_file = "" };
    struct settings        settings;
    struct settings_report report;

    memset(option + prefix, 'x', SETTING_VALUE_BYTES_MAX);
    assert_int_equal(settings_load(&settings, &input, &report), TRAIL_OK);
    assert_int_equal(strlen(settings.exclude_actions), SETTING_VALUE_BYTES_MAX);
    settings_done(&settings);
    settings_report_done(&report);

    option[(size_t)prefix + SETTING_VALUE_BYTES_MAX] = 'x';
    assert_int_equal(settings_load(&settings, &input, &report), TRAIL_ECONFIG);
    assert_true(says(&report, false, "longer than 65536 bytes"));
    settings_done(&settings);
    settings_report_done(&report);
}

static void a_missing_home_is_told_when_a_state_directory_is_needed(void **state)
{
    (void)state;
    struct settings_input  input = { .env_file = "" };
    struct settings        settings;
    struct settings_report report;

    assert_int_equal(settings_load(&settings, &input, &report), TRAIL_ECONFIG);
    assert_true(says(&report, false, "AUDIT_TRAIL_STATE_DIR must be given"));
    settings_done(&settings);
    settings_report_done(&report);
}

static void a_formatted_value_is_cut_to_its_room(void **state)
{
    (void)state;
    const char *const      options[] = { "AUDIT_TRAIL_STATE_DIR=/state", NULL };
    struct settings_input  input = { .options = options, .env_file = "" };
    struct settings        settings;
    struct settings_report report;
    char                   value[5];

    assert_int_equal(settings_load(&settings, &input, &report), TRAIL_OK);
    settings_format_value(&settings, SETTING_STATE_DIR, value, sizeof value);
    assert_string_equal(value, "/sta");
    settings_format_value(&settings, SETTING_SPOOL_MAX_BYTES, value, sizeof value);
    assert_string_equal(value, "1GiB");
    settings_format_value(&settings, SETTING_SPOOL_MAX_BYTES, value, 1);
    assert_string_equal(value, "");
    settings_done(&settings);
    settings_done(NULL);
    settings_report_done(&report);
}

static void load_options(struct settings *settings, const char *first, const char *second)
{
    const char *const      options[] = { "AUDIT_TRAIL_STATE_DIR=/state", first, second, NULL };
    struct settings_input  input = { .options = options, .env_file = "" };
    struct settings_report report;
    assert_int_equal(settings_load(settings, &input, &report), TRAIL_OK);
    settings_report_done(&report);
}

static void settings_are_compared_one_by_one_whatever_their_type(void **state)
{
    (void)state;
    static const struct {
        enum setting_id id;
        const char     *option;
    } cases[] = {
        { SETTING_ENABLED, "AUDIT_TRAIL_ENABLED=false" },
        { SETTING_LEVEL, "AUDIT_TRAIL_LEVEL=all" },
        { SETTING_SYNC_INTERVAL, "AUDIT_TRAIL_SYNC_INTERVAL=2" },
        { SETTING_MAX_VALUE_BYTES, "AUDIT_TRAIL_MAX_VALUE_BYTES=1KiB" },
        { SETTING_EXCLUDE_ACTIONS, "AUDIT_TRAIL_EXCLUDE_ACTIONS=a" },
        { SETTING_SERVICE, "AUDIT_TRAIL_SERVICE=other" },
        { SETTING_DATABASE_URL, "AUDIT_TRAIL_DATABASE_URL=sqlite:/other.db" },
    };
    struct settings standard;
    struct settings none = { 0 };
    load_options(&standard, NULL, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct settings other;
        load_options(&other, cases[i].option, NULL);
        for (enum setting_id id = 0; id < SETTING_COUNT; id++) {
            if (settings_same(&standard, &other, id) != (id != cases[i].id))
                fail_msg("%s with %s", setting_info(id)->name, cases[i].option);
            assert_true(settings_same(&other, &other, id));
        }
        settings_done(&other);
    }
    assert_false(settings_same(&standard, &none, SETTING_SERVICE)); /* NULL is no text. */
    assert_true(settings_same(&none, &none, SETTING_SERVICE));
    settings_done(&standard);
}

static void an_appended_value_is_whole(void **state)
{
    (void)state;
    struct settings settings;
    struct buf      out;
    load_options(&settings, "AUDIT_TRAIL_LEVEL=all", "AUDIT_TRAIL_EXCLUDE_ACTIONS=a,b");
    buf_init(&out, NULL, 0);
    settings_append_value(&settings, SETTING_LEVEL, &out);
    buf_append_string(&out, " ");
    settings_append_value(&settings, SETTING_EXCLUDE_ACTIONS, &out);
    buf_append_string(&out, " ");
    settings_append_value(&settings, SETTING_DATABASE_URL, &out);
    buf_append(&out, "", 1);
    assert_string_equal(out.data, "all a,b sqlite:/state/audit.db");
    buf_done(&out);
    settings_done(&settings);
}

static void every_row_of_the_table_is_complete(void **state)
{
    (void)state;
    for (enum setting_id id = 0; id < SETTING_COUNT; id++) {
        const struct setting_info *info = setting_info(id);
        assert_int_equal(strncmp(info->name, "AUDIT_TRAIL_", 12), 0);
        assert_true(strlen(info->section) > 0);
        assert_true(strlen(info->allowed) > 0);
        assert_true(strlen(info->detail) > 0);
        assert_int_equal(info->summary[strlen(info->summary) - 1], '.');
        assert_non_null(info->default_value);
    }
    assert_string_equal(setting_source_name(SETTING_FROM_DEFAULT), "default");
    assert_string_equal(setting_source_name(SETTING_FROM_OPTION), "option");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_any_source_every_default_holds),
        cmocka_unit_test(the_higher_source_wins_and_an_empty_value_is_the_default),
        cmocka_unit_test(reads_are_sampled_as_everything_is_unless_it_is_said),
        cmocka_unit_test(one_load_finds_every_problem),
        cmocka_unit_test(a_file_that_was_asked_for_must_be_there_and_one_that_was_not_need_not),
        cmocka_unit_test(a_value_over_the_limit_is_an_error),
        cmocka_unit_test(a_missing_home_is_told_when_a_state_directory_is_needed),
        cmocka_unit_test(a_formatted_value_is_cut_to_its_room),
        cmocka_unit_test(settings_are_compared_one_by_one_whatever_their_type),
        cmocka_unit_test(an_appended_value_is_whole),
        cmocka_unit_test(every_row_of_the_table_is_complete),
    };
    return cmocka_run_group_tests(tests, enter_directory, remove_directory);
}
