/* test_json_write.c -- what is put together member by member is one JSON value, with the commas where they belong.
 *
 * Goal:   every kind of member, alone, first, in the middle, nested, in arrays; texts that need escaping.
 * Method: the text is compared as a whole, and read back with the pull reader.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/json_write.h"
#include "base/text.h"

static void assert_is(struct buf *out, const char *expected)
{
    struct json_reader reader;
    struct trail_text  all;
    struct trail_text  made = buf_text(out);

    assert_false(buf_failed(out));
    if (!text_equal(made, trail_str(expected)))
        fail_msg("%.*s is not %s", (int)made.size, made.data, expected);
    json_start(&reader, made);
    assert_true(json_take_value(&reader, &all));
    buf_done(out);
}

static void every_kind_of_member(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, NULL, 0);
    json_open(&out, NULL, "{");
    json_put_text(&out, "a\"b", "x\ny");
    json_put_number(&out, "number", UINT64_MAX);
    json_put_signed(&out, "signed", -1);
    json_put_rounded(&out, "rounded", 2.6);
    json_put_bool(&out, "yes", true);
    json_put_bool(&out, "no", false);
    json_put_null(&out, "null");
    json_put_time(&out, "time", 1500000);
    json_put_time(&out, "never", 0);
    json_close(&out, "}");
    assert_is(&out, "{\"a\\\"b\":\"x\\ny\",\"number\":18446744073709551615,\"signed\":-1,\"rounded\":3,\"yes\":true,"
                    "\"no\":false,\"null\":null,\"time\":\"1970-01-01T00:00:01.500000Z\",\"never\":null}");
}

static void brackets_in_brackets(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, NULL, 0);
    json_open(&out, NULL, "{");
    json_open(&out, "list", "[");
    for (int i = 0; i < 2; i++) {
        json_open(&out, NULL, "{");
        json_put_signed(&out, "i", i);
        json_close(&out, "}");
    }
    json_close(&out, "]");
    json_open(&out, "empty", "[");
    json_close(&out, "]");
    json_open(&out, "object", "{");
    json_close(&out, "}");
    json_put_number(&out, "last", 1);
    json_close(&out, "}");
    assert_is(&out, "{\"list\":[{\"i\":0},{\"i\":1}],\"empty\":[],\"object\":{},\"last\":1}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_member),
        cmocka_unit_test(brackets_in_brackets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
