/* test_settings_places.c -- where things are kept when nobody says so, and which places are refused.
 *
 * Goal:   the state directory is derived in the documented order, the rest from it; paths become absolute.
 * Method: tables of environments and of given values; the module is called directly, without sources.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/settings_places.h"
#include "base/settings_value.h"

static void the_state_directory_is_derived_in_order(void **state)
{
    (void)state;
    static const struct {
        const char *environment[4];
        const char *expected; /* NULL: cannot be derived. */
    } cases[] = {
        { { "STATE_DIRECTORY=/s", "XDG_STATE_HOME=/x", "HOME=/h", NULL }, "/s" },
        { { "STATE_DIRECTORY=/s:/t", "HOME=/h", NULL }, "/s" },
        { { "XDG_STATE_HOME=/x", "HOME=/h", NULL }, "/x/audittrail" },
        { { "STATE_DIRECTORY=", "XDG_STATE_HOME=relative", "HOME=/h", NULL }, "/h/.local/state/audittrail" },
        { { "HOME=/h", NULL }, "/h/.local/state/audittrail" },
        { { "STATE_DIRECTORY=/s\n", "XDG_STATE_HOME=/x\xFF", "HOME=/h", NULL }, "/h/.local/state/audittrail" },
        { { "STATE_DIRECTORY=/s ", "HOME=//h", NULL }, "/h/.local/state/audittrail" },
        { { "HOME=/", NULL }, "/.local/state/audittrail" },
        { { "HOMEX=/h", "HOME", NULL }, NULL },
        { { "HOME=/h\x1B[2J", NULL }, NULL },
        { { "HOME=", NULL }, NULL },
        { { NULL }, NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct settings settings = { .enabled = true };
        struct buf      reason;
        buf_init(&reason, NULL, 0);
        enum trail_err err = places_derive(&settings, cases[i].environment, "gateway", &reason);
        if (cases[i].expected == NULL) {
            assert_int_equal(err, TRAIL_EINVAL);
            assert_true(reason.size > 0);
        } else {
            char expected[256];
            assert_int_equal(err, TRAIL_OK);
            assert_string_equal(settings.state_dir, cases[i].expected);
            snprintf(expected, sizeof expected, "%s/spool", cases[i].expected);
            assert_string_equal(settings.spool_dir, expected);
            snprintf(expected, sizeof expected, "sqlite:%s/audit.db", cases[i].expected);
            assert_string_equal(settings.database_url, expected);
        }
        assert_string_equal(settings.service, "gateway");
        buf_done(&reason);
        settings_done(&settings);
    }
}

static void no_state_directory_is_needed_when_nothing_would_stand_in_it(void **state)
{
    (void)state;
    struct settings disabled = { .enabled = false };
    struct settings elsewhere = { .enabled = true };
    struct buf      reason;
    buf_init(&reason, NULL, 0);

    assert_int_equal(places_derive(&disabled, NULL, NULL, &reason), TRAIL_OK);
    assert_string_equal(disabled.state_dir, "");
    assert_string_equal(disabled.spool_dir, "");
    assert_string_equal(disabled.database_url, "");
    assert_true(strlen(disabled.service) > 0);

    assert_int_equal(setting_string_set(&elsewhere.spool_dir, trail_str("/a")), TRAIL_OK);
    assert_int_equal(setting_string_set(&elsewhere.database_url, trail_str("sqlite:/b")), TRAIL_OK);
    assert_int_equal(places_derive(&elsewhere, NULL, NULL, &reason), TRAIL_OK);
    assert_string_equal(elsewhere.spool_dir, "/a");
    assert_string_equal(elsewhere.database_url, "sqlite:/b");
    assert_int_equal(reason.size, 0);

    settings_done(&disabled);
    settings_done(&elsewhere);
    buf_done(&reason);
}

static void what_is_derived_could_have_been_given(void **state)
{
    (void)state;
    static const char *const environment[] = { "STATE_DIRECTORY=/", NULL };
    struct settings          settings = { .enabled = true };
    struct buf               reason;
    buf_init(&reason, NULL, 0);

    assert_int_equal(places_derive(&settings, environment,
                                   " a\x1B[2J\xC2\x9B"
                                   "b\xFF ",
                                   &reason),
                     TRAIL_OK);
    assert_string_equal(settings.state_dir, "/");
    assert_string_equal(settings.spool_dir, "/spool");
    assert_string_equal(settings.database_url, "sqlite:/audit.db");
    assert_string_equal(settings.service, "a?[2J??b\xEF\xBF\xBD");
    for (enum setting_id id = 0; id < SETTING_COUNT; id++)
        assert_int_equal(places_check(&settings, id, &reason), TRAIL_OK);
    settings_done(&settings);
    buf_done(&reason);
}

static void given_places_become_absolute_or_are_refused(void **state)
{
    (void)state;
    static char name_100[101];
    static char name_101[102];
    memset(name_100, 'x', 100);
    memset(name_101, 'x', 101);
    const struct {
        enum setting_id id;
        const char     *given;
        const char     *expected; /* NULL: refused. */
    } cases[] = {
        { SETTING_STATE_DIR, "state", "/tmp/state" },
        { SETTING_STATE_DIR, "/var/x", "/var/x" },
        { SETTING_SPOOL_DIR, "./spool", "/tmp/spool" },
        { SETTING_DATABASE_URL, "sqlite:x.db", "sqlite:/tmp/x.db" },
        { SETTING_DATABASE_URL, "postgresql://u:p@h/d", "postgresql://u:p@h/d" },
        { SETTING_DATABASE_URL, "mysql://u:p@h/d", NULL },
        { SETTING_SERVICE, name_100, name_100 },
        { SETTING_SERVICE, name_101, NULL },
        { SETTING_REDACT_FIELDS, "a", "a" },
    };
    assert_int_equal(chdir("/tmp"), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct settings settings = { 0 };
        char          **field = cases[i].id == SETTING_STATE_DIR      ? &settings.state_dir
                                : cases[i].id == SETTING_SPOOL_DIR    ? &settings.spool_dir
                                : cases[i].id == SETTING_DATABASE_URL ? &settings.database_url
                                : cases[i].id == SETTING_SERVICE      ? &settings.service
                                                                      : &settings.redact_fields;
        struct buf      reason;
        buf_init(&reason, NULL, 0);
        assert_int_equal(setting_string_set(field, trail_str(cases[i].given)), TRAIL_OK);
        enum trail_err err = places_check(&settings, cases[i].id, &reason);
        assert_int_equal(err, cases[i].expected != NULL ? TRAIL_OK : TRAIL_EINVAL);
        assert_int_equal(reason.size > 0, cases[i].expected == NULL);
        if (cases[i].expected != NULL)
            assert_string_equal(*field, cases[i].expected);
        buf_done(&reason);
        settings_done(&settings);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_state_directory_is_derived_in_order),
        cmocka_unit_test(no_state_directory_is_needed_when_nothing_would_stand_in_it),
        cmocka_unit_test(what_is_derived_could_have_been_given),
        cmocka_unit_test(given_places_become_absolute_or_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
