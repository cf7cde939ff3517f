/* test_manual.c -- the pages have what the tables have.
 *
 * Goal:   every option, command, setting and exit code stands in the page it belongs to; examples have their section.
 * Method: the sources are searched; what scdoc and man make of them is tested in tests/integration.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/settings.h"
#include "cli/manual.h"

static bool has(const struct buf *page, const char *text)
{
    return memmem(page->data, page->size, text, strlen(text)) != NULL;
}

static void a_command_has_its_options_and_sections(void **state)
{
    (void)state;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const struct usage *usage = commands[i].usage();
        struct buf          page;
        buf_init(&page, NULL, 0);
        manual_command(&page, &commands[i]);
        assert_false(buf_failed(&page));
        for (const struct option_info *option = usage->options; option->name != NULL; option++) {
            char name[80];
            snprintf(name, sizeof name, "*--%s*", option->name);
            assert_true(has(&page, name));
        }
        assert_true(has(&page, "*--env-file* FILE\n"));
        bool has_examples = usage->notes != NULL &&
                            (strncmp(usage->notes, "example", 7) == 0 || strstr(usage->notes, "\n\nexample") != NULL);
        assert_int_equal(has(&page, "\n# EXAMPLES\n"), has_examples);
        assert_false(has(&page, "example:\n"));
        assert_false(has(&page, "examples:\n"));
        buf_done(&page);
    }
}

static void the_overview_names_every_command(void **state)
{
    (void)state;
    struct buf page;
    buf_init(&page, NULL, 0);
    manual_overview(&page);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        char name[80];
        snprintf(name, sizeof name, "*audittrail-%s*(1)", commands[i].name);
        assert_true(has(&page, name));
        assert_true(has(&page, commands[i].help));
    }
    assert_true(has(&page, "*5*\n\tthe store cannot be reached"));
    buf_done(&page);
}

static void the_settings_are_all_there(void **state)
{
    (void)state;
    struct buf page;
    buf_init(&page, NULL, 0);
    manual_settings(&page);
    for (enum setting_id id = 0; id < SETTING_COUNT; id++) {
        char heading[100];
        snprintf(heading, sizeof heading, "\n## %s\n", setting_info(id)->name);
        assert_true(has(&page, heading));
    }
    buf_done(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_has_its_options_and_sections),
        cmocka_unit_test(the_overview_names_every_command),
        cmocka_unit_test(the_settings_are_all_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
