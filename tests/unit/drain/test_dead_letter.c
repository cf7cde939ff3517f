/* test_dead_letter.c -- whatever is kept of a refused event is JSON, and each form is shorter than the one before.
 *
 * Goal:   the whole is the event; the short form begins like it, is bounded and cut between characters; the mark says
 *         nothing that could be refused.
 * Method: one large event in every form, read as JSON.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <string.h>

#include "base/text.h"
#include "drain/dead_letter.h"

static const struct uuid writer = { { 1, 2, 3 } };

static struct event_record large_event(void)
{
    static char name[3001];
    for (size_t i = 0; i < sizeof name - 1; i += 2)
        memcpy(name + i, "\xC3\xA4", 2);
    struct event_record record = { .seq = 7, .weight = 1 };
    record.event = (struct trail_event){ TRAIL_EVENT_INIT,
                                         .operation = TRAIL_OPERATION_CREATE,
                                         .timestamp_us = 1,
                                         .action = TRAIL_TEXT("create_tool"),
                                         .resource_type = TRAIL_TEXT("tool"),
                                         .user_id = TRAIL_TEXT("alice"),
                                         .error_message = text_of(name, sizeof name - 1) };
    return record;
}

static json_t *written(const struct event_record *record, enum dead_letter_form form, size_t *ret_size)
{
    struct buf out;
    buf_init(&out, NULL, 0);
    dead_letter_write(record, &writer, form, &out);
    assert_false(buf_failed(&out));
    json_t *json = json_loadb(out.data, out.size, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    *ret_size = out.size;
    buf_done(&out);
    return json;
}

static void every_form_is_json_and_shorter_than_the_one_before(void **state)
{
    (void)state;
    struct event_record record = large_event();
    size_t              sizes[DEAD_LETTER_FORM_COUNT] = { 0 };

    json_t *whole = written(&record, DEAD_LETTER_WHOLE, &sizes[DEAD_LETTER_WHOLE]);
    assert_string_equal(json_string_value(json_object_get(whole, "action")), "create_tool");
    json_decref(whole);

    json_t     *brief = written(&record, DEAD_LETTER_SHORT, &sizes[DEAD_LETTER_SHORT]);
    const char *text = json_string_value(json_object_get(brief, "_text"));
    assert_true(json_is_true(json_object_get(brief, "_truncated")));
    assert_int_equal(json_integer_value(json_object_get(brief, "_bytes")), sizes[DEAD_LETTER_WHOLE]);
    assert_non_null(strstr(text, "\"create_tool\""));
    assert_in_range(strlen(text), DEAD_LETTER_SHORT_BYTES - 1, DEAD_LETTER_SHORT_BYTES);
    json_decref(brief);

    json_t *mark = written(&record, DEAD_LETTER_MARK, &sizes[DEAD_LETTER_MARK]);
    assert_true(json_is_true(json_object_get(mark, "_refused")));
    json_decref(mark);
    assert_true(sizes[DEAD_LETTER_SHORT] < sizes[DEAD_LETTER_WHOLE]);
    assert_true(sizes[DEAD_LETTER_MARK] < sizes[DEAD_LETTER_SHORT]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_json_and_shorter_than_the_one_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
