/* test_sources.c -- settings can be read a second time from where they came the first time.
 *
 * Goal:   the caller's options are copied; each source is read anew; a working directory that changed since does not
 *         change which env file is read, also when nobody named one.
 * Method: real files in a folder of the test's own, and chdir().
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/temp_dir.h"
#include "trail/sources.h"

static struct temp_dir dir;
static char            home[OS_PATH_SIZE];

static int make(void **state)
{
    (void)state;
    assert_non_null(getcwd(home, sizeof home));
    temp_dir_make(&dir);
    assert_int_equal(mkdir(temp_dir_at(&dir, "start"), 0700), 0);
    assert_int_equal(mkdir(temp_dir_at(&dir, "elsewhere"), 0700), 0);
    assert_int_equal(chdir(temp_dir_at(&dir, "start")), 0);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    assert_int_equal(chdir(home), 0);
    temp_dir_remove(&dir);
    return 0;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* The level that is read now, by its place in settings.def: 0 is all, 1 the default; -1: an error. */
static int level_of(const struct sources *sources)
{
    struct settings        settings;
    struct settings_report report;
    enum trail_err         err = sources_read(sources, &settings, &report);
    int                    level = err == TRAIL_OK ? (int)settings.level : -1;
    settings_report_done(&report);
    settings_done(&settings);
    return level;
}

static void the_options_are_copied(void **state)
{
    (void)state;
    char                       level[] = "AUDIT_TRAIL_LEVEL=all";
    char                       state_dir[] = "AUDIT_TRAIL_STATE_DIR=/nowhere";
    const char                *settings[] = { level, state_dir, NULL };
    char                       none[] = "";
    const struct trail_options options = { TRAIL_OPTIONS_INIT, .settings = settings, .env_file = none };
    struct sources             sources;
    assert_int_equal(sources_init(&sources, &options, NULL), TRAIL_OK);
    memset(level, 'x', sizeof level);
    memset(state_dir, 'x', sizeof state_dir);
    settings[0] = NULL;
    assert_int_equal(level_of(&sources), 0);
    sources_done(&sources);
    sources_done(&sources); /* Nothing is left. */
}

static void every_source_is_read_anew(void **state)
{
    (void)state;
    const char *const          settings[] = { "AUDIT_TRAIL_STATE_DIR=/nowhere", NULL };
    const struct trail_options options = { TRAIL_OPTIONS_INIT, .settings = settings, .env_file = "a.env" };
    struct sources             sources;
    write_file("a.env", "AUDIT_TRAIL_LEVEL=all\n");
    assert_int_equal(sources_init(&sources, &options, NULL), TRAIL_OK);
    assert_int_equal(level_of(&sources), 0);
    write_file("a.env", "AUDIT_TRAIL_LEVEL=deletes_only\n");
    assert_int_equal(level_of(&sources), 3);
    setenv("AUDIT_TRAIL_LEVEL", "failures_only", 1);
    assert_int_equal(level_of(&sources), 4);
    unsetenv("AUDIT_TRAIL_LEVEL");
    assert_int_equal(level_of(&sources), 3);
    assert_int_equal(remove("a.env"), 0);
    assert_int_equal(level_of(&sources), -1); /* It was named, so it must be there. */
    sources_done(&sources);
}

static void the_env_file_is_that_of_the_start_wherever_we_are(void **state)
{
    (void)state;
    static const char *const names[] = { NULL, ".env", "./.env", "../start/.env" };
    const char *const        settings[] = { "AUDIT_TRAIL_STATE_DIR=/nowhere", NULL };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct trail_options options = { TRAIL_OPTIONS_INIT, .settings = settings, .env_file = names[i] };
        struct sources             sources;
        assert_int_equal(chdir(temp_dir_at(&dir, "start")), 0);
        write_file(".env", "AUDIT_TRAIL_LEVEL=all\n");
        assert_int_equal(sources_init(&sources, &options, NULL), TRAIL_OK);
        assert_int_equal(chdir(temp_dir_at(&dir, "elsewhere")), 0);
        write_file(".env", "AUDIT_TRAIL_LEVEL=deletes_only\n");
        assert_int_equal(level_of(&sources), 0);
        sources_done(&sources);
    }
}

static void the_env_file_that_nobody_named_may_come_and_go(void **state)
{
    (void)state;
    const char *const          settings[] = { "AUDIT_TRAIL_STATE_DIR=/nowhere", NULL };
    const struct trail_options options = { TRAIL_OPTIONS_INIT, .settings = settings };
    struct sources             sources;
    assert_int_equal(sources_init(&sources, &options, NULL), TRAIL_OK);
    assert_int_equal(chdir(temp_dir_at(&dir, "elsewhere")), 0);
    write_file(".env", "AUDIT_TRAIL_LEVEL=deletes_only\n");
    assert_int_equal(level_of(&sources), 1); /* The default: where we started there is none. */
    write_file("../start/.env", "AUDIT_TRAIL_LEVEL=all\n");
    assert_int_equal(level_of(&sources), 0);
    assert_int_equal(remove("../start/.env"), 0);
    assert_int_equal(level_of(&sources), 1);
    assert_int_equal(mkdir("../start/.env", 0700), 0); /* Somebody else's. */
    assert_int_equal(level_of(&sources), 1);
    sources_done(&sources);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_options_are_copied, make, stop),
        cmocka_unit_test_setup_teardown(every_source_is_read_anew, make, stop),
        cmocka_unit_test_setup_teardown(the_env_file_is_that_of_the_start_wherever_we_are, make, stop),
        cmocka_unit_test_setup_teardown(the_env_file_that_nobody_named_may_come_and_go, make, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
