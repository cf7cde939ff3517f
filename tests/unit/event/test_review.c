/* test_review.c -- a person is asked to look at what the design says, and at nothing else.
 *
 * Goal:   each reason for a review holds alone; near misses do not.
 * Method: a table of events.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "event/review.h"

struct review_case {
    const char               *action;
    const char               *resource_type;
    enum trail_operation      operation;
    enum trail_classification classification;
    enum trail_review         given;
    bool                      expected;
};

#define OP(operation) TRAIL_OPERATION_##operation

static void check(const struct review_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct trail_event event = { TRAIL_EVENT_INIT,
                                     .action = trail_str(cases[i].action),
                                     .resource_type = trail_str(cases[i].resource_type),
                                     .user_id = TRAIL_TEXT("u"),
                                     .data_classification = cases[i].classification,
                                     .requires_review = cases[i].given };
        if (review_required(&event, cases[i].operation) != cases[i].expected)
            fail_msg("%s of %s: expected %d", cases[i].action, cases[i].resource_type, cases[i].expected);
    }
}

#define CHECK(...)                                     \
    check((const struct review_case[]){ __VA_ARGS__ }, \
          sizeof((const struct review_case[]){ __VA_ARGS__ }) / sizeof(struct review_case))

static void the_callers_word_wins(void **state)
{
    (void)state;
    CHECK({ "delete_tool", "tool", OP(DELETE), TRAIL_CLASSIFICATION_RESTRICTED, TRAIL_REVIEW_NO, false },
          { "view_tool", "tool", OP(READ), TRAIL_CLASSIFICATION_NONE, TRAIL_REVIEW_YES, true });
}

static void confidential_and_restricted_data_is_looked_at(void **state)
{
    (void)state;
    CHECK({ "view_x", "x", OP(READ), TRAIL_CLASSIFICATION_NONE, 0, false },
          { "view_x", "x", OP(READ), TRAIL_CLASSIFICATION_PUBLIC, 0, false },
          { "view_x", "x", OP(READ), TRAIL_CLASSIFICATION_INTERNAL, 0, false },
          { "view_x", "x", OP(READ), TRAIL_CLASSIFICATION_CONFIDENTIAL, 0, true },
          { "view_x", "x", OP(READ), TRAIL_CLASSIFICATION_RESTRICTED, 0, true });
}

static void the_delete_of_what_others_depend_on_is_looked_at(void **state)
{
    (void)state;
    CHECK({ "delete_server", "server", OP(DELETE), 0, 0, true }, { "delete_tool", "Tool", OP(DELETE), 0, 0, true },
          { "delete_resource", "resources", OP(DELETE), 0, 0, true },
          { "delete_gateway", " gateway ", OP(DELETE), 0, 0, true },
          { "delete_server", "mcp_server", OP(DELETE), 0, 0, true },
          { "delete_prompt", "prompt", OP(DELETE), 0, 0, false }, { "delete_x", "toolbox", OP(DELETE), 0, 0, false },
          { "delete_x", "pretool", OP(DELETE), 0, 0, false }, { "update_tool", "tool", OP(UPDATE), 0, 0, false },
          { "create_server", "server", OP(CREATE), 0, 0, false });
}

static void a_bulk_delete_is_looked_at(void **state)
{
    (void)state;
    CHECK({ "bulk_delete_prompts", "prompt", OP(DELETE), 0, 0, true },
          { "delete_all_prompts", "prompt", OP(DELETE), 0, 0, true },
          { "bulk_update_prompts", "prompt", OP(UPDATE), 0, 0, false });
}

static void a_change_of_sensitive_configuration_is_looked_at(void **state)
{
    (void)state;
    CHECK({ "update_config", "config", OP(UPDATE), 0, 0, true }, { "x", "auth_config", OP(OTHER), 0, 0, true },
          { "create_x", "OAuth-Credentials", OP(CREATE), 0, 0, true }, { "set_x", "settings", OP(UPDATE), 0, 0, true },
          { "delete_x", "policies", OP(DELETE), 0, 0, true }, { "grant_x", "role", OP(ADMIN), 0, 0, true },
          { "export_x", "secret", OP(EXPORT), 0, 0, true }, { "import_x", "configuration", OP(IMPORT), 0, 0, true },
          { "create_x", "api_key", OP(CREATE), 0, 0, true }, { "create_x", "api-keys", OP(CREATE), 0, 0, true },
          { "view_x", "config", OP(READ), 0, 0, false }, { "access_x", "secret", OP(ACCESS), 0, 0, false },
          { "login", "credential", OP(AUTH), 0, 0, false }, { "execute_x", "policy", OP(EXECUTE), 0, 0, false },
          { "update_x", "payroll", OP(UPDATE), 0, 0, false }, { "update_x", "s", OP(UPDATE), 0, 0, false },
          { "update_x", "", OP(UPDATE), 0, 0, false }, { "update_x", "configurator", OP(UPDATE), 0, 0, false });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_callers_word_wins),
        cmocka_unit_test(confidential_and_restricted_data_is_looked_at),
        cmocka_unit_test(the_delete_of_what_others_depend_on_is_looked_at),
        cmocka_unit_test(a_bulk_delete_is_looked_at),
        cmocka_unit_test(a_change_of_sensitive_configuration_is_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
