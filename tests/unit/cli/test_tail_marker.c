/* test_tail_marker.c -- what `audittrail tail` says between the events.
 *
 * Goal:   a gap and a dead letter are one line each, as text and as JSON, and nothing in it reaches a terminal raw.
 * Method: items made by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <string.h>

#include "base/text.h"
#include "cli/tail_marker.h"

static struct uuid uuid;

static const struct tail_item gap = {
    .kind = TAIL_GAP, .writer = &uuid, .service = "gate\x1b\"way", .pid = 1234, .first = 17, .last = 19
};
static const struct tail_item letter = {
    .kind = TAIL_DEAD_LETTER, .writer = &uuid, .service = "s", .pid = 5, .first = 9, .last = 9, .text = "no\nroom"
};

static void assert_text(const struct tail_item *item, const char *expected)
{
    struct buf out;
    buf_init(&out, NULL, 0);
    tail_marker_text(item, &out);
    assert_true(text_equal(buf_text(&out), trail_str(expected)));
    buf_done(&out);
}

static void each_is_one_safe_line(void **state)
{
    (void)state;
    static const struct tail_item away = { .kind = TAIL_STORE_AWAY, .text = "gone\x1b" };
    static const struct tail_item back = { .kind = TAIL_STORE_BACK };
    struct tail_item              held = gap;
    held.kind = TAIL_HELD;
    assert_text(&gap, "-- gap: 3 events of gate\\x1b\"way/1234 (seq 17-19): not in spool or store --");
    assert_text(&letter, "-- dead letter: 1 event of s/5 (seq 9): no\\nroom --");
    assert_text(&held, "3 events of gate\\x1b\"way/1234 (seq 17-19) cannot be read in the spool; what follows them is "
                       "shown when they are accounted for");
    assert_text(&away, "showing the spools of this machine alone: gone\\x1b");
    assert_text(&back, "the store is there again");
    assert_true(tail_marker_is_record(&gap) && tail_marker_is_record(&letter));
    assert_false(tail_marker_is_record(&held) || tail_marker_is_record(&away) || tail_marker_is_record(&back));
}

static json_t *read_json(const struct tail_item *item, const char *name)
{
    struct buf   out;
    json_error_t error;
    buf_init(&out, NULL, 0);
    tail_marker_json(item, &out);
    json_t *whole = json_loadb(out.data, out.size, 0, &error);
    buf_done(&out);
    assert_non_null(whole);
    assert_int_equal(json_object_size(whole), 1);
    json_t *inner = json_incref(json_object_get(whole, name));
    assert_non_null(inner);
    json_decref(whole);
    return inner;
}

static void json_says_the_same(void **state)
{
    (void)state;
    json_t *object = read_json(&gap, "gap");
    assert_string_equal(json_string_value(json_object_get(object, "service")), "gate\x1b\"way");
    assert_string_equal(json_string_value(json_object_get(object, "writer")), "00000000-0000-0000-0000-000000000000");
    assert_int_equal(json_integer_value(json_object_get(object, "pid")), 1234);
    assert_int_equal(json_integer_value(json_object_get(object, "first_seq")), 17);
    assert_int_equal(json_integer_value(json_object_get(object, "last_seq")), 19);
    assert_int_equal(json_integer_value(json_object_get(object, "count")), 3);
    json_decref(object);
    object = read_json(&letter, "dead_letter");
    assert_string_equal(json_string_value(json_object_get(object, "error")), "no\nroom");
    assert_int_equal(json_integer_value(json_object_get(object, "count")), 1);
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_is_one_safe_line), cmocka_unit_test(json_says_the_same) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
