/* test_operation.c -- an action's name is classified as a person would, and levels take what they say.
 *
 * Goal:   no write is taken for a read, whatever its name looks like; levels match the acceptance outline.
 * Method: tables of names with the traps that name-matching falls into; the outline of seed.feature, row by row.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "event/operation.h"

#define OP(operation) TRAIL_OPERATION_##operation

struct name_case {
    const char          *action;
    enum trail_operation operation;
};

static void check_names(const struct name_case *cases, size_t count)
{
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        enum trail_operation got = operation_classify(trail_str(cases[i].action));
        if (got == cases[i].operation)
            continue;
        print_error("%s: %s, expected %s\n", cases[i].action, operation_name(got), operation_name(cases[i].operation));
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

#define CHECK_NAMES(...)                                   \
    check_names((const struct name_case[]){ __VA_ARGS__ }, \
                sizeof((const struct name_case[]){ __VA_ARGS__ }) / sizeof(struct name_case))

static void every_documented_prefix_classifies(void **state)
{
    (void)state;
    CHECK_NAMES(
        { "create_tool", OP(CREATE) }, { "bulk_create_tools", OP(CREATE) }, { "register_server", OP(CREATE) },
        { "add_member", OP(CREATE) }, { "import_configuration", OP(IMPORT) }, { "update_tool", OP(UPDATE) },
        { "bulk_update_tools", OP(UPDATE) }, { "set_tool_state", OP(UPDATE) }, { "set_gateway_state", OP(UPDATE) },
        { "activate_server", OP(UPDATE) }, { "deactivate_server", OP(UPDATE) }, { "enable_tool", OP(UPDATE) },
        { "disable_tool", OP(UPDATE) }, { "toggle_feature", OP(UPDATE) }, { "patch_prompt", OP(UPDATE) },
        { "rename_team", OP(UPDATE) }, { "delete_tool", OP(DELETE) }, { "bulk_delete_tools", OP(DELETE) },
        { "remove_member", OP(DELETE) }, { "purge_logs", OP(DELETE) }, { "revoke_token", OP(DELETE) },
        { "view", OP(READ) }, { "view_server", OP(READ) }, { "read", OP(READ) }, { "read_resource", OP(READ) },
        { "get_tool", OP(READ) }, { "list_tools", OP(READ) }, { "search_tools", OP(READ) },
        { "access_admin_page", OP(ACCESS) }, { "export_data", OP(EXPORT) }, { "execute", OP(EXECUTE) },
        { "execute_tool", OP(EXECUTE) }, { "invoke_tool", OP(EXECUTE) }, { "call_tool", OP(EXECUTE) },
        { "run_job", OP(EXECUTE) }, { "login", OP(AUTH) }, { "logout", OP(AUTH) }, { "auth_callback", OP(AUTH) },
        { "session_refresh", OP(AUTH) }, { "grant_role", OP(ADMIN) }, { "assign_role", OP(ADMIN) },
        { "approve_request", OP(ADMIN) }, { "reject_request", OP(ADMIN) }, { "configure_sso", OP(ADMIN) },
        { "reset_password", OP(ADMIN) }, { "health_check", OP(READ) }, { "metrics_read", OP(READ) });
}

static void upper_case_verbs_are_their_operation(void **state)
{
    (void)state;
    CHECK_NAMES({ "CREATE", OP(CREATE) }, { "READ", OP(READ) }, { "UPDATE", OP(UPDATE) }, { "DELETE", OP(DELETE) },
                { "EXECUTE", OP(EXECUTE) }, { "ACCESS", OP(ACCESS) }, { "EXPORT", OP(EXPORT) },
                { "IMPORT", OP(IMPORT) }, { "Delete", OP(DELETE) });
}

static void separators_and_case_are_equal(void **state)
{
    (void)state;
    CHECK_NAMES({ "tools/call", OP(EXECUTE) }, { "tool.list", OP(READ) }, { "resources/read", OP(READ) },
                { "prompts/get", OP(READ) }, { "Delete-Tool", OP(DELETE) }, { "tools.delete", OP(DELETE) },
                { "mcp.tools/call", OP(EXECUTE) }, { "/tools//call/", OP(EXECUTE) }, { "USER_LOGIN", OP(AUTH) },
                { "BULK-DELETE.TOOLS", OP(DELETE) });
}

static void a_write_behind_a_read_is_the_write(void **state)
{
    (void)state;
    CHECK_NAMES({ "get_or_create_user", OP(CREATE) }, { "list_and_delete", OP(DELETE) },
                { "get_or_create_and_delete", OP(DELETE) }, { "read_then_purge", OP(DELETE) },
                { "get_and_set", OP(UPDATE) }, { "view_and_export", OP(EXPORT) }, { "search_and_replace", OP(OTHER) },
                { "access_token_create", OP(CREATE) }, { "access_key_rotate", OP(OTHER) },
                { "get_or_insert", OP(OTHER) }, { "view_and_annotate", OP(OTHER) });
}

static void what_a_read_reads_is_no_verb(void **state)
{
    (void)state;
    CHECK_NAMES({ "view_prompt_details", OP(READ) }, { "get_deleted_items", OP(READ) }, { "get_updates", OP(READ) },
                { "list_set_members", OP(READ) }, { "get_run_log", OP(READ) }, { "get_import_status", OP(READ) },
                { "get_last_call", OP(READ) }, { "list_login_events", OP(READ) }, { "get_access_list", OP(READ) },
                { "list_terms_and_conditions", OP(READ) }, { "get_and_check", OP(READ) },
                { "get_created_by", OP(READ) });
}

static void only_whole_words_are_verbs(void **state)
{
    (void)state;
    CHECK_NAMES({ "address_lookup", OP(OTHER) }, { "runner_start", OP(OTHER) }, { "executed", OP(OTHER) },
                { "viewer_added", OP(OTHER) }, { "reader", OP(OTHER) }, { "getter_x", OP(OTHER) },
                { "settings_list", OP(READ) }, { "updates_list", OP(READ) }, { "deactivated", OP(OTHER) },
                { "createtool", OP(OTHER) }, { "spread", OP(OTHER) }, { "deactivatenow_x", OP(OTHER) });
}

static void later_parts_decide_when_the_first_does_not(void **state)
{
    (void)state;
    CHECK_NAMES({ "user.create", OP(CREATE) }, { "tools/delete/batch", OP(DELETE) }, { "admin_create_run", OP(CREATE) },
                { "password_reset", OP(ADMIN) }, { "user_login", OP(AUTH) }, { "user_login_failed", OP(AUTH) },
                { "tools.get_by_id", OP(READ) }, { "job_run", OP(EXECUTE) }, { "data_export", OP(EXPORT) },
                { "tool_call_list", OP(READ) }, { "batch_delete_tools", OP(DELETE) });
}

static void an_unknown_write_is_no_read(void **state)
{
    (void)state;
    CHECK_NAMES({ "archive_list", OP(OTHER) }, { "drop_view", OP(OTHER) }, { "mark_as_read", OP(OTHER) },
                { "rotate_access_key", OP(OTHER) }, { "clear_read_cache", OP(OTHER) }, { "change_access", OP(OTHER) },
                { "tool_restore_list", OP(OTHER) }, { "request_access", OP(OTHER) });
}

static void a_name_that_says_nothing_is_other(void **state)
{
    (void)state;
    CHECK_NAMES({ "", OP(OTHER) }, { "_", OP(OTHER) }, { "bulk", OP(OTHER) }, { "bulk_", OP(OTHER) },
                { "frobnicate", OP(OTHER) }, { "\xC3\xA9t\xC3\xA9", OP(OTHER) }, { "or", OP(OTHER) },
                { "{}[]", OP(OTHER) });
    assert_int_equal(operation_classify((struct trail_text){ 0 }), OP(OTHER));
    assert_int_equal(operation_classify((struct trail_text){ "delete\0_x", 9 }), OP(OTHER));
}

static void what_is_cut_off_is_not_looked_at(void **state)
{
    (void)state;
    char name[128];
    memset(name, 'x', sizeof name);
    memcpy(name + 92, "_deleteX", 8);
    assert_int_equal(operation_classify((struct trail_text){ name, 99 }), OP(DELETE));
    memcpy(name + 94, "_delete", 7);
    assert_int_equal(operation_classify((struct trail_text){ name, 101 }), OP(OTHER));
    memcpy(name, "delete_", 7);
    assert_int_equal(operation_classify((struct trail_text){ name, sizeof name }), OP(DELETE));
}

static void bulk_actions_are_told_from_single_ones(void **state)
{
    (void)state;
    assert_true(action_is_bulk(trail_str("bulk_delete_tools")));
    assert_true(action_is_bulk(trail_str("tools/Bulk-Delete")));
    assert_true(action_is_bulk(trail_str("delete_all_tools")));
    assert_true(action_is_bulk(trail_str("batch.delete")));
    assert_false(action_is_bulk(trail_str("delete_tool")));
    assert_false(action_is_bulk(trail_str("delete_bulkhead")));
    assert_false(action_is_bulk(trail_str("")));
}

/* The outline "the level decides by operation" of seed.feature. */
static const struct level_row {
    enum trail_level level;
    bool             create, read, update, delete, execute, other, failed_read;
} outline[] = {
    { TRAIL_LEVEL_ALL, true, true, true, true, true, true, true },
    { TRAIL_LEVEL_WRITES_ONLY, true, false, true, true, true, true, false },
    { TRAIL_LEVEL_MUTATIONS_ONLY, false, false, true, true, false, true, false },
    { TRAIL_LEVEL_DELETES_ONLY, false, false, false, true, false, false, false },
    { TRAIL_LEVEL_FAILURES_ONLY, false, false, false, false, false, false, true },
};

static void levels_take_what_the_outline_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof outline / sizeof outline[0]; i++) {
        const struct level_row *row = &outline[i];
        print_message("%s\n", level_name(row->level));
        assert_int_equal(level_takes(row->level, OP(CREATE), TRAIL_OUTCOME_SUCCESS), row->create);
        assert_int_equal(level_takes(row->level, OP(READ), TRAIL_OUTCOME_SUCCESS), row->read);
        assert_int_equal(level_takes(row->level, OP(UPDATE), TRAIL_OUTCOME_SUCCESS), row->update);
        assert_int_equal(level_takes(row->level, OP(DELETE), TRAIL_OUTCOME_SUCCESS), row->delete);
        assert_int_equal(level_takes(row->level, OP(EXECUTE), TRAIL_OUTCOME_SUCCESS), row->execute);
        assert_int_equal(level_takes(row->level, OP(OTHER), TRAIL_OUTCOME_SUCCESS), row->other);
        assert_int_equal(level_takes(row->level, OP(READ), TRAIL_OUTCOME_FAILURE), row->failed_read);
    }
}

static void failures_only_takes_every_outcome_but_success(void **state)
{
    (void)state;
    for (int operation = 1; operation < TRAIL_OPERATION_COUNT; operation++) {
        for (int outcome = TRAIL_OUTCOME_SUCCESS; outcome <= TRAIL_OUTCOME_UNKNOWN; outcome++)
            assert_int_equal(
                level_takes(TRAIL_LEVEL_FAILURES_ONLY, (enum trail_operation)operation, (enum trail_outcome)outcome),
                outcome != TRAIL_OUTCOME_SUCCESS);
    }
}

static void the_level_of_an_operation_is_the_narrowest_that_takes_it(void **state)
{
    static const enum trail_level expected[TRAIL_OPERATION_COUNT] = {
        [OP(CREATE)] = TRAIL_LEVEL_WRITES_ONLY,    [OP(READ)] = TRAIL_LEVEL_ALL,
        [OP(UPDATE)] = TRAIL_LEVEL_MUTATIONS_ONLY, [OP(DELETE)] = TRAIL_LEVEL_DELETES_ONLY,
        [OP(EXECUTE)] = TRAIL_LEVEL_WRITES_ONLY,   [OP(ACCESS)] = TRAIL_LEVEL_ALL,
        [OP(EXPORT)] = TRAIL_LEVEL_WRITES_ONLY,    [OP(IMPORT)] = TRAIL_LEVEL_WRITES_ONLY,
        [OP(AUTH)] = TRAIL_LEVEL_WRITES_ONLY,      [OP(ADMIN)] = TRAIL_LEVEL_MUTATIONS_ONLY,
        [OP(AUDIT)] = TRAIL_LEVEL_WRITES_ONLY,     [OP(OTHER)] = TRAIL_LEVEL_MUTATIONS_ONLY,
    };

    (void)state;
    for (int i = 1; i < TRAIL_OPERATION_COUNT; i++) {
        enum trail_operation operation = (enum trail_operation)i;
        enum trail_level     level = level_of_operation(operation);
        assert_int_equal(level, expected[i]);
        /* Every wider level takes it as well, so "stored level >= asked level" selects what a level would have kept. */
        for (int wider = TRAIL_LEVEL_ALL; wider <= TRAIL_LEVEL_DELETES_ONLY; wider++)
            assert_int_equal(level_takes((enum trail_level)wider, operation, TRAIL_OUTCOME_SUCCESS),
                             wider <= (int)level);
    }
}

static void names_read_back_without_case(void **state)
{
    enum trail_operation      operation;
    enum trail_outcome        outcome;
    enum trail_classification classification;
    enum trail_level          level;

    (void)state;
    for (int i = 1; i < TRAIL_OPERATION_COUNT; i++) {
        assert_true(operation_from_name(trail_str(operation_name((enum trail_operation)i)), &operation));
        assert_int_equal(operation, i);
    }
    assert_true(outcome_from_name(trail_str("Denied"), &outcome));
    assert_int_equal(outcome, TRAIL_OUTCOME_DENIED);
    assert_true(classification_from_name(trail_str("RESTRICTED"), &classification));
    assert_int_equal(classification, TRAIL_CLASSIFICATION_RESTRICTED);
    assert_true(classification_from_name(trail_str(""), &classification));
    assert_int_equal(classification, TRAIL_CLASSIFICATION_NONE);
    assert_true(level_from_name(trail_str("Writes_Only"), &level));
    assert_int_equal(level, TRAIL_LEVEL_WRITES_ONLY);
    assert_string_equal(outcome_name(TRAIL_OUTCOME_SUCCESS), "success");
    assert_string_equal(classification_name(TRAIL_CLASSIFICATION_PUBLIC), "public");
}

static void unknown_names_leave_the_result_untouched(void **state)
{
    enum trail_operation operation = OP(ADMIN);
    enum trail_level     level = TRAIL_LEVEL_ALL;

    (void)state;
    assert_false(operation_from_name(trail_str("creates"), &operation));
    assert_false(operation_from_name(trail_str(""), &operation));
    assert_int_equal(operation, OP(ADMIN));
    assert_false(level_from_name(trail_str("writes"), &level));
    assert_int_equal(level, TRAIL_LEVEL_ALL);
    assert_null(operation_name(TRAIL_OPERATION_AUTO));
    assert_null(operation_name((enum trail_operation)99));
    assert_null(outcome_name((enum trail_outcome) - 1));
    assert_null(level_name((enum trail_level)0));
    assert_null(classification_name((enum trail_classification)5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_documented_prefix_classifies),
        cmocka_unit_test(upper_case_verbs_are_their_operation),
        cmocka_unit_test(separators_and_case_are_equal),
        cmocka_unit_test(a_write_behind_a_read_is_the_write),
        cmocka_unit_test(what_a_read_reads_is_no_verb),
        cmocka_unit_test(only_whole_words_are_verbs),
        cmocka_unit_test(later_parts_decide_when_the_first_does_not),
        cmocka_unit_test(an_unknown_write_is_no_read),
        cmocka_unit_test(a_name_that_says_nothing_is_other),
        cmocka_unit_test(what_is_cut_off_is_not_looked_at),
        cmocka_unit_test(bulk_actions_are_told_from_single_ones),
        cmocka_unit_test(levels_take_what_the_outline_says),
        cmocka_unit_test(failures_only_takes_every_outcome_but_success),
        cmocka_unit_test(the_level_of_an_operation_is_the_narrowest_that_takes_it),
        cmocka_unit_test(names_read_back_without_case),
        cmocka_unit_test(unknown_names_leave_the_result_untouched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
