/* test_draft_settings.c -- a draft is what is in force with changes, or a file with changes, and nothing else.
 *
 * Goal:   changes win, what nobody changed stays, derived settings follow, an empty value goes back to the default; the
 *         environment of this process has no say; settings that are no policy are refused.
 * Method: settings loaded from strings; drafts of them; a file in a directory of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/draft_settings.h"

static struct settings in_force(void)
{
    static const char *const    options[] = { "AUDIT_TRAIL_STATE_DIR=/nowhere",      "AUDIT_TRAIL_LEVEL=mutations_only",
                                              "AUDIT_TRAIL_EXCLUDE_ACTIONS=a, b_*",  "AUDIT_TRAIL_SAMPLE_RATE=0.5",
                                              "AUDIT_TRAIL_ALWAYS_RECORD=failures",  "AUDIT_TRAIL_ACTION_MAP=x=read",
                                              "AUDIT_TRAIL_EXCLUDE_RESOURCES=r1,r2", NULL };
    const struct settings_input input = { .options = options, .env_file = "" };
    struct settings             settings;
    struct settings_report      report;
    assert_int_equal(settings_load(&settings, &input, &report), TRAIL_OK);
    settings_report_done(&report);
    return settings;
}

static bool load(struct settings *draft, const char *file, const char *const *changes, size_t count)
{
    struct settings            now = in_force();
    const struct draft_request request = { &now, file, changes, count, "simulate" };
    bool                       valid = draft_settings_load(draft, &request);
    settings_done(&now);
    return valid;
}

static void what_nobody_changed_stays(void **state)
{
    static const char *const changes[] = { "LEVEL=all", "AUDIT_TRAIL_EXCLUDE_RESOURCES=" };
    struct settings          draft;
    (void)state;
    assert_true(load(&draft, NULL, changes, 2));
    assert_int_equal(draft.level, 0);
    assert_string_equal(draft.exclude_actions, "a,b_*");
    assert_string_equal(draft.exclude_resources, "");
    assert_string_equal(draft.action_map, "x=read");
    assert_int_equal(draft.always_record, ALWAYS_RECORD_FAILURES);
    assert_true(draft.sample_rate > 0.49 && draft.sample_rate < 0.51);
    assert_true(draft.enabled);
    settings_done(&draft);
}

static void what_is_derived_follows_the_change(void **state)
{
    static const char *const changes[] = { "SAMPLE_RATE=0.25" };
    struct settings          draft;
    (void)state;
    assert_true(load(&draft, NULL, changes, 1));
    assert_true(draft.sample_reads > 0.24 && draft.sample_reads < 0.26);
    settings_done(&draft);
}

static void the_last_of_two_changes_counts(void **state)
{
    static const char *const changes[] = { "LEVEL=all", "LEVEL=deletes_only" };
    struct settings          draft;
    (void)state;
    assert_true(load(&draft, NULL, changes, 2));
    assert_int_equal(draft.level, TRAIL_LEVEL_DELETES_ONLY - 1);
    settings_done(&draft);
}

static void a_file_stands_in_place_of_what_is_in_force(void **state)
{
    static const char *const changes[] = { "EXCLUDE_RESOURCES=z" };
    char                     name[] = "/tmp/audittrail-draft-XXXXXX";
    struct settings          draft;
    (void)state;
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    static const char text[] = "AUDIT_TRAIL_EXCLUDE_ACTIONS=c\nAUDIT_TRAIL_SERVICE=s\n";
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    setenv("AUDIT_TRAIL_LEVEL", "all", 1);
    assert_true(load(&draft, name, changes, 1));
    unsetenv("AUDIT_TRAIL_LEVEL");
    unlink(name);
    assert_int_equal(draft.level, TRAIL_LEVEL_WRITES_ONLY - 1);
    assert_string_equal(draft.exclude_actions, "c");
    assert_string_equal(draft.exclude_resources, "z");
    assert_int_equal(draft.always_record, 0);
    settings_done(&draft);
    assert_false(load(&draft, "/nowhere/at/all.env", changes, 1));
    settings_done(&draft);
}

static void what_is_no_policy_makes_no_draft(void **state)
{
    static const char *const wrong[] = {
        "SERVICE=x", "AUDIT_TRAIL_DATABASE_URL=sqlite:x", "LEVEL=", "LEVEL", "=all", "level=all", "", "SAMPLE_RATE=7"
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct settings draft;
        bool            expected = strcmp(wrong[i], "LEVEL=") == 0; /* The default, and so a draft. */
        if (load(&draft, NULL, &wrong[i], 1) != expected)
            fail_msg("\"%s\" was %s", wrong[i], expected ? "refused" : "taken");
        settings_done(&draft);
    }
    assert_true(is_policy_setting(SETTING_ENABLED));
    assert_true(is_policy_setting(SETTING_ACTION_MAP));
    assert_false(is_policy_setting(SETTING_ASYNC));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_nobody_changed_stays),
        cmocka_unit_test(what_is_derived_follows_the_change),
        cmocka_unit_test(the_last_of_two_changes_counts),
        cmocka_unit_test(a_file_stands_in_place_of_what_is_in_force),
        cmocka_unit_test(what_is_no_policy_makes_no_draft),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
