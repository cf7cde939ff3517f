/* test_tail_request.c -- what `audittrail tail` was asked for.
 *
 * Goal:   it has the filters of query and its own options, each once; what makes no sense together is said.
 * Method: the table, and command lines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/text.h"
#include "cli/tail_request.h"

static const struct option_info *find(const struct option_info *options, const char *name)
{
    const struct option_info *found = NULL;
    for (; options->name != NULL; options++) {
        if (strcmp(options->name, name) == 0) {
            assert_null(found);
            found = options;
        }
    }
    return found;
}

static void the_filters_are_those_of_query(void **state)
{
    (void)state;
    static const char *const own[] = { "follow", "lines", "no-spool", "output" };
    static const char *const left_out[] = { "until", "id", "limit", "after", "oldest-first" };
    for (size_t i = 0; i < 4; i++)
        assert_non_null(find(tail_options(), own[i]));
    for (size_t i = 0; i < 5; i++) {
        assert_null(find(tail_options(), left_out[i]));
        assert_non_null(find(query_options, left_out[i]));
    }
    for (const struct option_info *option = query_options; option->name != NULL; option++) {
        const struct option_info *same = find(tail_options(), option->name);
        if (same != NULL && strcmp(option->name, "output") != 0)
            assert_ptr_equal(same->take, option->take);
    }
    assert_ptr_equal(tail_options(), tail_options());
}

static void a_command_line_is_read(void **state)
{
    (void)state;
    const struct usage  usage = { .command = "tail", .synopsis = "", .about = "", .options = tail_options() };
    static char         words[][11] = { "tail", "-f", "-n", "3", "--user", "alice", "-o", "ndjson", "--no-spool" };
    char               *argv[10] = { 0 };
    struct options      options;
    struct tail_request request;
    for (size_t i = 0; i < 9; i++)
        argv[i] = words[i];
    tail_request_init(&request, 1);
    assert_int_equal(request.query.limit, TAIL_LINES_DEFAULT);
    assert_true(options_parse(&options, &usage, argv, &request));
    assert_null(tail_request_finish(&request));
    assert_true(request.follow && request.no_spool);
    assert_int_equal(request.query.limit, 3);
    assert_int_equal(request.query.format, OUTPUT_NDJSON);
    assert_true(text_equal(request.query.filter.user_id, TRAIL_TEXT("alice")));
    tail_request_done(&request);
}

static void what_shows_nothing_is_refused(void **state)
{
    (void)state;
    struct tail_request request;
    tail_request_init(&request, 1);
    request.query.limit = 0;
    assert_non_null(tail_request_finish(&request));
    request.follow = true;
    assert_null(tail_request_finish(&request));
    tail_request_done(&request);

    const struct option_info *lines = find(tail_options(), "lines");
    assert_non_null(lines->take(&request, "10001"));
    assert_non_null(lines->take(&request, "-1"));
    assert_null(lines->take(&request, "10000"));
    assert_non_null(find(tail_options(), "output")->take(&request, "json"));
    assert_null(find(tail_options(), "output")->take(&request, "csv"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_filters_are_those_of_query),
        cmocka_unit_test(a_command_line_is_read),
        cmocka_unit_test(what_shows_nothing_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
