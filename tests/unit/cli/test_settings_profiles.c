/* test_settings_profiles.c -- every ready block is valid as it stands, and says why in every line.
 *
 * Goal:   whoever copies a block gets no error and no warning.
 * Method: each block is given to settings_load() as options.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/settings.h"
#include "cli/settings_profiles.h"

static void every_block_is_valid_and_gives_reasons(void **state)
{
    (void)state;
    for (size_t i = 0; i < PROFILE_COUNT; i++) {
        const struct profile *profile = &settings_profiles[i];
        const char           *options[PROFILE_LINES_MAX + 2] = { "AUDIT_TRAIL_STATE_DIR=/state" };
        size_t                count = 0;
        for (; count < PROFILE_LINES_MAX && profile->lines[count].setting != NULL; count++) {
            options[count + 1] = profile->lines[count].setting;
            assert_int_equal(profile->lines[count].reason[strlen(profile->lines[count].reason) - 1], '.');
        }
        assert_true(count > 3);

        struct settings_input  input = { .options = options, .env_file = "" };
        struct settings        settings;
        struct settings_report report;
        assert_int_equal(settings_load(&settings, &input, &report), TRAIL_OK);
        assert_int_equal(report.problem_count, 0);
        settings_done(&settings);
        settings_report_done(&report);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_block_is_valid_and_gives_reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
