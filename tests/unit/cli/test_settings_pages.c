/* test_settings_pages.c -- the pages about settings are complete, and what they show is valid.
 *
 * Goal:   every setting stands on both pages; .env.example, uncommented, is a configuration without a problem.
 * Method: the pages are made and searched; the env page is uncommented and loaded through settings_load().
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/settings.h"
#include "cli/settings_pages.h"

static char *page_of(void (*make)(struct buf *))
{
    struct buf page;
    buf_init(&page, NULL, 0);
    make(&page);
    buf_append(&page, "", 1);
    assert_false(buf_failed(&page));
    return page.data;
}

static void every_setting_stands_on_both_pages(void **state)
{
    (void)state;
    char *env = page_of(settings_env_page);
    char *markdown = page_of(settings_markdown_page);
    for (enum setting_id id = 0; id < SETTING_COUNT; id++) {
        const struct setting_info *info = setting_info(id);
        char                       part[1024];
        snprintf(part, sizeof part, "\n#%s=%s\n", info->name, info->default_value);
        assert_non_null(strstr(env, part));
        snprintf(part, sizeof part, "\n### %s\n\n%s\n", info->name, info->summary);
        assert_non_null(strstr(markdown, part));
        snprintf(part, sizeof part, "| [%s](#audit_trail_", info->name);
        assert_non_null(strstr(markdown, part));
        assert_non_null(strstr(markdown, info->detail));
    }
    free(env);
    free(markdown);
}

/* Uncommented, the page's defaults and blocks name settings more than once: a warning each, never an error. */
static void the_env_page_uncommented_is_valid(void **state)
{
    (void)state;
    const char *const      options[] = { "AUDIT_TRAIL_STATE_DIR=/state", NULL };
    char                   path[] = "/tmp/audittrail-page-XXXXXX";
    struct settings_input  input = { .options = options, .env_file = path };
    struct settings        settings;
    struct settings_report report;
    char                  *page = page_of(settings_env_page);
    for (char *line = strstr(page, "\n#AUDIT_TRAIL_"); line != NULL; line = strstr(line, "\n#AUDIT_TRAIL_"))
        memcpy(line, "\n\n", 2);

    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, page, strlen(page)), (ssize_t)strlen(page));
    assert_int_equal(close(fd), 0);
    assert_int_equal(settings_load(&settings, &input, &report), TRAIL_OK);
    assert_true(report.problem_count > 0);
    for (size_t i = 0; i < report.problem_count; i++)
        assert_non_null(strstr(report.problems[i].message, "was given on line"));
    assert_int_equal(settings.durability, DURABILITY_MACHINE); /* The last block's. */
    unlink(path);
    settings_done(&settings);
    settings_report_done(&report);
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_setting_stands_on_both_pages),
        cmocka_unit_test(the_env_page_uncommented_is_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
