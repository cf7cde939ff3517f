/* test_changes.c -- an update's changes are exactly the top-level keys whose values differ, or nothing at all.
 *
 * Goal:   no difference is missed, none is made up, limits leave the output as it was, and large objects stay cheap.
 * Method: a table of pairs; single quotes stand for double ones; large objects made in a loop.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_equal.h"
#include "base/text.h"
#include "drain/changes.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static struct trail_text quoted(const char *text)
{
    size_t size = strlen(text);
    char  *copy = malloc(size > 0 ? size : 1);
    assert_non_null(copy);
    for (size_t i = 0; i < size; i++)
        copy[i] = text[i] == '\'' ? '"' : text[i];
    return text_of(copy, size);
}

static void drop(struct trail_text text)
{
    free((void *)(uintptr_t)text.data);
}

static struct trail_event update(struct trail_text before, struct trail_text after)
{
    return (struct trail_event){ TRAIL_EVENT_INIT, .operation = TRAIL_OPERATION_UPDATE, .old_values = before,
                                 .new_values = after };
}

static void every_key_whose_value_differs_is_a_change(void **state)
{
    (void)state;
    static const struct {
        const char *before;
        const char *after;
        const char *changes; /* NULL: none. */
    } cases[] = {
        { "{'a':1}", "{'a':2}", "{'a':{'old':1,'new':2}}" },
        { "{'b':1,'a':'x'}", "{'a':'y','b':2}", "{'a':{'old':'x','new':'y'},'b':{'old':1,'new':2}}" },
        { "{'a':1,'b':2}", "{'a':1,'b':3}", "{'b':{'old':2,'new':3}}" },
        { "{'a':1}", "{}", "{'a':{'old':1,'new':null}}" },
        { "{}", "{'a':{'b': [1, 2]}}", "{'a':{'old':null,'new':{'b': [1, 2]}}}" },
        { "{'a':1}", "{'b':1}", "{'a':{'old':1,'new':null},'b':{'old':null,'new':1}}" },
        { "{'a':1.50}", "{'a':1.5}", NULL },
        { "{'a':1}", "{'a':1.0}", "{'a':{'old':1,'new':1.0}}" },
        { "{'a':{'x':1,'y':2}}", "{ 'a' : { 'y' : 2 , 'x' : 1 } }", NULL },
        { "{'a':'\\u0041'}", "{'a':'A'}", NULL },
        { "{'\\u0061':1}", "{'a':2}", "{'\\u0061':{'old':1,'new':2}}" },
        { "{'a':[1,2]}", "{'a':[2,1]}", "{'a':{'old':[1,2],'new':[2,1]}}" },
        { "{'a':1,'a':2}", "{'a':2}", NULL }, /* The last one counts. */
        { "{'a':1,'a':2}", "{'a':1}", "{'a':{'old':2,'new':1}}" },
        { "{'a':1}", "{'a':2,'a':1}", NULL },
        { "{'a':null}", "{}", NULL },
        { "{}", "{'a':null}", NULL },
        { "{'a':null}", "{'a':0}", "{'a':{'old':null,'new':0}}" },
        { "{'a':99999999999999999999}", "{'a':99999999999999999998}",
          "{'a':{'old':99999999999999999999,'new':99999999999999999998}}" },
        { "{'a':[99999999999999999999]}", "{'a':[99999999999999999999 ]}", /* jansson cannot read them. */
          "{'a':{'old':[99999999999999999999],'new':[99999999999999999999 ]}}" },
        { "{'a':{'x':1,'x':1}}", "{'a':{'x':1, 'x':1}}", "{'a':{'old':{'x':1,'x':1},'new':{'x':1, 'x':1}}}" },
        { "{'':1,'aa':1,'a':1}", "{}", "{'':{'old':1,'new':null},'a':{'old':1,'new':null},'aa':{'old':1,'new':null}}" },
        { "{'a':'\\u0000x'}", "{'a':'\\u0000y'}", "{'a':{'old':'\\u0000x','new':'\\u0000y'}}" },
        { "{}", "{ }", NULL },
        { "{'a':1}", "{'a':1}", NULL },
        { "{'_truncated': true, '_bytes': 5, '_sha256': 'x'}", "{'a':1}", NULL },
        { "{'a':1}", "{'_unparsed':'x','_reason':'y'}", NULL },
        { "{'a':1}", "{'a':2,'_truncated':true}", /* A key of the application's own. */
          "{'_truncated':{'old':null,'new':true},'a':{'old':1,'new':2}}" },
        { "[1]", "{'a':1}", NULL },
        { "{'a':1}", "7", NULL },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct trail_text    before = quoted(cases[i].before);
        struct trail_text    after = quoted(cases[i].after);
        struct trail_text    expected = quoted(cases[i].changes != NULL ? cases[i].changes : "");
        struct trail_event   event = update(before, after);
        enum changes_verdict verdict = CHANGES_CUT;
        struct buf           out;
        buf_init(&out, NULL, 0);
        assert_int_equal(changes_derive(&event, 10000, &out, &verdict), TRAIL_OK);
        assert_int_equal(verdict, cases[i].changes != NULL ? CHANGES_DERIVED : CHANGES_NONE);
        if (!text_equal(buf_text(&out), expected))
            fail_msg("%s to %s gives %.*s", cases[i].before, cases[i].after, (int)out.size, out.data);
        buf_done(&out);
        drop(before);
        drop(after);
        drop(expected);
    }
}

static void only_an_update_with_both_values_and_no_changes_has_any(void **state)
{
    (void)state;
    const struct trail_event whole = update(TRAIL_TEXT("{\"a\":1}"), TRAIL_TEXT("{\"a\":2}"));
    struct trail_event       cases[5] = { whole, whole, whole, whole, whole };
    cases[0].operation = TRAIL_OPERATION_CREATE;
    cases[1].operation = TRAIL_OPERATION_AUTO;
    cases[2].old_values = (struct trail_text){ 0 };
    cases[3].new_values = (struct trail_text){ 0 };
    cases[4].changes = TRAIL_TEXT("{}");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        enum changes_verdict verdict = CHANGES_CUT;
        struct buf           out;
        buf_init(&out, NULL, 0);
        assert_int_equal(changes_derive(&cases[i], 10000, &out, &verdict), TRAIL_OK);
        assert_int_equal(verdict, CHANGES_NONE);
        assert_int_equal(out.size, 0);
        buf_done(&out);
    }
}

static void over_the_limit_nothing_is_appended(void **state)
{
    (void)state;
    static const char  expected[] = "{\"a\":{\"old\":1,\"new\":2},\"b\":{\"old\":1,\"new\":2}}";
    struct trail_event event = update(TRAIL_TEXT("{\"a\":1,\"b\":1}"), TRAIL_TEXT("{\"a\":2,\"b\":2}"));
    for (size_t bytes_max = 0; bytes_max < sizeof expected + 3; bytes_max++) {
        enum changes_verdict verdict = CHANGES_NONE;
        struct buf           out;
        bool                 fits = bytes_max >= sizeof expected - 1;
        buf_init(&out, NULL, 0);
        buf_append_string(&out, "before");
        assert_int_equal(changes_derive(&event, bytes_max, &out, &verdict), TRAIL_OK);
        assert_int_equal(verdict, fits ? CHANGES_DERIVED : CHANGES_CUT);
        assert_int_equal(out.size, 6 + (fits ? sizeof expected - 1 : 0));
        assert_memory_equal(out.data, "before", 6);
        buf_done(&out);
    }
}

/* {"a":[[...]]} with `depth` containers, `inside` in the innermost. */
static void nested(struct buf *out, size_t depth, const char *inside)
{
    buf_init(out, NULL, 0);
    buf_append_string(out, "{\"a\":");
    for (size_t i = 1; i < depth; i++)
        buf_append(out, "[", 1);
    buf_append_string(out, inside);
    for (size_t i = 1; i < depth; i++)
        buf_append(out, "]", 1);
    buf_append(out, "}", 1);
}

static void what_is_derived_is_never_too_deep_for_a_line(void **state)
{
    (void)state;
    for (size_t depth = CHANGES_DEPTH_MAX; depth <= CHANGES_DEPTH_MAX + 1; depth++) {
        enum changes_verdict verdict;
        struct buf           before;
        struct buf           after;
        struct buf           out;
        nested(&before, depth, "1");
        nested(&after, depth, "2");
        buf_init(&out, NULL, 0);
        struct trail_event event = update(buf_text(&before), buf_text(&after));
        assert_int_equal(changes_derive(&event, 10000, &out, &verdict), TRAIL_OK);
        assert_int_equal(verdict, depth == CHANGES_DEPTH_MAX ? CHANGES_DERIVED : CHANGES_CUT);
        if (verdict == CHANGES_DERIVED) {
            struct json_reader reader;
            struct trail_text  value;
            json_start(&reader, buf_text(&out));
            reader.depth_max = JSON_DEPTH_MAX - 1;
            assert_true(json_take_value(&reader, &value));
        }
        buf_done(&before);
        buf_done(&after);
        buf_done(&out);
    }
}

static void many_keys(struct buf *out, unsigned count, unsigned stride, const char *value)
{
    buf_init(out, NULL, 0);
    for (unsigned i = 0; i < count; i++)
        buf_printf(out, "%s\"k%u\":%s", i == 0 ? "{" : ",", i * stride % count, value);
    buf_append(out, "}", 1);
}

static void thousands_of_keys_are_compared_in_any_order(void **state)
{
    (void)state;
    enum changes_verdict verdict;
    struct buf           before;
    struct buf           after;
    struct buf           out;
    many_keys(&before, 8000, 1, "1");
    many_keys(&after, 8000, 7, "1.5");
    buf_init(&out, NULL, 0);
    struct trail_event event = update(buf_text(&before), buf_text(&after));
    assert_int_equal(changes_derive(&event, 1000000, &out, &verdict), TRAIL_OK);
    assert_int_equal(verdict, CHANGES_DERIVED);
    assert_true(json_equal_texts(buf_text(&out), buf_text(&out))); /* JSON, and no key twice. */
    size_t changes = 0;
    for (size_t i = 0; i + 5 < out.size; i++)
        changes += memcmp(out.data + i, "\"old\"", 5) == 0 ? 1 : 0;
    assert_int_equal(changes, 8000);
    buf_done(&before);
    buf_done(&after);

    many_keys(&before, CHANGES_KEYS_MAX, 1, "1");
    event = update(buf_text(&before), TRAIL_TEXT("{\"a\":1}"));
    assert_int_equal(changes_derive(&event, 1000000, &out, &verdict), TRAIL_OK);
    assert_int_equal(verdict, CHANGES_CUT);
    buf_done(&before);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_whose_value_differs_is_a_change),
        cmocka_unit_test(only_an_update_with_both_values_and_no_changes_has_any),
        cmocka_unit_test(over_the_limit_nothing_is_appended),
        cmocka_unit_test(what_is_derived_is_never_too_deep_for_a_line),
        cmocka_unit_test(thousands_of_keys_are_compared_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
